//! The planned hand-over of a set of groups from one node to another.

use super::Cluster;
use crate::peer::Kind;
use crate::{
    Cause, Event, Failback, GroupId, HandOverEvent, Hold, Message, NodeId, Phase, Refusal, Step,
    Ticket, Time,
};
use std::time::Duration;

/// How long one node waits for the other's word.
const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How long a classic peer's releasing and acquiring may take, of which nothing is seen.
const WORK_WAIT: Duration = Duration::from_hours(1);

/// A hand-over under way.
///
/// ```text
///  giver:  Asked ──"other"──▶ Releasing ──all stopped, "done"──▶ Given ──"done"──▶ Told
///          Told ──the taker's table as of its "done"──▶ (over)
///  taker:  Promised ──"done"──▶ Acquiring ──all settled, "done"──▶ (over)
/// ```
///
/// It ends early when nobody answers, when the other node dies, leaves or restarts, when this node
/// stops or was away, and when nothing of it is seen to go on for 10 s. Who is left then decides
/// as if there had been none.
#[derive(Debug)]
pub(super) struct HandOver {
    /// The set, from the giver's view.
    hold: Hold,
    giver: NodeId,
    taker: NodeId,
    stage: Stage,
    until: Time,
    ticket: Option<Ticket>,
    /// The other node's last sequence when it began: what is older belongs to another one.
    began_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Releasing,
    Given,
    /// The taker is done. Its table, sent just before under this number, says with what.
    Told(u64),
    Promised,
    Acquiring,
}

impl HandOver {
    pub(super) const fn deadline(&self) -> Time {
        self.until
    }

    /// Giver, taker, and the set from the giver's view.
    pub(super) const fn parts(&self) -> (NodeId, NodeId, Hold) {
        (self.giver, self.taker, self.hold)
    }

    /// The node that is not `me`.
    fn partner(&self, me: NodeId) -> NodeId {
        if self.giver == me { self.taker } else { self.giver }
    }

    /// Whether `node` is one of the two.
    fn is_with(&self, node: NodeId) -> bool {
        self.giver == node || self.taker == node
    }
}

/// Who wants this node to give groups away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// Somebody who waits for the answer.
    Person(Ticket),
    /// Another node, by an order or because it is the groups' home.
    Node,
    /// The built-in ipfail. A classic one asks through the client API, which shows on the wire.
    Ipfail,
}

impl Cluster {
    /// Whether a group is part of a running hand-over and must not move otherwise.
    pub(super) fn is_handed_over(&self, group: GroupId) -> bool {
        self.hand_over.as_ref().is_some_and(|running| {
            running.stage != Stage::Asked && self.is_in_set(group, running.giver, running.hold)
        })
    }

    /// Whether a group is being given away by us.
    pub(super) fn is_given_away(&self, group: GroupId) -> bool {
        let giver = self.hand_over.as_ref().map(|running| running.giver);
        giver == Some(self.settings.me) && self.is_handed_over(group)
    }

    fn is_in_set(&self, group: GroupId, giver: NodeId, hold: Hold) -> bool {
        if self.preferred(group) == giver { hold.has_local() } else { hold.has_foreign() }
    }

    /// The groups of a set that is named from the giver's view.
    fn set_of(&self, giver: NodeId, hold: Hold) -> Vec<GroupId> {
        let all = self.settings.group_ids();
        all.filter(|group| self.is_in_set(*group, giver, hold)).collect()
    }

    /// Asks another node to take a set of ours: this one, or the first that can.
    pub(super) fn order_standby(
        &mut self,
        hold: Hold,
        taker: Option<NodeId>,
        asker: Asker,
    ) -> Result<(), Refusal> {
        if !self.takes_part() {
            return Err(Refusal::NotReady);
        }
        if self.settings.failback == Failback::Legacy && self.classic_forbids() {
            return Err(Refusal::Legacy);
        }
        let peer = taker.or_else(|| self.first_partner()).ok_or(Refusal::NoPeer)?;
        self.refuse_in_flux(peer)?;
        let me = self.settings.me;
        self.report(Event::HandOver(HandOverEvent::Wanted(me, hold)));
        let dest = self.partner(peer);
        let (step, ipfail) = (Step::Me, asker == Asker::Ipfail);
        self.send(Message::AskResources { hold, step, ipfail }, dest);
        let ticket = match asker {
            Asker::Person(ticket) => Some(ticket),
            Asker::Node | Asker::Ipfail => None,
        };
        self.begin_hand_over((me, peer), hold, Stage::Asked, ticket);
        Ok(())
    }

    /// Takes what nobody has, and asks the other node for the rest of a set. Done at once when
    /// there is nobody to ask.
    pub(super) fn order_takeover(
        &mut self,
        hold: Hold,
        ticket: Ticket,
    ) -> Result<Option<()>, Refusal> {
        if !self.takes_part() {
            return Err(Refusal::NotReady);
        }
        let me = self.settings.me;
        for group in self.set_of(me, hold) {
            self.regain(group);
        }
        let mut wanted = self.settings.group_ids().filter(|group| {
            let row = self.ownership.row(*group);
            self.is_in_set(*group, me, hold) && row.phase.holds() && row.owner != Some(me)
        });
        if wanted.next().is_none() {
            return Ok(None);
        }
        drop(wanted);
        let peer = self.first_partner().ok_or(Refusal::NoPeer)?;
        self.refuse_in_flux(peer)?;
        let dest = self.partner(peer);
        self.send(Message::TakeoverOrder { hold }, dest);
        self.begin_hand_over((peer, me), hold.mirrored(), Stage::Promised, Some(ticket));
        Ok(Some(()))
    }

    fn begin_hand_over(
        &mut self,
        (giver, taker): (NodeId, NodeId),
        hold: Hold,
        stage: Stage,
        ticket: Option<Ticket>,
    ) {
        let until = self.now + REPLY_WAIT;
        let partner = if giver == self.settings.me { taker } else { giver };
        let began_at = self.peer(partner).receiver.last();
        self.hand_over = Some(HandOver { hold, giver, taker, stage, until, ticket, began_at });
    }

    fn advance_hand_over(&mut self, stage: Stage) {
        let me = self.settings.me;
        let Some(running) = &mut self.hand_over else { return };
        let partner = &self.peers[running.partner(me).index()];
        let wait = if partner.kind == Kind::Classic { WORK_WAIT } else { REPLY_WAIT };
        running.stage = stage;
        running.until = self.now + wait;
    }

    /// While something of the hand-over goes on here or there it may take as long as it needs.
    fn prolong_hand_over(&mut self) {
        let me = self.settings.me;
        let Some(running) = self.hand_over.as_ref().filter(|r| r.stage != Stage::Asked) else {
            return;
        };
        let partner = running.partner(me);
        let goes_on = !self.is_settled() || self.is_peer_at_work(partner);
        let until = self.now + REPLY_WAIT;
        if let Some(running) = self.hand_over.as_mut().filter(|_| goes_on) {
            running.until = running.until.max(until);
        }
    }

    fn first_partner(&self) -> Option<NodeId> {
        self.others().find(|node| self.peer(*node).can_negotiate())
    }

    fn refuse_in_flux(&self, peer: NodeId) -> Result<(), Refusal> {
        if self.hand_over.is_some() {
            Err(Refusal::Busy)
        } else if !self.is_settled() {
            Err(Refusal::LocalInFlux)
        } else if !self.is_peer_settled(peer) {
            Err(Refusal::RemoteInFlux)
        } else {
            Ok(())
        }
    }

    /// The other node wants a set of ours.
    pub(super) fn hear_takeover_order(&mut self, from: NodeId, hold: Hold) {
        if let Err(why) = self.order_standby(hold, Some(from), Asker::Node) {
            self.refuse_step(from, Step::Me, why);
        }
    }

    pub(super) fn hear_step(&mut self, from: NodeId, sequence: u64, hold: Hold, step: Step) {
        if !self.takes_part() {
            return self.note_taken_over(from, step);
        }
        let stage = self.hand_over.as_ref().filter(|running| {
            running.is_with(from) && running.hold == hold && sequence > running.began_at
        });
        let stage = stage.map(|running| running.stage);
        match (step, stage) {
            (Step::Me, _) => self.promise(from, hold),
            (Step::Other, Some(Stage::Asked)) => self.begin_release(from, hold),
            (Step::Done, Some(Stage::Promised)) => {
                let peer = self.peer_mut(from);
                peer.told_at = peer.told_at.max(sequence);
                self.begin_acquire(from, hold);
            }
            (Step::Done, Some(Stage::Given)) => {
                self.advance_hand_over(Stage::Told(sequence.saturating_sub(1)));
            }
            (Step::Other | Step::Done, _) => self.refuse_step(from, step, Refusal::Busy),
        }
    }

    /// The other node wants to give: promise to take, unless something speaks against it.
    fn promise(&mut self, giver: NodeId, hold: Hold) {
        let me = self.settings.me;
        let mut ticket = None;
        if let Some(running) = &self.hand_over {
            let crossing = running.stage == Stage::Asked && giver < me;
            let invited = running.stage == Stage::Promised && running.giver == giver;
            if !crossing && !invited {
                return self.refuse_step(giver, Step::Me, Refusal::Busy);
            }
            if invited {
                // Our own wish is heard: its answer waits for the hand-over that follows.
                ticket = self.hand_over.as_mut().and_then(|running| running.ticket.take());
            }
            self.end_hand_over(if invited { Ok(()) } else { Err(Refusal::Busy) });
        }
        if let Err(why) = self.refuse_in_flux(giver) {
            if let Some(ticket) = ticket {
                self.answer(ticket, Err(why));
            }
            return self.refuse_step(giver, Step::Me, why);
        }
        self.report(Event::HandOver(HandOverEvent::Wanted(giver, hold)));
        self.send_step(giver, hold, Step::Other);
        self.begin_hand_over((giver, me), hold, Stage::Promised, ticket);
        self.advance_hand_over(Stage::Promised);
    }

    fn refuse_step(&mut self, node: NodeId, step: Step, why: Refusal) {
        let until = self.hand_over.as_ref().map_or(self.now, |running| running.until);
        let left = until.since(self.now);
        self.report(Event::HandOver(HandOverEvent::Refused { node, step, why, left }));
    }

    fn begin_release(&mut self, taker: NodeId, hold: Hold) {
        self.report(Event::HandOver(HandOverEvent::Granted(taker, hold)));
        self.report(Event::HandOver(HandOverEvent::Releasing(hold)));
        self.advance_hand_over(Stage::Releasing);
        self.classic_releases(hold);
        let me = self.settings.me;
        for group in self.set_of(me, hold) {
            if self.is_ours(group) {
                self.release(group, Cause::HandOver { giver: me, taker });
            }
        }
    }

    fn begin_acquire(&mut self, giver: NodeId, hold: Hold) {
        self.report(Event::HandOver(HandOverEvent::Acquiring(giver, hold)));
        self.advance_hand_over(Stage::Acquiring);
        let me = self.settings.me;
        for group in self.set_of(giver, hold) {
            let row = *self.ownership.row(group);
            if row.owner == Some(giver) && row.phase.holds() {
                // The giver's "done" is the stop that its table has yet to tell.
                self.ownership.advance(group, Phase::Stopped);
            }
            let free = !self.ownership.row(group).phase.holds();
            if free && self.ownership.is_able(group, me) && self.has_executor {
                self.take(group, Cause::HandOver { giver, taker: me });
            }
        }
    }

    /// Drives a hand-over on: sends what is due, and gives up what takes too long.
    pub(super) fn elapse_hand_over(&mut self) {
        self.prolong_hand_over();
        let Some(running) = &self.hand_over else { return };
        let (hold, giver, stage) = (running.hold, running.giver, running.stage);
        if self.now >= running.until {
            self.report(Event::HandOver(HandOverEvent::NoReply));
            return self.end_hand_over(Err(Refusal::NoReply));
        }
        let set = self.settings.group_ids();
        let set = set.filter(|group| self.is_in_set(*group, giver, hold));
        let mut runners = set.map(|group| &self.runners[group.index()]);
        match stage {
            Stage::Releasing if runners.all(crate::group::Runner::is_idle) => {
                let taker = running.taker;
                drop(runners);
                self.report(Event::HandOver(HandOverEvent::Released(hold)));
                self.send_step(taker, hold, Step::Done);
                self.advance_hand_over(Stage::Given);
            }
            Stage::Acquiring if runners.all(crate::group::Runner::is_settled) => {
                drop(runners);
                self.report(Event::HandOver(HandOverEvent::Acquired(hold.mirrored())));
                // The table first: the giver shall know from it what could not be started.
                self.send_status();
                self.send_step(giver, hold, Step::Done);
                self.report(Event::HandOver(HandOverEvent::Taken(hold)));
                self.conclude(giver, self.settings.me, hold);
            }
            Stage::Told(table) if self.has_told(running.taker, table) => {
                let taker = running.taker;
                drop(runners);
                self.report(Event::HandOver(HandOverEvent::Given(hold)));
                self.conclude(giver, taker, hold);
            }
            Stage::Asked
            | Stage::Releasing
            | Stage::Given
            | Stage::Told(_)
            | Stage::Promised
            | Stage::Acquiring => {}
        }
    }

    /// Whether a node's table as of this number is known. A classic peer has none.
    fn has_told(&self, node: NodeId, table: u64) -> bool {
        let peer = self.peer(node);
        peer.kind == Kind::Classic || peer.told_at >= table
    }

    fn conclude(&mut self, giver: NodeId, taker: NodeId, hold: Hold) {
        let set = self.set_of(giver, hold);
        let failed = set.into_iter().any(|group| !self.ownership.is_able(group, taker));
        self.classic_concludes(giver, hold);
        self.end_hand_over(if failed { Err(Refusal::Failed) } else { Ok(()) });
    }

    /// The other node died, left or restarted: a hand-over with it is over.
    pub(super) fn cancel_hand_over(&mut self, node: NodeId) {
        if self.hand_over.as_ref().is_some_and(|running| running.is_with(node)) {
            self.report(Event::HandOver(HandOverEvent::Cancelled));
            self.end_hand_over(Err(Refusal::PeerDied));
        }
    }

    pub(super) fn end_hand_over(&mut self, result: Result<(), Refusal>) {
        let Some(ended) = self.hand_over.take() else { return };
        if let Some(ticket) = ended.ticket {
            self.answer(ticket, result);
        }
        for group in self.set_of(ended.giver, ended.hold) {
            self.note_release(group);
        }
        if result.is_err() {
            self.delay_failback();
        }
        self.speak_soon();
    }

    fn send_step(&mut self, peer: NodeId, hold: Hold, step: Step) {
        let dest = self.partner(peer);
        self.send(Message::AskResources { hold, step, ipfail: false }, dest);
    }

    /// The addressee of a step: nobody by name among two nodes, as in the classic protocol.
    fn partner(&self, peer: NodeId) -> Option<NodeId> {
        (self.settings.nodes.len() > 2).then_some(peer)
    }
}
