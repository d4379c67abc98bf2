//! What one sender has sent us: generations, sequence numbers, gaps, acknowledgements.

use crate::{Random, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most sequence numbers that are missed of one sender at a time; a larger gap is given up.
const MISSING_MAX: u64 = 250;
/// Shortest wait before a missing message is asked for: senders overtake themselves.
const REQUEST_DELAY_MIN: Duration = Duration::from_millis(50);
/// With a longest wait below this the shortest wait is nothing.
const REQUEST_DELAY_SHORT: Duration = Duration::from_millis(100);
/// One message in this many is acknowledged.
const ACK_EVERY: u64 = 10;

/// What a sequence number means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New; process it.
    New,
    /// New, and the numbers between are missing; process it.
    Gap {
        /// The last number before the gap.
        last: u64,
        /// How many are missing.
        count: u64,
    },
    /// New, and so many are missing that they were given up; process it.
    GapTooLarge,
    /// One of the missing; process it.
    Late {
        /// Whether it was the last missing one.
        complete: bool,
    },
    /// The newest message once more, as redundant links bring it.
    Duplicate,
    /// An old one; it says nothing, not even that the link works.
    Old,
}

/// The memory of one sender's sequence numbers.
#[derive(Debug)]
pub(crate) struct Receiver {
    last: Option<u64>,
    missing: BTreeMap<u64, Time>,
    delay_max: Duration,
    ack_digit: u64,
    ack_due: Option<u64>,
}

impl Receiver {
    /// Knows nothing yet; asks for a missing message after at most `delay_max`.
    pub(crate) fn new(delay_max: Duration, random: &mut Random) -> Self {
        Self {
            last: None,
            missing: BTreeMap::new(),
            delay_max,
            ack_digit: random.below(ACK_EVERY),
            ack_due: None,
        }
    }

    /// Forgets everything: the sender restarted or died.
    pub(crate) fn reset(&mut self) {
        self.last = None;
        self.missing.clear();
        self.ack_due = None;
    }

    /// The highest number heard, 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last.unwrap_or(0)
    }

    /// Takes note of a sequence number. `prompt` asks for an acknowledgement whatever its digit.
    pub(crate) fn note(
        &mut self,
        now: Time,
        sequence: u64,
        prompt: bool,
        random: &mut Random,
    ) -> Verdict {
        let Some(last) = self.last else {
            self.advance(sequence, prompt);
            return Verdict::New;
        };
        if sequence == last {
            return Verdict::Duplicate;
        }
        if sequence == last.wrapping_add(1) {
            self.advance(sequence, prompt);
            return Verdict::New;
        }
        if sequence < last {
            if self.missing.remove(&sequence).is_none() {
                return Verdict::Old;
            }
            let complete = self.missing.is_empty();
            if complete || prompt {
                self.ack_due = Some(self.complete_up_to(last));
            }
            return Verdict::Late { complete };
        }
        let count = sequence - last - 1;
        self.last = Some(sequence);
        if count + self.missing.len() as u64 > MISSING_MAX {
            self.missing.clear();
            return Verdict::GapTooLarge;
        }
        for number in last + 1..sequence {
            let wait = self.request_delay(random);
            self.missing.insert(number, now + wait);
        }
        Verdict::Gap { last, count }
    }

    /// Gives a number up that the sender cannot send again. Returns whether it was missing.
    pub(crate) fn give_up(&mut self, sequence: u64) -> bool {
        self.missing.remove(&sequence).is_some()
    }

    /// Forgets what is missing: the sender can no longer be asked.
    pub(crate) fn forget_missing(&mut self) {
        self.missing.clear();
    }

    /// A number whose time to be asked for has come; it will be asked for again later.
    pub(crate) fn request(&mut self, now: Time) -> Option<u64> {
        let again = now + self.delay_max.max(Duration::from_millis(1));
        let (&number, due) = self.missing.iter_mut().find(|(_, due)| **due <= now)?;
        *due = again;
        Some(number)
    }

    /// The number to acknowledge, if one is due.
    pub(crate) fn take_ack(&mut self) -> Option<u64> {
        self.ack_due.take()
    }

    /// When [`Receiver::request`] next has something to say.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.missing.values().min().copied()
    }

    fn advance(&mut self, sequence: u64, prompt: bool) {
        self.last = Some(sequence);
        if self.missing.is_empty() && (prompt || sequence % ACK_EVERY == self.ack_digit) {
            self.ack_due = Some(sequence);
        }
    }

    fn complete_up_to(&self, last: u64) -> u64 {
        self.missing.keys().next().map_or(last, |lowest| lowest - 1)
    }

    fn request_delay(&self, random: &mut Random) -> Duration {
        let shortest =
            if self.delay_max < REQUEST_DELAY_SHORT { Duration::ZERO } else { REQUEST_DELAY_MIN };
        let range = self.delay_max.saturating_sub(shortest).as_millis();
        let extra = random.below(u64::try_from(range).unwrap_or(0) + 1);
        shortest + Duration::from_millis(extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver() -> (Receiver, Random) {
        let mut random = Random::new(1);
        (Receiver::new(Duration::from_millis(250), &mut random), random)
    }

    #[test]
    fn every_kind_of_number_has_its_verdict() {
        let (mut receiver, mut random) = receiver();
        let mut note = |number| receiver.note(Time::START, number, false, &mut random);
        assert_eq!(note(40), Verdict::New, "the first number may be anything");
        assert_eq!(note(41), Verdict::New);
        assert_eq!(note(41), Verdict::Duplicate);
        assert_eq!(note(44), Verdict::Gap { last: 41, count: 2 });
        assert_eq!(note(43), Verdict::Late { complete: false });
        assert_eq!(note(43), Verdict::Old);
        assert_eq!(note(42), Verdict::Late { complete: true });
        assert_eq!(note(39), Verdict::Old);
        assert_eq!(note(900), Verdict::GapTooLarge);
        assert_eq!(note(901), Verdict::New);
    }

    #[test]
    fn one_message_in_ten_is_acknowledged_and_none_above_a_gap() {
        let (mut receiver, mut random) = receiver();
        let mut acks = 0;
        for number in 1..=100 {
            receiver.note(Time::START, number, false, &mut random);
            acks += u32::from(receiver.take_ack().is_some());
        }
        assert_eq!(acks, 10);
        receiver.note(Time::START, 102, true, &mut random);
        assert_eq!(receiver.take_ack(), None);
        receiver.note(Time::START, 101, false, &mut random);
        assert_eq!(receiver.take_ack(), Some(102));
    }

    #[test]
    fn missing_numbers_are_asked_for_until_they_come_or_are_given_up() {
        let (mut receiver, mut random) = receiver();
        receiver.note(Time::START, 1, false, &mut random);
        receiver.note(Time::START, 4, false, &mut random);
        let due = receiver.deadline().expect("two numbers are missing");
        assert!(due >= Time::START + REQUEST_DELAY_MIN);
        let late = Time::START + Duration::from_millis(250);
        assert_eq!(receiver.request(late), Some(2));
        assert_eq!(receiver.request(late), Some(3));
        assert_eq!(receiver.request(late), None, "asked a moment ago");
        assert!(receiver.give_up(2));
        assert_eq!(receiver.request(late + Duration::from_millis(250)), Some(3));
    }
}
