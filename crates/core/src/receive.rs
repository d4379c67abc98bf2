//! What this node has received from one sender: sequence numbers, gaps,
//! acknowledgements.

use crate::{Random, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most messages that are requested after one gap; a larger gap is given up.
const GAP_MAX: u64 = 250;
/// Most missing sequence numbers of one sender at a time.
const MISSING_MAX: u64 = 500;
/// Shortest wait before a missing message is requested, because messages of a sender may overtake
/// each other.
const REQUEST_DELAY_MIN: Duration = Duration::from_millis(50);
/// If the longest wait is below this, the shortest wait is zero.
const REQUEST_DELAY_SHORT: Duration = Duration::from_millis(100);
/// One message in this many is acknowledged.
const ACK_EVERY: u64 = 10;

/// What a sequence number means to the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New; process it.
    New,
    /// New, and the numbers before it are missing; process it.
    Gap {
        /// The last number before the gap.
        last: u64,
        /// How many numbers are missing.
        count: u64,
    },
    /// New, and so many numbers before it are missing that they were given up; process it.
    GapTooLarge,
    /// One of the missing numbers; process it.
    Late {
        /// Whether it was the last missing one.
        complete: bool,
    },
    /// The newest message once more, as redundant links deliver it.
    Duplicate,
    /// An old message; it proves nothing, not even that the link works.
    Old,
}

/// The record of one sender's sequence numbers.
#[derive(Debug)]
pub(crate) struct Receiver {
    last: Option<u64>,
    /// The missing numbers: when each is requested, and whether it was requested before.
    missing: BTreeMap<u64, (Time, bool)>,
    delay_max: Duration,
    /// Whether the next number that is requested alone is the one that has waited longest.
    takes_oldest: bool,
    ack_digit: u64,
    /// The highest number that demands an acknowledgement whatever its digit.
    prompted: u64,
    /// The number that was acknowledged: nothing up to it is missing.
    acknowledged: u64,
    ack_due: Option<u64>,
}

impl Receiver {
    /// A receiver that knows nothing yet; it requests a missing message after at most `delay_max`.
    pub(crate) fn new(delay_max: Duration, random: &mut Random) -> Self {
        Self {
            last: None,
            missing: BTreeMap::new(),
            delay_max,
            takes_oldest: false,
            ack_digit: random.below(ACK_EVERY),
            prompted: 0,
            acknowledged: 0,
            ack_due: None,
        }
    }

    /// Forgets everything: the sender restarted or died.
    pub(crate) fn reset(&mut self) {
        self.last = None;
        self.missing.clear();
        self.prompted = 0;
        self.acknowledged = 0;
        self.ack_due = None;
    }

    /// The highest number heard, 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last.unwrap_or(0)
    }

    /// Records a sequence number. `prompt` demands an acknowledgement whatever its digit.
    pub(crate) fn note(
        &mut self,
        now: Time,
        sequence: u64,
        prompt: bool,
        random: &mut Random,
    ) -> Verdict {
        let verdict = self.judge(now, sequence, random);
        if !matches!(verdict, Verdict::Duplicate | Verdict::Old) {
            if prompt {
                self.prompted = self.prompted.max(sequence);
            }
            self.acknowledge();
        }
        verdict
    }

    fn judge(&mut self, now: Time, sequence: u64, random: &mut Random) -> Verdict {
        let Some(last) = self.last else {
            self.last = Some(sequence);
            // It is unknown whether the messages before this one arrived.
            self.acknowledged = sequence.saturating_sub(1);
            return Verdict::New;
        };
        if sequence == last {
            return Verdict::Duplicate;
        }
        if sequence < last {
            if self.missing.remove(&sequence).is_none() {
                return Verdict::Old;
            }
            return Verdict::Late { complete: self.missing.is_empty() };
        }
        self.last = Some(sequence);
        let count = sequence - last - 1;
        if count == 0 {
            return Verdict::New;
        }
        if count > GAP_MAX || count + self.missing.len() as u64 > MISSING_MAX {
            self.missing.clear();
            return Verdict::GapTooLarge;
        }
        for number in last + 1..sequence {
            let wait = self.request_delay(random);
            self.missing.insert(number, (now + wait, false));
        }
        Verdict::Gap { last, count }
    }

    /// Gives up a number that the sender cannot send again. Returns whether it was missing.
    pub(crate) fn give_up(&mut self, sequence: u64) -> bool {
        let was_missing = self.missing.remove(&sequence).is_some();
        if was_missing {
            self.acknowledge();
        }
        was_missing
    }

    /// Whether nothing is missing of what was sent before the last message heard.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Forgets what is missing: the sender can no longer be asked.
    pub(crate) fn forget_missing(&mut self) {
        self.missing.clear();
    }

    /// Returns a number that is due to be requested; it will be requested again later.
    pub(crate) fn request(&mut self, now: Time) -> Option<u64> {
        let again = now + self.delay_max.max(Duration::from_millis(1));
        let (&number, asked) = self.missing.iter_mut().find(|(_, (due, _))| *due <= now)?;
        *asked = (again, true);
        Some(number)
    }

    /// The same where few numbers can be requested: the newest that was not requested before, because most depends
    /// on it, and the one that has waited longest, by turns. It is not requested again before `again`.
    pub(crate) fn request_one(&mut self, now: Time, again: Time) -> Option<u64> {
        let due = self.missing.iter().filter(|(_, (due, _))| *due <= now);
        let fresh = due.clone().rev().find(|(_, (_, was_asked))| !was_asked);
        let oldest = due.min_by_key(|(_, (due, _))| *due);
        let (&number, _) = if self.takes_oldest { oldest } else { fresh.or(oldest) }?;
        self.takes_oldest = !self.takes_oldest;
        self.missing.insert(number, (again, true));
        Some(number)
    }

    /// The number to acknowledge, if one is due.
    pub(crate) fn take_ack(&mut self) -> Option<u64> {
        self.ack_due.take()
    }

    /// When [`Receiver::request`] next returns a number.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.missing.values().map(|(due, _)| *due).min()
    }

    /// Makes an acknowledgement due when nothing is missing up to a number that has this receiver's
    /// digit or demands an acknowledgement.
    fn acknowledge(&mut self) {
        let complete = self.missing.keys().next().map_or(self.last(), |lowest| lowest - 1);
        let prompted = if self.prompted > self.acknowledged { complete } else { 0 };
        let above = (complete % ACK_EVERY + ACK_EVERY - self.ack_digit) % ACK_EVERY;
        let digit = complete.saturating_sub(above);
        let reached = if complete >= self.prompted { prompted.max(digit) } else { digit };
        if reached > self.acknowledged {
            self.acknowledged = reached;
            self.ack_due = Some(reached);
        }
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
    use std::collections::BTreeSet;

    fn receiver() -> (Receiver, Random) {
        let mut random = Random::new(1);
        (Receiver::new(Duration::from_millis(250), &mut random), random)
    }

    #[test]
    fn sequence_number_of_every_kind_has_its_verdict() {
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
        assert_eq!(note(44 + 251), Verdict::Gap { last: 44, count: 250 });
        assert_eq!(note(900), Verdict::GapTooLarge);
        assert_eq!(note(901), Verdict::New);
        assert_eq!(note(50), Verdict::Old, "given up with the others");
    }

    #[test]
    fn gap_beyond_bound_of_missing_numbers_is_too_large() {
        let (mut receiver, mut random) = receiver();
        let mut note = |number| receiver.note(Time::START, number, false, &mut random);
        note(1);
        assert_eq!(note(252), Verdict::Gap { last: 1, count: 250 });
        assert_eq!(note(503), Verdict::Gap { last: 252, count: 250 });
        assert_eq!(note(505), Verdict::GapTooLarge);
    }

    #[test]
    fn acknowledgement_is_due_for_every_tenth_message_and_not_above_gap() {
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

    /// Under steady loss something is always missing; the numbers that are complete below it must
    /// not wait.
    #[test]
    fn message_complete_below_gap_is_acknowledged() {
        let (mut receiver, mut random) = receiver();
        receiver.ack_digit = 7;
        let mut note = |number| {
            receiver.note(Time::START, number, false, &mut random);
            receiver.take_ack()
        };
        for (number, ack) in [(5, None), (6, None), (7, Some(7)), (9, None), (20, None), (8, None)]
        {
            assert_eq!(note(number), ack, "{number}");
        }
        for number in 10..20 {
            let ack = (number == 17).then_some(17);
            assert_eq!(note(number), ack, "{number} comes, and 18 is missing until it does");
        }
        assert_eq!(note(40), None, "21 to 39 are missing");
        for number in 21..40 {
            let ack = (number % 10 == 7).then_some(number);
            assert_eq!(note(number), ack, "{number}");
        }
    }

    #[test]
    fn number_given_up_does_not_hold_back_acknowledgement() {
        let (mut receiver, mut random) = receiver();
        receiver.ack_digit = 0;
        for number in (1..=8).chain(10..=20) {
            receiver.note(Time::START, number, false, &mut random);
        }
        assert_eq!(receiver.take_ack(), None);
        assert!(receiver.give_up(9));
        assert_eq!(receiver.take_ack(), Some(20));
        assert!(!receiver.give_up(9), "once is enough");
    }

    #[test]
    fn newest_missing_number_is_requested_first_and_each_one_in_turn() {
        let (mut receiver, mut random) = receiver();
        receiver.note(Time::START, 1, false, &mut random);
        receiver.note(Time::START, 5, false, &mut random);
        let second = |count| Time::START + Duration::from_secs(count);
        let mut asked = |at| receiver.request_one(second(at), second(at + 5));
        let [first, second, third] = [1, 2, 3].map(&mut asked);
        assert_eq!(first, Some(4));
        assert_eq!(BTreeSet::from([second, third]), BTreeSet::from([Some(2), Some(3)]));
        let all = [None, first, second, third, None];
        assert_eq!([4, 6, 7, 8, 9].map(&mut asked), all);
    }

    #[test]
    fn number_that_has_waited_longest_gets_every_other_request_while_more_are_lost() {
        let (mut receiver, mut random) = receiver();
        let second = |count| Time::START + Duration::from_secs(count);
        let mut asked = Vec::new();
        for turn in 1..=6_u64 {
            receiver.note(second(turn), turn * 3, false, &mut random);
            asked.extend(receiver.request_one(second(turn + 1), second(turn + 2)));
        }
        // Numbers 4 and 5 are missing after the second turn, 7 and 8 after the third, and so on.
        assert_eq!(asked[..3], [5, 4, 11]);
        assert!([7, 8].contains(&asked[3]), "{asked:?}");
        assert_eq!(asked[4..], [17]);
    }

    #[test]
    fn missing_number_is_requested_until_given_up() {
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
