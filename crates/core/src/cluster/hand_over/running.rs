//! A hand-over in progress: how far it has come, and what moves.

use crate::{
    GroupId, HandOverProgress, HandOverReason, JobId, NodeId, ProgressStage, Scope, Step, Ticket,
    Time,
};
use std::time::Duration;

/// How long one node waits for a message of the other.
pub(super) const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How long a C node that gives may take to begin after this node's promise. A giver waits 10 s for
/// the promise. A C node that refuses the order of its own administrator has sent the request all
/// the same, and never begins.
const BEGIN_WAIT: Duration = Duration::from_secs(15);
/// How long a C node may take to release or acquire, during which nothing of it can be seen.
pub(super) const WORK_WAIT: Duration = Duration::from_hours(1);

/// How far a hand-over has come.
///
/// ```text
/// giver:  Asked ──"other"──▶ Releasing ──all stopped, "done"──▶ Given ──"done"──▶ Told
///         Told ──the taker's table as of its "done"──▶ (over)
///         Given ──the taker's table shows that it has everything──▶ (over)
/// taker:  Invited ──"me"──▶ Checking ──everything is here, "other"──▶ Promised
///         Promised ──"done"──▶ Acquiring ──all settled, "done"──▶ (over)
/// ```
///
/// A taker that was not asked by a person on its own node begins with Checking. Nothing is let go
/// before the taker has said "other"; until then each side may refuse, and a Systole node says so.
/// The hand-over also ends early when the other node does not answer, dies, leaves or restarts,
/// when this node stops, or was away before anything moved, and when no progress is seen for 10 s.
/// The remaining node then decides as if there had been no hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Stage {
    /// The taker was asked.
    Asked,
    /// The groups are being stopped.
    Releasing,
    /// Everything is let go; this is the sequence of this node's "done".
    Given(u64),
    /// The taker is done. Its table, sent just before under this sequence, says what it has.
    Told(u64),
    /// The giver was asked to ask.
    Invited,
    /// This node checks whether everything is there that the groups need.
    Checking,
    /// This node has said that it takes the groups.
    Promised,
    /// The groups are being started.
    Acquiring,
}

/// A hand-over in progress. Only [`HandOver::step`](super::HandOver::step) changes
/// it.
#[derive(Debug, Clone)]
pub(in crate::cluster) struct Running {
    /// What moves, from the giver's view.
    pub(in crate::cluster) scope: Scope,
    pub(in crate::cluster) giver: NodeId,
    pub(in crate::cluster) taker: NodeId,
    pub(in crate::cluster) stage: Stage,
    pub(in crate::cluster) motive: HandOverReason,
    /// The other node is a C node.
    pub(in crate::cluster) beside_classic: bool,
    /// A person requested it: the groups that move stay where they go.
    pub(in crate::cluster) by_order: bool,
    pub(super) ticket: Option<Ticket>,
    /// Until when the other node, or this one, may take for this stage.
    pub(super) until: Time,
    /// When the hand-over began, and when it reached its stage.
    since: (Time, Time),
    /// The other node's last sequence when the hand-over began: older messages belong to another
    /// hand-over.
    pub(super) began_at: u64,
    /// The last sequence of this node at that time: the sequence of its request, if it made one.
    pub(super) asked_by: u64,
    /// The sequence of the "done" of a C node that gives, while earlier messages of it are missing.
    pub(in crate::cluster) done_by: Option<u64>,
    /// The sequence of the message by which a C node that gives has said that it lets go.
    pub(super) lets_go_by: Option<u64>,
    /// A C node that gives may have said "done" while no daemon was running here: at the end of the
    /// wait the "done" counts as said.
    pub(in crate::cluster) may_be_done: bool,
    /// The checks whose outcome a taker waits for.
    pub(super) checks: Vec<JobId>,
    /// The groups that the giver had when it began to let go, or, for a taker, when they were
    /// offered, each with its term then.
    pub(super) gives: Vec<(GroupId, u64)>,
    /// The groups that the giver owned at that time, whether they ran or not. Groups that it takes
    /// later are not part of the hand-over.
    pub(super) owned: Vec<GroupId>,
}

/// What a hand-over begins with.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) scope: Scope,
    pub(super) giver: NodeId,
    pub(super) taker: NodeId,
    /// [`Stage::Asked`], [`Stage::Invited`] or [`Stage::Checking`].
    pub(super) stage: Stage,
    pub(super) motive: HandOverReason,
    pub(super) by_order: bool,
    pub(super) beside_classic: bool,
    pub(super) began_at: u64,
    pub(super) asked_by: u64,
    pub(super) gives: Vec<(GroupId, u64)>,
    pub(super) owned: Vec<GroupId>,
}

impl Stage {
    /// Whether the other node may still refuse a step that this node has sent. Before this node's
    /// "done" nothing has been let go. A refusal of a "done" names it by its sequence: a sequence
    /// is heard only once, so nothing will be taken because of it.
    pub(super) const fn awaits_answer_to(self, step: Step, number: Option<u64>) -> bool {
        match (step, self) {
            (Step::Me, Self::Asked | Self::Invited) | (Step::Other, Self::Promised) => true,
            (Step::Done, Self::Given(said)) => matches!(number, Some(number) if number == said),
            (Step::Me | Step::Other | Step::Done, _) => false,
        }
    }

    /// How long the stage may last without a sign of progress.
    const fn wait(self, beside_classic: bool) -> Duration {
        match (self, beside_classic) {
            (Self::Promised, true) => BEGIN_WAIT,
            // The work that continues at this node can be seen.
            (Self::Releasing, true) | (_, false) => REPLY_WAIT,
            (
                Self::Asked
                | Self::Given(_)
                | Self::Told(_)
                | Self::Invited
                | Self::Checking
                | Self::Acquiring,
                true,
            ) => WORK_WAIT,
        }
    }

    /// The stage as the journal knows it. That the taker says that it is done is none: its table
    /// says what it has.
    const fn progress(self) -> Option<ProgressStage> {
        match self {
            Self::Invited => Some(ProgressStage::Wanted),
            Self::Asked | Self::Checking => Some(ProgressStage::Asked),
            Self::Releasing | Self::Promised => Some(ProgressStage::Agreed),
            Self::Given(_) | Self::Acquiring => Some(ProgressStage::Released),
            Self::Told(_) => None,
        }
    }

    /// The name of the stage for the count of transitions.
    pub(in crate::cluster) const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Releasing => "releasing",
            Self::Given(_) => "given",
            Self::Told(_) => "told",
            Self::Invited => "invited",
            Self::Checking => "checking",
            Self::Promised => "promised",
            Self::Acquiring => "acquiring",
        }
    }
}

impl Running {
    pub(super) fn new(now: Time, beginning: Beginning) -> Self {
        let Beginning { scope, giver, taker, stage, motive, by_order, .. } = beginning;
        let Beginning { beside_classic, began_at, asked_by, gives, owned, .. } = beginning;
        let (until, ticket) = (now + REPLY_WAIT, motive.ticket());
        Self {
            scope,
            giver,
            taker,
            stage,
            motive,
            beside_classic,
            by_order,
            ticket,
            until,
            since: (now, now),
            began_at,
            asked_by,
            done_by: None,
            lets_go_by: None,
            may_be_done: false,
            checks: Vec::new(),
            gives,
            owned,
        }
    }

    /// The node that is not `me`.
    pub(in crate::cluster) fn partner(&self, me: NodeId) -> NodeId {
        if self.giver == me { self.taker } else { self.giver }
    }

    /// Whether `node` is the giver or the taker.
    pub(super) fn is_with(&self, node: NodeId) -> bool {
        self.giver == node || self.taker == node
    }

    /// Whether a group was part of the hand-over when it began.
    pub(super) fn gives(&self, group: GroupId) -> bool {
        self.gives.iter().any(|(other, _)| *other == group)
    }

    /// Whether groups may have moved because of it.
    pub(super) const fn has_begun(&self) -> bool {
        match self.stage {
            Stage::Asked | Stage::Invited | Stage::Checking => false,
            Stage::Promised => !self.beside_classic || self.lets_go_by.is_some(),
            Stage::Releasing | Stage::Given(_) | Stage::Told(_) | Stage::Acquiring => true,
        }
    }

    /// What is reported about it.
    pub(super) fn progress(&self, stage: ProgressStage, now: Time) -> HandOverProgress {
        let (began, reached) = self.since;
        HandOverProgress {
            giver: self.giver,
            taker: self.taker,
            scope: self.scope,
            motive: self.motive,
            stage,
            took: now.since(reached),
            total: now.since(began),
            beside_classic: self.beside_classic,
        }
    }

    /// Reports the stage that was just reached.
    pub(super) fn reached(&mut self, now: Time) -> Option<HandOverProgress> {
        let progress = self.progress(self.stage.progress()?, now);
        self.since.1 = now;
        Some(progress)
    }

    /// Begins a stage.
    pub(super) fn advance(&mut self, now: Time, stage: Stage) {
        self.stage = stage;
        self.until = now + stage.wait(self.beside_classic);
    }

    /// A C node that gives lets go, which may take as long as its agents need.
    pub(super) fn giver_lets_go(&mut self, now: Time, number: u64) {
        if self.stage == Stage::Promised {
            self.until = now + WORK_WAIT;
            self.lets_go_by = Some(number);
        }
    }
}
