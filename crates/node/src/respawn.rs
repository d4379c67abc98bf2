//! The programs of `respawn` and `failfast`: when they are started again, and the small process
//! that does so.
//!
//! That process exists because the daemon must not fork: its memory is locked, and its beat must
//! not stand still. It is started early, learns its programs on its standard input, a socket of
//! packets, and answers with lines for the log. When the daemon ends, however that happens, it
//! ends the programs.

mod policy;
mod program;
mod supervisor;
#[cfg(test)]
mod tests;

pub use policy::{Policy, Verdict};
pub use supervisor::run;

use crate::log::{Level, Line};
use serde::{Deserialize, Serialize};
use systole_config::{Client, ClientKind};

/// What the daemon tells the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Start these, in this order. Comes at most once.
    Start {
        /// The programs.
        programs: Vec<Program>,
        /// Their environment.
        environment: Vec<(String, String)>,
    },
    /// End all of them, the last one first, and exit.
    Stop,
}

/// A program to keep running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Whether its failure restarts the machine.
    pub failfast: bool,
    /// The user it runs as.
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

/// What the process tells the daemon: a line for the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How grave it is.
    pub level: Level,
    /// What is said.
    pub text: String,
}

impl From<Report> for Line {
    fn from(report: Report) -> Self {
        Self::new(report.level, report.text)
    }
}
