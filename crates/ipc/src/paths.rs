//! The places of a daemon's files in the file system.

use std::path::{Path, PathBuf};

/// Heartbeat's directory for everything that must survive a reboot.
pub const STATE: &str = "/var/lib/heartbeat";

/// The directories and files of a daemon. Tests use directories of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The directory of the three configuration files (`/etc/ha.d`).
    pub configuration: PathBuf,
    /// The directory of everything that must survive a reboot (`/var/lib/heartbeat`).
    pub state: PathBuf,
    /// The directory of the pid file and the sockets (`/run`).
    pub run: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self { configuration: "/etc/ha.d".into(), state: STATE.into(), run: "/run".into() }
    }
}

impl Paths {
    /// Returns the options with which another call of the program uses the same paths.
    #[must_use]
    pub fn arguments(&self) -> Vec<PathBuf> {
        let pair = |option: &str, path: &Path| [PathBuf::from(option), path.to_owned()];
        let pairs = [
            pair("--config-dir", &self.configuration),
            pair("--state-dir", &self.state),
            pair("--run-dir", &self.run),
        ];
        pairs.into_iter().flatten().collect()
    }

    /// Returns the path of the pid file.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.run.join("heartbeat.pid")
    }

    /// Returns the path of the FIFO into which scripts write messages.
    #[must_use]
    pub fn fifo(&self) -> PathBuf {
        self.state.join("fifo")
    }

    /// Returns the directory of the sockets.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.run.join("heartbeat")
    }

    /// Returns the path of the file that the single daemon of these directories holds locked.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.runtime().join("lock")
    }

    /// Returns the path of the socket on which `hb` sends requests to the daemon.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.runtime().join("control.sock")
    }

    /// Returns the executor's directory, which only root may enter.
    #[must_use]
    pub fn executor(&self) -> PathBuf {
        self.runtime().join("executor")
    }

    /// Returns the path of the file with the last generation, even one that could not be stored on the disk.
    #[must_use]
    pub fn generation(&self) -> PathBuf {
        self.runtime().join("generation")
    }

    /// Returns the path of the executor's socket.
    #[must_use]
    pub fn executor_socket(&self) -> PathBuf {
        self.executor().join("executor.sock")
    }

    /// Returns the path of the ledger of what the executor holds.
    #[must_use]
    pub fn executor_ledger(&self) -> PathBuf {
        self.executor().join("executor.json")
    }

    /// Returns the path of the records of the agents that the executor runs.
    #[must_use]
    pub fn executor_records(&self) -> PathBuf {
        self.executor().join("executor.runs")
    }
}
