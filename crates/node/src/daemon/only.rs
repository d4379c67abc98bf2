//! One daemon on one run directory, also where two are started at the same moment.
//!
//! The lock is held from before the last look at the pid file until the end, and over an exec. The pid
//! file is looked at all the same: a C daemon takes no lock.

use super::pid_file;
use super::succession;
use crate::log::{Level, Line, Log};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_ipc::paths::Paths;
use systole_sys::daemonize::{ProcessLock, Running};

/// How long one that starts or ends may keep the lock before it is told: it writes its pid file, or
/// finds a mistake in its files, or is gone.
const LIMIT: Duration = Duration::from_secs(10);
/// Time between two looks whether it has.
const STEP: Duration = Duration::from_millis(5);

/// Who is the daemon.
#[derive(Debug)]
pub(super) enum Only {
    /// We are. Where the lock cannot be made there is none.
    Us(Option<ProcessLock>),
    /// Another process, by its number if its pid file tells that.
    Other(Option<i32>),
}

/// Becomes the only daemon, unless there is one.
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

/// The lock of a successor: that of the program before, or another one.
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
