//! Detects that the control thread makes no turns because it waits for something that it should not wait
//! for.

use crate::log::{Level, Line};
use std::time::Duration;

/// How long a turn may take before this is reported. Normally there are two turns a second.
const LIMIT: Duration = Duration::from_secs(10);

/// What is known about the turns of the control thread.
#[derive(Debug, Default)]
pub(super) struct Stall {
    turns: u64,
    /// Observed time since the last turn. A process that was stopped as a whole observes none.
    stands_for: Duration,
    /// How long the thread had stood still at the last report.
    told: Option<Duration>,
}

impl Stall {
    /// Takes the count of turns after `gap` has passed. Returns a line when the thread has stood still for
    /// 10 s, whenever it has stood still for twice as long as at the last line, and when it continues.
    pub(super) fn look(&mut self, turns: u64, gap: Duration) -> Option<Line> {
        if turns != self.turns {
            let stood_for = std::mem::take(&mut self.stands_for).as_secs();
            self.turns = turns;
            self.told.take()?;
            let text = format!("The control thread continues after {stood_for} s.");
            return Some(Line::new(Level::Warning, text));
        }
        self.stands_for += gap;
        let due = self.told.map_or(LIMIT, |told| told * 2);
        if self.stands_for < due {
            return None;
        }
        self.told = Some(self.stands_for);
        let text = format!(
            "The control thread has been stalled for {} s: it starts no executor, fences no node, \
             and accepts no order or signal until it continues. What runs here is kept.",
            self.stands_for.as_secs()
        );
        Some(Line::new(Level::Critical, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_secs(1);

    #[test]
    fn stalled_thread_is_reported_at_growing_intervals_and_when_resumed() {
        let mut stall = Stall::default();
        assert_eq!(stall.look(1, GAP), None);
        let told: Vec<u32> = (1..=45).filter(|_| stall.look(1, GAP).is_some()).collect();
        assert_eq!(told, [10, 20, 40]);
        let line = stall.look(2, GAP).unwrap();
        assert_eq!(line.text, "The control thread continues after 45 s.");
        assert_eq!(stall.look(3, GAP), None);
        let told: Vec<u32> = (1..=15).filter(|_| stall.look(3, GAP).is_some()).collect();
        assert_eq!(told, [10], "the next time begins anew");
    }

    #[test]
    fn short_wait_of_thread_is_not_reported() {
        let mut stall = Stall::default();
        let told: Vec<Line> = (0..200).filter_map(|look| stall.look(1 + look / 10, GAP)).collect();
        assert_eq!(told, []);
    }
}
