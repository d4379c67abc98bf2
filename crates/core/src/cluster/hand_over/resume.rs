//! A hand-over with a C node continues although this daemon was restarted.

use super::input::Fact;
use super::{Running, Stage};
use crate::cluster::Cluster;
use crate::cluster::classic::FORSAKEN_AFTER;
use crate::{Cause, HandOverReason, NodeId, Phase, Scope, Unfinished, UnfinishedStage};

impl Running {
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
        let beginning = self.beginning(parts, scope, Stage::Asked, unfinished.motive);
        self.begin_hand_over(beginning);
        match unfinished.stage {
            UnfinishedStage::Given => {
                self.leave_to_peer(peer, scope, Phase::Starting);
                let gives = self.with_terms(self.groups_of(me, scope));
                self.learn(Fact::Gives { gives, owned: Vec::new() });
            }
            UnfinishedStage::Promised => self.leave_to_peer(peer, scope, Phase::Stopping),
            UnfinishedStage::Releasing | UnfinishedStage::Acquiring => {}
        }
        let (stage, reported) = (unfinished.stage, self.last_report());
        self.learn(Fact::Resume { stage, reported });
        if stage != UnfinishedStage::Promised {
            return;
        }
        if let Some(number) = done_by {
            self.acquire_by(number);
        } else if may_lack_words {
            self.learn(Fact::MayBeDone { until: self.now + FORSAKEN_AFTER });
        }
    }

    /// A C node is working on a set, which is given from the giver's view, and reports that it does
    /// not hold it. Stored owners may be older, and what the peer has reported is not stored.
    fn leave_to_peer(&mut self, peer: NodeId, scope: Scope, phase: Phase) {
        let Some((giver, taker)) = self.hand_over.running().map(|it| (it.giver, it.taker)) else {
            return;
        };
        for group in self.groups_of(giver, scope) {
            let row = self.groups[group].row;
            let is_peers = row.owner() == Some(peer);
            if is_peers && row.phase().holds() || !self.groups[group].runner.is_idle() {
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

    /// A C node that gives has said, by the message with this sequence, that it is done.
    pub(in crate::cluster) fn acquire_by(&mut self, number: u64) {
        self.learn(Fact::Done(number));
    }
}
