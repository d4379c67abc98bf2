//! Events that are tried and refused repeatedly are recorded once, because they would otherwise push out
//! the entries that explain where the groups are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use systole_core::GROUPS_MAX;
use systole_ipc::journal::JournalEvent;

/// How long one entry is enough for all that repeat it.
const PERIOD: Duration = Duration::from_mins(10);
/// Maximum number of entries that are remembered. The oldest is forgotten first.
const KEPT_MAX: usize = 32 + GROUPS_MAX;

/// Entries that were written recently and may repeat without end.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<(JournalEvent, Instant)>);

impl Repeats {
    /// Returns whether an event repeats one that was written recently, and records it if not. When a group
    /// moves, every event is new again.
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
