//! Making certain that a silent node is dead before anything that it may run is started here, where
//! a fencing device is configured.

mod fence;

use super::Cluster;
use super::classic::ClassicInput;
use crate::{
    Event, FenceOutcome, Fencing, GroupId, Guard, Message, NodeId, OrderRefusal, Output, Proof,
};
pub(super) use fence::Fence;
use fence::{Answer, Effects, Input, Turn};
use std::time::Duration;

impl Cluster {
    /// Whether some node is silent but not certain to be dead: then nothing is started here. A node
    /// that this node does not hear may hear this node, and may have taken what this node let go.
    pub(super) fn is_anyone_uncertain(&self) -> bool {
        self.fences.iter().any(Fence::is_uncertain)
    }

    /// Whether a node is silent but may still run something.
    pub(super) fn is_uncertain(&self, node: NodeId) -> bool {
        self.fences[node.index()].is_uncertain()
    }

    /// The proof that a silent node is dead.
    pub(super) fn proof_of_death(&self, node: NodeId) -> Proof {
        self.fences[node.index()].proof()
    }

    /// Whether a node was fenced or confirmed dead, and not heard since.
    pub(super) fn is_certainly_dead(&self, node: NodeId) -> bool {
        self.fences[node.index()].is_certain()
    }

    /// A group waits until every silent node is certain to be dead, and likewise every node that
    /// cannot tell whether it runs the group.
    pub(super) fn want_fences(&mut self, group: GroupId) {
        for node in self.others() {
            if self.is_uncertain(node) || self.is_in_doubt_at(node, group) {
                self.fences[node.index()].want();
            }
        }
    }

    /// A node fell silent without a goodbye. Returns whether its groups wait for a fence.
    pub(super) fn suspect(&mut self, node: NodeId, had_nothing: bool) -> bool {
        if self.settings.fencing.is_none() {
            return false;
        }
        self.step_fence(node, Input::Silent);
        // A node that had nothing may have taken, in the last moment, groups that no other node
        // has.
        self.is_certainly_dead(node) || !had_nothing || !self.holds_everything()
    }

    fn holds_everything(&self) -> bool {
        let mut groups = self.settings.group_ids();
        groups.all(|group| self.is_ours(group) && self.groups[group].row.phase().holds())
    }

    /// Records which nodes are heard again, before anything is decided.
    pub(super) fn record_returns(&mut self) {
        for (fence, peer) in self.fences.iter_mut().zip(&self.peers) {
            if peer.is_alive() {
                fence.record_return();
            }
        }
    }

    /// Lets time pass, after it was determined which groups wait.
    pub(super) fn elapse_fencing(&mut self) {
        if self.settings.fencing.is_none() && self.settings.guard == Guard::Off {
            return;
        }
        for node in self.others() {
            let begins = self.fences[node.index()].is_about_to_begin();
            let delay = if begins { self.fence_delay(node) } else { Duration::ZERO };
            let peer = self.peer(node);
            let (is_alive, heard) = (peer.is_alive(), peer.last_status);
            let turn = Turn { is_alive, heard, generation: peer.generation, delay };
            self.step_fence(node, Input::Turn(turn));
        }
    }

    /// A device has answered.
    pub(super) fn fenced(&mut self, node: NodeId, attempt: u32, outcome: FenceOutcome) {
        let Some(peer) = self.peers.get(node.index()) else { return };
        let (is_alive, generation) = (peer.is_alive(), peer.generation);
        let is_in_doubt = peer.in_doubt.contains(&true);
        let answer = Answer { attempt, outcome, is_alive, is_in_doubt, generation };
        self.step_fence(node, Input::Answer(answer));
    }

    /// The administrator has seen that a node is off: no fence is waited for, and no answer of the network.
    pub(super) fn confirm_dead(&mut self, node: NodeId) -> Result<(), OrderRefusal> {
        if self.settings.fencing.is_none() && self.settings.guard == Guard::Off {
            return Err(OrderRefusal::NoFencing);
        }
        if self.peer(node).is_alive() {
            return Err(OrderRefusal::NotDead);
        }
        self.step_fence(node, Input::Confirmed);
        Ok(())
    }

    fn step_fence(&mut self, node: NodeId, input: Input) {
        let effects = self.fences[node.index()].step(self.now, input);
        let Effects { reports, ask, is_certain, has_failed, is_spared } = effects;
        for event in reports.into_iter().flatten() {
            self.report(Event::Fencing(node, event));
        }
        if let Some((attempt, device)) = ask {
            self.outbox.push_back(Output::Fence { node, attempt, device });
        }
        if is_certain && !self.shutdown.has_begun() {
            self.tell_classic(ClassicInput::PeerDied(node, Fencing::Done));
            self.begin_takeover(node);
        }
        if has_failed {
            let name = self.settings.name(node).into();
            self.send(Message::Stonith { node: name, result: Fencing::Failed }, None);
        }
        if is_spared {
            self.tell_classic(ClassicInput::HeardInTime);
        }
    }

    /// How long to wait because the other node may fence first. Where both nodes have something to
    /// take from each other, one of them waits, so that one survives: the node that fewer groups
    /// prefer, or else the node that comes later in `ha.cf`. Both know that without asking. A node
    /// that has every group has nothing to take and fences no node, so this node need not wait for
    /// it.
    fn fence_delay(&self, node: NodeId) -> Duration {
        let has = |group: GroupId| {
            let row = self.groups[group].row;
            row.owner() == Some(node) && row.phase().holds()
        };
        let would_fence_us = !self.settings.group_ids().all(has);
        let delay = self.settings.fencing.map_or(Duration::ZERO, |policy| policy.delay);
        let comes_second = self.fencing_rank(self.settings.me) > self.fencing_rank(node);
        if would_fence_us && comes_second { delay } else { Duration::ZERO }
    }

    fn fencing_rank(&self, node: NodeId) -> (std::cmp::Reverse<usize>, Option<usize>) {
        let groups = self.settings.known_groups().filter(|(_, group)| group.preferred == node);
        let place = self.settings.node_order.iter().position(|other| *other == node);
        (std::cmp::Reverse(groups.count()), place)
    }
}
