//! What is remembered of other nodes across our own restarts, so that nothing that an earlier
//! run of ours has heard can be played to this one.

use super::Cluster;
use crate::{NodeId, Output, PeerRecord, Refusal, Time};
use std::time::Duration;

/// How long sequences grow before they are stored again. What was recorded since, between nodes
/// of Systole, gives itself away by not answering us.
const STORE_EVERY: Duration = Duration::from_mins(1);

impl Cluster {
    /// Takes up what an earlier run has stored.
    pub(super) fn recall_peers(&mut self) {
        for index in 0..self.boot.peers.len() {
            let record = self.boot.peers[index];
            let is_other = record.node != self.settings.me;
            if let Some(peer) = self.peers.get_mut(record.node.index()).filter(|_| is_other) {
                peer.generation = record.generation;
                peer.heard_before = record.sequence;
            }
        }
        self.recall_unfinished();
    }

    /// Has stored what is known of a node.
    pub(super) fn store_peer(&mut self, node: NodeId) {
        let now = self.now;
        let peer = self.peer_mut(node);
        peer.stored_at = Some(now);
        let sequence = peer.heard_before.max(peer.receiver.last());
        let generation = peer.generation;
        let unfinished = self.unfinished_with(node);
        let record = PeerRecord { node, generation, sequence, unfinished };
        self.outbox.push_back(Output::StorePeer(record));
    }

    /// Has stored again what has grown for some time.
    pub(super) fn elapse_memory(&mut self) {
        let now = self.now;
        let is_due = |stored: Time| now.since(stored) >= STORE_EVERY;
        for node in self.others() {
            let peer = self.peer(node);
            if peer.is_alive() && peer.stored_at.is_some_and(is_due) {
                self.store_peer(node);
            }
        }
    }

    /// Has everything stored before we end.
    pub(super) fn store_peers(&mut self) {
        for node in self.others() {
            if self.peer(node).generation > 0 {
                self.store_peer(node);
            }
        }
    }

    /// Obeys the order to forget a node's generation. One that is heard needs no such thing, and
    /// to forget it would open the door to its past.
    pub(super) fn forget_peer(&mut self, node: NodeId) -> Result<(), Refusal> {
        let is_other = node != self.settings.me && node.index() < self.peers.len();
        if !is_other || self.peer(node).is_alive() {
            return Err(Refusal::PeerAlive);
        }
        self.peer_mut(node).restart(0);
        self.store_peer(node);
        Ok(())
    }
}
