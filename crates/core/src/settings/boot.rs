//! The facts of one run of the daemon, and what it remembers of earlier runs.

use super::Group;
use crate::{GroupId, GroupKey, GroupSet, HandOverReason, NodeId, Uuid};
use std::time::Duration;

/// What is remembered of another node across our own restarts: whatever it said up to there is
/// old, and who sends it has recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerRecord {
    /// The node.
    pub node: NodeId,
    /// The highest generation that it was heard with.
    pub generation: u64,
    /// The highest sequence of that generation, as of some time ago.
    pub sequence: u64,
    /// The hand-over with this node, one of the classic line, that goes on.
    pub unfinished: Option<Unfinished>,
}

/// A hand-over with a node of the classic line that has begun to move groups. That node waits up to an
/// hour for its end, and does not notice that this daemon is started anew meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// What moves, from the giver's view.
    pub hold: GroupSet,
    /// How far it is.
    pub stage: UnfinishedStage,
    /// Who wants it. An order is kept as one of the other node, because nobody waits for its answer any
    /// more.
    pub motive: HandOverReason,
}

/// How far a hand-over is that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfinishedStage {
    /// This node gives, and has not stopped everything.
    Releasing,
    /// This node has given, and the other one has not said that it has everything.
    Given,
    /// This node has promised to take, and the other one has not stopped everything.
    Promised,
    /// This node takes what the other one has stopped.
    Acquiring,
}

/// The last order to hold or to release, of everything or of one group, across our own restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldRecord {
    /// The group; everything if absent.
    pub group: Option<GroupKey>,
    /// The number of the order.
    pub count: u32,
    /// The node that it was given to.
    pub by: NodeId,
    /// It ends what was held.
    pub is_release: bool,
    /// How much longer it counts.
    pub left: Duration,
}

/// Facts of this run of the daemon that are not in the three files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Larger than at any earlier start (`hg`).
    pub generation: u64,
    /// The generation with which this node's daemon was started last. It is that of this run, unless
    /// the daemon has executed itself since; 0 if it is not known.
    pub started: u64,
    /// Random number of this run.
    pub session: u64,
    /// Our uuid.
    pub uuid: Uuid,
    /// Seconds since 1970 at [`Time::START`](crate::Time::START).
    pub unix_time: u64,
    /// Starts the pseudo-random choices (delays, acknowledgement digit).
    pub seed: u64,
    /// Ownership as stored before, by group: the highest term known and its owner.
    pub terms: Vec<(GroupKey, NodeId, u64)>,
    /// What an earlier run of ours remembered of the other nodes.
    pub peers: Vec<PeerRecord>,
    /// What an earlier run knew to be held, or released.
    pub holds: Vec<HoldRecord>,
    /// Groups that an earlier run had because a person wanted it so: they do not go home.
    pub kept_by_order: Vec<GroupKey>,
    /// Groups that are in the files no more, as an earlier run stored them: another node may still
    /// have them.
    pub retired: Vec<Group>,
    /// Groups that the executor's ledger of this boot lists, each with the term under which something
    /// of it ran last. Until the executor has said what it holds they count as held.
    pub listed: Vec<(GroupId, u64)>,
}

impl Boot {
    /// The first start of a node: nothing is remembered, and nothing is held. What a run draws at
    /// random, session and seed, is the generation here, and the clock begins in 1970: who starts a
    /// real node replaces them.
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
