//! Orders to hand over, by a person, another node, failback or ipfail.

use super::input::Input;
use super::{Asker, Cluster, Stage};
use crate::group::Runner;
use crate::peer::Kind;
use crate::{
    Event, Failback, GroupId, GroupSet, HandOverEvent, HandOverReason, Message, NodeId, Refusal,
    Scope, Step, Ticket,
};

impl Cluster {
    /// Asks another node to take groups of this node: the given taker, or the first node that can.
    pub(in crate::cluster) fn order_standby(
        &mut self,
        scope: Scope,
        taker: Option<NodeId>,
        asker: Asker,
    ) -> Result<(), Refusal> {
        let result = self.try_standby(scope, taker, asker);
        // A person or another node that asks gets the answer.
        let is_own = !matches!(asker, Asker::Person(_) | Asker::Node);
        if let (Err(why), Some(taker), true) =
            (result, taker.or_else(|| self.first_partner()), is_own)
        {
            self.tell_unasked(taker, scope, asker, why);
            self.record_declined(scope, taker, why);
        }
        result
    }

    fn try_standby(
        &mut self,
        scope: Scope,
        taker: Option<NodeId>,
        asker: Asker,
    ) -> Result<(), Refusal> {
        if !self.takes_part() {
            return Err(Refusal::NotReady);
        }
        if self.settings.failback == Failback::Legacy && self.classic_forbids() {
            return Err(Refusal::Legacy);
        }
        let peer = taker.or_else(|| self.first_partner()).ok_or_else(|| self.no_partner())?;
        let me = self.settings.me;
        let scope = self.as_spoken(scope, me, peer)?;
        self.refuse_retired(scope)?;
        self.refuse_contested()?;
        self.refuse_in_flux(peer)?;
        let is_ipfail = matches!(asker, Asker::Ipfail | Asker::IpfailHome);
        if !is_ipfail {
            self.refuse_unable(scope, peer)?;
        }
        self.report(Event::HandOver(HandOverEvent::Wanted(me, scope)));
        let by_order = matches!(asker, Asker::Person(_) | Asker::Node);
        self.send_planned(peer, scope, Step::Me, (is_ipfail, by_order));
        let beginning = self.beginning((me, peer), scope, Stage::Asked, asker.motive());
        self.begin_hand_over(beginning);
        Ok(())
    }

    /// Takes groups that no node has, and asks the other node for the rest; the scope is from this
    /// node's view. Done at once when there is no node to ask.
    pub(in crate::cluster) fn order_takeover(
        &mut self,
        scope: Scope,
        ticket: Ticket,
    ) -> Result<Option<()>, Refusal> {
        if !self.takes_part() {
            return Err(Refusal::NotReady);
        }
        let me = self.settings.me;
        let groups = self.groups_of(me, scope);
        let is_elsewhere = |group: &GroupId| {
            let row = &self.groups[*group].row;
            let owner = row.owner().filter(|owner| *owner != me && !self.is_gone(*owner));
            let is_there = row.phase().holds() && owner.is_some();
            // A group that only a hold keeps this node from taking belongs to this node by order.
            is_there && self.withheld(*group).is_none()
        };
        let (elsewhere, here): (Vec<GroupId>, Vec<GroupId>) =
            groups.iter().copied().partition(is_elsewhere);
        if elsewhere.is_empty() {
            self.refuse_stopping(&here)?;
            self.refuse_leaving(&here)?;
        }
        if elsewhere.is_empty() && here.iter().any(|group| self.waits_for_unknown_line(*group)) {
            return Err(Refusal::Differs);
        }
        if elsewhere.is_empty() && here.iter().any(|group| self.is_guarded(*group)) {
            return Err(Refusal::Guarded);
        }
        if elsewhere.is_empty() {
            self.take_by_order(&groups, here);
            return Ok(None);
        }
        // The node that has the groups: with more than two nodes, another node could give nothing.
        let mut owners = elsewhere.iter().filter_map(|group| self.groups[*group].row.owner());
        let owner = owners.find(|owner| self.peer(*owner).can_negotiate());
        let peer = owner.or_else(|| self.first_partner()).ok_or_else(|| self.no_partner())?;
        let scope = self.as_spoken(scope, me, peer)?;
        self.refuse_contested()?;
        self.refuse_in_flux(peer)?;
        // With more than two nodes, a set means different groups on each node.
        let gives = self.groups_at(peer, scope.mirrored());
        let is_same =
            gives.len() == elsewhere.len() && gives.iter().all(|it| elsewhere.contains(it));
        if self.settings.nodes.len() > 2 && !is_same {
            return Err(Refusal::SeveralOwners);
        }
        self.take_by_order(&groups, here);
        // The table first: it must show the giver what this node can run again.
        self.send_status();
        match scope {
            Scope::Set(hold) => {
                let dest = self.partner(peer);
                self.send(Message::TakeoverOrder { hold }, dest);
            }
            Scope::Group(group) => {
                let group = self.settings.groups[group.index()].key;
                self.send(Message::GroupOrder { group }, Some(peer));
            }
        }
        let motive = HandOverReason::Order(ticket);
        let beginning = self.beginning((peer, me), scope.mirrored(), Stage::Invited, motive);
        self.begin_hand_over(beginning);
        Ok(Some(()))
    }

    /// Carries out a takeover: groups that failed here are retried, and groups that no node runs
    /// are not held back.
    fn take_by_order(&mut self, groups: &[GroupId], here: Vec<GroupId>) {
        for group in groups {
            self.regain(*group);
        }
        // A line that has left the file may come back while the hold lasts: no one has ordered
        // that.
        for group in here {
            let is_wanted = self.is_held(group) && self.is_configured(group);
            self.groups[group].is_exempt |= is_wanted;
        }
    }

    /// Refuses groups that this node is about to give away: they are not here to stay.
    fn refuse_leaving(&self, groups: &[GroupId]) -> Result<(), Refusal> {
        let me = self.settings.me;
        let mut running = self.hand_over.running().into_iter().filter(|it| it.giver == me);
        let leaves = |scope| groups.iter().any(|group| self.is_in_scope(*group, me, scope));
        if running.any(|running| leaves(running.scope)) { Err(Refusal::Busy) } else { Ok(()) }
    }

    /// Refuses groups that are being stopped here, which are not here to stay, and groups that
    /// cannot be stopped, which cannot be started.
    fn refuse_stopping(&self, groups: &[GroupId]) -> Result<(), Refusal> {
        let runners = || groups.iter().map(|group| &self.groups[*group].runner);
        let is_stopping = |runner: &Runner| !runner.is_settled() && !runner.is_starting();
        if runners().any(Runner::is_stuck) {
            Err(Refusal::CannotStop)
        } else if runners().any(is_stopping) {
            Err(Refusal::LocalInFlux)
        } else {
            Ok(())
        }
    }

    /// Withdraws an offer that no longer has a reason. Nothing was let go yet; a node that hears
    /// the offer later and answers it is refused.
    pub(in crate::cluster) fn withdraw_offer(&mut self) {
        if self.is_offer_obsolete() {
            self.report(Event::HandOver(HandOverEvent::Cancelled));
            self.step_hand_over(Input::Withdrawn);
        }
    }

    /// Why there is no node to ask: a node that is heard is merely not ready.
    fn no_partner(&self) -> Refusal {
        let is_heard = |node: NodeId| self.peer(node).is_alive() && !self.peer(node).has_left;
        if self.others().any(is_heard) { Refusal::RemoteInFlux } else { Refusal::NoPeer }
    }

    pub(in crate::cluster) fn first_partner(&self) -> Option<NodeId> {
        self.others().find(|node| self.peer(*node).can_negotiate())
    }

    /// A scope from this node's view as the other node understands it. A node that knows only sets
    /// can be told about a group only if that group is a whole set.
    pub(in crate::cluster) fn as_spoken(
        &self,
        scope: Scope,
        me: NodeId,
        peer: NodeId,
    ) -> Result<Scope, Refusal> {
        let Scope::Group(group) = scope else { return Ok(scope) };
        if self.peer(peer).kind == Kind::Systole {
            return Ok(scope);
        }
        let is_local = self.preferred(group) == me;
        let hold = GroupSet::of(is_local, !is_local);
        let is_alone = self.groups_of(me, Scope::Set(hold)) == [group];
        is_alone.then_some(Scope::Set(hold)).ok_or(Refusal::SetsOnly)
    }

    /// Refuses groups that are still in another node's haresources but not in this node's: they do
    /// not go there.
    fn refuse_retired(&self, scope: Scope) -> Result<(), Refusal> {
        let differs = match scope {
            Scope::Set(hold) => self.reserves_some_of(hold),
            Scope::Group(group) => !self.is_configured(group),
        };
        if differs { Err(Refusal::Differs) } else { Ok(()) }
    }

    /// Refuses while a C node has groups that this node has too: that is settled before anything is
    /// asked of the C node. Groups that the C node gives on its own settle it as well.
    fn refuse_contested(&self) -> Result<(), Refusal> {
        let is_contested = self.settings.group_ids().any(|group| self.is_contested(group));
        if is_contested { Err(Refusal::RemoteInFlux) } else { Ok(()) }
    }

    pub(super) fn refuse_in_flux(&mut self, peer: NodeId) -> Result<(), Refusal> {
        self.hand_over.step(self.now, Input::Wish);
        if self.hand_over.runs() || self.has_unfinished_with(peer) {
            Err(Refusal::Busy)
        } else if !self.is_settled() {
            Err(Refusal::LocalInFlux)
        } else if !self.is_peer_settled(peer) {
            Err(Refusal::RemoteInFlux)
        } else {
            Ok(())
        }
    }

    /// Refuses to give a taker what it has said it cannot run.
    fn refuse_unable(&self, scope: Scope, taker: NodeId) -> Result<(), Refusal> {
        for group in self.groups_at(self.settings.me, scope) {
            if self.peer(taker).lacks.contains(&group) {
                return Err(Refusal::Differs);
            }
            if !self.could_take(group, taker) {
                // A node that cannot run the group although nothing has failed there waits for
                // lines of a node that lacks this line, or has lost the way to the clients.
                let has_failed = self.groups[group].failure(taker).is_some();
                let differs = self.is_waited_for_elsewhere(group);
                return Err(match (has_failed, differs) {
                    (true, _) => Refusal::Unable,
                    (false, true) => Refusal::Differs,
                    (false, false) => Refusal::NoInterface,
                });
            }
        }
        Ok(())
    }
}
