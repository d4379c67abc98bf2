//! Runs, from the start of their program to their end.

use super::Machine;
use super::active::Why;
use super::jobs::{Abandoned, Active, Job, State, Whose, agent_name};
use super::letting_go::STOP_TIMEOUT;
use crate::RunId;
use crate::protocol::{Action, Level, Outcome, Report, Run, Unfinished};
use std::time::Duration;
use systole_core::{GroupKey, JobId};

impl Abandoned {
    /// Returns the answer to a job that this run prevents, or `None` if the job may go ahead. Nothing of
    /// the group is started beside this run, but everything else of the group that can be stopped is
    /// stopped.
    pub(super) fn hinders(&self, job: &Job) -> Option<Outcome> {
        let Unfinished { group, action, resources } = &self.unfinished;
        let is_same = *resources == job.run.resources;
        let is_concerned = match (*action, job.run.action) {
            // A check that hangs prevents only its own repetition.
            (Action::Monitor, Action::Start | Action::Stop | Action::Status) => false,
            (Action::Start | Action::Stop | Action::Status, Action::Start) => true,
            (_, Action::Stop | Action::Status | Action::Monitor) => is_same,
        };
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
    /// Adopts a run that an earlier executor left. The run is ended, because its outcome cannot be learned.
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
            is_restart: false,
            probes: Vec::new(),
            is_without_agent: false,
        };
        let mut job = Job::new(run, Whose::Nobody);
        job.is_aside = job.is_check();
        if !job.is_aside {
            self.queues.occupy(group);
        }
        let (since, state, name) = (self.now, State::Running, String::new());
        let mut active = Active { id, job, action, limit: None, since, state, name };
        active.terminate(self.now, Why::Cancelled, &mut self.outbox);
        self.active.push(active);
    }

    /// Ends runs that take too long.
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
                // A machine that stood still has given the check no chance.
                State::Running if active.was_overslept(now) => active.limit_anew(now),
                State::Running => active.interrupt(now, Why::TimedOut, &mut self.outbox),
                State::Changing { .. } => at += 1,
                State::Ending { why, .. } => active.kill(now, why, true, &mut self.outbox),
                State::Killed { why, has_begun, .. } => {
                    let active = self.active.swap_remove(at);
                    self.abandon(active, why, has_begun);
                }
            }
        }
    }

    /// Carries on without a run that was killed but does not end.
    fn abandon(&mut self, active: Active, why: Why, has_begun: bool) {
        let Run { group, action, resources, .. } = active.job.run.clone();
        let unfinished = Unfinished { group, action, resources };
        // A check that was only cancelled did not fail, nor does its repetition because of it.
        let is_blamed = has_begun && !(active.job.is_check() && why == Why::Cancelled);
        self.abandoned.push(Abandoned { id: active.id, unfinished, has_begun: is_blamed });
        let name = agent_name(&active.job.run);
        self.log(Level::Error, format!("{name} was killed and does not end"));
        let outcome = active.ended_early(why);
        self.conclude(active, outcome);
    }

    /// Records that the program of a run has ended.
    pub(super) fn record_ended(&mut self, run: RunId, outcome: Outcome) {
        self.abandoned.retain(|abandoned| abandoned.id != run);
        let Some(at) = self.active.iter().position(|active| active.id == run) else { return };
        let active = self.active.swap_remove(at);
        if let Some(why) = active.unwanted() {
            let outcome = active.ended_early(why);
            return self.conclude(active, outcome);
        }
        let was_asked = active.job.run.action == Action::Start && active.action == Action::Status;
        // Only a start that is still wanted continues after its status.
        if was_asked && matches!(outcome, Outcome::NotRunning | Outcome::Failed { .. }) {
            self.launch_start(active);
        } else if was_asked && outcome == Outcome::Running {
            self.conclude(active, Outcome::Success);
        } else if let (Action::Start, Outcome::NotAsked { text }) = (active.action, &outcome) {
            // The program ran, but how it ended is unknown: something may have been started.
            let outcome = Outcome::Failed { code: 1, text: text.clone() };
            self.conclude(active, outcome);
        } else {
            self.conclude(active, outcome);
        }
    }

    /// Reports the end of a main process, unless its resource is about to be stopped.
    pub(super) fn record_process_ended(&mut self, group: GroupKey, word: String, is_crash: bool) {
        let is_of_resource =
            |run: &Run| run.group == group && run.resources.iter().any(|it| it.word == word);
        let is_stopped =
            self.active.iter().any(|it| it.stops_agents() && is_of_resource(&it.job.run));
        if !is_stopped {
            self.report(Report::ProcessEnded { group, word, is_crash });
        }
    }

    /// Handles the answer to a change of addresses.
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

    /// Records and reports the outcome of an agent's run.
    pub(super) fn conclude(&mut self, active: Active, outcome: Outcome) {
        let Active { job, name, .. } = active;
        let is_step = matches!(job.run.action, Action::Start | Action::Stop);
        let name = if name.is_empty() { agent_name(&job.run) } else { name };
        match &outcome {
            Outcome::Failed { code, text } if is_step => {
                let text = if text.is_empty() { String::new() } else { format!(" ({text})") };
                self.log(Level::Error, format!("Return code {code} from {name}{text}"));
            }
            Outcome::TimedOut if !job.is_check() => {
                self.log(Level::Error, format!("{name} did not finish in time and was killed"));
            }
            Outcome::Success if job.run.action == Action::Stop => {
                self.strike(job.run.group, &job.run.resources);
            }
            Outcome::Failed { .. }
            | Outcome::TimedOut
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

    /// Finishes a run and gives its group's turn to the next one.
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

    /// Stops what a start that nothing waits for has left half-started, because a daemon that connects
    /// would take it for running. A daemon that was already greeted knows about the start and continues
    /// with it.
    fn undo(&mut self, job: &Job) {
        let Run { group, action, resources, .. } = &job.run;
        let is_greeted = self.daemon.as_ref().is_some_and(|daemon| daemon.is_greeted);
        let is_left = resources.iter().any(|resource| self.books.ledger.has(*group, resource));
        if *action != Action::Start || job.whose != Whose::Nobody || is_greeted || !is_left {
            return;
        }
        let (group, timeout_ms) = (*group, STOP_TIMEOUT);
        let run = Run { action: Action::Stop, timeout_ms, ..job.run.clone() };
        // A group with no room for another run is being stopped already.
        drop(self.queues.push(group, Job::new(run, Whose::Nobody)));
    }

    /// Ends the daemon's runs that `is_chosen` selects.
    pub(super) fn cancel(&mut self, is_chosen: impl Fn(&Run) -> bool) {
        let is_chosen = |job: &Job| job.whose == Whose::Daemon && is_chosen(&job.run);
        self.cancel_waiting(is_chosen);
        for active in self.active.iter_mut().filter(|active| is_chosen(&active.job)) {
            active.end(self.now, Why::Cancelled, &mut self.outbox);
        }
    }

    /// Ends the daemon's runs, except stops that are in progress: an agent that is killed in the middle of
    /// a stop has stopped nothing.
    pub(super) fn cancel_but_stops(&mut self) {
        let is_of_daemon = |job: &Job| job.whose == Whose::Daemon;
        self.cancel_waiting(is_of_daemon);
        let latest = self.now + Duration::from_millis(STOP_TIMEOUT);
        for active in &mut self.active {
            if active.stops_agents() {
                // A stop that hangs must not delay the rest of its group for longer than one of the
                // executor's own stops.
                active.limit = Some(active.limit.map_or(latest, |limit| limit.min(latest)));
            } else if is_of_daemon(&active.job) {
                active.end(self.now, Why::Cancelled, &mut self.outbox);
            }
        }
    }

    /// Answers runs that have not begun, and does not begin them.
    fn cancel_waiting(&mut self, is_chosen: impl Fn(&Job) -> bool + Copy) {
        for job in self.queues.remove(is_chosen) {
            self.answer(&job, Outcome::Cancelled);
        }
        self.drop_entering(is_chosen);
    }

    /// Refuses runs that wait for the ledger.
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

    /// Ends the checks of groups: of one that is about to change, or of a daemon that is gone.
    pub(super) fn end_checks(&mut self, is_chosen: impl Fn(GroupKey) -> bool) {
        let is_chosen = |job: &Job| job.is_check() && is_chosen(job.run.group);
        for active in self.active.iter_mut().filter(|active| is_chosen(&active.job)) {
            active.end(self.now, Why::Cancelled, &mut self.outbox);
        }
    }

    /// Ends starts and checks that nothing waits for.
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
