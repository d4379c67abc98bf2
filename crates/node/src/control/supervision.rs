//! What the service manager is told (`sd_notify(3)`).
//!
//! Signs of life come from a thread of their own, as long as the beat thread and the executor make
//! progress. The control thread waits for disks and people, and a disk that takes nothing is no
//! reason to end a daemon that serves.

use crate::beat::channel::Shared;
use crate::worker::Thread;
use sd_notify::NotifyState;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};

/// Stack of the thread in bytes: all of it is locked, so it is small.
const STACK: usize = 64 << 10;

/// The service manager, if one started us. Signs of life end when it is dropped.
#[derive(Debug)]
pub(super) struct Supervision {
    _end: Option<SyncSender<()>>,
    /// The thread, while it could not be started.
    thread: Option<Thread<()>>,
}

impl Supervision {
    /// Gives signs of life, if the manager wants them, as soon as its thread is
    /// [started](Self::tend).
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        // Half of what systemd demands, as sd_watchdog_enabled(3) advises.
        let Some(gap) = sd_notify::watchdog_enabled().map(|limit| limit / 2) else {
            return Self { _end: None, thread: None };
        };
        let (end, ended) = sync_channel::<()>(1);
        let thread = Thread::new("supervision", STACK, move || {
            let mut pace = Pace::default();
            // A quarter, so that one look without progress loses nothing.
            while ended.recv_timeout(gap / 2) == Err(RecvTimeoutError::Timeout) {
                let beat = shared.turns.load(Ordering::Relaxed);
                let executor = shared.executor_turns.load(Ordering::Relaxed);
                if pace.look(beat, executor) {
                    notify(NotifyState::Watchdog);
                }
            }
        });
        Self { _end: Some(end), thread: Some(thread) }
    }

    /// Starts the thread, if there is to be one and it does not work yet.
    ///
    /// # Errors
    ///
    /// When no thread can be had; it can be tried again.
    pub(super) fn tend(&mut self) -> io::Result<()> {
        if let Some(thread) = &self.thread {
            thread.start()?;
            self.thread = None;
        }
        Ok(())
    }

    /// The daemon works.
    pub(super) fn ready() {
        notify(NotifyState::Ready);
    }

    /// The daemon releases everything and ends, which may take long.
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
    /// Whether both have made progress since the last sign.
    fn look(&mut self, beat: u64, executor: u64) -> bool {
        let is_alive = beat != self.beat && executor != self.executor;
        if is_alive {
            *self = Self { beat, executor };
        }
        is_alive
    }
}

/// A manager that does not listen is none.
fn notify(state: NotifyState<'_>) {
    let _ = sd_notify::notify(&[state]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_needs_progress_of_both() {
        let mut pace = Pace::default();
        let looks = [(1, 1, true), (2, 1, false), (2, 2, true), (2, 3, false), (3, 3, true)];
        for (beat, executor, right) in looks {
            assert_eq!(pace.look(beat, executor), right, "{beat} {executor}");
        }
    }
}
