//! Allows at most one line of a kind per second (or per period of the kind), and counts the others.

use super::{Line, Repeating};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest period after which a suppressed line is still worth writing.
const TOLD_LATE: Duration = Duration::from_secs(1);

/// Returns the period for which one line of a kind is enough.
const fn period(kind: Repeating) -> Duration {
    match kind {
        // As in heartbeat: a disconnected cable stays disconnected.
        Repeating::StuckLine => Duration::from_hours(1),
        Repeating::BadPacket
        | Repeating::Stranger
        | Repeating::Replay
        | Repeating::Loss
        | Repeating::LossEnded
        | Repeating::LateBeat
        | Repeating::RefusedStep
        | Repeating::Control
        | Repeating::Fifo
        | Repeating::Script
        | Repeating::ScriptEnd => Duration::from_secs(1),
    }
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write the line, and that this number of lines was suppressed before it.
    Write { suppressed: u64 },
    /// Suppress the line.
    Suppress,
}

/// The state of every kind.
#[derive(Debug, Default)]
pub(super) struct Limiter(BTreeMap<Repeating, Window>);

#[derive(Debug)]
struct Window {
    since: Duration,
    suppressed: u64,
    /// The latest suppressed line.
    latest: Option<Line>,
}

impl Limiter {
    /// Decides about a line.
    pub(super) fn admit(&mut self, kind: Repeating, line: &Line, now: Duration) -> Verdict {
        if let Some(window) = self.0.get_mut(&kind)
            && now.saturating_sub(window.since) < period(kind)
        {
            window.suppressed += 1;
            // After an hour, the line would be out of date.
            window.latest = (period(kind) <= TOLD_LATE).then(|| line.clone());
            return Verdict::Suppress;
        }
        let fresh = Window { since: now, suppressed: 0, latest: None };
        let before = self.0.insert(kind, fresh);
        Verdict::Write { suppressed: before.map_or(0, |window| window.suppressed) }
    }

    /// Returns the kinds whose period is over and whose lines were suppressed, each with the latest line,
    /// which is to be written now, and the number of lines before it. Their period begins again.
    pub(super) fn expired(&mut self, now: Duration) -> Vec<(Line, u64)> {
        let over = self.0.iter_mut();
        let over = over.filter(|(kind, window)| now.saturating_sub(window.since) >= period(**kind));
        let told = over.filter_map(|(_, window)| {
            let line = window.latest.take()?;
            window.since = now;
            // The latest line is written now, the others never are.
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
    fn repeating_lines_are_limited_to_one_a_second_with_count() {
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
    fn flood_writes_at_most_one_line_a_second() {
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
