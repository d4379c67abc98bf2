//! Why a group changed its owner, or its owner let go of it.

use crate::{NodeId, Settings};
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

impl Cause {
    /// The evidence for the cause, in words.
    #[must_use]
    pub fn evidence(&self, settings: &Settings) -> String {
        let name = |node: NodeId| settings.name(node);
        match *self {
            Self::Unowned => "no other node has it".to_owned(),
            Self::OwnerDead { owner, silence, proof } => {
                let proof = match proof {
                    Proof::Silence => "",
                    Proof::Fenced => " and was fenced",
                    Proof::Confirmed => " and was confirmed dead by hand",
                };
                format!("{} was silent for {} ms{proof}", name(owner), silence.as_millis())
            }
            Self::OwnerLeft(owner) => format!("{} reported that it is stopped there", name(owner)),
            Self::OwnerUnheard(owner) => {
                format!("{} was not heard since this node started", name(owner))
            }
            Self::OwnerFailed(owner) => format!("{} reported that it cannot run it", name(owner)),
            Self::OwnerInDoubt(owner) => format!(
                "{} has lost its executor: addresses have expired there, services may still be \
                 running",
                name(owner)
            ),
            Self::ExecutorLost => {
                "the executor is gone or stalled: addresses have expired, services may still be \
                 running"
                    .to_owned()
            }
            Self::HandOver { giver, taker } => {
                format!("{} hands it over to {}", name(giver), name(taker))
            }
            Self::Listed => {
                "it ran here when this daemon started, and the executor has not yet reported what \
                 runs"
                    .to_owned()
            }
            Self::Adopted => "it was found running after a restart of the daemon".to_owned(),
            Self::Unsure => {
                "the executor cannot confirm at the moment that all of it runs".to_owned()
            }
            Self::Reclaimed(node) => {
                format!("{} remembers it in a higher term and does not run it", name(node))
            }
            Self::Claimed(node) => format!("as reported by {}", name(node)),
            Self::Outranked(node) => format!("{} has a higher claim", name(node)),
            Self::Stopping => "this node was told to stop".to_owned(),
            Self::StartFailed => "a resource did not start".to_owned(),
            Self::LetGo => "the executor no longer holds it".to_owned(),
            Self::StopFailed => "a resource cannot be stopped".to_owned(),
            Self::Retry => "a retry was ordered".to_owned(),
            Self::Reload => "the configuration was changed".to_owned(),
        }
    }
}
