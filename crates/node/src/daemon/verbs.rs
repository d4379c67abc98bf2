//! What `heartbeat` does beside running: `-s`, `-k`, `-r`.

use crate::configuration::{Files, read_bounded};
use crate::daemon::pid_file::running;
use crate::daemon::{complain, print};
use crate::options::{exit, status};
use crate::paths::Paths;
use std::io;
use std::thread::sleep;
use std::time::Duration;
use systole_sys::daemonize::Running;
use systole_sys::identity;
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

/// Time between two looks whether a daemon has ended.
const POLL_GAP: Duration = Duration::from_millis(50);

/// `-s`.
pub(super) fn tell_status(paths: &Paths) -> io::Result<u8> {
    Ok(match running(paths)? {
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

/// The name in the cluster, as far as it can be known without a sound configuration.
fn node_name(paths: &Paths, machine: &str) -> String {
    let bytes = read_bounded(&paths.configuration.join("nodeinfo")).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let first = text.split_once('\n').map_or(machine, |(first, _)| first.trim());
    first.to_lowercase()
}

/// `-k`: asks the daemon to stop, and waits as long as that takes.
pub(super) fn stop(paths: &Paths) -> io::Result<u8> {
    let Running::Yes(pid) = running(paths)? else {
        complain("INFO: Heartbeat already stopped.\n");
        return Ok(exit::OK);
    };
    let Some(process) = ProcessId::of(pid) else { return Ok(exit::OK) };
    if let Err(error) = kill(pid, Signal::Terminate) {
        complain(&format!("ERROR: Could not kill pid {pid} : {error}\n"));
        return Ok(exit::PERMISSION);
    }
    while process.is_running() {
        sleep(POLL_GAP);
    }
    Ok(exit::OK)
}

/// `-r` while a daemon runs: has it read its files again, if they are sound.
pub(super) fn reload(paths: &Paths, pid: i32) -> u8 {
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
