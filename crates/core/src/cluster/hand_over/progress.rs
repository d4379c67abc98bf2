//! How a hand-over continues and ends.

use super::input::{Action, Effects, Fact, Input};
use super::{Cluster, Running, Stage};
use crate::cluster::classic::ClassicInput;
use crate::peer::Kind;
use crate::{
    Event, GroupId, HandOverEvent, HandOverReason, NodeId, OrderRefusal, Phase, Refusal, Scope,
    Step,
};

impl Cluster {
    pub(super) fn step_hand_over(&mut self, input: Input) {
        let effects = self.hand_over.step(self.now, input);
        self.apply_hand_over(effects);
    }

    pub(super) fn learn(&mut self, fact: Fact) {
        self.step_hand_over(Input::Learn(fact));
    }

    /// Does what a step of the machine asks for.
    pub(super) fn apply_hand_over(&mut self, effects: Effects) {
        let Effects { refuse, ended, progress, store, action } = effects;
        if let Some(refused) = refuse {
            self.refuse_step(refused);
        }
        if let Some((ended, result)) = ended {
            self.hand_over_ended(&ended, result);
        }
        if let Some(progress) = progress {
            self.report(Event::HandOverProgress(progress));
        }
        let Some(running) = self.hand_over.running() else { return };
        let Running { giver, taker, scope, .. } = *running;
        if store {
            self.store_peer(running.partner(self.settings.me));
        }
        match action {
            Action::Nothing | Action::Consider(_) => {}
            Action::Release => self.begin_release(taker, scope),
            Action::Acquire { said_by } => {
                let is_news =
                    said_by.is_none_or(|sequence| self.is_newer_than_table(giver, sequence));
                self.begin_acquire(giver, scope, is_news);
            }
            Action::Verify => self.acquire_from_classic(),
            Action::Promise => self.send_step(giver, scope, Step::Other),
            Action::SayReleased => self.tell_release(taker, scope),
            Action::SayAcquired => self.tell_acquisition(giver, scope),
            Action::Conclude => {
                self.report(Event::HandOver(HandOverEvent::Given(scope)));
                self.conclude(giver, taker, scope);
            }
            Action::TakeForDone => self.acquire_by(self.last_report()),
        }
    }

    /// While something of the hand-over is in progress here or there, the hand-over may take as
    /// long as it needs.
    fn prolong_hand_over(&mut self) {
        let Some(running) = self.hand_over.running() else { return };
        let partner = running.partner(self.settings.me);
        // A C node does not report what it is doing: an hour is all that it gets.
        let is_told = self.peer(partner).kind != Kind::Classic;
        let is_there = || is_told && self.is_peer_at_work(partner);
        if self.is_moving_here(running.giver, running.scope, is_told) || is_there() {
            self.learn(Fact::AtWork);
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
        let Some(running) = self.hand_over.running() else { return };
        let is_stuck = self.now >= running.until && self.holds_up(running);
        let turn = Input::Turn { has_come: self.has_come(running), is_stuck };
        let effects = self.hand_over.step(self.now, turn);
        if matches!(effects.ended, Some((_, Err(Refusal::NoReply)))) {
            self.report(Event::HandOver(HandOverEvent::NoReply));
        }
        self.apply_hand_over(effects);
    }

    /// Whether the event that the stage of a hand-over waits for has come, as far as that shows in
    /// the groups and in the table of the other node.
    fn has_come(&self, running: &Running) -> bool {
        match running.stage {
            Stage::Releasing => self.is_released(running),
            Stage::Acquiring => {
                let mut groups = self.groups_of(running.giver, running.scope).into_iter();
                groups.all(|group| self.groups[group].runner.is_settled())
            }
            Stage::Told(table) => self.has_told(running.taker, table),
            Stage::Given(number) => self.has_taken_silently(running, number),
            Stage::Asked | Stage::Invited | Stage::Checking | Stage::Promised => false,
        }
    }

    /// Whether everything that is given is stopped. A giver does not give groups that it has taken
    /// meanwhile, or that another node already had. Groups that the hand-over began with may be
    /// claimed by a node that has not heard about that yet: they are stopped all the same.
    fn is_released(&self, running: &Running) -> bool {
        let is_kept = |group: GroupId| match self.groups[group].row.owner() {
            Some(owner) if owner == running.giver => !running.owned.contains(&group),
            Some(_) => !running.gives(group) && self.groups[group].row.phase().holds(),
            None => false,
        };
        let groups = self.groups_of(running.giver, running.scope).into_iter();
        groups.filter(|group| !is_kept(*group)).all(|group| self.groups[group].runner.is_idle())
    }

    fn end_with_who_leaves(&mut self) {
        let partner = self.hand_over.running().map(|running| running.partner(self.settings.me));
        if partner.is_some_and(|partner| self.peer(partner).is_leaving) {
            self.step_hand_over(Input::PeerLeaves);
        }
    }

    /// Whether the giver has something that it cannot stop, or this node something that it took and cannot
    /// start or stop. A C node does not report that.
    fn holds_up(&self, running: &Running) -> bool {
        let (giver, scope) = (running.giver, running.scope);
        let is_ours = giver == self.settings.me;
        let has_taken = running.stage == Stage::Acquiring;
        let is_stuck = |group: &GroupId| {
            let runner = &self.groups[*group].runner;
            is_ours && runner.is_stuck() || (is_ours || has_taken) && runner.cannot_ask_to_stop()
        };
        let is_blocked = |group: GroupId| self.groups[group].row.phase() == Phase::Blocked;
        self.groups_of(giver, scope).iter().any(is_stuck)
            || self.groups_at(giver, scope).into_iter().any(is_blocked)
    }

    /// Whether a node's table as of this sequence is known. A C node has none.
    fn has_told(&self, node: NodeId, table: u64) -> bool {
        let peer = self.peer(node);
        peer.kind == Kind::Classic || peer.view.whole_at() >= table
    }

    /// A C node has declared this node dead in the middle, and has taken everything: even groups
    /// that it was giving away, or that this node has not let go of yet.
    fn end_what_is_kept(&mut self) {
        let running = self.hand_over.running().filter(|running| running.beside_classic);
        let Some(running) = running else { return };
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
            self.step_hand_over(Input::TakenAgain);
        }
    }

    pub(super) fn conclude(&mut self, giver: NodeId, taker: NodeId, scope: Scope) {
        // Only what was given counts. Groups that the taker could not run before, or does not know
        // because its lines differ, were not to be started, nor were groups that are in no line of
        // this node.
        let moved =
            self.hand_over.running().into_iter().flat_map(|it| it.gives.iter().map(|it| it.0));
        let failed = moved
            .filter(|group| self.is_configured(*group))
            .any(|group| !self.groups[group].row.is_able(taker) || self.has_dropped(group, taker));
        if let Scope::Set(hold) = scope {
            self.tell_classic(ClassicInput::Concluded(giver, hold));
        }
        let result = if failed { Err(Refusal::Failed) } else { Ok(()) };
        self.step_hand_over(Input::Concluded(result));
    }

    /// The other node died, left or restarted: a hand-over with it is over.
    pub(in crate::cluster) fn cancel_hand_over(&mut self, node: NodeId) {
        let effects = self.hand_over.step(self.now, Input::PeerGone(node));
        if let Some((ended, _)) = &effects.ended {
            self.report(Event::HandOver(HandOverEvent::Cancelled));
            self.tell_cancelled(ended, node);
        }
        self.apply_hand_over(effects);
    }

    fn hand_over_ended(&mut self, ended: &Running, result: Result<(), Refusal>) {
        self.tell_end(ended, result);
        if result.is_err() && matches!(ended.stage, Stage::Asked | Stage::Invited) {
            // A step that was lost on the way is not followed when it is sent again: it has been
            // answered. A C node would wait an hour for the rest of it, and would not restart
            // itself meanwhile.
            self.history.make_void(ended.asked_by);
        }
        if let Some(ticket) = ended.ticket {
            self.answer(ticket, result.map_err(OrderRefusal::from));
        }
        for group in self.groups_of(ended.giver, ended.scope) {
            self.record_release(group);
        }
        let partner = ended.partner(self.settings.me);
        if ended.unfinished(partner).is_some() {
            self.store_peer(partner);
            self.tell_classic(ClassicInput::HandOverEnded(partner));
        }
        if let Err(why) = result {
            self.hand_over_failed(ended, why);
        }
        self.beat_soon();
    }

    /// Decides how soon another hand-over is requested, which depends on whose reason the failed
    /// one had.
    fn hand_over_failed(&mut self, ended: &Running, why: Refusal) {
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
