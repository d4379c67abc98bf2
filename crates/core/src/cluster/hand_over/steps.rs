//! The steps of a hand-over, as they are heard and taken.

use super::{Asker, Cluster, Stage};
use crate::cluster::gate::Purpose;
use crate::peer::Kind;
use crate::{
    Cause, Event, GroupId, GroupKey, HandOverEvent, HandOverReason, NodeId, Phase, Refusal, Scope,
    Step,
};

impl Cluster {
    /// The other node wants groups of this node.
    pub(in crate::cluster) fn handle_takeover_order(&mut self, from: NodeId, scope: Scope) {
        if let Err(why) = self.order_standby(scope, Some(from), Asker::Node) {
            self.refuse_step(from, Step::Me, why, None);
        }
    }

    /// The other node wants one group of this node.
    pub(in crate::cluster) fn handle_group_order(&mut self, from: NodeId, key: GroupKey) {
        match self.group_with(key) {
            Some(scope) => self.handle_takeover_order(from, scope),
            None => self.refuse_step(from, Step::Me, Refusal::Differs, None),
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
            None => self.refuse_step(from, step, Refusal::Differs, Some(sequence)),
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
        let number = Some(sequence);
        self.withdraw_offer();
        if step == Step::Done && self.recalled_is_done(from, sequence, scope) {
            return;
        }
        if !self.takes_part() {
            if step == Step::Done && self.peer(from).kind == Kind::Systole {
                self.refuse_step(from, step, Refusal::NotReady, number);
            }
            return self.record_taken_over(from, step);
        }
        let stage = self.hand_over.as_ref().filter(|running| {
            running.is_with(from) && running.scope == scope && sequence > running.began_at
        });
        let stage = stage.map(|running| running.stage);
        self.visit_hand_over(match (step, stage.is_some()) {
            (Step::Me, _) => "me",
            (Step::Other, true) => "other",
            (Step::Done, true) => "done",
            (Step::Other, false) => "stray other",
            (Step::Done, false) => "stray done",
        });
        match (step, stage) {
            (Step::Me, _) => self.promise(from, scope, by_order),
            (Step::Other, Some(Stage::Asked)) => self.begin_release(from, scope),
            (Step::Done, Some(Stage::Promised)) if self.peer(from).kind == Kind::Classic => {
                self.acquire_by(sequence);
            }
            (Step::Done, Some(Stage::Promised)) => {
                let peer = self.peer_mut(from);
                let is_news = sequence > peer.told_at;
                peer.told_at = peer.told_at.max(sequence);
                self.begin_acquire(from, scope, is_news);
            }
            (Step::Done, Some(Stage::Given(_))) => {
                self.advance_hand_over(Stage::Told(sequence.saturating_sub(1)));
            }
            (Step::Other | Step::Done, _) => {
                let is_busy = self.hand_over.is_some();
                let why = if is_busy { Refusal::Busy } else { Refusal::NotReady };
                self.refuse_step(from, step, why, number);
            }
        }
    }

    /// The other node wants to give: checks whether this node can take, unless there is a reason
    /// against it.
    fn promise(&mut self, giver: NodeId, scope: Scope, by_order: bool) {
        let me = self.settings.me;
        let mut ticket = None;
        if let Some(running) = &self.hand_over {
            let crossing = running.stage == Stage::Asked && giver < me;
            let waits = matches!(running.stage, Stage::Invited | Stage::Checking | Stage::Promised);
            let invited = waits && running.giver == giver;
            let may_let_go = running.stage == Stage::Promised && self.lacks_words_of(giver);
            if running.lets_go_by.is_some() || may_let_go {
                // A C node that refuses the order of its own administrator has sent the request all
                // the same.
                return self.refuse_step(giver, Step::Me, Refusal::Busy, None);
            }
            if !crossing && !invited {
                return self.refuse_step(giver, Step::Me, Refusal::Busy, None);
            }
            if invited {
                // This node's own wish is heard: its answer waits for the hand-over that follows.
                ticket = self.hand_over.as_mut().and_then(|running| running.ticket.take());
            }
            self.end_hand_over(if invited { Ok(()) } else { Err(Refusal::Busy) });
        }
        let refusal = self.refuse_in_flux(giver).and_then(|()| self.refuse_to_take(giver, scope));
        if let Err(why) = refusal {
            if let Some(ticket) = ticket {
                self.answer(ticket, Err(why));
            }
            return self.refuse_step(giver, Step::Me, why, None);
        }
        self.report(Event::HandOver(HandOverEvent::Wanted(giver, scope)));
        let motive = ticket.map_or(HandOverReason::Node, HandOverReason::Order);
        self.begin_hand_over((giver, me), scope, Stage::Checking, motive);
        // A C node does not say why it gives groups away.
        let is_order = by_order || ticket.is_some() || self.peer(giver).kind != Kind::Systole;
        let offered = self.with_terms(self.groups_at(giver, scope));
        let owned = self.groups_owned_by(giver, scope);
        if let Some(running) = &mut self.hand_over {
            running.by_order = is_order;
            (running.gives, running.owned) = (offered, owned);
        }
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
        self.advance_hand_over(Stage::Releasing);
        if let Scope::Set(hold) = scope {
            self.classic_releases(hold);
        }
        let me = self.settings.me;
        let gives = self.with_terms(self.groups_at(me, scope));
        let owned = self.groups_owned_by(me, scope);
        if let Some(running) = &mut self.hand_over {
            (running.gives, running.owned) = (gives, owned);
        }
        let is_own_idea = self.hand_over.as_ref().is_some_and(|running| running.motive.is_own());
        for group in self.groups_of(me, scope) {
            if self.is_ours(group) {
                // A group that does not run is not moved, and stays held.
                let is_given = self.groups[group].row.phase.holds();
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
        let promised = self.hand_over.as_ref().filter(|it| it.stage == Stage::Promised);
        let Some((giver, _, scope)) = promised.map(super::HandOver::parts) else { return };
        if self.peer(giver).kind != Kind::Systole {
            return;
        }
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            if row.owner == Some(giver) && row.phase == Phase::Stopping {
                self.take_given(group, giver, Purpose::Given { is_offered: true });
            }
        }
    }

    /// A C node that gives is done, and no message of it is missing: it may have declared this node
    /// dead meanwhile and taken the set again, and messages that are sent again come in any order.
    pub(super) fn acquire_from_classic(&mut self) {
        let Some(running) = &self.hand_over else { return };
        let (giver, scope) = (running.giver, running.scope);
        let Some(number) = running.done_by else { return };
        if running.stage != Stage::Promised || !self.peer(giver).receiver.is_complete() {
            return;
        }
        if self.classic_has_again(scope, number) {
            return self.end_hand_over(Err(Refusal::Withdrawn));
        }
        self.begin_acquire(giver, scope, true);
    }

    /// The giver's "done" was heard; `is_news` if no table that it sent later was heard before.
    pub(super) fn begin_acquire(&mut self, giver: NodeId, scope: Scope, is_news: bool) {
        self.report(Event::HandOver(HandOverEvent::Acquiring(giver, scope)));
        self.advance_hand_over(Stage::Acquiring);
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            // A giver does not give groups that it has taken since, for example from a third node.
            let is_offered = self.is_offered(giver, group);
            let is_given = is_offered && (is_news || row.phase == Phase::Stopping);
            if row.owner == Some(giver) && row.phase.holds() && is_given {
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
            let is_meant = is_offered || row.owner == Some(giver);
            if is_meant {
                self.take_given(group, giver, Purpose::Given { is_offered });
            }
        }
    }

    /// Takes groups that were given and could not be taken before, because the remains of another
    /// run of them were still being stopped here.
    pub(super) fn take_what_is_free_now(&mut self) {
        let acquiring = self.hand_over.as_ref().filter(|it| it.stage == Stage::Acquiring);
        let Some((giver, _, scope)) = acquiring.map(super::HandOver::parts) else { return };
        for group in self.groups_of(giver, scope) {
            if self.groups[group].row.owner == Some(giver) {
                let is_offered = self.is_offered(giver, group);
                self.take_given(group, giver, Purpose::Given { is_offered });
            }
        }
    }

    /// Whether a giver has offered a group in its present term. A C node does not report what it
    /// had.
    fn is_offered(&self, giver: NodeId, group: GroupId) -> bool {
        let term = self.groups[group].row.term;
        let is_told = self.peer(giver).kind == Kind::Systole;
        let mut running = self.hand_over.iter();
        !is_told || running.any(|running| running.gives.contains(&(group, term)))
    }

    /// Everything is let go: the taker may begin.
    pub(super) fn tell_release(&mut self) {
        let Some(running) = &self.hand_over else { return };
        let (taker, scope) = (running.taker, running.scope);
        self.report(Event::HandOver(HandOverEvent::Released(scope)));
        self.classic_is_given(taker, scope);
        let number = self.history.next();
        self.send_step(taker, scope, Step::Done);
        self.advance_hand_over(Stage::Given(number));
    }

    /// Everything runs here, or has failed to start.
    pub(super) fn tell_acquisition(&mut self) {
        let Some(running) = &self.hand_over else { return };
        let (giver, scope) = (running.giver, running.scope);
        self.report(Event::HandOver(HandOverEvent::Acquired(scope.mirrored())));
        // The table first: it must show the giver what could not be started.
        self.send_status();
        self.send_step(giver, scope, Step::Done);
        self.report(Event::HandOver(HandOverEvent::Taken(scope)));
        self.conclude(giver, self.settings.me, scope);
    }
}
