//! Addresses that go before the rest of their group, or without it.

use super::{Runner, State};

impl Runner {
    /// Begins to stop as [`Runner::stop`] does, but for the addresses, which go first: another node has
    /// the group and the same addresses. What runs without them is stopped then, in its order.
    pub(crate) fn give_way(&mut self) {
        self.stop();
        self.yields = !self.is_idle() && !self.is_stuck();
        if self.job.is_none() {
            self.yield_addresses();
        }
    }

    /// Lets the addresses go, if that was asked for and has not begun.
    pub(super) fn yield_addresses(&mut self) {
        if std::mem::take(&mut self.yields) && matches!(self.state, State::Stopping { .. }) {
            self.state = self.yield_step(self.steps.len());
        }
    }

    /// Stops the addresses of a group that is stuck, though a resource right of them may run.
    pub(crate) fn release_addresses(&mut self) {
        self.visit("release addresses");
        if let State::Stuck { step } = self.state {
            self.state = self.release_step(step, step);
        }
    }

    /// The next addresses left of `step` that go before the rest, if there are any; else the rest.
    pub(super) fn yield_step(&self, step: usize) -> State {
        match self.steps[..step].iter().rposition(|step| step.is_address) {
            Some(step) => State::Yielding { step },
            None => self.stop_step(None, false),
        }
    }

    /// The next addresses left of `step`, if there are any.
    pub(super) fn release_step(&self, stuck: usize, step: usize) -> State {
        match self.steps[..step].iter().rposition(|step| step.is_address) {
            Some(step) => State::Releasing { stuck, step, stop_after: false },
            None => State::Stuck { step: stuck },
        }
    }
}
