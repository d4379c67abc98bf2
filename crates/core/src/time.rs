//! Time as a number that the shell hands in.

use std::ops::Add;
use std::time::Duration;

/// Nanoseconds on a monotonic clock whose zero is the start of the daemon.
///
/// The shell reads `CLOCK_BOOTTIME` once per wake-up; the core only compares and adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The start of the daemon.
    pub const START: Self = Self(0);

    /// The moment `nanoseconds` after the start.
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `span` before this one, or the start if there was none.
    #[must_use]
    pub(crate) fn before(self, span: Duration) -> Self {
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanoseconds))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_backwards_nor_overflows() {
        let second = Time::START + Duration::from_secs(1);
        assert_eq!(second.since(Time::START), Duration::from_secs(1));
        assert_eq!(Time::START.since(second), Duration::ZERO);
        assert_eq!(second + Duration::MAX, Time::from_nanos(u64::MAX));
    }
}
