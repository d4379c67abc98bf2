//! The facts that decisions rest on, and how long the steps of decisions took: only for the
//! journal.

use crate::{LinkId, NodeId, PingId, Refusal, Scope, Ticket};
use std::time::Duration;

/// How long a node was silent when it was declared dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Time since its last status; absent when the node was never heard.
    pub lasted: Option<Duration>,
    /// The silence that made it dead.
    pub limit: Duration,
    /// One for each link of this node, in their order.
    pub links: Vec<LastBeat>,
}

/// The last message of a node that a link delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBeat {
    /// The link.
    pub link: LinkId,
    /// How long ago it came; absent when there was none.
    pub ago: Option<Duration>,
    /// Whether the link was up then. It was not if the node did not hear this node over it.
    pub was_up: bool,
}

/// The ping nodes that two nodes see, and what was decided because of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingCounts {
    /// The other node.
    pub node: NodeId,
    /// How many ping nodes answer this node.
    pub ours: u32,
    /// How many ping nodes answer the other node, if it has reported them.
    pub theirs: Option<u32>,
    /// The ping nodes that do not answer this node.
    pub lost: Vec<PingId>,
    /// What follows.
    pub verdict: PingVerdict,
}

/// What follows from counts of ping nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingVerdict {
    /// This node sees fewer and gives everything away, unless that changes at once.
    GivesUp,
    /// The other node says that it sees more; this node gives everything away likewise.
    ToldToGiveUp,
    /// This node sees more, and says so to the other node.
    TellsMore,
    /// A ping node answers this node again: nothing is given away before that ping node counts or
    /// is lost again.
    Waits,
    /// Counts are equal again, or this node sees more: nothing is given away.
    Stays,
    /// Counts are equal: groups fail back.
    GoesHome,
    /// This node sees fewer, and refuses to take groups.
    Refuses,
    /// The other node sees fewer, and refuses to take groups.
    IsRefused,
}

/// How far a planned hand-over has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOverProgress {
    /// The node that gives.
    pub giver: NodeId,
    /// The node that takes.
    pub taker: NodeId,
    /// What moves, from the giver's view.
    pub scope: Scope,
    /// Who wants the hand-over, and why.
    pub motive: HandOverReason,
    /// What has just happened.
    pub stage: ProgressStage,
    /// Time since the stage before.
    pub took: Duration,
    /// Time since the hand-over began.
    pub total: Duration,
    /// Whether the other node is a C node.
    pub beside_classic: bool,
}

/// Who wants a hand-over, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverReason {
    /// A person or program that gave this node an order.
    Order(Ticket),
    /// The other node.
    Node,
    /// This node, because the groups prefer the other node.
    Home,
    /// This node, because an interface of a group lost its carrier.
    Carrier,
    /// This node, because it sees fewer ping nodes.
    Ipfail,
    /// This node, because it could not start a group of a C node.
    Failed,
}

impl HandOverReason {
    /// Whether the giver decided it automatically.
    pub(crate) const fn is_own(self) -> bool {
        match self {
            Self::Order(_) | Self::Node => false,
            Self::Home | Self::Carrier | Self::Ipfail | Self::Failed => true,
        }
    }
}

/// A stage of a [`HandOverProgress`]: both nodes pass the same ones.
///
/// ```text
///  Wanted ──▶ Asked ──▶ Agreed ──▶ Released ──▶ Done
///     └─────────┴─────────┴───────────┴───────▶ Ended
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressStage {
    /// The taker wants the giver to ask.
    Wanted,
    /// The giver asks.
    Asked,
    /// The taker can take.
    Agreed,
    /// The giver has stopped everything.
    Released,
    /// The taker runs everything.
    Done,
    /// The hand-over ended before it was done, or something could not be started.
    Ended(Refusal),
    /// The hand-over could not even be requested.
    Unasked(Refusal),
}

impl HandOverReason {
    /// The order to be answered.
    pub(crate) const fn ticket(self) -> Option<Ticket> {
        match self {
            Self::Order(ticket) => Some(ticket),
            Self::Node | Self::Home | Self::Carrier | Self::Ipfail | Self::Failed => None,
        }
    }
}
