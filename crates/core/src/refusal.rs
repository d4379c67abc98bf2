//! Why something is refused, or fails: one type for each operation.

use serde::{Deserialize, Serialize};

/// Why a hand-over is refused, or how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No other node is alive and active.
    NoPeer,
    /// A hand-over is running already.
    Busy,
    /// Groups of this node are starting or stopping.
    LocalInFlux,
    /// The other node is starting or stopping groups.
    RemoteInFlux,
    /// `auto_failback legacy` has no hand-over.
    Legacy,
    /// The other node did not answer within 10 s.
    NoReply,
    /// The giver could not stop everything that it was to give.
    CannotStop,
    /// The other node died while the hand-over ran.
    PeerDied,
    /// The taker could not start everything; what it could not start is taken back.
    Failed,
    /// This node is stopping, or its communication is not up yet.
    NotReady,
    /// The taker could not check whether it can run the groups: the check itself failed, which says
    /// nothing about the groups.
    CannotLook,
    /// The taker has no agent with a name that a group needs.
    AgentMissing,
    /// The taker has no interface that is up for an address.
    NoInterface,
    /// The taker sees fewer ping nodes than the giver.
    FewerPings,
    /// The taker's haresources lacks the line.
    Differs,
    /// Of more than two nodes, several have groups that a node wants, or the one that has them
    /// would give more.
    SeveralOwners,
    /// The taker has failed to start the group before, and it was not repaired since.
    Unable,
    /// This node does not run the group, so it cannot give it.
    NotHere,
    /// The other node, a C node, can hand over only whole sets.
    SetsOnly,
    /// A machine answers for an address of a group, or has not had the time to answer.
    Guarded,
    /// This node requested the hand-over and no longer has a reason for it.
    Withdrawn,
}

/// Why an order is refused, or how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderRefusal {
    /// The node is heard, which shows that its generation is right.
    PeerAlive,
    /// There is nothing to retry.
    NothingFailed,
    /// The node is heard, so it is not dead, whatever anyone says.
    NotDead,
    /// Without a fencing device nothing waits for the confirmation.
    NoFencing,
    /// There is nothing to release.
    NotHeld,
    /// This node's haresources no longer has the line of the group.
    NotListed,
    /// A hand-over is refused or failed, or the node is not ready for an order either.
    #[serde(untagged)]
    HandOver(Refusal),
}

/// Why other settings are not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadRefusal {
    /// A hand-over is running, or the last decisions are still being carried out.
    Busy,
    /// This node is stopping.
    NotReady,
    /// Something differs that a running daemon cannot change.
    Fixed,
    /// A changed line needs more than the old line did, and another node runs a line that is not
    /// known here.
    UnknownLine,
    /// There is no room for the new groups beside those that are being given up.
    TooManyGroups,
}

impl From<Refusal> for OrderRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::HandOver(refusal)
    }
}

impl Refusal {
    /// Translates another node's refusal to the view of this node, where *here* and *there* are
    /// swapped.
    #[must_use]
    pub const fn as_told(self) -> Self {
        match self {
            Self::LocalInFlux | Self::NotReady => Self::RemoteInFlux,
            Self::RemoteInFlux => Self::LocalInFlux,
            Self::NoPeer
            | Self::Busy
            | Self::Legacy
            | Self::NoReply
            | Self::CannotStop
            | Self::PeerDied
            | Self::Failed
            | Self::CannotLook
            | Self::AgentMissing
            | Self::NoInterface
            | Self::FewerPings
            | Self::Differs
            | Self::SeveralOwners
            | Self::Unable
            | Self::NotHere
            | Self::Guarded
            | Self::SetsOnly
            | Self::Withdrawn => self,
        }
    }

    /// Whether a retry is useless until a person has done something.
    #[must_use]
    pub const fn needs_mending(self) -> bool {
        match self {
            Self::AgentMissing
            | Self::NoInterface
            | Self::FewerPings
            | Self::Differs
            | Self::SeveralOwners
            | Self::Unable
            | Self::Legacy
            | Self::NotHere
            | Self::SetsOnly => true,
            Self::NoPeer
            | Self::Busy
            | Self::LocalInFlux
            | Self::RemoteInFlux
            | Self::NoReply
            | Self::CannotStop
            | Self::PeerDied
            | Self::Failed
            | Self::Withdrawn
            | Self::Guarded
            | Self::CannotLook
            | Self::NotReady => false,
        }
    }
}
