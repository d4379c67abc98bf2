//! A classic peer and we have the same groups: after a partition, or because one stood still.
//!
//! A classic node that sees another return from the dead gives everything up two seconds later
//! and restarts. Where both see it so, that settles it. Where it was the peer that stood still, it
//! noticed nothing but one late beat, has taken everything, and will not let go of it again.

use crate::cluster::Cluster;
use crate::peer::Kind;
use crate::{Cause, Failback, GroupId, GroupSet, NodeId, Occasion, Phase, Time};
use std::time::Duration;

/// How long a classic peer is given to begin its restart, which it does after two seconds.
pub(super) const RESTART_WAIT: Duration = Duration::from_secs(3);

/// What is done about groups that both have.
///
/// ```text
///   None ──the peer tells that it has a group of ours──▶ Waiting
///   Waiting ──it stops, or dies──▶ None        Waiting ──3 s──▶ Yielding ──all stopped──▶ None
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Nothing is on both nodes as far as told.
    #[default]
    None,
    /// The peer should begin its restart until then.
    Waiting(Time),
    /// We stop what it has.
    Yielding,
}

impl Conflict {
    pub(super) fn deadline(self) -> Option<Time> {
        match self {
            Self::Waiting(until) => Some(until),
            Self::None | Self::Yielding => None,
        }
    }

    /// Takes note of a report of the peer: one that stops needs no answer.
    pub(super) fn note(&mut self, occasion: Occasion) {
        if occasion == Occasion::Shutdown {
            *self = Self::None;
        }
    }
}

impl Cluster {
    /// A classic peer is heard again after a partition. What we had first we keep; what we took from it
    /// meanwhile we give up at once, because it has that still.
    pub(in crate::cluster) fn classic_returns(&mut self, node: NodeId) {
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

    /// The sets of which a classic peer has groups by our table, seen from it.
    fn conceded_to(&self, peer: NodeId) -> GroupSet {
        let rows = self.settings.group_ids().filter(|group| {
            let row = &self.groups[*group].row;
            row.owner == Some(peer) && row.phase.holds()
        });
        rows.fold(GroupSet::None, |hold, group| {
            let is_home = self.preferred(group) == peer;
            hold.with(if is_home { GroupSet::Local } else { GroupSet::Foreign })
        })
    }

    /// Whether a classic peer gets its groups back that it gave up because of a partition: beside
    /// another one it would have taken them again after its restart, whatever `auto_failback` says.
    pub(in crate::cluster) fn owes_after_heal(&self) -> bool {
        self.classic.owes && self.classic_peer().is_some()
    }

    /// A group of ours is stopped though nobody asked for it: a classic peer that called us dead
    /// may have it, and told so.
    pub(in crate::cluster) fn classic_recalls(&mut self) {
        if let Some(peer) = self.classic_peer()
            && self.settings.failback != Failback::Legacy
        {
            self.record_theirs(peer);
        }
    }

    /// Gives up what a classic peer has, too, when it does not restart by itself.
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
            // Who has just fallen silent may have nothing any more.
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
                // It hands our groups back when it sees us become stable.
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

    /// The groups that run here and of which a classic peer says that it has them.
    fn contested(&self, peer: NodeId) -> impl Iterator<Item = GroupId> + '_ {
        let is_over = !self.takes_part() || self.peer(peer).has_left || self.moves_groups();
        self.settings.group_ids().filter(move |group| !is_over && self.is_contested(*group))
    }

    /// Whether a group runs here, and a classic peer says that it has it.
    pub(in crate::cluster) fn is_contested(&self, group: GroupId) -> bool {
        let theirs = self.classic.theirs;
        let says_so = |peer| {
            if self.preferred(group) == peer { theirs.has_local() } else { theirs.has_foreign() }
        };
        let is_here = self.is_ours(group) && self.groups[group].row.phase.holds();
        is_here && self.classic_peer().is_some_and(says_so)
    }

    /// Stops a group and lets the peer have it.
    fn concede(&mut self, group: GroupId, peer: NodeId) {
        self.give_way_to_owner(group);
        self.leave_to(peer, group, Phase::Active, Cause::Outranked(peer));
    }

    /// The sets of which we have groups.
    pub(super) fn held(&self) -> GroupSet {
        self.sets_of(|_| true)
    }

    /// The sets of which we have groups that run.
    pub(super) fn held_whole(&self) -> GroupSet {
        self.sets_of(|group| self.groups[group].runner.is_active())
    }

    /// The sets of which we have groups of which something runs.
    pub(super) fn held_in_part(&self) -> GroupSet {
        self.sets_of(|group| !self.groups[group].runner.is_idle())
    }

    fn sets_of(&self, counts: impl Fn(GroupId) -> bool) -> GroupSet {
        let ours = self.settings.group_ids().filter(|group| self.is_ours(*group));
        let held = ours.filter(|group| self.groups[*group].row.phase.holds());
        self.sets_among(held.filter(|group| counts(*group)))
    }

    /// The sets to which groups belong, seen from us.
    pub(in crate::cluster) fn sets_among(&self, groups: impl Iterator<Item = GroupId>) -> GroupSet {
        let me = self.settings.me;
        groups.fold(GroupSet::None, |hold, group| {
            let is_local = self.preferred(group) == me;
            hold.with(GroupSet::of(is_local, !is_local))
        })
    }
}
