//! The facts of one run of the daemon, and what it remembers from earlier runs.

use super::Group;
use crate::{GroupId, GroupKey, GroupSet, HandOverReason, NodeId, ServiceAddresses, Uuid};
use std::time::Duration;

/// What this node remembers about another node across its own restarts. Every message up to this
/// generation and sequence is old, and whoever sends one has recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerRecord {
    /// The node.
    pub node: NodeId,
    /// The highest generation that was heard from the node.
    pub generation: u64,
    /// The highest sequence of that generation, as of some time ago.
    pub sequence: u64,
    /// Where the node can be reached on the service network.
    pub service: ServiceAddresses,
    /// An unfinished hand-over with this node, if it is a C node.
    pub unfinished: Option<Unfinished>,
}

impl PeerRecord {
    /// A record of a node that is not known to be reachable on the service network, without an
    /// unfinished hand-over.
    #[must_use]
    pub const fn of(node: NodeId, generation: u64, sequence: u64) -> Self {
        Self { node, generation, sequence, service: ServiceAddresses::NONE, unfinished: None }
    }
}

/// A hand-over with a C node that has begun to move groups. The C node waits up to an hour for its
/// end, and does not notice that this daemon restarts meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// What moves, from the giver's view.
    pub hold: GroupSet,
    /// How far it has come.
    pub stage: UnfinishedStage,
    /// Who wants it. An order is stored as one of the other node, because no one waits for its
    /// answer any longer.
    pub motive: HandOverReason,
}

/// How far an unfinished hand-over has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfinishedStage {
    /// This node gives, and has not stopped everything.
    Releasing,
    /// This node has given, and the other node has not said that it has everything.
    Given,
    /// This node has promised to take, and the other node has not stopped everything.
    Promised,
    /// This node takes what the other node has stopped.
    Acquiring,
}

/// The last order to hold or release, of everything or of one group, kept across restarts of this
/// node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldRecord {
    /// The group; everything if absent.
    pub group: Option<GroupKey>,
    /// The number of the order.
    pub count: u32,
    /// The node that it was given to.
    pub by: NodeId,
    /// Whether the order ends a hold.
    pub is_release: bool,
    /// How much longer the order counts.
    pub left: Duration,
}

/// Facts about this run of the daemon that are not in the three configuration files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Larger than at any earlier start (`hg`).
    pub generation: u64,
    /// The generation with which this node's daemon was last started. It is the generation of this
    /// run, unless the daemon has executed itself since; 0 if unknown.
    pub started: u64,
    /// Random number of this run.
    pub session: u64,
    /// The uuid of this node.
    pub uuid: Uuid,
    /// Seconds since 1970 at [`Time::START`](crate::Time::START).
    pub unix_time: u64,
    /// Seed of the pseudo-random choices (delays, acknowledgement digit).
    pub seed: u64,
    /// Ownership as stored before, by group: the owner and the highest term known.
    pub terms: Vec<(GroupKey, NodeId, u64)>,
    /// What an earlier run of this node remembered about the other nodes.
    pub peers: Vec<PeerRecord>,
    /// Holds and releases that an earlier run knew about.
    pub holds: Vec<HoldRecord>,
    /// Groups that an earlier run had because a person ordered it: they do not fail back.
    pub kept_by_order: Vec<GroupKey>,
    /// Groups that are no longer in the files, as an earlier run stored them: another node may
    /// still have them.
    pub retired: Vec<Group>,
    /// Groups that the executor's ledger of this boot lists, each with the term under which
    /// something of it last ran. Until the executor has said what it holds, these groups count as
    /// held.
    pub listed: Vec<(GroupId, u64)>,
}

impl Boot {
    /// Returns the facts of the first start of a node: nothing is remembered and nothing is held.
    /// Session and seed, which a real run draws at random, are the generation here, and the clock
    /// starts in 1970: whoever starts a real node replaces them.
    #[must_use]
    pub const fn new(generation: u64, uuid: Uuid) -> Self {
        Self {
            generation,
            started: generation,
            session: generation,
            uuid,
            unix_time: 1,
            seed: generation,
            terms: Vec::new(),
            peers: Vec::new(),
            holds: Vec::new(),
            kept_by_order: Vec::new(),
            retired: Vec::new(),
            listed: Vec::new(),
        }
    }
}
