//! How jobs of a group end, and what follows.

use super::{
    Progress, RETRY_DELAY, Runner, STOP_RETRIES, State, Tale, UNASKED_MAX, back_off, coverage_names,
};
use crate::{Action, JobId, Outcome, Time};

impl Runner {
    /// Processes the end of the running job. Jobs of the past are ignored.
    pub(crate) fn done(&mut self, now: Time, job: JobId, outcome: Outcome) -> Progress {
        if self.job() != Some(job) {
            self.visit("past job");
            return Progress::None;
        }
        self.visit(coverage_names::of_outcome(outcome));
        if let Some((job, _)) = self.job.take()
            && let Some(step) = self.steps.iter_mut().find(|step| step.range.contains(&job.first))
        {
            step.changed = Some(now);
        }
        let progress = self.go_on(now, outcome);
        self.yield_addresses();
        progress
    }

    fn go_on(&mut self, now: Time, outcome: Outcome) -> Progress {
        match self.state {
            State::Starting { step, stop_after, unasked, .. } => {
                if stop_after {
                    self.state = self.stop_step(None, false);
                    return Progress::None;
                }
                self.start_done(now, step, unasked, outcome)
            }
            State::Stopping { step, action, tale, .. } => {
                self.stop_done(now, step, action, tale, outcome)
            }
            State::Releasing { stop_after: true, .. } => {
                self.state = self.stop_step(None, false);
                Progress::None
            }
            State::Releasing { stuck, step, stop_after: false } => {
                // An address that stays is lost at the latest when its lifetime ends.
                self.state = self.release_step(stuck, step);
                Progress::None
            }
            State::Yielding { step } => {
                // An address that stays is stopped again in its turn.
                self.state = self.yield_step(step);
                Progress::None
            }
            State::Idle | State::Active | State::Stuck { .. } => Progress::None,
        }
    }

    fn start_done(&mut self, now: Time, step: usize, unasked: u32, outcome: Outcome) -> Progress {
        let stop_after = false;
        if outcome == Outcome::Cancelled {
            // No one here wanted that: the executor had no permit. It says nothing about the agent.
            let wait_until = Some(now + RETRY_DELAY);
            self.state = State::Starting { step, stop_after, wait_until, unasked };
            return Progress::None;
        }
        if outcome == Outcome::NotAsked && unasked < UNASKED_MAX {
            let wait_until = Some(now + back_off(unasked));
            self.state = State::Starting { step, stop_after, wait_until, unasked: unasked + 1 };
            return Progress::None;
        }
        if outcome == Outcome::Success {
            self.state = self.start_step(step + 1);
            if self.is_active() {
                self.restarted = None;
            }
            return if self.is_active() { Progress::Started } else { Progress::None };
        }
        let resource = self.steps[step].range.start;
        // Where nothing ran before, an agent that could not even be asked to start has nothing to
        // stop. Of several addresses, the kernel may have added some before it ran out of room.
        let begun = step + usize::from(self.steps[step].is_address);
        let is_untouched = self.is_fresh && outcome == Outcome::NotAsked;
        self.restarted = None;
        self.state = self.stop_step(is_untouched.then_some(begun), true);
        Progress::StartFailed { resource, outcome }
    }

    fn stop_done(
        &mut self,
        now: Time,
        step: usize,
        action: Action,
        tale: Tale,
        outcome: Outcome,
    ) -> Progress {
        let resource = self.steps[step].range.start;
        if outcome == Outcome::Cancelled {
            let wait_until = Some(now + RETRY_DELAY);
            self.state = State::Stopping { step, action, wait_until, tale };
            return Progress::None;
        }
        if outcome == Outcome::NotAsked {
            // Neither stopped nor failed: retried for as long as it takes.
            let wait_until = Some(now + back_off(tale.unasked));
            let tale = Tale { unasked: tale.unasked + 1, ..tale };
            self.state = State::Stopping { step, action, wait_until, tale };
            return Progress::None;
        }
        // A missing agent has started nothing. Of the status check after failed stops only a plain
        // "no" counts, because a resource in an unknown state must not be started elsewhere.
        let stopped = match action {
            Action::Stop => matches!(outcome, Outcome::Success | Outcome::Missing),
            Action::Status | Action::Start | Action::Monitor => {
                matches!(outcome, Outcome::NotRunning | Outcome::Missing)
            }
        };
        if stopped {
            let failed = tale.failed;
            if let Some(restart) = self.restart.take_if(|restart| restart.last == step) {
                self.restarted = (restart.first == restart.last).then_some(restart.first);
                self.state = self.start_step(restart.first);
                return match action {
                    Action::Status => Progress::StopDoubtful { resource, failed },
                    Action::Stop | Action::Start | Action::Monitor => Progress::None,
                };
            }
            self.state = self.stop_step(Some(step), failed);
            return match (self.is_idle(), action) {
                (_, Action::Status) => Progress::StopDoubtful { resource, failed },
                (true, _) => Progress::Stopped { failed },
                (false, Action::Stop | Action::Start | Action::Monitor) => Progress::None,
            };
        }
        if action == Action::Status {
            self.restart = None;
            self.state = State::Stuck { step };
            self.give_way_though_stuck(step);
            return Progress::StopFailed { resource, outcome: tale.last };
        }
        let (action, wait_until) = if tale.tries < STOP_RETRIES {
            (Action::Stop, Some(now + RETRY_DELAY))
        } else {
            (Action::Status, None)
        };
        let tale = Tale { tries: tale.tries + 1, unasked: 0, last: outcome, ..tale };
        self.state = State::Stopping { step, action, wait_until, tale };
        Progress::StopRetried { resource, outcome }
    }
}
