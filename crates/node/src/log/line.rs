//! A log line, with its severity, source and text.

use serde::{Deserialize, Serialize};

/// The severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The machine is about to go down.
    Emergency,
    /// Data or services are in danger.
    Critical,
    /// Something is broken.
    Error,
    /// An unusual condition that was dealt with.
    Warning,
    /// Normal but noteworthy.
    Notice,
    /// A state that an operator cares about has changed.
    Info,
    /// For following a decision.
    Debug,
}

impl Level {
    /// Returns the word in a line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Emergency => "EMERG",
            Self::Critical => "CRIT",
            Self::Error => "ERROR",
            Self::Warning => "WARN",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// Returns the severity for syslog (RFC 3164, section 4.1.1).
    pub(super) const fn severity(self) -> u8 {
        match self {
            Self::Emergency => 0,
            Self::Critical => 2,
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }
}

impl From<systole_agents::protocol::Level> for Level {
    fn from(level: systole_agents::protocol::Level) -> Self {
        use systole_agents::protocol::Level as Agents;
        match level {
            Agents::Debug => Self::Debug,
            Agents::Info => Self::Info,
            Agents::Warning => Self::Warning,
            Agents::Error => Self::Error,
        }
    }
}

/// The source of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The daemon.
    Daemon,
    /// The built-in ipfail.
    Ipfail,
    /// A script of heartbeat whose work the daemon does itself, by its name.
    Script(&'static str),
    /// An agent, by its full tag: `IPaddr(192.168.122.100)[110]`.
    Agent(String),
}

/// Kinds of lines that an outsider can cause without limit: at most one of a kind is written per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeating {
    /// A packet that cannot be read or is not authentic.
    BadPacket,
    /// A message from a node that is not configured.
    Stranger,
    /// A message of an earlier run of a node.
    Replay,
    /// Missing messages, and requests for messages.
    Loss,
    /// The end of such a loss.
    LossEnded,
    /// A beat that came late.
    LateBeat,
    /// A serial line that accepts nothing.
    StuckLine,
    /// A step of a hand-over that was refused.
    RefusedStep,
    /// Connections to the control socket.
    Control,
    /// A message in the FIFO that was refused.
    Fifo,
    /// Calls of event scripts that were lost.
    Script,
    /// Event scripts that failed.
    ScriptEnd,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The severity.
    pub level: Level,
    /// The source.
    pub source: Source,
    /// The kind of which at most one line is written per second, if any.
    pub repeating: Option<Repeating>,
    /// The text. Control characters are replaced when it is written.
    pub text: String,
}

impl Line {
    /// Creates a line of the daemon.
    #[must_use]
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, source: Source::Daemon, repeating: None, text: text.into() }
    }

    /// Returns the same line with another source.
    #[must_use]
    pub fn said_by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Returns the same line as one of a kind that may repeat.
    #[must_use]
    pub fn repeating(self, kind: Repeating) -> Self {
        Self { repeating: Some(kind), ..self }
    }
}
