//! Addresses that go before the rest of their group, or without it.

use super::{Runner, State};
use crate::{Action, Job, JobId, Time};

/// Whether addresses go before the rest of their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They go in their turn.
    Kept,
    /// They are to go first, once the running job has ended, or beside it.
    Due,
    /// They go first, or have gone.
    Given,
}

/// Addresses that are stopped beside the stop of a service, which may take its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aside {
    step: usize,
    /// What goes on, and since when.
    job: Option<(Job, Time)>,
}

impl Runner {
    /// The next stop of addresses that goes on beside the running stop of a service.
    pub(crate) fn poll_aside(&mut self, now: Time, next: &mut JobId) -> Option<Job> {
        let is_stop = |(job, _): &(Job, Time)| job.action == Action::Stop;
        // What is right of it has been stopped in its turn.
        if let State::Stopping { step, .. } = self.state
            && self.way == Way::Due
            && self.job.as_ref().is_some_and(is_stop)
        {
            self.way = Way::Given;
            self.aside = self.aside_left_of(step);
        }
        let group = self.group;
        let aside = self.aside.as_mut().filter(|aside| aside.job.is_none())?;
        next.0 += 1;
        let range = self.steps[aside.step].range.clone();
        let (first, count) = (range.start, range.len());
        let job = Job { id: *next, group, first, count, action: Action::Stop };
        aside.job = Some((job, now));
        Some(job)
    }

    /// Takes note of the end of a stop that went on beside another one. What it was, and since when; nothing
    /// if it is another job.
    pub(crate) fn aside_done(&mut self, job: JobId) -> Option<(Job, Time)> {
        let Aside { step, job: running } = self.aside?;
        let ended = running.filter(|(running, _)| running.id == job)?;
        // One that stays is stopped again in its turn.
        self.aside = self.aside_left_of(step);
        Some(ended)
    }

    fn aside_left_of(&self, step: usize) -> Option<Aside> {
        let step = self.steps[..step].iter().rposition(|step| step.is_address)?;
        Some(Aside { step, job: None })
    }

    /// Whoever is stopped anew lets addresses go first again if another node has them.
    pub(super) fn give_way_again(&mut self) {
        let is_stopping = matches!(self.state, State::Stopping { .. } | State::Yielding { .. });
        if self.way != Way::Kept && is_stopping && self.job.is_none() {
            self.way = Way::Given;
            self.state = self.yield_step(self.steps.len());
        }
    }

    /// Begins to stop as [`Runner::stop`] does, but for the addresses, which go first: another node has
    /// the group and the same addresses. What runs without them is stopped then, in its order.
    pub(crate) fn give_way(&mut self) {
        if self.way != Way::Kept
            && matches!(self.state, State::Stopping { .. } | State::Yielding { .. })
        {
            return;
        }
        self.stop();
        self.way = if self.is_idle() || self.is_stuck() { Way::Kept } else { Way::Due };
        if self.job.is_none() {
            self.yield_addresses();
        }
    }

    /// Lets the addresses go, if that was asked for and has not begun.
    pub(super) fn yield_addresses(&mut self) {
        if self.way == Way::Due && matches!(self.state, State::Stopping { .. }) {
            self.way = Way::Given;
            self.state = self.yield_step(self.steps.len());
        }
    }

    /// Another node has a group that cannot be stopped here: its addresses go all the same, if they have not
    /// gone.
    pub(super) fn give_way_though_stuck(&mut self, step: usize) {
        if self.way == Way::Due {
            self.way = Way::Given;
            self.state = self.release_step(step, self.steps.len());
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
