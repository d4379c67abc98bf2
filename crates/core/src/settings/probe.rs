//! `check`: questions to a running service that need no agent.

use serde::{Deserialize, Serialize};

/// A question that the executor asks itself, in addition to the agent's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Whether a TCP connection is accepted.
    Tcp {
        /// The host, a name or an address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// Whether an HTTP request is answered as expected.
    Http {
        /// Whether the connection is encrypted (`https`).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_tls: bool,
        /// The host, a name or an address without brackets.
        host: String,
        /// The port.
        port: u16,
        /// What is requested, with its leading slash.
        path: String,
        /// The expected status code; any from 200 to 399 if absent.
        status: Option<u16>,
        /// A text that the body must contain.
        contains: Option<String>,
    },
    /// Whether a process runs.
    Process(ProcessName),
    /// Whether a program exits with 0.
    Exec {
        /// The file, an absolute path.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// How a process is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessName {
    /// By a file that has its number.
    PidFile(String),
    /// By its name in the kernel (`comm` of proc(5), at most 15 bytes).
    Command(String),
}
