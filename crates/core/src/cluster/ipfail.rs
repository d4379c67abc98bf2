//! ipfail: the node that sees fewer ping nodes gives its groups away.
//!
//! Nodes tell each other how many ping nodes they see whenever that may have changed. A node that
//! sees fewer waits two keepalives, in which an equal count cancels the wait, and then goes
//! standby. While a ping node is on its way back nothing is given up, because what becomes of that
//! ping node changes the count.

mod machine;
mod standby;

use super::Cluster;
use super::ping::PingNode;
use crate::peer::Kind;
use crate::{
    Event, Failback, GroupSet, IpfailEvent, Message, NodeId, PingCounts, PingId, PingVerdict,
};
pub(super) use machine::Ipfail;
use machine::{Counts, Effect, Input};

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
        let counts = Counts { peer: from, ours, rising: self.count_rising(), theirs };
        self.step_ipfail(Input::Count(counts));
    }

    /// With automatic failback, groups go home when the counts are equal. If neither node sees any
    /// ping node, that is no reason to move.
    fn go_home_if_balanced(&mut self, peer: NodeId, count: u32) {
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
            let is_lent = is_classic || self.groups[group].row.is_borrowed();
            !is_away || is_on && is_lent && self.may_go_home(group)
        });
        let goes_home = goes_home && self.is_settled();
        if count > 0 && goes_home && has_foreign && !self.hand_over.runs() {
            self.report_ipfail(IpfailEvent::GivingUpForeign);
            self.tell_pings(peer, Some(count), PingVerdict::GoesHome);
            self.give_up(GroupSet::Foreign);
        }
    }

    pub(super) fn handle_abort(&mut self, from: NodeId) {
        // The peer sees as many ping nodes as this node has told it.
        let ours = self.count_ping_nodes();
        self.record_classic_count(from, ours);
        self.step_ipfail(Input::Abort(from));
    }

    pub(super) fn handle_you_are_dead(&mut self, from: NodeId) {
        if !self.settings.ipfail || !self.takes_part() {
            return;
        }
        let (theirs, rising) = (self.pings_of(from), self.count_rising());
        self.step_ipfail(Input::ToldDead { peer: from, theirs, rising });
    }

    fn give_up(&mut self, set: GroupSet) {
        let delay = self.settings.keepalive * 2;
        self.report_ipfail(IpfailEvent::Delayed(delay));
        self.ipfail.step(self.now, Input::GiveUp { set, delay });
    }

    pub(super) fn elapse_ipfail(&mut self) {
        let peer = self.ipfail_taker();
        let peer = peer.map(|peer| (peer, self.is_peer_settled(peer)));
        self.step_ipfail(Input::Peer(peer));
        let runs = self.hand_over.runs();
        self.step_ipfail(Input::HandOver { runs });
        self.step_ipfail(Input::Turn);
    }

    fn step_ipfail(&mut self, input: Input) {
        match self.ipfail.step(self.now, input) {
            Effect::Nothing => {}
            Effect::SendCount => self.tell_ping_count(),
            Effect::SayMore(Counts { peer, theirs, .. }) => {
                self.report_ipfail(IpfailEvent::TellingMore);
                self.send(Message::YouAreDead, Some(peer));
                self.report_ipfail(IpfailEvent::DeadSent);
                self.tell_pings(peer, Some(theirs), PingVerdict::TellsMore);
            }
            Effect::Wait { peer, theirs } => {
                self.report_ipfail(IpfailEvent::Rising);
                self.tell_pings(peer, theirs, PingVerdict::Waits);
            }
            Effect::GiveUpAll { peer, theirs, is_told } => {
                let (event, verdict) = if is_told {
                    (IpfailEvent::GivingUpTold, PingVerdict::ToldToGiveUp)
                } else {
                    (IpfailEvent::GivingUpFewer, PingVerdict::GivesUp)
                };
                self.report_ipfail(event);
                self.tell_pings(peer, theirs, verdict);
                self.give_up(GroupSet::All);
            }
            Effect::Balance { counts: Counts { peer, ours, .. }, is_cancelled } => {
                self.report_ipfail(IpfailEvent::Balanced);
                self.send(Message::AbortGiveup, Some(peer));
                self.report_ipfail(IpfailEvent::AbortSent);
                if is_cancelled {
                    self.tell_pings(peer, Some(ours), PingVerdict::Stays);
                    self.report_ipfail(IpfailEvent::Aborted);
                } else {
                    self.go_home_if_balanced(peer, ours);
                }
            }
            Effect::Abort { peer, is_cancelled } => {
                if is_cancelled {
                    self.tell_pings(peer, self.pings_of(peer), PingVerdict::Stays);
                }
                self.withdraw_offer();
                self.report_ipfail(if is_cancelled {
                    IpfailEvent::Aborted
                } else {
                    IpfailEvent::NothingToAbort
                });
            }
            Effect::PeerStable { peer, is_awaited } => {
                self.report(Event::RemoteStable(peer));
                self.report_ipfail(IpfailEvent::PeerStable);
                if is_awaited {
                    self.tell_ping_count();
                }
            }
            Effect::PeerUnstable => self.report_ipfail(IpfailEvent::PeerUnstable),
            Effect::Offer(set) => self.standby_is_due(set),
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
        self.step_ipfail(Input::MayMove);
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
