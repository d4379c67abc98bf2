//! What the shell knows about the machine, for the checks that need it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// A query to the machine about a name.
pub type Find<'a, T> = &'a dyn Fn(&str) -> Option<T>;

/// Facts about this machine; a check whose fact is absent is skipped.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The output of `uname -n`.
    pub node_name: Option<&'a str>,
    /// The first line of `/etc/ha.d/nodeinfo`, which replaces `uname -n`.
    pub nodeinfo: Option<&'a str>,
    /// All network interfaces.
    pub interfaces: Option<&'a [Interface]>,
    /// The kind of agent that a name leads to, if any. A whole word `OCF::type::instance` leads to an agent
    /// if both the agent and its parameters exist.
    pub agent: Option<Find<'a, AgentKind>>,
    /// Whether a user exists, by name.
    pub user: Option<&'a dyn Fn(&str) -> bool>,
    /// Whether a group exists, by name.
    pub group: Option<&'a dyn Fn(&str) -> bool>,
    /// The kind of file at a path, if any.
    pub file: Option<Find<'a, FileKind>>,
    /// The kind of file at the path of a log file, if any. Only set for checks that people run: a log disk
    /// that does not answer must not keep a daemon from starting.
    pub log_file: Option<Find<'a, FileKind>>,
    /// The link that starts the service of this name at boot, if there is one. Only set for checks that people
    /// run.
    pub at_boot: Option<Find<'a, PathBuf>>,
    /// The address of a host name, if it has one.
    pub host: Option<Find<'a, IpAddr>>,
    /// The service for which a UDP port is reserved in the services database, if any.
    pub service: Option<&'a dyn Fn(u16) -> Option<String>>,
    /// The UDP port of service `ha-cluster` in the services database.
    pub service_port: Option<u16>,
}

impl Facts<'_> {
    /// Returns the name of this node in the cluster, in lower case: `nodeinfo`, else `uname -n`.
    pub(crate) fn own_name(&self) -> Option<String> {
        self.nodeinfo.or(self.node_name).map(str::to_lowercase)
    }

    /// Finds the interface with this name; a label (`eth0:1`) means the interface before the colon.
    pub(crate) fn interface(&self, name: &str) -> Option<&Interface> {
        let base = name.split(':').next().unwrap_or(name);
        self.interfaces?.iter().find(|known| known.name == base)
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Facts")
            .field("node_name", &self.node_name)
            .field("nodeinfo", &self.nodeinfo)
            .field("interfaces", &self.interfaces)
            .field("service_port", &self.service_port)
            .finish_non_exhaustive()
    }
}

/// A network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its addresses with their prefix lengths, without the floating addresses of this cluster.
    pub addresses: Vec<(IpAddr, u8)>,
    /// The broadcast address of its first IPv4 address, when one is set.
    pub broadcast: Option<Ipv4Addr>,
}

/// What runs a resource with a given name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// A script in `/etc/ha.d/resource.d`.
    Heartbeat,
    /// A script in `/etc/init.d`.
    Lsb,
    /// An OCF agent.
    Ocf,
    /// A systemd unit.
    Systemd,
}

/// The kind of file at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file that is executable.
    Executable,
    /// A regular file that is not executable.
    Plain,
    /// A character device.
    Device,
    /// Anything else.
    Other,
}
