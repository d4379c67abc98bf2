//! What is tried and refused again and again stands in the journal once: else it would push out
//! what explains where the groups are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use systole_ipc::journal::JournalEvent;

/// How long one entry is enough for all that repeat it.
const PERIOD: Duration = Duration::from_mins(10);
/// Most entries that are remembered; the oldest is forgotten first.
const KEPT_MAX: usize = 32;

/// What was written lately and may repeat without end.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<(JournalEvent, Instant)>);

impl Repeats {
    /// Whether an event repeats one that was written lately; notes it if not. When a group
    /// moves everything is news again.
    pub(super) fn has(&mut self, event: &JournalEvent, now: Instant) -> bool {
        if matches!(event, JournalEvent::Ownership { .. } | JournalEvent::Order { .. }) {
            self.0.clear();
        }
        let Some(essence) = event.essence() else { return false };
        self.0.retain(|(_, since)| now.saturating_duration_since(*since) < PERIOD);
        if self.0.iter().any(|(known, _)| *known == essence) {
            return true;
        }
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((essence, now));
        false
    }
}
