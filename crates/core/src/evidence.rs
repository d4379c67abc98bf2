//! What decisions rest on and how long their steps took: told for the journal, and for nothing else.

use crate::{LinkId, NodeId, PingId, Refusal, Scope, Ticket};
use std::time::Duration;

/// How long a node was silent when it was taken for dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Since its last status; absent when it was never heard.
    pub lasted: Option<Duration>,
    /// The silence that made it dead.
    pub limit: Duration,
    /// One for each of our links, in their order.
    pub links: Vec<LastBeat>,
}

/// The last message of a node that a link brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBeat {
    /// The link.
    pub link: LinkId,
    /// How long ago; absent when there was none.
    pub ago: Option<Duration>,
    /// Whether the link was up then: not when the node did not hear us over it.
    pub was_up: bool,
}

/// The ping nodes that two nodes see, and what was decided because of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingCounts {
    /// The other node.
    pub node: NodeId,
    /// How many answer us.
    pub ours: u32,
    /// How many answer it, as far as it told.
    pub theirs: Option<u32>,
    /// Those that do not answer us.
    pub lost: Vec<PingId>,
    /// What follows.
    pub verdict: PingVerdict,
}

/// What follows from counts of ping nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingVerdict {
    /// We see fewer and give everything away, unless that changes at once.
    GivesUp,
    /// The other node says that it sees more: the same.
    ToldToGiveUp,
    /// We see more, and tell the other node so.
    TellsMore,
    /// A ping node answers us again: nothing is given away before it counts or is lost again.
    Waits,
    /// Counts are equal again, or this node sees more: nothing is given away.
    Stays,
    /// Counts are equal: groups go home.
    GoesHome,
    /// We see fewer, and refuse to take groups.
    Refuses,
    /// The other node sees fewer, and refuses to take groups.
    IsRefused,
}

/// How far a planned hand-over has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOverProgress {
    /// Who gives.
    pub giver: NodeId,
    /// Who takes.
    pub taker: NodeId,
    /// What moves, from the giver's view.
    pub scope: Scope,
    /// Who wants it.
    pub motive: HandOverReason,
    /// What has just happened.
    pub stage: ProgressStage,
    /// Since the stage before.
    pub took: Duration,
    /// Since it began.
    pub total: Duration,
    /// Whether the other node is of the classic line.
    pub beside_classic: bool,
}

/// Who wants a hand-over, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverReason {
    /// Somebody who gave this node an order.
    Order(Ticket),
    /// The other node.
    Node,
    /// This node, because the groups' home is the other one.
    Home,
    /// This node, because an interface of a group lost its carrier.
    Carrier,
    /// This node, because it sees fewer ping nodes.
    Ipfail,
    /// This node, because it could not start a group of a classic peer.
    Failed,
}

impl HandOverReason {
    /// Whether the giver decided it by itself.
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
    /// The taker wants to be asked.
    Wanted,
    /// The giver asks.
    Asked,
    /// The taker can take.
    Agreed,
    /// The giver has stopped everything.
    Released,
    /// The taker runs everything.
    Done,
    /// It is over before that, or something could not be started.
    Ended(Refusal),
    /// It could not even be asked for.
    Unasked(Refusal),
}

impl HandOverReason {
    /// Whom to answer.
    pub(crate) const fn ticket(self) -> Option<Ticket> {
        match self {
            Self::Order(ticket) => Some(ticket),
            Self::Node | Self::Home | Self::Carrier | Self::Ipfail | Self::Failed => None,
        }
    }
}
