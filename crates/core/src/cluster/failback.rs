//! Failback: groups that a node took because their preferred node was away are handed back to it.

use super::Cluster;
use super::hand_over::Asker;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Action, Failback, GroupId, GroupKey, GroupSet, NodeId, Output, Phase, Scope, Time};
use std::time::Duration;

/// How long a failback waits for a home that does not look ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Wait before a refused failback is retried.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// Hands back groups that this node has only because their preferred node was away.
    pub(super) fn give_back(&mut self) {
        self.record_homes();
        if self.now < self.offers.failback_after || self.hand_over.runs() {
            return;
        }
        if self.is_mutated(Mutation::Restless) {
            let _ = self.order_standby(Scope::Set(GroupSet::All), None, Asker::Home);
            return self.delay_failback();
        }
        for group in self.settings.group_ids() {
            if !self.leaves_for_home(group) {
                continue;
            }
            let home = self.preferred(group);
            let all = self.all_leave_for(home) && !self.asks_one_by_one(home);
            let scope = if all { Scope::Set(GroupSet::Foreign) } else { Scope::Group(group) };
            match self.order_standby(scope, Some(home), Asker::Home) {
                Ok(()) => return,
                // The other groups go without it.
                Err(why) if why.needs_mending() => {}
                Err(_) => return self.delay_failback(),
            }
        }
    }

    /// Whether a group of this node is to be handed to its preferred node now.
    fn leaves_for_home(&self, group: GroupId) -> bool {
        let is_away = self.groups[group].home_since.is_some();
        let home = self.preferred(group);
        let is_wanted = is_away && self.shall_go_home(group);
        is_wanted
            && !self.has_declined(group, home)
            && (self.has_waited_for_home(group) || self.is_ready_for(home))
    }

    /// Whether a group could have gone home for so long that the home is asked although it may
    /// refuse: this node may not know why the home looks as if it were not ready.
    fn has_waited_for_home(&self, group: GroupId) -> bool {
        let due = self.home_due(group).or(self.groups[group].home_since);
        due.is_some_and(|due| self.now >= due + READY_WITHIN)
    }

    /// Whether every group that this node has and that prefers another node leaves for one node.
    /// Only then the whole set goes at once: a group that cannot run there, must stay, or prefers a
    /// third node would go too.
    fn all_leave_for(&self, home: NodeId) -> bool {
        let me = self.settings.me;
        let mut groups = self.settings.group_ids();
        let all_can = groups.all(|group| {
            let is_away = self.is_ours(group) && self.preferred(group) != me;
            !is_away || self.preferred(group) == home && self.leaves_for_home(group)
        });
        all_can && !self.reserves_some_of(GroupSet::Foreign)
    }

    /// The groups that prefer another node and are here because a person ordered it, to be stored.
    pub fn kept_by_order(&self) -> impl Iterator<Item = GroupKey> + '_ {
        let me = self.settings.me;
        let kept = move |group: &GroupId| {
            let row = &self.groups[*group].row;
            let is_here = row.owner() == Some(me) && row.phase().holds();
            is_here && !row.is_borrowed() && self.preferred(*group) != me
        };
        let groups = self.settings.group_ids().filter(kept);
        groups.map(|group| self.settings.groups[group.index()].key)
    }

    /// A node was restarted: all its groups that are here, even by order, are away from home from
    /// now on.
    pub(super) fn expect_home(&mut self, node: NodeId) {
        let mut is_news = false;
        for group in self.settings.group_ids() {
            if self.preferred(group) == node && self.is_ours(group) {
                is_news |= self.borrow(group);
            }
        }
        if is_news {
            self.outbox.push_back(Output::Store);
        }
    }

    /// Records since when each group that this node has only because its preferred node was away
    /// could go home.
    fn record_homes(&mut self) {
        self.record_cut_off();
        for group in self.settings.group_ids() {
            let row = &self.groups[group].row;
            let ours = self.is_ours(group) && row.phase() == Phase::Active && row.is_borrowed();
            let may_move = ours && self.is_configured(group);
            let since = (may_move && self.can_go_home(group)).then_some(self.now);
            let before = &mut self.groups[group].home_since;
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

    /// Whether a group that is here should be at its preferred node, `home`, by the rules of
    /// failback.
    pub(super) fn belongs_home(&self, group: GroupId, home: NodeId) -> bool {
        let is_borrowed = self.groups[group].row.is_borrowed();
        is_borrowed && self.preferred(group) == home && self.shall_go_home(group)
    }

    /// When a group has waited for its failback long enough, if it has to wait.
    pub(super) fn home_due(&self, group: GroupId) -> Option<Time> {
        let Failback::After(span) = self.settings.failback_of(group) else { return None };
        self.groups[group].home_since.map(|since| since + span)
    }

    /// Whether a group prefers another node that could take it now, as far as this node knows.
    fn can_go_home(&self, group: GroupId) -> bool {
        let (me, home) = (self.settings.me, self.preferred(group));
        home != me
            && !self.is_contested(group)
            && self.could_take(group, home)
            && self.is_peer_settled(home)
            && !self.peer(home).is_cut_off
    }

    /// Whether a hand-over to a group's home would not be refused because something still starts or
    /// stops: the home has heard that nothing does here, and has stopped what it lost. This does
    /// not count for how long a group has been able to go home.
    fn is_ready_for(&self, home: NodeId) -> bool {
        let is_known = self.placement.is_known_stable(self.peer(home));
        is_known && !self.is_stopping_for_others(home)
    }

    /// Whether a node still stops groups that this node has, as after a pause: it would refuse to
    /// take groups. It takes groups although it has failed to stop one. Of a retired line a node
    /// also says that something runs when that is a line which has replaced it.
    fn is_stopping_for_others(&self, node: NodeId) -> bool {
        self.settings.group_ids().any(|group| {
            let state = &self.groups[group];
            let has_failed = state.failure(node).is_some_and(|it| it.action == Action::Stop);
            let is_owned = self.is_ours(group) && state.row.phase().holds();
            let is_owned = is_owned && self.is_configured(group);
            self.peer(node).runs[group.index()] && is_owned && !has_failed
        })
    }

    /// Records which nodes see fewer ping nodes than this node, or did and have seen none since: if
    /// this node loses ping nodes afterwards, that does not bring their network back.
    fn record_cut_off(&mut self) {
        let me = self.settings.me;
        for node in self.others() {
            let peer = self.peer(node);
            if peer.kind == Kind::Classic {
                let seen = self.pings_seen().map(u32::from).filter(|_| self.settings.ipfail);
                let Some((seen, there)) = seen.zip(peer.counted) else {
                    self.peer_mut(node).is_cut_off = false;
                    continue;
                };
                let is_still = peer.is_cut_off && there == 0;
                self.peer_mut(node).is_cut_off = is_still || there < seen;
                continue;
            }
            let is_still = peer.is_cut_off && peer.pings == Some(0) && self.pings_seen().is_some();
            self.peer_mut(node).is_cut_off = is_still || self.sees_fewer_pings(node, me);
        }
    }

    /// Records how many ping nodes a C node sees, which it reports when that changes.
    pub(super) fn record_classic_count(&mut self, node: NodeId, count: u32) {
        let peer = self.peer_mut(node);
        if peer.kind == Kind::Classic {
            peer.counted = Some(count);
        }
    }

    /// A hand-over failed or was refused: the next failback waits a little.
    pub(super) fn delay_failback(&mut self) {
        self.offers.failback_after = self.now + RETRY;
    }

    /// When a failback that could not begin is retried.
    pub(super) fn failback_deadline(&self) -> Option<Time> {
        let homes = self.settings.group_ids().filter_map(|group| self.home_due(group));
        homes.chain([self.offers.failback_after]).filter(|at| *at > self.now).min()
    }
}
