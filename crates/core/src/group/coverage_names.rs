//! The names of states and outcomes for the count of transitions.

use super::{Runner, State};
use crate::{Action, Outcome};

impl Runner {
    pub(super) fn state_name(&self) -> &'static str {
        let is_stopping = matches!(self.state, State::Stopping { .. });
        if is_stopping && self.restart.is_some() { "restarting" } else { self.state.name() }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting { stop_after: false, .. } => "starting",
            Self::Starting { stop_after: true, .. } => "starting, to stop",
            Self::Active => "active",
            Self::Stopping { action: Action::Status, .. } => "looking",
            Self::Stopping { action: Action::Start | Action::Stop | Action::Monitor, .. } => {
                "stopping"
            }
            Self::Stuck { .. } => "stuck",
            Self::Releasing { .. } | Self::Yielding { .. } => "releasing",
        }
    }
}

pub(super) const fn of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Running => "running",
        Outcome::NotRunning => "not running",
        Outcome::Failed(_) => "failed",
        Outcome::TimedOut => "timed out",
        Outcome::Missing => "missing",
        Outcome::Cancelled => "cancelled",
        Outcome::NotAsked => "not asked",
    }
}
