//! Holds that were ordered, and those that were released.

use super::{State, StateError, read, replace};
use std::time::Duration;
use systole_core::{GROUPS_MAX, GroupKey, HoldRecord, Settings};
use systole_sys::clock;

pub(super) const NAME: &str = "systole.holds";
/// Stands for everything, in place of a group.
const EVERYTHING: &str = "*";
const HOLD: &str = "hold";
const RELEASE: &str = "release";

impl State {
    /// Returns what was held or released, with the remaining time by the machine's clock. Lines that make
    /// no sense, and nodes that no longer exist, are left out.
    ///
    /// # Errors
    ///
    /// When the file exists but cannot be read.
    pub fn holds(&self, settings: &Settings) -> Result<Vec<HoldRecord>, StateError> {
        self.holds_at(settings, clock::unix_time())
    }

    fn holds_at(&self, settings: &Settings, now: Duration) -> Result<Vec<HoldRecord>, StateError> {
        let Some(bytes) = read(&self.path(NAME))? else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&bytes);
        let parsed = text.lines().filter_map(|line| parse(settings, now, line));
        Ok(parsed.take(GROUPS_MAX + 1).collect())
    }

    /// Stores what is held or was released, replacing what was stored: one line each with key (hexadecimal,
    /// or a star), number, node, kind, and the milliseconds since 1970 at which it ends. Returns when it is
    /// on the disk; nothing is written when nothing has changed.
    ///
    /// # Errors
    ///
    /// When it cannot be stored; what was stored before is still there.
    pub fn store_holds(&self, settings: &Settings, holds: &[HoldRecord]) -> Result<(), StateError> {
        self.store_holds_at(settings, holds, clock::unix_time())
    }

    fn store_holds_at(
        &self,
        settings: &Settings,
        holds: &[HoldRecord],
        now: Duration,
    ) -> Result<(), StateError> {
        let before = self.holds_at(settings, now)?;
        if is_as_stored(&before, holds) {
            return Ok(());
        }
        let line = |hold: &HoldRecord| {
            let group = hold.group.map_or(EVERYTHING.to_owned(), |key| format!("{:08x}", key.0));
            let what = if hold.is_release { RELEASE } else { HOLD };
            let until = (now + hold.left).as_millis();
            format!("{group} {} {} {what} {until}\n", hold.count, settings.name(hold.by))
        };
        let text: String = holds.iter().map(line).collect();
        replace(&self.path(NAME), text.as_bytes())
    }
}

/// Whether the same orders are stored already. The remaining time does not matter for that.
fn is_as_stored(before: &[HoldRecord], holds: &[HoldRecord]) -> bool {
    let orders = |holds: &[HoldRecord]| -> Vec<_> {
        holds.iter().map(|hold| (hold.group, hold.count, hold.by, hold.is_release)).collect()
    };
    orders(before) == orders(holds)
}

fn parse(settings: &Settings, now: Duration, line: &str) -> Option<HoldRecord> {
    let mut words = line.split(' ');
    let group = match words.next()? {
        EVERYTHING => None,
        key => Some(GroupKey(u32::from_str_radix(key, 16).ok()?)),
    };
    let count = words.next()?.parse().ok()?;
    let by = settings.node(words.next()?)?;
    let is_release = match words.next()? {
        HOLD => false,
        RELEASE => true,
        _ => return None,
    };
    let left = Duration::from_millis(words.next()?.parse().ok()?).saturating_sub(now);
    words.next().is_none().then_some(HoldRecord { group, count, by, is_release, left })
}

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;
    use systole_core::NodeId;

    #[test]
    fn stored_hold_is_recalled_with_time_left() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(directory.path()).unwrap().0;
        let settings = settings();
        let at = |seconds: u64| Duration::from_secs(1_800_000_000 + seconds);
        assert_eq!(state.holds_at(&settings, at(0)).unwrap(), []);
        let hold = |group, count, is_release, seconds| HoldRecord {
            group,
            count,
            by: NodeId(1),
            is_release,
            left: Duration::from_secs(seconds),
        };
        let told = [hold(None, 3, false, 600), hold(Some(GroupKey(7)), 1, true, 60)];
        state.store_holds_at(&settings, &told, at(0)).unwrap();
        let path = directory.path().join(NAME);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = "* 3 web2 hold 1800000600000\n00000007 1 web2 release 1800000060000\n";
        assert_eq!(text, lines);
        let later = [hold(None, 3, false, 500), hold(Some(GroupKey(7)), 1, true, 0)];
        assert_eq!(state.holds_at(&settings, at(100)).unwrap(), later);
        // The orders are the same, a moment later, so nothing is written.
        state.store_holds_at(&settings, &later, at(101)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), lines);
        std::fs::write(&path, "* 3 web9 hold 1\n* x web1 hold 1\n* 1 web1 stay 1\n\n* 1 web1 hold")
            .unwrap();
        assert_eq!(state.holds_at(&settings, at(0)).unwrap(), []);
    }
}
