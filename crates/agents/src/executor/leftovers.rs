//! The runs that an earlier executor left: found by their records, and ended as the machine says.

use crate::protocol::Unfinished;
use crate::records::{Leftover, Records};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use systole_core::Time;
use systole_executor::{RunId, Signal};
use systole_sys::process::{ProcessId, kill_group};
use systole_sys::signals;

/// How long a record without a process may wait for it: an executor that was killed between fork
/// and exec leaves a child that is just about to write it.
const SETTLE: Duration = Duration::from_millis(200);
/// How often such a record is read again.
const LOOK: Duration = Duration::from_millis(10);

/// The runs that an earlier executor left.
#[derive(Debug)]
pub(super) struct Leftovers {
    begun: Time,
    next_look: Time,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    id: RunId,
    leftover: Leftover,
    process: Option<(ProcessId, OwnedFd)>,
    /// What it is to get once it says who it is.
    signal: Option<Signal>,
}

impl Leftovers {
    /// Finds what was left.
    pub(super) fn find(now: Time, records: &Records) -> io::Result<Self> {
        let runs = (0..).map(RunId).zip(records.leftovers()?);
        let runs = runs.map(|(id, leftover)| Run { id, leftover, process: None, signal: None });
        Ok(Self { begun: now, next_look: now, runs: runs.collect() })
    }

    /// What they do.
    pub(super) fn runs(&self) -> Vec<Unfinished> {
        self.runs.iter().map(|run| run.leftover.run.clone()).collect()
    }

    /// What wakes us up for them.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.runs.iter().filter_map(|run| run.process.as_ref().map(|(_, watch)| watch.as_fd()))
    }

    /// When [`Leftovers::tend`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        let is_unknown = self.runs.iter().any(|run| run.process.is_none());
        is_unknown.then_some(self.next_look)
    }

    /// Looks for those that have not said who they are, and gives the runs that are over.
    pub(super) fn tend(&mut self, now: Time) -> Vec<RunId> {
        let is_settled = now >= self.begun + SETTLE;
        self.next_look = now + LOOK;
        let mut ended = Vec::new();
        self.runs.retain_mut(|run| {
            let goes_on = run.tend(is_settled);
            if !goes_on {
                ended.push(run.id);
                // One that stays is found again by the next executor, and found to be over.
                let _ = run.leftover.remove();
            }
            goes_on
        });
        ended
    }

    /// Signals one of them. Says whether it is one.
    pub(super) fn signal(&mut self, id: RunId, signal: Signal) -> bool {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else { return false };
        run.signal = Some(signal);
        run.pass_on();
        true
    }
}

impl Run {
    /// Says whether it goes on.
    fn tend(&mut self, is_settled: bool) -> bool {
        let Some((process, _)) = &self.process else {
            let Some(process) = self.leftover.process() else { return !is_settled };
            // Opened before the signal: from here on the number belongs to this process.
            let Ok(Some(watch)) = process.open() else { return false };
            self.process = Some((process, watch));
            self.pass_on();
            return true;
        };
        if process.is_running() {
            return true;
        }
        // What heard the same notice and did not heed it.
        let _ = kill_group(process.pid, signals::Signal::Kill);
        false
    }

    fn pass_on(&mut self) {
        if let Some((process, _)) = &self.process
            && let Some(signal) = self.signal.take()
        {
            let _ = kill_group(process.pid, super::programs::raw(signal));
        }
    }
}
