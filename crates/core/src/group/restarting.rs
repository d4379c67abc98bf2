//! A resource that has failed while it ran: it is restarted, or the whole group stops.

use super::{Runner, Way};

/// A part of a group that is stopped in order to be started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Restart {
    /// The last step that is stopped.
    pub(super) last: usize,
    /// The first step that is started.
    pub(super) first: usize,
}

impl Runner {
    /// Stops a resource and everything right of it, and starts them again: the resource has failed.
    /// Only while everything runs.
    pub(crate) fn restart(&mut self, resource: usize) {
        self.visit("restart");
        if self.is_active()
            && let Some(step) = self.steps.iter().position(|step| step.range.contains(&resource))
        {
            let restart = Restart { last: step, first: step };
            (self.is_fresh, self.way, self.restart) = (false, Way::Kept, Some(restart));
            self.state = self.stop_step(None, false);
        }
    }

    /// Stops everything because a resource has failed. Only while everything runs.
    pub(crate) fn give_up(&mut self) {
        self.visit("give up");
        if self.is_active() {
            self.state = self.stop_step(None, true);
        }
    }
}
