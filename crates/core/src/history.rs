//! What this node has sent: which of its last messages can still be sent again, and which of them
//! every live node has acknowledged.

use crate::Time;
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Most sequenced messages that are kept for sending again.
pub const HISTORY_MAX: usize = 500;
/// Most messages that are sent again for one request.
const RESENT_MAX: u64 = 50;
/// A message is not sent again within the longest request delay minus this margin.
const RESEND_MARGIN: Duration = Duration::from_millis(10);

/// What to do about a requested message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resend {
    /// Send it again, as it was.
    Again,
    /// It is older than everything that is kept.
    TooLow,
    /// It is void: no node may follow it any longer.
    Void,
    /// It was never sent, or was sent a moment ago.
    Nothing,
}

/// When each of the last sequenced messages was sent. The shell keeps their bytes: a message that
/// is sent again must not differ from the first time, and only the shell knows what was sent.
///
/// An acknowledgement removes nothing: it carries no proof that it was meant for this run of this
/// node, and must not make this node forget what another node still lacks.
#[derive(Debug)]
pub(crate) struct History {
    /// When each message was last sent, the oldest first.
    sent: VecDeque<Time>,
    /// The numbers of messages that are not sent again.
    void: VecDeque<u64>,
    next: u64,
    acknowledged: u64,
}

impl History {
    /// A history with nothing sent yet; the first sequence is 1.
    pub(crate) fn new() -> Self {
        let sent = VecDeque::with_capacity(HISTORY_MAX);
        Self { sent, void: VecDeque::with_capacity(HISTORY_MAX), next: 1, acknowledged: 0 }
    }

    /// The number that the next message gets.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Records that a message is being sent, under the number [`History::next`].
    pub(crate) fn note(&mut self, now: Time) {
        if self.sent.len() == HISTORY_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
        self.next += 1;
        let oldest = self.oldest();
        self.void.retain(|sequence| *sequence >= oldest);
    }

    /// The number of the oldest message that is kept.
    fn oldest(&self) -> u64 {
        self.next - self.sent.len() as u64
    }

    /// Makes a message void: a node that has not heard it yet must not hear it later.
    pub(crate) fn make_void(&mut self, sequence: u64) {
        if !self.void.contains(&sequence) {
            self.void.push_back(sequence);
        }
    }

    /// Records what all live nodes have acknowledged. A node that joins them has acknowledged
    /// nothing, and does not wait for anything that was sent before.
    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        self.acknowledged = self.acknowledged.max(sequence);
    }

    /// How many of the kept messages wait for an acknowledgement.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = (self.next - 1).saturating_sub(self.acknowledged);
        usize::try_from(waiting).map_or(HISTORY_MAX, |waiting| waiting.min(self.sent.len()))
    }

    /// The part of a requested range that is worth looking at.
    pub(crate) fn clamp(&self, first: u64, last: u64) -> RangeInclusive<u64> {
        let last = last.min(self.next - 1).min(first.saturating_add(RESENT_MAX - 1));
        first..=last
    }

    /// Decides about one message of a request; a message that is to be sent again counts as sent
    /// now.
    pub(crate) fn resend(&mut self, now: Time, sequence: u64, delay_max: Duration) -> Resend {
        let Some(place) = sequence.checked_sub(self.oldest()) else { return Resend::TooLow };
        if self.void.contains(&sequence) {
            return Resend::Void;
        }
        let sent = usize::try_from(place).ok().and_then(|place| self.sent.get_mut(place));
        match sent {
            Some(sent) if now.since(*sent) + RESEND_MARGIN >= delay_max => {
                *sent = now;
                Resend::Again
            }
            Some(_) | None => Resend::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(250);

    fn sent(count: u64) -> History {
        let mut history = History::new();
        for _ in 0..count {
            history.note(Time::START);
        }
        history
    }

    #[test]
    fn message_requested_again_is_resent_only_after_delay() {
        let mut history = sent(5);
        let after = |milliseconds| Time::START + Duration::from_millis(milliseconds);
        assert_eq!(history.resend(after(239), 3, DELAY), Resend::Nothing);
        assert_eq!(history.resend(after(240), 3, DELAY), Resend::Again);
        assert_eq!(history.resend(after(479), 3, DELAY), Resend::Nothing);
        assert_eq!(history.resend(after(480), 3, DELAY), Resend::Again);
        assert_eq!(history.resend(after(480), 6, DELAY), Resend::Nothing, "never sent");
    }

    #[test]
    fn message_made_void_is_not_resent_and_void_mark_ends_with_message() {
        let mut history = sent(5);
        history.make_void(3);
        history.make_void(3);
        let later = Time::START + DELAY;
        let judged = [2, 3, 4].map(|sequence| history.resend(later, sequence, DELAY));
        assert_eq!(judged, [Resend::Again, Resend::Void, Resend::Again]);
        (0..HISTORY_MAX).for_each(|_| history.note(later));
        assert_eq!(history.resend(later, 3, DELAY), Resend::TooLow);
        assert_eq!(history.void, []);
    }

    #[test]
    fn message_no_longer_kept_is_judged_too_low() {
        let mut history = sent(600);
        let later = Time::START + DELAY;
        for (sequence, right) in [
            (1, Resend::TooLow),
            (100, Resend::TooLow),
            (101, Resend::Again),
            (600, Resend::Again),
            (601, Resend::Nothing),
            (u64::MAX, Resend::Nothing),
        ] {
            assert_eq!(history.resend(later, sequence, DELAY), right, "{sequence}");
        }
    }

    #[test]
    fn acknowledgement_shortens_queue_and_keeps_messages() {
        let mut history = sent(600);
        assert_eq!(history.waiting(), HISTORY_MAX);
        history.acknowledged(300);
        assert_eq!(history.waiting(), 300);
        assert_eq!(history.resend(Time::START + DELAY, 200, DELAY), Resend::Again);
        history.acknowledged(600);
        history.acknowledged(0);
        assert_eq!(history.waiting(), 0);
    }

    #[test]
    fn request_is_clamped_to_fifty_sent_messages() {
        let history = sent(400);
        assert_eq!(history.clamp(1, u64::MAX), 1..=50);
        assert_eq!(history.clamp(5, 10), 5..=10);
        assert_eq!(history.clamp(390, 500), 390..=400);
        assert!(history.clamp(500, 600).is_empty());
        assert!(history.clamp(u64::MAX, u64::MAX).is_empty());
    }
}
