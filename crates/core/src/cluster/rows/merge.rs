//! A claim meets a row: which of them holds.
//!
//! Who holds a group is never outranked by who does not, whatever their terms: a node that returns
//! remembers a term, and that says nothing of what runs. Nor does a daemon that has not heard its executor
//! outrank who runs it, or one whose first agent could not be asked to start, or whose clients cannot
//! reach it. What such a daemon believes to run is still more than what is only about to start elsewhere,
//! or is being stopped there: its executor may be back in a moment. Who runs all of it is not outranked by
//! who is still starting it, as after a cut in which that one called the other dead. Between two that hold
//! it alike, or both do not, the higher term counts; in the same term the preferred node, then the lower
//! one, so that every node decides alike.
//!
//! One that does not hear us cannot give way: then we do, as soon as it runs the group.

use super::{Row, coverage_names};
use crate::{Claim, NodeId, Phase};

/// What a claim of a peer changed for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Merged {
    /// Nothing.
    Same,
    /// The row changed.
    Changed,
    /// The row changed, and it was ours: whatever of the group runs here must stop.
    Outranked,
    /// The other node's claim loses against ours; it will hear so from us.
    Outranks,
    /// The other node's claim has a higher term than ours had, and does not hold: ours is above it
    /// now.
    Reclaimed,
}

/// Who speaks to whom when a claim is heard.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of who hears it")]
pub(in crate::cluster) struct Meeting {
    /// Who hears it.
    pub(in crate::cluster) me: NodeId,
    /// Who says it.
    pub(in crate::cluster) from: NodeId,
    /// The node that should run the group.
    pub(in crate::cluster) preferred: NodeId,
    /// Whether something of the group may run here.
    pub(in crate::cluster) runs_here: bool,
    /// Whether this node says that it cannot run the group.
    pub(in crate::cluster) unable: bool,
    /// Whether it has no executor.
    pub(in crate::cluster) is_helpless: bool,
    /// Whether the node that says it has shown lately that it hears this one.
    pub(in crate::cluster) hears_us: bool,
    /// Whether the node that says it has not heard this one for so long that it may have taken what runs
    /// here.
    pub(in crate::cluster) is_deaf: bool,
    /// The nodes that are heard here, as bits.
    pub(in crate::cluster) heard: u32,
    /// A deliberate mistake: only terms count.
    pub(in crate::cluster) by_term_alone: bool,
}

/// How firmly a group is held by whom a row or a claim names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grip {
    /// Nothing of it runs there, as far as is known, or nobody says so who should know.
    None,
    /// It is kept for what is about to start, or so that nobody starts it, and does not run.
    Kept,
    /// It runs there still, and is being stopped.
    Loose,
    /// A daemon that has no executor believes that it runs. It may have expired since.
    Believed,
    /// It runs where it cannot be reached, or that node says for another reason that it cannot run it.
    Cut,
    /// It is being started there, and a part of it runs.
    Begun,
    /// It runs there, or cannot be stopped.
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

    /// As a third node judges and tells it: whoever has begun goes on, because the other one is not heard there.
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

    /// A claim for a node that neither says nor hears it.
    fn is_hearsay(&self, claim: &Claim) -> bool {
        claim.owner != self.from && claim.owner != self.me
    }

    fn grip_of_row(&self, row: &Row) -> Grip {
        match row.owner {
            Some(owner) if owner == self.me => {
                Grip::of(row.phase.told(self.is_helpless), self.runs_here, self.unable)
            }
            // It speaks, and claims it for somebody else.
            Some(owner) if owner == self.from => Grip::None,
            Some(owner) if self.hears(owner) => Grip::of(row.phase, true, false),
            Some(_) | None => Grip::None,
        }
    }

    fn grip_of_claim(&self, claim: &Claim) -> Grip {
        if claim.owner == self.me {
            // What others remember of us says nothing of what runs here.
            Grip::None
        } else {
            // What its owner can is known of the owner alone.
            let is_own = claim.owner == self.from;
            let is_cut = claim.phase == Phase::Active && self.is_deaf;
            let unable = is_own && claim.unable && !is_cut;
            Grip::of(claim.phase, claim.runs_here || self.is_hearsay(claim), unable)
        }
    }

    /// Whether the claim would hold if only terms counted.
    fn is_higher(&self, row: &Row, claim: &Claim) -> bool {
        let is_higher = claim.term > row.term;
        let is_tie = claim.term == row.term;
        claim.term > 0 && (is_higher || is_tie && wins(claim.owner, row.owner, self.preferred))
    }

    /// Whether the claim holds against the row.
    fn holds(&self, row: &Row, claim: &Claim) -> bool {
        let is_higher = self.is_higher(row, claim);
        if self.by_term_alone {
            return is_higher;
        }
        let (theirs, ours) = (self.grip_of_claim(claim), self.grip_of_row(row));
        if self.is_hearsay(claim) {
            // Whom we hear tells us itself what runs there.
            let tells_itself =
                self.hears(claim.owner) && (ours > Grip::None || theirs == Grip::None);
            return is_higher && theirs.as_hearsay() >= ours.as_hearsay() && !tells_itself;
        }
        // Two that this node hears may not hear each other: then its word ends it, as a third node's.
        let is_witness = row.owner.is_some_and(|owner| owner != self.me) && claim.owner != self.me;
        let (theirs, ours) =
            if is_witness { (theirs.as_hearsay(), ours.as_hearsay()) } else { (theirs, ours) };
        theirs > ours && claim.term > 0 || theirs == ours && is_higher
    }

    /// Whether we hold it, and the claim would outrank us by its term alone.
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
    /// Merges what another node says of the group into our row. Of its own running state the owner
    /// knows best, whatever term it remembers.
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
            // It does not claim what we think it owns: it lost its memory, and the group.
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

/// Whether `challenger` wins against `holder` in the same term.
pub(super) fn wins(challenger: NodeId, holder: Option<NodeId>, preferred: NodeId) -> bool {
    match holder {
        None => true,
        Some(holder) if holder == challenger => false,
        Some(holder) if holder == preferred => false,
        Some(_) if challenger == preferred => true,
        Some(holder) => challenger < holder,
    }
}
