//! What can go wrong in a lab.

use crate::Node;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the lab could not do what was requested.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The caller is not root.
    #[error("the lab creates network namespaces, for which it needs root: run it with sudo")]
    NotRoot,
    /// The host is not a Debian, from whose archive a node with systemd could be made.
    #[error("nodes with systemd run the host's Debian version, but this host does not run Debian")]
    NotDebian,
    /// The init process of a node did not reach the expected state.
    #[error("{node} did not boot: systemd is {state:?}; {output}")]
    NotBooted {
        /// The node.
        node: Node,
        /// The state that systemd reports.
        state: String,
        /// The units that failed, or the last output on the console.
        output: String,
    },
    /// A program that the lab calls by name is absent.
    #[error("`{tool}` is missing: install the package {package}")]
    ToolMissing {
        /// The program.
        tool: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A program that the lab called did not succeed.
    #[error("`{command}` failed: {output}")]
    ToolFailed {
        /// The command line.
        command: String,
        /// The output of the program.
        output: String,
    },
    /// The namespaces of a machine could not be made.
    #[error("the namespaces of {name} could not be created: {output}")]
    Namespaces {
        /// The machine.
        name: String,
        /// The output of the set-up.
        output: String,
    },
    /// A file, socket or process could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, as a fragment.
        what: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The program that runs inside the namespaces was not found.
    #[error("`systole-lab-helper` was not found near {near}: build the package systole-lab")]
    HelperMissing {
        /// The executable next to which the program was expected.
        near: PathBuf,
    },
    /// The node has no power.
    #[error("{0} is powered off")]
    PoweredOff(Node),
    /// The node has power already.
    #[error("{0} is already powered on")]
    PoweredOn(Node),
    /// The pair was made without a serial cable.
    #[error("no serial cable is configured")]
    NoCable,
    /// The node's daemon still runs.
    #[error("the daemon on {0} is still running")]
    StillRuns(Node),
    /// What was waited for did not happen.
    #[error("{what} did not happen within {limit:?}")]
    Timeout {
        /// What was waited for, as a fragment.
        what: String,
        /// How long the lab waited.
        limit: Duration,
    },
    /// A node did not report what it was expected to report.
    #[error("{place} did not have {missing:?} within {limit:?}:\n{text}")]
    NotTold {
        /// What was read: a log, a file, the output of a command.
        place: String,
        /// The texts that were not in it.
        missing: Vec<String>,
        /// How long the lab waited.
        limit: Duration,
        /// The text at the end.
        text: String,
    },
}

impl LabError {
    /// Wraps an error of the system with a description of what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
