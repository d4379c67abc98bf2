//! The evidence of decisions and the durations of their steps, as the journal keeps them.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use systole_core::{Action, GroupSet, Outcome, Refusal};

/// The last message of a dead node on a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBeat {
    /// The medium of this node.
    pub link: String,
    /// Time since the message in milliseconds; absent if there was none.
    pub silence_ms: Option<u64>,
    /// Whether the link was up at that time.
    pub up: bool,
}

/// The end of a job of an agent or of a batch of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The group.
    pub group: String,
    /// What was done.
    pub action: Action,
    /// The resource words.
    pub resources: Vec<String>,
    /// Whether the resources are addresses.
    pub addresses: bool,
    /// The result.
    pub outcome: Outcome,
    /// Why the job failed, in the words of the agent or the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time since the job was requested, in milliseconds.
    pub took_ms: u64,
}

/// A stage of a planned hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOverStage {
    /// The stage, as a word.
    pub stage: Cow<'static, str>,
    /// The node that gives.
    pub giver: String,
    /// The node that takes.
    pub taker: String,
    /// The group that moves, if it is a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The set that moves otherwise, from the giver's point of view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<GroupSet>,
    /// Who wants the hand-over, as a word.
    pub motive: Cow<'static, str>,
    /// The number of the order, if the hand-over was ordered on this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// Why the hand-over ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// Time since the previous stage, in milliseconds.
    pub took_ms: u64,
    /// Time since the hand-over began, in milliseconds.
    pub total_ms: u64,
}

/// The numbers of ping nodes that two nodes reach, and the resulting decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingCounts {
    /// The other node.
    pub node: String,
    /// The number of ping nodes that answer this node.
    pub ours: u32,
    /// The number of ping nodes that answer the other node, if it has reported one.
    pub theirs: Option<u32>,
    /// The ping nodes that do not answer this node.
    pub lost: Vec<String>,
    /// The decision, as a word.
    pub decision: Cow<'static, str>,
}
