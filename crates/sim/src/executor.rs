//! A model of the executor: agents that take their time and fail, under a permit.

use std::collections::BTreeMap;
use std::time::Duration;
use systole_core::{
    Action, Group, GroupId, Job, JobId, Outcome, Random, ResourceKind, Settings, Time,
};

/// Longest run of an agent here, and so the longest start or stop of one resource.
pub(crate) const AGENT_MAX: Duration = Duration::from_millis(300);
/// How long an agent that hangs is waited for, before it is killed.
const AGENT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a stop is tried for: eleven that hang, a look that hangs, a second between them.
pub(crate) const RETRIES: Duration = Duration::from_secs(50);

/// What is wrong with a resource on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ailment {
    /// It does not start.
    Start,
    /// It does not stop, and says so.
    Stop,
    /// It does not stop, and nobody knows whether it runs.
    StopAndStatus,
}

/// How an ailment shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Its agent fails at once.
    Fails,
    /// Its agent hangs until it is killed.
    Hangs,
}

/// An ailment that lasts until a moment, or until somebody mends it.
#[derive(Debug, Clone, Copy)]
struct Sickness {
    ailment: Ailment,
    manner: Manner,
    until: Option<Time>,
}

/// One group's resources on one machine.
#[derive(Debug, Clone)]
struct Held {
    /// Whether each resource runs, or may run because it is being started or stopped.
    running: Vec<bool>,
    /// What is wrong with each resource on this machine.
    sick: Vec<Option<Sickness>>,
    /// A stop failed or hangs, and none of the whole group has succeeded since.
    is_unstoppable: bool,
    /// Whether a look at it shows that it lacks something.
    lacks: bool,
    /// Since when something of it runs, and when nothing did any more the time before.
    since: Option<Time>,
    ceased: Option<Time>,
}

/// The executor of one machine. It outlives the daemon, and dies with the machine.
#[derive(Debug)]
pub(crate) struct Executor {
    held: Vec<Held>,
    jobs: BTreeMap<JobId, Job>,
    pub(crate) permit_until: Option<Time>,
}

impl Executor {
    pub(crate) fn new(settings: &Settings, random: &mut Random, broken_per_mille: u64) -> Self {
        let held = settings.groups.iter().map(|group| Held {
            running: vec![false; group.resources.len()],
            sick: group
                .resources
                .iter()
                .map(|_| random.chance(broken_per_mille).then(|| Sickness::of_birth(random)))
                .collect(),
            is_unstoppable: false,
            lacks: false,
            since: None,
            ceased: None,
        });
        let mut held: Vec<Held> = held.collect();
        // What is added later is well.
        for held in held.iter_mut().filter(|held| held.sick.iter().any(Option::is_some)) {
            held.lacks = random.chance(500);
        }
        Self { held, jobs: BTreeMap::new(), permit_until: None }
    }

    /// Takes up a group that is new in the world.
    pub(crate) fn add(&mut self, group: &Group) {
        let count = group.resources.len();
        let (running, sick) = (vec![false; count], vec![None; count]);
        let (since, ceased) = (None, None);
        self.held.push(Held { running, sick, is_unstoppable: false, lacks: false, since, ceased });
    }

    /// Whether anything of the group runs, or may.
    pub(crate) fn runs(&self, group: GroupId) -> bool {
        self.held[group.index()].running.iter().any(|runs| *runs)
    }

    /// Whether all of the group runs.
    pub(crate) fn runs_whole(&self, group: GroupId) -> bool {
        self.runs(group) && self.held[group.index()].running.iter().all(|runs| *runs)
    }

    /// Notes when each group began to run, and when it ceased.
    pub(crate) fn note(&mut self, now: Time) {
        for held in &mut self.held {
            let runs = held.running.contains(&true);
            match held.since {
                None if runs => held.since = Some(now),
                Some(_) if !runs => {
                    held.ceased = Some(now);
                    held.since = None;
                }
                None | Some(_) => {}
            }
        }
    }

    /// Since when something of a group runs.
    pub(crate) fn runs_since(&self, group: GroupId) -> Option<Time> {
        let held = &self.held[group.index()];
        held.since.filter(|_| held.running.contains(&true))
    }

    /// Whether something of a group has run at or after a moment.
    pub(crate) fn ran_since(&self, group: GroupId, moment: Time) -> bool {
        let held = &self.held[group.index()];
        self.runs(group) || held.ceased.is_some_and(|ceased| ceased >= moment)
    }

    /// Whether an agent of a group starts, stops or is asked.
    pub(crate) fn is_at_work(&self, group: GroupId) -> bool {
        let works = |job: &Job| job.group == group && job.action != Action::Check;
        self.jobs.values().any(works)
    }

    /// Lets a resource of a group fall ill.
    pub(crate) fn infect(
        &mut self,
        (group, resource): (GroupId, usize),
        (ailment, manner): (Ailment, Manner),
        until: Option<Time>,
    ) {
        let held = &mut self.held[group.index()];
        let place = resource % held.sick.len().max(1);
        if let Some(sick) = held.sick.get_mut(place) {
            *sick = Some(Sickness { ailment, manner, until });
        }
    }

    /// Whether a stop of the group failed here, and none has succeeded since.
    pub(crate) fn is_unstoppable(&self, group: GroupId) -> bool {
        self.held[group.index()].is_unstoppable
    }

    /// Whether something here will not stop before it is mended.
    pub(crate) fn is_incurable(&self) -> bool {
        let sick = self.held.iter().flat_map(|held| held.sick.iter().flatten());
        sick.into_iter().any(|sick| sick.until.is_none() && sick.ailment != Ailment::Start)
    }

    /// Whether a resource of the group is ill here, or was.
    pub(crate) fn was_sick(&self, group: GroupId) -> bool {
        self.held[group.index()].sick.iter().any(Option::is_some)
    }

    /// Mends every resource: the administrator was here.
    pub(crate) fn mend(&mut self) {
        for held in &mut self.held {
            held.sick.fill(None);
            held.lacks = false;
        }
    }

    /// Begins a job. Returns how long it takes, or which order it breaks.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        job: Job,
        settings: &Settings,
        random: &mut Random,
    ) -> Result<Duration, String> {
        let symptom = self.symptom(now, &job);
        let held = &mut self.held[job.group.index()];
        held.is_unstoppable |= job.action == Action::Stop && symptom.is_some();
        let is_unstoppable = held.is_unstoppable;
        let running = &mut self.held[job.group.index()].running;
        let (before, rest) = running.split_at(job.first);
        let after = &rest[job.count..];
        if job.action == Action::Start && before.iter().any(|runs| !runs) {
            return Err(format!("{job:?} starts before its predecessors run: {running:?}"));
        }
        let is_early = job.action == Action::Stop && after.iter().any(|runs| *runs);
        // The addresses of a group go before what cannot be stopped.
        if is_early && !is_unstoppable {
            return Err(format!("{job:?} stops before its successors: {running:?}"));
        }
        if job.action == Action::Check {
            self.jobs.insert(job.id, job);
            return Ok(Duration::from_micros(100 + random.below(1_000)));
        }
        let touches = |other: &Job| other.group == job.group && other.action != Action::Check;
        if self.jobs.values().any(touches) {
            return Err(format!("{job:?} begins while another job of the group runs"));
        }
        if job.action == Action::Start {
            running[job.first..job.first + job.count].fill(true);
        }
        self.jobs.insert(job.id, job);
        if symptom.is_some_and(|sick| sick.manner == Manner::Hangs) {
            return Ok(AGENT_TIMEOUT);
        }
        let resource = &settings.groups[job.group.index()].resources[job.first];
        let longest = match (&resource.kind, job.action) {
            (ResourceKind::Address(_), _) => Duration::from_millis(2),
            (ResourceKind::Agent { .. }, Action::Status | Action::Monitor | Action::Check) => {
                Duration::from_millis(20)
            }
            (ResourceKind::Agent { .. }, Action::Start | Action::Stop) => AGENT_MAX,
        };
        let micros = u64::try_from(longest.as_micros()).unwrap_or(1);
        Ok(Duration::from_micros(100 + random.below(micros)))
    }

    /// Ends a job; `None` if it was cancelled or let go meanwhile.
    pub(crate) fn end(&mut self, now: Time, id: JobId) -> Option<Outcome> {
        let job = self.jobs.remove(&id)?;
        let symptom = self.symptom(now, &job);
        let held = &mut self.held[job.group.index()];
        let range = job.first..job.first + job.count;
        if let Some(Sickness { manner, .. }) = symptom {
            if job.action == Action::Start {
                held.running[range].fill(false);
            }
            return Some(match manner {
                Manner::Fails => Outcome::Failed(1),
                Manner::Hangs => Outcome::TimedOut,
            });
        }
        let outcome = match job.action {
            Action::Check if held.lacks => Outcome::Missing,
            Action::Start | Action::Check => Outcome::Success,
            Action::Stop => {
                held.running[range].fill(false);
                held.is_unstoppable &= held.running.contains(&true);
                Outcome::Success
            }
            // Several addresses are one job, and one that is left is enough.
            Action::Status if held.running[range.clone()].contains(&true) => Outcome::Running,
            Action::Monitor if !held.running[range].contains(&false) => Outcome::Running,
            Action::Status | Action::Monitor => Outcome::NotRunning,
        };
        Some(outcome)
    }

    /// What makes a job fail, if anything does.
    fn symptom(&self, now: Time, job: &Job) -> Option<Sickness> {
        let held = &self.held[job.group.index()];
        let sick = held.sick[job.first..job.first + job.count].iter().flatten();
        let mut sick = sick.filter(|sick| sick.until.is_none_or(|until| now < until));
        sick.find(|sick| match (sick.ailment, job.action) {
            (Ailment::Start, Action::Start)
            | (Ailment::StopAndStatus, Action::Status | Action::Monitor) => true,
            // What does not run is stopped without effort.
            (Ailment::Stop | Ailment::StopAndStatus, Action::Stop) => {
                held.running[job.first..job.first + job.count].contains(&true)
            }
            (_, Action::Check)
            | (Ailment::Start, Action::Stop | Action::Status | Action::Monitor)
            | (Ailment::Stop, Action::Start | Action::Status | Action::Monitor)
            | (Ailment::StopAndStatus, Action::Start) => false,
        })
        .copied()
    }

    /// Ends a job at once. A start that was cancelled has left nothing running.
    pub(crate) fn cancel(&mut self, id: JobId) -> Option<Outcome> {
        let job = self.jobs.remove(&id)?;
        if job.action == Action::Start {
            let running = &mut self.held[job.group.index()].running;
            running[job.first..job.first + job.count].fill(false);
        }
        Some(Outcome::Cancelled)
    }

    /// Lets go of everything if the permit has run out. Returns the jobs that it ended, and the
    /// groups that it held.
    pub(crate) fn let_go(&mut self, now: Time) -> (Vec<JobId>, Vec<GroupId>) {
        if self.permit_until.is_none_or(|until| now < until) {
            return (Vec::new(), Vec::new());
        }
        self.permit_until = None;
        let jobs = std::mem::take(&mut self.jobs).into_keys().collect();
        let mut groups = Vec::new();
        for (group, held) in (0..).map(GroupId).zip(&mut self.held) {
            if held.running.iter().any(|runs| *runs) {
                held.let_go(now);
                groups.push(group);
            }
        }
        (jobs, groups)
    }

    /// The daemon does not know the group: it is stopped, as far as it can be.
    pub(crate) fn release(&mut self, now: Time, group: GroupId) {
        self.held[group.index()].let_go(now);
    }

    /// The machine lost power: nothing runs.
    pub(crate) fn power_off(&mut self) {
        for held in &mut self.held {
            held.running.fill(false);
            held.is_unstoppable = false;
        }
        self.jobs.clear();
        self.permit_until = None;
    }

    /// The daemon died: whatever runs for it goes on, but nobody hears of its end.
    pub(crate) fn lose_daemon(&mut self, now: Time) {
        let jobs: Vec<JobId> = self.jobs.keys().copied().collect();
        for job in jobs {
            self.end(now, job);
        }
    }
}

impl Held {
    /// Stops what can be stopped.
    fn let_go(&mut self, now: Time) {
        for (runs, sick) in self.running.iter_mut().zip(&self.sick) {
            let sick = sick.filter(|sick| sick.until.is_none_or(|until| now < until));
            *runs &= sick.is_some_and(|sick| sick.ailment != Ailment::Start);
            self.is_unstoppable |= *runs;
        }
    }
}

impl Sickness {
    /// One that is there from the beginning.
    fn of_birth(random: &mut Random) -> Self {
        let manner = if random.chance(500) { Manner::Fails } else { Manner::Hangs };
        Self { ailment: Ailment::Start, manner, until: None }
    }
}
