//! The data of `hb status` about groups.

use super::{FailureReport, GroupReport, Inability, StayReport};
use crate::cluster::Cluster;
use crate::peer::Kind;
use crate::{Failback, GroupId, NodeId, Phase, Time, Wording};
use serde::{Deserialize, Serialize};

/// A machine that answers for an address of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardReport {
    /// Its Ethernet address.
    pub mac: String,
    /// The node that has it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl Cluster {
    /// Returns what the status shows of a group. [`Snapshot::groups`](crate::Snapshot::groups) has
    /// the groups in the order of [`Settings::group_ids`](crate::Settings::group_ids).
    ///
    /// # Panics
    ///
    /// If there is no such group.
    #[must_use]
    pub fn group_report(&self, id: GroupId, wording: &Wording) -> GroupReport {
        let (group, state) = (&self.settings.groups[id.index()], &self.groups[id]);
        let row = &state.row;
        let unable: Vec<NodeId> =
            self.settings.node_ids().filter(|node| !self.looks_able(id, *node)).collect();
        let because = unable.iter().map(|node| self.inability(id, *node));
        let names = unable.iter().map(|node| self.settings.name(*node).to_owned());
        GroupReport {
            name: group.name().to_owned(),
            resources: group.resources.iter().map(|r| r.word.clone()).collect(),
            preferred: self.settings.name(group.preferred).to_owned(),
            owner: row.owner().map(|owner| self.settings.name(owner).to_owned()),
            term: row.term(),
            phase: row.phase(),
            since_ms: self.age(state.since),
            at_least: row.owner().is_some_and(|owner| self.was_met_with(owner, state.since)),
            reason: (wording.cause)(&state.cause, &self.settings),
            stopping_here: !self.is_ours(id) && state.runner.may_run(),
            kept_free: self.is_kept_free(id),
            unable: names.collect(),
            unable_because: because.collect(),
            failures: self.failure_reports(id, wording),
            obstacles: self.shown_obstacles(id),
            stay: self.stay_report(id, wording),
            resource_states: self.resource_reports(id, wording),
            foreign: self.foreign_words(id),
            guard: self.guarded_by(id).map(|(mac, node)| GuardReport {
                mac: mac.to_string(),
                node: node.map(|node| self.settings.name(node).to_owned()),
            }),
            retired: group.is_retired.then(|| self.retirement(id)),
        }
    }

    fn looks_able(&self, group: GroupId, node: NodeId) -> bool {
        let may_here = self.has_carrier(group) && !self.waits_for_unknown_line(group);
        (node != self.settings.me || may_here) && self.groups[group].row.is_able(node)
    }

    fn inability(&self, group: GroupId, node: NodeId) -> Inability {
        let is_here = node == self.settings.me;
        if is_here && !self.has_carrier(group) {
            Inability::Interface
        } else if is_here && self.waits_for_unknown_line(group) {
            Inability::UnknownLine
        } else if !is_here && self.peer(node).lacks.contains(&group) {
            Inability::OtherLine
        } else if !is_here && self.peer(node).in_doubt[group.index()] {
            Inability::ExecutorLost
        } else if self.groups[group].failure(node).is_some() {
            Inability::Failed
        } else if is_here {
            Inability::Unknown
        } else {
            Inability::Told
        }
    }

    /// Whether the status of a group says that the file of a node that is heard lacks the line.
    pub(in crate::cluster) fn lacks_line(&self, group: GroupId, node: NodeId) -> bool {
        self.is_configured(group)
            && self.peer(node).is_alive()
            && !self.looks_able(group, node)
            && self.inability(group, node) == Inability::OtherLine
    }

    /// Whether another node claims a group that it does not run, by a file without this line.
    pub(in crate::cluster) fn is_kept_free(&self, group: GroupId) -> bool {
        let row = &self.groups[group].row;
        let owner = row.owner().filter(|owner| *owner != self.settings.me);
        owner.map(|owner| self.peer(owner)).is_some_and(|peer| {
            let is_told = peer.is_alive() && peer.kind == Kind::Systole;
            let runs = peer.runs[group.index()] || peer.in_doubt[group.index()];
            is_told && row.phase() == Phase::Active && !runs && self.is_configured(group)
        })
    }

    /// Whether a group of another node was already in its present state when that node's table was
    /// first heard, or heard again after a silence.
    fn was_met_with(&self, owner: NodeId, since: Time) -> bool {
        let peer = self.peer(owner);
        let met = peer.heard_since..=peer.heard_since + peer.dead_after;
        owner != self.settings.me && met.contains(&since)
    }

    fn failure_reports(&self, group: GroupId, wording: &Wording) -> Vec<FailureReport> {
        let resources = &self.settings.groups[group.index()].resources;
        let failed = self.settings.node_ids();
        let failed = failed.filter_map(|node| Some((node, self.groups[group].failure(node)?)));
        let report = failed.map(|(node, failure)| {
            let resource = resources.get(usize::from(failure.resource));
            FailureReport {
                node: self.settings.name(node).to_owned(),
                action: failure.action,
                resource: resource.map_or("", |resource| &resource.word).to_owned(),
                outcome: (wording.failure)(&failure, resource),
            }
        });
        report.collect()
    }

    fn stay_report(&self, group: GroupId, wording: &Wording) -> StayReport {
        let (stay, row) = (&self.groups[group], &self.groups[group].row);
        let is_away = row.phase() == Phase::Active && row.owner() != Some(self.preferred(group));
        StayReport {
            hold: self.hold_report(&stay.hold),
            withheld: self.withheld(group).map(|cause| (wording.cause)(&cause, &self.settings)),
            held_down_ms: stay.down.until().map(|until| self.left(until)),
            home_in_ms: self.home_due(group).map(|due| self.left(due)),
            waits_for_takeover: is_away && self.settings.failback_of(group) == Failback::Manual,
        }
    }
}
