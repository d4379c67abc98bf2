//! Limits how much of the machine the beat thread can take: a thread at real-time priority that never
//! sleeps starves everything else.

use std::time::Duration;

/// Number of consecutive useless turns after which the thread sleeps, whatever is due.
const IDLE_MAX: u32 = 8;
/// Shortest wait in nanoseconds that counts as sleep. A wait that returns at once takes a tenth of this.
const SLEPT_MIN: u64 = 50_000;
/// How long the thread sleeps then.
const REST: Duration = Duration::from_millis(1);

/// Detects useless turns: woken at once, nothing heard, nothing done.
#[derive(Debug, Default)]
pub(super) struct Rest {
    idle: u32,
    /// The core reports that something is due that the core has not done.
    is_overdue: bool,
    has_worked: bool,
    is_told: bool,
}

impl Rest {
    /// Records that something was heard or done in this turn.
    pub(super) const fn record_work(&mut self) {
        self.has_worked = true;
    }

    /// Records how many nanoseconds the wait before this turn lasted. A thread that slept does not spin,
    /// even if the wake-up was useless: a serial line delivers its messages a few bytes at a time.
    pub(super) const fn record_wait(&mut self, nanoseconds: u64) {
        self.has_worked |= nanoseconds >= SLEPT_MIN;
    }

    /// Ends a turn. Returns, once, true if the thread does not come to rest, which must be reported.
    pub(super) fn end_turn(&mut self, is_overdue: bool) -> bool {
        let is_idle = !std::mem::take(&mut self.has_worked);
        self.idle = if is_idle { self.idle.saturating_add(1) } else { 0 };
        self.is_overdue = is_overdue;
        let is_news = self.pause().is_some() && !self.is_told;
        self.is_told |= is_news;
        is_news
    }

    /// Returns how long to sleep before the next turn, whatever is due.
    pub(super) fn pause(&self) -> Option<Duration> {
        (self.is_overdue || self.idle > IDLE_MAX).then_some(REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_without_work_are_slowed_down_and_reported_once() {
        let mut rest = Rest::default();
        let told: Vec<bool> = (0..20).map(|_| rest.end_turn(false)).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1);
        assert_eq!(rest.pause(), Some(REST));
        rest.record_work();
        assert!(!rest.end_turn(false));
        assert_eq!(rest.pause(), None);
    }

    #[test]
    fn turns_with_work_or_sleep_are_not_slowed_down() {
        let mut rest = Rest::default();
        for turn in 0..100 {
            if turn % 2 == 0 {
                rest.record_work();
            } else {
                rest.record_wait(SLEPT_MIN);
            }
            assert!(!rest.end_turn(false));
            assert_eq!(rest.pause(), None);
        }
    }

    #[test]
    fn turn_with_deadline_still_due_is_slowed_down_despite_work() {
        let mut rest = Rest::default();
        rest.record_work();
        assert!(rest.end_turn(true));
        assert_eq!(rest.pause(), Some(REST));
        rest.record_work();
        assert!(!rest.end_turn(false));
        assert_eq!(rest.pause(), None);
    }
}
