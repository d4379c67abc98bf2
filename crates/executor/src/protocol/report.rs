//! What the executor tells the daemon.

use super::{Action, ProtocolError, decode, encode};
use serde::{Deserialize, Serialize};
use systole_core::{GroupKey, JobId, Resource};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A start or stop succeeded.
    Success,
    /// A status or monitor found the resource (all of the addresses) running.
    Running,
    /// A status or monitor found it not running.
    NotRunning,
    /// The agent failed.
    Failed {
        /// Its exit code, or 128 and the signal that ended it.
        code: i32,
        /// The reason in words, where there is one beside the code.
        text: String,
    },
    /// The agent did not finish in time and was killed with all its children.
    TimedOut,
    /// No agent of this name exists.
    Missing,
    /// The run was ended, or never begun, because of [`super::Request::Cancel`] or of letting go.
    Cancelled,
    /// The executor may not begin it: it has no permit, or the request makes no sense.
    Refused,
    /// The agent could not be asked: something failed on our side, such as a fork or a file, or the
    /// disk of the agent does not answer. Says nothing of the agent and its resource.
    NotAsked {
        /// What failed, in words.
        text: String,
    },
}

impl Outcome {
    /// Whether a start or stop has done what it should.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success | Self::Running)
    }

    /// The reason in words, where there is one.
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

/// What the executor tells the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The first report on a connection, sent at once.
    Hello {
        /// The executor's [`super::VERSION`].
        version: u32,
        /// What the executor holds.
        groups: Vec<Held>,
        /// What still runs for an earlier daemon or executor, or for a group that is let go. Whatever is
        /// asked for these groups begins when it has ended; a stop ends what is being started.
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
        /// How grave it is.
        level: Level,
        /// Who says it, e.g. `ResourceManager(default)[110]` or `IPaddr(eth0)[110]`.
        tag: String,
        /// The line.
        text: String,
    },
    /// Held addresses are gone and stay away: they could not be put back, or not be renewed for
    /// longer than they live. A start or a stop by the daemon decides.
    AddressLost {
        /// Their group.
        group: GroupKey,
        /// The addresses.
        resources: Vec<Resource>,
        /// What is known of the cause, in words.
        why: String,
    },
    /// Held addresses were gone and are back; nothing else of the group was touched.
    AddressBack {
        /// Their group.
        group: GroupKey,
        /// The addresses.
        resources: Vec<Resource>,
        /// What is known of the cause, in words.
        why: String,
    },
    /// Something that a person should look at, though the group still runs; or that is over.
    Alarm {
        /// The group.
        group: GroupKey,
        /// What it is, in words.
        text: Option<String>,
    },
    /// An interface that a group's addresses need went down or lost its carrier, or all of them are
    /// well again.
    Carrier {
        /// The group.
        group: GroupKey,
        /// What is wrong, in words.
        fault: Option<String>,
    },
    /// The addresses of a run were announced to the neighbours for the first time.
    Announced {
        /// Their group.
        group: GroupKey,
        /// How many.
        addresses: usize,
    },
    /// Groups are being let go, which takes as long as their stops take. Told at the beginning, or
    /// to a daemon that comes meanwhile.
    LettingGo {
        /// Why.
        reason: LetGoReason,
        /// The groups that are held.
        groups: Vec<GroupKey>,
    },
    /// Groups were let go, each as soon as its own stops have ended.
    LetGo {
        /// Why.
        reason: LetGoReason,
        /// The groups that were held.
        groups: Vec<GroupKey>,
        /// What could not be stopped, and is still held.
        failed: Vec<Held>,
    },
}

/// The resources of a group that were started and not stopped, or that may be half started.
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
    /// What it does.
    pub action: Action,
    /// To which resources.
    pub resources: Vec<Resource>,
}

/// Why the executor let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetGoReason {
    /// The permit was not renewed in time.
    PermitExpired,
    /// The daemon asked for it.
    Ordered,
}

/// How grave a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For whoever debugs an agent, such as its output.
    Debug,
    /// A step of a start or a stop.
    Info,
    /// Unusual, and dealt with.
    Warning,
    /// Something failed.
    Error,
}

impl Report {
    /// The report as a packet.
    ///
    /// # Errors
    ///
    /// When the packet would be longer than [`super::PACKET_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        encode(self)
    }

    /// Reads a packet.
    ///
    /// # Errors
    ///
    /// When the packet is too long, or is no report.
    pub fn decode(packet: &[u8]) -> Result<Self, ProtocolError> {
        decode(packet)
    }
}
