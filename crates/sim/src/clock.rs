//! Clocks that run too fast or too slow, and whose date the administrator sets.

use std::time::Duration;
use systole_core::{Random, Time};

/// Parts per million.
const MILLION: i128 = 1_000_000;
/// The date at the beginning of every world, in seconds since 1970.
const BEGINNING: i64 = 1_700_000_000;

/// How wrong the clocks of a world may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// The seed decides: most clocks are exact, some are as wrong as quartz clocks, and some are much worse.
    Drawn,
    /// Every other clock is slow by this many parts per million, and the rest are fast by as many.
    Apart(u32),
}

impl Clocks {
    /// Draws how many parts per million clocks may be off.
    pub(crate) fn draw(self, random: &mut Random) -> u32 {
        match self {
            Self::Apart(drift) => drift,
            Self::Drawn => match random.below(10) {
                0..=2 => 200,
                3 => 50_000,
                _ => 0,
            },
        }
    }
}

/// The clock of a machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Parts per million by which it runs fast.
    rate: i32,
    /// Seconds by which its date is wrong.
    date: i64,
}

impl Clock {
    /// Makes the clock of the machine at this place.
    pub(crate) fn new(clocks: Clocks, drift: u32, place: usize, random: &mut Random) -> Self {
        let drift = i32::try_from(drift).unwrap_or(0);
        let range = u64::try_from(drift * 2).unwrap_or(0) + 1;
        let rate = match clocks {
            Clocks::Drawn => i32::try_from(random.below(range)).unwrap_or(0) - drift,
            Clocks::Apart(_) if place.is_multiple_of(2) => -drift,
            Clocks::Apart(_) => drift,
        };
        Self { rate, date: 0 }
    }

    /// Returns the time that it shows when this much time has passed.
    pub(crate) fn shows(self, passed: Duration) -> Time {
        Time::from_nanos(scale(passed, MILLION + i128::from(self.rate), MILLION))
    }

    /// Returns how much time has passed when it shows this time: at least as much.
    pub(crate) fn passed(self, shown: Time) -> Duration {
        let rate = MILLION + i128::from(self.rate);
        let nanos = i128::from(shown.as_nanos()) * MILLION;
        Duration::from_nanos(u64::try_from((nanos + rate - 1) / rate).unwrap_or(u64::MAX))
    }

    /// Sets the date forward or back.
    pub(crate) fn step(&mut self, seconds: i64) {
        self.date += seconds;
    }

    /// Returns its date, in seconds since 1970.
    pub(crate) fn date(self, now: Time) -> u64 {
        let seconds = i64::try_from(now.as_nanos() / 1_000_000_000).unwrap_or(0);
        u64::try_from(BEGINNING + seconds + self.date).unwrap_or(1)
    }
}

/// Returns what the slowest clock shows of a span.
pub(crate) fn shortest(span: Duration, drift: u32) -> Duration {
    Duration::from_nanos(scale(span, MILLION - i128::from(drift), MILLION))
}

fn scale(span: Duration, by: i128, of: i128) -> u64 {
    let nanos = i128::try_from(span.as_nanos()).unwrap_or(i128::MAX / MILLION);
    u64::try_from(nanos * by / of).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_passed_returns_first_moment_that_shows_the_time() {
        for rate in [-50_000, -200, -1, 0, 1, 200, 50_000] {
            let clock = Clock { rate, date: 0 };
            for nanos in [0, 1, 2, 999_999_999, 1_000_000_007, 86_400_000_000_001] {
                let shown = Time::from_nanos(nanos);
                let passed = clock.passed(shown);
                assert!(clock.shows(passed) >= shown, "{rate} {nanos}");
                let before = passed.saturating_sub(Duration::from_nanos(1));
                assert!(nanos == 0 || clock.shows(before) < shown, "{rate} {nanos}");
            }
        }
    }
}
