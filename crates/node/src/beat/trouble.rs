//! What went wrong on the beat thread, counted, to be told once a second.

use systole_core::LINKS_MAX;
use systole_wire::{DecodeError, HearError};

/// Reasons why a datagram was dropped, in the words of the log.
const CAUSES: [&str; 16] = [
    "too short",
    "not a message",
    "too large",
    "malformed",
    "no signature",
    "unknown key id",
    "checksum in place of a signature",
    "wrong signature",
    "too many fields",
    "nested too deep",
    "unreadable field",
    "unreadable envelope",
    "envelope too large",
    "missing field",
    "unreadable value",
    "stray echo reply",
];

/// The place of [`Trouble::note_stray`] among the causes.
const STRAY: usize = 15;

/// Messages that could not be sent on a medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// How many.
    pub(crate) count: u64,
    /// The last error, by its number.
    pub(crate) error: i32,
}

/// Counters of about a second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    dropped: [u64; CAUSES.len()],
    /// By medium.
    pub(crate) unsent: [Unsent; LINKS_MAX],
    /// Errors of receiving.
    pub(crate) unreceived: u64,
    /// Messages of our own that could not be encoded.
    pub(crate) unencodable: u64,
    /// News that found no room on their way to the log.
    pub(crate) lost_news: u64,
    /// This thread was woken again and again for nothing, or something stayed due.
    pub(crate) is_restless: bool,
}

impl Trouble {
    /// Counts a datagram that is no message.
    pub(crate) fn note_decode(&mut self, error: DecodeError) {
        let place = match error {
            DecodeError::Short => 0,
            DecodeError::NotAMessage => 1,
            DecodeError::TooLarge => 2,
            DecodeError::Malformed => 3,
            DecodeError::Unsigned => 4,
            DecodeError::UnknownKey => 5,
            DecodeError::Checksum => 6,
            DecodeError::Signature => 7,
            DecodeError::TooManyFields => 8,
            DecodeError::TooDeep => 9,
            DecodeError::Field(_) => 10,
            DecodeError::Envelope => 11,
            DecodeError::UnpackedTooLarge => 12,
        };
        self.dropped[place] += 1;
    }

    /// Counts a message that means nothing.
    pub(crate) fn note_hear(&mut self, error: HearError) {
        let place = match error {
            HearError::Missing(_) => 13,
            HearError::Unreadable(_) => 14,
        };
        self.dropped[place] += 1;
    }

    /// Counts an echo reply that is no answer to us.
    pub(crate) fn note_stray(&mut self) {
        self.dropped[STRAY] += 1;
    }

    /// Counts a message that a medium did not take.
    pub(crate) fn note_unsent(&mut self, medium: usize, error: i32) {
        if let Some(unsent) = self.unsent.get_mut(medium) {
            unsent.count += 1;
            unsent.error = error;
        }
    }

    /// Whether nothing went wrong.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many datagrams were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// The causes and how often each was met: `wrong signature (12), malformed (3)`.
    pub(crate) fn causes(&self) -> String {
        let counted = CAUSES.iter().zip(self.dropped).filter(|(_, count)| *count > 0);
        let words: Vec<String> =
            counted.map(|(cause, count)| format!("{cause} ({count})")).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_wire::FieldError;

    #[test]
    fn every_cause_has_its_own_words() {
        let mut trouble = Trouble::default();
        assert!(trouble.is_empty());
        trouble.note_decode(DecodeError::Signature);
        trouble.note_decode(DecodeError::Signature);
        trouble.note_decode(DecodeError::Field(FieldError::Name));
        trouble.note_hear(HearError::Missing("t"));
        trouble.note_stray();
        assert_eq!(trouble.dropped(), 5);
        let words =
            "wrong signature (2), unreadable field (1), missing field (1), stray echo reply (1)";
        assert_eq!(trouble.causes(), words);
        assert!(!trouble.is_empty());
    }

    #[test]
    fn unsent_messages_are_counted_by_medium() {
        let mut trouble = Trouble::default();
        trouble.note_unsent(1, 100);
        trouble.note_unsent(LINKS_MAX, 100);
        assert_eq!(trouble.unsent[1], Unsent { count: 1, error: 100 });
        assert_eq!(trouble.unsent.iter().map(|unsent| unsent.count).sum::<u64>(), 1);
    }
}
