//! Resources that fail: the report of a failure, and the way to a retry.
//!
//! A group that cannot be started here is stopped here, and then the other nodes may try it, each
//! once: the node where it failed says so in its table and does not take the group again. If it
//! failed on every node, the group rests. A group that cannot be stopped stays claimed, so that no
//! other node starts it. Both states end when a person has looked at the group and says so, or when
//! the daemon restarts.

use super::Cluster;
use super::classic::ClassicInput;
use crate::{
    Action, Cause, Claim, Event, Failure, GroupId, NodeId, OrderRefusal, Outcome, Output, Phase,
    StopFailure, Words,
};
use std::time::Duration;

/// How long the other nodes may try a group whose agent could not be asked here, before the group
/// may be tried here again: the failure was not the group's own.
const ASK_AGAIN: Duration = Duration::from_mins(1);

impl Cluster {
    pub(super) fn start_failed(&mut self, group: GroupId, resource: usize, failure: Failure) {
        let (me, outcome) = (self.settings.me, failure.outcome);
        let is_restart = self.groups[group].cause == Cause::CheckFailed;
        self.report(Event::StartFailed { group, resource, outcome });
        self.record_ability(group, me, false);
        self.groups[group].record_failure(me, failure);
        if outcome == Outcome::NotAsked {
            self.groups[group].ask_again = Some(self.now + ASK_AGAIN);
        }
        if self.is_ours(group) {
            self.set_phase(group, Phase::Stopping, Cause::StartFailed);
            self.beat_soon();
        }
        let told = if is_restart { ClassicInput::RestartFailed } else { ClassicInput::StartFailed };
        self.tell_classic(told(group));
    }

    pub(super) fn stop_failed(&mut self, group: GroupId, resource: usize, failure: Failure) {
        let (me, outcome) = (self.settings.me, failure.outcome);
        self.report(Event::StopFailed { group, resource, outcome });
        self.groups[group].record_failure(me, failure);
        if self.is_ours(group) {
            self.set_phase(group, Phase::Blocked, Cause::StopFailed);
        }
        self.beat_soon();
        match self.settings.stop_failure {
            StopFailure::Reboot | StopFailure::Block => {}
            StopFailure::ReleaseAddress => self.groups[group].runner.release_addresses(),
        }
        self.outbox.push_back(Output::StopFailed { group, resource });
    }

    pub(super) fn stopped(&mut self, group: GroupId, failed: bool) {
        self.forget_failed_stop(group);
        if failed && self.is_ours(group) {
            self.set_phase(group, Phase::Failed, self.groups[group].cause);
            self.beat_soon();
        }
        self.record_release(group);
    }

    /// A stop that failed before has now succeeded.
    fn forget_failed_stop(&mut self, group: GroupId) {
        let me = self.settings.me;
        let failure = self.groups[group].failure(me);
        if failure.is_some_and(|failure| failure.action == Action::Stop) {
            self.groups[group].forget_failure(me, Action::Stop);
            self.beat_soon();
        }
    }

    /// Records a failure that a peer reports. If the peer only drops the words, because a node has
    /// come that does not read them, that is no news.
    pub(super) fn handle_failure(&mut self, node: NodeId, group: GroupId, claim: &Claim) {
        let (failure, known) = (claim.failure, self.groups[group].failure(node));
        if failure == known {
            return;
        }
        self.groups[group].forget_failures(node);
        if let Some(failure) = failure {
            self.groups[group].record_failure(node, failure);
            if known.map(|known| Failure { words: Words::NONE, ..known }) != Some(failure) {
                self.report(Event::PeerFailed { node, group, failure });
            }
        }
    }

    /// A person has repaired what failed here.
    pub(super) fn order_retry(&mut self, wanted: Option<GroupId>) -> Result<(), OrderRefusal> {
        let me = self.settings.me;
        let mut found = false;
        for group in self.settings.group_ids() {
            if wanted.is_some_and(|wanted| wanted != group) {
                continue;
            }
            found |= !self.groups[group].row.is_able(me);
            found |= self.groups[group].monitoring.clear();
            self.groups[group].move_asked = None;
            self.regain(group);
            if self.groups[group].runner.is_stuck() {
                found = true;
                self.stop_again(group);
            }
        }
        if found { Ok(()) } else { Err(OrderRefusal::NothingFailed) }
    }

    fn stop_again(&mut self, group: GroupId) {
        self.groups[group].runner.stop();
        if self.is_ours(group) {
            self.change_phase(group, Phase::Stopping, Cause::Retry);
        }
    }

    /// Allows a retry of groups whose agent could not be asked a while ago.
    pub(super) fn elapse_unasked(&mut self) {
        for group in self.settings.group_ids() {
            if self.groups[group].ask_again.is_some_and(|at| self.now >= at) {
                self.regain(group);
            }
        }
    }

    /// Records that this node can run a group again.
    pub(super) fn regain(&mut self, group: GroupId) {
        let me = self.settings.me;
        self.groups[group].ask_again = None;
        if !self.groups[group].row.is_able(me) {
            self.record_ability(group, me, true);
            self.groups[group].forget_failure(me, Action::Start);
            self.groups[group].forget_failure(me, Action::Monitor);
            self.groups[group].able = self.next_barrier();
            self.beat_soon();
        }
    }
}
