//! The actions of `heartbeat` besides running: `-s`, `-k`, `-r`.

use crate::daemon::pid_file::running;
use crate::daemon::{complain, print};
use crate::options::{exit, status};
use std::io;
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_facts::{Files, read_bounded};
use systole_ipc::paths::Paths;
use systole_sys::daemonize::{ProcessLock, Running};
use systole_sys::identity::{self, Credentials};
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

/// Time between two checks whether a daemon has ended.
const POLL_GAP: Duration = Duration::from_millis(50);
/// How long a process that exits may take to end.
const EXIT_WAIT: Duration = Duration::from_secs(10);
/// How long a daemon that is starting or ending may hold the lock before it is reported that one is running.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// `-s`.
pub(super) fn tell_status(paths: &Paths) -> io::Result<u8> {
    Ok(match find(paths)? {
        Running::Yes(pid) => {
            let machine = identity::node_name();
            print(&format!("{}\n", status(pid, &machine, &node_name(paths, &machine))));
            exit::OK
        }
        Running::Stale(_) => {
            print("heartbeat is stopped. No process\n");
            exit::REFUSED
        }
        Running::No => {
            print("heartbeat is stopped. No process\n");
            exit::STOPPED
        }
    })
}

/// The node's name in the cluster, as far as it is known without a valid configuration.
fn node_name(paths: &Paths, machine: &str) -> String {
    let bytes = read_bounded(&paths.configuration.join("nodeinfo")).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let first = text.split_once('\n').map_or(machine, |(first, _)| first.trim());
    first.to_lowercase()
}

/// The daemon that the pid file names, or else the one that listens for orders.
fn find(paths: &Paths) -> io::Result<Running> {
    let listed = running(paths)?;
    if matches!(listed, Running::Yes(_)) {
        return Ok(listed);
    }
    Ok(listener(paths).map_or(listed, Running::Yes))
}

fn listener(paths: &Paths) -> Option<i32> {
    let socket = UnixStream::connect(paths.control_socket()).ok()?;
    let peer = Credentials::of_peer(&socket).ok()?;
    peer.is_own_or_root().then_some(peer.pid)
}

/// Whether a daemon holds the lock. To a user who may not check, the lock appears free.
fn is_locked(paths: &Paths) -> bool {
    matches!(ProcessLock::take(&paths.lock()), Ok(None))
}

/// `-k`: asks the daemon to stop, and waits as long as that takes.
pub(super) fn stop(paths: &Paths) -> io::Result<u8> {
    let limit = Instant::now() + LOCK_LIMIT;
    let pid = loop {
        if let Running::Yes(pid) = find(paths)? {
            break pid;
        }
        if !is_locked(paths) {
            complain("INFO: Heartbeat already stopped.\n");
            return Ok(exit::OK);
        }
        if Instant::now() >= limit {
            let lock = paths.lock();
            complain(&format!(
                "ERROR: A heartbeat is running without a pid file and does not answer: it holds {0}. \
                 `fuser {0}` names it.\n",
                lock.display()
            ));
            return Ok(exit::REFUSED);
        }
        sleep(POLL_GAP);
    };
    let Some(process) = ProcessId::of(pid) else { return Ok(exit::OK) };
    if let Err(error) = kill(pid, Signal::Terminate) {
        complain(&format!("ERROR: Could not kill pid {pid} : {error}\n"));
        return Ok(exit::PERMISSION);
    }
    await_end(process);
    Ok(exit::OK)
}

/// Waits until the process has ended. Its stop takes as long as the agents need; but when it exits, one of its
/// threads may wait for a disk without end.
fn await_end(process: ProcessId) {
    let mut exiting: Option<Instant> = None;
    while process.is_running() {
        if process.is_exiting() {
            let since = *exiting.get_or_insert_with(Instant::now);
            if since.elapsed() >= EXIT_WAIT {
                return complain(
                    "WARN: heartbeat has stopped, but a thread of its process still waits, probably for a \
                     disk.\n",
                );
            }
        }
        sleep(POLL_GAP);
    }
}

/// `-r` while a daemon runs: has the daemon read its files again, if they are valid.
pub(super) fn reload(paths: &Paths, pid: i32) -> u8 {
    let process = rustix::process::Pid::from_raw(pid);
    if let Some(Err(error)) = process.map(rustix::process::test_kill_process) {
        // A user who may not signal the daemon may not read every file either, and that is no error in the
        // files.
        complain(&format!("ERROR: Could not signal pid {pid} : {}\n", io::Error::from(error)));
        return exit::PERMISSION;
    }
    let files = Files::read(&paths.configuration);
    let loaded = files.check(&paths.configuration);
    if loaded.config.is_none() {
        complain(&super::findings::report(&loaded.findings, &files, false));
        complain(&format!("info: Config errors: Heartbeat pid {pid} NOT restarted\n"));
        return exit::REFUSED;
    }
    complain(&format!("info: Signalling heartbeat pid {pid} to reread config files\n"));
    if let Err(error) = kill(pid, Signal::Hangup) {
        complain(&format!("ERROR: Could not signal pid {pid} : {error}\n"));
        return exit::PERMISSION;
    }
    exit::OK
}
