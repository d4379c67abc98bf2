//! What the shell may ask.

use super::Cluster;
use crate::peer::Kind;
use crate::{Beat, GroupId, GroupKey, JobId, NodeId, NodeStatus, Phase, Settings, Uuid};
use std::time::Duration;

impl Cluster {
    /// How long this node may be away between two turns before the absence counts as a pause.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.detection().permit()
    }

    /// What the next status of this node carries.
    #[must_use]
    pub fn beat(&self) -> &Beat {
        &self.transmitter.beat
    }

    /// The settings that this node runs with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The status of this node.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.status
    }

    /// The ownership of every group that ever had an owner, to be stored.
    pub fn terms(&self) -> impl Iterator<Item = (GroupKey, NodeId, u64)> + '_ {
        self.settings.known_groups().filter_map(|(id, group)| {
            let row = &self.groups[id].row;
            row.owner().map(|owner| (group.key, owner, row.term()))
        })
    }

    /// How far this node is with a group that it owns; [`Phase::Stopped`] if it does not own the
    /// group.
    ///
    /// # Panics
    ///
    /// If there is no such group.
    #[must_use]
    pub fn own_phase(&self, group: GroupId) -> Phase {
        if self.is_ours(group) { self.groups[group].row.phase() } else { Phase::Stopped }
    }

    /// The uuid of a node; `None` for a node that was never heard.
    #[must_use]
    pub fn uuid(&self, node: NodeId) -> Option<Uuid> {
        if node == self.settings.me { Some(self.boot.uuid) } else { self.peers[node.index()].uuid }
    }

    /// Whether a node is heard: it has been heard at least once and is not dead. Always false for
    /// this node.
    #[must_use]
    pub fn hears(&self, node: NodeId) -> bool {
        node != self.settings.me && self.peer(node).is_alive()
    }

    /// Whether the last input was a message for event scripts: a new status of its sender, or a
    /// message that scripts of heartbeat act on, or one of a type that means nothing to this node.
    /// Only a message that passed every check is one.
    #[must_use]
    pub const fn calls_script(&self) -> bool {
        self.calls_script
    }

    /// Whether no executor has said yet what it holds.
    #[must_use]
    pub const fn awaits_greeting(&self) -> bool {
        self.executor.awaits_greeting()
    }

    /// Whether a job is a check of a running resource.
    #[must_use]
    pub fn is_check(&self, job: JobId) -> bool {
        self.groups.iter().any(|group| group.monitoring.has(job))
    }

    /// Whether the last status of a node was that of a C node.
    #[must_use]
    pub fn is_classic(&self, node: NodeId) -> bool {
        node != self.settings.me && self.peer(node).kind == Kind::Classic
    }
}
