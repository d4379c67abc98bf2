//! What the shell knows about the machine, for the checks that need it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Asks the machine for what a name stands for.
pub type Find<'a, T> = &'a dyn Fn(&str) -> Option<T>;

/// Facts about this machine; a check whose fact is absent is skipped.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// What `uname -n` says.
    pub node_name: Option<&'a str>,
    /// The first line of `/etc/ha.d/nodeinfo`, which replaces `uname -n`.
    pub nodeinfo: Option<&'a str>,
    /// All network interfaces.
    pub interfaces: Option<&'a [Interface]>,
    /// Which agent a name finds, if any. A whole word `OCF::type::instance` finds one where agent
    /// and parameters are there.
    pub agent: Option<Find<'a, AgentKind>>,
    /// Whether a user exists, by name.
    pub user: Option<&'a dyn Fn(&str) -> bool>,
    /// Whether a group exists, by name.
    pub group: Option<&'a dyn Fn(&str) -> bool>,
    /// What lies at a path, if anything.
    pub file: Option<Find<'a, FileKind>>,
    /// What lies at the path of a log file, if anything. For people alone: a disk of logs that does not
    /// answer must not keep a daemon from starting.
    pub log_file: Option<Find<'a, FileKind>>,
    /// The address of a host name, if it has one.
    pub host: Option<Find<'a, IpAddr>>,
    /// The service for which a UDP port is reserved in the services database, if any.
    pub service: Option<&'a dyn Fn(u16) -> Option<String>>,
    /// The UDP port of service `ha-cluster` in the services database.
    pub service_port: Option<u16>,
}

impl Facts<'_> {
    /// The name that this node has in the cluster, in lower case: `nodeinfo`, else `uname -n`.
    pub(crate) fn own_name(&self) -> Option<String> {
        self.nodeinfo.or(self.node_name).map(str::to_lowercase)
    }

    /// The interface with this name; a label (`eth0:1`) means the interface before the colon.
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
    /// Its addresses with their prefix lengths; floating addresses of ours are left out.
    pub addresses: Vec<(IpAddr, u8)>,
    /// The broadcast address of its first IPv4 address, when one is set.
    pub broadcast: Option<Ipv4Addr>,
}

/// What runs a resource of a given name.
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

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file that may be executed.
    Executable,
    /// A regular file that may not.
    Plain,
    /// A character device.
    Device,
    /// Anything else.
    Other,
}
