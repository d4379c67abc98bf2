//! What this node must hear after a pause of its own before it adds anything.
//!
//! Groups that it believes it owns may have been taken meanwhile. A peer that has spoken since says so.

use super::groups::EchoBarrier;
use crate::{NodeId, Time};

/// The last pause of this node.
#[derive(Debug, Default)]
pub(super) struct Pause {
    /// Peers that must be heard before this node trusts its own table again.
    unverified: Vec<NodeId>,
    /// When a pause was noticed that ended the permit of the executor, if the executor has not
    /// received a new permit since.
    owes_permit: Option<Time>,
    /// A peer that echoes this barrier has spoken since the pause.
    spoken: EchoBarrier,
}

impl Pause {
    /// A pause of which these peers must be heard was noticed now; the next beat has this barrier.
    pub(super) fn begin(&mut self, now: Time, peers: Vec<NodeId>, barrier: EchoBarrier) {
        *self = Self { unverified: peers, owes_permit: Some(now), spoken: barrier };
    }

    /// Whether every peer was heard again, or need not be.
    pub(super) const fn is_verified(&self) -> bool {
        self.unverified.is_empty()
    }

    /// Whether a peer must still be heard.
    pub(super) fn awaits(&self, peer: NodeId) -> bool {
        self.unverified.contains(&peer)
    }

    /// A peer has echoed the beat with this sequence, and its table is known as of that moment.
    pub(super) fn heard_echo(&mut self, peer: NodeId, sequence: u64) {
        if self.spoken.is_reached(sequence) {
            self.need_not_hear(peer);
        }
    }

    /// A peer was heard since the pause, or has nothing.
    pub(super) fn need_not_hear(&mut self, peer: NodeId) {
        self.unverified.retain(|node| *node != peer);
    }

    /// Waits for these peers only.
    pub(super) fn retain(&mut self, must_be_heard: impl Fn(NodeId) -> bool) {
        self.unverified.retain(|node| must_be_heard(*node));
    }

    /// When the pause was noticed, until the executor has a permit again.
    pub(super) const fn noticed(&self) -> Option<Time> {
        self.owes_permit
    }

    /// Whether the executor is owed a permit and may have it, which it gets now.
    pub(super) fn take_owed_permit(&mut self) -> bool {
        self.is_verified() && self.owes_permit.take().is_some()
    }
}
