//! The programs of `respawn` and `failfast`: when they are started again, and the small process that starts
//! them.
//!
//! That process exists because the daemon must not fork: its memory is locked, and its beat must not stand
//! still. The process is started early, receives its programs on its standard input, a socket of packets,
//! and answers with log lines. When the daemon ends, however that happens, the process ends the programs.

mod policy;
mod program;
mod signal_text;
mod supervisor;
#[cfg(test)]
mod tests;

pub use policy::{Policy, Verdict};
pub use supervisor::run;

use crate::log::{Level, Line};
use serde::{Deserialize, Serialize};
use systole_config::{Client, ClientKind};

/// A request of the daemon to the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Start these programs, in this order. Sent at most once.
    Start {
        /// The programs.
        programs: Vec<Program>,
        /// The environment of the programs.
        environment: Vec<(String, String)>,
    },
    /// End all programs, the last one first, and exit.
    Stop,
}

/// A program to keep running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Whether its failure restarts the machine.
    pub failfast: bool,
    /// The user that the program runs as.
    pub user: String,
    /// The command line, for `sh -c "exec …"`.
    pub command: String,
}

impl From<&Client> for Program {
    fn from(client: &Client) -> Self {
        Self {
            failfast: client.kind == ClientKind::Failfast,
            user: client.user.clone(),
            command: client.command.clone(),
        }
    }
}

/// A report of the process to the daemon: a log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The severity.
    pub level: Level,
    /// The text.
    pub text: String,
}

impl From<Report> for Line {
    fn from(report: Report) -> Self {
        Self::new(report.level, report.text)
    }
}
