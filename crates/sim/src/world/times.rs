//! The times in ha.cf: how they are drawn, and how the laws use them where they change.

use super::World;
use std::time::Duration;
use systole_core::{Random, Settings, Time};

/// For how many dead times after a change the previous dead time may still be used.
const CHANGE: u32 = 3;

/// The times of one state of ha.cf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) keepalive: Duration,
    deadtime: Duration,
}

impl Times {
    /// Returns the times of settings.
    pub(super) fn of(settings: &Settings) -> Self {
        let Settings { keepalive, deadtime, .. } = *settings;
        Self { keepalive, deadtime }
    }

    /// Draws times from some tenths of a second to some seconds.
    pub(super) fn draw(random: &mut Random) -> Self {
        let keepalive = Duration::from_millis(50 + random.below(950));
        let beats = u32::try_from(3 + random.below(5)).unwrap_or(3);
        let deadtime = keepalive * beats + Duration::from_millis(random.below(200));
        Self { keepalive, deadtime }
    }

    /// Returns settings with these times.
    pub(super) fn put_into(self, settings: Settings) -> Settings {
        let Self { keepalive, deadtime } = self;
        Settings {
            keepalive,
            deadtime,
            warntime: deadtime / 2,
            initdead: (deadtime * 2).max(Duration::from_secs(2)),
            deadping: deadtime,
            ..settings
        }
    }
}

impl World {
    /// From now on the laws also allow for these times: they use the longest times that ever existed.
    pub(super) fn expect_times(&mut self, times: Times) {
        let ours = times.put_into(self.settings.clone());
        let settings = &mut self.settings;
        settings.keepalive = settings.keepalive.max(ours.keepalive);
        settings.deadtime = settings.deadtime.max(ours.deadtime);
        settings.initdead = settings.initdead.max(ours.initdead);
    }

    /// Records that a machine had this dead time until now, so that other nodes may use it for a while.
    pub(super) fn record_former(&mut self, deadtime: Duration) {
        let until = self.now + self.settings.deadtime * CHANGE;
        self.former.push((until, deadtime));
    }

    /// Returns how long a node is silent at least before another node declares it dead.
    pub(super) fn patience(&mut self) -> Duration {
        let now = self.now;
        self.former.retain(|(until, _): &(Time, _)| now < *until);
        let former = self.former.iter().map(|(_, deadtime)| *deadtime);
        let all = self.machines.iter().map(|machine| machine.settings.deadtime).chain(former);
        all.min().unwrap_or(self.settings.deadtime)
    }
}
