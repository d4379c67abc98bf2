//! What the service manager is told (`sd_notify(3)`), as long as the beat thread makes progress.

use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// The service manager, if one started us.
#[derive(Debug)]
pub(super) struct Supervision {
    /// Time between two signs of life, if the manager wants them.
    gap: Option<Duration>,
    next: Instant,
    turns: u64,
}

impl Supervision {
    pub(super) fn new() -> Self {
        // Half of what systemd demands, as sd_watchdog_enabled(3) advises.
        let gap = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        Self { gap, next: Instant::now(), turns: 0 }
    }

    /// The daemon works.
    pub(super) fn ready() {
        notify(NotifyState::Ready);
    }

    /// The daemon releases everything and ends, which may take long.
    pub(super) fn stopping() {
        notify(NotifyState::Stopping);
    }

    /// Gives a sign of life if one is due and the beat thread has `turns` more than last time.
    pub(super) fn tick(&mut self, now: Instant, turns: u64) {
        let Some(gap) = self.gap else { return };
        if now >= self.next && turns != self.turns {
            self.next = now + gap;
            self.turns = turns;
            notify(NotifyState::Watchdog);
        }
    }
}

/// A manager that does not listen is none.
fn notify(state: NotifyState<'_>) {
    let _ = sd_notify::notify(&[state]);
}
