//! The names of states for the count of transitions.

use super::Cluster;
use crate::coverage::{Table, visit};
use crate::peer::Peer;
use crate::{NodeId, NodeStatus};

impl Cluster {
    pub(super) fn visit_hand_over(&self, input: &'static str) {
        let running = self.hand_over.as_ref();
        visit(Table::HandOver, || (running.map_or("none", |running| running.name()), input));
    }

    pub(super) fn visit_peer(&self, node: NodeId, input: &'static str) {
        visit(Table::Peer, || (self.peer(node).name(), input));
    }
}

impl Peer {
    fn name(&self) -> &'static str {
        match (self.status, self.last_status.is_some()) {
            (NodeStatus::Dead, false) => "never heard",
            (NodeStatus::Dead, true) => "dead",
            (NodeStatus::Init | NodeStatus::Up | NodeStatus::Active, false) => "unheard",
            (NodeStatus::Init, true) => "init",
            (NodeStatus::Up, true) => "up",
            (NodeStatus::Active, true) => "active",
        }
    }
}
