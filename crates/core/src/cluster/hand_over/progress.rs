//! How a hand-over continues and ends.

use super::{Cluster, HandOver, REPLY_WAIT, Stage};
use crate::peer::Kind;
use crate::{Event, GroupId, HandOverEvent, HandOverReason, NodeId, Phase, Refusal, Scope, Step};

impl Cluster {
    /// While something of the hand-over is in progress here or there, the hand-over may take as
    /// long as it needs.
    fn prolong_hand_over(&mut self) {
        let me = self.settings.me;
        let Some(running) = self.hand_over.as_ref().filter(|r| r.stage != Stage::Asked) else {
            return;
        };
        let (giver, scope) = (running.giver, running.scope);
        let partner = running.partner(me);
        // A C node does not report what it is doing: an hour is all that it gets.
        let is_told = self.peer(partner).kind != Kind::Classic;
        let is_there = is_told && self.is_peer_at_work(partner);
        let goes_on = self.is_moving_here(giver, scope, is_told) || is_there;
        let until = self.now + REPLY_WAIT;
        if let Some(running) = self.hand_over.as_mut().filter(|_| goes_on) {
            running.until = running.until.max(until);
        }
    }

    /// Whether something of a scope starts or stops here and its agents answer, or a C node waits
    /// for that whatever this node does.
    fn is_moving_here(&self, giver: NodeId, scope: Scope, is_told: bool) -> bool {
        let runners = self.groups_of(giver, scope).into_iter();
        let mut runners = runners.map(|group| &self.groups[group].runner);
        runners.any(|runner| !(runner.is_settled() || is_told && runner.cannot_ask_to_stop()))
    }

    /// Drives a hand-over on: sends what is due, and gives up what takes too long.
    pub(in crate::cluster) fn elapse_hand_over(&mut self) {
        self.prolong_hand_over();
        self.withdraw_offer();
        self.end_with_who_leaves();
        self.take_what_is_given();
        self.take_what_is_free_now();
        self.end_what_is_kept();
        self.acquire_from_classic();
        let Some(running) = &self.hand_over else { return };
        let (scope, giver, stage) = (running.scope, running.giver, running.stage);
        if self.now >= running.until && running.may_be_done && stage == Stage::Promised {
            return self.take_for_done();
        }
        if self.now >= running.until {
            self.visit_hand_over("no reply");
            let why =
                if self.holds_up(giver, scope) { Refusal::CannotStop } else { Refusal::NoReply };
            if why == Refusal::NoReply {
                self.report(Event::HandOver(HandOverEvent::NoReply));
            }
            return self.end_hand_over(Err(why));
        }
        // A giver does not give groups that it has taken meanwhile, or that another node already
        // had. Groups that the hand-over began with may be claimed by a node that has not heard
        // about that yet: they are stopped all the same.
        let is_kept = |group: GroupId| match self.groups[group].row.owner {
            Some(owner) if owner == giver => !running.owned.contains(&group),
            Some(_) => !running.gives(group) && self.groups[group].row.phase.holds(),
            None => false,
        };
        let is_kept = |group: GroupId| stage == Stage::Releasing && is_kept(group);
        let set = self.groups_of(giver, scope).into_iter().filter(|group| !is_kept(*group));
        let mut runners = set.map(|group| &self.groups[group].runner);
        match stage {
            Stage::Releasing if runners.all(crate::group::Runner::is_idle) => {
                drop(runners);
                self.visit_hand_over("progress");
                self.tell_release();
            }
            Stage::Acquiring if runners.all(crate::group::Runner::is_settled) => {
                drop(runners);
                self.visit_hand_over("progress");
                self.tell_acquisition();
            }
            Stage::Checking if running.checks.is_empty() => {
                drop(runners);
                self.visit_hand_over("progress");
                self.send_step(giver, scope, Step::Other);
                self.advance_hand_over(Stage::Promised);
            }
            Stage::Told(table) if self.has_told(running.taker, table) => {
                let taker = running.taker;
                drop(runners);
                self.visit_hand_over("progress");
                self.report(Event::HandOver(HandOverEvent::Given(scope)));
                self.conclude(giver, taker, scope);
            }
            Stage::Given(number) if self.has_taken_silently(running, number) => {
                let taker = running.taker;
                drop(runners);
                self.visit_hand_over("progress");
                self.report(Event::HandOver(HandOverEvent::Given(scope)));
                self.conclude(giver, taker, scope);
            }
            Stage::Asked
            | Stage::Releasing
            | Stage::Given(_)
            | Stage::Told(_)
            | Stage::Invited
            | Stage::Checking
            | Stage::Promised
            | Stage::Acquiring => {}
        }
    }

    /// A stopping node ends a hand-over by its stop, and announces that in its beats alone. Groups
    /// that were released for it are free, and groups that it has released do not wait for its
    /// other groups.
    fn end_with_who_leaves(&mut self) {
        let me = self.settings.me;
        let leaves = self.hand_over.as_ref().is_some_and(|running| {
            let waits = matches!(running.stage, Stage::Releasing | Stage::Promised);
            waits && !running.beside_classic && self.peer(running.partner(me)).is_leaving
        });
        if leaves {
            self.end_hand_over(Err(Refusal::RemoteInFlux));
        }
    }

    /// Whether the giver has something that it cannot stop. A C node does not report that.
    fn holds_up(&self, giver: NodeId, scope: Scope) -> bool {
        let is_ours = giver == self.settings.me;
        let is_stuck = |group: &GroupId| is_ours && self.groups[*group].runner.is_stuck();
        if self.groups_of(giver, scope).iter().any(is_stuck) {
            return true;
        }
        self.groups_at(giver, scope).into_iter().any(|group| {
            let cannot_ask = self.groups[group].runner.cannot_ask_to_stop();
            self.groups[group].row.phase == Phase::Blocked || cannot_ask
        })
    }

    /// Whether a node's table as of this sequence is known. A C node has none.
    fn has_told(&self, node: NodeId, table: u64) -> bool {
        let peer = self.peer(node);
        peer.kind == Kind::Classic || peer.view.whole_at() >= table
    }

    /// A C node has declared this node dead in the middle, and has taken everything: even groups
    /// that it was giving away, or that this node has not let go of yet.
    fn end_what_is_kept(&mut self) {
        let Some(running) = self.hand_over.as_ref().filter(|it| it.beside_classic) else { return };
        let has_begun = running.lets_go_by.is_some();
        let (scope, number) = match running.stage {
            Stage::Promised if has_begun => (running.scope, running.lets_go_by),
            Stage::Acquiring => (running.scope, running.done_by),
            Stage::Releasing => {
                let gives = running.gives.iter().map(|(group, _)| *group);
                let hold = self.sets_among(gives).mirrored();
                (Scope::Set(hold), Some(running.began_at))
            }
            Stage::Asked
            | Stage::Invited
            | Stage::Checking
            | Stage::Promised
            | Stage::Given(_)
            | Stage::Told(_) => return,
        };
        if number.is_some_and(|number| self.classic_reports(scope, number)) {
            self.end_hand_over(Err(Refusal::Withdrawn));
        }
    }

    pub(super) fn conclude(&mut self, giver: NodeId, taker: NodeId, scope: Scope) {
        // Only what was given counts. Groups that the taker could not run before, or does not know
        // because its lines differ, were not to be started, nor were groups that are in no line of
        // this node.
        let moved =
            self.hand_over.iter().flat_map(|running| running.gives.iter().map(|(group, _)| *group));
        let failed = moved
            .filter(|group| self.is_configured(*group))
            .any(|group| !self.groups[group].row.is_able(taker) || self.has_dropped(group, taker));
        if let Scope::Set(hold) = scope {
            self.classic_concludes(giver, hold);
        }
        self.end_hand_over(if failed { Err(Refusal::Failed) } else { Ok(()) });
    }

    /// The other node died, left or restarted: a hand-over with it is over.
    pub(in crate::cluster) fn cancel_hand_over(&mut self, node: NodeId) {
        self.visit_hand_over("other node gone");
        if self.hand_over.as_ref().is_some_and(|running| running.is_with(node)) {
            self.report(Event::HandOver(HandOverEvent::Cancelled));
            self.tell_cancelled(node);
            self.end_hand_over(Err(Refusal::PeerDied));
        }
    }

    pub(in crate::cluster) fn end_hand_over(&mut self, result: Result<(), Refusal>) {
        let Some(ended) = self.hand_over.take() else { return };
        self.tell_end(&ended, result);
        if result.is_err() && matches!(ended.stage, Stage::Asked | Stage::Invited) {
            // A step that was lost on the way is not followed when it is sent again: it has been
            // answered. A C node would wait an hour for the rest of it, and would not restart
            // itself meanwhile.
            self.history.make_void(ended.asked_by);
        }
        if let Some(ticket) = ended.ticket {
            self.answer(ticket, result);
        }
        for group in self.groups_of(ended.giver, ended.scope) {
            self.record_release(group);
        }
        let partner = ended.partner(self.settings.me);
        if ended.unfinished(partner).is_some() {
            self.store_peer(partner);
            self.rests_at_peer(partner);
        }
        if let Err(why) = result {
            self.hand_over_failed(&ended, why);
        }
        self.beat_soon();
    }

    /// Decides how soon another hand-over is requested, which depends on whose reason the failed
    /// one had.
    fn hand_over_failed(&mut self, ended: &HandOver, why: Refusal) {
        let is_own = ended.giver == self.settings.me && ended.motive.is_own();
        if ended.motive == HandOverReason::Ipfail {
            self.ipfail_was_refused();
        }
        if is_own && self.record_declined(ended.scope, ended.taker, why) {
            return;
        }
        self.delay_failback();
        self.delay_leaving();
    }
}
