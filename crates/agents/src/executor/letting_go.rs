//! Letting go of everything: without a permit somebody else may be about to own it.

use super::Executor;
use super::jobs::Job;
use crate::protocol::{Action, Held, LetGoReason, Level, Outcome, Report, Run};
use systole_core::{GroupKey, JobId, Resource, ResourceKind};

/// Milliseconds for one stop. Nobody is there to ask for another limit.
const STOP_TIMEOUT: u64 = 60_000;

/// A letting go that goes on.
#[derive(Debug)]
pub(super) struct LettingGo {
    reason: LetGoReason,
    groups: Vec<GroupKey>,
    /// Stops of our own that have not ended.
    stops: usize,
}

impl Executor {
    /// Lets go when the permit has run out.
    pub(super) fn check_permit(&mut self) {
        let is_over = self.letting_go.is_some() || self.has_let_go;
        if !is_over && !self.ledger.is_empty() && !self.lease.is_valid(self.now) {
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
        let held = self.ledger.groups().to_vec();
        let groups = held.iter().map(|held| held.group).collect();
        self.remove_addresses(&held);
        let mut stops = 0;
        for held in &held {
            for resource in held.resources.iter().rev() {
                if matches!(resource.kind, ResourceKind::Agent { .. }) {
                    let job =
                        Job { run: stop(held, vec![resource.clone()]), is_from_daemon: false };
                    stops += usize::from(self.queues.push(held.group, job).is_ok());
                }
            }
        }
        self.letting_go = Some(LettingGo { reason, groups, stops });
    }

    fn remove_addresses(&mut self, held: &[Held]) {
        let all: Vec<Resource> = self.ledger.addresses().map(|(_, held)| held.clone()).collect();
        if all.is_empty() {
            return;
        }
        if let Outcome::Failed { text, .. } = self.agent.stop(&all) {
            // They stay on record, and end with their lifetime, which nobody renews any more.
            return self.log(Level::Error, format!("Cannot remove addresses: {text}"));
        }
        for held in held {
            self.strike(&stop(held, all.clone()));
        }
    }

    /// Counts a stop of our own that has ended.
    pub(super) fn note_own_stop(&mut self, job: &Job) {
        if let Some(letting_go) = &mut self.letting_go
            && job.run.job == OWN
        {
            letting_go.stops = letting_go.stops.saturating_sub(1);
        }
    }

    /// Says what became of it once every stop has ended.
    pub(super) fn finish_letting_go(&mut self) {
        let Some(LettingGo { reason, groups, .. }) =
            self.letting_go.take_if(|letting_go| letting_go.stops == 0)
        else {
            return;
        };
        self.has_let_go = true;
        let failed = self.ledger.groups().to_vec();
        self.report(&Report::LetGo { reason, groups, failed });
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
