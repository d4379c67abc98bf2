//! What a runner answers.

use super::{Runner, State};
use crate::{Job, JobId, ResourceState, Time};

impl Runner {
    /// Whether nothing of the group runs or is about to.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether something of the group may run: nothing does while its first agent could not even be
    /// asked to start.
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

    /// Whether the group is being started, or a part of it is stopped in order to be started again.
    pub(crate) fn is_starting(&self) -> bool {
        self.restart.is_some() || self.is_adding()
    }

    /// Whether the next job of the group starts something.
    pub(crate) fn is_adding(&self) -> bool {
        matches!(self.state, State::Starting { .. })
    }

    /// Whether the group neither starts nor stops.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Idle | State::Active | State::Stuck { .. })
    }

    /// Whether a resource of the group cannot be stopped.
    pub(crate) fn is_stuck(&self) -> bool {
        matches!(self.state, State::Stuck { .. } | State::Releasing { .. })
    }

    /// Whether the group's agent could not be asked to stop: there was no process or no room for
    /// it.
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

    /// How far each resource is, in their order, and when that last changed, if this run of the
    /// daemon has seen it.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (ResourceState, Option<Time>)> + '_ {
        let steps = self.steps.iter().enumerate();
        steps.flat_map(|(at, step)| {
            let state = self.state_of(at, step.is_address);
            step.range.clone().map(move |_| (state, step.changed))
        })
    }

    fn state_of(&self, at: usize, is_address: bool) -> ResourceState {
        let restarts = self.restart.is_some_and(|restart| at >= restart.last);
        match self.state {
            State::Idle => ResourceState::Stopped,
            State::Starting { step, .. } if at == step => ResourceState::Starting,
            State::Starting { step, .. } if at > step => ResourceState::Stopped,
            State::Stopping { .. } if restarts => ResourceState::Restarting,
            State::Stopping { step, .. } if at == step => ResourceState::Stopping,
            State::Stopping { step, .. } if at > step => ResourceState::Stopped,
            State::Stuck { step } | State::Releasing { stuck: step, .. } if at == step => {
                ResourceState::Blocked
            }
            State::Stuck { step } | State::Releasing { stuck: step, .. } if at > step => {
                ResourceState::Stopped
            }
            State::Releasing { .. } | State::Yielding { .. } if is_address => {
                ResourceState::Stopping
            }
            State::Active
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Stuck { .. }
            | State::Releasing { .. }
            | State::Yielding { .. } => ResourceState::Running,
        }
    }

    /// The id of the running job.
    pub(crate) fn job(&self) -> Option<JobId> {
        self.job.map(|(job, _)| job.id)
    }

    /// The running job and the time when it began.
    pub(crate) fn running(&self) -> Option<(Job, Time)> {
        self.job
    }
}
