//! What the journal keeps of the evidence of decisions, and of how long their steps took.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use systole_core::{Action, GroupSet, Outcome, Refusal};

/// The last message of a dead node on a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBeat {
    /// Our medium.
    pub link: String,
    /// How long it was ago; absent when there was none.
    pub silence_ms: Option<u64>,
    /// Whether the link was up then.
    pub up: bool,
}

/// The end of a job: of an agent, or of a row of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The group.
    pub group: String,
    /// What was done.
    pub action: Action,
    /// The resource words.
    pub resources: Vec<String>,
    /// Whether they are addresses.
    pub addresses: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it failed, in the words of who ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since it was asked for.
    pub took_ms: u64,
}

/// A stage of a planned hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOverStage {
    /// The stage, as a word.
    pub stage: Cow<'static, str>,
    /// Who gives.
    pub giver: String,
    /// Who takes.
    pub taker: String,
    /// The group that moves, if it is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The set that moves otherwise, from the giver's view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<GroupSet>,
    /// Who wants it, as a word.
    pub motive: Cow<'static, str>,
    /// The number of the order, where it is one that was given to this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// Since the stage before.
    pub took_ms: u64,
    /// Since the hand-over began.
    pub total_ms: u64,
}

/// The ping nodes that two nodes see, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingCounts {
    /// The other node.
    pub node: String,
    /// How many answer this node.
    pub ours: u32,
    /// How many answer the other one, as far as it told.
    pub theirs: Option<u32>,
    /// Those that do not answer this node.
    pub lost: Vec<String>,
    /// What follows, as a word.
    pub decision: Cow<'static, str>,
}
