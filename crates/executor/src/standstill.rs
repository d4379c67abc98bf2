//! How a daemon notices that its executor stands still.

use crate::protocol::LIFETIME_MIN;
use std::time::Duration;
use systole_core::Time;

/// Longest time without a message to an executor: whether the executor reads can be observed only if there
/// is something to read.
pub const SILENCE_MAX: Duration = Duration::from_millis(500);

/// How long an executor has made no progress, as far as its daemon has observed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standstill {
    span: Duration,
    looked_at: Time,
}

impl Standstill {
    /// Records an observation at this moment, and returns for how long there has been no progress. A time
    /// in which the daemon did not look counts for at most one `keepalive`, because the whole machine may
    /// have stood still.
    pub fn note(&mut self, now: Time, makes_progress: bool, keepalive: Duration) -> Duration {
        let gap = now.since(self.looked_at).min(keepalive);
        self.looked_at = now;
        self.span = if makes_progress { Duration::ZERO } else { self.span + gap };
        self.span
    }
}

/// Returns how long an executor may make no progress: less than a dead time, and at most half of the
/// minimum lifetime of an address, so that another executor adopts the addresses before any of them
/// expires.
#[must_use]
pub fn patience(deadtime: Duration) -> Duration {
    (deadtime * 3 / 4).min(LIFETIME_MIN / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPALIVE: Duration = Duration::from_millis(200);

    fn at(millis: u64) -> Time {
        Time::START + Duration::from_millis(1_000_000 + millis)
    }

    #[test]
    fn standstill_excludes_the_time_the_daemon_itself_stood_still() {
        let mut standstill = Standstill::default();
        let mut note =
            |millis, progress| standstill.note(at(millis), progress, KEEPALIVE).as_millis();
        assert_eq!(note(0, true), 0);
        assert_eq!((note(200, false), note(300, false)), (200, 300));
        assert_eq!(note(5_000, false), 500, "the daemon stood still itself");
        assert_eq!((note(5_100, true), note(5_300, false)), (0, 200));
    }

    #[test]
    fn patience_is_shorter_than_deadtime_and_minimum_address_lifetime() {
        for deadtime in [1, 2, 10, 30].map(Duration::from_secs) {
            assert!(patience(deadtime) < deadtime && patience(deadtime) < LIFETIME_MIN);
        }
    }
}
