//! What this node offers when its ipfail gives groups up.

use super::{Cluster, Input};
use crate::cluster::hand_over::Asker;
use crate::{GroupId, GroupSet, IpfailEvent, NodeId, PingVerdict, Scope, Time};
use std::time::Duration;

/// How long groups that the other node cannot run stay before that is reconsidered.
const AGAIN: Duration = Duration::from_secs(30);

impl Cluster {
    pub(super) fn standby_is_due(&mut self, set: GroupSet) {
        if self.count_rising() > 0 {
            return self.report_ipfail(IpfailEvent::Rising);
        }
        if self.is_giving_up_over(set) {
            let taker = self.best_connected();
            if let Some(taker) = taker {
                self.tell_pings(taker, self.pings_of(taker), PingVerdict::Stays);
            }
            return self.report_ipfail(IpfailEvent::Aborted);
        }
        self.report_ipfail(IpfailEvent::Expired);
        let (is_wanted, again_at) = if self.hand_over.runs() {
            // What the hand-over brings or takes away is not known yet.
            (true, None)
        } else {
            self.go_standby(set)
        };
        self.ipfail.step(self.now, Input::Offered { is_wanted, again_at });
    }

    /// Whether a count has changed since a standby was decided, so that the standby no longer has a
    /// reason. A C node sends its count only when asked.
    fn is_giving_up_over(&self, hold: GroupSet) -> bool {
        let Some(taker) = self.best_connected() else { return false };
        if hold == GroupSet::Foreign {
            // This set goes home because both nodes see equally many.
            self.sees_fewer_pings(taker, self.settings.me)
        } else {
            self.sees_enough_pings(taker)
        }
    }

    /// Of the nodes that could take groups, the node that sees the most ping nodes.
    fn best_connected(&self) -> Option<NodeId> {
        let partners = self.others().filter(|node| self.peer(*node).can_negotiate());
        partners.max_by_key(|node| (self.peer(*node).pings, std::cmp::Reverse(node.0)))
    }

    /// Gives away what may leave. Returns whether that has to be reconsidered when a transition has
    /// ended, and at which time at the latest.
    fn go_standby(&mut self, hold: GroupSet) -> (bool, Option<Time>) {
        let taker = self.best_connected();
        let asker = if hold == GroupSet::Foreign { Asker::IpfailHome } else { Asker::Ipfail };
        let one_by_one = taker.is_some_and(|taker| {
            let mut here = self.groups_here(hold);
            let stays = |group| self.has_declined(group, taker) || !self.could_take(group, taker);
            self.asks_one_by_one(taker) || here.any(stays)
        });
        if self.may_all_leave(hold) && !one_by_one {
            if self.groups_here(hold).next().is_none() {
                return (false, None);
            }
            return (self.order_standby(Scope::Set(hold), taker, asker).is_err(), None);
        }
        // Groups that are held, kept here or were refused stay; the others go one by one.
        let here: Vec<GroupId> = self.groups_here(hold).collect();
        let mut is_refused = false;
        for group in here {
            if !self.may_leave(group) {
                continue;
            }
            if taker.is_some_and(|taker| !self.could_take(group, taker)) {
                // The taker says when it can.
                is_refused = true;
                continue;
            }
            if taker.is_some_and(|taker| self.has_declined(group, taker)) {
                is_refused = true;
                continue;
            }
            match self.order_standby(Scope::Group(group), taker, asker) {
                Err(why) if why.needs_mending() => is_refused = true,
                Ok(()) | Err(_) => return (true, None),
            }
        }
        if !is_refused {
            self.report_ipfail(IpfailEvent::Held);
            return (false, None);
        }
        let again = self.now + AGAIN;
        (true, Some(self.declined_deadline().map_or(again, |at| at.min(again))))
    }

    /// Whether this node sees no fewer ping nodes than another node, as far as both counts are
    /// known. Ping nodes that answer again count, as in the decision to give up.
    pub(in crate::cluster) fn sees_enough_pings(&self, other: NodeId) -> bool {
        let known = self.pings_seen().zip(self.peer(other).pings);
        known.is_some_and(|(ours, theirs)| {
            u32::from(ours) + self.count_rising() >= u32::from(theirs)
        })
    }

    /// Whether no group of a set is held or kept here.
    pub(in crate::cluster) fn may_all_leave(&self, hold: GroupSet) -> bool {
        self.groups_here(hold).all(|group| self.may_leave(group))
    }

    fn groups_here(&self, hold: GroupSet) -> impl Iterator<Item = GroupId> + '_ {
        let me = self.settings.me;
        self.settings.group_ids().filter(move |group| {
            let wanted =
                if self.preferred(*group) == me { hold.has_local() } else { hold.has_foreign() };
            let wanted = wanted && self.is_configured(*group);
            wanted && self.is_ours(*group) && self.groups[*group].row.phase().holds()
        })
    }

    /// Groups that were to leave were refused: the rest is reconsidered when this hand-over has
    /// ended.
    pub(in crate::cluster) fn ipfail_was_refused(&mut self) {
        self.ipfail.step(self.now, Input::Refused);
    }
}
