//! Resources that fail: what came of a job, what is told of a failure, and the way to try again.
//!
//! A group that cannot be started here is stopped here, and then the others may try it, each once:
//! who failed says so in its table and does not take the group again. Where everybody failed it
//! rests. A group that cannot be stopped stays claimed, so that nobody starts it. Both end when
//! somebody has looked at it and says so, or when the daemon restarts.

use super::Cluster;
use crate::group::Progress;
use crate::mutation::Mutation;
use crate::{
    Action, Cause, Claim, Event, Failure, GroupId, JobId, NodeId, Outcome, Output, Phase, Refusal,
    StopFailure, Words,
};
use std::time::Duration;

/// How long the others may try a group whose agent could not be asked here, before it may be tried
/// here again: what failed was nothing of its own.
const ASK_AGAIN: Duration = Duration::from_mins(1);

impl Cluster {
    /// Takes note of the end of a job.
    pub(super) fn job_done(&mut self, job: JobId, outcome: Outcome) {
        if self.check_done(job, outcome) {
            return;
        }
        if let Some((ran, since)) = self.runners.iter_mut().find_map(|it| it.aside_done(job)) {
            let took = self.now.since(since);
            return self.report(Event::JobEnded { job: ran, outcome, took });
        }
        let mut running = self.runners.iter().filter_map(crate::group::Runner::running);
        let Some((ran, since)) = running.find(|(running, _)| running.id == job) else { return };
        let (group, index) = (ran.group, ran.group.index());
        let now = self.now;
        let words = self.runners[index].words();
        self.report(Event::JobEnded { job: ran, outcome, took: now.since(since) });
        let believed = self.errs(Mutation::BelieveEveryStart) && self.runners[index].is_starting();
        let outcome = if believed { Outcome::Success } else { outcome };
        match self.runners[index].done(now, job, outcome) {
            Progress::None => {}
            Progress::Started => {
                if self.is_ours(group) {
                    self.ownership.advance(group, Phase::Active);
                    self.owned_as_before(group);
                    self.speak_soon();
                }
            }
            Progress::StartFailed { resource, outcome } => {
                let failure = Failure::new(Action::Start, resource, outcome, words);
                self.start_failed(group, resource, failure);
                if self.runners[index].is_idle() {
                    self.stopped(group, true);
                }
            }
            Progress::Stopped { failed } => self.stopped(group, failed),
            Progress::StopRetried { resource, outcome } => {
                self.report(Event::StopRetried { group, resource, outcome });
            }
            Progress::StopDoubtful { resource, failed } => {
                self.report(Event::StopDoubtful { group, resource });
                if self.runners[index].is_idle() {
                    self.stopped(group, failed);
                }
            }
            Progress::StopFailed { resource, outcome } => {
                let failure = Failure::new(Action::Stop, resource, outcome, words);
                self.stop_failed(group, resource, failure);
            }
        }
    }

    fn start_failed(&mut self, group: GroupId, resource: usize, failure: Failure) {
        let (me, outcome) = (self.settings.me, failure.outcome);
        self.report(Event::StartFailed { group, resource, outcome });
        self.ownership.note_ability(group, me, false);
        self.ownership.note_failure(group, me, failure);
        if outcome == Outcome::NotAsked {
            self.ask_again[group.index()] = Some(self.now + ASK_AGAIN);
        }
        if self.is_ours(group) {
            self.ownership.advance(group, Phase::Stopping);
            self.owned(group, Cause::StartFailed);
            self.speak_soon();
        }
        self.classic_fails(group);
    }

    fn stop_failed(&mut self, group: GroupId, resource: usize, failure: Failure) {
        let (me, outcome) = (self.settings.me, failure.outcome);
        self.report(Event::StopFailed { group, resource, outcome });
        self.ownership.note_failure(group, me, failure);
        if self.is_ours(group) {
            self.ownership.advance(group, Phase::Blocked);
            self.owned(group, Cause::StopFailed);
        }
        self.speak_soon();
        match self.settings.stop_failure {
            StopFailure::Reboot | StopFailure::Block => {}
            StopFailure::ReleaseAddress => self.runners[group.index()].release_addresses(),
        }
        self.outbox.push_back(Output::StopFailed { group, resource });
    }

    fn stopped(&mut self, group: GroupId, failed: bool) {
        self.forget_failed_stop(group);
        if failed && self.is_ours(group) {
            self.ownership.advance(group, Phase::Failed);
            self.owned_as_before(group);
            self.speak_soon();
        }
        self.note_release(group);
    }

    /// A stop that failed before has succeeded now.
    fn forget_failed_stop(&mut self, group: GroupId) {
        let me = self.settings.me;
        let failure = self.ownership.failure(group, me);
        if failure.is_some_and(|failure| failure.action == Action::Stop) {
            self.ownership.forget_failure(group, me, Action::Stop);
            self.speak_soon();
        }
    }

    /// Notes what a peer tells of a failure of its own. That it tells the words no more, because a node
    /// that does not read them has come, is no news.
    pub(super) fn hear_failure(&mut self, node: NodeId, group: GroupId, claim: &Claim) {
        let (failure, known) = (claim.failure, self.ownership.failure(group, node));
        if failure == known {
            return;
        }
        self.forget_failures(group, node);
        if let Some(failure) = failure {
            self.ownership.note_failure(group, node, failure);
            if known.map(|known| Failure { words: Words::NONE, ..known }) != Some(failure) {
                self.report(Event::PeerFailed { node, group, failure });
            }
        }
    }

    /// A node is given another chance.
    pub(super) fn forget_failures(&mut self, group: GroupId, node: NodeId) {
        for action in [Action::Start, Action::Stop] {
            self.ownership.forget_failure(group, node, action);
        }
    }

    /// Somebody has mended what failed here.
    pub(super) fn order_retry(&mut self, wanted: Option<GroupId>) -> Result<(), Refusal> {
        let me = self.settings.me;
        let mut found = false;
        for group in self.settings.group_ids() {
            if wanted.is_some_and(|wanted| wanted != group) {
                continue;
            }
            found |= !self.ownership.is_able(group, me);
            self.regain(group);
            if self.runners[group.index()].is_stuck() {
                found = true;
                self.stop_again(group);
            }
        }
        if found { Ok(()) } else { Err(Refusal::NothingFailed) }
    }

    fn stop_again(&mut self, group: GroupId) {
        self.runners[group.index()].stop();
        if self.is_ours(group) && self.ownership.advance(group, Phase::Stopping) {
            self.owned(group, Cause::Retry);
            self.speak_soon();
        }
    }

    /// Lets groups be tried again whose agent could not be asked a while ago.
    pub(super) fn elapse_unasked(&mut self) {
        for group in self.settings.group_ids() {
            if self.ask_again[group.index()].is_some_and(|at| self.now >= at) {
                self.regain(group);
            }
        }
    }

    /// Notes that we can run a group again.
    pub(super) fn regain(&mut self, group: GroupId) {
        let me = self.settings.me;
        self.ask_again[group.index()] = None;
        if !self.ownership.is_able(group, me) {
            self.ownership.note_ability(group, me, true);
            self.ownership.forget_failure(group, me, Action::Start);
            self.able_from[group.index()] = self.history.next();
            self.speak_soon();
        }
    }
}
