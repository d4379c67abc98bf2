//! A simple executor for the exploration, whose state is small: jobs succeed or fail as the exploration says,
//! and everything is let go at once when the permit expires. Worlds run the machine of the real executor.

use crate::machine::Machine;
use crate::services::{Services, Work};
use std::collections::{BTreeMap, BTreeSet};
use systole_core::{Action, GroupId, Job, JobId, Outcome, Time};
use systole_executor::protocol::Held;

/// The executor of one machine. It outlives the daemon, but ends with the machine.
#[derive(Debug, Default)]
pub(super) struct StandIn {
    jobs: BTreeMap<JobId, Job>,
    checks: BTreeSet<JobId>,
    pub(super) permit_until: Option<Time>,
}

impl StandIn {
    /// Begins a job, or returns which order of start or stop it breaks.
    pub(super) fn begin(&mut self, job: Job, services: &mut Services) -> Result<(), String> {
        let running = services.running(job.group);
        let (before, rest) = running.split_at(job.first);
        if job.action == Action::Start && before.contains(&false) {
            return Err(format!("{job:?} starts before its predecessors run: {running:?}"));
        }
        let yields = services.yields(job.group);
        if job.action == Action::Stop && !yields && rest[job.count..].contains(&true) {
            return Err(format!("{job:?} stops before its successors: {running:?}"));
        }
        // A resource that another node has is stopped at the same time as something else.
        let is_aside = |other: &Job| {
            let ends = [job.first + job.count, other.first + other.count];
            let is_apart = ends[0] <= other.first || ends[1] <= job.first;
            yields && is_apart && [job.action, other.action] == [Action::Stop; 2]
        };
        let touches = |other: &Job| other.group == job.group && !is_aside(other);
        if self.jobs.values().any(touches) {
            return Err(format!("{job:?} begins while another job of the group runs"));
        }
        if job.action == Action::Start {
            set(&job, true, services);
        }
        self.jobs.insert(job.id, job);
        self.note(services);
        Ok(())
    }

    /// Begins a check, which finds everything.
    pub(super) fn begin_check(&mut self, id: JobId) {
        self.checks.insert(id);
    }

    /// A job succeeds; returns `None` if it was cancelled or let go meanwhile.
    pub(super) fn end(&mut self, id: JobId, services: &mut Services) -> Option<Outcome> {
        if self.checks.remove(&id) {
            return Some(Outcome::Success);
        }
        let job = self.jobs.remove(&id)?;
        let mut places = job.first..job.first + job.count;
        let runs = |place: usize| services.is_running(job.group, place);
        let outcome = match job.action {
            Action::Start => Outcome::Success,
            Action::Stop => {
                set(&job, false, services);
                Outcome::Success
            }
            // Several addresses are one job, and one remaining address is enough.
            Action::Status if places.any(runs) => Outcome::Running,
            Action::Monitor if places.all(runs) => Outcome::Running,
            Action::Status | Action::Monitor => Outcome::NotRunning,
        };
        self.note(services);
        Some(outcome)
    }

    /// Ends a job at once. A cancelled start has left nothing running.
    pub(super) fn cancel(&mut self, id: JobId, services: &mut Services) -> Option<Outcome> {
        if self.checks.remove(&id) {
            return Some(Outcome::Cancelled);
        }
        let job = self.jobs.remove(&id)?;
        if job.action == Action::Start {
            set(&job, false, services);
        }
        self.note(services);
        Some(Outcome::Cancelled)
    }

    /// Lets go of everything if the permit has expired. Returns the jobs that it ended, and the groups that
    /// it held.
    pub(super) fn let_go(
        &mut self,
        now: Time,
        groups: impl Iterator<Item = GroupId>,
        services: &mut Services,
    ) -> (Vec<JobId>, Vec<GroupId>) {
        if self.permit_until.is_none_or(|until| now < until) {
            return (Vec::new(), Vec::new());
        }
        self.permit_until = None;
        let jobs = std::mem::take(&mut self.jobs).into_keys();
        let jobs = jobs.chain(std::mem::take(&mut self.checks)).collect();
        self.note(services);
        let held: Vec<_> = groups.filter(|group| services.runs(*group)).collect();
        for group in &held {
            for place in 0..services.running(*group).len() {
                services.set_running(*group, place, false);
            }
        }
        (jobs, held)
    }

    /// The machine loses power.
    pub(super) fn power_off(&mut self) {
        *self = Self::default();
    }

    /// The daemon dies: its jobs continue, but no daemon hears of their end.
    pub(super) fn lose_daemon(&mut self, services: &mut Services) {
        self.checks.clear();
        let jobs: Vec<JobId> = self.jobs.keys().copied().collect();
        for job in jobs {
            self.end(job, services);
        }
    }

    /// Records which groups agents work for.
    fn note(&self, services: &mut Services) {
        services.rest();
        for job in self.jobs.values() {
            let is_start = job.action == Action::Start;
            services.work(job.group, if is_start { Work::Starts } else { Work::Other });
        }
    }
}

fn set(job: &Job, runs: bool, services: &mut Services) {
    for place in job.first..job.first + job.count {
        services.set_running(job.group, place, runs);
    }
}

/// Returns what the ledger of a machine lists: what runs, under the term that its daemon stored.
pub(super) fn ledger(machine: &Machine) -> Vec<Held> {
    let settings = &machine.settings;
    let held = settings.group_ids().map(|id| {
        let group = &settings.groups[id.index()];
        let running = machine.services.running(id).iter().zip(&group.resources);
        let mut terms = machine.disk.terms.iter();
        let own = terms.find(|(key, owner, _)| *key == group.key && *owner == machine.id);
        Held {
            group: group.key,
            group_name: group.name().to_owned(),
            term: own.map_or(0, |(_, _, term)| *term),
            resources: running.filter(|(runs, _)| **runs).map(|(_, it)| it.clone()).collect(),
        }
    });
    held.filter(|held| !held.resources.is_empty()).collect()
}
