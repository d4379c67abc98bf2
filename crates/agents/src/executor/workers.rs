//! What a main process has left behind that ended without its service being stopped: workers that still have
//! its port would let the next start of the service fail.

use super::mains::{Program, Remains};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use systole_sys::process::{self, ProcessId, has_ended};
use systole_sys::signals::Signal;

/// How long to wait for the end of processes that were signalled, each time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends the processes of these sessions that run the program of the main process. Returns how many there were.
/// Takes up to twice [`PATIENCE`].
pub(super) fn end(remains: &[Remains]) -> usize {
    let mut all = find(remains);
    let number = all.len();
    for signal in [Signal::Terminate, Signal::Kill] {
        for worker in &all {
            // A process that may not be signalled is none that this executor has started.
            let _ = process::signal(worker.as_fd(), signal);
        }
        wait(&mut all);
    }
    number
}

/// Opens the processes, so that no other process is hit that gets the number of one of them.
fn find(remains: &[Remains]) -> Vec<OwnedFd> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let opened = pids.filter_map(|pid: i32| {
        let id = ProcessId::of(pid)?;
        let family = id.family()?;
        let mut of_session = remains.iter().filter(|remains| {
            let leader = remains.leader;
            // A session lives as long as one of its processes, and its number is not given to another process until
            // then; a later session with the number has a leader of another time.
            let is_later = ProcessId::of(leader.pid).is_some_and(|other| other != leader);
            family.session == leader.pid && id.start >= leader.start && !is_later
        });
        let fd = id.open().ok()??;
        let program = Program::of(pid)?;
        of_session.any(|remains| remains.program == program).then_some(fd)
    });
    opened.collect()
}

/// Waits until all have ended, with a limit.
fn wait(workers: &mut Vec<OwnedFd>) {
    let until = Instant::now() + PATIENCE;
    loop {
        workers.retain(|worker| !has_ended(worker.as_fd()));
        let left = until.saturating_duration_since(Instant::now());
        let (Some(worker), false) = (workers.first(), left.is_zero()) else { return };
        let limit = Timespec::try_from(left).ok();
        // An error is a signal, or a lack of memory; the time passes all the same.
        let _ = poll(&mut [PollFd::new(worker, PollFlags::IN)], limit.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A shell with two sleeping children in a session of their own.
    fn start_session(words: &str) -> (std::process::Child, ProcessId) {
        let child = Command::new("setsid").args(["/bin/sh", "-c", words]).spawn().unwrap();
        let id = ProcessId::of(i32::try_from(child.id()).unwrap()).unwrap();
        (child, id)
    }

    #[test]
    fn workers_of_dead_main_process_are_ended_and_other_programs_of_its_session_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let (own, other) = (directory.path().join("own"), directory.path().join("other"));
        // Shells that are other files, so that they count as other programs.
        fs::copy("/bin/sh", &own).unwrap();
        fs::copy("/bin/sh", &other).unwrap();
        let pids = directory.path().join("pids");
        let sleeper = "-c 'trap \"\" TERM; echo $$ >>$0; while :; do sleep 0.1; done'";
        let words = format!(
            "{} {sleeper} {pids} & {} {sleeper} {pids} & wait",
            own.display(),
            other.display(),
            pids = pids.display()
        );
        let (mut child, id) = start_session(&words);
        let until = Instant::now() + Duration::from_secs(10);
        let both = loop {
            let text = fs::read_to_string(&pids).unwrap_or_default();
            if text.lines().count() == 2 {
                break text;
            }
            assert!(Instant::now() < until, "the workers do not run: {text:?}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let ids: Vec<_> =
            both.lines().map(|pid| ProcessId::of(pid.parse().unwrap()).unwrap()).collect();
        let program_of = |file: &std::path::Path| {
            let program = |id: &&ProcessId| {
                fs::read_link(format!("/proc/{}/exe", id.pid)).is_ok_and(|exe| exe == file)
            };
            *ids.iter().find(program).unwrap()
        };
        let (worker, stranger) = (program_of(&own), program_of(&other));
        let program = Program::of(worker.pid).unwrap();
        // A worker that is about to run another program still counts.
        assert!(end(&[Remains { leader: id, program }]) >= 1);
        assert!(!worker.is_running() && stranger.is_running());
        process::kill_group(id.pid, Signal::Kill).unwrap();
        child.wait().unwrap();
    }
}
