//! What the administrator wants, checked; and in `boot` the facts of this run.

mod boot;

use crate::{GROUPS_MAX, GroupId, GroupKey, LinkId, NodeId};
pub use boot::{Boot, HoldRecord, PeerRecord, Unfinished, UnfinishedStage};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// What the three files say, as far as decisions need it. Immutable; a reload makes a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Names of all nodes in lower case, in alphabetical order; a [`NodeId`] is a place here.
    pub nodes: Vec<String>,
    /// The same nodes in the order of `ha.cf`.
    pub node_order: Vec<NodeId>,
    /// This node.
    pub me: NodeId,
    /// Names of our links (`eth0`), in the order of `ha.cf`; a [`LinkId`](crate::LinkId) is a place
    /// here. Several media on one interface are one link.
    pub links: Vec<String>,
    /// Links that carry only so many bytes in a second: serial lines. The others carry all that we say.
    pub slow_links: Vec<(LinkId, u32)>,
    /// Ping nodes and ping groups.
    pub ping_nodes: Vec<String>,
    /// Time between two beats.
    pub keepalive: Duration,
    /// Silence after which our peers shall call us dead.
    pub deadtime: Duration,
    /// Silence after which a beat is late.
    pub warntime: Duration,
    /// Silence after which a node that was never heard is dead.
    pub initdead: Duration,
    /// Silence after which a ping node is dead.
    pub deadping: Duration,
    /// How long a ping node that was dead must answer before it counts again.
    pub aliveping: Duration,
    /// Longest wait before a missing message is asked for.
    pub rexmit_delay: Duration,
    /// What becomes of groups when their preferred node returns.
    pub failback: Failback,
    /// Whether the built-in ipfail decides.
    pub ipfail: bool,
    /// Longest time that the executor keeps what it has without a permit.
    pub restart_grace: Duration,
    /// How dead nodes are made sure of, where a device is configured.
    pub fencing: Option<FencingPolicy>,
    /// The groups; a [`GroupId`] is a place here, and stays the same for as long as a daemon runs. Beside
    /// those that [`group_ids`](Self::group_ids) names there may be some that are forgotten since.
    pub groups: Vec<Group>,
    /// The groups that count, in the order of `haresources`, retired ones last. Absent: all, as they stand.
    pub group_order: Option<Arc<[GroupId]>>,
    /// What a stop that keeps failing leads to.
    pub stop_failure: StopFailure,
    /// What becomes of single groups when their preferred node returns, if not [`Self::failback`].
    pub group_failback: Vec<(GroupId, Failback)>,
    /// When groups that move again and again are kept where they are.
    pub hold_down: Option<HoldDown>,
}

impl Settings {
    /// The settings of a node without links, ping nodes and groups: what every other line of `ha.cf`
    /// sets is as without that line.
    ///
    /// `nodes` are the names of all nodes in lower case, in alphabetical order, which is also taken for
    /// that of `ha.cf`.
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
            group_failback: Vec::new(),
            hold_down: Some(HoldDown::default()),
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

    /// What becomes of a group when its preferred node returns.
    #[must_use]
    pub fn failback_of(&self, group: GroupId) -> Failback {
        let own = self.group_failback.iter().find(|(other, _)| *other == group);
        own.map_or(self.failback, |(_, failback)| *failback)
    }

    /// Adds groups that are no longer in the files, as far as there is room for them. Only before a daemon
    /// has begun to run with these settings.
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

    /// All groups with their ids, in the same order.
    pub fn known_groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.group_ids().map(|id| (id, &self.groups[id.index()]))
    }

    /// The groups that are no longer in `haresources`, and still matter.
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

/// What is known of fencing before it is needed: every other node has a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FencingPolicy {
    /// How long the node that comes second waits where two nodes would fence each other.
    pub delay: Duration,
}

/// `auto_failback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failback {
    /// Groups go back to their preferred node when it returns.
    On,
    /// Groups stay where they are.
    Off,
    /// The protocol before negotiation; groups go back when asked for.
    Legacy,
    /// Groups go back once their preferred node has been there, settled and able, for so long.
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

/// `hold_down`: a group that has moved by itself this often within a window stays where it is, for
/// longer each time that this happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldDown {
    /// How many moves are too many; at least 1.
    pub moves: u8,
    /// Within which time.
    pub window: Duration,
    /// How long it stays the first time; each further time it is twice as long.
    pub first: Duration,
    /// How long it stays at most.
    pub longest: Duration,
}

impl Default for HoldDown {
    /// A fault and its end are two moves. Three of them in ten minutes are not bad luck any more.
    fn default() -> Self {
        Self {
            moves: 6,
            window: Duration::from_mins(10),
            first: Duration::from_mins(1),
            longest: Duration::from_hours(1),
        }
    }
}

/// `stop_failure`: action if a stop keeps failing. No other node starts the group meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopFailure {
    /// The machine reboots, as with heartbeat 3.0.6, so that the peer may take over.
    Reboot,
    /// The group is blocked here until somebody looks at it, but its addresses are released.
    ReleaseAddress,
    /// The group is blocked here, as it is, until somebody looks at it.
    Block,
}

/// A line of `haresources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What nodes call the group among themselves.
    pub key: GroupKey,
    /// The node that should run it.
    pub preferred: NodeId,
    /// Its resources in start order.
    pub resources: Vec<Resource>,
    /// It stands in haresources no more, and stays known until nobody can run it any longer. Never
    /// read from a file; see [`Cluster::reconfigure`](crate::Cluster::reconfigure).
    pub is_retired: bool,
}

impl Group {
    /// The first resource word, by which people name the group.
    #[must_use]
    pub fn name(&self) -> &str {
        self.resources.first().map_or("", |resource| &resource.word)
    }

    /// Whether two groups have a resource in common: the same address, or the same word.
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
    /// Whether both words mean one thing of which there must be one: an address, however it is
    /// written, or an agent with its arguments.
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

/// What a resource word means.
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

/// A floating address as written; what is absent is chosen where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSpec {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; absent means that of the interface's network.
    pub prefix: Option<u8>,
    /// Interface, or interface and label (`eth0:1`).
    pub interface: Option<String>,
    /// Broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
}
