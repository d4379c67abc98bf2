//! The errors of the beat thread, counted, to be reported once a second.

use super::drops::Dropped;
use systole_core::LINKS_MAX;

/// Messages that could not be sent on a medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// The number of messages.
    pub(crate) count: u64,
    /// The number of the last error.
    pub(crate) error: i32,
}

/// Counters of about one second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorCounters {
    /// Datagrams that were dropped, by origin.
    pub(crate) drops: Vec<Dropped>,
    /// Messages that could not be sent, by medium.
    pub(crate) unsent: [Unsent; LINKS_MAX],
    /// Errors of receiving.
    pub(crate) unreceived: u64,
    /// Messages of this node that could not be encoded.
    pub(crate) unencodable: u64,
    /// News for which there was no room on the way to the log.
    pub(crate) lost_news: u64,
    /// Whether the thread was woken repeatedly for nothing, or something stayed due.
    pub(crate) is_restless: bool,
}

impl ErrorCounters {
    /// Counts a message that a medium did not take.
    pub(crate) fn record_unsent(&mut self, medium: usize, error: i32) {
        if let Some(unsent) = self.unsent.get_mut(medium) {
            unsent.count += 1;
            unsent.error = error;
        }
    }

    /// Whether there were no errors.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsent_messages_are_counted_by_medium() {
        let mut trouble = ErrorCounters::default();
        assert!(trouble.is_empty());
        trouble.record_unsent(1, 100);
        trouble.record_unsent(LINKS_MAX, 100);
        assert_eq!(trouble.unsent[1], Unsent { count: 1, error: 100 });
        assert_eq!(trouble.unsent.iter().map(|unsent| unsent.count).sum::<u64>(), 1);
        assert!(!trouble.is_empty());
    }
}
