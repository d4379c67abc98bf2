//! A node of the pair: its name, its daemon, its power.

use crate::disk::Disk;
use crate::namespace::{Machine, Output};
use crate::{LabError, lab::wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The daemon of the Debian package `heartbeat`, and the path at which Systole's is installed on a node with
/// systemd.
const CLASSIC: &str = "/usr/libexec/heartbeat/heartbeat";
/// Where the directory of the tested binary is shown inside a node.
const BIN: &str = "/run/systole-lab/bin";
/// Parts of the paths of agents, and of the scripts of the C daemon.
const SCRIPTS: [&str; 4] = ["/resource.d/", "/etc/init.d/", "/etc/ha.d/", "/usr/share/heartbeat/"];
/// The longest graceful stop; the C daemon takes about 3 s, and more with slow services.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// One of the two nodes; its name is its `uname -n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Node {
    /// 192.168.122.20, preferred by the default group.
    Web1,
    /// 192.168.122.22.
    Web2,
}

impl Node {
    /// Both nodes.
    pub const ALL: [Self; 2] = [Self::Web1, Self::Web2];

    /// Returns the other node.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Web1 => Self::Web2,
            Self::Web2 => Self::Web1,
        }
    }

    /// Returns the host name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web1 => "web1",
            Self::Web2 => "web2",
        }
    }

    /// Returns the index in a table with one row per node.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// The implementation that a node runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Daemon {
    /// Systole; `hb` and the other programs are expected next to the daemon.
    Systole {
        /// The daemon's binary, an absolute path on the host.
        binary: PathBuf,
    },
    /// heartbeat 3.0.6 of the Debian package.
    Classic,
}

impl Daemon {
    /// Returns whether the daemon is installed.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.on_host().is_file()
    }

    /// Returns the binary as the host sees it.
    fn on_host(&self) -> &Path {
        match self {
            Self::Systole { binary } => binary,
            Self::Classic => Path::new(CLASSIC),
        }
    }

    /// Returns the command of the daemon inside a node.
    fn command(&self) -> String {
        match self {
            Self::Systole { binary } => {
                let name = binary.file_name().unwrap_or_default().to_string_lossy();
                format!("{BIN}/{name}")
            }
            Self::Classic => CLASSIC.to_owned(),
        }
    }

    /// Returns the directory whose programs are shown in a node.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Systole { binary } => binary.parent(),
            Self::Classic => None,
        }
    }

    /// Returns the command of an order, up to the name of the set.
    pub(crate) const fn order(&self, order: Order) -> &'static [&'static str] {
        match (self, order) {
            (Self::Systole { .. }, Order::Standby) => &["hb", "standby"],
            (Self::Systole { .. }, Order::Takeover) => &["hb", "takeover"],
            (Self::Classic, Order::Standby) => &["/usr/share/heartbeat/hb_standby"],
            (Self::Classic, Order::Takeover) => &["/usr/share/heartbeat/hb_takeover"],
        }
    }
}

/// An order of an operator about a set of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Give the set to the other node.
    Standby,
    /// Take the set from the other node.
    Takeover,
}

/// A node's disk, and its machine while it has power.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) node: Node,
    pub(crate) disk: Disk,
    daemon: Mutex<Daemon>,
    power: Mutex<Option<Machine>>,
}

impl Host {
    /// Makes a node without power.
    pub(crate) fn new(node: Node, daemon: Daemon, disk: Disk) -> Self {
        Self { node, disk, daemon: Mutex::new(daemon), power: Mutex::new(None) }
    }

    /// Returns the implementation that the node currently runs.
    pub(crate) fn daemon(&self) -> Daemon {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the node run another implementation from its next start on.
    pub(crate) fn replace_daemon(&self, daemon: Daemon) {
        *self.daemon.lock().unwrap_or_else(PoisonError::into_inner) = daemon;
    }

    /// Returns the machine, or `None` without power.
    pub(crate) fn power(&self) -> MutexGuard<'_, Option<Machine>> {
        self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a job on the machine.
    ///
    /// # Errors
    ///
    /// [`LabError::PoweredOff`], or what `job` returns.
    pub(crate) fn with<T>(
        &self,
        job: impl FnOnce(&Machine) -> Result<T, LabError>,
    ) -> Result<T, LabError> {
        self.power().as_ref().map_or(Err(LabError::PoweredOff(self.node)), job)
    }

    /// Returns the host's path of a file of the node, as the processes of the node see it.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        let booted = self.power().as_ref().and_then(|machine| machine.container()?.init());
        match booted {
            Some(init) => PathBuf::from(format!("/proc/{}/root/{path}", init.as_raw_nonzero())),
            None => self.disk.path(path),
        }
    }

    /// Runs a command to its end. The node's power can be cut meanwhile.
    ///
    /// # Errors
    ///
    /// Without power, or when the command cannot be started.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Output, LabError> {
        self.with(|machine| machine.start_command(words))?.finish()
    }

    /// Starts the daemon as its init script would, and waits until it is in the background.
    ///
    /// # Errors
    ///
    /// When the daemon refuses, with its own message.
    pub(crate) fn start_daemon(&self) -> Result<(), LabError> {
        let command = self.daemon().command();
        let output = self.run(&[&command])?;
        if output.success() {
            return Ok(());
        }
        let output = format!("{:?} {} {}", output.code, output.stdout.trim(), output.stderr.trim());
        Err(LabError::ToolFailed { command: format!("{}: {command}", self.node), output })
    }

    /// Stops the daemon gracefully and waits for its end.
    ///
    /// # Errors
    ///
    /// Without power, or when it still runs after a minute.
    pub(crate) fn stop_daemon(&self) -> Result<(), LabError> {
        self.run(&[&self.daemon().command(), "-k"])?;
        let what = format!("the end of the daemon on {}", self.node);
        wait_for(&what, STOP_LIMIT, || self.daemon_pids().is_empty()).map(|_| ())
    }

    /// Kills the daemon's main process and waits for its end, or kills all its processes, with SIGKILL.
    ///
    /// # Errors
    ///
    /// Without power, or when the main process is not known.
    pub(crate) fn kill_daemon(&self, main_only: bool) -> Result<(), LabError> {
        if main_only {
            // Until the main process has ended, a new daemon would find that it runs.
            let script = "pid=$(cat /run/heartbeat.pid); kill -9 $pid; \
                          while kill -0 $pid 2>/dev/null; do sleep 0.01; done";
            let output = self.run(&["sh", "-ec", script])?;
            return if output.success() {
                Ok(())
            } else {
                Err(LabError::ToolFailed { command: script.to_owned(), output: output.stderr })
            };
        }
        for pid in self.daemon_pids() {
            // The process may have ended because another one did.
            let _ = kill_process(pid, Signal::KILL);
        }
        Ok(())
    }

    /// Returns the processes that run the daemon's binary, by their pids on the host.
    pub(crate) fn daemon_pids(&self) -> Vec<Pid> {
        let (is_booted, mut pids) = match &*self.power() {
            Some(machine) => (machine.container().is_some(), machine.processes()),
            None => return Vec::new(),
        };
        let exe = |pid: &Pid| format!("/proc/{}/exe", pid.as_raw_nonzero());
        if is_booted {
            // The binary is installed at this path; the kernel adds a mark after the path of a replaced
            // binary.
            pids.retain(|pid| {
                fs::read_link(exe(pid))
                    .is_ok_and(|path| path.to_string_lossy().starts_with(CLASSIC))
            });
            return pids;
        }
        let Ok(binary) = fs::metadata(self.daemon().on_host()) else { return Vec::new() };
        let same = |other: &Metadata| (other.dev(), other.ino()) == (binary.dev(), binary.ino());
        pids.retain(|pid| fs::metadata(exe(pid)).is_ok_and(|exe| same(&exe)));
        pids
    }

    /// Returns whether a process of the node runs an agent or a script of its daemon.
    pub(crate) fn runs_scripts(&self) -> bool {
        let pids = self.power().as_ref().map_or(Vec::new(), Machine::processes);
        pids.into_iter().any(|pid| {
            let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
            let command = String::from_utf8_lossy(&command.unwrap_or_default()).into_owned();
            SCRIPTS.iter().any(|path| command.contains(path))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_name_can_be_padded() {
        assert_eq!(format!("{:6}|", Node::Web2), "web2  |");
    }
}
