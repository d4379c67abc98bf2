//! Ensures that there is one daemon per run directory, even if two are started at the same moment.
//!
//! The lock is held from before the last check of the pid file until the end, and across an exec. The pid
//! file is checked nevertheless, because a C daemon takes no lock.

use super::pid_file;
use super::succession;
use crate::log::{Level, Line, Log};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_ipc::paths::Paths;
use systole_sys::daemonize::{ProcessLock, Running};

/// How long to wait for a daemon that holds the lock before it is reported. Within this time it writes its
/// pid file, finds an error in its files, or ends.
const LIMIT: Duration = Duration::from_secs(10);
/// Time between two checks of the lock.
const STEP: Duration = Duration::from_millis(5);

/// The process that is the daemon.
#[derive(Debug)]
pub(super) enum Only {
    /// This process. Without a lock if it cannot be created.
    Us(Option<ProcessLock>),
    /// Another process, with its number if its pid file gives one.
    Other(Option<i32>),
}

/// Makes this process the only daemon, unless there is one.
///
/// # Errors
///
/// When the pid file cannot be read.
pub(super) fn become_only(paths: &Paths, log: &mut Log) -> io::Result<Only> {
    let limit = Instant::now() + LIMIT;
    loop {
        let taken = ProcessLock::take(&paths.lock());
        if let Running::Yes(pid) = pid_file::running(paths)? {
            return Ok(Only::Other(Some(pid)));
        }
        match taken {
            Ok(Some(lock)) => return Ok(Only::Us(Some(lock))),
            Ok(None) if Instant::now() >= limit => return Ok(Only::Other(None)),
            Ok(None) => sleep(STEP),
            Err(error) => return Ok(Only::Us(without(paths, &error, log))),
        }
    }
}

/// Returns the lock of a successor: the predecessor's lock, or a new one.
pub(super) fn remain_only(paths: &Paths, log: &mut Log) -> Option<ProcessLock> {
    let number = succession::lock_number();
    let inherited = number.and_then(|number| ProcessLock::inherited(&paths.lock(), number));
    inherited.or_else(|| match ProcessLock::take(&paths.lock()) {
        Ok(lock) => lock,
        Err(error) => without(paths, &error, log),
    })
}

fn without(paths: &Paths, error: &io::Error, log: &mut Log) -> Option<ProcessLock> {
    let path = paths.lock();
    let text = format!(
        "Cannot lock {}: {error}. Nothing keeps another heartbeat from starting at the same moment.",
        path.display()
    );
    log.write(&Line::new(Level::Warning, text));
    None
}
