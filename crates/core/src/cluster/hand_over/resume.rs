//! A hand-over with a C node continues although this daemon was restarted.

use super::{HandOver, Stage, WORK_WAIT};
use crate::cluster::Cluster;
use crate::cluster::classic::FORSAKEN_AFTER;
use crate::{Cause, HandOverReason, NodeId, Phase, Scope, Unfinished, UnfinishedStage};

impl HandOver {
    /// What the next run of this daemon must know about the hand-over, if it is with this C node:
    /// nothing before something moves.
    pub(in crate::cluster) fn unfinished(&self, peer: NodeId) -> Option<Unfinished> {
        let Scope::Set(hold) = self.scope else { return None };
        let stage = match self.stage {
            Stage::Releasing => UnfinishedStage::Releasing,
            Stage::Given(_) | Stage::Told(_) => UnfinishedStage::Given,
            Stage::Promised => UnfinishedStage::Promised,
            Stage::Acquiring => UnfinishedStage::Acquiring,
            Stage::Asked | Stage::Invited | Stage::Checking => return None,
        };
        let motive = match self.motive {
            HandOverReason::Order(_) => HandOverReason::Node,
            HandOverReason::Node
            | HandOverReason::Home
            | HandOverReason::Carrier
            | HandOverReason::Ipfail
            | HandOverReason::Failed => self.motive,
        };
        let is_meant = self.beside_classic && self.is_with(peer);
        is_meant.then_some(Unfinished { hold, stage, motive })
    }
}

impl HandOver {
    /// The sequence of the peer's "done", if it was heard and waits for missing messages.
    pub(in crate::cluster) const fn done_by(&self) -> Option<u64> {
        self.done_by
    }

    /// Whether the peer may have said "done" while no daemon was running here.
    pub(in crate::cluster) const fn may_be_done(&self) -> bool {
        self.may_be_done
    }
}

impl Cluster {
    /// Continues the hand-over that an earlier run has begun. The sequence of the peer's "done" is
    /// given if it was heard, and whether it may have been sent while no daemon was running here.
    pub(in crate::cluster) fn resume_hand_over(
        &mut self,
        peer: NodeId,
        unfinished: Unfinished,
        (done_by, may_lack_words): (Option<u64>, bool),
    ) {
        let me = self.settings.me;
        let scope = Scope::Set(unfinished.hold);
        let parts = match unfinished.stage {
            UnfinishedStage::Releasing | UnfinishedStage::Given => (me, peer),
            UnfinishedStage::Promised | UnfinishedStage::Acquiring => (peer, me),
        };
        self.begin_hand_over(parts, scope, Stage::Asked, unfinished.motive);
        match unfinished.stage {
            UnfinishedStage::Releasing => self.begin_release(peer, scope),
            UnfinishedStage::Given => {
                self.leave_to_peer(peer, scope, Phase::Starting);
                let gives = self.with_terms(self.groups_of(me, scope));
                if let Some(running) = &mut self.hand_over {
                    running.gives = gives;
                }
                // The sequence of that "done" is not known. A C node never names it.
                self.advance_hand_over(Stage::Given(0));
            }
            UnfinishedStage::Promised => {
                self.leave_to_peer(peer, scope, Phase::Stopping);
                self.advance_hand_over(Stage::Promised);
                // The peer has begun to let go, which may take as long as its agents need.
                self.giver_has_begun(self.last_report());
                match (done_by, &mut self.hand_over) {
                    (Some(number), _) => self.acquire_by(number),
                    (None, Some(running)) if may_lack_words => {
                        (running.until, running.may_be_done) = (self.now + FORSAKEN_AFTER, true);
                    }
                    (None, _) => {}
                }
            }
            UnfinishedStage::Acquiring => self.begin_acquire(peer, scope, true),
        }
    }

    /// A C node is working on a set, which is given from the giver's view, and reports that it does
    /// not hold it. Stored owners may be older, and what the peer has reported is not stored.
    fn leave_to_peer(&mut self, peer: NodeId, scope: Scope, phase: Phase) {
        let Some((giver, taker, _)) = self.hand_over.as_ref().map(HandOver::parts) else { return };
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            let is_peers = row.owner == Some(peer);
            if is_peers && row.phase.holds() || !self.groups[group].runner.is_idle() {
                continue;
            }
            let cause = Cause::HandOver { giver, taker };
            if is_peers {
                self.set_phase(group, phase, cause);
            } else {
                self.leave_to(peer, group, phase, cause);
            }
        }
    }

    /// This node has waited long enough for a "done" that may have been sent while no daemon was
    /// running here.
    pub(super) fn take_for_done(&mut self) {
        let until = self.now + WORK_WAIT;
        if let Some(running) = &mut self.hand_over {
            (running.may_be_done, running.until) = (false, until);
        }
        self.acquire_by(self.last_report());
    }

    /// A C node that gives has said, by the message with this sequence, that it is done.
    pub(in crate::cluster) fn acquire_by(&mut self, number: u64) {
        if let Some(running) = &mut self.hand_over {
            running.done_by = Some(number);
        }
        self.acquire_from_classic();
    }
}
