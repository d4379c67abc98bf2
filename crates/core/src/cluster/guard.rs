//! Asking the network of the floating addresses whether a node that is not heard still has them.

use super::Cluster;
use crate::guard::{AnswerNews, Guard, Verdict};
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Event, GroupId, Mac, NodeId, NodeStatus, Output, Time};
use std::time::Duration;

/// How many questions fit between a late beat and the dead time.
const QUESTIONS_BEFORE_DEATH: u32 = 4;
/// How long before the death of a node it is asked quickly.
const SOON: Duration = Duration::from_secs(1);
/// How long a node that has said goodbye is not asked about: whoever takes its groups does so at once.
const GONE: Duration = Duration::from_secs(10);
/// Shortest time between two questions.
const GAP_MIN: Duration = Duration::from_millis(25);

impl Cluster {
    /// Asks about the groups that this node may be about to take, although another node may have them.
    pub(super) fn elapse_guard(&mut self) {
        let (now, gap) = (self.now, self.question_gap());
        for group in self.settings.group_ids() {
            let (asks, hurries) = (self.asks_about(group), self.hurries(group));
            let inquiry = &mut self.groups[group].inquiry;
            if !asks {
                inquiry.end();
            } else if inquiry.ask(now, gap, hurries) {
                self.outbox.push_back(Output::AskNetwork(group));
            }
            let verdict = self.groups[group].inquiry.verdict(now, self.patience_with_answers());
            let (guard, inquiry) = (self.settings.guard, &mut self.groups[group].inquiry);
            if let Some((mac, news)) = inquiry.tell_end(verdict, guard, now) {
                let node = self.node_with(mac);
                self.report(Event::AddressAnswers { group, mac, node, news });
            }
        }
        for node in self.others() {
            let is_alive = self.peer(node).is_alive();
            if self.peer(node).is_death_guarded && (is_alive || !self.has_guarded(node)) {
                self.peer_mut(node).is_death_guarded = false;
                if !is_alive {
                    self.conclude_death(node);
                }
            }
        }
    }

    /// Whether a group of a node waits because its machine answers, or may answer.
    pub(super) fn has_guarded(&self, node: NodeId) -> bool {
        self.settings.group_ids().any(|group| {
            let row = &self.groups[group].row;
            row.owner() == Some(node) && row.phase().holds() && self.is_guarded(group)
        })
    }

    /// The group would be taken if it were known that nobody answers.
    pub(super) fn wait_for_guard(&mut self, group: GroupId) {
        self.groups[group].inquiry.hasten();
        let (now, by) = (self.now, self.guarded_by(group));
        if let Some((mac, node)) = by.filter(|(mac, _)| self.groups[group].inquiry.tell(now, *mac))
        {
            let news = AnswerNews::Answers;
            self.report(Event::AddressAnswers { group, mac, node, news });
        }
    }

    /// A question could not be asked.
    pub(super) fn handle_not_asked(&mut self, group: GroupId) {
        if group.index() < self.settings.groups.len() {
            self.groups[group].inquiry.retract();
        }
    }

    /// The Ethernet addresses of the other nodes, as far as they are known.
    pub fn known_macs(&self) -> impl Iterator<Item = Mac> + Clone + '_ {
        let places = 0..self.peers.len();
        places.flat_map(|place| self.peers[place].service.macs())
    }

    /// When the next question is due, or a node begins to be late.
    pub(super) fn guard_deadline(&self) -> Option<Time> {
        if self.settings.guard == Guard::Off {
            return None;
        }
        let gap = self.question_gap();
        let asked = self.settings.group_ids().filter(|group| self.asks_about(*group));
        let due = |group| {
            let inquiry = &self.groups[group].inquiry;
            let due = inquiry.deadline(gap, self.hurries(group)).unwrap_or(self.now);
            inquiry.settles_at().filter(|at| *at > self.now).map_or(due, |at| due.min(at))
        };
        let asked = asked.map(due);
        let patience = (self.status != NodeStatus::Active).then_some(self.settings.initdead);
        let soon = self.others().filter_map(|node| self.peer(node).deadline(patience));
        let soon = soon.filter_map(|death| Some(death.before(SOON)).filter(|at| *at > self.now));
        let late = self.others().filter_map(|node| self.late_at(node).filter(|at| *at > self.now));
        asked.chain(late).chain(soon).min()
    }

    /// Whether another node answers for an address of a group, or it is not known yet that none does. A group without
    /// addresses waits for the others of its owner: where its machine answers, it may run everything.
    pub(super) fn is_guarded(&self, group: GroupId) -> bool {
        if !self.is_at_risk(group) || self.is_mutated(Mutation::IgnoreTheGuard) {
            return false;
        }
        if !self.has_address(group) {
            let owner = self.groups[group].row.owner();
            let is_next = |other: &GroupId| {
                self.has_address(*other) && self.groups[*other].row.owner() == owner
            };
            return self.settings.group_ids().filter(is_next).any(|other| self.is_guarded(other));
        }
        let inquiry = &self.groups[group].inquiry;
        match (inquiry.verdict(self.now, self.patience_with_answers()), self.settings.guard) {
            (Verdict::Free, _) => false,
            (Verdict::Unknown, _) | (Verdict::InUse(_), Guard::Strict | Guard::Off) => true,
            (Verdict::InUse(_), Guard::After(limit)) => inquiry.answered_for(self.now) < limit,
        }
    }

    /// The Ethernet address that answers for an address of a group, and its node if that is known.
    pub(super) fn guarded_by(&self, group: GroupId) -> Option<(Mac, Option<NodeId>)> {
        match self.groups[group].inquiry.verdict(self.now, self.patience_with_answers()) {
            Verdict::InUse(mac) if self.asks_about(group) => Some((mac, self.node_with(mac))),
            Verdict::InUse(_) | Verdict::Unknown | Verdict::Free => None,
        }
    }

    /// A machine answers for an address of a group. Only a node counts: a router may answer for every address.
    /// While the Ethernet addresses of a node are unknown, any machine may be that node; those of a C node always are.
    pub(super) fn handle_answer(&mut self, group: GroupId, mac: Mac) {
        if group.index() >= self.settings.groups.len() || !self.asks_about(group) {
            return;
        }
        let is_unknown = |node: &NodeId| self.peer(*node).service.macs().next().is_none();
        let is_its = |node: &NodeId| self.peer(*node).service.macs().any(|known| known == mac);
        let mut suspects = self.others().filter(|node| self.is_suspect(*node));
        let (now, patience) = (self.now, self.patience_with_answers());
        if suspects.any(|node| is_unknown(&node) || is_its(&node)) {
            self.groups[group].inquiry.answer(now, mac, patience);
        } else if self.node_with(mac).is_none() {
            self.groups[group].inquiry.answer_of_stranger(now, mac);
        }
    }

    /// Reports a machine that is no node and answers for an address of a group that is being taken.
    pub(super) fn report_stranger(&mut self, group: GroupId) {
        if let Some(mac) = self.groups[group].inquiry.stranger().filter(|_| self.asks_about(group))
        {
            self.report(Event::AddressAnswers { group, mac, node: None, news: AnswerNews::NoNode });
        }
    }

    /// Whether this node asks about a group.
    fn asks_about(&self, group: GroupId) -> bool {
        self.is_at_risk(group) && self.has_address(group)
    }

    fn has_address(&self, group: GroupId) -> bool {
        self.settings.groups[group.index()].resources.iter().any(crate::Resource::is_address)
    }

    /// Whether a group does not run here, and as far as is known on no node that is heard, and a node of which that is not
    /// certain may have it.
    fn is_at_risk(&self, group: GroupId) -> bool {
        let state = &self.groups[group];
        let is_on = self.settings.guard != Guard::Off && self.status != NodeStatus::Init;
        let is_heard = |node: NodeId| node != self.settings.me && !self.is_silent(node);
        let runs_elsewhere = state.row.phase().holds() && state.row.owner().is_some_and(is_heard);
        is_on
            && (state.runner.is_idle() || state.runner.is_taken_up())
            && !runs_elsewhere
            && self.is_configured(group)
            && self.others().any(|node| self.is_suspect(node))
    }

    /// How long a machine that has answered must be silent: a node that stands still for that long knows when it continues
    /// that it may have lost what it had.
    fn patience_with_answers(&self) -> Duration {
        self.others().map(|node| self.peer(node).dead_after).max().unwrap_or_default()
    }

    /// Whether a node that is late will soon be dead, so that what is asked must be answered by then; or whether a start
    /// of an earlier daemon waits.
    fn hurries(&self, group: GroupId) -> bool {
        let patience = (self.status != NodeStatus::Active).then_some(self.settings.initdead);
        let waits = self.groups[group].runner.is_taken_up();
        waits
            || self.others().any(|node| {
                let death = self.peer(node).deadline(patience).filter(|_| self.is_silent(node));
                death.is_some_and(|death| death.since(self.now) <= SOON)
            })
    }

    /// Whether a node may have groups of which this node has not heard. A C node says that it has none while it stops
    /// them, and when its daemon was restarted while they run.
    fn is_suspect(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        self.is_silent(node) || peer.kind == Kind::Classic && peer.decides()
    }

    /// Whether a node may live although it is not heard: nothing proves that it is dead, and it has not said goodbye, or that
    /// was long enough ago for it to have started again.
    fn is_silent(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        let is_late = self.late_at(node).is_none_or(|at| at <= self.now);
        let is_gone = |heard| peer.has_left && self.now.since(heard) < GONE;
        is_late && !peer.last_status.is_some_and(is_gone) && !self.is_certainly_dead(node)
    }

    /// When the next beat of a node is late; absent if the node was never heard.
    fn late_at(&self, node: NodeId) -> Option<Time> {
        let peer = self.peer(node);
        let keepalive = self.detection().keepalive();
        let soon = (keepalive + keepalive / 4).min((keepalive + peer.dead_after) / 2);
        peer.last_status.map(|heard| heard + soon)
    }

    fn question_gap(&self) -> Duration {
        let span = self.others().map(|node| self.peer(node).dead_after).min();
        let span = span.unwrap_or_default().saturating_sub(self.detection().keepalive());
        (span / (QUESTIONS_BEFORE_DEATH + 1)).max(GAP_MIN)
    }

    fn node_with(&self, mac: Mac) -> Option<NodeId> {
        self.others().find(|node| self.peer(*node).service.macs().any(|known| known == mac))
    }
}
