//! ipfail: the node that sees fewer ping nodes gives its groups away.

use super::Cluster;
use super::hand_over::Asker;
use super::ping::PingNode;
use crate::peer::Kind;
use crate::{
    Event, Failback, GroupId, GroupSet, IpfailEvent, Message, NodeId, PingCounts, PingId,
    PingVerdict, Scope, Time,
};
use std::cmp::Ordering;
use std::time::Duration;

/// How long groups that the other node cannot run stay before that is reconsidered.
const AGAIN: Duration = Duration::from_secs(30);

/// The built-in ipfail.
///
/// Nodes tell each other how many ping nodes they see whenever that may have changed. A node that
/// sees fewer waits two keepalives, in which an equal count cancels the wait, and then goes
/// standby. While a ping node is on its way back nothing is given up, because what becomes of that
/// ping node changes the count.
#[derive(Debug, Default)]
pub(super) struct Ipfail {
    /// When to go standby, and with which set.
    giving_up: Option<(Time, GroupSet)>,
    /// A standby had to wait for a transition to end, here or at the peer.
    is_wanted: bool,
    was_peer_stable: Option<bool>,
    was_handing_over: bool,
    /// When the decision is reconsidered, because groups that were refused may be taken by then.
    again_at: Option<Time>,
}

impl Ipfail {
    /// An ipfail whose standby had to wait.
    #[cfg(test)]
    pub(super) fn waiting() -> Self {
        Self { is_wanted: true, ..Self::default() }
    }

    pub(super) const fn is_giving_up(&self) -> bool {
        self.giving_up.is_some()
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.giving_up.map(|(time, _)| time).or(self.again_at)
    }
}

impl Cluster {
    pub(super) fn report_ipfail(&mut self, event: IpfailEvent) {
        if self.settings.ipfail && self.takes_part() {
            self.report(Event::Ipfail(event));
        }
    }

    /// Announces that this node's ipfail is present.
    pub(super) fn join_ipfail(&mut self) {
        if self.settings.ipfail {
            self.send(Message::IpfailPresence { joined: true }, None);
        }
    }

    pub(super) fn ipfail_joined(&mut self, node: NodeId) {
        self.report_ipfail(IpfailEvent::PeerJoined(node));
        self.tell_ping_count();
    }

    pub(super) fn ipfail_notes_death(&mut self) {
        let count = self.count_ping_nodes();
        let event = if count > 0 { IpfailEvent::WeAreAlive } else { IpfailEvent::WeAreDead };
        self.report_ipfail(event);
    }

    /// Whether the count of this node means anything: a node that has just started has not heard
    /// its ping nodes yet, which is not the same as having lost them. It sends its count as soon as
    /// it has heard them.
    fn can_compare(&self) -> bool {
        let knows = self.pings.iter().all(PingNode::is_settled);
        self.settings.ipfail && self.takes_part() && knows
    }

    /// Tells the peer how many ping nodes this node sees, which also asks for the peer's count.
    pub(super) fn tell_ping_count(&mut self) {
        if !self.can_compare() {
            return;
        }
        let Some(peer) = self.ipfail_peer() else { return };
        let count = self.count_ping_nodes();
        self.report_ipfail(IpfailEvent::Asking);
        self.send(Message::PingCount { count }, Some(peer));
    }

    pub(super) fn handle_ping_count(&mut self, from: NodeId, theirs: u32) {
        self.record_classic_count(from, theirs);
        if !self.can_compare() {
            return;
        }
        self.report_ipfail(IpfailEvent::Asked);
        let ours = self.count_ping_nodes();
        match ours.cmp(&theirs) {
            Ordering::Greater => {
                self.visit_ipfail("more");
                self.report_ipfail(IpfailEvent::TellingMore);
                self.send(Message::YouAreDead, Some(from));
                self.report_ipfail(IpfailEvent::DeadSent);
                self.tell_pings(from, Some(theirs), PingVerdict::TellsMore);
            }
            Ordering::Less if ours + self.count_rising() >= theirs => {
                self.visit_ipfail("rising");
                self.report_ipfail(IpfailEvent::Rising);
                self.tell_pings(from, Some(theirs), PingVerdict::Waits);
            }
            Ordering::Less => {
                self.visit_ipfail("fewer");
                self.report_ipfail(IpfailEvent::GivingUpFewer);
                self.tell_pings(from, Some(theirs), PingVerdict::GivesUp);
                self.give_up(GroupSet::All);
            }
            Ordering::Equal => {
                self.visit_ipfail("equal");
                self.report_ipfail(IpfailEvent::Balanced);
                self.send(Message::AbortGiveup, Some(from));
                self.report_ipfail(IpfailEvent::AbortSent);
                self.balanced(from, ours);
            }
        }
    }

    /// Equal counts cancel a pending standby; otherwise, with automatic failback, groups go home.
    /// If neither node sees any ping node, that is no reason to move.
    fn balanced(&mut self, peer: NodeId, count: u32) {
        if self.ipfail.giving_up.take().is_some() {
            self.tell_pings(peer, Some(count), PingVerdict::Stays);
            self.report_ipfail(IpfailEvent::Aborted);
            return;
        }
        let me = self.settings.me;
        self.withdraw_offer();
        let has_foreign = self.settings.group_ids().any(|group| {
            self.is_configured(group)
                && self.is_ours(group)
                && self.preferred(group) != me
                && !self.is_handed_over(group)
        });
        // Among Systole nodes, groups that a person has brought here stay.
        let is_classic = self.peer(peer).kind == Kind::Classic;
        let goes_home = self.settings.group_ids().all(|group| {
            let is_away = self.is_ours(group) && self.preferred(group) != me;
            let is_on = self.settings.failback_of(group) == Failback::On;
            let is_lent = is_classic || self.groups[group].row.is_borrowed;
            !is_away || is_on && is_lent && self.may_go_home(group)
        });
        let goes_home = goes_home && self.is_settled();
        if count > 0 && goes_home && has_foreign && self.hand_over.is_none() {
            self.report_ipfail(IpfailEvent::GivingUpForeign);
            self.tell_pings(peer, Some(count), PingVerdict::GoesHome);
            self.give_up(GroupSet::Foreign);
        }
    }

    pub(super) fn handle_abort(&mut self, from: NodeId) {
        self.visit_ipfail("abort");
        // The peer sees as many ping nodes as this node has told it.
        let ours = self.count_ping_nodes();
        self.record_classic_count(from, ours);
        let aborted = self.ipfail.giving_up.take().is_some();
        if aborted {
            self.tell_pings(from, self.pings_of(from), PingVerdict::Stays);
        }
        self.ipfail.is_wanted = false;
        self.ipfail.again_at = None;
        self.withdraw_offer();
        self.report_ipfail(if aborted {
            IpfailEvent::Aborted
        } else {
            IpfailEvent::NothingToAbort
        });
    }

    pub(super) fn handle_you_are_dead(&mut self, from: NodeId) {
        if !self.settings.ipfail || !self.takes_part() {
            return;
        }
        let theirs = self.pings_of(from);
        if self.count_rising() > 0 {
            self.tell_pings(from, theirs, PingVerdict::Waits);
            return self.report_ipfail(IpfailEvent::Rising);
        }
        self.visit_ipfail("told dead");
        self.report_ipfail(IpfailEvent::GivingUpTold);
        self.tell_pings(from, theirs, PingVerdict::ToldToGiveUp);
        self.give_up(GroupSet::All);
    }

    fn give_up(&mut self, hold: GroupSet) {
        let delay = self.settings.keepalive * 2;
        self.report_ipfail(IpfailEvent::Delayed(delay));
        let due = self.ipfail.giving_up.map_or(self.now + delay, |(due, _)| due);
        self.ipfail.giving_up = Some((due, hold));
    }

    pub(super) fn elapse_ipfail(&mut self) {
        self.watch_peer_stability();
        self.watch_hand_over();
        if self.ipfail.again_at.is_some_and(|at| self.now >= at) {
            self.ipfail.again_at = None;
            self.ipfail_may_move();
        }
        let Some((due, hold)) = self.ipfail.giving_up else { return };
        if self.now < due {
            return;
        }
        self.visit_ipfail("expired");
        self.ipfail.giving_up = None;
        if self.count_rising() > 0 {
            return self.report_ipfail(IpfailEvent::Rising);
        }
        if self.is_giving_up_over(hold) {
            let taker = self.best_connected();
            if let Some(taker) = taker {
                self.tell_pings(taker, self.pings_of(taker), PingVerdict::Stays);
            }
            return self.report_ipfail(IpfailEvent::Aborted);
        }
        self.report_ipfail(IpfailEvent::Expired);
        self.ipfail.is_wanted = if self.hand_over.is_some() {
            // What the hand-over brings or takes away is not known yet.
            true
        } else {
            self.go_standby(hold)
        };
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

    /// Gives away what may leave. Returns whether that has to be reconsidered later.
    fn go_standby(&mut self, hold: GroupSet) -> bool {
        let taker = self.best_connected();
        let asker = if hold == GroupSet::Foreign { Asker::IpfailHome } else { Asker::Ipfail };
        let one_by_one = taker.is_some_and(|taker| {
            let mut here = self.groups_here(hold);
            let stays = |group| self.has_declined(group, taker) || !self.could_take(group, taker);
            self.asks_one_by_one(taker) || here.any(stays)
        });
        if self.may_all_leave(hold) && !one_by_one {
            if self.groups_here(hold).next().is_none() {
                return false;
            }
            return self.order_standby(Scope::Set(hold), taker, asker).is_err();
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
                Ok(()) | Err(_) => return true,
            }
        }
        if is_refused {
            let again = self.now + AGAIN;
            self.ipfail.again_at = Some(self.declined_deadline().map_or(again, |at| at.min(again)));
        } else {
            self.report_ipfail(IpfailEvent::Held);
        }
        is_refused
    }

    /// Whether this node sees no fewer ping nodes than another node, as far as both counts are
    /// known. Ping nodes that answer again count, as in the decision to give up.
    pub(super) fn sees_enough_pings(&self, other: NodeId) -> bool {
        let known = self.pings_seen().zip(self.peer(other).pings);
        known.is_some_and(|(ours, theirs)| {
            u32::from(ours) + self.count_rising() >= u32::from(theirs)
        })
    }

    /// Whether no group of a set is held or kept here.
    pub(super) fn may_all_leave(&self, hold: GroupSet) -> bool {
        self.groups_here(hold).all(|group| self.may_leave(group))
    }

    fn groups_here(&self, hold: GroupSet) -> impl Iterator<Item = GroupId> + '_ {
        let me = self.settings.me;
        self.settings.group_ids().filter(move |group| {
            let wanted =
                if self.preferred(*group) == me { hold.has_local() } else { hold.has_foreign() };
            let wanted = wanted && self.is_configured(*group);
            wanted && self.is_ours(*group) && self.groups[*group].row.phase.holds()
        })
    }

    /// Groups that were to leave were refused: the rest is reconsidered when this hand-over has
    /// ended.
    pub(super) fn ipfail_was_refused(&mut self) {
        self.ipfail.is_wanted = true;
    }

    /// When the peer ends a transition, a standby that had to wait for that is reconsidered.
    fn watch_peer_stability(&mut self) {
        let Some(peer) = self.ipfail_taker() else {
            self.ipfail.was_peer_stable = None;
            return;
        };
        let stable = self.is_peer_settled(peer);
        let before = self.ipfail.was_peer_stable.replace(stable);
        if before == Some(stable) {
            return;
        }
        if stable {
            self.report(Event::RemoteStable(peer));
            self.report_ipfail(IpfailEvent::PeerStable);
        } else if before.is_some() {
            self.report_ipfail(IpfailEvent::PeerUnstable);
        }
        if stable {
            self.visit_ipfail("peer settled");
        }
        if stable && std::mem::take(&mut self.ipfail.is_wanted) {
            self.tell_ping_count();
        }
    }

    /// When a hand-over ends, a standby that had to wait for that is reconsidered.
    fn watch_hand_over(&mut self) {
        let runs = self.hand_over.is_some();
        let has_ended = std::mem::replace(&mut self.ipfail.was_handing_over, runs) && !runs;
        if has_ended {
            self.visit_ipfail("handed over");
        }
        if has_ended && std::mem::take(&mut self.ipfail.is_wanted) {
            self.tell_ping_count();
        }
    }

    /// Reports what two nodes see, and what follows from it.
    pub(super) fn tell_pings(&mut self, node: NodeId, theirs: Option<u32>, verdict: PingVerdict) {
        let answers = |ping: &PingId| self.pings[ping.index()].is_alive();
        let (seen, lost): (Vec<_>, Vec<_>) = self.ping_ids().partition(answers);
        let ours = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let counts = PingCounts { node, ours, theirs, lost, verdict };
        self.report(Event::PingsCounted(Box::new(counts)));
    }

    /// The reason that kept whole sets from moving is gone: a standby that had to wait is
    /// reconsidered.
    pub(super) fn ipfail_may_move(&mut self) {
        if std::mem::take(&mut self.ipfail.is_wanted) {
            self.tell_ping_count();
        }
    }

    /// The number of ping nodes that answer again but do not count yet.
    fn count_rising(&self) -> u32 {
        let rising = self.pings.iter().filter(|ping| ping.is_rising()).count();
        u32::try_from(rising).unwrap_or(u32::MAX)
    }

    /// The one node that ipfail talks to: of the nodes that are alive, the node that has reported
    /// the most ping nodes, and of several the last.
    fn ipfail_peer(&self) -> Option<NodeId> {
        let alive = self.others().filter(|node| self.peer(*node).is_alive());
        alive.max_by_key(|node| self.peer(*node).pings)
    }

    /// The node that would be given groups, whether it is ready for them or not.
    fn ipfail_taker(&self) -> Option<NodeId> {
        let alive = self.others().filter(|node| self.peer(*node).is_alive());
        alive.max_by_key(|node| (self.peer(*node).pings, std::cmp::Reverse(node.0)))
    }

    fn count_ping_nodes(&mut self) -> u32 {
        let alive = self.ping_ids().filter(|ping| self.pings[ping.index()].is_alive());
        let alive: Vec<PingId> = alive.collect();
        for ping in &alive {
            self.report_ipfail(IpfailEvent::Found(*ping));
        }
        u32::try_from(alive.len()).unwrap_or(u32::MAX)
    }
}
