//! Whether the other node is alive, and what follows from that.

use super::negotiation::Stage;
use super::{Classic, RESTART_AFTER, RETRY};
use std::time::Duration;
use systole_core::{Fencing, GroupSet, Message, NodeStatus};

impl Classic {
    pub(super) fn hear_status(&mut self, deadtime: Duration) {
        let silence = self.peer.heard.map(|heard| self.now.since(heard));
        let was_dead = std::mem::take(&mut self.peer.is_dead);
        self.peer.heard = Some(self.now);
        let patience = std::mem::replace(&mut self.peer.deadtime, deadtime);
        let is_active = self.status == NodeStatus::Active;
        if was_dead && silence.is_some() && is_active && self.peer_goes_on() {
            // This node cannot know what the other node has done meanwhile.
            self.restart_at.get_or_insert(self.now + RESTART_AFTER);
        } else if !was_dead && is_active && silence.is_some_and(|silence| silence >= patience) {
            // This daemon was paused, and only the late beat shows it.
            self.peer_dies();
        }
        self.negotiation.generation = self.peer.generation;
    }

    /// Returns whether the other node still runs the same daemon that was heard before.
    fn peer_goes_on(&self) -> bool {
        self.negotiation.generation == self.peer.generation
    }

    pub(super) fn watch_peer(&mut self) {
        let is_up = self.status == NodeStatus::Active;
        let since = self.peer.heard.unwrap_or(self.started);
        let patience = if is_up && self.peer.heard.is_some() {
            self.peer.deadtime
        } else {
            self.settings.initdead
        };
        if !self.peer.is_dead && self.now.since(since) >= patience {
            self.peer.is_dead = true;
            if is_up {
                self.peer_dies();
            }
        }
    }

    /// Communication is up when the other node was heard and has reported the node list, or is dead.
    pub(super) fn come_up(&mut self) {
        if self.status == NodeStatus::Active || self.peer.heard.is_none() && !self.peer.is_dead {
            return;
        }
        if !self.peer.is_dead && !self.peer.has_told_nodes {
            if self.nodes_asked.is_none_or(|at| self.now.since(at) >= RETRY) {
                self.nodes_asked = Some(self.now);
                self.send(Message::RequestNodes, Some(self.other));
            }
            return;
        }
        self.status = NodeStatus::Active;
        self.beat();
        self.negotiation.stage = Stage::Starting;
        self.send(Message::Starting, None);
        if self.peer.is_dead {
            self.peer_dies();
        }
    }

    /// Handles the death of the other node: this node takes everything that the other node did not give up.
    fn peer_dies(&mut self) {
        let gave_up = self.peer.heard.is_some() && self.negotiation.theirs == GroupSet::None;
        let result = if gave_up { Fencing::Unneeded } else { Fencing::NotConfigured };
        self.cancel_standby();
        self.negotiation.need_failback = true;
        if self.negotiation.stage == Stage::Shutdown {
            return;
        }
        let node = self.settings.nodes[self.other.index()].as_str().into();
        self.send(Message::Stonith { node, result }, None);
        if gave_up && self.negotiation.mine == GroupSet::All {
            self.negotiation.is_other_stable = true;
        } else {
            self.take_over();
        }
    }
}
