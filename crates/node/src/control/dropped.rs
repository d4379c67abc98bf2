//! Dropped datagrams by source: logged once, then at growing intervals, and counted for the status.
//!
//! ```text
//!   first seen ──▶ told ──▶ after 1 min ──▶ 5 min ──▶ 25 min ──▶ … ──▶ once a day
//!                    └── silent for an hour, or as long as the interval ──▶ forgotten
//! ```

mod names;
#[cfg(test)]
mod tests;
mod text;

use crate::beat::drops::{Cause, Dropped, Origin};
use crate::log::Line;
use names::Names;
use std::time::Duration;
use systole_core::{NodeId, Settings};
use systole_ipc::protocol::DroppedReport;

/// Maximum numbers of sources that are counted separately: those of nodes, and others. Further sources are
/// counted together for each link, so that forged sources cost neither memory nor lines.
const OF_NODES_MAX: usize = 64;
const OF_OTHERS_MAX: usize = 32;
/// The first interval between two lines about one source, the factor by which it grows, and the last
/// interval.
const GAP_FIRST: Duration = Duration::from_mins(1);
const GAP_GROWTH: u32 = 5;
const GAP_LAST: Duration = Duration::from_hours(24);
/// A source that was silent for this long is new when it comes back.
const FORGET_AFTER: Duration = Duration::from_hours(1);
/// How long a line waits for the name of a source.
const NAME_WAIT: Duration = Duration::from_secs(2);

/// What is known about one source.
#[derive(Debug)]
struct Entry {
    /// The counts since the entry was created.
    all: Dropped,
    /// The counts that were not logged yet.
    untold: Dropped,
    first: Duration,
    last: Duration,
    /// When the next line may be written.
    due: Duration,
    /// The interval that begins with the next line; `None` if nothing was logged yet.
    gap: Option<Duration>,
}

/// Every source of dropped datagrams.
#[derive(Debug, Default)]
pub(super) struct DroppedTable {
    entries: Vec<Entry>,
    names: Names,
}

impl DroppedTable {
    /// Records what was dropped in about a second. Times are on `CLOCK_BOOTTIME`.
    pub(super) fn note(&mut self, settings: &Settings, dropped: &[Dropped], now: Duration) {
        for dropped in dropped {
            self.record_one(settings, dropped, now);
        }
    }

    /// Returns the lines that are due. Call it about once a second.
    pub(super) fn tick(&mut self, settings: &Settings, now: Duration) -> Vec<Line> {
        if self.names.arrive() {
            for entry in &mut self.entries {
                let found = self.names.node_at(entry.all.origin.source);
                if let Some(node) = found.filter(|_| entry.all.origin.node.is_none()) {
                    entry.all.origin.node = Some(node);
                    entry.due = entry.due.min(now);
                }
            }
        }
        self.entries.retain(|entry| {
            let patience = entry.gap.map_or(FORGET_AFTER, |gap| gap.max(FORGET_AFTER));
            now.saturating_sub(entry.last) < patience
        });
        let due = self.entries.iter_mut().filter(|entry| entry.is_due(now));
        due.map(|entry| entry.tell(settings, now)).collect()
    }

    /// Returns what was dropped, for the status.
    pub(super) fn report(&self, settings: &Settings, now: Duration) -> Vec<DroppedReport> {
        self.entries.iter().map(|entry| entry.report(settings, now)).collect()
    }

    fn record_one(&mut self, settings: &Settings, dropped: &Dropped, now: Duration) {
        let mut origin = dropped.origin;
        origin.node = origin.node.or_else(|| self.names.node_at(origin.source));
        let has_other_key = dropped.causes().any(|(cause, _)| cause.is_other_key());
        let is_riddle = has_other_key && origin.node.is_none() && origin.source.is_some();
        let waits = is_riddle && self.names.ask(settings);
        let due = if waits { now + NAME_WAIT } else { now };
        let entry = self.entry(origin, now, due);
        for (place, count) in dropped.counts.iter().enumerate() {
            let is_new = *count > 0 && entry.all.counts[place] == 0;
            if is_new && entry.gap.is_some() {
                // Another cause is new information. There are few causes.
                entry.due = now;
            }
            entry.all.counts[place] = entry.all.counts[place].saturating_add(*count);
            entry.untold.counts[place] = entry.untold.counts[place].saturating_add(*count);
        }
        if entry.all.is_heard && !dropped.is_heard && has_other_key {
            // What appeared to be a renewal of keys has cut the node off.
            entry.due = now;
        }
        entry.last = now;
        entry.all.is_heard = dropped.is_heard;
        if dropped.counts[Cause::Stranger as usize] > 0 {
            entry.all.stranger = dropped.stranger;
        }
    }

    fn entry(&mut self, origin: Origin, now: Duration, due: Duration) -> &mut Entry {
        let has_room = self.has_room(&origin);
        let further = Origin { source: None, node: None, ..origin };
        let is_it = |entry: &Entry| entry.all.origin.is_at(&origin);
        let found = self.entries.iter().position(is_it);
        let found = found.or_else(|| {
            let is_further = |entry: &Entry| entry.all.origin.is_at(&further);
            if has_room { None } else { self.entries.iter().position(is_further) }
        });
        let place = found.unwrap_or_else(|| {
            let origin = if has_room { origin } else { further };
            let all = Dropped::none_of(origin);
            self.entries.push(Entry { all, untold: all, first: now, last: now, due, gap: None });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[place];
        entry.all.origin.node = entry.all.origin.node.or(origin.node);
        entry
    }

    fn has_room(&self, origin: &Origin) -> bool {
        let is_alike = |entry: &&Entry| {
            entry.all.origin.source.is_some()
                && entry.all.origin.node.is_some() == origin.node.is_some()
        };
        let limit = if origin.node.is_some() { OF_NODES_MAX } else { OF_OTHERS_MAX };
        origin.source.is_none() || self.entries.iter().filter(is_alike).count() < limit
    }
}

impl Entry {
    fn is_due(&self, now: Duration) -> bool {
        self.untold.count() > 0 && now >= self.due
    }

    fn tell(&mut self, settings: &Settings, now: Duration) -> Line {
        let line = text::line(settings, &self.all, &self.untold, now.saturating_sub(self.first));
        let gap = self.gap.map_or(GAP_FIRST, |gap| (gap * GAP_GROWTH).min(GAP_LAST));
        (self.gap, self.due) = (Some(gap), now + gap);
        self.untold = Dropped::none_of(self.all.origin);
        line
    }

    fn report(&self, settings: &Settings, now: Duration) -> DroppedReport {
        let Dropped { origin, stranger, .. } = &self.all;
        let name = |node: NodeId| settings.name(node).to_owned();
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        DroppedReport {
            node: origin.node.map(name),
            stranger: (!stranger.text().is_empty()).then(|| stranger.text().to_owned()),
            source: origin.source,
            link: text::entrance(settings, origin.entrance).to_owned(),
            other_key: self.all.causes().any(|(cause, _)| cause.is_other_key()),
            heard: self.all.is_heard,
            count: self.all.count(),
            causes: self
                .all
                .causes()
                .map(|(cause, count)| (cause.words().to_owned(), count))
                .collect(),
            first_ms: millis(now.saturating_sub(self.first)),
            last_ms: millis(now.saturating_sub(self.last)),
        }
    }
}

impl Origin {
    /// Whether both have the same entrance and source; which node has the address may be learned later.
    fn is_at(&self, other: &Self) -> bool {
        (self.entrance, self.source) == (other.entrance, other.source)
            && (self.source.is_some() || self.node == other.node)
    }
}
