//! A hand-over with a C node that an earlier run of this daemon has begun and not finished.
//!
//! The C node waits for its end for up to an hour, and meanwhile refuses orders and does not stop.
//! It does not notice that this daemon restarts, and its reports do not show that it is at work: it
//! says that it is settled and holds nothing of the set. So an unfinished hand-over is stored, and
//! continued once it is known what the C node holds.

use super::{Recalled, Stage};
use crate::cluster::Cluster;
use crate::cluster::hand_over::Running;
use crate::{GroupSet, NodeId, Scope, Unfinished, UnfinishedStage};

impl Unfinished {
    /// The set that moves, from the view of the node that remembers it.
    const fn seen_from_here(self) -> GroupSet {
        match self.stage {
            UnfinishedStage::Releasing | UnfinishedStage::Given => self.hold,
            UnfinishedStage::Promised | UnfinishedStage::Acquiring => self.hold.mirrored(),
        }
    }
}

impl Cluster {
    /// Restores the hand-over that an earlier run has stored.
    pub(in crate::cluster) fn recall_unfinished(&mut self) {
        let mut records = self.boot.peers.iter();
        self.classic.recalled = records.find_map(|record| {
            let (peer, generation) = (record.node, record.generation);
            let unfinished = record.unfinished?;
            Some(Recalled { peer, generation, unfinished, done_by: None, may_lack_words: true })
        });
    }

    /// This node stood still in the middle of a hand-over. How the peer reacted is known when it
    /// has reported its holdings.
    pub(in crate::cluster) fn recall_interrupted(&mut self, ended: &Running) {
        let peer = ended.partner(self.settings.me);
        let generation = self.peer(peer).generation;
        // Messages that the peer sent during the pause are in the socket, or are requested again.
        let (done_by, may_lack_words) = (ended.done_by, ended.may_be_done);
        self.classic.recalled = ended.unfinished(peer).map(|unfinished| Recalled {
            peer,
            generation,
            unfinished,
            done_by,
            may_lack_words,
        });
    }

    /// The record of an unfinished hand-over with a node.
    pub(in crate::cluster) fn unfinished_with(&self, node: NodeId) -> Option<Unfinished> {
        let recalled = self.recalled().filter(|it| it.peer == node).map(|it| it.unfinished);
        recalled.or_else(|| self.hand_over.running()?.unfinished(node))
    }

    /// The hand-over of an earlier run, as long as the peer runs the daemon with which it began.
    fn recalled(&self) -> Option<&Recalled> {
        let recalled = self.classic.recalled.as_ref();
        recalled.filter(|it| self.peer(it.peer).generation == it.generation)
    }

    /// Whether a hand-over of an earlier run with a C node has yet to be continued.
    pub(in crate::cluster) fn has_unfinished_with(&self, peer: NodeId) -> bool {
        self.recalled().is_some_and(|it| it.peer == peer)
    }

    /// The hand-over of an earlier run is over.
    pub(super) fn forget_recalled(&mut self) {
        if let Some(recalled) = self.classic.recalled.take() {
            self.store_peer(recalled.peer);
        }
    }

    /// Whether the set that prefers this node is part of a hand-over, possibly of an earlier run,
    /// and not here yet.
    pub(super) fn is_own_set_away(&self) -> bool {
        let unfinished = self.classic_peer().and_then(|peer| self.unfinished_with(peer));
        unfinished.is_some_and(|it| {
            it.stage != UnfinishedStage::Acquiring && it.seen_from_here().has_local()
        })
    }

    fn is_releasing_recalled(&self) -> bool {
        self.recalled().is_some_and(|it| it.unfinished.stage == UnfinishedStage::Releasing)
    }

    /// The peer is done with its part before the recalled hand-over is continued. Returns whether
    /// the "done" was meant for that hand-over.
    pub(in crate::cluster) fn recalled_is_done(
        &mut self,
        from: NodeId,
        sequence: u64,
        scope: Scope,
    ) -> bool {
        let is_meant = |it: &&Recalled| it.peer == from && scope == Scope::Set(it.unfinished.hold);
        let Some(unfinished) = self.recalled().filter(is_meant).map(|it| it.unfinished) else {
            return false;
        };
        match unfinished.stage {
            UnfinishedStage::Promised => {
                if let Some(recalled) = &mut self.classic.recalled {
                    recalled.done_by = Some(sequence);
                }
                self.classic.theirs = self.classic.theirs.without(unfinished.hold);
                self.classic.giving_up = self.classic.giving_up.without(unfinished.hold);
            }
            UnfinishedStage::Given => {
                self.classic.theirs = self.classic.theirs.with(unfinished.hold.mirrored());
                self.record_theirs(from);
                self.forget_recalled();
            }
            UnfinishedStage::Releasing | UnfinishedStage::Acquiring => return false,
        }
        true
    }

    /// Continues the hand-over of an earlier run.
    pub(super) fn resume_recalled(&mut self) {
        let Some(peer) = self.classic_peer().filter(|_| self.classic.recalled.is_some()) else {
            return;
        };
        let is_stable = self.classic.stage == Stage::Stable;
        // A group that was being stopped is not started for the hand-over first.
        let may_go_on = self.is_releasing_recalled() && !self.awaits_classic_report();
        let is_known = (is_stable || may_go_on) && !self.owes_report(peer);
        let is_free = !self.hand_over.runs() && self.has_executor() && self.pause.is_verified();
        if !self.takes_part() || !is_known || !is_free {
            return;
        }
        let recalled = self.recalled().filter(|it| it.peer == peer);
        let Some(Recalled { unfinished, done_by, may_lack_words, .. }) = recalled.copied() else {
            return self.forget_recalled();
        };
        let hold = unfinished.hold;
        let there = self.classic.theirs;
        let is_over = match unfinished.stage {
            // The peer already had its own part of the whole.
            UnfinishedStage::Releasing | UnfinishedStage::Given => {
                hold.mirrored().without(there) == GroupSet::None
            }
            UnfinishedStage::Promised | UnfinishedStage::Acquiring => hold.without(there) != hold,
        };
        if is_over {
            // The peer has declared this node dead and has taken everything, or it is done.
            return self.forget_recalled();
        }
        self.classic.recalled = None;
        self.resume_hand_over(peer, unfinished, (done_by, may_lack_words));
    }
}
