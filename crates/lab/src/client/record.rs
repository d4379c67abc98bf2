//! What the client keeps of the answers, in little memory.
//!
//! Answers of one node without a pause form one span; the gaps are between the spans:
//!
//! ```text
//!   web1 ├──────────────┤  gap  ├───┤
//!   web2                            ├────────
//! ```

use super::Announcement;
use crate::Node;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The shortest silence that counts as a gap; shorter ones are the jitter of a busy host.
const JITTER: Duration = Duration::from_millis(5);
/// The longest span of the other node in between that counts as a duplicate rather than as two moves.
const MOMENT: Duration = Duration::from_millis(50);
/// The most spans and announcements that are kept; the oldest are dropped first.
const KEPT_MAX: usize = 10_000;

/// An interruption of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the last answer before it arrived.
    pub start: Instant,
    /// The time until the next answer.
    pub length: Duration,
    /// The node that answered before.
    pub before: Node,
    /// The node that answered after.
    pub after: Node,
}

/// A moment in which both nodes answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// When the answers of the intruder began.
    pub start: Instant,
    /// The node that answered between two answers of the other node.
    pub intruder: Node,
}

/// Answers of one node without a pause.
#[derive(Debug, Clone, Copy)]
struct Span {
    node: Node,
    /// The number of the first probe that was answered.
    probe: u64,
    first: Instant,
    last: Instant,
}

/// Everything that the client has seen.
#[derive(Debug, Default)]
pub(super) struct Record {
    spans: VecDeque<Span>,
    announcements: VecDeque<Announcement>,
    answers: u64,
}

impl Record {
    /// Records an answer to the probe with this number.
    ///
    /// An answer to a probe from before the first one that the other node answered is not counted: the kernel of a
    /// node without a carrier keeps answers, and sends them when the carrier is back.
    pub(super) fn answer(&mut self, node: Node, probe: u64, now: Instant) {
        if self.spans.back().is_some_and(|span| span.node != node && probe < span.probe) {
            return;
        }
        self.answers += 1;
        match self.spans.back_mut() {
            Some(span) if span.node == node && now.duration_since(span.last) < JITTER => {
                span.last = now;
            }
            Some(_) | None => keep(&mut self.spans, Span { node, probe, first: now, last: now }),
        }
    }

    /// Records an announcement.
    pub(super) fn announce(&mut self, announcement: Announcement) {
        keep(&mut self.announcements, announcement);
    }

    /// Returns the gaps that ended after `since`. A change of the node counts as a gap, however short.
    pub(super) fn gaps(&self, since: Instant) -> Vec<Gap> {
        let pairs = self.spans.iter().zip(self.spans.iter().skip(1));
        pairs
            .filter(|(_, after)| after.first >= since)
            .map(|(before, after)| Gap {
                start: before.last,
                length: after.first.duration_since(before.last),
                before: before.node,
                after: after.node,
            })
            .collect()
    }

    /// Returns the moments after `since` at which both nodes answered.
    pub(super) fn duplicates(&self, since: Instant) -> Vec<Duplicate> {
        let later = self.spans.iter().skip(1);
        let triples = self.spans.iter().zip(later).zip(self.spans.iter().skip(2));
        triples
            .filter(|((before, between), after)| {
                between.first >= since
                    && before.node == after.node
                    && before.node != between.node
                    && after.first.duration_since(before.last) < MOMENT
            })
            .map(|((_, between), _)| Duplicate { start: between.first, intruder: between.node })
            .collect()
    }

    /// Returns the announcements after `since`.
    pub(super) fn announcements(&self, since: Instant) -> Vec<Announcement> {
        self.announcements.iter().filter(|seen| seen.at >= since).copied().collect()
    }

    /// Returns the last answer.
    pub(super) fn last(&self) -> Option<(Node, Instant)> {
        self.spans.back().map(|span| (span.node, span.last))
    }

    /// Returns how many answers there were.
    pub(super) const fn answers(&self) -> u64 {
        self.answers
    }
}

/// Adds to a list of bounded length.
fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT_MAX {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(answers: &[(u64, Node)]) -> (Record, Instant) {
        let start = Instant::now();
        let mut record = Record::default();
        for (at, node) in answers {
            record.answer(*node, *at, start + Duration::from_millis(*at));
        }
        (record, start)
    }

    #[test]
    fn silence_is_recorded_as_gap() {
        let (record, start) =
            record(&[(0, Node::Web1), (1, Node::Web1), (701, Node::Web2), (702, Node::Web2)]);
        let gaps = record.gaps(start);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].length, Duration::from_millis(700));
        assert_eq!((gaps[0].before, gaps[0].after), (Node::Web1, Node::Web2));
        assert_eq!(record.gaps(start + Duration::from_secs(1)), []);
    }

    #[test]
    fn jitter_is_not_recorded_as_gap() {
        let (record, start) = record(&[(0, Node::Web1), (4, Node::Web1), (8, Node::Web1)]);
        assert_eq!(record.gaps(start), []);
        assert_eq!(record.answers(), 3);
    }

    #[test]
    fn interleaved_answer_is_a_duplicate_and_move_is_not() {
        let (both, start) = record(&[(0, Node::Web1), (1, Node::Web2), (2, Node::Web1)]);
        assert_eq!(both.duplicates(start).len(), 1);
        assert_eq!(both.duplicates(start)[0].intruder, Node::Web2);
        let (moved, start) = record(&[(0, Node::Web1), (1, Node::Web2), (90, Node::Web1)]);
        assert_eq!(moved.duplicates(start), []);
    }

    #[test]
    fn answer_to_probe_from_before_a_move_is_not_a_duplicate() {
        let late = |probe| {
            let (mut record, start) = record(&[(0, Node::Web1), (100, Node::Web2)]);
            record.answer(Node::Web1, probe, start + Duration::from_millis(101));
            record.answer(Node::Web2, 102, start + Duration::from_millis(102));
            record.duplicates(start).len()
        };
        assert_eq!([late(1), late(99), late(101)], [0, 0, 1]);
    }

    #[test]
    fn record_keeps_bounded_number_of_spans() {
        let (mut record, start) = record(&[]);
        for at in 0..3 * KEPT_MAX as u64 {
            record.answer(Node::Web1, at, start + Duration::from_millis(10 * at));
        }
        assert_eq!(record.spans.len(), KEPT_MAX);
    }
}
