//! The owner of each group: the only place that changes it, or how far the owner has come.

mod coverage_names;
mod merge;
mod row;
#[cfg(test)]
mod tests;

use super::Cluster;
use crate::{Cause, Claim, GroupId, NodeId, Phase};
pub(super) use merge::{Meeting, Merged};
pub(super) use row::{Row, bit};

impl Cluster {
    /// Restores a row that was stored before the daemon started.
    pub(super) fn recall_row(&mut self, group: GroupId, owner: NodeId, term: u64) {
        self.groups[group].row.recall(owner, term);
    }

    /// Presumes that this node holds a group, at least in this term, without having started it.
    pub(super) fn presume_ours(&mut self, group: GroupId, term: u64, is_borrowed: bool) {
        let me = self.settings.me;
        self.groups[group].row.presume(me, term, is_borrowed);
    }

    /// Keeps a group for this node, which is about to start it in place of the line that the group
    /// replaces.
    pub(super) fn entrust(&mut self, group: GroupId, term: u64, is_borrowed: bool) {
        let me = self.settings.me;
        self.groups[group].row.entrust(me, term, is_borrowed);
    }

    /// This node is no longer about to start a group that was kept for it.
    pub(super) fn end_trust(&mut self, group: GroupId) {
        self.groups[group].row.end_trust();
    }

    /// Makes this node the owner in a new term, and starts nothing.
    pub(super) fn claim(&mut self, group: GroupId, is_borrowed: bool) {
        let me = self.settings.me;
        self.groups[group].row.claim(me, is_borrowed);
    }

    /// Makes another node the owner in a new term, and reports it.
    pub(super) fn leave_to(&mut self, node: NodeId, group: GroupId, phase: Phase, cause: Cause) {
        self.pass_to(node, group, phase);
        self.owned(group, cause);
    }

    /// Makes another node the owner in a new term.
    pub(super) fn pass_to(&mut self, node: NodeId, group: GroupId, phase: Phase) {
        let is_borrowed = self.preferred(group) != node;
        let row = &mut self.groups[group].row;
        row.claim(node, is_borrowed);
        row.advance(phase);
    }

    /// Records how far the owner has come, and reports nothing.
    pub(super) fn record_phase(&mut self, group: GroupId, phase: Phase) {
        self.groups[group].row.advance(phase);
    }

    /// Records how far the owner has come, and reports it, whether it is news or not.
    pub(super) fn set_phase(&mut self, group: GroupId, phase: Phase, cause: Cause) {
        self.groups[group].row.advance(phase);
        self.owned(group, cause);
    }

    /// Records how far this node has come with a group of its own. If that is news, it is reported,
    /// and the others hear about it soon. Returns whether it is news.
    pub(super) fn change_phase(&mut self, group: GroupId, phase: Phase, cause: Cause) -> bool {
        let is_news = self.groups[group].row.advance(phase);
        if is_news {
            self.owned(group, cause);
            self.beat_soon();
        }
        is_news
    }

    /// A group counts as away from home from now on. Returns whether that is news.
    pub(super) fn borrow(&mut self, group: GroupId) -> bool {
        self.groups[group].row.borrow()
    }

    /// Records whether a node can run a group.
    pub(super) fn record_ability(&mut self, group: GroupId, node: NodeId, able: bool) {
        self.groups[group].row.record_ability(node, able);
    }

    /// A node has stopped everything that it owned: it said so, or restarted without it.
    pub(super) fn record_goodbye(&mut self, node: NodeId) {
        self.groups.iter_mut().for_each(|group| group.row.released_by(node));
    }

    /// Merges what another node says about a group.
    pub(super) fn merge_claim(&mut self, at: &Meeting, group: GroupId, claim: &Claim) -> Merged {
        self.groups[group].row.merge(at, claim)
    }

    /// Whether this node owns a group.
    pub(super) fn is_ours(&self, group: GroupId) -> bool {
        self.groups[group].row.owner == Some(self.settings.me)
    }
}

/// Covers transitions that the simulated worlds do not reach, on this thread.
#[cfg(all(test, feature = "test-hooks"))]
pub(super) fn every_meeting() {
    tests::merge_of_row_and_claim_gives_listed_verdict_and_row();
}
