//! The journal: why everything moved, one JSON object a line.

mod evidence;
mod order;
mod read;
mod story;

pub use evidence::{HandOverStage, JobEnd, LastBeat, PingCounts};
pub use order::JournalOrder;
pub use read::{Reading, read};
pub use story::{Place, Subject, begins};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use systole_core::{Action, Obstacle, Phase, Refusal, Step};

/// The journal in a state directory.
pub const NAME: &str = "journal.jsonl";
/// What it was before it grew too long.
pub const OLD: &str = "journal.jsonl.1";

/// Size at which the journal becomes the old one, in bytes: some ten thousand entries.
pub const SIZE_MAX: u64 = 4 << 20;

/// What happened, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// A group changed its owner or phase.
    Ownership {
        /// The group, by its first resource word.
        group: String,
        /// The owner.
        owner: String,
        /// The number of the ownership.
        term: u64,
        /// How far the owner is.
        phase: Phase,
        /// Why, as a word.
        cause: Cow<'static, str>,
        /// What showed it.
        evidence: String,
    },
    /// Nobody runs a group, and this node does not take it.
    NotTaken {
        /// The group.
        group: String,
        /// What keeps this node from it.
        obstacle: Obstacle,
        /// Why it would take it.
        evidence: String,
    },
    /// An interface that a group needs is not well on this node, or all are well again.
    Reach {
        /// The group.
        group: String,
        /// What is wrong.
        fault: Option<String>,
    },
    /// Addresses were gone and are back; nothing else of the group was touched.
    AddressBack {
        /// The group.
        group: String,
        /// The addresses, as in haresources.
        addresses: String,
        /// Who might have removed them.
        cause: String,
    },
    /// Something that a person should look at, though the group runs; or that is over.
    Alarm {
        /// The group.
        group: String,
        /// What it is.
        text: Option<String>,
    },
    /// A node was silent for its dead time.
    Death {
        /// The node.
        node: String,
        /// What showed it.
        evidence: String,
        /// Since its last beat; absent when it was never heard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_ms: Option<u64>,
        /// Silence that makes it dead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_ms: Option<u64>,
        /// The last message on each link.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<LastBeat>,
    },
    /// A beat came so late that its node was nearly called dead.
    Late {
        /// The node.
        node: String,
        /// Since the beat before.
        milliseconds: u64,
    },
    /// A node said goodbye.
    Departure {
        /// The node.
        node: String,
    },
    /// A node that was dead is back.
    Return {
        /// The node.
        node: String,
        /// What showed it.
        evidence: String,
    },
    /// Groups wait until a silent node is fenced, or wait no more.
    Fencing {
        /// The node.
        node: String,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The number of the attempt that it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// What showed it, or what was decided.
        evidence: String,
    },
    /// The keys are being renewed.
    Keys {
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The nodes that were not heard with the new one.
        waiting: Vec<String>,
    },
    /// Something is held, or kept where it is, or is not any more.
    Hold {
        /// The group; everything if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// Who ordered it and for how long, or what showed it.
        evidence: String,
    },
    /// Somebody gave an order.
    Order {
        /// The order.
        order: JournalOrder,
        /// The user who gave it.
        uid: u32,
        /// The process that gave it.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Who logged in and became that user, where that is somebody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// The number of the order in this run; 0 where nobody waits for the answer.
        #[serde(default)]
        ticket: u64,
    },
    /// Somebody who may not give orders tried to.
    Denied {
        /// The user.
        uid: u32,
        /// The process.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// What came of an order.
    Answer {
        /// The order.
        order: JournalOrder,
        /// Why it was refused; absent when it was done.
        refused: Option<Refusal>,
        /// Why it failed, in words, where that is no refusal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
        /// The number of the order in this run.
        #[serde(default)]
        ticket: u64,
    },
    /// A planned hand-over reached a stage, or ended.
    HandOver(HandOverStage),
    /// A step of another node's hand-over, or its wish for one, was not followed.
    Refusal {
        /// The node.
        node: String,
        /// The step.
        step: Step,
        /// Why.
        refused: Refusal,
    },
    /// Ping nodes were counted, and something follows.
    Pings(PingCounts),
    /// A resource was started, stopped or looked at here.
    Job(JobEnd),
    /// The executor let go of a group by itself.
    LetGo {
        /// The group.
        group: String,
        /// Why, in words.
        why: String,
    },
    /// The executor is gone, or is there again.
    Executor {
        /// Whether it is there.
        there: bool,
    },
    /// A resource cannot be stopped, and this is done about it.
    StopFailure {
        /// The group.
        group: String,
        /// The resource word.
        resource: String,
        /// `stop_failure` of `ha.cf`, as a word.
        measure: Cow<'static, str>,
    },
    /// The daemon started.
    Start {
        /// Its version.
        version: Cow<'static, str>,
        /// Its generation.
        generation: u64,
    },
    /// The daemon took another configuration.
    Reload {
        /// What has changed, a line each.
        changes: Vec<String>,
        /// Whether it executed itself again for it.
        restarts: bool,
    },
    /// The daemon stops.
    Stop,
    /// This node did not run for a while.
    Pause {
        /// For how long.
        milliseconds: u64,
    },
    /// A resource could not be started, or cannot be stopped.
    Failure {
        /// The group.
        group: String,
        /// The node.
        node: String,
        /// Start or stop.
        action: Action,
        /// The resource word.
        resource: String,
        /// What came of it, in words.
        outcome: String,
    },
}

/// What stands behind the name of a group whose line was replaced.
pub const RETIRED: &str = " (retired)";

/// An event and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, as RFC 3339 writes it, in UTC.
    pub time: String,
    /// The node that tells it.
    #[serde(default)]
    pub from: String,
    /// The generation of the daemon that tells it.
    #[serde(default)]
    pub run: u64,
    /// The number of the entry in that run, from 1 on. What is missing was lost.
    #[serde(default)]
    pub number: u64,
    /// What.
    #[serde(flatten)]
    pub event: JournalEvent,
}
