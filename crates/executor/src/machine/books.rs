//! The ledger, and whether it is written.

use super::Machine;
use super::jobs::{Job, Whose};
use crate::Output;
use crate::ledger::Ledger;
use crate::protocol::{Action, Held, Level, Outcome, Run};
use std::time::Duration;
use systole_core::{GroupKey, Resource, ResourceKind, Time};

/// How long to wait before a ledger that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The ledger, as it is and as it is written.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) ledger: Ledger,
    /// What is in it and has not started yet, or did not start or stop as it was told to: nobody
    /// knows whether it runs. It is written down with the ledger, so that a successor that finds
    /// what had not even begun does not say that it runs.
    doubtful: Vec<(GroupKey, Resource)>,
    /// The number of the last write that was asked for.
    number: u64,
    /// The number of the last one that succeeded.
    written: u64,
    retry_at: Option<Time>,
}

impl Books {
    pub(super) const fn new(held: Vec<Held>, doubtful: Vec<(GroupKey, Resource)>) -> Self {
        Self { ledger: Ledger::new(held), doubtful, number: 0, written: 0, retry_at: None }
    }

    /// Whether nobody knows if a resource runs.
    pub(super) fn doubts(&self, group: GroupKey, resource: &Resource) -> bool {
        self.doubtful.iter().any(|(other, doubtful)| *other == group && doubtful == resource)
    }

    /// Notes that nobody knows whether resources run. Says whether that is new.
    pub(super) fn doubt(&mut self, group: GroupKey, resources: &[Resource]) -> bool {
        let is_new = |it: &&Resource| self.ledger.has(group, it) && !self.doubts(group, it);
        let new: Vec<_> = resources.iter().filter(is_new).map(|it| (group, it.clone())).collect();
        let changed = !new.is_empty();
        self.doubtful.extend(new);
        changed
    }

    /// Notes that it is known now whether resources run. Says whether that is new.
    fn settle(&mut self, group: GroupKey, resources: &[Resource]) -> bool {
        let before = self.doubtful.len();
        self.doubtful.retain(|(other, it)| *other != group || !resources.contains(it));
        self.doubtful.len() < before
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
        self.books.doubt(group, &entered);
        job.entered = entered;
        let is_behind = self.books.written < self.books.number;
        (changed || is_behind).then(|| self.write())
    }

    /// Notes what came of a start or a stop, for a daemon or a successor that does not hear of it.
    pub(super) fn record_outcome(&mut self, job: &Job, outcome: &Outcome) {
        let run = &job.run;
        match (run.action, outcome) {
            (Action::Start, Outcome::Success) => self.record_running(run.group, &run.resources),
            (Action::Start, Outcome::Failed { .. } | Outcome::TimedOut | Outcome::Cancelled) => {
                self.record_doubt(run);
            }
            // What the executor stops by itself is held until it has stopped.
            (Action::Stop, Outcome::Failed { .. } | Outcome::TimedOut)
                if job.whose == Whose::Daemon =>
            {
                self.record_doubt(run);
            }
            // It was in doubt while it was being stopped.
            (Action::Stop, outcome) if !outcome.is_success() && !job.is_of_addresses() => {
                self.write();
            }
            (Action::Start | Action::Stop | Action::Status | Action::Monitor, _) => {}
        }
    }

    /// Notes, and writes down, that resources run for sure.
    pub(super) fn record_running(&mut self, group: GroupKey, resources: &[Resource]) {
        if self.books.settle(group, resources) {
            self.write();
        }
    }

    /// Notes, and writes down, that nobody knows whether the resources of a run are at work.
    pub(super) fn record_doubt(&mut self, run: &Run) {
        if self.books.doubt(run.group, &run.resources) {
            self.write();
        }
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
            self.books.settle(group, resources);
            changed |= self.books.ledger.strike(group, resources);
        }
        if changed {
            self.write();
        }
    }

    /// Has the ledger written. What was asked for and has not begun says this too, so that hundreds of
    /// groups that start at once cost one write.
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

    /// Puts into a write that begins now what is held now.
    pub(super) fn fill_in(&self, output: &mut Output) {
        if let Output::WriteLedger { number, groups, doubtful } = output {
            *number = self.books.number;
            groups.extend_from_slice(self.held());
            doubtful.extend_from_slice(&self.books.doubtful);
            // Whoever finds neither the run nor its outcome does not say that these run.
            let stops = self.active.iter().filter(|active| active.stops_agents());
            for Run { group, resources, .. } in stops.map(|active| &active.job.run) {
                doubtful.extend(resources.iter().map(|resource| (*group, resource.clone())));
            }
            // Nor what is being let go, between two tries to stop it.
            let let_go = self.held().iter().filter(|held| self.letting_go.has(held.group));
            for Held { group, resources, .. } in let_go {
                let is_agent = |it: &&Resource| matches!(it.kind, ResourceKind::Agent { .. });
                let agents = resources.iter().filter(is_agent);
                doubtful.extend(agents.map(|resource| (*group, resource.clone())));
            }
        }
    }

    /// Notes that the ledger was written, or was not. What waits for it begins, or is not begun.
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

    /// Has the ledger written that somebody has removed, where that is not tried anyway.
    pub(super) fn write_again(&mut self) {
        if self.books.retry_at.is_none() {
            self.write();
        }
    }

    /// Tries again to write what could not be written.
    pub(super) fn elapse_books(&mut self) {
        if self.books.retry_at.is_some_and(|at| self.now >= at) {
            self.write();
        }
    }
}
