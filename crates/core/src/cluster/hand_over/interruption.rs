//! What happens to a hand-over when one of the two nodes stood still.

use super::input::Input;
use super::{Cluster, Running, Stage};
use crate::peer::Kind;
use crate::{GroupId, Message, NodeId, Phase, Refusal, Step};
use std::time::Duration;

/// How long a taker's table must show that everything runs before its "done" is no longer awaited.
const TABLE_WAIT: Duration = Duration::from_secs(1);

impl Cluster {
    /// This node stood still. The other node may have declared it dead and ended the hand-over.
    pub(in crate::cluster) fn interrupt_hand_over(&mut self) {
        let effects = self.hand_over.step(self.now, Input::OwnPause);
        if let Some((ended, _)) = &effects.ended {
            self.recall_interrupted(ended);
        }
        self.apply_hand_over(effects);
    }

    /// This node no longer hears the other node, which may hear this node and wait: the other
    /// node's last step is not followed.
    pub(super) fn tell_cancelled(&mut self, ended: &Running, node: NodeId) {
        let step = match ended.stage {
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

    /// Whether the taker has long had what it was given, as its table shows, although it never said
    /// so: it has declared this node dead meanwhile, which ended the hand-over. Groups that the
    /// taker's table says it cannot run count as left here only once the taker has heard this
    /// node's "done", which has this sequence: until then it may be about to take those groups all
    /// the same.
    pub(super) fn has_taken_silently(&self, running: &Running, number: u64) -> bool {
        let (me, taker) = (self.settings.me, running.taker);
        if self.peer(taker).kind == Kind::Systole && self.peer(taker).agreed < number {
            return false;
        }
        let owner = |group: &GroupId| self.groups[*group].row.owner();
        // A C node says what it has only when all of it runs.
        let is_told = |phase: Phase| self.peer(taker).kind == Kind::Systole || phase.holds();
        let is_done = |group: &GroupId| {
            let since = self.groups[*group].since;
            let phase = self.groups[*group].row.phase();
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

    /// Whether a Systole taker has not taken a group that it was given, or has let go of it again.
    pub(super) fn has_dropped(&self, group: GroupId, taker: NodeId) -> bool {
        let row = &self.groups[group].row;
        let is_told = taker == self.settings.me || self.peer(taker).kind == Kind::Systole;
        let is_given = self.hand_over.running().is_some_and(|running| running.gives(group));
        let is_taken = row.owner() == Some(taker);
        is_told && if is_taken { !row.phase().holds() } else { is_given }
    }
}
