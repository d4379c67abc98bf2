//! Events that an outsider can cause at will: reported once, then at growing intervals, with a
//! count.

use crate::Time;
use std::time::Duration;

/// The first interval between two reports, the factor by which it grows, and the longest: the same
/// as for dropped packets.
const GAP_FIRST: Duration = Duration::from_mins(1);
const GAP_GROWTH: u32 = 5;
const GAP_LAST: Duration = Duration::from_hours(24);
/// An event that did not happen for this long is news when it happens again.
const FORGET_AFTER: Duration = Duration::from_hours(1);

/// What was reported about one thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rarely {
    /// When it was last reported, and for how long after that nothing more is reported.
    told: Option<(Time, Duration)>,
    latest: Time,
    untold: u64,
}

impl Rarely {
    /// Records one event. If it is to be reported now, returns how many there were since the last
    /// report.
    pub(crate) fn note(&mut self, now: Time) -> Option<u64> {
        let silence = now.since(std::mem::replace(&mut self.latest, now));
        self.untold = self.untold.saturating_add(1);
        let known = self.told.filter(|(_, gap)| silence < (*gap).max(FORGET_AFTER));
        let gap = match known {
            Some((at, gap)) if now.since(at) < gap => return None,
            Some((_, gap)) => (gap * GAP_GROWTH).min(GAP_LAST),
            None => GAP_FIRST,
        };
        self.told = Some((now, gap));
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    #[test]
    fn repeated_event_is_reported_at_growing_intervals_with_count() {
        let mut replays = Rarely::default();
        let told: Vec<_> =
            (1..10_000).filter_map(|second| Some((second, replays.note(at(second))?))).collect();
        assert_eq!(told, [(1, 1), (61, 60), (361, 300), (1861, 1500), (9361, 7500)]);
    }

    #[test]
    fn event_after_long_silence_is_reported_at_once() {
        let mut replays = Rarely::default();
        assert_eq!(replays.note(at(1)), Some(1));
        assert_eq!(replays.note(at(2)), None);
        assert_eq!(replays.note(at(2 + 3600)), Some(2), "with what was not told before");
        assert_eq!(replays.note(at(3 + 3600)), None);
        assert_eq!(replays.note(at(3 + 3600 + 60)), Some(2), "from the first interval on");
    }
}
