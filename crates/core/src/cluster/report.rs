//! The data of `hb status`: a copy of the state, every fact with its age.

mod groups;
mod nodes;
mod resources;

use super::Cluster;
use super::gate::{Obstacle, Purpose};
use super::hold::HoldOrder;
use crate::{Action, GroupId, NodeId, Phase, Time, Wording};
pub use groups::GuardReport;
pub use nodes::{LinkReport, NodeReport, OlderReport, PingReport};
pub use resources::{CheckReport, ResourceReport, ResourceState};
use serde::{Deserialize, Serialize};

/// The state of a node at one moment. Ages are in milliseconds; `None` means never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The name of this node.
    pub node: String,
    /// The status word of this node.
    pub status: String,
    /// The generation of this node.
    pub generation: u64,
    /// Milliseconds since the daemon started.
    pub uptime_ms: u64,
    /// Whether no group starts, stops or is handed over.
    pub stable: bool,
    /// Whether the graceful stop has begun.
    pub stopping: bool,
    /// Whether an executor is present.
    pub executor: bool,
    /// `auto_failback`, as in `ha.cf`.
    pub auto_failback: String,
    /// Every node, including this one.
    pub nodes: Vec<NodeReport>,
    /// Every ping node.
    pub ping_nodes: Vec<PingReport>,
    /// Every group.
    pub groups: Vec<GroupReport>,
    /// What is being handed over: the giver, the taker, and a set from the giver's view or a group.
    pub hand_over: Option<(String, String, String)>,
    /// Silent nodes that must be fenced before anything is taken.
    #[serde(default)]
    pub fencing: Vec<FenceReport>,
    /// The hold that forbids every group to move automatically.
    #[serde(default)]
    pub hold: Option<HoldReport>,
}

/// A hold of a [`Snapshot`] or of one of its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReport {
    /// The node on which the hold was ordered.
    pub by: String,
    /// How much longer it lasts.
    pub left_ms: u64,
}

/// What keeps a group of a [`Snapshot`] where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayReport {
    /// The hold that forbids the group to move automatically.
    pub hold: Option<HoldReport>,
    /// Why this node would take the group, if it is not taken only because it is held.
    pub withheld: Option<String>,
    /// How much longer the group is kept where it is because it has moved too often.
    pub held_down_ms: Option<u64>,
    /// Time until the group goes home.
    pub home_in_ms: Option<u64>,
    /// The group is away from home, and goes there by order only.
    pub waits_for_takeover: bool,
}

/// A silent node of a [`Snapshot`] that is being fenced, and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceReport {
    /// The name of the node.
    pub node: String,
    /// How far the fencing has come.
    pub state: FenceState,
    /// How long groups have been waiting.
    pub since_ms: u64,
    /// The number of the last attempt since then; 0 before the first.
    pub attempt: u32,
    /// Time until a device is asked (again).
    pub next_ms: Option<u64>,
    /// The groups that wait.
    pub groups: Vec<String>,
}

/// How far the fencing of a node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceState {
    /// The node has the chance to fence this node first.
    Delayed,
    /// A device is working.
    Running,
    /// No device could reset the node; it is retried.
    Failed,
}

/// A group of a [`Snapshot`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The group's first resource word.
    pub name: String,
    /// The group's resources, in start order.
    pub resources: Vec<String>,
    /// The node that should run the group.
    pub preferred: String,
    /// The node that owns the group, or owned it last.
    pub owner: Option<String>,
    /// The term of the ownership.
    pub term: u64,
    /// How far the owner has come.
    pub phase: Phase,
    /// How long the group has been in this state.
    pub since_ms: u64,
    /// The group may have been in this state for longer: the owner was not heard before.
    #[serde(default)]
    pub at_least: bool,
    /// Why the group is in this state, in words.
    pub reason: String,
    /// Another node owns the group, and something of it still runs on this node, which stops it.
    #[serde(default)]
    pub stopping_here: bool,
    /// The owner does not run the group, and only keeps others from it: the owner's haresources no
    /// longer has the line.
    #[serde(default)]
    pub kept_free: bool,
    /// Nodes that cannot run the group.
    pub unable: Vec<String>,
    /// Why each of these nodes cannot, in the same order.
    #[serde(default)]
    pub unable_because: Vec<Inability>,
    /// What failed on which node and was not repaired since.
    pub failures: Vec<FailureReport>,
    /// What keeps this node from starting the group or continuing its start, if no node runs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// What keeps the group where it is.
    #[serde(default)]
    pub stay: StayReport,
    /// How far each resource is on this node, in start order; empty where nothing of the group runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_states: Vec<ResourceReport>,
    /// The resources that run on this node although the group does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<String>,
    /// The machine that answers for an address of the group, which is not taken here because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardReport>,
    /// Set if the group's line is no longer in haresources: what is left of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retirement>,
}

/// Why a node cannot run a group, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inability {
    /// A start or a stop failed there: see the failures.
    Failed,
    /// An interface that the group needs has no carrier, or does not exist.
    Interface,
    /// The node's haresources lacks the line.
    OtherLine,
    /// Another node lacks the line, and runs one that this node does not know.
    UnknownLine,
    /// The node's executor is gone, and its services may still run.
    ExecutorLost,
    /// The node says so, and nothing has failed there: it has no working interface for the group,
    /// no executor, or another line.
    Told,
    /// The reason is unknown, at least to the reader.
    #[serde(other)]
    Unknown,
}

/// What is left of a group whose line is no longer in haresources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retirement {
    /// The group is being stopped here, or cannot be stopped.
    Here,
    /// The group is claimed here, so that no node that still has the line starts it.
    Claimed,
    /// Another node has the group by its own file.
    Elsewhere,
    /// Another node may have the group by its own file, but it is a C node, which does not report
    /// that.
    Untold,
    /// No node reports the group any longer.
    Over,
}

/// A start or stop that failed, in a [`GroupReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// The node.
    pub node: String,
    /// Start or stop.
    pub action: Action,
    /// The resource word.
    pub resource: String,
    /// The outcome, in words.
    pub outcome: String,
}

impl Cluster {
    /// Returns a copy of the state, for people and their tools.
    #[must_use]
    pub fn snapshot(&self, wording: &Wording) -> Snapshot {
        let groups = self.settings.group_ids();
        let groups = groups.map(|group| self.group_report(group, wording)).collect();
        Snapshot { groups, ..self.snapshot_without_groups(wording) }
    }

    /// Returns the same without the groups.
    #[must_use]
    pub fn snapshot_without_groups(&self, wording: &Wording) -> Snapshot {
        let names = |node: NodeId| self.settings.name(node).to_owned();
        Snapshot {
            node: names(self.settings.me),
            status: self.status.to_string(),
            generation: self.boot.generation,
            uptime_ms: self.age(Time::START),
            stable: self.placement.is_stable(),
            stopping: self.shutdown.has_begun(),
            executor: self.has_executor(),
            auto_failback: self.settings.failback.to_string(),
            nodes: self.settings.node_ids().map(|node| self.node_report(node)).collect(),
            ping_nodes: self.ping_reports(),
            groups: Vec::new(),
            hand_over: self.hand_over.running().map(|it| {
                (names(it.giver), names(it.taker), (wording.scope)(it.scope, &self.settings))
            }),
            fencing: self.fence_reports(),
            hold: self.hold_report(&self.holds.all),
        }
    }

    fn hold_report(&self, order: &HoldOrder) -> Option<HoldReport> {
        let (by, until) = order.in_force()?;
        Some(HoldReport { by: self.settings.name(by).to_owned(), left_ms: self.left(until) })
    }

    /// Milliseconds until a time.
    fn left(&self, at: Time) -> u64 {
        millis(at.since(self.now))
    }

    fn fence_reports(&self) -> Vec<FenceReport> {
        let report = |node: NodeId| {
            let fence = &self.fences[node.index()];
            let (state, since, attempt) = fence.progress()?;
            let waits = |group: &GroupId| {
                let first = self.first_obstacle(*group, Purpose::Take);
                matches!(first, Some(Obstacle::FencePending | Obstacle::InDoubt))
            };
            let groups = self.settings.group_ids().filter(waits);
            Some(FenceReport {
                node: self.settings.name(node).to_owned(),
                state,
                since_ms: self.age(since),
                attempt,
                next_ms: fence.deadline().map(|at| millis(at.since(self.now))),
                groups: groups
                    .map(|group| self.settings.groups[group.index()].name().to_owned())
                    .collect(),
            })
        };
        self.others().filter_map(report).collect()
    }

    fn age(&self, at: Time) -> u64 {
        millis(self.now.since(at))
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
