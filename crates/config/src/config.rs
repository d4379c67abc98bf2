//! The contents of the three files, checked and with every default filled in.

use crate::authkeys::Authentication;
use crate::fencing::Fencing;
use crate::medium::{Medium, PingNode};
use crate::values::Values;
use std::time::Duration;
use systole_core::{
    Failback, FencingPolicy, ForeignRunning, Group, GroupId, Guard, HoldDown, LINKS_MAX, LinkId,
    Monitor, NodeId, Probe, SERVICE_LINK, Settings, StopFailure,
};

/// Everything that a node needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// This node, in lower case.
    pub node_name: String,
    /// All nodes in lower case, in the order of `ha.cf`; each once.
    pub nodes: Vec<String>,
    /// The media, in the order of `ha.cf`.
    pub media: Vec<Medium>,
    /// Ping nodes and ping groups, in the order of `ha.cf`.
    pub ping_nodes: Vec<PingNode>,
    /// The names of nodes and ping nodes together, in the order of `ha.cf`.
    pub listed: Vec<String>,
    /// `auto_failback`.
    pub failback: Failback,
    /// `failback` lines.
    pub group_failback: Vec<(GroupId, Failback)>,
    /// `hold_down`; absent when it is off.
    pub hold_down: Option<HoldDown>,
    /// The monitored resources, each by its group and its place in the group.
    pub monitors: Vec<(GroupId, usize, Monitor)>,
    /// What is asked of monitored resources in addition to their agents.
    pub probes: Vec<(GroupId, usize, Probe)>,
    /// The groups, in the order of `haresources`; `preferred` indexes the sorted node names.
    pub groups: Vec<Group>,
    /// The keys that sign messages.
    pub authentication: Authentication,
    /// Where and how the daemon logs.
    pub logging: Logging,
    /// How the daemon's processes run.
    pub process: Process,
    /// Programs to keep running, in file order; `ipfail` is built in and not among them.
    pub clients: Vec<Client>,
    /// Whether a `respawn` of a program named `ipfail` switched the built-in ipfail on.
    pub ipfail: bool,
    /// Form of messages where a medium leaves the choice.
    pub message_format: MessageFormat,
    /// Compression of messages.
    pub compression: Compression,
    /// `hopfudge`: hops above the number of nodes, for the field `ttl`.
    pub hopfudge: u8,
    /// `hbgenmethod`.
    pub generation_method: GenerationMethod,
    /// `uuidfrom`.
    pub uuid_source: UuidSource,
    /// `apiauth` lines, each client once.
    pub api_authorizations: Vec<ApiAuthorization>,
    /// How dead nodes are fenced; absent when this node cannot drive any device.
    pub fencing: Option<Fencing>,
    /// `env` entries without their prefix `HA_`, in file order.
    pub environment: Vec<(String, String)>,
    /// What changes floating addresses.
    pub address_agent: AddressAgent,
    /// What happens when a stop fails.
    pub stop_failure: StopFailure,
    /// What happens to resources that run although their group does not.
    pub foreign_running: ForeignRunning,
    /// What is asked of the network before a group of a silent node is taken.
    pub guard: Guard,
    /// The UDP port on which nodes hear each other on the service network; absent if they do not.
    pub guard_port: Option<u16>,
    /// How long agents may take.
    pub agent_timeouts: AgentTimeouts,
    /// The values of the directives that have one value; the fields above that come from such directives are
    /// computed from these.
    pub(crate) values: Values,
    pub(crate) options: Vec<RecordedOption>,
}

impl Config {
    /// Returns all nodes in alphabetical order; a [`NodeId`] is an index into this list.
    #[must_use]
    pub fn sorted_nodes(&self) -> Vec<String> {
        let mut nodes = self.nodes.clone();
        nodes.sort_unstable();
        nodes
    }

    /// Returns the part of the configuration that decisions need.
    ///
    /// # Panics
    ///
    /// Never for a `Config` that [`load`](crate::load) made: it contains this node, and no more nodes than a
    /// [`NodeId`] can count.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let nodes = self.sorted_nodes();
        let id = |name: &String| {
            let at = nodes.binary_search(name).expect("the same names, sorted");
            NodeId(u8::try_from(at).expect("bounded by NODES_MAX"))
        };
        let time = |directive| self.values.time(directive);
        Settings {
            node_order: self.nodes.iter().map(id).collect(),
            me: id(&self.node_name),
            links: self.links(),
            slow_links: self.slow_links(),
            ping_nodes: self.ping_nodes.iter().map(|ping| ping.name.clone()).collect(),
            keepalive: time("keepalive"),
            deadtime: time("deadtime"),
            warntime: time("warntime"),
            initdead: time("initdead"),
            deadping: time("deadping"),
            aliveping: time("aliveping"),
            rexmit_delay: time("max_rexmit_delay"),
            failback: self.failback,
            group_failback: self.group_failback.clone(),
            hold_down: self.hold_down,
            monitors: self.monitors.clone(),
            probes: self.probes.clone(),
            ipfail: self.ipfail,
            restart_grace: time("restart_grace"),
            fencing: self.fencing.as_ref().map(|fencing| FencingPolicy { delay: fencing.delay }),
            groups: self.groups.clone(),
            group_order: None,
            stop_failure: self.stop_failure,
            foreign_running: self.foreign_running,
            guard: self.guard,
            nodes,
        }
    }

    /// Returns the interfaces and terminal devices of the media, each once, and the service network.
    fn links(&self) -> Vec<String> {
        let mut links: Vec<String> = Vec::new();
        for name in self.media.iter().map(Medium::name) {
            if !links.iter().any(|known| known == name) {
                links.push(name.to_owned());
            }
        }
        let has_room = links.len() < LINKS_MAX;
        links.extend(self.guard_port.filter(|_| has_room).map(|_| SERVICE_LINK.to_owned()));
        links
    }

    /// Returns how many bytes the serial lines carry per second.
    fn slow_links(&self) -> Vec<(LinkId, u32)> {
        /// Each byte is sent with a start bit and a stop bit.
        const BITS_PER_BYTE: u32 = 10;
        let speed = |name: &String| {
            self.media.iter().find_map(|medium| match medium {
                Medium::Serial { tty, baud } => (tty == name).then_some(baud / BITS_PER_BYTE),
                Medium::Ucast { .. }
                | Medium::Bcast { .. }
                | Medium::Mcast { .. }
                | Medium::Ucast6 { .. }
                | Medium::Mcast6 { .. } => None,
            })
        };
        let links = self.links();
        let named = (0..).map(LinkId).zip(&links);
        named.filter_map(|(link, name)| Some((link, speed(name)?))).collect()
    }

    /// Returns every recorded directive with its value as written or its default, in the order in which
    /// `heartbeat -v` prints them.
    ///
    /// Scripts see each as `HA_<directive>`, in addition to the entries of
    /// [`environment`](Self::environment).
    #[must_use]
    pub fn options(&self) -> &[RecordedOption] {
        &self.options
    }

    /// Returns the value of one recorded directive, as written or by default.
    #[must_use]
    pub fn option(&self, directive: &str) -> Option<&str> {
        let found = self.options.iter().find(|option| option.directive == directive)?;
        Some(&found.value)
    }
}

/// A directive with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedOption {
    /// The directive.
    pub directive: &'static str,
    /// Its value, as written or by default.
    pub value: String,
    /// The description that `heartbeat -v` prints for it.
    pub explanation: &'static str,
}

/// Where and how the daemon logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// `logfile`.
    pub logfile: Option<String>,
    /// `debugfile`.
    pub debugfile: Option<String>,
    /// `logfacility` in lower case; `none` is absent.
    pub facility: Option<String>,
    /// `syslogmsgfmt`: lines begin with date and host as in syslog.
    pub syslog_format: bool,
    /// `debug`: level of debug messages.
    pub debug: u8,
    /// `log_badpack`: whether unreadable and unauthenticated packets are logged.
    pub bad_packets: bool,
}

/// How the daemon's processes run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// `realtime`: real-time scheduling and locked memory.
    pub realtime: bool,
    /// `rtprio`: real-time priority.
    pub priority: Option<u8>,
    /// `memreserve`: kilobytes of heap to reserve.
    pub reserve: u32,
    /// `watchdog`: the device.
    pub watchdog: Option<String>,
    /// `coredumps`.
    pub coredumps: bool,
    /// `coreroot`: where core files go.
    pub coreroot: String,
}

/// A program that the daemon keeps running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What happens when it ends.
    pub kind: ClientKind,
    /// The user it runs as.
    pub user: String,
    /// The command line, for `sh -c "exec …"`.
    pub command: String,
}

/// What happens when a client ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// The client is started again.
    Respawn,
    /// The machine reboots.
    Failfast,
}

/// `msgfmt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFormat {
    /// Text lines.
    Classic,
    /// Length-prefixed strings.
    Netstring,
}

/// Compression of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// `compression`: whether `bz2` was chosen instead of `zlib`.
    pub bzip2: bool,
    /// `compression_threshold` in kilobytes.
    pub threshold: u32,
    /// `traditional_compression`: whole messages instead of marked fields.
    pub whole_messages: bool,
}

/// `hbgenmethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationMethod {
    /// The stored generation plus one.
    File,
    /// The current time.
    Time,
}

/// `uuidfrom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidSource {
    /// Random, and stored.
    File,
    /// Drawn from a generator that the node's name seeds.
    NodeName,
}

/// An `apiauth` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAuthorization {
    /// The client's name.
    pub client: String,
    /// Users that may sign on under this name, by name or number.
    pub users: Vec<String>,
    /// Groups that may sign on under this name, by name or number.
    pub groups: Vec<String>,
}

/// `address_agent`: program that changes floating addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressAgent {
    /// The executor, through netlink.
    Native,
    /// The scripts `IPaddr`, `IPaddr2` and `IPv6addr`.
    Script,
}

/// How long agents may take before they are killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentTimeouts {
    /// For `start`.
    pub start: Duration,
    /// For `stop`.
    pub stop: Duration,
    /// For `status` and `monitor`.
    pub status: Duration,
}

impl AgentTimeouts {
    /// The default: long enough for a file system check or a large database; heartbeat 3.0.6 waits forever.
    pub(crate) const GENEROUS: Self = Self {
        start: Duration::from_mins(10),
        stop: Duration::from_mins(10),
        status: Duration::from_mins(1),
    };

    /// Returns the same limit for every verb.
    pub(crate) const fn all(limit: Duration) -> Self {
        Self { start: limit, stop: limit, status: limit }
    }
}
