//! One row of the table of owners.

use crate::{NodeId, Phase};

/// What this node knows about the ownership of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) struct Row {
    /// The owner, or the last owner if the phase is stopped; `None` before the first term.
    pub(super) owner: Option<NodeId>,
    /// The number of the ownership; it grows at each change of owner.
    pub(super) term: u64,
    /// How far the owner has come.
    pub(super) phase: Phase,
    /// Nodes that said they cannot run the group, as bits.
    pub(super) unable: u32,
    /// The owner has the group only because the preferred node was away: failback may return it.
    pub(super) is_borrowed: bool,
    /// This node owns and claims the group, and nothing of it runs yet: it is about to start in
    /// place of the group that it replaces.
    pub(super) is_entrusted: bool,
}

impl Row {
    /// No node owns the group or ever did.
    pub(in crate::cluster) const NEW: Self = Self {
        owner: None,
        term: 0,
        phase: Phase::Stopped,
        unable: 0,
        is_borrowed: false,
        is_entrusted: false,
    };
}

impl Row {
    pub(in crate::cluster) const fn owner(&self) -> Option<NodeId> {
        self.owner
    }

    pub(in crate::cluster) const fn term(&self) -> u64 {
        self.term
    }

    pub(in crate::cluster) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(in crate::cluster) const fn is_borrowed(&self) -> bool {
        self.is_borrowed
    }

    pub(in crate::cluster) const fn is_entrusted(&self) -> bool {
        self.is_entrusted
    }

    /// Keeps the group for `node`, which is about to start it: no other node takes it meanwhile.
    /// The row has at least this term.
    pub(super) fn entrust(&mut self, node: NodeId, term: u64, is_borrowed: bool) {
        self.owner = Some(node);
        self.term = self.term.max(term).max(1);
        self.phase = Phase::Starting;
        self.is_borrowed = is_borrowed;
        self.is_entrusted = true;
    }

    /// Presumes that `node` holds the group in this term, or in the known term if that is higher.
    pub(super) fn presume(&mut self, node: NodeId, term: u64, is_borrowed: bool) {
        // What is remembered about another owner counts only when that owner says so itself.
        let known = if self.owner == Some(node) { self.term } else { 0 };
        self.owner = Some(node);
        self.term = known.max(term).max(1);
        self.phase = Phase::Starting;
        self.is_borrowed = is_borrowed;
    }

    /// The group is no longer about to start.
    pub(super) fn end_trust(&mut self) {
        self.is_entrusted = false;
    }

    /// Recalls a term that was stored before the daemon started.
    pub(super) fn recall(&mut self, owner: NodeId, term: u64) {
        if term > self.term {
            self.owner = Some(owner);
            self.term = term;
        }
    }

    /// Whether `node` may run the group at all.
    pub(in crate::cluster) const fn is_able(&self, node: NodeId) -> bool {
        self.unable & bit(node) == 0
    }

    /// Records whether `node` can run the group.
    pub(super) fn record_ability(&mut self, node: NodeId, able: bool) {
        self.unable = if able { self.unable & !bit(node) } else { self.unable | bit(node) };
    }

    /// Makes `node` the owner in a new term.
    pub(super) fn claim(&mut self, node: NodeId, is_borrowed: bool) {
        self.owner = Some(node);
        self.term = self.term.saturating_add(1);
        self.phase = Phase::Starting;
        self.is_borrowed = is_borrowed;
        self.is_entrusted = false;
    }

    /// The owner has the group only until the preferred node can take it. Returns whether that is news.
    pub(super) fn borrow(&mut self) -> bool {
        !std::mem::replace(&mut self.is_borrowed, true)
    }

    /// Records how far the owner has come. Returns whether that is news.
    pub(super) fn advance(&mut self, phase: Phase) -> bool {
        let changed = self.phase != phase;
        self.phase = phase;
        changed
    }

    /// Everything that `node` owned is stopped: it said so, or restarted without it.
    pub(super) fn released_by(&mut self, node: NodeId) {
        if self.owner == Some(node) && self.phase.holds() {
            self.phase = Phase::Stopped;
        }
    }
}

/// The bit of a node in a set of nodes.
pub(in crate::cluster) const fn bit(node: NodeId) -> u32 {
    1 << (node.0 % 32)
}
