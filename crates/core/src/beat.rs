//! What a node of Systole adds to each of its beats: its view of every group.

use crate::{Failure, GroupKey, LinkId, NodeId};
use serde::{Deserialize, Serialize};

/// The phase of an ownership, as its owner says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The owner has let go: every resource of the group is stopped there.
    #[default]
    Stopped,
    /// The owner is starting the group.
    Starting,
    /// The group runs.
    Active,
    /// The owner is stopping the group.
    Stopping,
    /// The group could not be started there and is stopped.
    Failed,
    /// A resource of the group cannot be stopped there.
    Blocked,
}

impl Phase {
    /// Whether some resource of the group may be running at the owner.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Starting | Self::Active | Self::Stopping | Self::Blocked)
    }
}

/// Who owns a group: the row of a node's table for one group.
///
/// The term grows by one at each change of owner. Of two claims the one with the higher term
/// holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The group.
    pub group: GroupKey,
    /// The owner, or the last one when the phase is [`Phase::Stopped`].
    pub owner: NodeId,
    /// The number of the ownership.
    pub term: u64,
    /// How far the owner is.
    pub phase: Phase,
    /// Whether the *sender* of this table cannot run the group.
    pub unable: bool,
    /// What failed at the sender and was not mended since.
    pub failure: Option<Failure>,
    /// Whether something of the group may still run at the *sender*, whoever owns it: nobody else
    /// may start it.
    pub runs_here: bool,
}

/// The last sequence that the sender heard from a node over one of its own media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The node that was heard.
    pub node: NodeId,
    /// The medium of the sender.
    pub link: LinkId,
    /// The session of the heard node that the sequence belongs to.
    pub session: u64,
    /// The last sequence.
    pub sequence: u64,
}

/// The last order to hold or to release, of everything or of one group, as the sender knows it.
///
/// It counts as long as what was ordered could last, and a release as long as the hold that it
/// ended; after that its number is told alone. Of two the one with the higher number holds, then
/// that of the lower node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freeze {
    /// The group, by the place of its claim in the same beat; everything if absent.
    pub claim: Option<u16>,
    /// The number of the order.
    pub count: u32,
    /// The node that it was given to.
    pub by: NodeId,
    /// It ends what was held.
    pub is_release: bool,
    /// How much longer it counts, in milliseconds; 0 when it is over.
    pub left: u64,
}

/// A group that has moved by itself of late, as the sender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// The group, by the place of its claim in the same beat.
    pub claim: u16,
    /// How often it has moved by itself, as far back as anybody knows.
    pub count: u32,
    /// How often in a row it was kept where it was.
    pub level: u8,
    /// It has gone once more since it is kept, to where it works better.
    pub has_fled: bool,
    /// How much longer it is kept where it is, in milliseconds; 0 when it is not.
    pub left: u64,
}

/// What a node of Systole adds to each `status` message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// What the sender can do, as bits. Unknown bits are ignored.
    pub capabilities: u32,
    /// Random number of this run of the sender's daemon.
    pub session: u64,
    /// Digest of the sender's node list; tables of another list are not read.
    pub nodes: u32,
    /// The sender has completed its communication and takes part in decisions.
    pub ready: bool,
    /// The sender is stopping: it takes nothing.
    pub leaving: bool,
    /// How many ping nodes answer the sender, once it knows.
    pub pings: Option<u16>,
    /// What the sender heard last of whom.
    pub echoes: Vec<Echo>,
    /// The sender's view of every group.
    pub claims: Vec<Claim>,
    /// What is held, and what was released before it would have ended.
    pub freezes: Vec<Freeze>,
    /// Groups that have moved by themselves of late.
    pub moves: Vec<Moves>,
}
