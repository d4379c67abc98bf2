//! Starting and stopping the resources of one group, in order.

mod coverage_names;
mod ends;
mod yielding;

use crate::coverage::{Table, visit};
use crate::{Action, GroupId, Job, JobId, Outcome, Resource, ResourceKind, Time, Words};
use std::ops::Range;
use std::time::Duration;
use yielding::{Aside, Way};

/// How often a failed stop is tried again.
const STOP_RETRIES: u32 = 10;
/// How long to wait before something is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How often an agent that cannot be asked to start is tried again before the others may try: for
/// 15 s, because the wait doubles.
const UNASKED_MAX: u32 = 4;
/// The wait before an agent that cannot be asked is tried again stays below a minute.
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
/// Resources start left to right and stop right to left; neighbouring addresses are one step.
/// A group that another node runs too stops by way of `Yielding`: its addresses first, then as always.
/// One job runs at a time; only addresses that another node has go beside the stop of a service.
#[derive(Debug)]
pub(crate) struct Runner {
    group: GroupId,
    steps: Vec<Step>,
    state: State,
    /// The job that runs, and since when.
    job: Option<(Job, Time)>,
    /// What was said of the start or stop that began last.
    words: Words,
    /// An earlier daemon began its start, and this one has not gone on with it.
    is_taken_up: bool,
    /// Nothing of it ran when its start began.
    is_fresh: bool,
    /// Whether another node has the same addresses, so that they go first.
    way: Way,
    /// The stop of addresses that goes on beside the stop of a service.
    aside: Option<Aside>,
}

/// Resources that start and stop together: one service, or neighbouring addresses.
#[derive(Debug, Clone)]
struct Step {
    range: Range<usize>,
    is_address: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Starting {
        step: usize,
        stop_after: bool,
        wait_until: Option<Time>,
        /// How often its agent could not be asked.
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
    /// It cannot, and the addresses left of it go without it.
    Releasing {
        stuck: usize,
        step: usize,
        /// Everything is tried again after that.
        stop_after: bool,
    },
    /// Another node runs the group too: the addresses go before anything else is stopped.
    Yielding {
        step: usize,
    },
}

/// How a stop came to where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tale {
    /// It began because a resource could not be started.
    failed: bool,
    /// How often the stop of this step failed.
    tries: u32,
    /// How often its agent could not be asked since it last answered.
    unasked: u32,
    /// What came of it last.
    last: Outcome,
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
    /// A stop failed for good, but the resource does not run; the next one is stopped, if there
    /// is one.
    StopDoubtful {
        /// The resource, by its place.
        resource: usize,
        /// The group stops because one could not be started.
        failed: bool,
    },
    /// A resource cannot be stopped.
    StopFailed {
        /// The resource, by its place.
        resource: usize,
        /// What came of the last attempt.
        outcome: Outcome,
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
            Some(Step { range: first..*place, is_address: is_address(&step[0]) })
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
        }
    }

    /// Takes it as running, as the executor found it: it was idle, or its start was to go on.
    pub(crate) fn adopt(&mut self) {
        self.visit("adopt");
        self.state = State::Active;
    }

    /// Takes it as not running: the executor found it so before a job of it was begun, or there is no
    /// executor that could do anything about it.
    pub(crate) fn abandon(&mut self) {
        self.visit("abandon");
        if self.job.is_none() {
            self.state = State::Idle;
        }
    }

    /// Whether nothing of it runs, or is about to.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether something of it may run: nothing does while its first agent could not even be asked to
    /// start.
    pub(crate) fn may_run(&self) -> bool {
        match self.state {
            State::Idle => false,
            State::Starting { step, wait_until, unasked, .. } => {
                step > 0 || wait_until.is_none() || unasked == 0
            }
            State::Active
            | State::Stopping { .. }
            | State::Stuck { .. }
            | State::Releasing { .. }
            | State::Yielding { .. } => true,
        }
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
        matches!(self.state, State::Idle | State::Active | State::Stuck { .. })
    }

    /// Whether a resource of it cannot be stopped.
    pub(crate) fn is_stuck(&self) -> bool {
        matches!(self.state, State::Stuck { .. } | State::Releasing { .. })
    }

    /// Whether its agent could not be asked to stop: there was no process or no room for that.
    pub(crate) fn cannot_ask_to_stop(&self) -> bool {
        match self.state {
            State::Stopping { tale, .. } => tale.unasked > 0,
            State::Idle
            | State::Starting { .. }
            | State::Active
            | State::Stuck { .. }
            | State::Releasing { .. }
            | State::Yielding { .. } => false,
        }
    }

    /// The job that runs.
    pub(crate) fn job(&self) -> Option<JobId> {
        self.job.map(|(job, _)| job.id)
    }

    /// The job that runs, and since when.
    pub(crate) fn running(&self) -> Option<(Job, Time)> {
        self.job
    }

    /// Takes note of what is said of the running job, unless that is a look after stops that have failed.
    pub(crate) fn said(&mut self, job: JobId, words: Words) {
        let is_it =
            |(running, _): (Job, Time)| running.id == job && running.action != Action::Status;
        if self.job.is_some_and(is_it) {
            self.words = words;
        }
    }

    /// What was said of the start or stop that ended last.
    pub(crate) const fn words(&self) -> Words {
        self.words
    }

    /// Begins to start. Only from idle.
    pub(crate) fn start(&mut self) {
        self.visit("start");
        if self.is_idle() {
            (self.way, self.aside) = (Way::Kept, None);
            self.is_fresh = true;
            self.state = self.start_step(0);
        }
    }

    /// Takes up a start that an earlier daemon began, or may have. Only from idle.
    pub(crate) fn take_up(&mut self) {
        self.is_taken_up = self.is_idle();
        self.start();
        self.is_fresh = false;
    }

    /// Goes through its start again, though it runs: nobody knows whether all of it does.
    pub(crate) fn verify(&mut self) {
        self.visit("verify");
        if self.is_active() {
            (self.is_fresh, self.way) = (false, Way::Kept);
            self.state = self.start_step(0);
        }
    }

    /// Whether an earlier daemon began its start, and this one has not gone on with it.
    pub(crate) fn is_taken_up(&self) -> bool {
        self.is_taken_up && self.is_starting()
    }

    /// Begins to stop, or stops once the running job of a start has ended. Every resource is
    /// stopped, also those that were never started. What could not be stopped is tried again.
    pub(crate) fn stop(&mut self) {
        self.visit("stop");
        match &mut self.state {
            State::Starting { stop_after, .. } if self.job.is_some() => *stop_after = true,
            State::Starting { .. } | State::Active | State::Stuck { .. } => {
                self.state = self.stop_step(None, false);
            }
            State::Releasing { stop_after, .. } => *stop_after = true,
            State::Idle | State::Stopping { .. } | State::Yielding { .. } => {}
        }
    }

    /// The executor let go of the group, or holds a part of it only: every resource is stopped,
    /// whatever its state, so that it is known. A stop that goes on is not begun anew.
    pub(crate) fn let_go(&mut self) {
        self.visit("let go");
        if !matches!(self.state, State::Stopping { .. }) {
            (self.job, self.aside) = (None, None);
            self.state = self.stop_step(None, false);
            self.give_way_again();
        }
    }

    /// The executor is gone, and with it the news of the running job. What was about to start does so
    /// from its beginning: what its resources on the left are now nobody knows, and a start asks first.
    pub(crate) fn lose_job(&mut self) {
        self.visit("executor gone");
        (self.job, self.aside) = (None, None);
        self.is_fresh = false;
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
        // The next executor may find them.
        self.give_way_again();
    }

    /// The next job, if one is due.
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
        let range = self.steps[step].range.clone();
        let (first, count) = (range.start, range.len());
        let job = Job { id: *next, group: self.group, first, count, action };
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
        visit(Table::Runner, || (self.state.name(), input));
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

/// How long to wait before an agent is asked again that could not be asked so often.
fn back_off(unasked: u32) -> Duration {
    RETRY_DELAY * 2_u32.pow(unasked.min(DOUBLINGS_MAX))
}

#[cfg(test)]
mod tests;

/// Meets what worlds do not, on this thread.
#[cfg(all(test, feature = "test-hooks"))]
pub(crate) fn every_rare_meeting() {
    tests::every_rare_meeting_of_a_state_and_an_input_has_one_end();
}
