//! The messages to the service manager (`sd_notify(3)`).
//!
//! A separate thread sends signs of life as long as the beat thread and the executor make progress. A
//! control thread that stands still is reported, to the log and to the manager, but is no reason to end a
//! daemon that serves: a new daemon would wait for the same disk, before its first beat.

mod stall;

use crate::beat::channel::Shared;
use crate::log::SideLog;
use crate::worker::Thread;
use sd_notify::NotifyState;
use stall::Stall;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Stack size of the thread in bytes. All of it is locked, so it is small. Getting the time of a
/// line takes most of it.
const STACK: usize = 256 << 10;
/// Longest time between two checks.
const LOOK: Duration = Duration::from_secs(1);

/// The service manager, if it started this daemon. Signs of life end when this is dropped.
#[derive(Debug)]
pub(super) struct Supervision {
    _end: SyncSender<()>,
    /// The thread, as long as it could not be started.
    thread: Option<Thread<()>>,
}

impl Supervision {
    /// Sends signs of life if the manager wants them, and reports a control thread that stands still, as
    /// soon as its thread is [started](Self::tend).
    pub(super) fn new(shared: Arc<Shared>, log: Option<SideLog>) -> Self {
        // Half of what systemd demands, as sd_watchdog_enabled(3) advises, and half of that again, so that
        // one check without progress does no harm.
        let wanted = sd_notify::watchdog_enabled().map(|limit| limit / 4);
        let gap = wanted.map_or(LOOK, |gap| gap.min(LOOK));
        let (end, ended) = sync_channel::<()>(1);
        let thread = Thread::new("supervision", STACK, move || {
            let mut pace = Pace::default();
            let mut stall = Stall::default();
            while ended.recv_timeout(gap) == Err(RecvTimeoutError::Timeout) {
                let beat = shared.turns.load(Ordering::Relaxed);
                let executor = shared.executor_turns.load(Ordering::Relaxed);
                if pace.look(beat, executor) && wanted.is_some() {
                    notify(NotifyState::Watchdog);
                }
                if let Some(line) = stall.look(shared.control_turns.load(Ordering::Relaxed), gap) {
                    notify(NotifyState::Status(&line.text));
                    if let Some(log) = &log {
                        log.say(line);
                    }
                }
            }
        });
        Self { _end: end, thread: Some(thread) }
    }

    /// Starts the thread, if there is to be one and it does not run yet.
    ///
    /// # Errors
    ///
    /// When no thread can be started. The call can be repeated.
    pub(super) fn tend(&mut self) -> io::Result<()> {
        if let Some(thread) = &self.thread {
            thread.start()?;
            self.thread = None;
        }
        Ok(())
    }

    /// Reports that the daemon works.
    pub(super) fn ready() {
        notify(NotifyState::Ready);
    }

    /// Reports that the daemon releases everything and ends, which may take long.
    pub(super) fn stopping() {
        notify(NotifyState::Stopping);
    }
}

/// The turns at the last sign of life.
#[derive(Debug, Default)]
struct Pace {
    beat: u64,
    executor: u64,
}

impl Pace {
    /// Returns whether both have made progress since the last sign.
    fn look(&mut self, beat: u64, executor: u64) -> bool {
        let is_alive = beat != self.beat && executor != self.executor;
        if is_alive {
            *self = Self { beat, executor };
        }
        is_alive
    }
}

/// A manager that does not listen counts as none.
fn notify(state: NotifyState<'_>) {
    let _ = sd_notify::notify(&[state]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_of_life_needs_progress_of_beat_and_executor() {
        let mut pace = Pace::default();
        let looks = [(1, 1, true), (2, 1, false), (2, 2, true), (2, 3, false), (3, 3, true)];
        for (beat, executor, right) in looks {
            assert_eq!(pace.look(beat, executor), right, "{beat} {executor}");
        }
    }
}
