//! What is remembered about other nodes across restarts of this node, so that nothing that an
//! earlier run of this node has heard can be replayed to this run.

use super::Cluster;
use crate::{NodeId, OrderRefusal, Output, PeerRecord, Time};
use std::time::Duration;

/// How long sequences grow before they are stored again. Between Systole nodes, messages recorded
/// since then give themselves away by not answering this node.
const STORE_EVERY: Duration = Duration::from_mins(1);

impl Cluster {
    /// Restores the records that an earlier run has stored.
    pub(super) fn recall_peers(&mut self) {
        for index in 0..self.boot.peers.len() {
            let record = self.boot.peers[index];
            let is_other = record.node != self.settings.me;
            if let Some(peer) = self.peers.get_mut(record.node.index()).filter(|_| is_other) {
                peer.generation = record.generation;
                peer.heard_before = record.sequence;
                peer.service = record.service;
            }
        }
        self.recall_unfinished();
    }

    /// Has the record of a node stored.
    pub(super) fn store_peer(&mut self, node: NodeId) {
        let now = self.now;
        let peer = self.peer_mut(node);
        peer.stored_at = Some(now);
        let sequence = peer.heard_before.max(peer.receiver.last());
        let (generation, service) = (peer.generation, peer.service);
        let unfinished = self.unfinished_with(node);
        let record = PeerRecord { node, generation, sequence, service, unfinished };
        self.outbox.push_back(Output::StorePeer(record));
    }

    /// Has records stored again that have changed for some time.
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

    /// Has all records stored before this node ends.
    pub(super) fn store_peers(&mut self) {
        for node in self.others() {
            if self.peer(node).generation > 0 {
                self.store_peer(node);
            }
        }
    }

    /// Obeys the order to forget a node's generation. A node that is heard does not need that, and
    /// forgetting its generation would allow replays of its past.
    pub(super) fn forget_peer(&mut self, node: NodeId) -> Result<(), OrderRefusal> {
        let is_other = node != self.settings.me && node.index() < self.peers.len();
        if !is_other || self.peer(node).is_alive() {
            return Err(OrderRefusal::PeerAlive);
        }
        self.peer_mut(node).restart(0);
        self.store_peer(node);
        Ok(())
    }
}
