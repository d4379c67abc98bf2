//! Whether the executor may still act.

use crate::protocol::Permit;
use std::time::Duration;
use systole_core::Time;

/// Longest time that a permit may reach into the future. A daemon that asks for more is faulty.
const REACH_MAX: Duration = Duration::from_mins(10);

/// The executor's permission to act.
///
/// ```text
///              renewed                    expired
///   Valid ──────────────▶ Valid ───────────────────────▶ Expired
///                           ▲           renewed            │
///                           └──────────────────────────────┘
/// ```
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    until: Time,
    /// No daemon has given a permit yet.
    is_grace: bool,
}

impl Lease {
    /// Creates a permission for `grace`: a restarted executor keeps what it adopted for as long as the
    /// daemon may need to find it.
    pub(crate) fn new(now: Time, grace: Duration) -> Self {
        Self { until: now + grace, is_grace: true }
    }

    /// Takes a permit. The first one ends the grace, however long that was, because the daemon knows how
    /// soon another node may take over. A later permit that reaches less far than the present one changes
    /// nothing, because it may be an older one that was read late.
    pub(crate) fn renew(&mut self, now: Time, permit: Permit) {
        let until = Time::from_nanos(permit.until).min(now + REACH_MAX);
        self.until = if self.is_grace { until } else { self.until.max(until) };
        self.is_grace = false;
    }

    /// Ends the permission at `until` at the latest, because no daemon is there to renew it.
    pub(crate) fn limit(&mut self, until: Time) {
        self.until = self.until.min(until);
    }

    /// Whether the executor may act.
    pub(crate) fn is_valid(self, now: Time) -> bool {
        now < self.until
    }

    /// Whether a daemon vouches that what is held is this node's. During the grace nobody does.
    pub(crate) fn is_vouched_for(self, now: Time) -> bool {
        !self.is_grace && self.is_valid(now)
    }

    /// The time at which the permission expires unless renewed.
    pub(crate) const fn deadline(self) -> Time {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    fn permit(seconds: u64) -> Permit {
        Permit { issued: 0, until: at(seconds).as_nanos() }
    }

    #[test]
    fn permit_without_renewal_expires_at_its_end() {
        let mut lease = Lease::new(at(0), Duration::from_secs(5));
        assert!(lease.is_valid(at(4)) && !lease.is_valid(at(5)));
        assert!(!lease.is_vouched_for(at(4)), "no daemon has spoken");
        lease.renew(at(1), permit(3));
        assert!(lease.is_vouched_for(at(2)) && !lease.is_vouched_for(at(3)));
        assert!(!lease.is_valid(at(3)), "the first permit ends the grace");
        lease.renew(at(3), permit(8));
        lease.renew(at(3), permit(6));
        assert!(lease.is_valid(at(7)));
        assert_eq!(lease.deadline(), at(8));
        assert!(!lease.is_valid(at(8)));
        lease.renew(at(9), permit(14));
        assert!(lease.is_valid(at(10)));
    }

    #[test]
    fn permit_can_be_shortened_but_not_prolonged_by_a_limit() {
        let mut lease = Lease::new(at(0), Duration::from_secs(30));
        lease.renew(at(0), permit(30));
        lease.limit(at(5));
        assert_eq!(lease.deadline(), at(5));
        lease.limit(at(9));
        assert_eq!(lease.deadline(), at(5));
    }

    #[test]
    fn permit_already_expired_on_arrival_renews_nothing() {
        let mut lease = Lease::new(at(0), Duration::from_secs(5));
        lease.renew(at(100), permit(6));
        assert!(!lease.is_valid(at(100)));
    }

    #[test]
    fn permit_reaching_beyond_its_bound_is_cut() {
        let mut lease = Lease::new(at(0), Duration::ZERO);
        lease.renew(at(1), Permit { issued: 0, until: u64::MAX });
        assert_eq!(lease.deadline(), at(1) + REACH_MAX);
    }
}
