//! At most one line of a kind in a second (or in what the kind is worth), and a count of the others.

use super::{Line, Repeating};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time after which a line that was left out is still worth telling.
const TOLD_LATE: Duration = Duration::from_secs(1);

/// How long one line of a kind is enough for.
const fn period(kind: Repeating) -> Duration {
    match kind {
        // As heartbeat has it: a cable that is out stays out.
        Repeating::StuckLine => Duration::from_hours(1),
        Repeating::BadPacket
        | Repeating::Stranger
        | Repeating::Replay
        | Repeating::Loss
        | Repeating::LossEnded
        | Repeating::LateBeat
        | Repeating::RefusedStep
        | Repeating::Control => Duration::from_secs(1),
    }
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it, and that so many were left out before it.
    Write { suppressed: u64 },
    /// Leave it out.
    Suppress,
}

/// The memory of every kind.
#[derive(Debug, Default)]
pub(super) struct Limiter(BTreeMap<Repeating, Window>);

#[derive(Debug)]
struct Window {
    since: Duration,
    suppressed: u64,
    /// The latest of those left out.
    latest: Option<Line>,
}

impl Limiter {
    /// Judges a line.
    pub(super) fn admit(&mut self, kind: Repeating, line: &Line, now: Duration) -> Verdict {
        if let Some(window) = self.0.get_mut(&kind)
            && now.saturating_sub(window.since) < period(kind)
        {
            window.suppressed += 1;
            // After an hour it would be no news any more.
            window.latest = (period(kind) <= TOLD_LATE).then(|| line.clone());
            return Verdict::Suppress;
        }
        let fresh = Window { since: now, suppressed: 0, latest: None };
        let before = self.0.insert(kind, fresh);
        Verdict::Write { suppressed: before.map_or(0, |window| window.suppressed) }
    }

    /// The kinds whose time is over and of which lines were left out: the latest, to be written
    /// now, and how many before it. Their time begins anew.
    pub(super) fn expired(&mut self, now: Duration) -> Vec<(Line, u64)> {
        let over = self.0.iter_mut();
        let over = over.filter(|(kind, window)| now.saturating_sub(window.since) >= period(**kind));
        let told = over.filter_map(|(_, window)| {
            let line = window.latest.take()?;
            window.since = now;
            // The latest is written now, the others never.
            Some((line, std::mem::take(&mut window.suppressed).saturating_sub(1)))
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn line(text: &str) -> Line {
        Line::new(Level::Warning, text).repeating(Repeating::BadPacket)
    }

    #[test]
    fn one_line_a_second_and_the_count_of_the_others() {
        let mut limiter = Limiter::default();
        let at = Duration::from_millis;
        let mut admit = |text, now| limiter.admit(Repeating::BadPacket, &line(text), now);
        assert_eq!(admit("1", at(0)), Verdict::Write { suppressed: 0 });
        assert_eq!(admit("2", at(1)), Verdict::Suppress);
        assert_eq!(admit("3", at(999)), Verdict::Suppress);
        assert_eq!(admit("4", at(1000)), Verdict::Write { suppressed: 2 });
        assert_eq!(admit("5", at(1500)), Verdict::Suppress);
        assert_eq!(limiter.expired(at(1999)), []);
        assert_eq!(limiter.expired(at(2000)), [(line("5"), 0)]);
        assert_eq!(limiter.expired(at(9000)), []);
        let other = limiter.admit(Repeating::Stranger, &line("6"), at(2001));
        assert_eq!(other, Verdict::Write { suppressed: 0 }, "kinds do not hide each other");
    }

    #[test]
    fn flood_makes_no_more_than_one_line_a_second() {
        let mut limiter = Limiter::default();
        let mut written = 0;
        for tick in 0..20_000_u64 {
            let now = Duration::from_millis(tick);
            let verdict = limiter.admit(Repeating::BadPacket, &line("bad"), now);
            written += usize::from(matches!(verdict, Verdict::Write { .. }));
            if tick % 1000 == 999 {
                written += limiter.expired(now).len();
            }
        }
        assert!(written <= 20, "{written}");
    }
}
