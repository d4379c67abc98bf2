//! Whether this node gives its groups away because it sees fewer ping nodes: the state machine,
//! without cluster.

use crate::coverage::{Table, visit};
use crate::{GroupSet, NodeId, Time};
use std::cmp::Ordering;
use std::time::Duration;

/// How far this node has come with giving its groups away.
///
/// ```text
/// quiet, waiting ──this node sees fewer, is told so, or groups may go home──▶ giving up
/// giving up ──equal counts, abort, or a count has changed──▶ quiet
/// giving up ──two keepalives later, the groups are offered──▶ quiet
/// giving up ──two keepalives later, but a transition runs here or there──▶ waiting
/// quiet ──groups that were offered are refused──▶ waiting
/// waiting ──the transition ends, or groups may move: the counts are compared anew──▶ quiet
/// waiting ──abort──▶ quiet
/// ```
///
/// `giving up` lasts for two keepalives.
#[derive(Debug, Default)]
pub(in crate::cluster) struct Ipfail {
    /// When to go standby, and with which set.
    giving_up: Option<(Time, GroupSet)>,
    /// A standby had to wait for a transition to end, here or at the peer.
    is_wanted: bool,
    was_peer_stable: Option<bool>,
    was_handing_over: bool,
    /// When the decision is reconsidered, because groups that were refused may be taken by then.
    again_at: Option<Time>,
}

/// How many ping nodes are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) peer: NodeId,
    pub(super) ours: u32,
    /// Of the ping nodes of this node: those that answer again but do not count yet.
    pub(super) rising: u32,
    pub(super) theirs: u32,
}

/// What happens to an [`Ipfail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The peer has reported its count.
    Count(Counts),
    /// The peer sees more ping nodes, by its own comparison; so many are rising here.
    ToldDead { peer: NodeId, theirs: Option<u32>, rising: u32 },
    /// Counts have changed so that a set is to be given away after this delay.
    GiveUp { set: GroupSet, delay: Duration },
    /// The peer has seen that the counts are equal.
    Abort(NodeId),
    /// A turn: the peer, if there is one, and whether it is settled.
    Peer(Option<(NodeId, bool)>),
    /// A turn: whether a hand-over runs.
    HandOver { runs: bool },
    /// A turn: is it time to reconsider, or to give up?
    Turn,
    /// A reason that kept groups from moving is gone.
    MayMove,
    /// Groups that were to leave were refused.
    Refused,
    /// The groups were offered, or could not be: whether to try again when a transition has ended,
    /// and at which time at the latest.
    Offered { is_wanted: bool, again_at: Option<Time> },
}

/// What a step asks of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Send the peer this node's count, which asks for the peer's.
    SendCount,
    /// Tell the peer that this node sees more.
    SayMore(Counts),
    /// Wait: what becomes of a ping node that is on its way back changes the count.
    Wait {
        peer: NodeId,
        theirs: Option<u32>,
    },
    /// Begin to give all groups up, by this node's comparison or by the peer's.
    GiveUpAll {
        peer: NodeId,
        theirs: Option<u32>,
        is_told: bool,
    },
    /// The counts are equal: a pending standby is cancelled, or groups may go home.
    Balance {
        counts: Counts,
        is_cancelled: bool,
    },
    /// A pending standby is cancelled by the peer, or there was none.
    Abort {
        peer: NodeId,
        is_cancelled: bool,
    },
    /// The peer has ended a transition, or is seen for the first time; whether a standby waits for
    /// that.
    PeerStable {
        peer: NodeId,
        is_awaited: bool,
    },
    /// The peer has begun a transition.
    PeerUnstable,
    /// Time is up: offer this set.
    Offer(GroupSet),
}

impl Ipfail {
    /// The latest time at which a turn is due.
    pub(in crate::cluster) fn deadline(&self) -> Option<Time> {
        self.giving_up.map(|(time, _)| time).or(self.again_at)
    }

    /// Processes an input. The only place where the state changes.
    pub(super) fn step(&mut self, now: Time, input: Input) -> Effect {
        if let Some(name) = self.name_of(now, input) {
            visit(Table::Ipfail, || (self.name(), name));
        }
        match input {
            Input::Count(counts) => self.compare(counts),
            Input::ToldDead { peer, theirs, rising: 0 } => {
                Effect::GiveUpAll { peer, theirs, is_told: true }
            }
            Input::ToldDead { peer, theirs, .. } => Effect::Wait { peer, theirs },
            Input::GiveUp { set, delay } => {
                let due = self.giving_up.map_or(now + delay, |(due, _)| due);
                self.giving_up = Some((due, set));
                Effect::Nothing
            }
            Input::Abort(peer) => {
                (self.is_wanted, self.again_at) = (false, None);
                Effect::Abort { peer, is_cancelled: self.giving_up.take().is_some() }
            }
            Input::Peer(peer) => self.peer_seen(peer),
            Input::HandOver { runs } => {
                let has_ended = std::mem::replace(&mut self.was_handing_over, runs) && !runs;
                if has_ended { self.retry() } else { Effect::Nothing }
            }
            Input::Turn => self.turn(now),
            Input::MayMove => self.retry(),
            Input::Refused => {
                self.is_wanted = true;
                Effect::Nothing
            }
            Input::Offered { is_wanted, again_at } => {
                self.is_wanted = is_wanted;
                self.again_at = again_at.or(self.again_at);
                Effect::Nothing
            }
        }
    }

    fn compare(&mut self, counts: Counts) -> Effect {
        let Counts { peer, ours, rising, theirs } = counts;
        match ours.cmp(&theirs) {
            Ordering::Greater => Effect::SayMore(counts),
            Ordering::Less if ours + rising >= theirs => {
                Effect::Wait { peer, theirs: Some(theirs) }
            }
            Ordering::Less => Effect::GiveUpAll { peer, theirs: Some(theirs), is_told: false },
            Ordering::Equal => {
                Effect::Balance { counts, is_cancelled: self.giving_up.take().is_some() }
            }
        }
    }

    fn peer_seen(&mut self, peer: Option<(NodeId, bool)>) -> Effect {
        let is_settled = peer.map(|(_, is_settled)| is_settled);
        let before = std::mem::replace(&mut self.was_peer_stable, is_settled);
        match (before, peer) {
            (_, Some((peer, true))) if before != Some(true) => {
                Effect::PeerStable { peer, is_awaited: std::mem::take(&mut self.is_wanted) }
            }
            (Some(true), Some((_, false))) => Effect::PeerUnstable,
            (_, None | Some(_)) => Effect::Nothing,
        }
    }

    fn turn(&mut self, now: Time) -> Effect {
        if self.again_at.is_some_and(|at| now >= at) {
            self.again_at = None;
            let effect = self.retry();
            if effect != Effect::Nothing {
                return effect;
            }
        }
        match self.giving_up {
            Some((due, set)) if now >= due => {
                self.giving_up = None;
                Effect::Offer(set)
            }
            Some(_) | None => Effect::Nothing,
        }
    }

    /// A standby that had to wait is reconsidered.
    fn retry(&mut self) -> Effect {
        if std::mem::take(&mut self.is_wanted) { Effect::SendCount } else { Effect::Nothing }
    }

    /// The name of the state for the count of transitions.
    const fn name(&self) -> &'static str {
        match (self.giving_up.is_some(), self.is_wanted) {
            (true, _) => "giving up",
            (false, true) => "waiting",
            (false, false) => "quiet",
        }
    }

    /// The name of an input for that count. Turns in which nothing is due, and inputs that only
    /// this node itself causes, are not counted.
    fn name_of(&self, now: Time, input: Input) -> Option<&'static str> {
        match input {
            Input::Count(Counts { ours, rising, theirs, .. }) => Some(match ours.cmp(&theirs) {
                Ordering::Greater => "more",
                Ordering::Less if ours + rising >= theirs => "rising",
                Ordering::Less => "fewer",
                Ordering::Equal => "equal",
            }),
            Input::ToldDead { rising: 0, .. } => Some("told dead"),
            Input::Abort(_) => Some("abort"),
            Input::Peer(Some((_, true))) if self.was_peer_stable != Some(true) => {
                Some("peer settled")
            }
            Input::HandOver { runs: false } if self.was_handing_over => Some("handed over"),
            Input::Turn if self.giving_up.is_some_and(|(due, _)| now >= due) => Some("expired"),
            Input::ToldDead { .. }
            | Input::GiveUp { .. }
            | Input::Peer(_)
            | Input::HandOver { .. }
            | Input::Turn
            | Input::MayMove
            | Input::Refused
            | Input::Offered { .. } => None,
        }
    }
}
