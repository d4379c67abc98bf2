//! What the administrator wants, already checked, and in `boot` the facts of this run.

mod boot;
mod monitor;
mod probe;

use crate::{GROUPS_MAX, GroupId, GroupKey, Guard, LinkId, NodeId};
pub use boot::{Boot, HoldRecord, PeerRecord, Unfinished, UnfinishedStage};
pub use monitor::{LastResort, Monitor};
pub use probe::{Probe, ProcessName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The contents of the three configuration files, as far as decisions need them. Immutable: a
/// reload makes a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Names of all nodes in lower case, in alphabetical order; a [`NodeId`] is an index into this
    /// list.
    pub nodes: Vec<String>,
    /// The same nodes in the order of `ha.cf`.
    pub node_order: Vec<NodeId>,
    /// This node.
    pub me: NodeId,
    /// Names of this node's links (`eth0`), in the order of `ha.cf`; a [`LinkId`](crate::LinkId) is
    /// an index into this list. Several media on one interface are one link.
    pub links: Vec<String>,
    /// Serial lines, with the number of bytes that each carries per second. The other links carry
    /// everything that this node sends.
    pub slow_links: Vec<(LinkId, u32)>,
    /// Ping nodes and ping groups.
    pub ping_nodes: Vec<String>,
    /// Time between two beats.
    pub keepalive: Duration,
    /// Silence after which the peers must declare this node dead.
    pub deadtime: Duration,
    /// Silence after which a beat is late.
    pub warntime: Duration,
    /// Silence after which a node that was never heard is dead.
    pub initdead: Duration,
    /// Silence after which a ping node is dead.
    pub deadping: Duration,
    /// How long a ping node that was dead must answer before it counts again.
    pub aliveping: Duration,
    /// Longest wait before a missing message is requested.
    pub rexmit_delay: Duration,
    /// What happens to groups when their preferred node returns.
    pub failback: Failback,
    /// Whether the built-in ipfail decides.
    pub ipfail: bool,
    /// Longest time that the executor keeps its resources without a permit.
    pub restart_grace: Duration,
    /// How a silent node is made certain to be dead, where a fencing device is configured.
    pub fencing: Option<FencingPolicy>,
    /// The groups; a [`GroupId`] is an index into this list, and stays the same for as long as a
    /// daemon runs. The list may also have groups that were forgotten since, which
    /// [`group_ids`](Self::group_ids) omits.
    pub groups: Vec<Group>,
    /// The groups that count, in the order of `haresources`, retired ones last. Absent: all of
    /// [`groups`](Self::groups), in their order.
    pub group_order: Option<Arc<[GroupId]>>,
    /// What happens when a stop keeps failing.
    pub stop_failure: StopFailure,
    /// What happens to single groups when their preferred node returns, where it differs from
    /// [`Self::failback`].
    pub group_failback: Vec<(GroupId, Failback)>,
    /// What happens to resources that run here although another node has their group.
    pub foreign_running: ForeignRunning,
    /// What this node asks of the network of the floating addresses before it takes a group.
    pub guard: Guard,
    /// When a group that moves again and again is kept where it is.
    pub hold_down: Option<HoldDown>,
    /// The resources that are checked while they run, each by its index in the group.
    pub monitors: Vec<(GroupId, usize, Monitor)>,
    /// What the executor itself asks of monitored resources, in addition to their agents.
    pub probes: Vec<(GroupId, usize, Probe)>,
}

impl Settings {
    /// Returns the settings of a node without links, ping nodes and groups, with every other
    /// directive of `ha.cf` at its default.
    ///
    /// `nodes` are the names of all nodes in lower case, in alphabetical order; that order also
    /// stands for the order of `ha.cf`.
    #[must_use]
    pub fn new<Name: Into<String>>(me: NodeId, nodes: impl IntoIterator<Item = Name>) -> Self {
        const KEEPALIVE: Duration = Duration::from_secs(1);
        const DEADTIME: Duration = Duration::from_secs(30);
        let nodes: Vec<String> = nodes.into_iter().map(Into::into).collect();
        Self {
            node_order: (0..).map(NodeId).take(nodes.len()).collect(),
            nodes,
            me,
            links: Vec::new(),
            slow_links: Vec::new(),
            ping_nodes: Vec::new(),
            keepalive: KEEPALIVE,
            deadtime: DEADTIME,
            warntime: DEADTIME / 2,
            initdead: DEADTIME,
            deadping: DEADTIME,
            aliveping: 2 * KEEPALIVE,
            rexmit_delay: Duration::from_millis(250),
            failback: Failback::Legacy,
            ipfail: false,
            restart_grace: Duration::from_secs(5),
            fencing: None,
            groups: Vec::new(),
            group_order: None,
            stop_failure: StopFailure::Reboot,
            foreign_running: ForeignRunning::Warn,
            guard: Guard::default(),
            group_failback: Vec::new(),
            hold_down: Some(HoldDown::default()),
            monitors: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// The node with this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        let at = self.nodes.iter().position(|node| node == name)?;
        u8::try_from(at).ok().map(NodeId)
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[node.index()]
    }

    /// What happens to a group when its preferred node returns.
    #[must_use]
    pub fn failback_of(&self, group: GroupId) -> Failback {
        let own = self.group_failback.iter().find(|(other, _)| *other == group);
        own.map_or(self.failback, |(_, failback)| *failback)
    }

    /// The monitored resources of a group, by their index in the group.
    pub fn monitors_of(&self, group: GroupId) -> impl Iterator<Item = (usize, Monitor)> + '_ {
        let of_group = self.monitors.iter().filter(move |(other, ..)| *other == group);
        of_group.map(|(_, resource, monitor)| (*resource, *monitor))
    }

    /// What the executor itself asks of a monitored resource.
    pub fn probes_of(&self, group: GroupId, resource: usize) -> impl Iterator<Item = &Probe> {
        let of_resource = move |(other, place, _): &&(GroupId, usize, Probe)| {
            (*other, *place) == (group, resource)
        };
        self.probes.iter().filter(of_resource).map(|(.., probe)| probe)
    }

    /// Adds groups that are no longer in the files, as long as there is room for them. To be called
    /// only before a daemon has begun to run with these settings.
    pub fn retire(&mut self, groups: &[Group]) {
        for group in groups {
            let is_known = self.groups.iter().any(|other| other.key == group.key);
            if !is_known && self.groups.len() < GROUPS_MAX {
                self.groups.push(Group { is_retired: true, ..group.clone() });
            }
        }
    }

    /// All nodes.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u8::try_from(self.nodes.len()).unwrap_or(u8::MAX)).map(NodeId)
    }

    /// All groups, in the order of `haresources`, retired ones last.
    #[must_use]
    pub fn group_ids(&self) -> GroupIds {
        let count = self.group_order.as_ref().map_or(self.groups.len(), |order| order.len());
        let places = 0..u16::try_from(count).unwrap_or(u16::MAX);
        GroupIds { order: self.group_order.clone(), places }
    }

    /// All groups with their ids, in the order of `haresources`, retired ones last.
    pub fn known_groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.group_ids().map(|id| (id, &self.groups[id.index()]))
    }

    /// The groups that are no longer in `haresources` but still matter.
    #[must_use]
    pub fn retired_ids(&self) -> GroupIds {
        let mut ids = self.group_ids();
        let count = self.known_groups().take_while(|(_, group)| !group.is_retired).count();
        ids.places.start = u16::try_from(count).unwrap_or(u16::MAX).min(ids.places.end);
        ids
    }
}

/// The groups of [`Settings`], in their order; see [`Settings::group_ids`].
#[derive(Debug, Clone)]
pub struct GroupIds {
    order: Option<Arc<[GroupId]>>,
    places: Range<u16>,
}

impl Iterator for GroupIds {
    type Item = GroupId;

    fn next(&mut self) -> Option<GroupId> {
        let place = self.places.next()?;
        match &self.order {
            Some(order) => order.get(usize::from(place)).copied(),
            None => Some(GroupId(place)),
        }
    }
}

/// What is configured about fencing. It implies that every other node has a fencing device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FencingPolicy {
    /// How long the second node waits where two nodes would fence each other.
    pub delay: Duration,
}

/// `auto_failback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failback {
    /// Groups return to their preferred node when it returns.
    On,
    /// Groups stay where they are.
    Off,
    /// The protocol before negotiation; groups return when their node asks for them.
    Legacy,
    /// Groups return once their preferred node has been present, settled and able for this long.
    After(Duration),
    /// Groups stay where they are, and the status names those that are away from home.
    Manual,
}

impl fmt::Display for Failback {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On => out.write_str("on"),
            Self::Off => out.write_str("off"),
            Self::Legacy => out.write_str("legacy"),
            Self::After(span) => write!(out, "after {} s", span.as_secs_f64()),
            Self::Manual => out.write_str("manual"),
        }
    }
}

/// `hold_down`: a group that has moved automatically this often within a window stays where it is,
/// longer each time that this happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldDown {
    /// How many moves are too many; at least 1.
    pub moves: u8,
    /// The window in which they are counted.
    pub window: Duration,
    /// How long the group stays the first time; each further time is twice as long.
    pub first: Duration,
    /// The longest time that the group stays.
    pub longest: Duration,
}

impl Default for HoldDown {
    /// A fault and its end are two moves. Three faults in ten minutes are no longer bad luck.
    fn default() -> Self {
        Self {
            moves: 6,
            window: Duration::from_mins(10),
            first: Duration::from_mins(1),
            longest: Duration::from_hours(1),
        }
    }
}

/// `stop_failure`: what to do if a stop keeps failing. Meanwhile no other node starts the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopFailure {
    /// The machine reboots, as with heartbeat 3.0.6, so that the peer can take over.
    Reboot,
    /// The group is blocked here until a person looks at it, but its addresses are released.
    ReleaseAddress,
    /// The group is blocked here, as it is, until a person looks at it.
    Block,
}

/// `foreign_running`: what to do about a resource that runs on this node although it has not started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignRunning {
    /// It is reported.
    Warn,
    /// It is reported and stopped.
    Stop,
    /// Nobody looks.
    Ignore,
}

/// A line of `haresources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The key by which nodes refer to the group among themselves.
    pub key: GroupKey,
    /// The node that should run it.
    pub preferred: NodeId,
    /// Its resources in start order.
    pub resources: Vec<Resource>,
    /// The group is no longer in haresources, but stays known until no node can run it any more.
    /// Never read from a file; see [`Cluster::reconfigure`](crate::Cluster::reconfigure).
    pub is_retired: bool,
}

impl Group {
    /// The first resource word, which is the name of the group for people.
    #[must_use]
    pub fn name(&self) -> &str {
        self.resources.first().map_or("", |resource| &resource.word)
    }

    /// Whether two groups have a resource in common: the same address or the same word.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        self.resources.iter().any(|one| other.resources.iter().any(|two| one.is_same_as(two)))
    }
}

/// One word of a line of `haresources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The word as written.
    pub word: String,
    /// What it means.
    pub kind: ResourceKind,
}

impl Resource {
    /// Whether the resource is a floating address.
    #[must_use]
    pub const fn is_address(&self) -> bool {
        matches!(self.kind, ResourceKind::Address(_))
    }

    /// Whether both words mean the same thing, of which only one may run: an address, in whatever
    /// notation, or an agent with its arguments.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ResourceKind::Address(one), ResourceKind::Address(two)) => one.address == two.address,
            (ResourceKind::Agent { .. }, ResourceKind::Agent { .. }) => self.kind == other.kind,
            (ResourceKind::Address(_), ResourceKind::Agent { .. })
            | (ResourceKind::Agent { .. }, ResourceKind::Address(_)) => false,
        }
    }
}

/// The meaning of a resource word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// A floating address, handled natively.
    Address(AddressSpec),
    /// An agent found by name, with its arguments.
    Agent {
        /// The name of a script, an OCF agent or a systemd unit.
        name: String,
        /// The arguments before the verb.
        arguments: Vec<String>,
    },
}

/// A floating address as written; whatever is absent is chosen on the node that runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSpec {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; if absent, that of the interface's network.
    pub prefix: Option<u8>,
    /// Interface, or interface and label (`eth0:1`).
    pub interface: Option<String>,
    /// Broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
}
