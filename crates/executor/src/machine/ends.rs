//! Runs, from their program to their end.

use super::Machine;
use super::jobs::{Abandoned, Active, Job, State, Whose, agent_name};
use super::letting_go::STOP_TIMEOUT;
use crate::protocol::{Action, Level, Outcome, Report, Run, Unfinished};
use crate::{Output, RunId, Signal};
use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{JobId, Time};

/// How long an agent may go on after it was asked to end.
pub(super) const KILL_AFTER: Duration = Duration::from_secs(5);
/// How long one that was killed is waited for. What is not gone by then waits in the kernel, for a
/// disk as a rule, and may do so for good.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Why a run is ended before it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It took too long.
    TimedOut,
    /// Its program did not even start in time.
    NotStarted,
    /// It is not wanted any more.
    Cancelled,
}

impl Why {
    /// What is answered of a program that has begun, or has not.
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
    /// When the machine has something to do for it.
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Entering { until, .. } | State::Beginning { until, .. } => Some(until),
            State::Running => self.limit,
            State::Changing { .. } => None,
            State::Ending { kill_at, .. } => Some(kill_at),
            State::Killed { give_up_at, .. } => Some(give_up_at),
        }
    }

    /// Whether it stops what is no address, or is about to.
    pub(super) fn stops_agents(&self) -> bool {
        let is_stop = self.job.run.action == Action::Stop && !self.job.is_of_addresses();
        is_stop && !matches!(self.state, State::Entering { .. })
    }

    /// Whether it is the stop of an agent that goes on.
    pub(super) fn is_wanted_stop(&self) -> bool {
        self.stops_agents() && self.unwanted().is_none()
    }

    /// Why it is being ended, if it is.
    pub(super) const fn unwanted(&self) -> Option<Why> {
        match self.state {
            State::Beginning { unwanted, .. } => unwanted,
            State::Ending { why, .. } | State::Killed { why, .. } => Some(why),
            State::Entering { .. } | State::Running | State::Changing { .. } => None,
        }
    }

    /// Gives its program later the time that it had to wait: an agent is not to blame for that.
    pub(super) fn postpone(&mut self, span: Duration) {
        self.limit = self.limit.map(|limit| limit + span);
    }

    /// Asks its program and everything that it started to end.
    pub(super) fn terminate(&mut self, now: Time, why: Why, outbox: &mut VecDeque<Output>) {
        self.state = State::Ending { why, kill_at: now + KILL_AFTER };
        outbox.push_back(Output::Signal { run: self.id, signal: Signal::Terminate });
    }

    fn kill(&mut self, now: Time, why: Why, has_begun: bool, outbox: &mut VecDeque<Output>) {
        self.state = State::Killed { why, give_up_at: now + GIVE_UP_AFTER, has_begun };
        outbox.push_back(Output::Signal { run: self.id, signal: Signal::Kill });
    }

    /// Ends it. Does nothing the second time.
    fn end(&mut self, now: Time, why: Why, outbox: &mut VecDeque<Output>) {
        match self.state {
            State::Beginning { since, until, unwanted: None } => {
                let until = until.min(now + KILL_AFTER);
                self.state = State::Beginning { since, until, unwanted: Some(why) };
            }
            State::Running => self.terminate(now, why, outbox),
            // Who asks ends what enters; addresses are changed in no time.
            State::Entering { .. }
            | State::Changing { .. }
            | State::Beginning { unwanted: Some(_), .. }
            | State::Ending { .. }
            | State::Killed { .. } => {}
        }
    }
}

impl Abandoned {
    /// What is answered to a job because of it, if anything is. Nothing of its group is started
    /// beside it; whatever else can be stopped of the group is stopped.
    pub(super) fn hinders(&self, job: &Job) -> Option<Outcome> {
        let Unfinished { group, resources, .. } = &self.unfinished;
        let is_concerned = job.run.action == Action::Start || *resources == job.run.resources;
        let hinders = *group == job.run.group && is_concerned && !job.is_of_addresses();
        hinders.then(|| self.outcome())
    }

    fn outcome(&self) -> Outcome {
        if self.has_begun {
            return Outcome::TimedOut;
        }
        let text = "an earlier program of this group still waits for its disk".to_owned();
        Outcome::NotAsked { text }
    }
}

impl Machine {
    /// Takes over a run that an earlier executor left. How it ends cannot be known; so it is ended.
    pub(super) fn adopt(&mut self, id: RunId, leftover: Unfinished) {
        let Unfinished { group, action, resources } = leftover;
        let run = Run {
            job: JobId(u64::MAX),
            group,
            group_name: String::new(),
            term: 0,
            action,
            resources,
            timeout_ms: 0,
            environment: Vec::new(),
        };
        self.queues.occupy(group);
        let job = Job::new(run, Whose::Nobody);
        let (since, state, name) = (self.now, State::Running, String::new());
        let mut active = Active { id, job, action, limit: None, since, state, name };
        active.terminate(self.now, Why::Cancelled, &mut self.outbox);
        self.active.push(active);
    }

    /// Ends what takes too long.
    pub(super) fn elapse_runs(&mut self) {
        let now = self.now;
        let mut at = 0;
        while let Some(active) = self.active.get_mut(at) {
            if active.deadline().is_none_or(|due| now < due) {
                at += 1;
                continue;
            }
            match active.state {
                State::Entering { .. } => {
                    let active = self.active.swap_remove(at);
                    self.withdraw(&active.job);
                    let text = "its start was not recorded in time".to_owned();
                    self.conclude(active, Outcome::NotAsked { text });
                }
                State::Beginning { unwanted, .. } => {
                    let why = unwanted.unwrap_or(Why::NotStarted);
                    active.kill(now, why, false, &mut self.outbox);
                }
                State::Running => active.terminate(now, Why::TimedOut, &mut self.outbox),
                State::Changing { .. } => at += 1,
                State::Ending { why, .. } => active.kill(now, why, true, &mut self.outbox),
                State::Killed { why, has_begun, .. } => {
                    let active = self.active.swap_remove(at);
                    self.abandon(active, why, has_begun);
                }
            }
        }
    }

    /// Goes on without a run that does not end though it was killed.
    fn abandon(&mut self, active: Active, why: Why, has_begun: bool) {
        let Run { group, action, resources, .. } = active.job.run.clone();
        let unfinished = Unfinished { group, action, resources };
        self.abandoned.push(Abandoned { id: active.id, unfinished, has_begun });
        let name = agent_name(&active.job.run);
        self.log(Level::Error, format!("{name} was killed and does not end"));
        self.conclude(active, why.outcome(&name, has_begun));
    }

    /// Notes that the program of a run has ended.
    pub(super) fn record_ended(&mut self, run: RunId, outcome: Outcome) {
        self.abandoned.retain(|abandoned| abandoned.id != run);
        let Some(at) = self.active.iter().position(|active| active.id == run) else { return };
        let active = self.active.swap_remove(at);
        if let Some(why) = active.unwanted() {
            let has_begun = !matches!(active.state, State::Killed { has_begun: false, .. });
            let outcome = why.outcome(&agent_name(&active.job.run), has_begun);
            return self.conclude(active, outcome);
        }
        let was_asked = active.job.run.action == Action::Start && active.action == Action::Status;
        // Only a start that is still wanted goes on from its status.
        if was_asked && matches!(outcome, Outcome::NotRunning | Outcome::Failed { .. }) {
            self.launch_start(active);
        } else if was_asked && outcome == Outcome::Running {
            self.conclude(active, Outcome::Success);
        } else if let (Action::Start, Outcome::NotAsked { text }) = (active.action, &outcome) {
            // It ran, though nobody knows how it ended: something may have been started.
            let outcome = Outcome::Failed { code: 1, text: text.clone() };
            self.conclude(active, outcome);
        } else {
            self.conclude(active, outcome);
        }
    }

    /// Takes the answer to a change of addresses.
    pub(super) fn record_changed(&mut self, run: RunId, outcome: Outcome, announced: usize) {
        if self.record_removed(run, &outcome) || self.record_put_back(run, &outcome) {
            return;
        }
        let Some(at) = self.active.iter().position(|active| active.id == run) else { return };
        let active = self.active.swap_remove(at);
        let State::Changing { since } = active.state else { return };
        let Run { group, action, resources, .. } = &active.job.run;
        if *action == Action::Start && outcome.is_success() {
            let lifetime = self.lifetime();
            self.addresses.record_added(since, lifetime, *group, resources);
        }
        if announced > 0 {
            self.report(Report::Announced { group: *group, addresses: announced });
        }
        if let Outcome::Failed { text, .. } = &outcome {
            self.log_as("IPaddr", Level::Error, text.clone());
        }
        if *action == Action::Stop {
            if outcome.is_success() {
                self.strike(*group, resources);
            } else {
                self.addresses.leave(*group, resources);
            }
        }
        self.finish(&active.job, outcome);
    }

    /// Says what came of the run of an agent.
    pub(super) fn conclude(&mut self, active: Active, outcome: Outcome) {
        let Active { job, name, .. } = active;
        let is_step = matches!(job.run.action, Action::Start | Action::Stop);
        let name = if name.is_empty() { agent_name(&job.run) } else { name };
        match &outcome {
            Outcome::Failed { code, text } if is_step => {
                let text = if text.is_empty() { String::new() } else { format!(" ({text})") };
                self.log(Level::Error, format!("Return code {code} from {name}{text}"));
            }
            Outcome::TimedOut => {
                self.log(Level::Error, format!("{name} did not finish in time and was killed"));
            }
            Outcome::Success if job.run.action == Action::Stop => {
                self.strike(job.run.group, &job.run.resources);
            }
            Outcome::Failed { .. }
            | Outcome::Success
            | Outcome::Running
            | Outcome::NotRunning
            | Outcome::Missing
            | Outcome::Cancelled
            | Outcome::Refused
            | Outcome::NotAsked { .. } => {}
        }
        self.finish(&job, outcome);
    }

    /// The turn of a group goes to its next run.
    pub(super) fn finish(&mut self, job: &Job, outcome: Outcome) {
        let was_asked = !matches!(outcome, Outcome::NotAsked { .. });
        if !job.is_aside {
            self.queues.finish(job.run.group);
        }
        self.record_outcome(job, &outcome);
        if !outcome.is_success() {
            self.undo(job);
        }
        self.answer(job, outcome);
        self.record_own_stop(job, was_asked);
    }

    /// Stops what a start that nobody waits for has left half done: a daemon that comes would take it
    /// for running. One that was greeted knows of the start, and goes on with it.
    fn undo(&mut self, job: &Job) {
        let Run { group, action, resources, .. } = &job.run;
        let is_greeted = self.daemon.as_ref().is_some_and(|daemon| daemon.is_greeted);
        let is_left = resources.iter().any(|resource| self.books.ledger.has(*group, resource));
        if *action != Action::Start || job.whose != Whose::Nobody || is_greeted || !is_left {
            return;
        }
        let (group, timeout_ms) = (*group, STOP_TIMEOUT);
        let run = Run { action: Action::Stop, timeout_ms, ..job.run.clone() };
        // A group that has no room for another run is being stopped already.
        drop(self.queues.push(group, Job::new(run, Whose::Nobody)));
    }

    /// Ends the daemon's runs that `is_chosen` chooses.
    pub(super) fn cancel(&mut self, is_chosen: impl Fn(&Run) -> bool) {
        let is_chosen = |job: &Job| job.whose == Whose::Daemon && is_chosen(&job.run);
        self.cancel_waiting(is_chosen);
        for active in self.active.iter_mut().filter(|active| is_chosen(&active.job)) {
            active.end(self.now, Why::Cancelled, &mut self.outbox);
        }
    }

    /// Ends the daemon's runs, but for stops that go on: an agent that is killed in the middle of a stop has
    /// stopped nothing.
    pub(super) fn cancel_but_stops(&mut self) {
        let is_of_daemon = |job: &Job| job.whose == Whose::Daemon;
        self.cancel_waiting(is_of_daemon);
        let latest = self.now + Duration::from_millis(STOP_TIMEOUT);
        for active in &mut self.active {
            if active.stops_agents() {
                // One that hangs must not keep the rest of its group for longer than a stop of our own.
                active.limit = Some(active.limit.map_or(latest, |limit| limit.min(latest)));
            } else if is_of_daemon(&active.job) {
                active.end(self.now, Why::Cancelled, &mut self.outbox);
            }
        }
    }

    /// Answers what has not begun, and does not begin it.
    fn cancel_waiting(&mut self, is_chosen: impl Fn(&Job) -> bool + Copy) {
        for job in self.queues.remove(is_chosen) {
            self.answer(&job, Outcome::Cancelled);
        }
        self.drop_entering(is_chosen);
    }

    /// Does not begin what waits for the ledger.
    fn drop_entering(&mut self, is_chosen: impl Fn(&Job) -> bool) {
        let waits = |active: &Active| {
            matches!(active.state, State::Entering { .. }) && is_chosen(&active.job)
        };
        while let Some(at) = self.active.iter().position(waits) {
            let active = self.active.swap_remove(at);
            self.withdraw(&active.job);
            self.conclude(active, Outcome::Cancelled);
        }
    }

    /// Ends what is started, or looked for, and nobody waits for.
    pub(super) fn end_unawaited(&mut self, is_chosen: impl Fn(&Run) -> bool) {
        let is_chosen = |job: &Job| {
            job.whose == Whose::Nobody && job.run.action != Action::Stop && is_chosen(&job.run)
        };
        self.drop_entering(is_chosen);
        for active in self.active.iter_mut().filter(|active| is_chosen(&active.job)) {
            active.end(self.now, Why::Cancelled, &mut self.outbox);
        }
    }
}
