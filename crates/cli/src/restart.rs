//! `hb restart`: the daemon executes its program again.

use crate::daemon::{Presence, ask_daemon, presence, refuse};
use crate::{complain, exit, print};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_core::{GroupReport, Phase, Snapshot};
use systole_ipc::protocol::{Request, Response, Status};

/// Time within which the new daemon must answer. It needs some milliseconds.
const LIMIT: Duration = Duration::from_secs(30);
/// Time between two attempts to ask the new daemon.
const STEP: Duration = Duration::from_millis(20);

/// Restarts the daemon, and waits until the new one answers.
pub(crate) fn run(run: &Path) -> u8 {
    let before = match ask_daemon(run, &Request::Status) {
        Ok(Response::Status(status)) => status,
        Ok(other) => return refuse(&other),
        Err(code) => return code,
    };
    match ask_daemon(run, &Request::Restart) {
        Ok(Response::Done) => {}
        Ok(other) => return refuse(&other),
        Err(code) => return code,
    }
    match await_successor(run, before.snapshot.generation) {
        Ok(after) => {
            print(&format!("done: {} as process {}\n", after.version, after.pid));
            print(&waiting(&after.snapshot));
            exit::OK
        }
        Err(code) => code,
    }
}

/// Waits until a daemon answers that is the successor of one with this generation. If none does, that is
/// printed, and the exit code returned.
pub(crate) fn await_successor(run: &Path, generation: u64) -> Result<Box<Status>, u8> {
    let limit = Instant::now() + LIMIT;
    while Instant::now() < limit {
        match presence(run) {
            Presence::Runs(after) if after.snapshot.generation > generation => return Ok(after),
            Presence::Runs(_) | Presence::Absent | Presence::Unknown => sleep(STEP),
        }
    }
    complain("the new daemon does not answer; the log says why");
    Err(exit::REFUSED)
}

/// The groups that the new daemon holds and that do not run yet, one line each with the reason.
fn waiting(snapshot: &Snapshot) -> String {
    let is_waiting = |group: &&GroupReport| {
        let is_ours = group.owner.as_ref() == Some(&snapshot.node);
        is_ours && matches!(group.phase, Phase::Starting | Phase::Stopping)
    };
    let groups = snapshot.groups.iter().filter(is_waiting);
    groups
        .map(|group| format!("{} stays on this node and waits: {}\n", group.name, group.reason))
        .collect()
}
