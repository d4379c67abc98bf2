//! One medium to one peer.

use crate::Time;
use std::time::Duration;

/// How long a link may fail to show that it works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    silence: Duration,
    echo: Duration,
}

impl Patience {
    /// `theirs` is the silence after which the peer is dead, and `ours` that after which this node
    /// is. An echoed message may be as old as both together.
    pub(crate) fn new(theirs: Duration, ours: Duration) -> Self {
        Self { silence: theirs, echo: theirs + theirs.max(ours) }
    }
}

/// Whether one of this node's media delivers messages from a peer and to that peer.
///
/// ```text
///           heard                silent, or its echo stale
///   down ──────────▶ up ──────────────────────────────────▶ down
/// ```
#[derive(Debug, Default)]
pub(crate) struct Link {
    heard: Option<Time>,
    sequence: u64,
    echoed: Option<Time>,
    is_up: bool,
    was_up: bool,
}

impl Link {
    /// The highest sequence of the peer that came over the link.
    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Records the sequence of a message that came over the link.
    pub(crate) fn record_sequence(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Whether the link carries messages.
    pub(crate) const fn is_up(&self) -> bool {
        self.is_up
    }

    /// Whether the link carried messages both ways when it delivered the last one.
    pub(crate) const fn was_up(&self) -> bool {
        self.was_up
    }

    /// When a message of the peer last came over the link.
    pub(crate) const fn heard_at(&self) -> Option<Time> {
        self.heard
    }

    /// Records a message of the peer. Returns whether the link came up.
    pub(crate) fn heard(&mut self, now: Time, patience: Patience) -> bool {
        self.heard = Some(now);
        let was_up = self.is_up;
        self.is_up = !self.echo_is_stale(now, patience);
        self.was_up = self.is_up;
        self.is_up && !was_up
    }

    /// Records that the peer heard over this link what this node sent at `sent`.
    pub(crate) fn echoed(&mut self, sent: Time) {
        self.echoed = self.echoed.max(Some(sent));
    }

    /// Starts anew with a restarted peer, whose sequences and echoes begin again.
    pub(crate) fn restart(&mut self) {
        self.sequence = 0;
        self.echoed = None;
    }

    /// Lets time pass. Returns whether the link went down.
    pub(crate) fn elapse(&mut self, now: Time, patience: Patience) -> bool {
        let silent = self.heard.is_none_or(|heard| now.since(heard) >= patience.silence);
        let was_up = self.is_up;
        if silent || self.echo_is_stale(now, patience) {
            self.is_up = false;
        }
        was_up && !self.is_up
    }

    /// When [`Link::elapse`] next has something to do.
    pub(crate) fn deadline(&self, patience: Patience) -> Option<Time> {
        if !self.is_up {
            return None;
        }
        let echo = self.echoed.map(|sent| sent + patience.echo);
        self.heard.map(|heard| heard + patience.silence).into_iter().chain(echo).min()
    }

    /// A peer that has ever echoed must keep echoing: its beats must reach this node, and this
    /// node's must reach it.
    fn echo_is_stale(&self, now: Time, patience: Patience) -> bool {
        self.echoed.is_some_and(|sent| now.since(sent) >= patience.echo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(2);
    const PATIENCE: Patience = Patience { silence: SILENCE, echo: Duration::from_secs(4) };

    fn at(second: u64) -> Time {
        Time::START + Duration::from_secs(second)
    }

    #[test]
    fn link_is_up_while_messages_arrive() {
        let mut link = Link::default();
        assert!(!link.elapse(at(1), PATIENCE));
        assert!(link.heard(at(1), PATIENCE));
        assert!(!link.heard(at(2), PATIENCE));
        assert_eq!(link.deadline(PATIENCE), Some(at(4)));
        assert!(!link.elapse(at(3), PATIENCE));
        assert!(link.elapse(at(4), PATIENCE));
        assert_eq!(link.deadline(PATIENCE), None);
    }

    #[test]
    fn link_stays_up_until_echo_is_older_than_slower_node_allows() {
        for (ours, stale) in [(1, 4), (2, 4), (10, 12)] {
            let mut link = Link::default();
            let patience = Patience::new(SILENCE, Duration::from_secs(ours));
            link.echoed(at(1));
            for second in 1..=stale {
                link.heard(at(second), patience);
                assert!(link.is_up(), "{ours}: {second}");
            }
            link.heard(at(stale + 1), patience);
            assert!(!link.is_up(), "{ours}");
        }
    }

    #[test]
    fn link_working_one_way_is_down_until_echoed() {
        let mut link = Link::default();
        link.heard(at(1), PATIENCE);
        link.echoed(at(1));
        for second in 2..5 {
            link.heard(at(second), PATIENCE);
            assert!(!link.elapse(at(second), PATIENCE));
        }
        link.heard(at(5), PATIENCE);
        assert!(!link.is_up(), "the peer has not heard us for twice its dead time");
        link.echoed(at(5));
        assert!(link.heard(at(6), PATIENCE));
    }
}
