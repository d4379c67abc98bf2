//! What becomes of a hand-over when one of the two nodes stood still.

use super::{Cluster, HandOver, Stage};
use crate::peer::Kind;
use crate::{GroupId, Message, NodeId, Phase, Refusal, Step};
use std::time::Duration;

/// How long a taker's table shows that everything runs before its "done" is no longer waited for.
const TABLE_WAIT: Duration = Duration::from_secs(1);

impl Cluster {
    /// This node stood still. The other one may have called it dead, and ended what was agreed.
    ///
    /// Who has promised to take ends it and refuses the giver's "done", since what was promised may
    /// be owned by somebody else. Whoever has begun to move groups goes on, because nobody else knows
    /// how far they are: a giver is told by the refusal of its "done", or by the taker's table, that
    /// the other node did not wait. A C node tells neither: it is
    /// asked what it holds.
    pub(in crate::cluster) fn interrupt_hand_over(&mut self) {
        self.visit_hand_over("own pause");
        let me = self.settings.me;
        let Some(running) = &self.hand_over else { return };
        let (giver, partner) = (running.giver, running.partner(me));
        let is_told = self.peer(partner).kind == Kind::Systole;
        match running.stage {
            Stage::Releasing | Stage::Given(_) | Stage::Told(_) | Stage::Acquiring if is_told => {
                return;
            }
            Stage::Checking => self.refuse_step(giver, Step::Me, Refusal::NotReady, None),
            Stage::Asked
            | Stage::Releasing
            | Stage::Given(_)
            | Stage::Told(_)
            | Stage::Invited
            | Stage::Promised
            | Stage::Acquiring => {}
        }
        self.recall_interrupted(partner);
        self.end_hand_over(Err(Refusal::PeerDied));
    }

    /// We do not hear the other node any more, which may hear us and wait: what it has said last is
    /// not followed.
    pub(super) fn tell_cancelled(&mut self, node: NodeId) {
        let Some(running) = self.hand_over.as_ref() else { return };
        let step = match running.stage {
            Stage::Releasing => Step::Other,
            Stage::Checking => Step::Me,
            Stage::Asked
            | Stage::Given(_)
            | Stage::Told(_)
            | Stage::Invited
            | Stage::Promised
            | Stage::Acquiring => return,
        };
        if self.peer(node).kind == Kind::Systole {
            let (why, number) = (Refusal::NotReady, None);
            self.send(Message::Refuse { step, why, number }, Some(node));
        }
    }

    /// Whether the taker has long had what it was given, as its table shows, though it never said
    /// so: it has called us dead meanwhile, and with that ended the hand-over. What its table says that it
    /// cannot run counts as left here only once it has heard our "done", which has this number: until then
    /// it may be about to take that all the same.
    pub(super) fn has_taken_silently(&self, running: &HandOver, number: u64) -> bool {
        let (me, taker) = (self.settings.me, running.taker);
        if self.peer(taker).kind == Kind::Systole && self.peer(taker).agreed < number {
            return false;
        }
        let owner = |group: &GroupId| self.groups[*group].row.owner;
        // A C node says what it has when all of it runs.
        let is_told = |phase: Phase| self.peer(taker).kind == Kind::Systole || phase.holds();
        let is_done = |group: &GroupId| {
            let since = self.groups[*group].since;
            let phase = self.groups[*group].row.phase;
            let is_at_work = matches!(phase, Phase::Starting | Phase::Stopping);
            owner(group) == Some(taker)
                && !is_at_work
                && is_told(phase)
                && self.now.since(since) >= TABLE_WAIT
        };
        let is_left =
            |group: &GroupId| owner(group) == Some(me) && !self.groups[*group].row.is_able(taker);
        let mut gives = running.gives.iter().map(|(group, _)| group);
        gives.clone().any(is_done) && gives.all(|group| is_done(group) || is_left(group))
    }

    /// Whether a taker of Systole has not taken what it was given, or has let go of it again.
    pub(super) fn has_dropped(&self, group: GroupId, taker: NodeId) -> bool {
        let row = &self.groups[group].row;
        let is_told = taker == self.settings.me || self.peer(taker).kind == Kind::Systole;
        let is_given = self.hand_over.as_ref().is_some_and(|running| running.gives(group));
        let is_taken = row.owner == Some(taker);
        is_told && if is_taken { !row.phase.holds() } else { is_given }
    }
}
