//! A hand-over with a classic peer goes on though this daemon was started anew.

use super::{HandOver, Stage, WORK_WAIT};
use crate::cluster::Cluster;
use crate::cluster::classic::FORSAKEN_AFTER;
use crate::{Cause, HandOverReason, NodeId, Phase, Scope, Unfinished, UnfinishedStage};

impl HandOver {
    /// What the next run of this daemon has to know of it, if it is one with this classic peer: nothing
    /// before something moves.
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
    /// The number of the peer's "done", if it was heard and waits for what is missing.
    pub(in crate::cluster) const fn done_by(&self) -> Option<u64> {
        self.done_by
    }

    /// Whether the peer may have said that it is done while no daemon was here.
    pub(in crate::cluster) const fn may_be_done(&self) -> bool {
        self.may_be_done
    }
}

impl Cluster {
    /// Goes on with what an earlier run has begun. The number of the peer's "done" is given if it was heard,
    /// and whether it may have been said while no daemon was here.
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
                // The number of that "done" is not known. A classic peer never names it.
                self.advance_hand_over(Stage::Given(0));
            }
            UnfinishedStage::Promised => {
                self.leave_to_peer(peer, scope, Phase::Stopping);
                self.advance_hand_over(Stage::Promised);
                // It has begun to let go, which may take as long as its agents need.
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

    /// A classic peer is at work with a set, which is given from the giver's view, and reports that it does
    /// not hold it. What is stored of owners may be older, and what the peer has told is not stored.
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

    /// It was waited long enough for a word that may have been said while no daemon was here.
    pub(super) fn take_for_done(&mut self) {
        let until = self.now + WORK_WAIT;
        if let Some(running) = &mut self.hand_over {
            (running.may_be_done, running.until) = (false, until);
        }
        self.acquire_by(self.last_report());
    }

    /// A classic giver has said that it is done, by the message of this number.
    pub(in crate::cluster) fn acquire_by(&mut self, number: u64) {
        if let Some(running) = &mut self.hand_over {
            running.done_by = Some(number);
        }
        self.acquire_from_classic();
    }
}
