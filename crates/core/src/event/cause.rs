//! Why a group changed its owner, or its owner let go of it.

use crate::NodeId;
use std::time::Duration;

/// Why a node became the owner of a group, or ceased to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No node had the group, and this node comes first.
    Unowned,
    /// The owner was silent for its dead time.
    OwnerDead {
        /// The owner.
        owner: NodeId,
        /// How long it had been silent.
        silence: Duration,
        /// What makes certain that the owner is dead.
        proof: Proof,
    },
    /// The owner said goodbye, or reported the group stopped.
    OwnerLeft(NodeId),
    /// The owner from before this node's start was not heard since.
    OwnerUnheard(NodeId),
    /// The owner could not start it.
    OwnerFailed(NodeId),
    /// The owner has lost its executor: the addresses have expired there, but the services may
    /// still run.
    OwnerInDoubt(NodeId),
    /// The executor of this node is gone or stands still, and all addresses have expired.
    ExecutorLost,
    /// A planned hand-over between these two nodes.
    HandOver {
        /// The node that gives.
        giver: NodeId,
        /// The node that takes.
        taker: NodeId,
    },
    /// The executor of this boot held the group when this daemon started, and has not said yet what
    /// runs.
    Listed,
    /// The group was found running after a restart of the daemon.
    Adopted,
    /// The executor of the owner cannot confirm that all of the group runs: it is gone, or is back
    /// and can say so only of a part, and the rest is asked.
    Unsure,
    /// Another node claims the group, and its claim is newer than the one known here.
    Claimed(NodeId),
    /// Another node has a claim that takes precedence over the claim of this node.
    Outranked(NodeId),
    /// Another node remembers the group under a higher term but does not run it: the claim of the
    /// node that runs it is now above that term.
    Reclaimed(NodeId),
    /// This node is stopping.
    Stopping,
    /// A resource of the group could not be started.
    StartFailed,
    /// A resource of the group failed while it ran.
    CheckFailed,
    /// The executor let go of the group, because it had no permit or an address was lost.
    LetGo,
    /// A resource of the group could not be stopped.
    StopFailed,
    /// An order was given to retry failed groups.
    Retry,
    /// The line of the group in haresources was added, changed or removed.
    Reload,
}

/// What makes certain that a silent node is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Its silence alone: no fencing device is configured.
    Silence,
    /// A fencing device.
    Fenced,
    /// The administrator's word.
    Confirmed,
}
