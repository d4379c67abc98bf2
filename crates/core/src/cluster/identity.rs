//! Which nodes belong to the cluster: what this node reports about that, and what it accepts from
//! others. `ha.cf` alone decides; no message changes it.

use super::Cluster;
use crate::{Event, Heard, Message, NodeId};

/// The only client that is built in.
const IPFAIL: &str = "ipfail";

impl Cluster {
    /// Learns the uuid of a peer.
    pub(super) fn record_uuid(&mut self, from: NodeId, heard: &Heard<'_>) {
        let Some(uuid) = heard.source_uuid.filter(|uuid| !uuid.is_nil()) else { return };
        let before = self.peer_mut(from).uuid.replace(uuid);
        if before.is_some_and(|before| before != uuid) {
            self.report(Event::UuidChanged(from, uuid));
        }
    }

    /// Sends the names of all nodes of `ha.cf`, in its order.
    pub(super) fn reply_nodes(&mut self, from: NodeId) {
        let names = self.settings.node_order.iter().map(|node| self.settings.name(*node));
        let nodes = names.collect::<Vec<&str>>().join(" ").into();
        let message = Message::ReplyNodes { nodes, deleted: "".into() };
        self.send(message, Some(from));
    }

    /// Compares a peer's node list with the list of this node.
    pub(super) fn compare_nodes(&mut self, from: NodeId, nodes: &str) {
        let ours = &self.settings.nodes;
        let names = || nodes.split_ascii_whitespace();
        let has_all = ours.iter().all(|name| names().any(|other| other == name));
        let has_more = names().any(|other| !ours.iter().any(|name| name == other));
        if !has_all || has_more {
            self.report(Event::NodeListRefused(from, nodes.into()));
        }
    }

    /// Reports whether an API client is signed on here.
    pub(super) fn reply_client(&mut self, from: NodeId, client: &str, asker: &str) {
        let online = client == IPFAIL && self.settings.ipfail && self.takes_part();
        let (client, asker) = (client.into(), asker.into());
        self.send(Message::ReplyClient { client, asker, online }, Some(from));
    }
}
