//! A run that is active: its time, and its early end.

use super::jobs::{Active, State, agent_name};
use crate::protocol::{Action, Outcome};
use crate::{Output, Signal};
use std::collections::VecDeque;
use std::time::Duration;
use systole_core::Time;

/// How long an agent may continue after it was asked to end.
pub(super) const KILL_AFTER: Duration = Duration::from_secs(5);
/// How late the end of a check's time may be noticed by a machine that is awake.
const OVERSLEPT: Duration = Duration::from_secs(1);
/// How long to wait for the end of a program that was killed. A program that has not ended by then waits in
/// the kernel, usually for a disk, and may do so forever.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// The reason why a run is ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The run took too long.
    TimedOut,
    /// The program did not start in time.
    NotStarted,
    /// The run is no longer wanted.
    Cancelled,
}

impl Why {
    /// The answer for a program that has begun, or has not.
    pub(super) fn outcome(self, name: &str, has_begun: bool) -> Outcome {
        match self {
            Self::TimedOut => Outcome::TimedOut,
            Self::NotStarted if has_begun => Outcome::TimedOut,
            Self::NotStarted => {
                Outcome::NotAsked { text: format!("the program of {name} does not start in time") }
            }
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

impl Active {
    /// The time at which the machine has something to do for the run.
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Entering { until, .. } | State::Beginning { until, .. } => Some(until),
            State::Running => self.limit,
            State::Changing { .. } => None,
            State::Ending { kill_at, .. } => Some(kill_at),
            State::Killed { give_up_at, .. } => Some(give_up_at),
        }
    }

    /// Whether the run stops something other than an address, or is about to.
    pub(super) fn stops_agents(&self) -> bool {
        let is_stop = self.job.run.action == Action::Stop && !self.job.is_of_addresses();
        is_stop && !matches!(self.state, State::Entering { .. })
    }

    /// Whether the run is the stop of an agent and is not being ended.
    pub(super) fn is_wanted_stop(&self) -> bool {
        self.stops_agents() && self.unwanted().is_none()
    }

    /// Why the run is being ended, if it is.
    pub(super) fn unwanted(&self) -> Option<Why> {
        match self.state {
            State::Beginning { unwanted, .. } => unwanted,
            State::Ending { why, .. } | State::Killed { why, .. } => Some(why),
            State::Entering { .. } | State::Running | State::Changing { .. } => None,
        }
    }

    /// The outcome of a run that was ended early.
    pub(super) fn ended_early(&self, why: Why) -> Outcome {
        let has_begun = !matches!(self.state, State::Killed { has_begun: false, .. });
        // A start that was too late may have started something; a check that was too late says nothing.
        let counts = has_begun && !(self.job.is_check() && why == Why::NotStarted);
        why.outcome(&agent_name(&self.job.run), counts)
    }

    /// Extends the run's time limit by the time that its program had to wait, for which the agent is not to
    /// blame.
    pub(super) fn postpone(&mut self, span: Duration) {
        self.limit = self.limit.map(|limit| limit + span);
    }

    /// Asks the program, and everything that it started, to end.
    pub(super) fn terminate(&mut self, now: Time, why: Why, outbox: &mut VecDeque<Output>) {
        self.state = State::Ending { why, kill_at: now + KILL_AFTER };
        outbox.push_back(Output::Signal { run: self.id, signal: Signal::Terminate });
    }

    /// Whether the limit of a check has passed so long ago that this machine was not awake at that moment.
    pub(super) fn was_overslept(&self, now: Time) -> bool {
        self.job.is_check() && self.limit.is_some_and(|limit| now.since(limit) > OVERSLEPT)
    }

    /// Gives a run its time once more.
    pub(super) fn limit_anew(&mut self, now: Time) {
        self.limit = Some(now + Duration::from_millis(self.job.run.timeout_ms));
    }

    /// Ends the running program: a check changes nothing, so that nothing speaks for giving it more time.
    pub(super) fn interrupt(&mut self, now: Time, why: Why, outbox: &mut VecDeque<Output>) {
        if self.job.is_check() {
            self.kill(now, why, true, outbox);
        } else {
            self.terminate(now, why, outbox);
        }
    }

    pub(super) fn kill(
        &mut self,
        now: Time,
        why: Why,
        has_begun: bool,
        outbox: &mut VecDeque<Output>,
    ) {
        self.state = State::Killed { why, give_up_at: now + GIVE_UP_AFTER, has_begun };
        outbox.push_back(Output::Signal { run: self.id, signal: Signal::Kill });
    }

    /// Ends the run. Does nothing the second time.
    pub(super) fn end(&mut self, now: Time, why: Why, outbox: &mut VecDeque<Output>) {
        match self.state {
            State::Beginning { .. } if self.job.is_check() => self.kill(now, why, false, outbox),
            State::Beginning { since, until, unwanted: None } => {
                let until = until.min(now + KILL_AFTER);
                self.state = State::Beginning { since, until, unwanted: Some(why) };
            }
            State::Running => self.interrupt(now, why, outbox),
            // The caller itself ends runs that are still entering, and a change of addresses takes no time.
            State::Entering { .. }
            | State::Changing { .. }
            | State::Beginning { unwanted: Some(_), .. }
            | State::Ending { .. }
            | State::Killed { .. } => {}
        }
    }
}
