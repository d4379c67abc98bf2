//! What a taker checks before it promises, and how it refuses.

use super::Cluster;
use super::input::{Fact, Input, Refused};
use crate::cluster::ping::PingNode;
use crate::peer::Kind;
use crate::{Action, Event, GroupId, HandOverEvent, JobId, Message, NodeId, Outcome, Output};
use crate::{PingVerdict, Refusal, Scope, Step};

impl Cluster {
    /// Refuses to take groups if a reason is known without checking.
    pub(super) fn refuse_to_take(&self, giver: NodeId, scope: Scope) -> Result<(), Refusal> {
        if !self.has_executor() {
            return Err(Refusal::NotReady);
        }
        if self.sees_fewer_pings(self.settings.me, giver) {
            return Err(Refusal::FewerPings);
        }
        let mut groups = self.groups_at(giver, scope);
        let had_some = !groups.is_empty();
        groups.retain(|group| self.is_configured(*group));
        if had_some && groups.is_empty() {
            return Err(Refusal::Differs);
        }
        let me = self.settings.me;
        if groups.is_empty() || groups.iter().any(|group| self.could_take(*group, me)) {
            return Ok(());
        }
        let waits = groups.iter().any(|group| self.waits_for_lines(*group));
        Err(if waits { Refusal::Differs } else { Refusal::Unable })
    }

    /// Whether a node could run a group that it is given, as far as known. If a stop of the group
    /// failed there, what is left of the group is an obstacle.
    pub(in crate::cluster) fn could_take(&self, group: GroupId, node: NodeId) -> bool {
        let failure = self.groups[group].failure(node);
        let is_in_the_way = failure.is_some_and(|failure| failure.action == Action::Stop);
        let waits = node == self.settings.me && self.waits_for_lines(group);
        self.groups[group].row.is_able(node) && !is_in_the_way && !waits
    }

    /// Whether one node sees fewer ping nodes than another, as far as both are known.
    pub(in crate::cluster) fn sees_fewer_pings(&self, node: NodeId, other: NodeId) -> bool {
        let (seen, there) = (self.pings_seen_by(node), self.pings_seen_by(other));
        seen.zip(there).is_some_and(|(seen, there)| seen < there)
    }

    fn pings_seen_by(&self, node: NodeId) -> Option<u16> {
        if node == self.settings.me { self.pings_seen() } else { self.peer(node).pings }
    }

    /// How many ping nodes another node has reported that it sees.
    pub(in crate::cluster) fn pings_of(&self, node: NodeId) -> Option<u32> {
        self.peer(node).pings.map(u32::from)
    }

    /// How many ping nodes answer this node, once each was heard or is dead.
    pub(in crate::cluster) fn pings_seen(&self) -> Option<u16> {
        let is_known = !self.pings.is_empty() && self.pings.iter().all(PingNode::is_settled);
        let count = self.pings.iter().filter(|ping| ping.is_alive()).count();
        u16::try_from(count).ok().filter(|_| is_known)
    }

    /// Has the executor check whether everything is there that the offered groups need.
    pub(super) fn begin_checks(&mut self, giver: NodeId, scope: Scope) {
        let me = self.settings.me;
        let mut checks = Vec::new();
        for group in self.groups_at(giver, scope) {
            if !self.could_take(group, me) || !self.is_configured(group) {
                continue;
            }
            self.next_job.0 += 1;
            let job = self.next_job;
            self.outbox.push_back(Output::Check { job, group });
            checks.push(job);
        }
        self.learn(Fact::Checks(checks));
    }

    /// Processes the end of a check. Returns whether the job was a check.
    pub(in crate::cluster) fn check_done(&mut self, job: JobId, outcome: Outcome) -> bool {
        let running = self.hand_over.running();
        if running.is_none_or(|running| !running.checks.contains(&job)) {
            return false;
        }
        let why = match outcome {
            Outcome::Success | Outcome::Running => None,
            Outcome::Missing => Some(Refusal::AgentMissing),
            Outcome::NotRunning | Outcome::Failed(_) | Outcome::TimedOut => {
                Some(Refusal::NoInterface)
            }
            Outcome::Cancelled => Some(Refusal::NotReady),
            Outcome::NotAsked => Some(Refusal::CannotLook),
        };
        self.step_hand_over(Input::Checked { job, why });
        true
    }

    /// The executor is gone, and with it the outcome of checks.
    pub(in crate::cluster) fn lose_checks(&mut self) {
        self.step_hand_over(Input::ExecutorGone);
    }

    /// Does not follow another node's step, and says so if that node understands a refusal.
    pub(super) fn refuse_step(&mut self, refused: Refused) {
        let Refused { node, step, why, number, left } = refused;
        if why == Refusal::FewerPings {
            self.tell_pings(node, self.pings_of(node), PingVerdict::Refuses);
        }
        self.report(Event::HandOver(HandOverEvent::Refused { node, step, why, left }));
        if self.peer(node).kind == Kind::Systole {
            // A node that does not read the words of failures does not know this refusal either.
            let is_unknown = why == Refusal::CannotLook && !self.peer(node).reads_words;
            let why = if is_unknown { Refusal::NotReady } else { why };
            self.send(Message::Refuse { step, why, number }, Some(node));
        }
    }

    /// Refuses a step for a reason that the hand-over in progress does not know.
    pub(super) fn refuse(&mut self, node: NodeId, step: Step, why: Refusal, number: Option<u64>) {
        let until = self.hand_over.deadline().unwrap_or(self.now);
        let left = until.since(self.now);
        self.refuse_step(Refused { node, step, why, number, left });
    }

    /// The other node does not follow a step of this node.
    pub(in crate::cluster) fn handle_refusal(
        &mut self,
        from: NodeId,
        sequence: u64,
        (step, number): (Step, Option<u64>),
        why: Refusal,
    ) {
        let refusal = Input::Refusal { from, sequence, step, number, why };
        let effects = self.hand_over.step(self.now, refusal);
        if let Some((_, Err(why))) = effects.ended {
            if why == Refusal::FewerPings {
                self.tell_pings(from, self.pings_of(from), PingVerdict::IsRefused);
            }
            self.report(Event::HandOver(HandOverEvent::Declined(from, why)));
        }
        self.apply_hand_over(effects);
    }
}
