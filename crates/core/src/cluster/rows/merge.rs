//! Decides between a claim and a row when they meet.
//!
//! A node that holds a group is never outranked by a node that does not, whatever their terms: a
//! returning node remembers a term, and that says nothing about what runs. Nor is a node that runs
//! the group outranked by a daemon that has not heard its executor, or whose first agent could not
//! be asked to start, or whose clients cannot reach it. What such a daemon believes to run still
//! counts more than a group that is only about to start elsewhere, or is being stopped there,
//! because its executor may be back in a moment. A node that runs all of the group is not outranked
//! by a node that is still starting it, as after a partition in which the latter declared the
//! former dead. Between two nodes that both hold it alike, or both do not, the higher term decides;
//! in the same term the preferred node, then the lower node, so that every node decides alike.
//!
//! A node that does not hear this node cannot give way: then this node does, as soon as that node
//! runs the group.

use super::{Row, coverage_names};
use crate::{Claim, NodeId, Phase};

/// How a claim of a peer changed this node's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Merged {
    /// It changed nothing.
    Same,
    /// The row changed.
    Changed,
    /// The row changed, and this node was the owner: whatever of the group runs here must stop.
    Outranked,
    /// The other node's claim loses against this node's claim; that node will hear so from this
    /// node.
    Outranks,
    /// The other node's claim has a higher term than this node's claim had, but does not prevail:
    /// the term of this node's claim is now above it.
    Reclaimed,
}

/// Which node speaks to which when a claim is heard.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of who hears it")]
pub(in crate::cluster) struct Meeting {
    /// The node that hears the claim.
    pub(in crate::cluster) me: NodeId,
    /// The node that sends the claim.
    pub(in crate::cluster) from: NodeId,
    /// The node that should run the group.
    pub(in crate::cluster) preferred: NodeId,
    /// Whether something of the group may run here.
    pub(in crate::cluster) runs_here: bool,
    /// Whether this node says that it cannot run the group.
    pub(in crate::cluster) unable: bool,
    /// Whether this node has no executor.
    pub(in crate::cluster) is_helpless: bool,
    /// Whether the sender has recently shown that it hears this node.
    pub(in crate::cluster) hears_us: bool,
    /// Whether the sender has not heard this node for so long that it may have taken what runs
    /// here.
    pub(in crate::cluster) is_deaf: bool,
    /// The nodes that are heard here, as bits.
    pub(in crate::cluster) heard: u32,
    /// A deliberate mistake: only terms count.
    pub(in crate::cluster) by_term_alone: bool,
}

/// How firmly a group is held by the node that a row or a claim names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grip {
    /// Nothing of the group runs there as far as is known, or no node says so that should know.
    None,
    /// The group is kept for a start, or so that no node starts it, and does not run.
    Kept,
    /// The group still runs there, and is being stopped.
    Loose,
    /// A daemon that has no executor believes that the group runs. It may have expired since.
    Believed,
    /// The group runs where it cannot be reached, or the node says for another reason that it
    /// cannot run it.
    Cut,
    /// The group is being started there, and a part of it runs.
    Begun,
    /// The group runs there, or cannot be stopped.
    Firm,
}

impl Grip {
    const fn of(phase: Phase, runs: bool, unable: bool) -> Self {
        match phase {
            Phase::Starting if unable && runs => Self::Believed,
            Phase::Starting if unable => Self::Kept,
            Phase::Active if unable && runs => Self::Cut,
            Phase::Starting if runs => Self::Begun,
            Phase::Active | Phase::Blocked if runs => Self::Firm,
            Phase::Starting | Phase::Active | Phase::Blocked => Self::Kept,
            Phase::Stopping if runs => Self::Loose,
            Phase::Stopping | Phase::Stopped | Phase::Failed => Self::None,
        }
    }

    /// The grip as a third node judges and reports it: a start in progress counts as running,
    /// because the other node is not heard there.
    const fn as_hearsay(self) -> Self {
        match self {
            Self::Begun => Self::Firm,
            Self::None | Self::Kept | Self::Loose | Self::Believed | Self::Cut | Self::Firm => self,
        }
    }
}

impl Meeting {
    fn hears(&self, node: NodeId) -> bool {
        self.heard & super::bit(node) != 0
    }

    /// Whether a claim names an owner that neither sends nor hears it.
    fn is_hearsay(&self, claim: &Claim) -> bool {
        claim.owner != self.from && claim.owner != self.me
    }

    fn grip_of_row(&self, row: &Row) -> Grip {
        match row.owner {
            Some(owner) if owner == self.me => {
                Grip::of(row.phase.told(self.is_helpless), self.runs_here, self.unable)
            }
            // The owner itself sends the claim, and claims the group for another node.
            Some(owner) if owner == self.from => Grip::None,
            Some(owner) if self.hears(owner) => Grip::of(row.phase, true, false),
            Some(_) | None => Grip::None,
        }
    }

    fn grip_of_claim(&self, claim: &Claim) -> Grip {
        if claim.owner == self.me {
            // What others remember about this node says nothing about what runs here.
            Grip::None
        } else {
            // Only the owner itself can say whether it is able.
            let is_own = claim.owner == self.from;
            let is_cut = claim.phase == Phase::Active && self.is_deaf;
            let unable = is_own && claim.unable && !is_cut;
            Grip::of(claim.phase, claim.runs_here || self.is_hearsay(claim), unable)
        }
    }

    /// Whether the claim would prevail if only terms counted.
    fn is_higher(&self, row: &Row, claim: &Claim) -> bool {
        let is_higher = claim.term > row.term;
        let is_tie = claim.term == row.term;
        claim.term > 0 && (is_higher || is_tie && wins(claim.owner, row.owner, self.preferred))
    }

    /// Whether the claim prevails over the row.
    fn holds(&self, row: &Row, claim: &Claim) -> bool {
        let is_higher = self.is_higher(row, claim);
        if self.by_term_alone {
            return is_higher;
        }
        let (theirs, ours) = (self.grip_of_claim(claim), self.grip_of_row(row));
        if self.is_hearsay(claim) {
            // A node that this node hears reports itself what runs there.
            let tells_itself =
                self.hears(claim.owner) && (ours > Grip::None || theirs == Grip::None);
            return is_higher && theirs.as_hearsay() >= ours.as_hearsay() && !tells_itself;
        }
        // Two nodes that this node hears may not hear each other: then this node's decision settles
        // it, as a third node's.
        let is_witness = row.owner.is_some_and(|owner| owner != self.me) && claim.owner != self.me;
        let (theirs, ours) =
            if is_witness { (theirs.as_hearsay(), ours.as_hearsay()) } else { (theirs, ours) };
        theirs > ours && claim.term > 0 || theirs == ours && is_higher
    }

    /// Whether this node holds the group, but the claim would outrank it by its term alone.
    fn must_be_topped(&self, row: &Row, claim: &Claim) -> bool {
        let is_theirs = claim.owner != self.me && row.owner == Some(self.me);
        let tells_itself = self.is_hearsay(claim) && self.hears(claim.owner);
        is_theirs
            && !tells_itself
            && !self.by_term_alone
            && self.hears_us
            && self.grip_of_row(row) > self.grip_of_claim(claim)
            && self.is_higher(row, claim)
    }
}

impl Row {
    /// Merges what another node says about the group into this node's row. The owner knows its own
    /// running state best, whatever term it remembers.
    pub(super) fn merge(&mut self, at: &Meeting, claim: &Claim) -> Merged {
        self.record_ability(at.from, !claim.unable);
        let Meeting { me, from, .. } = *at;
        coverage_names::visit_row(me, from, self, claim);
        let is_mine = self.owner == Some(me) && self.phase.holds();
        if claim.owner == from && self.owner == Some(from) {
            let next = Self { term: self.term.max(claim.term), phase: claim.phase, ..*self };
            return self.replace(next, false);
        }
        if claim.owner == me && self.owner == Some(me) {
            return self.replace(Self { term: self.term.max(claim.term), ..*self }, false);
        }
        if at.holds(self, claim) {
            let phase = if claim.owner == me { Phase::Stopped } else { claim.phase };
            let (owner, term) = (Some(claim.owner), self.term.max(claim.term));
            let next =
                Self { owner, term, phase, is_borrowed: false, is_entrusted: false, ..*self };
            return self.replace(next, is_mine);
        }
        if at.must_be_topped(self, claim) {
            self.term = claim.term.saturating_add(1);
            return Merged::Reclaimed;
        }
        if self.owner == Some(from) {
            // The sender does not claim what this node believes it owns: it lost its memory, and
            // the group.
            let phase = if self.phase.holds() { Phase::Stopped } else { self.phase };
            return self.replace(Self { phase, ..*self }, false);
        }
        if is_mine && claim.owner == from && claim.phase.holds() {
            return Merged::Outranks;
        }
        Merged::Same
    }

    fn replace(&mut self, next: Self, outranked: bool) -> Merged {
        let changed = *self != next;
        *self = next;
        match (changed, outranked) {
            (true, true) => Merged::Outranked,
            (true, false) => Merged::Changed,
            (false, _) => Merged::Same,
        }
    }
}

/// Whether `challenger` prevails over `holder` in the same term.
pub(super) fn wins(challenger: NodeId, holder: Option<NodeId>, preferred: NodeId) -> bool {
    match holder {
        None => true,
        Some(holder) if holder == challenger => false,
        Some(holder) if holder == preferred => false,
        Some(_) if challenger == preferred => true,
        Some(holder) => challenger < holder,
    }
}
