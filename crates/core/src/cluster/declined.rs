//! What this node wants to give away automatically: which node refused it, and when the wish is
//! over.
//!
//! A refusal is remembered for each group and taker, with the facts that it rests on. The group is
//! offered again when those facts have changed, or else after a while, which grows, because a
//! missing agent may be installed without any message. Meanwhile the other groups go on their own.

use super::Cluster;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Failure, GroupId, HandOverReason, NodeId, Refusal, Scope, Time};
use std::time::Duration;

/// Wait before a group is offered again after a first refusal that only a person can resolve; it
/// doubles.
const MEND_FIRST: Duration = Duration::from_secs(10);
/// The same for lines that differ: the next beats may tell that they are equal again, as after a start of the
/// taker.
const DIFFERS_FIRST: Duration = Duration::from_secs(1);
/// The longest such wait.
const MEND_MAX: Duration = Duration::from_mins(5);

/// The facts that a refusal rests on, as far as they are known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Basis {
    /// The generation of the taker's daemon, which changes when it is restarted.
    generation: u64,
    is_able: bool,
    is_lacking: bool,
    failure: Option<Failure>,
    /// The ping nodes that both nodes see, if those were the reason.
    pings: Option<(Option<u16>, Option<u16>)>,
}

/// A group that another node refused to take.
#[derive(Debug, Clone, Copy)]
struct Declined {
    group: GroupId,
    taker: NodeId,
    why: Refusal,
    basis: Basis,
    until: Time,
    times: u32,
}

/// What this node offers, and what was refused.
#[derive(Debug)]
pub(super) struct Offers {
    /// No failback is begun before this time.
    pub(super) failback_after: Time,
    /// No hand-over because of a lost carrier is requested before this time.
    pub(super) leaving_after: Time,
    declined: Vec<Declined>,
    /// Nodes that refused several groups at once: until this time they are offered groups one by
    /// one.
    one_by_one: Vec<(NodeId, Time)>,
}

impl Offers {
    /// Nothing was offered yet.
    pub(super) const NEW: Self = Self {
        failback_after: Time::START,
        leaving_after: Time::START,
        declined: Vec::new(),
        one_by_one: Vec::new(),
    };

    /// Forgets all refusals: with changed files none of them is known to hold still.
    pub(super) fn forget(&mut self) {
        self.declined.clear();
        self.one_by_one.clear();
    }
}

impl Cluster {
    fn basis(&self, why: Refusal, group: GroupId, taker: NodeId) -> Basis {
        let peer = self.peer(taker);
        let pings = || (self.pings_seen(), peer.pings);
        Basis {
            generation: peer.generation,
            is_able: self.groups[group].row.is_able(taker),
            is_lacking: peer.lacks.contains(&group),
            failure: self.groups[group].failure(taker),
            pings: (why == Refusal::FewerPings).then(pings),
        }
    }

    /// Whether a node has refused a group, and nothing is known that would have changed its answer.
    pub(super) fn has_declined(&self, group: GroupId, taker: NodeId) -> bool {
        let all = self.offers.declined.iter();
        let mut same = all.filter(|entry| (entry.group, entry.taker) == (group, taker));
        same.any(|entry| {
            self.now < entry.until && self.basis(entry.why, group, taker) == entry.basis
        })
    }

    /// Whether a node is offered groups one by one.
    pub(super) fn asks_one_by_one(&self, taker: NodeId) -> bool {
        let mut all = self.offers.one_by_one.iter();
        all.any(|(node, until)| *node == taker && self.now < *until)
    }

    /// When a refused group is offered again.
    pub(super) fn declined_deadline(&self) -> Option<Time> {
        let ours = self.offers.declined.iter().filter(|entry| self.is_ours(entry.group));
        ours.map(|entry| entry.until).filter(|until| *until > self.now).min()
    }

    /// Records that a node does not take what this node wants to give it, for a reason that does
    /// not go away by waiting a moment. Returns whether it is such a reason.
    pub(super) fn record_declined(&mut self, scope: Scope, taker: NodeId, why: Refusal) -> bool {
        if !why.needs_mending() {
            return false;
        }
        let me = self.settings.me;
        let groups = self.groups_at(me, scope);
        self.offers.declined.retain(|entry| {
            let row = &self.groups[entry.group].row;
            row.owner() == Some(me) && row.phase().holds()
        });
        if let ([_, _, ..], Scope::Set(_)) = (&groups[..], scope) {
            self.offers.one_by_one.retain(|(node, _)| *node != taker);
            self.offers.one_by_one.push((taker, self.now + MEND_MAX));
            return true;
        }
        for group in groups {
            self.decline(group, taker, why);
        }
        true
    }

    fn decline(&mut self, group: GroupId, taker: NodeId, why: Refusal) {
        let basis = self.basis(why, group, taker);
        let now = self.now;
        let same = |entry: &&mut Declined| (entry.group, entry.taker) == (group, taker);
        let first = if why == Refusal::Differs { DIFFERS_FIRST } else { MEND_FIRST };
        let fresh = Declined { group, taker, why, basis, until: now + first, times: 0 };
        match self.offers.declined.iter_mut().find(same) {
            Some(entry) if entry.basis == basis && entry.why == why => {
                entry.times = entry.times.saturating_add(1);
                let wait = first.saturating_mul(1 << entry.times.min(16)).min(MEND_MAX);
                entry.until = now + wait;
            }
            Some(entry) => *entry = fresh,
            None => self.offers.declined.push(fresh),
        }
    }

    /// Whether what this node has asked another node to take no longer has a reason to go there.
    pub(super) fn is_offer_obsolete(&self) -> bool {
        let Some((taker, scope, motive)) = self.pending_offer() else { return false };
        if self.peer(taker).kind != Kind::Systole {
            // A C node that has answered waits for an hour, and does not understand a refusal.
            return false;
        }
        let groups = self.groups_at(self.settings.me, scope);
        let is_held = || groups.iter().any(|group| self.is_held(*group));
        match motive {
            HandOverReason::Order(_) | HandOverReason::Node => false,
            // Not every group that has meanwhile joined a whole set is to go.
            HandOverReason::Home if self.is_mutated(Mutation::Restless) => false,
            HandOverReason::Home => !groups.iter().all(|group| self.belongs_home(*group, taker)),
            HandOverReason::Failed => is_held(),
            HandOverReason::Carrier => {
                is_held() || groups.iter().all(|group| self.has_carrier(*group))
            }
            HandOverReason::Ipfail => is_held() || self.sees_enough_pings(taker),
        }
    }
}
