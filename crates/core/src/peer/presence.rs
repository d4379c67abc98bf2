//! Whether another node is present: the state machine, without cluster.
//!
//! ```text
//! unheard ──status──▶ init, up, active ──silent for its dead time──▶ dead
//! unheard ──silent for initdead──▶ never heard
//! dead, never heard ──status──▶ init, up, active
//! ```

use super::{Kind, Peer};
use crate::coverage::{Table, visit};
use crate::{NodeStatus, Time};
use std::cmp::Ordering;
use std::time::Duration;

/// What happens to the presence of a [`Peer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// A message from the peer arrived.
    Message {
        /// The generation of the peer that sent it.
        generation: u64,
        /// The sequence of a status; `None` for another message, which proves no presence.
        status: Option<u64>,
        /// A deliberate mistake: recordings are believed.
        believes_all: bool,
    },
    /// Time passes; `patience` overrides the dead time that the peer announced (initdead).
    Turn { patience: Option<Duration> },
    /// The peer says goodbye, with this sequence.
    Goodbye(u64),
    /// This node stood still for this long, and did not listen.
    OwnPause(Duration),
}

/// What a step says about the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing has changed.
    Nothing,
    /// The message counts.
    Accept,
    /// The message does not count.
    Ignore,
    /// The message is of an older run of the peer. If it is to be reported now, how many there were
    /// since the last report.
    Replay(Option<u64>),
    /// The message begins a newer run of the peer, which [`Peer::restart`] records.
    Restarts,
    /// The message counts, and the peer was dead before.
    Returns,
    /// The peer died of its silence.
    Died,
    /// The peer left.
    Left,
}

impl Peer {
    /// Processes an input. The only place where the presence of a peer changes, but for the
    /// arrival of its status ([`Peer::record_status`]) and its restart ([`Peer::restart`]).
    pub(crate) fn step(&mut self, now: Time, input: Input) -> Effect {
        if let Some(name) = self.name_of(now, input) {
            visit(Table::Peer, || (self.name(), name));
        }
        match input {
            Input::Message { generation, status, believes_all } => {
                match generation.cmp(&self.generation) {
                    Ordering::Less => Effect::Replay(self.replays.note(now, generation)),
                    Ordering::Greater if status.is_some() => Effect::Restarts,
                    Ordering::Greater => Effect::Ignore,
                    Ordering::Equal => self.heard(now, status, believes_all),
                }
            }
            Input::Turn { patience } => self.elapse(now, patience),
            Input::Goodbye(_) if self.has_left => Effect::Nothing,
            Input::Goodbye(sequence) => {
                self.has_left = true;
                self.told_at = self.told_at.max(sequence);
                self.runs.fill(false);
                self.in_doubt.fill(false);
                self.doubts_unknown = false;
                self.runs_unknown.clear();
                Effect::Left
            }
            Input::OwnPause(gap) => {
                if self.is_alive() {
                    self.last_status = Some(now);
                }
                self.awaited_since = self.awaited_since + gap;
                Effect::Nothing
            }
        }
    }

    /// A message of the known run. A sequence that an earlier run of this node has heard is a
    /// recording.
    fn heard(&mut self, now: Time, status: Option<u64>, believes_all: bool) -> Effect {
        let was_met = self.last_status.is_some();
        let Some(sequence) = status else {
            return if was_met { Effect::Accept } else { Effect::Ignore };
        };
        if sequence <= self.heard_before && !believes_all {
            return Effect::Ignore;
        }
        // A recalled sequence is stored already; its minute begins with the first status.
        self.stored_at.get_or_insert(now);
        if !was_met || self.status != NodeStatus::Dead {
            return Effect::Accept;
        }
        if sequence <= self.status_sequence {
            return Effect::Ignore;
        }
        self.heard_since = now;
        Effect::Returns
    }

    /// When the peer is dead if it stays silent; `patience` overrides what it said (initdead).
    pub(crate) fn deadline(&self, patience: Option<Duration>) -> Option<Time> {
        if self.status == NodeStatus::Dead {
            return None;
        }
        let settles =
            patience.filter(|_| self.is_unproven()).map(|patience| self.awaited_since + patience);
        self.silent_at(patience).into_iter().chain(settles).min()
    }

    /// Whether everything that the peer has said so far may be a recording, and the start of this
    /// node waits for the peer.
    fn is_unproven(&self) -> bool {
        self.kind == Kind::Systole && !self.answers && !self.is_settled
    }

    fn silent_at(&self, patience: Option<Duration>) -> Option<Time> {
        if self.status == NodeStatus::Dead {
            return None;
        }
        let since = self.last_status.unwrap_or(self.awaited_since);
        Some(since + patience.unwrap_or(self.dead_after))
    }

    /// Lets time pass.
    ///
    /// What may be a recording does not prolong the start of this node, which waits as long for
    /// such a peer as for a silent one. It may also be a peer that does not hear this node, so it
    /// is not dead: as long as it is heard, nothing is started beside it.
    fn elapse(&mut self, now: Time, patience: Option<Duration>) -> Effect {
        if self.is_unproven()
            && patience.is_some_and(|patience| now >= self.awaited_since + patience)
        {
            self.is_settled = true;
        }
        if self.silent_at(patience).is_none_or(|deadline| now < deadline) {
            return Effect::Nothing;
        }
        self.status = NodeStatus::Dead;
        self.is_settled = true;
        self.is_ready = false;
        self.receiver.forget_missing();
        Effect::Died
    }

    /// The name of the state for the count of transitions.
    fn name(&self) -> &'static str {
        match (self.status, self.last_status.is_some()) {
            (NodeStatus::Dead, false) => "never heard",
            (NodeStatus::Dead, true) => "dead",
            (NodeStatus::Init | NodeStatus::Up | NodeStatus::Active, false) => "unheard",
            (NodeStatus::Init, true) => "init",
            (NodeStatus::Up, true) => "up",
            (NodeStatus::Active, true) => "active",
        }
    }

    /// The name of an input for that count. Turns in which nothing is due are not counted.
    fn name_of(&self, now: Time, input: Input) -> Option<&'static str> {
        match input {
            Input::Message { generation, status, .. } => {
                Some(match (generation.cmp(&self.generation), status.is_some()) {
                    (Ordering::Less, _) => "older generation",
                    (Ordering::Equal | Ordering::Greater, false) => "other message",
                    (Ordering::Equal, true) => "status",
                    (Ordering::Greater, true) => "newer generation",
                })
            }
            Input::Turn { patience } => {
                self.deadline(patience).filter(|deadline| now >= *deadline).map(|_| "silence")
            }
            Input::Goodbye(_) => Some("goodbye"),
            Input::OwnPause(_) => Some("own pause"),
        }
    }
}
