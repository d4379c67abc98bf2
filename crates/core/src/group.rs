//! Starting and stopping the resources of one group, in order.

use crate::{Action, GroupId, Job, JobId, Outcome, Resource, ResourceKind, Time};
use std::ops::Range;
use std::time::Duration;

/// How often a failed stop is tried again.
const STOP_RETRIES: u32 = 10;
/// How long to wait before it is.
const STOP_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The resources of a group on this node.
///
/// ```text
///          start               last one runs
///  Idle ──────────▶ Starting ────────────────▶ Active
///   ▲                  │ one failed, or stop      │ stop
///   │  first one       ▼                          │
///   └──stopped────── Stopping ◀───────────────────┘
///                      │ cannot be stopped
///                      ▼
///                    Stuck
/// ```
///
/// Resources start left to right and stop right to left; neighbouring addresses are one step.
/// One job runs at a time.
#[derive(Debug)]
pub(crate) struct Runner {
    group: GroupId,
    steps: Vec<Range<usize>>,
    state: State,
    job: Option<JobId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Starting { step: usize, stop_after: bool },
    Active,
    Stopping { step: usize, action: Action, tries: u32, wait_until: Option<Time>, failed: bool },
    Stuck,
}

/// What a runner has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing new.
    None,
    /// Every resource runs.
    Started,
    /// A resource could not be started; the group is being stopped.
    StartFailed {
        /// The resource, by its place.
        resource: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// Every resource is stopped.
    Stopped {
        /// Because one could not be started.
        failed: bool,
    },
    /// A stop failed and will be tried again.
    StopRetried {
        /// The resource, by its place.
        resource: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// A stop failed for good, but the resource does not run; the next one is stopped.
    StopDoubtful {
        /// The resource, by its place.
        resource: usize,
    },
    /// A resource cannot be stopped.
    StopFailed {
        /// The resource, by its place.
        resource: usize,
    },
}

impl Runner {
    /// Nothing runs.
    pub(crate) fn new(group: GroupId, resources: &[Resource]) -> Self {
        let is_address = |resource: &Resource| matches!(resource.kind, ResourceKind::Address(_));
        let steps = resources.chunk_by(|left, right| is_address(left) && is_address(right));
        let steps = steps.scan(0, |place, step| {
            let first = *place;
            *place += step.len();
            Some(first..*place)
        });
        Self { group, steps: steps.collect(), state: State::Idle, job: None }
    }

    /// Takes it as running, as the executor found it.
    pub(crate) fn adopt(&mut self) {
        self.state = State::Active;
    }

    /// Whether nothing of it runs, or is about to.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether everything runs.
    pub(crate) fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Whether it is being started.
    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.state, State::Starting { .. })
    }

    /// Whether it neither starts nor stops.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Idle | State::Active | State::Stuck)
    }

    /// The job that runs.
    pub(crate) fn job(&self) -> Option<JobId> {
        self.job
    }

    /// Begins to start. Only from idle.
    pub(crate) fn start(&mut self) {
        if self.is_idle() {
            self.state = self.start_step(0);
        }
    }

    /// Begins to stop, or stops once the running job of a start has ended. Every resource is
    /// stopped, also those that were never started.
    pub(crate) fn stop(&mut self) {
        match &mut self.state {
            State::Starting { stop_after, .. } if self.job.is_some() => *stop_after = true,
            State::Starting { .. } | State::Active => self.state = self.stop_step(None, false),
            State::Idle | State::Stopping { .. } | State::Stuck => {}
        }
    }

    /// The executor let go of the group, or holds a part of it only: every resource is stopped,
    /// whatever its state, so that it is known.
    pub(crate) fn let_go(&mut self) {
        self.job = None;
        self.state = self.stop_step(None, false);
    }

    /// The executor is gone, and with it the news of the running job: what was under way is
    /// asked for again.
    pub(crate) fn lose_job(&mut self) {
        if self.job.take().is_none() {
            return;
        }
        match self.state {
            State::Starting { stop_after: true, .. } => self.state = self.stop_step(None, false),
            State::Starting { step, .. } => self.state = self.start_step(step),
            State::Idle | State::Active | State::Stopping { .. } | State::Stuck => {}
        }
    }

    /// The next job, if one is due.
    pub(crate) fn poll(&mut self, now: Time, next: &mut JobId) -> Option<Job> {
        if self.job.is_some() {
            return None;
        }
        let (step, action) = match self.state {
            State::Starting { step, .. } => (step, Action::Start),
            State::Stopping { step, action, ref mut wait_until, .. } => {
                if wait_until.is_some_and(|until| now < until) {
                    return None;
                }
                *wait_until = None;
                (step, action)
            }
            State::Idle | State::Active | State::Stuck => return None,
        };
        next.0 += 1;
        self.job = Some(*next);
        let range = self.steps[step].clone();
        Some(Job { id: *next, group: self.group, first: range.start, count: range.len(), action })
    }

    /// When [`Runner::poll`] next has a job that waits for time to pass.
    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Stopping { wait_until, .. } if self.job.is_none() => wait_until,
            State::Idle
            | State::Starting { .. }
            | State::Active
            | State::Stopping { .. }
            | State::Stuck => None,
        }
    }

    /// Takes note of the end of the running job. Jobs of the past are ignored.
    pub(crate) fn done(&mut self, now: Time, job: JobId, outcome: Outcome) -> Progress {
        if self.job != Some(job) {
            return Progress::None;
        }
        self.job = None;
        match self.state {
            State::Starting { step, stop_after } => self.start_done(step, stop_after, outcome),
            State::Stopping { step, action, tries, failed, .. } => {
                self.stop_done(now, step, action, tries, failed, outcome)
            }
            State::Idle | State::Active | State::Stuck => Progress::None,
        }
    }

    fn start_done(&mut self, step: usize, stop_after: bool, outcome: Outcome) -> Progress {
        if stop_after {
            self.state = self.stop_step(None, false);
            return Progress::None;
        }
        if outcome == Outcome::Success {
            self.state = self.start_step(step + 1);
            return if self.is_active() { Progress::Started } else { Progress::None };
        }
        let resource = self.steps[step].start;
        self.state = self.stop_step(None, true);
        Progress::StartFailed { resource, outcome }
    }

    fn stop_done(
        &mut self,
        now: Time,
        step: usize,
        action: Action,
        tries: u32,
        failed: bool,
        outcome: Outcome,
    ) -> Progress {
        let resource = self.steps[step].start;
        // An agent that is not there has started nothing. Of the last look after failed stops only
        // a plain "no" counts: what nobody knows must not be started elsewhere.
        let stopped = match action {
            Action::Stop => matches!(outcome, Outcome::Success | Outcome::Missing),
            Action::Status | Action::Start | Action::Monitor => {
                matches!(outcome, Outcome::NotRunning | Outcome::Missing)
            }
        };
        if stopped {
            self.state = self.stop_step(Some(step), failed);
            return match (self.is_idle(), action) {
                (true, _) => Progress::Stopped { failed },
                (false, Action::Status) => Progress::StopDoubtful { resource },
                (false, Action::Stop | Action::Start | Action::Monitor) => Progress::None,
            };
        }
        if action == Action::Status {
            self.state = State::Stuck;
            return Progress::StopFailed { resource };
        }
        let (action, wait_until) = if tries < STOP_RETRIES {
            (Action::Stop, Some(now + STOP_RETRY_DELAY))
        } else {
            (Action::Status, None)
        };
        self.state = State::Stopping { step, action, tries: tries + 1, wait_until, failed };
        Progress::StopRetried { resource, outcome }
    }

    fn start_step(&self, step: usize) -> State {
        if step < self.steps.len() {
            State::Starting { step, stop_after: false }
        } else {
            State::Active
        }
    }

    fn stop_step(&self, stopped: Option<usize>, failed: bool) -> State {
        match stopped.unwrap_or(self.steps.len()).checked_sub(1) {
            None => State::Idle,
            Some(step) => {
                State::Stopping { step, action: Action::Stop, tries: 0, wait_until: None, failed }
            }
        }
    }
}

#[cfg(test)]
mod tests;
