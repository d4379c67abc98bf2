//! Translates between the terms of the core and those of the protocol between the daemon and its executor.

use crate::protocol::{self, Action, Held, Request, Run, Unfinished};
use std::time::Duration;
use systole_core::{
    Group, GroupId, GroupKey, Holding, Job, JobId, Outcome, Phase, Resource, Settings,
};

/// The first number for jobs of the daemon itself, which the core does not know about.
pub const FIRST_OWN_JOB: u64 = 1 << 63;

/// The longest time for the stop of a resource that runs although its group does not.
const FOREIGN_STOP_MAX: Duration = Duration::from_secs(30);

/// Time limits for agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a start.
    pub start: Duration,
    /// For a stop.
    pub stop: Duration,
    /// For a status or a monitor.
    pub status: Duration,
}

/// What an executor reports about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greeting {
    /// The groups that it holds.
    pub held: Vec<Held>,
    /// The runs that still go on for an earlier daemon or executor.
    pub unfinished: Vec<Unfinished>,
}

impl Greeting {
    /// Returns whether a start or stop of the group goes on for an earlier daemon or executor.
    #[must_use]
    pub fn has_unfinished(&self, group: GroupKey) -> bool {
        let mut steps = self.unfinished.iter().filter(|run| match run.action {
            Action::Start | Action::Stop => true,
            Action::Status | Action::Monitor => false,
        });
        steps.any(|run| run.group == group)
    }
}

/// Returns stop requests for the held resources of a group that no file lists any longer. Their jobs have
/// numbers from `first` on, and do not belong to the core.
#[must_use]
pub fn cleanups(held: &Held, first: u64, timeouts: Timeouts) -> Vec<Run> {
    let stop = |(job, resource): (u64, &Resource)| Run {
        job: JobId(job),
        group: held.group,
        group_name: held.group_name.clone(),
        term: held.term,
        action: Action::Stop,
        resources: vec![resource.clone()],
        timeout_ms: millis(timeouts.stop),
        environment: Vec::new(),
        is_restart: false,
        probes: Vec::new(),
        is_without_agent: false,
    };
    (first..).zip(held.resources.iter().rev()).map(stop).collect()
}

/// Returns whether the core asked for a job.
#[must_use]
pub const fn is_of_core(job: JobId) -> bool {
    job.0 < FIRST_OWN_JOB
}

/// Returns the group with a key.
#[must_use]
pub fn group_of(settings: &Settings, key: GroupKey) -> Option<GroupId> {
    settings.known_groups().find(|(_, group)| group.key == key).map(|(id, _)| id)
}

/// Returns whether all resources of a group are held.
#[must_use]
pub fn is_whole(settings: &Settings, group: GroupId, held: &Held) -> bool {
    settings.groups[group.index()].resources.iter().all(|wanted| held.resources.contains(wanted))
}

/// Returns what an executor holds of the known groups, by their numbers. A group on which the executor
/// still works is not whole.
#[must_use]
pub fn holdings(settings: &Settings, greeting: &Greeting) -> Vec<Holding> {
    let known = |held: &Held| {
        let group = group_of(settings, held.group)?;
        let is_whole = is_whole(settings, group, held) && !greeting.has_unfinished(held.group);
        Some(Holding { group, term: held.term, is_whole })
    };
    greeting.held.iter().filter_map(known).collect()
}

/// Returns the groups of which the executor holds something that the core does not know about, or nothing
/// although the core considers them active. The core stops these groups, so that their state is known again.
#[must_use]
pub fn differences(
    settings: &Settings,
    own_phase: impl Fn(GroupId) -> Phase,
    greeting: &Greeting,
) -> Vec<GroupId> {
    let differs = |(id, group): &(GroupId, &Group)| {
        let key = group.key;
        let is_unfinished = greeting.has_unfinished(key);
        let held = greeting.held.iter().find(|held| held.group == key);
        // A group that is claimed for the sake of others does not run here.
        match own_phase(*id) {
            Phase::Active if group.is_retired => held.is_some(),
            // For a group that is held in part, the core has the rest checked.
            Phase::Active => is_unfinished || held.is_none(),
            // The lost job is requested again, whatever it had done.
            Phase::Starting | Phase::Stopping | Phase::Blocked => false,
            Phase::Stopped | Phase::Failed => held.is_some() || is_unfinished,
        }
    };
    settings.known_groups().filter(differs).map(|(id, _)| id).collect()
}

/// Returns a job in the form of the executor's protocol.
#[must_use]
pub fn request_of(settings: &Settings, job: &Job, term: u64, timeouts: Timeouts) -> Request {
    let group = &settings.groups[job.group.index()];
    let group_name = group.name().to_owned();
    let resources = group.resources[job.first..job.first + job.count].to_vec();
    let mut monitors = settings.monitors_of(job.group);
    let monitor = monitors.find(|(resource, _)| *resource == job.first);
    let timeout = match job.action {
        Action::Monitor => monitor.map_or(timeouts.status, |(_, monitor)| monitor.timeout),
        Action::Status => timeouts.status,
        Action::Start => timeouts.start,
        // A group that starts waits for it.
        Action::Stop if job.is_look => timeouts.stop.min(FOREIGN_STOP_MAX),
        Action::Stop => timeouts.stop,
    };
    let probes = match job.action {
        // Another node answers at the address of a group that does not run here.
        Action::Monitor if !job.is_look => {
            settings.probes_of(job.group, job.first).cloned().collect()
        }
        Action::Monitor | Action::Start | Action::Stop | Action::Status => Vec::new(),
    };
    let is_without_agent = !probes.is_empty() && monitor.is_some_and(|(_, it)| !it.asks_agent);
    Request::Run(Run {
        job: job.id,
        group: group.key,
        group_name,
        term,
        action: job.action,
        resources,
        timeout_ms: millis(timeout),
        environment: Vec::new(),
        is_restart: job.is_restart,
        probes,
        is_without_agent,
    })
}

/// Returns a check of a group in the form of the executor's protocol.
#[must_use]
pub fn check_of(settings: &Settings, job: JobId, group: GroupId) -> Request {
    let group = &settings.groups[group.index()];
    Request::Check { job, group_name: group.name().to_owned(), resources: group.resources.clone() }
}

/// Returns an outcome in the terms of the core.
#[must_use]
pub fn outcome_of(outcome: &protocol::Outcome) -> Outcome {
    match outcome {
        protocol::Outcome::Success => Outcome::Success,
        protocol::Outcome::Running => Outcome::Running,
        protocol::Outcome::NotRunning => Outcome::NotRunning,
        protocol::Outcome::Failed { code, .. } => Outcome::Failed(*code),
        protocol::Outcome::TimedOut => Outcome::TimedOut,
        protocol::Outcome::Missing => Outcome::Missing,
        // A run is refused when it finds no permit or no room. Neither says anything about the agent.
        protocol::Outcome::Cancelled | protocol::Outcome::Refused => Outcome::Cancelled,
        protocol::Outcome::NotAsked { .. } => Outcome::NotAsked,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
