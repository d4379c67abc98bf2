//! What we have sent: kept until every live node has acknowledged it.

use crate::{Outgoing, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// Most sequenced messages that are kept for sending again.
const KEPT_MAX: usize = 500;
/// Most messages that one request brings back.
const RESENT_MAX: u64 = 50;
/// A message is not sent again within the longest request delay less this.
const RESEND_MARGIN: Duration = Duration::from_millis(10);

/// An answer to a request to send again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    /// Send this message again.
    Message(Outgoing),
    /// Below everything that is kept.
    TooLow(u64),
    /// Nothing to say: acknowledged already, never sent, or sent a moment ago.
    Nothing,
}

/// The last sequenced messages.
#[derive(Debug)]
pub(crate) struct History {
    kept: VecDeque<(Outgoing, Time)>,
    next: u64,
}

impl History {
    /// Nothing sent yet; the first sequence is 1.
    pub(crate) fn new() -> Self {
        Self { kept: VecDeque::with_capacity(KEPT_MAX), next: 1 }
    }

    /// The number that the next message gets.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Keeps a message that is being sent, under the number [`History::next`].
    pub(crate) fn keep(&mut self, now: Time, message: Outgoing) {
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back((message, now));
        self.next += 1;
    }

    /// Frees what all live nodes have acknowledged.
    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        while self.kept.front().is_some_and(|(kept, _)| kept.sequence <= Some(sequence)) {
            self.kept.pop_front();
        }
    }

    /// How many messages wait for an acknowledgement.
    pub(crate) fn waiting(&self) -> usize {
        self.kept.len()
    }

    /// The range of a request that is worth looking at.
    pub(crate) fn clamp(&self, first: u64, last: u64, acknowledged: u64) -> std::ops::Range<u64> {
        let first = first.max(acknowledged + 1);
        let last = last.min(self.next.saturating_sub(1)).min(first.saturating_add(RESENT_MAX - 1));
        first..last + 1
    }

    /// Looks a message up for sending again.
    pub(crate) fn resend(&mut self, now: Time, sequence: u64, delay_max: Duration) -> Resend {
        let Some(oldest) = self.kept.front().and_then(|(kept, _)| kept.sequence) else {
            return Resend::Nothing;
        };
        let Some(place) = sequence.checked_sub(oldest) else { return Resend::TooLow(sequence) };
        let kept = usize::try_from(place).ok().and_then(|place| self.kept.get_mut(place));
        match kept {
            Some((message, sent)) if now.since(*sent) + RESEND_MARGIN >= delay_max => {
                *sent = now;
                Resend::Message(message.clone())
            }
            Some(_) | None => Resend::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    const DELAY: Duration = Duration::from_millis(250);

    fn sent(count: u64) -> History {
        let mut history = History::new();
        for _ in 0..count {
            let message = Outgoing {
                message: Message::Starting,
                dest: None,
                dest_uuid: None,
                sequence: Some(history.next()),
                made: Time::START,
            };
            history.keep(Time::START, message);
        }
        history
    }

    #[test]
    fn a_kept_message_is_sent_again_but_not_at_once() {
        let mut history = sent(5);
        assert_eq!(history.resend(Time::START, 3, DELAY), Resend::Nothing);
        let later = Time::START + DELAY;
        assert!(
            matches!(history.resend(later, 3, DELAY), Resend::Message(m) if m.sequence == Some(3))
        );
        assert_eq!(history.resend(later, 3, DELAY), Resend::Nothing);
        assert_eq!(history.resend(later, 6, DELAY), Resend::Nothing, "never sent");
    }

    #[test]
    fn what_is_no_longer_kept_is_too_low() {
        let mut history = sent(600);
        assert_eq!(history.waiting(), KEPT_MAX);
        assert_eq!(history.resend(Time::START + DELAY, 100, DELAY), Resend::TooLow(100));
        history.acknowledged(300);
        assert_eq!(history.waiting(), 300);
    }

    #[test]
    fn a_request_is_bounded() {
        let history = sent(400);
        assert_eq!(history.clamp(1, u64::MAX, 0), 1..51);
        assert_eq!(history.clamp(1, 10, 4), 5..11);
        assert_eq!(history.clamp(390, 500, 0), 390..401);
        assert!(history.clamp(500, 600, 0).is_empty());
    }
}
