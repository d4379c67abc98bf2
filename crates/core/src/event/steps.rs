//! The steps of fencing, hand-overs and ipfail.

use crate::{LinkId, NodeId, NodeStatus, PingId, Refusal, Scope, Step};
use std::time::Duration;

/// A step of fencing a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FencingEvent {
    /// Groups wait for the node to be fenced; a device will be asked after this long.
    Wanted {
        /// How long the node has to fence this node first.
        delay: Duration,
    },
    /// A device is asked.
    Begins {
        /// The number of the attempt.
        attempt: u32,
    },
    /// A device has reset the node.
    Done {
        /// The number of the attempt.
        attempt: u32,
        /// Whether the node has been heard while the device worked: then it counts as alive.
        is_heard: bool,
    },
    /// No device has reset the node.
    Failed {
        /// The number of the attempt.
        attempt: u32,
        /// After how long it is retried; absent when it is no longer needed.
        retry: Option<Duration>,
        /// Whether the node is heard all the same, but cannot tell what it runs.
        is_heard: bool,
    },
    /// Fencing became unnecessary before a device was asked again.
    Cancelled {
        /// Whether that is because the node is heard again.
        is_heard: bool,
    },
    /// The administrator has seen that the node is off.
    Confirmed,
}

/// A step of a standby hand-over. Scopes are from the giver's view unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverEvent {
    /// A node wants to give.
    Wanted(NodeId, Scope),
    /// The taker can take.
    Granted(NodeId, Scope),
    /// This node begins to release.
    Releasing(Scope),
    /// This node has released.
    Released(Scope),
    /// This node begins to acquire from the giver.
    Acquiring(NodeId, Scope),
    /// This node has acquired; the scope is from its own view.
    Acquired(Scope),
    /// It is finished, with this node as the taker.
    Taken(Scope),
    /// It is finished, with this node as the giver.
    Given(Scope),
    /// No node answered.
    NoReply,
    /// A step was not followed.
    Refused {
        /// The node that sent the step.
        node: NodeId,
        /// The step.
        step: Step,
        /// The reason.
        why: Refusal,
        /// How long the running hand-over may still take.
        left: Duration,
    },
    /// The other node does not follow, and says why.
    Declined(NodeId, Refusal),
    /// The other node died.
    Cancelled,
}

/// What ipfail reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpfailEvent {
    /// This node sends its count to the peer and asks for the peer's count.
    Asking,
    /// The peer sends its count.
    Asked,
    /// A ping node that answers.
    Found(PingId),
    /// A ping node answers again: this node waits until it counts.
    Rising,
    /// Both nodes see equally many ping nodes.
    Balanced,
    /// This node sees more.
    TellingMore,
    /// This node sees fewer.
    GivingUpFewer,
    /// The peer said that this node sees fewer.
    GivingUpTold,
    /// Counts are equal, and groups fail back.
    GivingUpForeign,
    /// A hand-over will be requested after this long.
    Delayed(Duration),
    /// The wait is over.
    Expired,
    /// A waiting hand-over is cancelled.
    Aborted,
    /// Nothing that should be given up may move.
    Held,
    /// There was nothing to cancel.
    NothingToAbort,
    /// This node tells the peer that the counts are equal.
    AbortSent,
    /// This node tells the peer that the peer sees fewer.
    DeadSent,
    /// No ping node answers.
    WeAreDead,
    /// Some ping node answers although a node died.
    WeAreAlive,
    /// A ping node came up.
    PingNodeUp(PingId),
    /// A node's or ping node's status changed.
    NodeStatus(NodeId, NodeStatus),
    /// A ping node died.
    PingNodeDead(PingId),
    /// A link's status changed.
    LinkStatus(NodeId, LinkId, bool),
    /// The peer's ipfail is present.
    PeerJoined(NodeId),
    /// The peer is in transition.
    PeerUnstable,
    /// The peer is no longer in transition.
    PeerStable,
}
