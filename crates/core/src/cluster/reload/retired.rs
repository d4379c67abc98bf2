//! Groups that are no longer in haresources.
//!
//! The files of two nodes change one after the other. Meanwhile one node knows a group by a line
//! that the other node does not have, and two lines may need the same address. So that nothing runs
//! twice:
//!
//! * A node keeps claiming a group that it has retired as long as another node may still have the
//!   line, because otherwise that node would take it. With the claim this node *guards* what runs
//!   here instead.
//! * A group that shares a resource with a retired group is not started while another node has the
//!   retired group, or before every node that may still have the line knows the claim on it.
//! * Nor is a group started that another node's file lacks, while that node runs a line that is not
//!   known here: see [`unknown_lines`].
//! * Where another node has the better claim on a retired group, every group that shares a resource
//!   with it stops.
//!
//! A claim that no longer guards anything, because no group that it guards can run here, is given
//! up: then the other node runs what is in its own file.

use super::Predecessor;
use crate::cluster::Cluster;
use crate::cluster::classic::ClassicInput;
use crate::cluster::rows::Row;
use crate::group::Runner;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Cause, GroupId, GroupIds, NodeId, Output, Phase, Retirement};
use std::time::Duration;

/// How long a node that has an old line is given to take a group that no node runs.
const TURN: Duration = Duration::from_secs(5);

impl Cluster {
    /// The retired groups.
    pub(in crate::cluster) fn retired(&self) -> GroupIds {
        self.settings.retired_ids()
    }

    /// Whether another node may still have the line of a group: its last table had it.
    pub(in crate::cluster) fn may_be_elsewhere(&self, group: GroupId) -> bool {
        self.others().any(|node| self.may_have(node, group))
    }

    fn may_have(&self, node: NodeId, group: GroupId) -> bool {
        let peer = self.peer(node);
        let is_met = peer.last_status.is_some() && peer.kind != Kind::Classic;
        is_met && !peer.lacks.contains(&group)
    }

    /// What is left of a retired group.
    pub(in crate::cluster) fn retirement(&self, retired: GroupId) -> Retirement {
        let row = &self.groups[retired].row;
        if !self.groups[retired].runner.is_idle() {
            Retirement::Here
        } else if self.is_reserved_here(retired) {
            Retirement::Claimed
        } else if let Some(holder) = self.holder(row) {
            // A C node reports sets, not lines: what is remembered of its sets is no news about its
            // file.
            let is_told = self.peer(holder).kind != Kind::Classic;
            if is_told { Retirement::Elsewhere } else { Retirement::Untold }
        } else {
            Retirement::Over
        }
    }

    /// Whether this node's beats report a group. A retired group is reported while this node owns
    /// it and it matters, or while the group, or a group that shares a resource with it, runs here.
    pub(in crate::cluster) fn is_told(&self, group: GroupId) -> bool {
        let row = &self.groups[group].row;
        let is_ours = row.owner() == Some(self.settings.me);
        self.is_configured(group)
            || is_ours && (row.phase().holds() || self.may_be_elsewhere(group))
            || !self.groups[group].runner.is_idle()
            || self.runs_here(group) && self.may_be_elsewhere(group)
    }

    /// The retired groups with which a group shares a resource.
    fn rivals(&self, group: GroupId) -> impl Iterator<Item = GroupId> + '_ {
        let pairs = self.groups.overlaps.iter().filter(move |(one, _)| *one == group);
        pairs.map(|(_, retired)| *retired)
    }

    /// The groups that share a resource with a retired group.
    fn heirs(&self, retired: GroupId) -> impl Iterator<Item = GroupId> + '_ {
        let pairs = self.groups.overlaps.iter().filter(move |(_, two)| *two == retired);
        pairs.map(|(group, _)| *group)
    }

    /// Whether something of a group may run here, or, for a retired group, something that shares a
    /// resource with it: a node that has the old line must not start it, and a claim that guards a
    /// running group does not give way to a claim that only keeps the line free.
    pub(in crate::cluster) fn runs_here(&self, group: GroupId) -> bool {
        let is_at_work =
            |group: GroupId| self.groups[group].runner.may_run() || self.groups[group].in_doubt;
        is_at_work(group) || self.heirs(group).chain(self.kin(group)).any(is_at_work)
    }

    /// The other retired groups that share a resource with a retired group: a line that was changed
    /// twice may still be stopping in its second form while another node has the first form.
    fn kin(&self, retired: GroupId) -> impl Iterator<Item = GroupId> + '_ {
        let group = &self.settings.groups[retired.index()];
        let shares = move |other: &GroupId| {
            let other_group = &self.settings.groups[other.index()];
            *other != retired && group.is_retired && other_group.shares_with(group)
        };
        self.retired().filter(shares)
    }

    /// Whether a retired group that shares a resource with a group still runs here.
    pub(in crate::cluster) fn conflicts_here(&self, group: GroupId) -> bool {
        self.rivals(group).any(|retired| !self.groups[retired].runner.is_idle())
    }

    /// Whether another node has, or may run, a line that shares a resource with a group and is not
    /// in this node's file.
    pub(in crate::cluster) fn may_conflict_elsewhere(&self, group: GroupId) -> bool {
        let is_elsewhere = |retired| {
            self.holder(&self.groups[retired].row).is_some() || self.runs_elsewhere(retired)
        };
        self.rivals(group).any(is_elsewhere) || self.may_run_by_another_line(group)
    }

    /// Whether another node has a retired group that shares a resource with a group.
    pub(in crate::cluster) fn is_claimed_by_an_old_line(&self, group: GroupId) -> bool {
        self.rivals(group).any(|retired| self.holder(&self.groups[retired].row).is_some())
    }

    /// Whether a node that is heard still runs a retired group that shares a resource with a group.
    pub(in crate::cluster) fn conflicts_elsewhere(&self, group: GroupId) -> bool {
        self.rivals(group).any(|retired| self.runs_elsewhere(retired))
    }

    /// Whether a group waits for another node, which runs something that shares a resource with the
    /// group by a line that is retired here: until that node has the new file too, the group cannot
    /// run here.
    pub(in crate::cluster) fn waits_for_another_file(&self, group: GroupId) -> bool {
        let is_needed_there = |retired: GroupId| {
            self.holder(&self.groups[retired].row).is_some() && self.runs_elsewhere(retired)
        };
        self.groups[group].runner.is_idle() && self.rivals(group).any(is_needed_there)
    }

    /// The other node that has a group, unless that node is dead.
    fn holder(&self, row: &Row) -> Option<NodeId> {
        let owner = row.owner().filter(|owner| *owner != self.settings.me && row.phase().holds());
        owner.filter(|owner| !self.is_gone(*owner))
    }

    /// Whether no node can start a former line that shares a resource with a group: every such line
    /// is reserved, and every node that may have it knows that.
    pub(in crate::cluster) fn is_reserved(&self, group: GroupId) -> bool {
        let is_safe = |retired| {
            !self.may_be_elsewhere(retired)
                || self.is_reserved_here(retired) && self.is_reservation_known(retired)
        };
        self.is_mutated(Mutation::IgnoreTheRetired) || self.rivals(group).all(is_safe)
    }

    /// Reserves the former lines that share a resource with a group that is about to start.
    pub(in crate::cluster) fn reserve_for(&mut self, group: GroupId) {
        for pair in 0..self.groups.overlaps.len() {
            let (heir, retired) = self.groups.overlaps[pair];
            let is_wanted = heir == group && self.may_be_elsewhere(retired);
            if is_wanted && !self.is_reserved_here(retired) && self.may_reserve(retired) {
                self.reserve(retired);
            }
        }
    }

    fn is_reserved_here(&self, retired: GroupId) -> bool {
        let row = &self.groups[retired].row;
        row.owner() == Some(self.settings.me) && row.phase().holds()
    }

    fn is_reservation_known(&self, retired: GroupId) -> bool {
        let barrier = self.groups[retired].reserved;
        let mut holders = self.others().filter(|node| self.may_have(*node, retired));
        holders.all(|node| barrier.is_passed_by(self.peer(node)))
    }

    /// Whether a retired group is free, and no node is about to take it by its own file.
    fn may_reserve(&self, retired: GroupId) -> bool {
        // Each of two nodes may have replaced the other's line and wait for the other. The first of
        // them waits no longer than the other would have needed.
        let has_waited = self.now.since(self.groups[retired].since) >= TURN;
        let is_wanted = |node: NodeId| {
            let peer = self.peer(node);
            let waits_for_us = has_waited && self.settings.me < node;
            peer.can_negotiate()
                && self.may_have(node, retired)
                && self.groups[retired].row.is_able(node)
                && !waits_for_us
        };
        self.holder(&self.groups[retired].row).is_none()
            && !self.runs_elsewhere(retired)
            && !self.is_anyone_uncertain()
            && !self.others().any(is_wanted)
    }

    fn reserve(&mut self, retired: GroupId) {
        self.claim(retired, false);
        let phase = self.phase_of_reservation(retired);
        self.groups[retired].reserved = self.next_barrier();
        self.set_phase(retired, phase, Cause::Reload);
        self.outbox.push_back(Output::Store);
        self.beat_soon();
    }

    /// Keeps retired groups and their replacements apart.
    pub(in crate::cluster) fn update_retired(&mut self) {
        self.end_vain_trust();
        for retired in self.retired() {
            self.record_retirement(retired);
            if let Some(holder) = self.holder(&self.groups[retired].row) {
                self.meet_holder(retired, holder);
            } else if self.is_reserved_here(retired) {
                self.give_up_reservation(retired);
            } else {
                self.reserve_what_runs(retired);
            }
        }
    }

    /// Frees a group that was kept for this node but cannot run here, once nothing of a former line
    /// still runs.
    fn end_vain_trust(&mut self) {
        for group in self.settings.group_ids() {
            let is_kept = self.groups[group].row.is_entrusted();
            let is_idle = self.groups[group].runner.is_idle() && !self.conflicts_here(group);
            if is_kept && is_idle && !self.can_still_run(group) {
                self.end_trust(group);
                self.set_phase(group, Phase::Stopped, Cause::Reload);
                self.beat_soon();
            }
        }
    }

    /// Claims a retired group that no node has and that another node may be about to take, because
    /// something runs here that shares a resource with it.
    fn reserve_what_runs(&mut self, retired: GroupId) {
        let is_needed = self.heirs(retired).any(|heir| !self.groups[heir].runner.is_idle());
        let is_trusted = self.pause.is_verified() && !self.is_anyone_uncertain();
        if is_needed && is_trusted && self.may_be_elsewhere(retired) {
            self.reserve(retired);
        }
    }

    /// Leaves a retired group to others if nothing that shares a resource with it can run here: not
    /// even its heir, if the heir has grown by a resource that another node runs, and does not
    /// start before the other file has changed too.
    fn give_up_reservation(&mut self, retired: GroupId) {
        let may_run = |heir: GroupId| {
            let may_start = self.can_still_run(heir) && !self.waits_for_another_file(heir);
            !self.groups[heir].runner.is_idle() || may_start
        };
        let has_heirs = self.heirs(retired).next().is_some();
        let is_idle = self.groups[retired].runner.is_idle();
        if is_idle && has_heirs && !self.heirs(retired).any(may_run) {
            // Services of a lost executor may still run: that is in doubt, and is reported as such.
            let is_in_doubt = self.heirs(retired).any(|heir| self.groups[heir].in_doubt);
            let phase = if is_in_doubt { Phase::Failed } else { Phase::Stopped };
            self.set_phase(retired, phase, Cause::Reload);
            self.beat_soon();
        }
    }

    /// Another node has the better claim on a retired group. What runs here gives way to what runs
    /// there, but not to a claim that only keeps the line free, nor to a group that is being
    /// stopped or only believed to run.
    fn meet_holder(&mut self, retired: GroupId, holder: NodeId) {
        let reserves = self.heirs(retired).any(|heir| !self.groups[heir].runner.is_idle());
        let is_weak = match self.groups[retired].row.phase() {
            Phase::Stopping => true,
            Phase::Starting => !self.groups[retired].row.is_able(holder),
            Phase::Active | Phase::Blocked | Phase::Stopped | Phase::Failed => false,
        };
        if reserves && !self.runs_elsewhere(retired) && self.pause.is_verified() {
            self.reserve(retired);
        } else if !(reserves && is_weak) {
            self.give_way(retired, holder);
        }
    }

    /// Stops the groups that share a resource with a retired group on which another node has the
    /// better claim.
    fn give_way(&mut self, retired: GroupId, holder: NodeId) {
        for pair in 0..self.groups.overlaps.len() {
            let (group, other) = self.groups.overlaps[pair];
            let row = &self.groups[group].row;
            let is_running = matches!(row.phase(), Phase::Starting | Phase::Active);
            let is_here = self.is_ours(group) && !self.groups[group].runner.is_idle();
            if other == retired && is_running && is_here {
                self.set_phase(group, Phase::Stopping, Cause::Outranked(holder));
                self.give_way_to_owner(group);
            }
        }
    }

    /// The phase of a claim that guards other groups: stopping while all that it guards is being
    /// stopped, and starting while an earlier daemon alone has begun to start that.
    fn phase_of_reservation(&self, retired: GroupId) -> Phase {
        let runners = || self.heirs(retired).map(|heir| &self.groups[heir].runner);
        let mut at_work = runners().filter(|runner| !runner.is_idle()).peekable();
        if at_work.peek().is_some() && at_work.all(Runner::is_taken_up) {
            return Phase::Starting;
        }
        let is_firm =
            |runner: &Runner| runner.is_starting() || runner.is_active() || runner.is_stuck();
        let is_at_work = runners().any(|runner| !runner.is_idle());
        if is_at_work && !runners().any(is_firm) { Phase::Stopping } else { Phase::Active }
    }

    /// A retired group of this node is stopped. While others may still have its line it stays
    /// claimed.
    pub(in crate::cluster) fn record_retirement(&mut self, retired: GroupId) {
        if !self.groups[retired].runner.is_idle() || !self.is_reserved_here(retired) {
            return;
        }
        if self.may_be_elsewhere(retired) {
            let phase = self.phase_of_reservation(retired);
            self.change_phase(retired, phase, self.groups[retired].cause);
            return;
        }
        self.set_phase(retired, Phase::Stopped, self.groups[retired].cause);
        self.beat_soon();
        self.tell_classic(ClassicInput::GroupsStopped);
        self.ipfail_may_move();
    }

    /// Another node no longer reports a group: if the group is retired, it no longer runs there.
    pub(in crate::cluster) fn forgotten_by(&mut self, node: NodeId, group: GroupId) {
        let row = &self.groups[group].row;
        let had_it = row.owner() == Some(node) && row.phase().holds();
        if had_it && !self.is_configured(group) {
            self.set_phase(group, Phase::Stopped, Cause::OwnerLeft(node));
        }
    }

    /// A group is no longer in haresources: it is stopped where it runs.
    pub(super) fn retire(&mut self, group: GroupId) {
        self.groups[group].forget_stay();
        self.end_trust(group);
        let runner = &self.groups[group].runner;
        if runner.is_active() || runner.is_starting() {
            if self.is_ours(group) {
                self.change_phase(group, Phase::Stopping, Cause::Reload);
            }
            self.yield_group(group);
        }
    }

    /// A group is in haresources again. A group that was claimed only because of others is to start
    /// here.
    pub(super) fn reinstate(&mut self, group: GroupId, predecessor: Option<Predecessor>) {
        if !self.groups[group].runner.is_idle() {
            return;
        }
        if self.is_reserved_here(group) {
            let row = self.groups[group].row;
            self.entrust(group, row.term(), row.is_borrowed());
            return self.owned(group, Cause::Reload);
        }
        // The others were told that this node cannot run the group.
        self.groups[group].able = self.next_barrier();
        if self.holder(&self.groups[group].row).is_none() {
            self.add(group, predecessor);
        }
    }
}
