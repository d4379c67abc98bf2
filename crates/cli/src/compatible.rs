//! Heartbeat's commands under the names that scripts and users know.
//!
//! The binary is `hb`; called by one of these names, it behaves as that command does, with the same output
//! and exit status. What these commands may not do beside a daemon that decides is in
//! `docs/differences.md`.

mod administration;
mod cl_status;
mod keys;
mod line;
mod mach_down;
mod resource_manager;
mod set;

use administration::Change;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The names by which the program may be called.
const COMMANDS: [(&str, Command); 10] = [
    ("cl_status", Command::ClStatus),
    ("ResourceManager", Command::ResourceManager),
    ("req_resource", Command::RequestResource),
    ("mach_down", Command::MachDown),
    ("hb_standby", Command::Standby),
    ("hb_takeover", Command::Takeover),
    ("hb_addnode", Command::Change(Change::AddNode)),
    ("hb_delnode", Command::Change(Change::DeleteNode)),
    ("hb_setweight", Command::Change(Change::SetWeight)),
    ("hb_setsite", Command::Change(Change::SetSite)),
];

/// The directory of heartbeat's scripts.
const SCRIPTS: &str = "/usr/share/heartbeat";

/// A command of heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show the state of nodes, links and resources.
    ClStatus,
    /// List groups, and order them to move.
    ResourceManager,
    /// Ask for a group at the start, which the daemon does.
    RequestResource,
    /// Take the groups of a dead node over, which the daemon does.
    MachDown,
    /// Hand groups over to the other node.
    Standby,
    /// Take groups over from the other node.
    Takeover,
    /// Change the cluster.
    Change(Change),
}

/// How a command was called.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The path of the program. One that was called without a path is shown where heartbeat has its scripts.
    program: String,
    /// The arguments; bytes that are not UTF-8 were replaced.
    arguments: Vec<String>,
}

impl Call {
    /// Makes a call.
    pub(crate) fn new(program: &OsStr, arguments: impl Iterator<Item = OsString>) -> Self {
        let text = |word: OsString| word.to_string_lossy().into_owned();
        let called = program.to_string_lossy();
        let program =
            if called.contains('/') { called.into_owned() } else { format!("{SCRIPTS}/{called}") };
        Self { program, arguments: arguments.map(text).collect() }
    }

    /// Returns the first argument, if it is not empty.
    fn first(&self) -> Option<&str> {
        self.arguments.first().map(String::as_str).filter(|word| !word.is_empty())
    }

    /// Returns the name of the program without its directory.
    fn name(&self) -> &str {
        self.program.rsplit('/').next().unwrap_or_default()
    }
}

impl Command {
    /// Returns the command whose name the program was called by, if it is one of heartbeat's.
    pub(crate) fn of(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?.to_str()?;
        COMMANDS.iter().find(|(known, _)| *known == name).map(|(_, command)| *command)
    }

    /// Runs the command, and returns its exit status.
    pub(crate) fn run(self, call: &Call, run: &Path) -> u8 {
        match self {
            Self::ClStatus => cl_status::run(call, run),
            Self::ResourceManager => resource_manager::run(call, run),
            // The daemon requests its own groups, and a script that calls this has nothing to add.
            Self::RequestResource => crate::exit::OK,
            Self::MachDown => mach_down::run(call, run),
            Self::Standby | Self::Takeover => set::run(self, call, run),
            Self::Change(change) => administration::run(change, call),
        }
    }
}

#[cfg(test)]
pub(crate) use tests::snapshot;

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::{GroupReport, LinkReport, NodeReport, PingReport, Snapshot};

    fn node(name: &str, status: &str) -> NodeReport {
        let links =
            vec![LinkReport { name: "eth0".into(), up: status == "active", silence_ms: None }];
        NodeReport { name: name.into(), status: status.into(), links, ..NodeReport::default() }
    }

    /// The view of web1.
    pub(crate) fn snapshot(peer: &str, groups: Vec<GroupReport>) -> Snapshot {
        Snapshot {
            node: "web1".into(),
            status: "active".into(),
            generation: 1,
            uptime_ms: 0,
            stable: true,
            stopping: false,
            executor: true,
            auto_failback: "on".into(),
            nodes: vec![node("web1", "active"), node("web2", peer)],
            ping_nodes: vec![PingReport { name: "10.0.0.1".into(), up: true, silence_ms: None }],
            groups,
            hand_over: None,
            fencing: Vec::new(),
            hold: None,
        }
    }

    #[test]
    fn program_name_selects_compatible_command() {
        let of = |name: &str| Command::of(OsStr::new(name));
        assert_eq!(of("/usr/share/heartbeat/hb_standby"), Some(Command::Standby));
        assert_eq!(of("cl_status"), Some(Command::ClStatus));
        assert_eq!(of("/usr/lib64/heartbeat/ResourceManager"), Some(Command::ResourceManager));
        assert_eq!(of("/usr/sbin/hb"), None);
    }
}
