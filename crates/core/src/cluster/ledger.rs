//! The executor, and what is known about its groups before it has reported.
//!
//! ```text
//!   ledger of this boot          the executor greets
//!   lists a group ──▶ listed ──────────────────────▶ holds all of it: adopted as it is
//!                       │                            holds a part, or works on it: its start
//!    another node has   │                              goes on once the others were heard
//!    the better claim ──▶ stopping                   holds nothing: free
//! ```
//!
//! A listed group whose line is no longer in the file (the file was changed while no daemon was
//! running here, or before a daemon died) is retired: it is stopped, and claimed until then.
//!
//! A listed group runs, as far as is known, and so it is claimed: an executor that hangs, or waits
//! for an agent that does not end, holds it all the same. Nothing of it is started before this node
//! takes part, because another node may have taken it while no daemon was running here.

use super::Cluster;
use crate::mutation::Mutation;
use crate::{Cause, GroupId, Holding, Output, Phase};

impl Cluster {
    /// Restores the groups that the ledger lists, before the executor has reported.
    pub(super) fn recall_ledger(&mut self) {
        if self.is_mutated(Mutation::ForgetTheLedger) {
            return;
        }
        for index in 0..self.boot.listed.len() {
            let (group, term) = self.boot.listed[index];
            let is_known = self.settings.groups.get(group.index()).is_some();
            if !is_known || self.is_listed(group) {
                continue;
            }
            if self.is_configured(group) {
                self.presume(group, term);
                self.groups[group].runner.take_up();
                self.owned(group, Cause::Listed);
            } else {
                self.take_up_retired(group, term);
            }
            self.groups[group].is_listed = true;
        }
    }

    /// A group that runs here and is no longer in the file is stopped and belongs to this node
    /// until then, as after a reload: a node that still has the line does not take the group, and a
    /// replacement starts after it.
    fn take_up_retired(&mut self, group: GroupId, term: u64) {
        self.groups[group].runner.let_go();
        // A node without any line protects nothing. A claim would only keep the group from the
        // nodes that have a line.
        if self.settings.groups.iter().any(|group| !group.is_retired) {
            self.presume(group, term);
            self.set_phase(group, Phase::Stopping, Cause::Reload);
        }
        self.beat_soon();
    }

    /// Makes this node the owner of a group that it owned when the group was started, as far as the
    /// executor knows.
    fn presume(&mut self, group: GroupId, term: u64) {
        let me = self.settings.me;
        let key = self.settings.groups[group.index()].key;
        // Only a person's order keeps a group away from its preferred node.
        let is_kept = self.boot.kept_by_order.contains(&key);
        let is_borrowed = self.preferred(group) != me && !is_kept;
        self.presume_ours(group, term, is_borrowed);
    }

    /// Whether a group is claimed because the ledger lists it, and the executor has yet to report.
    pub(super) fn is_listed(&self, group: GroupId) -> bool {
        self.groups[group].is_listed
    }

    /// Processes the executor's report of what it holds.
    pub(super) fn executor_ready(&mut self, held: &[Holding]) {
        self.end_absence(held);
        if self.executor.greet() {
            for group in self.settings.group_ids() {
                let holding = held.iter().find(|holding| holding.group == group);
                let is_listed = std::mem::take(&mut self.groups[group].is_listed);
                self.compare(group, is_listed, holding.copied());
            }
        } else {
            held.iter().filter(|holding| !holding.is_whole).for_each(|it| self.verify(it.group));
        }
        self.tell_ability_anew();
        self.beat_soon();
    }

    /// Compares what was listed with what is held.
    fn compare(&mut self, group: GroupId, is_listed: bool, holding: Option<Holding>) {
        let is_starting = self.groups[group].runner.is_starting();
        match (is_listed, holding) {
            (true, Some(holding)) if holding.is_whole && is_starting => self.adopt(group),
            (true, None) if is_starting => self.find_free(group),
            // Its start continues, or it is being stopped already: stopping a group that does not
            // run costs nothing.
            (true, Some(_) | None) | (false, None) => {}
            (false, Some(holding)) => self.find_held(group, holding),
        }
    }

    /// Something is held that the ledger did not list, because the ledger could not be read.
    fn find_held(&mut self, group: GroupId, holding: Holding) {
        let row = &self.groups[group].row;
        let is_elsewhere = row.phase().holds() && row.owner() != Some(self.settings.me);
        if is_elsewhere || !self.groups[group].runner.is_idle() {
            return self.let_go(group);
        }
        if !self.is_configured(group) {
            return self.take_up_retired(group, holding.term);
        }
        self.presume(group, holding.term);
        if holding.is_whole {
            return self.adopt(group);
        }
        self.groups[group].runner.take_up();
        self.owned(group, Cause::Listed);
    }

    /// A returning executor holds only a part of what runs here, or cannot say more: the start is
    /// gone through again, which asks each resource and leaves running resources as they are.
    fn verify(&mut self, group: GroupId) {
        let is_running = self.is_ours(group) && self.groups[group].row.phase() == Phase::Active;
        if is_running && self.is_configured(group) && self.groups[group].runner.is_active() {
            self.groups[group].runner.verify();
            self.change_phase(group, Phase::Starting, Cause::Unsure);
        }
    }

    /// A group runs as it should: an earlier run of this daemon has started it.
    fn adopt(&mut self, group: GroupId) {
        self.groups[group].runner.adopt();
        self.set_phase(group, Phase::Active, Cause::Adopted);
    }

    /// Nothing runs of a group that was listed: it is free.
    fn find_free(&mut self, group: GroupId) {
        self.groups[group].runner.abandon();
        if self.is_ours(group) {
            self.change_phase(group, Phase::Stopped, Cause::LetGo);
        }
    }

    pub(super) fn executor_gone(&mut self) {
        self.begin_absence();
        self.lose_checks();
        if self.is_mutated(Mutation::AwaitTheDead) {
            return;
        }
        self.groups.iter_mut().for_each(|group| group.runner.lose_job());
    }

    /// The executor let go of a group, which no longer belongs to this node until this node takes
    /// it again.
    pub(super) fn let_go(&mut self, group: GroupId) {
        if self.groups.get(group).is_none() {
            return;
        }
        let runner = &mut self.groups[group].runner;
        let is_adding = runner.is_adding();
        if let Some(job) = runner.job().filter(|_| is_adding) {
            // Otherwise the stop would wait for a start that may take as long as its agent likes.
            self.outbox.push_back(Output::Cancel(job));
        }
        runner.let_go();
        if self.is_ours(group) {
            self.change_phase(group, Phase::Stopping, Cause::LetGo);
        }
    }
}
