//! Where nodes reach each other on the service network, over which beats are sent in addition to the configured links.

use super::Cluster;
use crate::peer::Kind;
use crate::{Beat, NodeId, NodeStatus, ServiceAddresses};
use std::net::IpAddr;

/// Where only a slow line is left, one beat in so many tells addresses that all others know: they would take a
/// good part of the line. The number is odd because every second beat has room for other things.
const TELL_EVERY: u64 = 7;

impl Cluster {
    /// Records the addresses of this node on the service network.
    pub(super) fn record_service_addresses(&mut self, own: ServiceAddresses) {
        if self.transmitter.service.0 != own {
            self.transmitter.service = (own, self.next_barrier());
            self.beat_soon();
        }
    }

    /// A node has been started: it does not believe what was said before it was heard.
    pub(super) fn tell_service_addresses_again(&mut self) {
        self.transmitter.service.1 = self.next_barrier();
    }

    /// What the next beat tells of the addresses of this node.
    pub(super) fn told_service_addresses(&self) -> ServiceAddresses {
        let (own, barrier) = self.transmitter.service;
        let is_heard = |node: NodeId| {
            let peer = self.peer(node);
            peer.kind == Kind::Classic || !peer.is_alive() || barrier.is_reached(peer.heard)
        };
        let is_due = !self.is_slow()
            || !self.others().all(is_heard)
            || self.history.next().is_multiple_of(TELL_EVERY);
        if is_due { own } else { ServiceAddresses::NONE }
    }

    /// Records where a peer says that it can be reached. A peer that does not know its own addresses for a moment keeps
    /// those that it had.
    pub(super) fn handle_service_addresses(&mut self, from: NodeId, beat: &Beat) {
        let peer = self.peer_mut(from);
        if beat.service != ServiceAddresses::NONE && peer.service != beat.service {
            peer.service = beat.service;
            self.store_peer(from);
        }
    }

    /// The addresses on the service network to which every message is sent.
    pub fn service_targets(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.others().flat_map(|node| self.peer(node).service.ips())
    }

    /// Whether some node was never heard, and its addresses on the service network are unknown or may have changed while this
    /// node did not run: it can be reached there by a broadcast. A C node does not listen there.
    #[must_use]
    pub fn seeks_on_service_network(&self) -> bool {
        self.others().any(|node| {
            let peer = self.peer(node);
            let is_unsure = peer.service.is_empty() || self.status != NodeStatus::Active;
            peer.last_status.is_none() && is_unsure && peer.kind != Kind::Classic
        })
    }
}
