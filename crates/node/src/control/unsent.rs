//! Messages that a medium did not take: logged once, then at growing intervals, and once when the medium
//! takes messages again.
//!
//! ```text
//!   first failure ──▶ told ──▶ after 1 min ──▶ 5 min ──▶ 25 min ──▶ … ──▶ once a day
//!        ▲                └── no failure for two keepalives and a second ──▶ told, forgotten
//!        └── another error
//! ```

use super::error_lines;
use super::links::Medium;
use crate::beat::error_counters::Unsent;
use crate::log::{Level, Line};
use std::collections::BTreeMap;
use std::time::Duration;

/// The first interval between two lines about one medium, the factor by which it grows, and the last
/// interval.
const GAP_FIRST: Duration = Duration::from_mins(1);
const GAP_GROWTH: u32 = 5;
const GAP_LAST: Duration = Duration::from_hours(24);
/// How long a medium must take all messages, beyond two keepalives, before it counts as working.
const WELL_AFTER: Duration = Duration::from_secs(1);

/// What is known about a medium that does not take messages.
#[derive(Debug)]
struct Entry {
    error: i32,
    all: u64,
    untold: u64,
    first: Duration,
    last: Duration,
    told: Duration,
    gap: Duration,
}

/// Every medium that does not take messages, by its index in `ha.cf`.
#[derive(Debug, Default)]
pub(super) struct UnsentTable(BTreeMap<usize, Entry>);

impl UnsentTable {
    /// Records what could not be sent in about a second, and returns the lines that are due. Times are on
    /// `CLOCK_BOOTTIME`.
    pub(super) fn note(&mut self, media: &[Medium], unsent: &[Unsent], now: Duration) -> Vec<Line> {
        let mut lines = Vec::new();
        for (place, (medium, unsent)) in media.iter().zip(unsent).enumerate() {
            if unsent.count == 0 {
                continue;
            }
            let known = self.0.get_mut(&place).filter(|entry| entry.error == unsent.error);
            let Some(entry) = known else {
                lines.push(error_lines::unsent_line(&medium.spec, *unsent, None));
                let (error, all) = (unsent.error, unsent.count);
                let (untold, gap) = (0, GAP_FIRST);
                let entry = Entry { error, all, untold, first: now, last: now, told: now, gap };
                self.0.insert(place, entry);
                continue;
            };
            entry.all = entry.all.saturating_add(unsent.count);
            entry.untold = entry.untold.saturating_add(unsent.count);
            entry.last = now;
            let since = now.saturating_sub(entry.told);
            if since >= entry.gap {
                let told = Unsent { count: std::mem::take(&mut entry.untold), ..*unsent };
                lines.push(error_lines::unsent_line(&medium.spec, told, Some(since)));
                (entry.told, entry.gap) = (now, (entry.gap * GAP_GROWTH).min(GAP_LAST));
            }
        }
        lines
    }

    /// Returns the lines about media that take messages again. Call it about once a second.
    pub(super) fn tick(
        &mut self,
        media: &[Medium],
        keepalive: Duration,
        now: Duration,
    ) -> Vec<Line> {
        let patience = keepalive * 2 + WELL_AFTER;
        let well = self.0.extract_if(.., |_, entry| now.saturating_sub(entry.last) >= patience);
        let line = |(place, entry): (usize, Entry)| {
            let spec = &media.get(place)?.spec;
            let (kind, name) = (spec.kind(), spec.name());
            let span = entry.last.saturating_sub(entry.first).as_secs();
            let text = format!(
                "{kind} {name} takes messages again: {} could not be sent in {span} s",
                entry.all
            );
            Some(Line::new(Level::Info, text))
        };
        well.filter_map(line).collect()
    }

    /// Forgets a medium that is no longer used, which is logged elsewhere.
    pub(super) fn forget(&mut self, place: usize) {
        self.0.remove(&place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_sys::link::LinkSpec;

    const DOWN: i32 = 100;

    fn media() -> [Medium; 2] {
        ["eth0", "eth1"].map(|device| {
            let spec =
                LinkSpec::Unicast { device: device.into(), host: "192.0.2.1".into(), port: 694 };
            Medium { spec, is_open: true, listens: true }
        })
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The lines of an hour in which the second medium does not take four messages a second, and of the
    /// minute after it.
    fn hour() -> Vec<(u64, Level, String)> {
        let (media, mut table, mut told) = (media(), UnsentTable::default(), Vec::new());
        for second in 0..=3660 {
            let mut lines = Vec::new();
            if second < 3600 {
                let unsent = [Unsent::default(), Unsent { count: 4, error: DOWN }];
                lines.extend(table.note(&media, &unsent, at(second)));
            }
            lines.extend(table.tick(&media, Duration::from_millis(200), at(second)));
            told.extend(lines.into_iter().map(|line| (second, line.level, line.text)));
        }
        told
    }

    #[test]
    fn medium_down_is_reported_at_growing_intervals_and_once_when_up() {
        let told = hour();
        let times: Vec<u64> = told.iter().map(|(second, ..)| *second).collect();
        assert_eq!(times, [0, 60, 360, 1860, 3601], "{told:?}");
        assert!(told[..4].iter().all(|(_, level, _)| *level == Level::Error));
        let first = "write_child: write failure on ucast eth1.: Network is down (os error 100), ";
        assert_eq!(told[0].2, format!("{first}4 times"));
        assert_eq!(told[1].2, format!("{first}240 times in 60 s"));
        assert_eq!(told[2].2, format!("{first}1200 times in 300 s"));
        let well = "ucast eth1 takes messages again: 14400 could not be sent in 3599 s";
        assert_eq!((told[4].1, told[4].2.as_str()), (Level::Info, well));
    }

    #[test]
    fn new_send_error_is_reported_at_once_and_closed_medium_not_as_recovered() {
        let (media, mut table) = (media(), UnsentTable::default());
        let note = |table: &mut UnsentTable, error, second| {
            table.note(&media, &[Unsent { count: 1, error }], at(second)).len()
        };
        assert_eq!(note(&mut table, DOWN, 0), 1);
        assert_eq!(note(&mut table, DOWN, 1), 0);
        assert_eq!(note(&mut table, 101, 2), 1);
        assert_eq!(note(&mut table, 101, 3), 0);
        table.forget(0);
        assert_eq!(table.tick(&media, Duration::ZERO, at(99)).len(), 0);
    }
}
