//! What is shown of the other nodes and of ping nodes.

use super::super::Cluster;
use super::millis;
use crate::peer::Kind;
use crate::{NodeId, NodeStatus, SERVICE_LINK, Time};
use serde::{Deserialize, Serialize};

/// A node of a [`Snapshot`](super::Snapshot).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// Its status word.
    pub status: String,
    /// The daemon that the node runs: `systole`, `heartbeat`, or `unknown`.
    pub daemon: String,
    /// How long ago the node's last beat arrived.
    pub silence_ms: Option<u64>,
    /// Silence after which the node is dead.
    pub deadtime_ms: u64,
    /// The links to the node; none for this node.
    pub links: Vec<LinkReport>,
    /// For how much longer this node waits for the node, if it was not heard since this node
    /// started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited_ms: Option<u64>,
    /// The node could run, or runs, lines that this node does not know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_lines: bool,
    /// Messages of the node that were refused because a later generation of it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<OlderReport>,
}

/// Messages of an older generation, of a [`NodeReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderReport {
    /// The generation of the latest of them.
    pub generation: u64,
    /// The generation that is known.
    pub known: u64,
    /// How many such messages there were.
    pub count: u64,
    /// How long ago the latest of them came.
    pub last_ms: u64,
}

/// A link of a [`NodeReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// The medium of this node.
    pub name: String,
    /// Whether it carries messages.
    pub up: bool,
    /// How long ago it last carried a message.
    pub silence_ms: Option<u64>,
}

/// A ping node of a [`Snapshot`](super::Snapshot).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReport {
    /// Its name.
    pub name: String,
    /// Whether the ping node answers.
    pub up: bool,
    /// How long ago it last answered.
    pub silence_ms: Option<u64>,
}

impl Cluster {
    pub(super) fn node_report(&self, node: NodeId) -> NodeReport {
        let name = self.settings.name(node).to_owned();
        if node == self.settings.me {
            return NodeReport {
                name,
                status: self.status.to_string(),
                daemon: "systole".to_owned(),
                deadtime_ms: millis(self.settings.deadtime),
                ..NodeReport::default()
            };
        }
        let peer = self.peer(node);
        let daemon = match peer.kind {
            Kind::Unknown => "unknown",
            Kind::Systole => "systole",
            Kind::Classic => "heartbeat",
        };
        let links = self.settings.links.iter().zip(&peer.links);
        NodeReport {
            name,
            status: peer.status.to_string(),
            daemon: daemon.to_owned(),
            silence_ms: peer.last_status.map(|at| self.age(at)),
            deadtime_ms: millis(peer.dead_after),
            links: links
                .filter(|(name, _)| *name != SERVICE_LINK || !peer.service.is_empty())
                .map(|(name, link)| LinkReport {
                    name: name.clone(),
                    up: link.is_up(),
                    silence_ms: link.heard_at().map(|at| self.age(at)),
                })
                .collect(),
            awaited_ms: self.awaited_until(node).map(|until| self.left(until)),
            other_lines: self.has_other_lines(node),
            older: peer.replays.last.map(|(generation, at, count)| OlderReport {
                generation,
                known: peer.generation,
                count,
                last_ms: self.age(at),
            }),
        }
    }

    /// Until when this node waits for a node that was not heard since the start.
    fn awaited_until(&self, node: NodeId) -> Option<Time> {
        let peer = self.peer(node);
        let is_awaited = self.status == NodeStatus::Up && !peer.is_settled;
        peer.deadline(Some(self.settings.initdead)).filter(|_| is_awaited)
    }

    pub(super) fn ping_reports(&self) -> Vec<PingReport> {
        let pings = self.settings.ping_nodes.iter().zip(&self.pings);
        pings
            .map(|(name, ping)| PingReport {
                name: name.clone(),
                up: ping.is_alive(),
                silence_ms: ping.heard_at().map(|at| self.age(at)),
            })
            .collect()
    }
}
