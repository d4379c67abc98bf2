//! Groups go home: what a node took because the preferred one was away, it hands back.

use super::Cluster;
use super::hand_over::Asker;
use crate::mutation::Mutation;
use crate::{Failback, GroupId, Hold, Phase, Scope, Time};
use std::time::Duration;

/// How long after a refused failback it is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// Hands groups back that we have only because their preferred node was away.
    pub(super) fn give_back(&mut self) {
        self.note_homes();
        if self.now < self.failback_after || self.hand_over.is_some() {
            return;
        }
        if self.errs(Mutation::Restless) {
            let _ = self.order_standby(Scope::Set(Hold::All), None, Asker::Home);
            return self.delay_failback();
        }
        let away = self.settings.group_ids().find(|group| {
            let is_away = self.stays[group.index()].home_since.is_some();
            is_away && self.shall_go_home(*group)
        });
        let Some(group) = away else { return };
        let home = self.preferred(group);
        // What cannot run there, or shall stay, stays; then the others go one by one.
        let mut groups = self.settings.group_ids();
        let all_can = groups.all(|group| {
            let may_go = self.can_go_home(group) && self.shall_go_home(group);
            self.preferred(group) != home || !self.is_ours(group) || may_go
        });
        let all_can = all_can && !self.guards_some_of(Hold::Foreign);
        let scope = if all_can { Scope::Set(Hold::Foreign) } else { Scope::Group(group) };
        if self.order_standby(scope, Some(home), Asker::Home).is_err() {
            self.delay_failback();
        }
    }

    /// Notes since when each group that we have only for its home's absence could go home.
    fn note_homes(&mut self) {
        for group in self.settings.group_ids() {
            let row = self.ownership.row(group);
            let ours = self.is_ours(group) && row.phase == Phase::Active && row.is_borrowed;
            let may_move = ours && self.is_configured(group);
            let since = (may_move && self.can_go_home(group)).then_some(self.now);
            let before = &mut self.stays[group.index()].home_since;
            *before = since.map(|now| before.unwrap_or(now));
        }
    }

    /// Whether a group goes home as soon as it can.
    fn shall_go_home(&self, group: GroupId) -> bool {
        let is_wanted = match self.settings.failback_of(group) {
            Failback::On | Failback::Legacy => true,
            Failback::Off | Failback::Manual => false,
            Failback::After(_) => self.home_due(group).is_none_or(|due| self.now >= due),
        };
        (is_wanted || self.owes_after_heal()) && self.may_go_home(group)
    }

    /// When a group has been waiting for its home long enough, if it has to wait.
    pub(super) fn home_due(&self, group: GroupId) -> Option<Time> {
        let Failback::After(span) = self.settings.failback_of(group) else { return None };
        self.stays[group.index()].home_since.map(|since| since + span)
    }

    /// Whether a group's home is another node that could take it now, as far as we know.
    fn can_go_home(&self, group: GroupId) -> bool {
        let (me, home) = (self.settings.me, self.preferred(group));
        home != me
            && self.could_take(group, home)
            && self.is_peer_settled(home)
            && !self.sees_fewer_pings(home, me)
    }

    /// A hand-over failed or was refused: the next failback waits a little.
    pub(super) fn delay_failback(&mut self) {
        self.failback_after = self.now + RETRY;
    }

    /// When a failback that could not begin is tried again.
    pub(super) fn failback_deadline(&self) -> Option<Time> {
        let homes = self.settings.group_ids().filter_map(|group| self.home_due(group));
        homes.chain([self.failback_after]).filter(|at| *at > self.now).min()
    }
}
