//! The ledger, and whether it is written to disk.

use super::Machine;
use super::jobs::{Job, Whose};
use crate::Output;
use crate::ledger::Ledger;
use crate::protocol::{Action, Held, Level, Outcome, Run};
use std::time::Duration;
use systole_core::{GroupKey, Resource, ResourceKind, Time};

/// How long to wait before a ledger that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The ledger in memory, and what is known about its copy on disk.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) ledger: Ledger,
    /// Resources in the ledger that have not started yet, or whose start or stop did not succeed: it is
    /// unknown whether they run. They are written with the ledger, so that a successor that finds a
    /// resource whose start had not even begun does not report it as running.
    doubtful: Vec<(GroupKey, Resource)>,
    /// The number of the last write that was requested.
    number: u64,
    /// The number of the last write that succeeded.
    written: u64,
    retry_at: Option<Time>,
}

impl Books {
    pub(super) const fn new(held: Vec<Held>, doubtful: Vec<(GroupKey, Resource)>) -> Self {
        Self { ledger: Ledger::new(held), doubtful, number: 0, written: 0, retry_at: None }
    }

    /// Whether it is unknown if a resource runs.
    pub(super) fn doubts(&self, group: GroupKey, resource: &Resource) -> bool {
        self.doubtful.iter().any(|(other, doubtful)| *other == group && doubtful == resource)
    }

    /// Records that it is unknown whether resources run. Returns whether this is new.
    pub(super) fn doubt(&mut self, group: GroupKey, resources: &[Resource]) -> bool {
        let is_new = |it: &&Resource| self.ledger.has(group, it) && !self.doubts(group, it);
        let new: Vec<_> = resources.iter().filter(is_new).map(|it| (group, it.clone())).collect();
        let changed = !new.is_empty();
        self.doubtful.extend(new);
        changed
    }

    /// Records that it is now known whether resources run. Returns whether this is new.
    fn settle(&mut self, group: GroupKey, resources: &[Resource]) -> bool {
        let before = self.doubtful.len();
        self.doubtful.retain(|(other, it)| *other != group || !resources.contains(it));
        self.doubtful.len() < before
    }

    /// The time at which a failed write is tried again.
    pub(super) const fn deadline(&self) -> Option<Time> {
        self.retry_at
    }
}

impl Machine {
    /// Enters the resources of a start. Returns the number of the write to wait for, if any: what is
    /// started must be on record, so that a successor stops it.
    pub(super) fn enter(&mut self, job: &mut Job) -> Option<u64> {
        let Run { group, group_name, term, resources, .. } = job.run.clone();
        let (entered, changed) =
            self.books.ledger.enter(&Held { group, group_name, term, resources });
        self.books.doubt(group, &entered);
        job.entered = entered;
        let is_behind = self.books.written < self.books.number;
        (changed || is_behind).then(|| self.write())
    }

    /// Records the outcome of a start or a stop, for a daemon or a successor that is not sent the outcome.
    pub(super) fn record_outcome(&mut self, job: &Job, outcome: &Outcome) {
        let run = &job.run;
        match (run.action, outcome) {
            (Action::Start, Outcome::Success) => self.record_running(run.group, &run.resources),
            (Action::Start, Outcome::Failed { .. } | Outcome::TimedOut | Outcome::Cancelled) => {
                self.record_doubt(run);
            }
            // What the executor stops on its own initiative is held until it has stopped.
            (Action::Stop, Outcome::Failed { .. } | Outcome::TimedOut)
                if job.whose == Whose::Daemon =>
            {
                self.record_doubt(run);
            }
            // The resource was in doubt while it was being stopped.
            (Action::Stop, outcome) if !outcome.is_success() && !job.is_of_addresses() => {
                self.write();
            }
            (Action::Start | Action::Stop | Action::Status | Action::Monitor, _) => {}
        }
    }

    /// Records, and writes to disk, that resources certainly run.
    pub(super) fn record_running(&mut self, group: GroupKey, resources: &[Resource]) {
        if self.books.settle(group, resources) {
            self.write();
        }
    }

    /// Records, and writes to disk, that it is unknown whether the resources of a run are at work.
    pub(super) fn record_doubt(&mut self, run: &Run) {
        if self.books.doubt(run.group, &run.resources) {
            self.write();
        }
    }

    /// Removes from the ledger what a start has entered but not begun.
    pub(super) fn withdraw(&mut self, job: &Job) {
        self.strike(job.run.group, &job.entered);
    }

    /// Removes resources of a group from the ledger, after they were stopped.
    pub(super) fn strike(&mut self, group: GroupKey, resources: &[Resource]) {
        self.strike_all([(group, resources)]);
    }

    /// Removes resources of several groups from the ledger, with a single write.
    pub(super) fn strike_all<'a>(
        &mut self,
        stopped: impl IntoIterator<Item = (GroupKey, &'a [Resource])>,
    ) {
        let mut changed = false;
        for (group, resources) in stopped {
            self.addresses.forget(group, resources);
            self.books.settle(group, resources);
            changed |= self.books.ledger.strike(group, resources);
        }
        if changed {
            self.write();
        }
    }

    /// Has the ledger written. A write that was requested but has not begun includes this change, so that
    /// hundreds of groups that start at once cost one write.
    pub(super) fn write(&mut self) -> u64 {
        self.books.number += 1;
        self.books.retry_at = None;
        let number = self.books.number;
        if !self.outbox.iter().any(|output| matches!(output, Output::WriteLedger { .. })) {
            let (groups, doubtful) = (Vec::new(), Vec::new());
            self.outbox.push_back(Output::WriteLedger { number, groups, doubtful });
        }
        number
    }

    /// Fills the present contents into a write that begins now.
    pub(super) fn fill_in(&self, output: &mut Output) {
        if let Output::WriteLedger { number, groups, doubtful } = output {
            *number = self.books.number;
            groups.extend_from_slice(self.held());
            doubtful.extend_from_slice(&self.books.doubtful);
            // A successor that finds neither the run nor its outcome must not report that these resources
            // run.
            let stops = self.active.iter().filter(|active| active.stops_agents());
            for Run { group, resources, .. } in stops.map(|active| &active.job.run) {
                doubtful.extend(resources.iter().map(|resource| (*group, resource.clone())));
            }
            // The same holds for what is being let go, between two attempts to stop it.
            let let_go = self.held().iter().filter(|held| self.letting_go.has(held.group));
            for Held { group, resources, .. } in let_go {
                let is_agent = |it: &&Resource| matches!(it.kind, ResourceKind::Agent { .. });
                let agents = resources.iter().filter(is_agent);
                doubtful.extend(agents.map(|resource| (*group, resource.clone())));
            }
        }
    }

    /// Records that the ledger was written, or was not. Runs that wait for this write begin, or are
    /// refused.
    pub(super) fn record_written(&mut self, number: u64, error: Option<String>) {
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

    /// Writes a ledger again whose file was removed, unless a retry is due anyway.
    pub(super) fn write_again(&mut self) {
        if self.books.retry_at.is_none() {
            self.write();
        }
    }

    /// Retries a failed write.
    pub(super) fn elapse_books(&mut self) {
        if self.books.retry_at.is_some_and(|at| self.now >= at) {
            self.write();
        }
    }
}
