//! What is tried and refused again and again stands in the journal once: else it would push out
//! what explains where the groups are.

use super::Happening;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long one entry is enough for all that repeat it.
const PERIOD: Duration = Duration::from_mins(10);
/// Most entries that are remembered; the oldest is forgotten first.
const KEPT_MAX: usize = 32;

/// What was written lately and may repeat without end.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<(Happening, Instant)>);

impl Repeats {
    /// Whether a happening repeats one that was written lately; notes it if not. When a group
    /// moves everything is news again.
    pub(super) fn has(&mut self, happening: &Happening, now: Instant) -> bool {
        if matches!(happening, Happening::Ownership { .. } | Happening::Order { .. }) {
            self.0.clear();
        }
        let Some(essence) = essence(happening) else { return false };
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

/// What makes a happening the same as another one, for those that may repeat without end.
fn essence(happening: &Happening) -> Option<Happening> {
    let mut essence = happening.clone();
    match &mut essence {
        Happening::HandOver(stage) => {
            (stage.took_ms, stage.total_ms) = (0, 0);
            stage.ticket.is_none().then_some(essence)
        }
        Happening::Denied { pid, .. } => {
            *pid = 0;
            Some(essence)
        }
        Happening::Late { milliseconds, .. } => {
            *milliseconds = 0;
            Some(essence)
        }
        Happening::Refusal { .. } | Happening::Pings(_) => Some(essence),
        Happening::Ownership { .. }
        | Happening::Reach { .. }
        | Happening::AddressBack { .. }
        | Happening::Alarm { .. }
        | Happening::Death { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Keys { .. }
        | Happening::Hold { .. }
        | Happening::Order { .. }
        | Happening::Answer { .. }
        | Happening::Job(_)
        | Happening::LetGo { .. }
        | Happening::Executor { .. }
        | Happening::StopFailure { .. }
        | Happening::Start { .. }
        | Happening::Reload { .. }
        | Happening::Stop
        | Happening::Pause { .. }
        | Happening::Failure { .. } => None,
    }
}
