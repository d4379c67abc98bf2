//! What an earlier executor left running is ended before anything else begins.

use crate::process::KILL_AFTER;
use crate::protocol::Ended;
use crate::records::{Leftover, Records};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use systole_core::Time;
use systole_sys::process::{ProcessId, kill_group};
use systole_sys::signals::Signal;

/// How long a record without a process may wait for it: an executor that was killed between fork
/// and exec leaves a child that is just about to write it.
const SETTLE: Duration = Duration::from_millis(200);
/// How often such a record is read again.
const LOOK: Duration = Duration::from_millis(10);

/// The runs that an earlier executor left.
#[derive(Debug)]
pub(super) struct Adoption {
    begun: Time,
    next_look: Time,
    runs: Vec<Adopted>,
}

#[derive(Debug)]
struct Adopted {
    leftover: Leftover,
    state: State,
}

/// ```text
///  Unknown ──── it says who it is ───▶ Ending ── 5 s ──▶ Killed
///     │                                  │                 │
///     └── it does not ──▶ over ◀── ends ─┴─────────────────┘
/// ```
#[derive(Debug)]
enum State {
    Unknown,
    Ending { process: ProcessId, watch: OwnedFd, kill_at: Time },
    Killed { process: ProcessId, watch: OwnedFd },
}

impl Adoption {
    /// Finds what was left.
    pub(super) fn begin(now: Time, records: &Records) -> io::Result<Self> {
        let runs = records.leftovers()?.into_iter();
        let runs = runs.map(|leftover| Adopted { leftover, state: State::Unknown }).collect();
        Ok(Self { begun: now, next_look: now, runs })
    }

    /// Whether nothing is left any more.
    pub(super) fn is_over(&self) -> bool {
        self.runs.is_empty()
    }

    /// What wakes us up for it.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.runs.iter().filter_map(|run| match &run.state {
            State::Unknown => None,
            State::Ending { watch, .. } | State::Killed { watch, .. } => Some(watch.as_fd()),
        })
    }

    /// When [`Adoption::elapse`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        let deadlines = self.runs.iter().filter_map(|run| match run.state {
            State::Unknown => Some(self.next_look),
            State::Ending { kill_at, .. } => Some(kill_at),
            State::Killed { .. } => None,
        });
        deadlines.min()
    }

    /// Lets time pass. Gives the runs that are over now.
    pub(super) fn elapse(&mut self, now: Time) -> Vec<Ended> {
        let is_settled = now >= self.begun + SETTLE;
        self.next_look = now + LOOK;
        let mut ended = Vec::new();
        self.runs.retain_mut(|run| {
            let goes_on = run.elapse(now, is_settled);
            if !goes_on {
                ended.push(run.leftover.run.clone());
                // One that stays is found again by the next executor, and found to be over.
                let _ = run.leftover.remove();
            }
            goes_on
        });
        ended
    }
}

impl Adopted {
    /// Lets time pass. Says whether the run goes on.
    fn elapse(&mut self, now: Time, is_settled: bool) -> bool {
        match &self.state {
            State::Unknown => match self.leftover.process() {
                Some(process) => self.end(now, process),
                None => !is_settled,
            },
            State::Ending { process, watch, kill_at } => {
                let process = *process;
                if !process.is_running() {
                    // What heard the same notice and did not heed it.
                    let _ = kill_group(process.pid, Signal::Kill);
                    return false;
                }
                if now >= *kill_at
                    && let Ok(watch) = watch.try_clone()
                {
                    let _ = kill_group(process.pid, Signal::Kill);
                    self.state = State::Killed { process, watch };
                }
                true
            }
            State::Killed { process, .. } => process.is_running(),
        }
    }

    /// Asks the run to end. Says whether it was still there.
    fn end(&mut self, now: Time, process: ProcessId) -> bool {
        // Opened before the signal: from here on the number belongs to this process.
        let Ok(Some(watch)) = process.open() else { return false };
        let _ = kill_group(process.pid, Signal::Terminate);
        self.state = State::Ending { process, watch, kill_at: now + KILL_AFTER };
        true
    }
}
