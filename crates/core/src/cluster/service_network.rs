//! Where nodes reach each other on the service network, over which beats are sent in addition to the configured links.

use super::Cluster;
use crate::peer::Kind;
use crate::{Beat, NodeId, NodeStatus, ServiceAddresses};
use std::net::IpAddr;

impl Cluster {
    /// Records the addresses of this node on the service network.
    pub(super) fn record_service_addresses(&mut self, own: ServiceAddresses) {
        if std::mem::replace(&mut self.transmitter.beat.service, own) != own {
            self.beat_soon();
        }
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
