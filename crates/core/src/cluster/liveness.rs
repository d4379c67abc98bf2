//! Which nodes are present: silence, pauses of this node, and its start.

use super::Cluster;
use super::classic::ClassicInput;
use crate::link::Patience;
use crate::mutation::Mutation;
use crate::peer::{Effect, Input};
use crate::{Event, Fencing, IpfailEvent, LastBeat, LinkId, NodeId, NodeStatus, Silence, Time};
use std::time::Duration;

impl Cluster {
    /// Notices a pause of this node. After a pause the peers were not silent; this node did not
    /// listen. Groups that this node believes it owns may have been taken meanwhile.
    pub(super) fn record_time(&mut self, now: Time) {
        let gap = now.since(self.now);
        self.now = self.now.max(now);
        let patience = self.detection().permit();
        if self.status == NodeStatus::Init || gap < patience {
            return;
        }
        self.report(Event::Paused(gap));
        self.prolong_absence();
        self.interrupt_hand_over();
        let is_trusted = self.is_mutated(Mutation::TrustAfterPause);
        let must_be_heard = |node: &NodeId| !is_trusted && self.peer(*node).is_alive();
        let peers = self.others().filter(must_be_heard).collect();
        let barrier = self.next_barrier();
        self.pause.begin(self.now, peers, barrier);
        for node in self.others() {
            self.peer_mut(node).step(now, Input::OwnPause(gap));
        }
    }

    /// Gives the executor a permit as soon as a pause is over and every peer was heard again or is
    /// dead: before anything begins, because a job without a permit would be refused.
    pub(super) fn renew_permit(&mut self) {
        if self.pause.take_owed_permit() {
            self.send_status();
        }
    }

    pub(super) fn elapse_links(&mut self) {
        for node in self.others() {
            let patience = self.link_patience(node);
            for index in 0..self.settings.links.len() {
                let now = self.now;
                if self.peer_mut(node).links[index].elapse(now, patience) {
                    self.link_changed(node, index, false);
                }
            }
        }
    }

    pub(super) fn link_patience(&self, node: NodeId) -> Patience {
        Patience::new(self.peer(node).dead_after, self.detection().announced_deadtime())
    }

    pub(super) fn link_deadlines(&self) -> impl Iterator<Item = Time> + '_ {
        let patience = (self.status != NodeStatus::Active).then_some(self.settings.initdead);
        let request_at = self.may_request_at();
        let peers = self.others().flat_map(move |node| {
            let peer = self.peer(node);
            let with = self.link_patience(node);
            let links = peer.links.iter().filter_map(move |link| link.deadline(with));
            let request = peer.receiver.deadline().map(|due| due.max(request_at));
            links.chain(peer.deadline(patience)).chain(request)
        });
        peers.chain(self.ping_deadlines())
    }

    pub(super) fn elapse_peers(&mut self) {
        let patience = (self.status != NodeStatus::Active).then_some(self.settings.initdead);
        for node in self.others() {
            let now = self.now;
            let was_heard = self.peer(node).last_status.is_some();
            let had_left = self.peer(node).has_left;
            if self.peer_mut(node).step(now, Input::Turn { patience }) == Effect::Died {
                let silence = self.silence(node, patience);
                self.report(Event::PeerDead(node, Box::new(silence)));
                self.peer_died(node, was_heard, had_left);
                self.report_other_lines();
            }
        }
        let peers = &self.peers;
        self.pause.retain(|node| peers[node.index()].is_alive());
    }

    /// Communication of this node is up when every node was heard or is dead.
    pub(super) fn elapse_communication(&mut self) {
        let settled = self.others().all(|node| self.peer(node).is_settled);
        if self.status != NodeStatus::Up || !settled || self.shutdown.has_begun() {
            return self.need_no_node_list();
        }
        if self.awaits_node_list() {
            return;
        }
        self.need_no_node_list();
        self.report(Event::CommunicationUp);
        let patience = self.others().map(|node| self.peer(node).dead_after).min();
        if patience.is_some_and(|patience| self.now.since(self.status_since) >= patience) {
            // The others no longer wait for this node. A node that takes something now must hear
            // from this node first, or this node from it.
            self.tell_ability_anew();
        }
        self.set_status(NodeStatus::Active);
        self.tell_classic(ClassicInput::CommunicationUp);
        self.join_ipfail();
    }

    fn peer_died(&mut self, node: NodeId, was_heard: bool, had_left: bool) {
        self.report_ipfail(IpfailEvent::NodeStatus(node, NodeStatus::Dead));
        self.ipfail_notes_death();
        self.cancel_hand_over(node);
        self.count_acknowledged();
        let groups = self.settings.group_ids();
        let held = groups.map(|group| &self.groups[group].row);
        let held_something =
            held.filter(|row| row.owner() == Some(node)).any(|row| row.phase().holds());
        let is_silent = self.tells_no_holdings(node);
        let had_nothing = had_left || was_heard && !held_something && !is_silent;
        if !had_left && self.suspect(node, had_nothing) {
            return;
        }
        if had_nothing {
            self.report(Event::PeerHadNothing(node));
            return self.tell_classic(ClassicInput::PeerDied(node, Fencing::Unneeded));
        }
        if self.has_guarded(node) {
            self.peer_mut(node).is_death_guarded = true;
            return;
        }
        self.conclude_death(node);
    }

    /// The groups of a dead node may be taken, as far as it is not fenced.
    pub(super) fn conclude_death(&mut self, node: NodeId) {
        if !self.shutdown.has_begun() {
            self.report(Event::NotFenced(node));
            self.tell_classic(ClassicInput::PeerDied(node, Fencing::NotConfigured));
            self.begin_takeover(node);
        }
    }

    /// For how long each link has delivered nothing from a node; `patience` overrides the node's
    /// dead time.
    fn silence(&self, node: NodeId, patience: Option<Duration>) -> Silence {
        let ago = |heard: Time| self.now.since(heard);
        let peer = self.peer(node);
        let links = (0..).map(LinkId).zip(&peer.links).map(|(link, known)| LastBeat {
            link,
            ago: known.heard_at().map(ago),
            was_up: known.was_up(),
        });
        let limit = patience.unwrap_or(peer.dead_after);
        Silence { lasted: peer.last_status.map(ago), limit, links: links.collect() }
    }

    pub(super) fn set_status(&mut self, status: NodeStatus) {
        (self.status, self.status_since) = (status, self.now);
        self.report(Event::LocalStatus(status));
        self.beat_soon();
    }
}
