//! Starting and stopping the resources of one group, in order.

mod coverage_names;
mod ends;
mod facts;
mod restarting;
mod yielding;

use crate::coverage::{Table, visit};
use crate::{Action, GroupId, Job, JobId, Outcome, Resource, Time, Words};
use restarting::Restart;
use std::ops::Range;
use std::time::Duration;
use yielding::{Aside, Way};

/// How often a failed stop is retried.
const STOP_RETRIES: u32 = 10;
/// How long to wait before a retry.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How many times an agent that cannot be asked to start is retried before the other nodes may try:
/// 15 s in total, because the wait doubles.
const UNASKED_MAX: u32 = 4;
/// Keeps the wait before an agent that cannot be asked is retried below a minute.
const DOUBLINGS_MAX: u32 = 5;

/// The resources of a group on this node.
///
/// ```text
///          start               last one runs
///  Idle ──────────▶ Starting ────────────────▶ Active
///   ▲                  │ one failed, or stop      │ stop
///   │  first one       ▼                          │
///   └──stopped────── Stopping ◀───────────────────┘
///                      │  ▲
///    cannot be stopped ▼  │ stop
///                     Stuck ──release addresses──▶ Releasing ──last one──▶ Stuck
/// ```
///
/// Resources start left to right and stop right to left; neighbouring addresses are one step. A
/// group that another node runs too stops by way of `Yielding`: its addresses first, then
/// everything as always. One job runs at a time, with one exception: addresses that another node
/// has are stopped beside the stop of a service.
#[derive(Debug)]
pub(crate) struct Runner {
    group: GroupId,
    steps: Vec<Step>,
    state: State,
    /// The running job and the time when it began.
    job: Option<(Job, Time)>,
    /// What was said about the start or stop that began last.
    words: Words,
    /// An earlier daemon began to start the group, and this daemon has not continued that start.
    is_taken_up: bool,
    /// Nothing of the group ran when its start began.
    is_fresh: bool,
    /// Whether another node has the same addresses, so that they go first.
    way: Way,
    /// The stop of addresses that runs beside the stop of a service.
    aside: Option<Aside>,
    /// What the stop in progress is for, if it is not for the whole group.
    restart: Option<Restart>,
    /// The first of the steps that were stopped for a restart, from which on none has run since.
    restarted: Option<usize>,
}

/// Resources that start and stop together: one service, or neighbouring addresses.
#[derive(Debug, Clone)]
struct Step {
    range: Range<usize>,
    is_address: bool,
    /// When the last job of the step began or ended.
    changed: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Starting {
        step: usize,
        stop_after: bool,
        wait_until: Option<Time>,
        /// How many times the agent could not be asked.
        unasked: u32,
    },
    Active,
    Stopping {
        step: usize,
        action: Action,
        wait_until: Option<Time>,
        tale: Tale,
    },
    /// The resource of this step cannot be stopped.
    Stuck {
        step: usize,
    },
    /// The resource of step `stuck` cannot be stopped, and the addresses left of it go without it.
    Releasing {
        stuck: usize,
        step: usize,
        /// Everything is retried after that.
        stop_after: bool,
    },
    /// Another node runs the group too: its addresses go before anything else is stopped.
    Yielding {
        step: usize,
    },
}

/// How a stop got to where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tale {
    /// The stop began because a resource could not be started.
    failed: bool,
    /// How many times the stop of this step failed.
    tries: u32,
    /// How many times the agent could not be asked since it last answered.
    unasked: u32,
    /// The last outcome.
    last: Outcome,
}

/// What a runner reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing new.
    None,
    /// Every resource runs.
    Started,
    /// A resource could not be started; the group is being stopped.
    StartFailed {
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the start.
        outcome: Outcome,
    },
    /// Every resource is stopped.
    Stopped {
        /// Whether that is because a resource could not be started.
        failed: bool,
    },
    /// A stop failed and will be retried.
    StopRetried {
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the stop.
        outcome: Outcome,
    },
    /// A stop failed for good, but the resource does not run; the next one, if any, is stopped.
    StopDoubtful {
        /// The resource, by its index in the group.
        resource: usize,
        /// Whether the group stops because a resource could not be started.
        failed: bool,
    },
    /// A resource cannot be stopped.
    StopFailed {
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the last attempt.
        outcome: Outcome,
    },
}

impl Runner {
    /// A runner of which nothing runs.
    pub(crate) fn new(group: GroupId, resources: &[Resource]) -> Self {
        let steps = resources.chunk_by(|left, right| left.is_address() && right.is_address());
        let steps = steps.scan(0, |place, step| {
            let first = *place;
            *place += step.len();
            Some(Step { range: first..*place, is_address: step[0].is_address(), changed: None })
        });
        let (state, words) = (State::Idle, Words::NONE);
        Self {
            group,
            steps: steps.collect(),
            state,
            job: None,
            words,
            is_taken_up: false,
            is_fresh: false,
            way: Way::Kept,
            aside: None,
            restart: None,
            restarted: None,
        }
    }

    /// Takes the group as running because the executor found it so: the group was idle, or its
    /// start was to continue.
    pub(crate) fn adopt(&mut self) {
        self.visit("adopt");
        self.state = State::Active;
    }

    /// Takes the group as not running: the executor found it so before a job of the group began, or
    /// there is no executor that could do anything about it.
    pub(crate) fn abandon(&mut self) {
        self.visit("abandon");
        if self.job.is_none() {
            self.state = State::Idle;
            (self.restart, self.restarted) = (None, None);
        }
    }

    /// Records what is said about the running job, unless that job is the status check after failed
    /// stops.
    pub(crate) fn said(&mut self, job: JobId, words: Words) {
        let is_it =
            |(running, _): (Job, Time)| running.id == job && running.action != Action::Status;
        if self.job.is_some_and(is_it) {
            self.words = words;
        }
    }

    /// What was said about the start or stop that ended last.
    pub(crate) const fn words(&self) -> Words {
        self.words
    }

    /// Begins to start. Only from idle.
    pub(crate) fn start(&mut self) {
        self.visit("start");
        if self.is_idle() {
            (self.restart, self.restarted) = (None, None);
            (self.way, self.aside) = (Way::Kept, None);
            self.is_fresh = true;
            self.state = self.start_step(0);
        }
    }

    /// Continues a start that an earlier daemon began or may have begun. Only from idle.
    pub(crate) fn take_up(&mut self) {
        self.is_taken_up = self.is_idle();
        self.start();
        self.is_fresh = false;
    }

    /// Goes through the start again although the group runs, because it is unknown whether all of
    /// it does.
    pub(crate) fn verify(&mut self) {
        self.visit("verify");
        if self.is_active() {
            (self.is_fresh, self.way) = (false, Way::Kept);
            self.state = self.start_step(0);
        }
    }

    /// Whether an earlier daemon began to start the group, and this daemon has not continued that
    /// start.
    pub(crate) fn is_taken_up(&self) -> bool {
        self.is_taken_up && self.is_starting()
    }

    /// Begins to stop, or stops once the running job of a start has ended. Every resource is
    /// stopped, even those that were never started. A resource that could not be stopped is
    /// retried.
    pub(crate) fn stop(&mut self) {
        self.visit("stop");
        (self.restart, self.restarted) = (None, None);
        match &mut self.state {
            State::Starting { stop_after, .. } if self.job.is_some() => *stop_after = true,
            State::Starting { .. } | State::Active | State::Stuck { .. } => {
                self.state = self.stop_step(None, false);
            }
            State::Releasing { stop_after, .. } => *stop_after = true,
            State::Idle | State::Stopping { .. } | State::Yielding { .. } => {}
        }
    }

    /// The executor let go of the group, or holds only a part of it: every resource is stopped,
    /// whatever its state, so that its state is known. A stop already in progress is not restarted.
    pub(crate) fn let_go(&mut self) {
        self.visit("let go");
        (self.restart, self.restarted) = (None, None);
        if !matches!(self.state, State::Stopping { .. }) {
            (self.job, self.aside) = (None, None);
            self.state = self.stop_step(None, false);
            self.give_way_again();
        }
    }

    /// The executor is gone, and with it the result of the running job. A start begins again from
    /// the first resource, because the state of the resources on the left is unknown, and a start
    /// asks first.
    pub(crate) fn lose_job(&mut self) {
        self.visit("executor gone");
        (self.job, self.aside) = (None, None);
        (self.is_fresh, self.restarted) = (false, None);
        if let Some(restart) = &mut self.restart {
            // The same holds for what is left of a part that restarts.
            restart.first = 0;
        }
        match self.state {
            State::Starting { stop_after: true, .. } => self.state = self.stop_step(None, false),
            State::Starting { .. } => self.state = self.start_step(0),
            State::Idle
            | State::Active
            | State::Stopping { .. }
            | State::Stuck { .. }
            | State::Releasing { .. }
            | State::Yielding { .. } => {}
        }
        // The next executor may find the addresses.
        self.give_way_again();
    }

    /// Returns the next job, if one is due.
    pub(crate) fn poll(&mut self, now: Time, next: &mut JobId) -> Option<Job> {
        if self.job.is_some() || self.aside.is_some() {
            return None;
        }
        let mut none = None;
        let (step, action, wait_until) = match &mut self.state {
            State::Starting { step, wait_until, .. } => (*step, Action::Start, wait_until),
            State::Stopping { step, action, wait_until, .. } => (*step, *action, wait_until),
            State::Releasing { step, .. } | State::Yielding { step } => {
                (*step, Action::Stop, &mut none)
            }
            State::Idle | State::Active | State::Stuck { .. } => return None,
        };
        if wait_until.is_some_and(|until| now < until) {
            return None;
        }
        *wait_until = None;
        if action != Action::Status {
            self.words = Words::NONE;
        }
        self.is_taken_up = false;
        next.0 += 1;
        self.steps[step].changed = Some(now);
        let range = self.steps[step].range.clone();
        let (first, count) = (range.start, range.len());
        let is_restart = action == Action::Start && self.restarted.is_some_and(|from| step >= from);
        let job =
            Job { id: *next, group: self.group, first, count, action, is_restart, is_look: false };
        self.job = Some((job, now));
        Some(job)
    }

    /// When [`Runner::poll`] next has a job that waits for time to pass.
    pub(crate) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Starting { wait_until, .. } | State::Stopping { wait_until, .. } => {
                wait_until.filter(|_| self.job.is_none() && self.aside.is_none())
            }
            State::Idle
            | State::Active
            | State::Stuck { .. }
            | State::Releasing { .. }
            | State::Yielding { .. } => None,
        }
    }

    fn visit(&self, input: &'static str) {
        visit(Table::Runner, || (self.state_name(), input));
    }

    fn start_step(&self, step: usize) -> State {
        if step < self.steps.len() {
            State::Starting { step, stop_after: false, wait_until: None, unasked: 0 }
        } else {
            State::Active
        }
    }

    fn stop_step(&self, stopped: Option<usize>, failed: bool) -> State {
        match stopped.unwrap_or(self.steps.len()).checked_sub(1) {
            None => State::Idle,
            Some(step) => {
                let tale = Tale { failed, tries: 0, unasked: 0, last: Outcome::Success };
                State::Stopping { step, action: Action::Stop, wait_until: None, tale }
            }
        }
    }
}

/// How long to wait before an agent is asked again that could not be asked this many times.
fn back_off(unasked: u32) -> Duration {
    RETRY_DELAY * 2_u32.pow(unasked.min(DOUBLINGS_MAX))
}

#[cfg(test)]
mod tests;

/// Covers transitions that the simulated worlds do not reach, on this thread.
#[cfg(all(test, feature = "test-hooks"))]
pub(crate) fn every_rare_meeting() {
    tests::runner_at_rare_input_reaches_listed_state();
}
