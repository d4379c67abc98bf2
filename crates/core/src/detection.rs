//! The times by which nodes judge whether other nodes are alive.

use crate::Settings;
use std::time::Duration;

/// Shortest lifetime of an address, and its default unless the daemon sets another.
///
/// The kernel looks at lifetimes at most once a second or so: 3 s end after 3.3 s at the latest,
/// and leave room for two missed renewals at one renewal per second.
pub const LIFETIME_MIN: Duration = Duration::from_secs(3);
/// Longest lifetime of an address.
pub const LIFETIME_MAX: Duration = Duration::from_mins(1);

/// How often a node beats, when the others declare it dead, and what it may do between two beats.
///
/// The announced dead time and the kept dead time differ only while a change of the times is not
/// yet known everywhere: then a node announces the longer one and keeps to the shorter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    keepalive: Duration,
    announced: Duration,
    kept: Duration,
}

impl Detection {
    /// A beat every `keepalive`; silence for `deadtime` means death.
    #[must_use]
    pub const fn new(keepalive: Duration, deadtime: Duration) -> Self {
        Self { keepalive, announced: deadtime, kept: deadtime }
    }

    /// The times of a configuration that is known everywhere.
    #[must_use]
    pub const fn of(settings: &Settings) -> Self {
        Self::new(settings.keepalive, settings.deadtime)
    }

    /// The times while some nodes still reckon with these times and others with `next`.
    #[must_use]
    pub(crate) fn until_known(self, next: Self) -> Self {
        Self {
            keepalive: self.keepalive.min(next.keepalive),
            announced: self.announced.max(next.announced),
            kept: self.kept.min(next.kept),
        }
    }

    /// The same dead times with another time between beats.
    pub(crate) const fn with_keepalive(self, keepalive: Duration) -> Self {
        Self { keepalive, ..self }
    }

    /// Time between two beats.
    #[must_use]
    pub const fn keepalive(self) -> Duration {
        self.keepalive
    }

    /// Silence after which the others declare this node dead.
    #[must_use]
    pub const fn announced_deadtime(self) -> Duration {
        self.announced
    }

    /// How long the executor may act after a beat, and this node may be away between two turns. The
    /// others declare this node dead a dead time after the beat, so the executor must have let go a
    /// keepalive before that.
    #[must_use]
    pub const fn permit(self) -> Duration {
        self.kept.saturating_sub(self.keepalive)
    }

    /// How long an address lives without being renewed, in whole seconds, as the kernel counts.
    ///
    /// When every process is killed at once, the others take over a dead time after the last beat,
    /// and the kernel may be a little late: the address must be gone by then. The lifetime is as
    /// long as possible, because an executor that stands still for longer than that loses its
    /// addresses.
    #[must_use]
    pub fn address_lifetime(self) -> Duration {
        /// How late the kernel is at most.
        const LATE: Duration = Duration::from_millis(500);
        let span = self.announced.saturating_sub(self.keepalive + LATE);
        Duration::from_secs(span.clamp(LIFETIME_MIN, LIFETIME_MAX).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn permit_ends_a_keepalive_before_the_dead_time() {
        assert_eq!(Detection::new(ms(200), ms(600)).permit(), ms(400));
        assert_eq!(Detection::new(ms(600), ms(600)).permit(), ms(0));
    }

    #[test]
    fn change_of_times_announces_longer_and_keeps_to_shorter_dead_time() {
        let (slow, fast) = (Detection::new(ms(2000), ms(10_000)), Detection::new(ms(100), ms(400)));
        for between in [slow.until_known(fast), fast.until_known(slow)] {
            assert_eq!(between.keepalive(), ms(100));
            assert_eq!(between.announced_deadtime(), ms(10_000));
            assert_eq!(between.permit(), ms(300));
        }
    }

    #[test]
    fn address_lifetime_ends_before_a_takeover_within_its_bounds() {
        let lifetime = |keepalive, deadtime| Detection::new(ms(keepalive), ms(deadtime));
        let lifetime = |keepalive, deadtime| lifetime(keepalive, deadtime).address_lifetime();
        assert_eq!(lifetime(200, 600), LIFETIME_MIN);
        assert_eq!(lifetime(2000, 30_000), Duration::from_secs(27));
        assert_eq!(lifetime(2000, 300_000), LIFETIME_MAX);
    }
}
