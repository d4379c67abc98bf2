//! Addresses that are stopped before the rest of their group, or without it.

use super::{Runner, State};
use crate::{Action, Job, JobId, Time};

/// Whether addresses are stopped before the rest of their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// They are stopped in their turn.
    Kept,
    /// They are to be stopped first, once the running job has ended, or beside that job.
    Due,
    /// They are being stopped first, or are already stopped.
    Given,
}

/// Addresses that are stopped beside the stop of a service, which may take its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aside {
    step: usize,
    /// The running stop and the time when it began.
    job: Option<(Job, Time)>,
}

impl Runner {
    /// Returns the next stop of addresses to run beside the running stop of a service.
    pub(crate) fn poll_aside(&mut self, now: Time, next: &mut JobId) -> Option<Job> {
        let is_stop = |(job, _): &(Job, Time)| job.action == Action::Stop;
        // Everything to the right of the service has been stopped in its turn.
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
        let job = Job {
            id: *next,
            group,
            first,
            count,
            action: Action::Stop,
            is_restart: false,
            is_look: false,
        };
        aside.job = Some((job, now));
        Some(job)
    }

    /// Processes the end of a stop that ran beside another one. Returns that job and the time when
    /// it began; `None` if `job` is another job.
    pub(crate) fn aside_done(&mut self, job: JobId) -> Option<(Job, Time)> {
        let Aside { step, job: running } = self.aside?;
        let ended = running.filter(|(running, _)| running.id == job)?;
        // An address that stays is stopped again in its turn.
        self.aside = self.aside_left_of(step);
        Some(ended)
    }

    fn aside_left_of(&self, step: usize) -> Option<Aside> {
        let step = self.steps[..step].iter().rposition(|step| step.is_address)?;
        Some(Aside { step, job: None })
    }

    /// A stop that begins anew stops addresses first again if another node has them.
    pub(super) fn give_way_again(&mut self) {
        let is_stopping = matches!(self.state, State::Stopping { .. } | State::Yielding { .. });
        if self.way != Way::Kept && is_stopping && self.job.is_none() {
            self.way = Way::Given;
            self.state = self.yield_step(self.steps.len());
        }
    }

    /// Begins to stop as [`Runner::stop`] does, but stops the addresses first, because another node
    /// has the group and the same addresses. What runs without them is then stopped in its order.
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

    /// Stops the addresses if that was requested and has not begun.
    pub(super) fn yield_addresses(&mut self) {
        if self.way == Way::Due && matches!(self.state, State::Stopping { .. }) {
            self.way = Way::Given;
            self.state = self.yield_step(self.steps.len());
        }
    }

    /// Stops the addresses of a group that cannot be stopped here and that another node has, unless
    /// they are already stopped.
    pub(super) fn give_way_though_stuck(&mut self, step: usize) {
        if self.way == Way::Due {
            self.way = Way::Given;
            self.state = self.release_step(step, self.steps.len());
        }
    }

    /// Stops the addresses of a group that is stuck, although a resource to the right of them may
    /// run.
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
