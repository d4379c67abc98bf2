//! What happens to a hand-over, and what a step of it asks of the cluster.

use super::running::{Beginning, Running};
use crate::{
    GroupId, HandOverProgress, JobId, NodeId, Refusal, Scope, Step, Ticket, Time, UnfinishedStage,
};
use std::time::Duration;

/// What happens to a [`HandOver`](super::HandOver).
#[derive(Debug)]
pub(super) enum Input {
    /// This node is asked to begin a hand-over, or wants to.
    Wish,
    /// A hand-over begins.
    Begin(Box<Beginning>),
    /// Something is learned about the hand-over in progress.
    Learn(Fact),
    /// The other node has sent a step.
    Step(Heard),
    /// The other node refuses a step of this node. A "done" is named by its sequence.
    Refusal { from: NodeId, sequence: u64, step: Step, number: Option<u64>, why: Refusal },
    /// A check is over, with the reason for which the offer is refused, if there is one.
    Checked { job: JobId, why: Option<Refusal> },
    /// A turn: whether the event that the stage waits for has come, and whether something cannot
    /// be stopped.
    Turn { has_come: bool, is_stuck: bool },
    /// Both nodes are done: whether everything that was given runs on the taker.
    Concluded(Result<(), Refusal>),
    /// The reason for this node's wish is gone.
    Withdrawn,
    /// The other node has taken again what it was giving, or what it was given.
    TakenAgain,
    /// The other node stops in order.
    PeerLeaves,
    /// A node died, left or restarted.
    PeerGone(NodeId),
    /// This node stood still.
    OwnPause,
    /// This node is told to stop.
    OwnStop,
    /// The executor of this node is gone.
    ExecutorGone,
    /// The executor is not coming back, and groups that were to be given may still run.
    CannotStop,
}

/// What is learned about a hand-over in progress. Without one it has no effect.
#[derive(Debug)]
pub(super) enum Fact {
    /// An earlier run of this node has begun the hand-over: it continues with this stage. Up to
    /// this sequence the other node has reported what it holds.
    Resume { stage: UnfinishedStage, reported: u64 },
    /// These are the jobs by which this node checks what is offered.
    Checks(Vec<JobId>),
    /// These groups are given, with their terms, and these are owned, as the release begins.
    Gives { gives: Vec<(GroupId, u64)>, owned: Vec<GroupId> },
    /// This group is given too, in this term: a C node starts the group with the rest of its set.
    GivesToo(GroupId, u64),
    /// The giver has taken this group, or has taken it back.
    Keeps(GroupId),
    /// A C node says by the message with this sequence that it lets go.
    LetsGo { giver: NodeId, number: u64 },
    /// The C node that gives is done, by the message with this sequence.
    Done(u64),
    /// The C node that gives may have said "done" while no daemon was running here: it has until
    /// this time to say it again.
    MayBeDone { until: Time },
    /// The "done" of a C node counts, because no earlier message of that node is missing.
    Acquire,
    /// Something of the hand-over starts or stops, here or there.
    AtWork,
    /// This node's "done" was sent under this sequence.
    SaidDone(u64),
}

/// A step of the other node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub(super) from: NodeId,
    pub(super) sequence: u64,
    pub(super) scope: Scope,
    pub(super) step: Step,
    /// The sender comes before this node: if both wish to give, the sender's wish counts.
    pub(super) is_first: bool,
    /// Messages of the sender, a C node, are missing: it may have begun to let go.
    pub(super) lacks_words: bool,
}

/// What a step asks of the cluster, in this order.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Refuse a step of the other node.
    pub(super) refuse: Option<Refused>,
    /// The hand-over is over, with this result.
    pub(super) ended: Option<(Box<Running>, Result<(), Refusal>)>,
    /// Report that a stage is reached.
    pub(super) progress: Option<HandOverProgress>,
    /// Store how far the hand-over with a C node has come.
    pub(super) store: bool,
    pub(super) action: Action,
}

/// A step that is not followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    pub(super) node: NodeId,
    pub(super) step: Step,
    pub(super) why: Refusal,
    /// The sequence of a step that names it.
    pub(super) number: Option<u64>,
    /// How long the hand-over in progress may still wait.
    pub(super) left: Duration,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Action {
    #[default]
    Nothing,
    /// Consider the other node's wish to give. A person here who had the same wish waits for the
    /// answer.
    Consider(Option<Ticket>),
    /// Stop the groups.
    Release,
    /// Start the groups. A Systole giver's "done" has this sequence.
    Acquire { said_by: Option<u64> },
    /// See whether the C node that gives, and is done, has taken the groups again.
    Verify,
    /// The check found everything: promise to take the groups.
    Promise,
    /// Everything is let go: say "done".
    SayReleased,
    /// Everything runs here, or has failed to start: say "done".
    SayAcquired,
    /// The taker has what it was given.
    Conclude,
    /// The "done" that this node may have missed counts as said.
    TakeForDone,
}

impl From<Action> for Effects {
    fn from(action: Action) -> Self {
        Self { action, ..Self::default() }
    }
}
