//! The steps of a hand-over, as they are heard and taken.

use super::input::{Action, Fact, Heard, Input};
use super::{Asker, Beginning, Cluster, Stage};
use crate::cluster::classic::ClassicInput;
use crate::cluster::gate::Purpose;
use crate::peer::Kind;
use crate::{
    Cause, Event, GroupId, GroupKey, HandOverEvent, HandOverReason, NodeId, Phase, Refusal, Scope,
    Step, Ticket,
};

impl Cluster {
    /// The other node wants groups of this node.
    pub(in crate::cluster) fn handle_takeover_order(&mut self, from: NodeId, scope: Scope) {
        if let Err(why) = self.order_standby(scope, Some(from), Asker::Node) {
            self.refuse(from, Step::Me, why, None);
        }
    }

    /// The other node wants one group of this node.
    pub(in crate::cluster) fn handle_group_order(&mut self, from: NodeId, key: GroupKey) {
        match self.group_with(key) {
            Some(scope) => self.handle_takeover_order(from, scope),
            None => self.refuse(from, Step::Me, Refusal::Differs, None),
        }
    }

    /// Processes a step that concerns one group.
    pub(in crate::cluster) fn handle_group_step(
        &mut self,
        from: NodeId,
        sequence: u64,
        key: GroupKey,
        (step, by_order): (Step, bool),
    ) {
        match self.group_with(key) {
            Some(scope) => self.handle_step(from, sequence, scope, (step, by_order)),
            None => self.refuse(from, step, Refusal::Differs, Some(sequence)),
        }
    }

    fn group_with(&self, key: GroupKey) -> Option<Scope> {
        self.group_with_key(key).map(Scope::Group)
    }

    pub(in crate::cluster) fn handle_step(
        &mut self,
        from: NodeId,
        sequence: u64,
        scope: Scope,
        (step, by_order): (Step, bool),
    ) {
        self.withdraw_offer();
        if step == Step::Done && self.recalled_is_done(from, sequence, scope) {
            return;
        }
        if !self.takes_part() {
            if step == Step::Done && self.peer(from).kind == Kind::Systole {
                self.refuse(from, step, Refusal::NotReady, Some(sequence));
            }
            return self.record_taken_over(from, step);
        }
        let (is_first, lacks_words) = (from < self.settings.me, self.lacks_words_of(from));
        let heard = Heard { from, sequence, scope, step, is_first, lacks_words };
        let effects = self.hand_over.step(self.now, Input::Step(heard));
        let action = effects.action;
        self.apply_hand_over(effects);
        if let Action::Consider(ticket) = action {
            self.consider_offer(from, scope, by_order, ticket);
        }
    }

    /// Whether no table was heard that a node sent after a message with this sequence. Its table
    /// counts from there on.
    pub(super) fn is_newer_than_table(&mut self, node: NodeId, sequence: u64) -> bool {
        let peer = self.peer_mut(node);
        let is_newer = sequence > peer.told_at;
        peer.told_at = peer.told_at.max(sequence);
        is_newer
    }

    /// The other node wants to give: checks whether this node can take, unless there is a reason
    /// against it. A person here who had the same wish waits for the answer.
    fn consider_offer(
        &mut self,
        giver: NodeId,
        scope: Scope,
        by_order: bool,
        ticket: Option<Ticket>,
    ) {
        let me = self.settings.me;
        let refusal = self.refuse_in_flux(giver).and_then(|()| self.refuse_to_take(giver, scope));
        if let Err(why) = refusal {
            if let Some(ticket) = ticket {
                self.answer(ticket, Err(why.into()));
            }
            return self.refuse(giver, Step::Me, why, None);
        }
        self.report(Event::HandOver(HandOverEvent::Wanted(giver, scope)));
        let motive = ticket.map_or(HandOverReason::Node, HandOverReason::Order);
        // A C node does not say why it gives groups away.
        let is_order = by_order || ticket.is_some() || self.peer(giver).kind != Kind::Systole;
        let beginning = Beginning {
            by_order: is_order,
            gives: self.with_terms(self.groups_at(giver, scope)),
            owned: self.groups_owned_by(giver, scope),
            ..self.beginning((giver, me), scope, Stage::Checking, motive)
        };
        self.begin_hand_over(beginning);
        self.begin_checks(giver, scope);
    }

    /// Whether messages of a C node are missing: it may have begun to let go.
    fn lacks_words_of(&self, peer: NodeId) -> bool {
        let peer = self.peer(peer);
        peer.kind == Kind::Classic && !peer.receiver.is_complete()
    }

    pub(super) fn begin_release(&mut self, taker: NodeId, scope: Scope) {
        self.report(Event::HandOver(HandOverEvent::Granted(taker, scope)));
        self.report(Event::HandOver(HandOverEvent::Releasing(scope)));
        if let Scope::Set(hold) = scope {
            self.tell_classic(ClassicInput::Releases(hold));
        }
        let me = self.settings.me;
        let gives = self.with_terms(self.groups_at(me, scope));
        let owned = self.groups_owned_by(me, scope);
        self.learn(Fact::Gives { gives, owned });
        let is_own_idea = self.hand_over.running().is_some_and(|running| running.motive.is_own());
        for group in self.groups_of(me, scope) {
            if self.is_ours(group) {
                // A group that does not run is not moved, and stays held.
                let is_given = self.groups[group].row.phase().holds();
                self.groups[group].is_exempt |= is_given;
                if is_own_idea {
                    self.record_gift(group);
                }
                self.release(group, Cause::HandOver { giver: me, taker });
            }
        }
    }

    /// Takes each group of a set as soon as the giver reports that it has stopped it, without
    /// waiting for the other groups, whose agents may take their time. A C node that gives reports
    /// only the whole set.
    pub(super) fn take_what_is_given(&mut self) {
        let promised = self.hand_over.running().filter(|it| it.stage == Stage::Promised);
        let Some((giver, scope)) = promised.map(|it| (it.giver, it.scope)) else { return };
        if self.peer(giver).kind != Kind::Systole {
            return;
        }
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            if row.owner() == Some(giver) && row.phase() == Phase::Stopping {
                self.take_given(group, giver, Purpose::Given { is_offered: true });
            }
        }
    }

    /// A C node that gives is done, and no message of it is missing: it may have declared this node
    /// dead meanwhile and taken the set again, and messages that are sent again come in any order.
    pub(super) fn acquire_from_classic(&mut self) {
        let Some(running) = self.hand_over.running() else { return };
        let (giver, scope) = (running.giver, running.scope);
        let Some(number) = running.done_by else { return };
        if running.stage != Stage::Promised || !self.peer(giver).receiver.is_complete() {
            return;
        }
        if self.classic_has_again(scope, number) {
            return self.step_hand_over(Input::TakenAgain);
        }
        self.learn(Fact::Acquire);
    }

    /// The giver's "done" was heard; `is_news` if no table that it sent later was heard before.
    pub(super) fn begin_acquire(&mut self, giver: NodeId, scope: Scope, is_news: bool) {
        self.report(Event::HandOver(HandOverEvent::Acquiring(giver, scope)));
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            // A giver does not give groups that it has taken since, for example from a third node.
            let is_offered = self.is_offered(giver, group);
            let is_given = is_offered && (is_news || row.phase() == Phase::Stopping);
            if row.owner() == Some(giver) && row.phase().holds() && is_given {
                // The giver's "done" stands for the stop that its table has yet to report. A late
                // "done" does not undo that the giver has taken a group again.
                self.record_phase(group, Phase::Stopped);
            }
            self.peer_mut(giver).runs[group.index()] &= !is_given;
            if self.peer(giver).kind == Kind::Classic {
                // The C node believes that this node runs what it gives: groups that failed here
                // before are retried.
                self.regain(group);
            }
            let is_meant = is_offered || row.owner() == Some(giver);
            if is_meant {
                self.take_given(group, giver, Purpose::Given { is_offered });
            }
        }
    }

    /// Takes groups that were given and could not be taken before, because the remains of another
    /// run of them were still being stopped here.
    pub(super) fn take_what_is_free_now(&mut self) {
        let acquiring = self.hand_over.running().filter(|it| it.stage == Stage::Acquiring);
        let Some((giver, scope)) = acquiring.map(|it| (it.giver, it.scope)) else { return };
        for group in self.groups_of(giver, scope) {
            if self.groups[group].row.owner() == Some(giver) {
                let is_offered = self.is_offered(giver, group);
                self.take_given(group, giver, Purpose::Given { is_offered });
            }
        }
    }

    /// Whether a giver has offered a group in its present term. A C node does not report what it
    /// had.
    fn is_offered(&self, giver: NodeId, group: GroupId) -> bool {
        let term = self.groups[group].row.term();
        let is_told = self.peer(giver).kind == Kind::Systole;
        let mut running = self.hand_over.running().into_iter();
        !is_told || running.any(|running| running.gives.contains(&(group, term)))
    }

    /// Everything is let go: the taker may begin.
    pub(super) fn tell_release(&mut self, taker: NodeId, scope: Scope) {
        self.report(Event::HandOver(HandOverEvent::Released(scope)));
        self.tell_classic(ClassicInput::Given(taker, scope));
        let number = self.history.next();
        self.send_step(taker, scope, Step::Done);
        self.learn(Fact::SaidDone(number));
    }

    /// Everything runs here, or has failed to start.
    pub(super) fn tell_acquisition(&mut self, giver: NodeId, scope: Scope) {
        self.report(Event::HandOver(HandOverEvent::Acquired(scope.mirrored())));
        // The table first: it must show the giver what could not be started.
        self.send_status();
        self.send_step(giver, scope, Step::Done);
        self.report(Event::HandOver(HandOverEvent::Taken(scope)));
        self.conclude(giver, self.settings.me, scope);
    }
}
