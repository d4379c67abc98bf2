//! A C node and this node have the same groups: after a partition, or because one of them stood
//! still.
//!
//! A C node that sees another node return from the dead gives everything up two seconds later and
//! restarts. If both nodes see it so, that settles it. If it was the peer that stood still, the
//! peer noticed nothing but one late beat, has taken everything, and will not let go of it again.

use crate::cluster::Cluster;
use crate::peer::Kind;
use crate::{Cause, Failback, GroupId, GroupSet, NodeId, Occasion, Phase, Time};
use std::time::Duration;

/// How long a C node is given to begin its restart, which it does after two seconds.
pub(super) const RESTART_WAIT: Duration = Duration::from_secs(3);

/// What is done about groups that both nodes have.
///
/// ```text
///   None ──the peer tells that it has a group of ours──▶ Waiting
///   Waiting ──it stops, or dies──▶ None        Waiting ──3 s──▶ Yielding ──all stopped──▶ None
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Conflict {
    /// No group is on both nodes, as far as reported.
    #[default]
    None,
    /// The peer should begin its restart before this time.
    Waiting(Time),
    /// This node stops the groups that the peer has.
    Yielding,
}

impl Conflict {
    pub(super) fn deadline(self) -> Option<Time> {
        match self {
            Self::Waiting(until) => Some(until),
            Self::None | Self::Yielding => None,
        }
    }

    /// Processes a report of the peer: a peer that stops needs no answer.
    pub(super) fn note(&mut self, occasion: Occasion) {
        if occasion == Occasion::Shutdown {
            *self = Self::None;
        }
    }
}

impl Cluster {
    /// A C node is heard again after a partition. Groups that this node had first it keeps; groups
    /// that it took from the peer meanwhile it gives up at once, because the peer still has them.
    pub(super) fn classic_returns(&mut self, node: NodeId) {
        if self.peer(node).kind != Kind::Classic {
            return;
        }
        for group in self.settings.group_ids() {
            let (since, cause) = (self.groups[group].since, self.groups[group].cause);
            let is_taken = matches!(cause, Cause::OwnerDead { owner, .. } if owner == node);
            if is_taken && since >= self.classic.died && self.is_ours(group) {
                self.concede(group, node);
            }
        }
        self.classic.ours = self.held();
        self.classic.owes = true;
        self.classic.theirs = self.conceded_to(node);
        self.await_restart(node);
    }

    /// The sets of which a C node has groups by this node's table, from the view of the C node.
    fn conceded_to(&self, peer: NodeId) -> GroupSet {
        let rows = self.settings.group_ids().filter(|group| {
            let row = &self.groups[*group].row;
            row.owner() == Some(peer) && row.phase().holds()
        });
        rows.fold(GroupSet::None, |hold, group| {
            let is_home = self.preferred(group) == peer;
            hold.with(if is_home { GroupSet::Local } else { GroupSet::Foreign })
        })
    }

    /// Whether a C node gets back the groups that it gave up because of a partition: beside another
    /// C node, it would have taken them again after its restart, whatever `auto_failback` says.
    pub(in crate::cluster) fn owes_after_heal(&self) -> bool {
        self.classic.owes && self.classic_peer().is_some()
    }

    /// A group of this node is stopped although no one ordered it: a C node that declared this node
    /// dead may have the group, and has said so.
    pub(super) fn classic_recalls(&mut self) {
        if let Some(peer) = self.classic_peer()
            && self.settings.failback != Failback::Legacy
        {
            self.record_theirs(peer);
        }
    }

    /// Gives up the groups that a C node has too, if the C node does not restart on its own.
    pub(super) fn elapse_conflict(&mut self) {
        let Some(peer) = self.classic_peer() else {
            self.classic.conflict = Conflict::None;
            return;
        };
        let contested: Vec<GroupId> = self.contested(peer).collect();
        match self.classic.conflict {
            Conflict::None if !contested.is_empty() => {
                self.classic.conflict = Conflict::Waiting(self.now + RESTART_WAIT);
            }
            Conflict::Waiting(_) if contested.is_empty() => self.classic.conflict = Conflict::None,
            // A peer that has just fallen silent may no longer have anything.
            Conflict::Waiting(until) if self.now >= until && !self.is_heard_in_time(peer) => {
                self.classic.conflict = Conflict::Waiting(self.now + self.keepalive());
            }
            Conflict::Waiting(until) if self.now >= until => {
                for group in contested {
                    self.concede(group, peer);
                }
                self.classic.ours = self.held();
                self.classic.conflict = Conflict::Yielding;
                self.classic.owes = false;
                // The peer hands this node's groups back when it sees this node become stable.
                self.classic_report(Occasion::Standby);
            }
            Conflict::Yielding if self.is_settled() => {
                self.classic.conflict = Conflict::None;
                self.classic_report(Occasion::Report);
            }
            Conflict::None | Conflict::Waiting(_) | Conflict::Yielding => {}
        }
    }

    fn is_heard_in_time(&self, peer: NodeId) -> bool {
        let last = self.peer(peer).last_status;
        last.is_some_and(|last| self.now.since(last) <= self.keepalive() * 2)
    }

    /// The groups that run here and that a C node says it has.
    fn contested(&self, peer: NodeId) -> impl Iterator<Item = GroupId> + '_ {
        let is_over = !self.takes_part() || self.peer(peer).has_left || self.moves_groups();
        self.settings.group_ids().filter(move |group| !is_over && self.is_contested(*group))
    }

    /// Whether a group runs here although a C node says that it has the group.
    pub(in crate::cluster) fn is_contested(&self, group: GroupId) -> bool {
        let theirs = self.classic.theirs;
        let says_so = |peer| {
            if self.preferred(group) == peer { theirs.has_local() } else { theirs.has_foreign() }
        };
        let is_here = self.is_ours(group) && self.groups[group].row.phase().holds();
        is_here && self.classic_peer().is_some_and(says_so)
    }

    /// Stops a group and leaves it to the peer.
    fn concede(&mut self, group: GroupId, peer: NodeId) {
        self.give_way_to_owner(group);
        self.leave_to(peer, group, Phase::Active, Cause::Outranked(peer));
    }

    /// The sets of which this node has groups.
    pub(super) fn held(&self) -> GroupSet {
        self.sets_of(|_| true)
    }

    /// The sets of which this node has groups that run.
    pub(super) fn held_whole(&self) -> GroupSet {
        self.sets_of(|group| self.groups[group].runner.is_active())
    }

    /// The sets of which this node has groups that run at least in part.
    pub(super) fn held_in_part(&self) -> GroupSet {
        self.sets_of(|group| !self.groups[group].runner.is_idle())
    }

    fn sets_of(&self, counts: impl Fn(GroupId) -> bool) -> GroupSet {
        let ours = self.settings.group_ids().filter(|group| self.is_ours(*group));
        let held = ours.filter(|group| self.groups[*group].row.phase().holds());
        self.sets_among(held.filter(|group| counts(*group)))
    }

    /// The sets to which groups belong, seen from this node.
    pub(in crate::cluster) fn sets_among(&self, groups: impl Iterator<Item = GroupId>) -> GroupSet {
        let me = self.settings.me;
        groups.fold(GroupSet::None, |hold, group| {
            let is_local = self.preferred(group) == me;
            hold.with(GroupSet::of(is_local, !is_local))
        })
    }
}
