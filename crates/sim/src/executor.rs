//! A model of the executor: agents that take their time and fail, under a permit.

use std::collections::BTreeMap;
use std::time::Duration;
use systole_core::{Action, GroupId, Job, JobId, Outcome, Random, ResourceKind, Settings, Time};

/// Longest run of an agent here, and so the longest start or stop of one resource.
pub(crate) const AGENT_MAX: Duration = Duration::from_millis(300);

/// One group's resources on one machine.
#[derive(Debug, Clone)]
struct Held {
    /// Whether each resource runs, or may run because it is being started or stopped.
    running: Vec<bool>,
    /// Resources whose start fails on this machine.
    broken: Vec<bool>,
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
            broken: group.resources.iter().map(|_| random.chance(broken_per_mille)).collect(),
        });
        Self { held: held.collect(), jobs: BTreeMap::new(), permit_until: None }
    }

    /// Whether anything of the group runs, or may.
    pub(crate) fn runs(&self, group: GroupId) -> bool {
        self.held[group.index()].running.iter().any(|runs| *runs)
    }

    /// Whether all of the group runs.
    pub(crate) fn runs_whole(&self, group: GroupId) -> bool {
        self.runs(group) && self.held[group.index()].running.iter().all(|runs| *runs)
    }

    /// Whether a resource of the group cannot be started here.
    pub(crate) fn is_broken(&self, group: GroupId) -> bool {
        self.held[group.index()].broken.iter().any(|broken| *broken)
    }

    /// Mends every resource: the administrator was here.
    pub(crate) fn mend(&mut self) {
        for held in &mut self.held {
            held.broken.fill(false);
        }
    }

    /// Begins a job. Returns how long it takes, or which order it breaks.
    pub(crate) fn begin(
        &mut self,
        job: Job,
        settings: &Settings,
        random: &mut Random,
    ) -> Result<Duration, String> {
        let running = &mut self.held[job.group.index()].running;
        let (before, rest) = running.split_at(job.first);
        let after = &rest[job.count..];
        if job.action == Action::Start && before.iter().any(|runs| !runs) {
            return Err(format!("{job:?} starts before its predecessors run: {running:?}"));
        }
        if job.action == Action::Stop && after.iter().any(|runs| *runs) {
            return Err(format!("{job:?} stops before its successors: {running:?}"));
        }
        if self.jobs.values().any(|other| other.group == job.group) {
            return Err(format!("{job:?} begins while another job of the group runs"));
        }
        if job.action == Action::Start {
            running[job.first..job.first + job.count].fill(true);
        }
        self.jobs.insert(job.id, job);
        let resource = &settings.groups[job.group.index()].resources[job.first];
        let longest = match (&resource.kind, job.action) {
            (ResourceKind::Address(_), _) => Duration::from_millis(2),
            (ResourceKind::Agent { .. }, Action::Status | Action::Monitor) => {
                Duration::from_millis(20)
            }
            (ResourceKind::Agent { .. }, Action::Start | Action::Stop) => AGENT_MAX,
        };
        let micros = u64::try_from(longest.as_micros()).unwrap_or(1);
        Ok(Duration::from_micros(100 + random.below(micros)))
    }

    /// Ends a job; `None` if it was cancelled or let go meanwhile.
    pub(crate) fn end(&mut self, id: JobId) -> Option<Outcome> {
        let job = self.jobs.remove(&id)?;
        let held = &mut self.held[job.group.index()];
        let range = job.first..job.first + job.count;
        let outcome = match job.action {
            Action::Start if held.broken[range.clone()].iter().any(|broken| *broken) => {
                held.running[range].fill(false);
                Outcome::Failed(1)
            }
            Action::Start => Outcome::Success,
            Action::Stop => {
                held.running[range].fill(false);
                Outcome::Success
            }
            Action::Status | Action::Monitor if held.running[job.first] => Outcome::Running,
            Action::Status | Action::Monitor => Outcome::NotRunning,
        };
        Some(outcome)
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
                held.running.fill(false);
                groups.push(group);
            }
        }
        (jobs, groups)
    }

    /// The machine lost power: nothing runs.
    pub(crate) fn power_off(&mut self) {
        for held in &mut self.held {
            held.running.fill(false);
        }
        self.jobs.clear();
        self.permit_until = None;
    }

    /// The daemon died: whatever runs for it goes on, but nobody hears of its end.
    pub(crate) fn lose_daemon(&mut self) {
        let jobs: Vec<JobId> = self.jobs.keys().copied().collect();
        for job in jobs {
            self.end(job);
        }
    }
}
