//! What the executor reports to the daemon.

use super::{Action, ProtocolError, decode, encode};
use serde::{Deserialize, Serialize};
use systole_core::{GroupKey, JobId, Resource};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A start or stop succeeded.
    Success,
    /// A status or monitor found the resource running, or all of the addresses present.
    Running,
    /// A status or monitor found the resource not running.
    NotRunning,
    /// The agent failed.
    Failed {
        /// The agent's exit code, or 128 plus the signal that ended it.
        code: i32,
        /// The reason in words, if there is one besides the code.
        text: String,
    },
    /// The agent did not finish in time and was killed with all its children.
    TimedOut,
    /// No agent of this name exists.
    Missing,
    /// The run was ended, or never begun, because of [`super::Request::Cancel`] or because the group is let
    /// go.
    Cancelled,
    /// The executor may not begin the run: it has no permit, or the request makes no sense.
    Refused,
    /// The agent could not be run: something failed in the executor, such as a fork or a file, or the disk
    /// of the agent does not answer. This says nothing about the agent and its resource.
    NotAsked {
        /// What failed, in words.
        text: String,
    },
}

impl Outcome {
    /// Returns whether a start or stop has achieved its purpose.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success | Self::Running)
    }

    /// Returns the reason in words; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Failed { text, .. } | Self::NotAsked { text } => text,
            Self::Success
            | Self::Running
            | Self::NotRunning
            | Self::TimedOut
            | Self::Missing
            | Self::Cancelled
            | Self::Refused => "",
        }
    }
}

/// A report from the executor to the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The first report on a connection, sent without being asked for.
    Hello {
        /// The executor's [`super::VERSION`].
        version: u32,
        /// What the executor holds.
        groups: Vec<Held>,
        /// The runs that still go on for an earlier daemon or executor, or for a group that is being let
        /// go. Whatever is requested for these groups begins when those runs have ended; a stop ends a
        /// start that is in progress.
        unfinished: Vec<Unfinished>,
    },
    /// A run has ended.
    Done {
        /// The run.
        job: JobId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A line for the log.
    Log {
        /// The severity of the line.
        level: Level,
        /// The agent or part of the executor that writes it, e.g. `ResourceManager(default)[110]` or
        /// `IPaddr(eth0)[110]`.
        tag: String,
        /// The line.
        text: String,
    },
    /// Held addresses are gone and stay away: they could not be put back, or could not be renewed for
    /// longer than their lifetime. It is up to the daemon to start or stop them.
    AddressLost {
        /// Their group.
        group: GroupKey,
        /// The addresses.
        resources: Vec<Resource>,
        /// What is known about the cause, in words.
        why: String,
    },
    /// Held addresses were removed and are back; nothing else of the group was touched.
    AddressBack {
        /// Their group.
        group: GroupKey,
        /// The addresses.
        resources: Vec<Resource>,
        /// What is known about the cause, in words.
        why: String,
    },
    /// A condition that an administrator should look at although the group still runs, or the end of one.
    Alarm {
        /// The group.
        group: GroupKey,
        /// The condition, in words; absent when it is over.
        text: Option<String>,
    },
    /// An interface that a group's addresses need went down or lost its carrier, or all of them work again.
    Carrier {
        /// The group.
        group: GroupKey,
        /// The fault, in words; absent when all interfaces work again.
        fault: Option<String>,
    },
    /// A main process of a resource that was started here has ended, and its stop was not requested. This proves
    /// nothing, because a program may replace its main process.
    ProcessEnded {
        /// Its group.
        group: GroupKey,
        /// The resource as it is written in haresources.
        word: String,
        /// Whether the process crashed or was killed; otherwise it may be replaced at the moment.
        is_crash: bool,
    },
    /// The addresses of a run were announced to the neighbours for the first time.
    Announced {
        /// Their group.
        group: GroupKey,
        /// The number of addresses.
        addresses: usize,
    },
    /// Groups are being let go, which takes as long as their stops take. Sent at the beginning, and to a
    /// daemon that connects meanwhile.
    LettingGo {
        /// The reason.
        reason: LetGoReason,
        /// The groups that are held.
        groups: Vec<GroupKey>,
    },
    /// Groups were let go, each as soon as its own stops have ended.
    LetGo {
        /// The reason.
        reason: LetGoReason,
        /// The groups that were held.
        groups: Vec<GroupKey>,
        /// What could not be stopped and is still held.
        failed: Vec<Held>,
    },
}

/// The resources of a group that were started and not stopped, or that may be half-started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The group.
    pub group: GroupKey,
    /// The group's name in the log.
    pub group_name: String,
    /// The term of the latest run.
    pub term: u64,
    /// The resources in the order in which they were started.
    pub resources: Vec<Resource>,
}

/// A run that the present daemon does not wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The group.
    pub group: GroupKey,
    /// The action of the run.
    pub action: Action,
    /// The resources of the run.
    pub resources: Vec<Resource>,
}

/// The reason why the executor let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetGoReason {
    /// The permit was not renewed in time.
    PermitExpired,
    /// The daemon asked for it.
    Ordered,
}

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For debugging an agent, such as its output.
    Debug,
    /// A step of a start or a stop.
    Info,
    /// An unusual condition that was dealt with.
    Warning,
    /// A failure.
    Error,
}

impl Report {
    /// Encodes the report as a packet.
    ///
    /// # Errors
    ///
    /// When the packet would be longer than [`super::PACKET_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        encode(self)
    }

    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// When the packet is too long or is not a report.
    pub fn decode(packet: &[u8]) -> Result<Self, ProtocolError> {
        decode(packet)
    }
}
