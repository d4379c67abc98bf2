//! The watchdog device, kept while the beat thread and the executor make progress.
//!
//! A separate thread writes to the device, because a driver may take its time and the beat thread must not
//! wait, and because the control thread waits for disks, whose hanging is no reason to restart a machine
//! that serves.

use crate::beat::channel::Shared;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use systole_sys::realtime;
use systole_sys::watchdog::Watchdog;

/// Shortest timeout: an executor without real-time priority may have to wait on a busy machine.
const TIMEOUT_MIN: Duration = Duration::from_secs(5);
/// What heartbeat adds to the dead time before it rounds up to whole seconds.
const ROUNDING: Duration = Duration::from_millis(10);
/// Number of checks in one timeout. Each check that finds progress writes to the device.
const LOOKS: u32 = 4;
/// Number of checks without progress after which the stall is reported.
const LOOKS_TOLD: u32 = 2;
/// Maximum number of notices that wait for the control thread.
const NOTICES: usize = 16;
/// Stack size of the thread in bytes. All of it is locked, so it is small.
const STACK: usize = 64 << 10;

/// A part of the daemon that must make progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The thread that beats.
    Beat,
    /// The executor.
    Executor,
}

/// A notice for the control thread.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The device is not written to, because this part makes no progress.
    Stalled(Part),
    /// The device is written to again.
    Resumed,
    /// The device cannot be written to, and is closed.
    Failed(io::Error),
}

/// How the daemon leaves the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// Nothing is held any longer, so the device's timer is stopped.
    Release,
    /// A successor opens the device again within its timeout.
    Leave,
}

/// The device and the thread that keeps it.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: String,
    farewell: SyncSender<Shutdown>,
    notices: Receiver<Notice>,
    thread: JoinHandle<()>,
}

/// The timeout for a dead time, as heartbeat sets it, except for very short dead times.
fn timeout(deadtime: Duration) -> Duration {
    let whole = deadtime + ROUNDING;
    let seconds = whole.as_secs() + u64::from(whole.subsec_nanos() > 0);
    Duration::from_secs(seconds).max(TIMEOUT_MIN)
}

impl Keeper {
    /// Opens the device and begins to keep it. If a priority is given, the thread is a real-time one.
    ///
    /// # Errors
    ///
    /// When the device cannot be opened, or no thread can be started.
    pub(crate) fn start(
        path: &str,
        deadtime: Duration,
        shared: Arc<Shared>,
        priority: Option<u8>,
    ) -> io::Result<Self> {
        let device = Watchdog::open(Path::new(path), timeout(deadtime))?;
        device.keep()?;
        let (farewell, orders) = sync_channel(1);
        let (told, notices) = sync_channel(NOTICES);
        let thread = thread::Builder::new().name("watchdog".to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || {
            // If the right to do so is lacking, the beat thread has reported that already.
            let _ = priority.map_or(Ok(()), realtime::become_realtime);
            keep(device, &shared, &orders, &told);
        })?;
        Ok(Self { path: path.to_owned(), farewell, notices, thread })
    }

    /// The path of the device.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The notices since the last call.
    pub(crate) fn notices(&self) -> impl Iterator<Item = Notice> {
        self.notices.try_iter()
    }

    /// Ends the thread that keeps the device.
    pub(crate) fn end(self, farewell: Shutdown) {
        // A thread that ended earlier has closed the device.
        let _ = self.farewell.send(farewell);
        let _ = self.thread.join();
    }
}

/// Keeps the device until the end.
fn keep(device: Watchdog, shared: &Shared, orders: &Receiver<Shutdown>, told: &SyncSender<Notice>) {
    let mut pace = Pace::default();
    let period = device.timeout() / LOOKS;
    // A notice that the control thread does not read is not worth waiting for.
    let tell = |notice| drop(told.try_send(notice));
    loop {
        let order = orders.recv_timeout(period);
        let is_over = shared.is_over.load(Ordering::Acquire);
        let result = match order {
            Ok(Shutdown::Leave) => return drop(device.keep()),
            Ok(Shutdown::Release) => return drop(device.release()),
            Err(RecvTimeoutError::Timeout) if is_over => return drop(device.release()),
            // The daemon has ended without a farewell, so the device must do its work.
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => match pace.look(turns(shared)) {
                Look::Keep => device.keep(),
                Look::Resumed => {
                    tell(Notice::Resumed);
                    device.keep()
                }
                Look::Wait => Ok(()),
                Look::Stalled(part) => {
                    tell(Notice::Stalled(part));
                    Ok(())
                }
            },
        };
        if let Err(error) = result {
            return tell(Notice::Failed(error));
        }
    }
}

fn turns(shared: &Shared) -> Turns {
    Turns {
        beat: shared.turns.load(Ordering::Relaxed),
        executor: shared.executor_turns.load(Ordering::Relaxed),
    }
}

/// The progress of both parts, as numbers that grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turns {
    beat: u64,
    executor: u64,
}

/// The result of a check of the progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Both parts made progress.
    Keep,
    /// Both parts make progress again after a stall that was reported.
    Resumed,
    /// A part made no progress, but not for long.
    Wait,
    /// A part made no progress for a while. This is reported once.
    Stalled(Part),
}

/// The numbers at the last check that found progress.
#[derive(Debug, Default)]
struct Pace {
    seen: Turns,
    waits: u32,
}

impl Pace {
    fn look(&mut self, turns: Turns) -> Look {
        let part = match turns {
            Turns { beat, .. } if beat == self.seen.beat => Part::Beat,
            Turns { executor, .. } if executor == self.seen.executor => Part::Executor,
            Turns { .. } => {
                self.seen = turns;
                let was_told = std::mem::take(&mut self.waits) >= LOOKS_TOLD;
                return if was_told { Look::Resumed } else { Look::Keep };
            }
        };
        self.waits = self.waits.saturating_add(1);
        if self.waits == LOOKS_TOLD { Look::Stalled(part) } else { Look::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchdog_is_kept_only_while_beat_and_executor_make_progress() {
        let mut pace = Pace::default();
        for (beat, executor, right) in [
            (1, 1, Look::Keep),
            (9, 2, Look::Keep),
            (10, 2, Look::Wait),
            (11, 3, Look::Keep),
            (12, 3, Look::Wait),
            (13, 3, Look::Stalled(Part::Executor)),
            (14, 3, Look::Wait),
            (15, 4, Look::Resumed),
            (15, 5, Look::Wait),
            (15, 6, Look::Stalled(Part::Beat)),
            (15, 6, Look::Wait),
            (16, 7, Look::Resumed),
            (17, 8, Look::Keep),
        ] {
            assert_eq!(pace.look(Turns { beat, executor }), right, "{beat} {executor}");
        }
    }

    #[test]
    fn watchdog_timeout_follows_deadtime_except_for_short_deadtimes() {
        for (deadtime, seconds) in [(650, 5), (4_990, 5), (5_000, 6), (29_991, 31), (30_000, 31)] {
            let right = Duration::from_secs(seconds);
            assert_eq!(timeout(Duration::from_millis(deadtime)), right, "{deadtime}");
        }
    }
}
