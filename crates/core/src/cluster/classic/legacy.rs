//! `auto_failback legacy`: groups are requested one by one, and no node reports what it holds.

use super::RETRY;
use crate::cluster::Cluster;
use crate::cluster::gate::Purpose;
use crate::{Cause, Failback, GroupId, Message, NodeId, Phase};

impl Cluster {
    /// Requests from a C node each group that should be here. A C node that is still starting does
    /// not answer, so the request is repeated.
    pub(super) fn ask_for_groups(&mut self) {
        let wanted: Vec<GroupId> = self.wanted_groups().collect();
        self.classic.asked_groups = (!wanted.is_empty()).then_some(self.now);
        for group in wanted {
            let key = self.settings.groups[group.index()].name().into();
            self.send(Message::GroupRequest { key }, None);
        }
    }

    /// The groups that prefer this node, do not run here and could run here.
    fn wanted_groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let me = self.settings.me;
        self.settings.group_ids().filter(move |group| {
            let is_here = self.is_ours(*group) && self.groups[*group].row.phase().holds();
            let can_start = self.groups[*group].runner.is_idle() && self.has_executor();
            let can_start = can_start && self.groups[*group].row.is_able(me);
            let is_own = self.preferred(*group) == me && self.is_configured(*group);
            is_own && !is_here && can_start
        })
    }

    /// Requests a group of this node when it has stopped here, and again if there was no answer.
    pub(super) fn ask_again(&mut self) {
        let is_due = self.classic.asked_groups.is_none_or(|at| self.now.since(at) >= RETRY);
        if self.settings.failback != Failback::Legacy || !is_due {
            return;
        }
        self.classic.asked_groups = None;
        if self.takes_part() && self.classic_peer().is_some() {
            self.ask_for_groups();
        }
    }

    /// The peer requests that this node release one of the peer's groups (legacy mode).
    pub(in crate::cluster) fn handle_group_request(&mut self, from: NodeId, key: &str) {
        let Some(group) = self.group_by_name(key).filter(|_| self.takes_part()) else { return };
        let owned = self.is_ours(group) && self.groups[group].row.phase().holds();
        if owned {
            let taker = from;
            self.release(group, Cause::HandOver { giver: self.settings.me, taker });
            self.record_request(group, from);
        } else if self.conflicts_here(group) {
            self.record_request(group, from);
        } else {
            self.grant(group, from, false);
        }
    }

    /// Keeps one request per node and group, however often the node asks.
    fn record_request(&mut self, group: GroupId, from: NodeId) {
        let requested_by = &mut self.groups[group].requested_by;
        if !requested_by.contains(&from) {
            requested_by.push(from);
        }
    }

    /// Answers the requests whose groups are stopped by now.
    pub(in crate::cluster) fn elapse_requests(&mut self) {
        for group in self.settings.group_ids() {
            let is_asked = !self.groups[group].requested_by.is_empty();
            if is_asked && self.groups[group].runner.is_idle() && !self.conflicts_here(group) {
                for from in std::mem::take(&mut self.groups[group].requested_by) {
                    self.grant(group, from, true);
                }
            }
        }
    }

    fn grant(&mut self, group: GroupId, to: NodeId, owned: bool) {
        let key = self.settings.groups[group.index()].name().into();
        self.send(Message::GroupGrant { key, owned, granted: true }, Some(to));
        let cause = Cause::HandOver { giver: self.settings.me, taker: to };
        self.leave_to(to, group, Phase::Active, cause);
    }

    /// The peer has released one of this node's groups (legacy mode).
    pub(in crate::cluster) fn handle_group_grant(
        &mut self,
        from: NodeId,
        key: &str,
        granted: bool,
    ) {
        let Some(group) = self.group_by_name(key).filter(|_| self.takes_part()) else { return };
        let is_own = self.preferred(group) == self.settings.me;
        if granted && is_own && self.settings.failback == Failback::Legacy {
            self.take_given(group, from, Purpose::Granted);
        }
    }

    fn group_by_name(&self, name: &str) -> Option<GroupId> {
        let mut groups = self.settings.known_groups();
        groups.find(|(_, group)| group.name() == name).map(|(id, _)| id)
    }
}
