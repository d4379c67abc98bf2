//! Where everything of a daemon lies in the file system.

use std::path::{Path, PathBuf};

/// Where heartbeat keeps what outlives a reboot.
pub const STATE: &str = "/var/lib/heartbeat";

/// The folders and files of a daemon. Tests use folders of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The three files (`/etc/ha.d`).
    pub configuration: PathBuf,
    /// What outlives a reboot (`/var/lib/heartbeat`).
    pub state: PathBuf,
    /// Where pid file and sockets are (`/run`).
    pub run: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self { configuration: "/etc/ha.d".into(), state: STATE.into(), run: "/run".into() }
    }
}

impl Paths {
    /// The options that make another call of the program use the same paths.
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

    /// The pid file.
    #[must_use]
    pub fn pid_file(&self) -> PathBuf {
        self.run.join("heartbeat.pid")
    }

    /// The folder of sockets.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.run.join("heartbeat")
    }

    /// What the one daemon of these folders holds locked.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.runtime().join("lock")
    }

    /// Where `hb` asks and orders.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.runtime().join("control.sock")
    }

    /// The folder of the executor, for root alone.
    #[must_use]
    pub fn executor(&self) -> PathBuf {
        self.runtime().join("executor")
    }

    /// The last generation, also one that the disk did not take.
    #[must_use]
    pub fn generation(&self) -> PathBuf {
        self.runtime().join("generation")
    }

    /// Where the executor listens.
    #[must_use]
    pub fn executor_socket(&self) -> PathBuf {
        self.executor().join("executor.sock")
    }

    /// What the executor holds.
    #[must_use]
    pub fn executor_ledger(&self) -> PathBuf {
        self.executor().join("executor.json")
    }

    /// The agents that the executor runs.
    #[must_use]
    pub fn executor_records(&self) -> PathBuf {
        self.executor().join("executor.runs")
    }
}
