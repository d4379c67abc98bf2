//! Letting go of everything: without a permit somebody else may be about to own it.

use super::Machine;
use super::jobs::{Job, Whose};
use crate::protocol::{Action, Held, LetGoReason, Level, Outcome, Report, Run};
use crate::{Output, RunId};
use systole_core::{GroupKey, JobId, Resource, ResourceKind};

/// Milliseconds for one stop. Nobody is there to ask for another limit.
const STOP_TIMEOUT: u64 = 60_000;

/// A letting go that goes on.
#[derive(Debug)]
pub(super) struct LettingGo {
    reason: LetGoReason,
    groups: Vec<GroupKey>,
    /// Addresses that are being removed.
    removal: Option<(RunId, Vec<(GroupKey, Resource)>)>,
    /// Stops of our own that have not ended.
    stops: usize,
}

impl Machine {
    /// Lets go when the permit has run out.
    pub(super) fn check_permit(&mut self) {
        let is_over = self.letting_go.is_some() || self.has_let_go;
        if !is_over && !self.books.ledger.is_empty() && !self.lease.is_valid(self.now) {
            self.log(Level::Error, "No permit any more: letting go of all resources".to_owned());
            self.let_go(LetGoReason::PermitExpired);
        }
    }

    /// Ends every run, removes all addresses at once, then stops the rest, each group from right
    /// to left and all groups at the same time.
    ///
    /// Addresses go first although they may stand left in their group: they are what must never
    /// be on two nodes.
    pub(super) fn let_go(&mut self, reason: LetGoReason) {
        if self.letting_go.is_some() {
            return;
        }
        self.cancel(|_| true);
        self.end_unawaited(|_| true);
        let held = self.held().to_vec();
        let groups = held.iter().map(|held| held.group).collect();
        let removal = self.remove_addresses();
        let mut stops = 0;
        for held in &held {
            for resource in held.resources.iter().rev() {
                if matches!(resource.kind, ResourceKind::Agent { .. }) {
                    let job = Job::new(stop(held, vec![resource.clone()]), Whose::Executor);
                    stops += usize::from(self.queues.push(held.group, job).is_ok());
                }
            }
        }
        self.letting_go = Some(LettingGo { reason, groups, removal, stops });
    }

    fn remove_addresses(&mut self) -> Option<(RunId, Vec<(GroupKey, Resource)>)> {
        let all = self.books.ledger.addresses().map(|(group, held)| (group, held.clone()));
        let all: Vec<_> = all.collect();
        let resources: Vec<_> = all.iter().map(|(_, held)| held.clone()).collect();
        if resources.is_empty() {
            return None;
        }
        let (run, lifetime) = (self.new_run(), self.lifetime());
        self.outbox.push_back(Output::Change { run, action: Action::Stop, resources, lifetime });
        Some((run, all))
    }

    /// Takes the answer to the removal of all addresses. Says whether it was that.
    pub(super) fn note_removed(&mut self, run: RunId, outcome: &Outcome) -> bool {
        let Some(letting_go) = &mut self.letting_go else { return false };
        let Some((_, addresses)) = letting_go.removal.take_if(|(removal, _)| *removal == run)
        else {
            return false;
        };
        if outcome.is_success() {
            let each = addresses.iter().map(|(group, it)| (*group, std::slice::from_ref(it)));
            self.strike_all(each);
        } else {
            // They stay on record, and end with their lifetime, which nobody renews any more.
            let text = format!("Cannot remove addresses: {}", outcome.text());
            self.log(Level::Error, text);
        }
        true
    }

    /// Counts a stop of our own that has ended.
    pub(super) fn note_own_stop(&mut self, job: &Job) {
        if let Some(letting_go) = &mut self.letting_go
            && job.whose == Whose::Executor
        {
            letting_go.stops = letting_go.stops.saturating_sub(1);
        }
    }

    /// Says what became of it once every stop has ended.
    pub(super) fn finish_letting_go(&mut self) {
        let is_over = |it: &mut LettingGo| it.stops == 0 && it.removal.is_none();
        let Some(LettingGo { reason, groups, .. }) = self.letting_go.take_if(is_over) else {
            return;
        };
        self.has_let_go = true;
        let failed = self.held().to_vec();
        self.report(Report::LetGo { reason, groups, failed });
    }
}

/// Stands for no job of the daemon's.
const OWN: JobId = JobId(u64::MAX);

fn stop(held: &Held, resources: Vec<Resource>) -> Run {
    Run {
        job: OWN,
        group: held.group,
        group_name: held.group_name.clone(),
        term: held.term,
        action: Action::Stop,
        resources,
        timeout_ms: STOP_TIMEOUT,
        environment: Vec::new(),
    }
}
