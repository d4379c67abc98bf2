//! The ledger, and whether it is written.

use super::{Machine, jobs::Job};
use crate::Output;
use crate::ledger::Ledger;
use crate::protocol::{Action, Held, Level, Outcome, Run};
use std::time::Duration;
use systole_core::{GroupKey, Resource, Time};

/// How long to wait before a ledger that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The ledger, as it is and as it is written.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) ledger: Ledger,
    /// What is in it and did not start or stop as it was told to: nobody knows whether it runs.
    doubtful: Vec<(GroupKey, Resource)>,
    /// The number of the last write that was asked for.
    number: u64,
    /// The number of the last one that succeeded.
    written: u64,
    retry_at: Option<Time>,
}

impl Books {
    pub(super) const fn new(held: Vec<Held>) -> Self {
        Self {
            ledger: Ledger::new(held),
            doubtful: Vec::new(),
            number: 0,
            written: 0,
            retry_at: None,
        }
    }

    /// Whether nobody knows if a resource runs.
    pub(super) fn doubts(&self, group: GroupKey, resource: &Resource) -> bool {
        self.doubtful.iter().any(|(other, doubtful)| *other == group && doubtful == resource)
    }

    /// Notes that nobody knows whether resources run, or that it is known now.
    fn note_doubt(&mut self, group: GroupKey, resources: &[Resource], is_doubtful: bool) {
        self.doubtful.retain(|(other, it)| *other != group || !resources.contains(it));
        if is_doubtful {
            self.doubtful.extend(resources.iter().map(|resource| (group, resource.clone())));
        }
    }

    /// When it is tried again to write it.
    pub(super) const fn deadline(&self) -> Option<Time> {
        self.retry_at
    }
}

impl Machine {
    /// Enters the resources of a start. Gives the number of the write to wait for, if there is
    /// one: what is started must be on record, so that whoever comes after us stops it.
    pub(super) fn enter(&mut self, job: &mut Job) -> Option<u64> {
        let Run { group, group_name, term, resources, .. } = job.run.clone();
        let (entered, changed) =
            self.books.ledger.enter(&Held { group, group_name, term, resources });
        job.entered = entered;
        let is_behind = self.books.written < self.books.number;
        (changed || is_behind).then(|| self.write())
    }

    /// Notes what came of a start or a stop, for a daemon that does not hear of it.
    pub(super) fn note_doubt(&mut self, run: &Run, outcome: &Outcome) {
        let is_doubtful = match (run.action, outcome) {
            (Action::Start, Outcome::Success) => false,
            (Action::Start | Action::Stop, Outcome::Failed { .. } | Outcome::TimedOut)
            | (Action::Start, Outcome::Cancelled) => true,
            (Action::Start | Action::Stop | Action::Status | Action::Monitor, _) => {
                return;
            }
        };
        self.books.note_doubt(run.group, &run.resources, is_doubtful);
    }

    /// Strikes out what a start has entered and not begun.
    pub(super) fn withdraw(&mut self, job: &Job) {
        self.strike(job.run.group, &job.entered);
    }

    /// Strikes resources of a group out, after they were stopped.
    pub(super) fn strike(&mut self, group: GroupKey, resources: &[Resource]) {
        self.strike_all([(group, resources)]);
    }

    /// Strikes resources of several groups out, and writes that once.
    pub(super) fn strike_all<'a>(
        &mut self,
        stopped: impl IntoIterator<Item = (GroupKey, &'a [Resource])>,
    ) {
        let mut changed = false;
        for (group, resources) in stopped {
            self.addresses.forget(group, resources);
            self.books.note_doubt(group, resources, false);
            changed |= self.books.ledger.strike(group, resources);
        }
        if changed {
            self.write();
        }
    }

    /// Has the ledger written. What was asked for and has not begun says this too, so that hundreds of
    /// groups that start at once cost one write.
    fn write(&mut self) -> u64 {
        self.books.number += 1;
        self.books.retry_at = None;
        let number = self.books.number;
        if !self.outbox.iter().any(|output| matches!(output, Output::WriteLedger { .. })) {
            self.outbox.push_back(Output::WriteLedger { number, groups: Vec::new() });
        }
        number
    }

    /// Puts into a write that begins now what is held now.
    pub(super) fn fill_in(&self, output: &mut Output) {
        if let Output::WriteLedger { number, groups } = output {
            *number = self.books.number;
            groups.extend_from_slice(self.held());
        }
    }

    /// Notes that the ledger was written, or was not. What waits for it begins, or is not begun.
    pub(super) fn note_written(&mut self, number: u64, error: Option<String>) {
        if let Some(error) = error {
            if number == self.books.number {
                self.books.retry_at = Some(self.now + RETRY);
            }
            self.log(Level::Error, format!("Cannot write the ledger: {error}"));
            self.refuse_entering(number, &error);
        } else {
            self.books.written = self.books.written.max(number);
            self.go_on_entering(number);
        }
    }

    /// Tries again to write what could not be written.
    pub(super) fn elapse_books(&mut self) {
        if self.books.retry_at.is_some_and(|at| self.now >= at) {
            self.write();
        }
    }
}
