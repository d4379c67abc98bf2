//! The runs that an earlier executor left, which are found by their records and ended as the machine says.

use crate::protocol::Unfinished;
use crate::records::{Leftover, Records};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use systole_core::Time;
use systole_executor::{RunId, Signal};
use systole_sys::process::{ProcessId, has_ended, kill_group};
use systole_sys::signals;

/// How often a record without a process is read again: an executor that was killed between fork and exec
/// leaves a child that is about to write its record.
const LOOK: Duration = Duration::from_millis(10);
/// How often to read it if it takes longer than [`MOMENT`], because the child waits for a disk.
const LATE_LOOK: Duration = Duration::from_millis(200);
/// How long the records are read at short intervals.
const MOMENT: Duration = Duration::from_secs(1);

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
    /// The signal to send once the process is known.
    signal: Option<Signal>,
}

impl Leftovers {
    /// Finds the runs that were left.
    pub(super) fn find(now: Time, records: &Records) -> io::Result<Self> {
        let runs = (0..).map(RunId).zip(records.leftovers()?);
        let runs = runs.map(|(id, leftover)| Run { id, leftover, process: None, signal: None });
        Ok(Self { begun: now, next_look: now, runs: runs.collect() })
    }

    /// The actions of the runs.
    pub(super) fn runs(&self) -> Vec<Unfinished> {
        self.runs.iter().map(|run| run.leftover.run.clone()).collect()
    }

    /// The descriptors that wake up the executor for the runs.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.runs.iter().filter_map(|run| run.process.as_ref().map(|(_, watch)| watch.as_fd()))
    }

    /// The time at which [`Leftovers::tend`] has something to do.
    pub(super) fn deadline(&self) -> Option<Time> {
        let is_unknown = self.runs.iter().any(|run| run.process.is_none());
        is_unknown.then_some(self.next_look)
    }

    /// Looks for the processes that have not recorded themselves yet, and returns the runs that are over.
    pub(super) fn tend(&mut self, now: Time) -> Vec<RunId> {
        self.next_look = now + if now < self.begun + MOMENT { LOOK } else { LATE_LOOK };
        let mut ended = Vec::new();
        self.runs.retain_mut(|run| {
            let goes_on = run.tend();
            if !goes_on {
                ended.push(run.id);
                // A record that stays is found again by the next executor, and found to be over.
                let _ = run.leftover.remove();
            }
            goes_on
        });
        ended
    }

    /// Signals one of the runs. Returns whether the run is one of them.
    pub(super) fn signal(&mut self, id: RunId, signal: Signal) -> bool {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else { return false };
        run.signal = Some(signal);
        run.pass_on();
        true
    }
}

impl Run {
    /// Returns whether the run still goes on. If that cannot be found out, it is checked again.
    fn tend(&mut self) -> bool {
        let Some((process, watch)) = &self.process else { return self.find().unwrap_or(true) };
        if !has_ended(watch.as_fd()) {
            return true;
        }
        // This kills children that were signalled and did not end.
        let _ = kill_group(process.pid, signals::Signal::Kill);
        false
    }

    /// Looks for the run's process. Returns whether the process exists or may exist.
    fn find(&mut self) -> io::Result<bool> {
        // This is checked first: a child that settles has written its record before.
        let is_settled = self.leftover.is_settled()?;
        let Some(process) = self.leftover.process()? else { return Ok(!is_settled) };
        // It is opened before the signal is sent: from here on the number belongs to this process.
        let Some(watch) = process.open()? else { return Ok(false) };
        self.process = Some((process, watch));
        self.pass_on();
        Ok(true)
    }

    fn pass_on(&mut self) {
        if let Some((process, _)) = &self.process
            && let Some(signal) = self.signal.take()
        {
            let _ = kill_group(process.pid, super::programs::raw(signal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Action;
    use rustix::fs::{FlockOperation, flock};
    use systole_core::GroupKey;

    #[test]
    fn leftover_child_before_its_agent_is_awaited_while_its_record_is_locked() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records::open(directory.path().into(), "boot".into()).unwrap();
        let run = Unfinished { group: GroupKey(1), action: Action::Start, resources: Vec::new() };
        let record = records.begin(&run).unwrap();
        // The file is open as in a child whose parent is gone.
        let child = record.file.try_clone().unwrap();
        let mut leftovers = Leftovers::find(Time::from_nanos(0), &records).unwrap();
        for seconds in [0, 1, 100] {
            let now = Time::from_nanos(0) + Duration::from_secs(seconds);
            assert_eq!(leftovers.tend(now), []);
            assert!(leftovers.deadline().is_some_and(|due| due > now));
        }
        assert!(record.path.as_ref().unwrap().exists());
        flock(&child, FlockOperation::Unlock).unwrap();
        assert_eq!(leftovers.tend(Time::from_nanos(0) + Duration::from_secs(101)), [RunId(0)]);
        assert!(!record.path.as_ref().unwrap().exists());
    }
}
