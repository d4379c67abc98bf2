//! Ping nodes: hosts outside the cluster whose answers prove that this node's network works.

use super::Cluster;
use crate::coverage::{Table, visit};
use crate::{Event, IpfailEvent, PingId, Settings, Time};
use std::time::Duration;

/// What is known about a ping node.
///
/// ```text
///  Unknown ──answers──▶ Alive ◀──answered for aliveping── Rising ──no answer for two beats──▶ Dead
///     │                   │                                  ▲                                │
///     └──deadping──▶ Dead ◀──deadping                        └──────────── answers ───────────┘
/// ```
///
/// A ping node that comes and goes stays dead: a network that works only now and then counts as
/// none.
#[derive(Debug, Default)]
pub(super) struct PingNode {
    state: State,
    heard: Option<Time>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Not heard yet, and not given up yet.
    #[default]
    Unknown,
    Alive,
    Dead,
    /// It has been answering again since this time.
    Rising(Time),
}

impl PingNode {
    pub(super) const fn heard_at(&self) -> Option<Time> {
        self.heard
    }

    /// Whether the ping node counts.
    pub(super) fn is_alive(&self) -> bool {
        self.state == State::Alive
    }

    /// Whether the ping node is about to count again.
    pub(super) const fn is_rising(&self) -> bool {
        matches!(self.state, State::Rising(_))
    }

    /// Whether the ping node was heard, or was waited for in vain.
    pub(super) fn is_settled(&self) -> bool {
        self.state != State::Unknown
    }

    fn visit(&self, input: &'static str) {
        let name = || match self.state {
            State::Unknown => "unknown",
            State::Alive => "alive",
            State::Dead => "dead",
            State::Rising(_) => "rising",
        };
        visit(Table::Ping, || (name(), input));
    }

    /// Records an answer. Returns whether the ping node counts from now on.
    fn answered(&mut self, now: Time, rise: Duration) -> bool {
        self.visit("answer");
        self.heard = Some(now);
        let rises = match self.state {
            State::Unknown => true,
            State::Alive => false,
            State::Dead if rise.is_zero() => true,
            State::Dead => {
                self.state = State::Rising(now);
                false
            }
            State::Rising(since) => now.since(since) >= rise,
        };
        if rises {
            self.state = State::Alive;
        }
        rises
    }

    /// Restarts the clock of the ping node's silence.
    fn forgive(&mut self, now: Time) {
        if matches!(self.state, State::Alive | State::Rising(_)) {
            self.heard = self.heard.max(Some(now));
        }
    }

    /// When the ping node is given up if it does not answer.
    fn deadline(&self, patience: Patience) -> Option<Time> {
        let since = self.heard.unwrap_or(Time::START);
        match self.state {
            State::Unknown | State::Alive => Some(since + patience.alive),
            State::Rising(_) => Some(since + patience.rising),
            State::Dead => None,
        }
    }

    /// Lets time pass. Returns whether the ping node is given up now.
    fn elapse(&mut self, now: Time, patience: Patience) -> bool {
        let is_late = self.deadline(patience).is_some_and(|deadline| now >= deadline);
        if is_late {
            self.visit("silence");
            self.state = State::Dead;
        }
        is_late
    }
}

/// How long a ping node may be silent.
#[derive(Debug, Clone, Copy)]
struct Patience {
    alive: Duration,
    /// The patience once the ping node was dead.
    rising: Duration,
}

impl Cluster {
    fn ping_patience(&self) -> Patience {
        let rising = (self.settings.keepalive * 2).min(self.settings.deadping);
        Patience { alive: self.settings.deadping, rising }
    }

    /// From now on ping nodes are judged by another time.
    pub(super) fn forgive_pings(&mut self) {
        for ping in &mut self.pings {
            ping.forgive(self.now);
        }
    }

    pub(super) fn ping_deadlines(&self) -> impl Iterator<Item = Time> + '_ {
        let patience = self.ping_patience();
        self.pings.iter().filter_map(move |ping| ping.deadline(patience))
    }

    pub(super) fn ping_replied(&mut self, ping: PingId) {
        let (now, rise) = (self.now, self.settings.aliveping);
        let Some(node) = self.pings.get_mut(ping.index()) else { return };
        if node.answered(now, rise) {
            self.report(Event::PingAlive(ping));
            self.report_ipfail(IpfailEvent::PingNodeUp(ping));
            self.tell_ping_count();
        }
    }

    pub(super) fn elapse_pings(&mut self) {
        let patience = self.ping_patience();
        for ping in self.ping_ids() {
            let node = &mut self.pings[ping.index()];
            let was_rising = node.is_rising();
            if !node.elapse(self.now, patience) {
                continue;
            }
            if !was_rising {
                self.report(Event::PingDead(ping));
                self.report_ipfail(IpfailEvent::PingNodeDead(ping));
            }
            // The peer may have been told meanwhile that it sees more, and was asked to wait.
            self.tell_ping_count();
        }
    }
}

/// Rearranges what is known about ping nodes, by their names, to the order of other settings.
pub(super) fn rearrange(
    pings: Vec<PingNode>,
    before: &Settings,
    after: &Settings,
) -> Vec<PingNode> {
    let mut known: Vec<_> = before.ping_nodes.iter().zip(pings).collect();
    let ping = |name: &String| {
        let place = known.iter().position(|(other, _)| *other == name);
        place.map(|place| known.swap_remove(place).1).unwrap_or_default()
    };
    after.ping_nodes.iter().map(ping).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { alive: Duration::from_millis(600), rising: Duration::from_millis(200) };
    const RISE: Duration = Duration::from_millis(200);

    fn at(milliseconds: u64) -> Time {
        Time::START + Duration::from_millis(milliseconds)
    }

    /// Plays answers at these times and checks whether the node counts after each; time passes
    /// between them.
    fn play(answers: &[(u64, bool)]) {
        let mut node = PingNode::default();
        let mut before = 0;
        for &(when, counts) in answers {
            for now in before..when {
                node.elapse(at(now), PATIENCE);
            }
            node.answered(at(when), RISE);
            assert_eq!(node.is_alive(), counts, "at {when}: {node:?}");
            before = when;
        }
    }

    #[test]
    fn ping_node_counts_on_first_answer_and_after_silence_on_steady_answers() {
        play(&[(100, true), (200, true), (700, true)]);
        // Silent for 600 ms: dead. It answers again, and counts after doing so for 200 ms.
        play(&[(100, true), (800, false), (900, false), (1000, true)]);
        // An occasional answer does not make it count.
        play(&[(100, true), (800, false), (1050, false), (1300, false), (1550, false)]);
        // Given up at the start, before it was ever heard.
        play(&[(700, false), (800, false), (900, true)]);
    }

    #[test]
    fn ping_node_without_rise_time_counts_on_first_answer_after_silence() {
        let mut node = PingNode::default();
        assert!(node.elapse(at(600), PATIENCE));
        assert!(node.answered(at(700), Duration::ZERO));
    }
}
