//! Outputs that are still held open by daemons whose agent has ended.
//!
//! They are read and discarded for as long as the daemons live, because an output that is not read would
//! block a daemon once it is full. A separate thread does that, at ordinary priority and with rests, so
//! that a daemon that writes without pause neither wakes the thread that renews addresses nor occupies a
//! core.

use crate::outlet::Outlet;
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use systole_sys::eventfd::Wake;

/// Maximum number of outputs: two for each of many more services than there are. Beyond it the oldest is no
/// longer read.
const OUTLETS_MAX: usize = 1 << 14;
/// Stack size of the thread in bytes.
const STACK: usize = 256 << 10;
/// How long the thread rests after each turn. Meanwhile the FIFO usually holds what a daemon writes.
const REST: Duration = Duration::from_millis(10);

/// Hands outputs to the thread that reads them.
#[derive(Debug)]
pub(crate) struct Lingering {
    shared: Arc<Shared>,
    is_read: bool,
}

#[derive(Debug)]
struct Shared {
    /// Outputs that the thread has yet to take.
    fresh: Mutex<Vec<Outlet>>,
    wake: Wake,
    is_over: AtomicBool,
}

impl Lingering {
    /// Creates the channel to the thread. The thread starts with the first outputs.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub(crate) fn new() -> io::Result<Self> {
        let (fresh, is_over) = (Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { fresh, wake: Wake::new()?, is_over });
        Ok(Self { shared, is_read: false })
    }

    /// Takes over outputs.
    pub(crate) fn extend(&mut self, outlets: impl IntoIterator<Item = Outlet>) {
        let mut fresh = self.shared.fresh();
        fresh.extend(outlets);
        bound(&mut fresh);
        let is_empty = fresh.is_empty();
        drop(fresh);
        if !is_empty {
            self.tend();
        }
    }

    /// Wakes the thread, or tries again to start it if no process was free before.
    pub(crate) fn tend(&mut self) {
        if !self.is_read && !self.shared.fresh().is_empty() {
            let shared = Arc::clone(&self.shared);
            let reader = thread::Builder::new().name("outputs".to_owned()).stack_size(STACK);
            self.is_read = reader.spawn(move || shared.read()).is_ok();
        }
        self.shared.wake.raise();
    }

    /// Whether outputs wait for a thread that could not be started.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_read && !self.shared.fresh().is_empty()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.wake.raise();
    }
}

impl Shared {
    fn fresh(&self) -> MutexGuard<'_, Vec<Outlet>> {
        // Nothing that is done under the lock can panic.
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until no more outputs can be handed over.
    fn read(&self) {
        let mut outlets = Vec::new();
        while !self.is_over.load(Ordering::Acquire) {
            // The wake-up is lowered first: outputs that come later raise it again.
            let _ = self.wake.lower();
            outlets.append(&mut self.fresh());
            bound(&mut outlets);
            let mut fds = vec![PollFd::new(&self.wake, PollFlags::IN)];
            fds.extend(outlets.iter().map(|outlet| PollFd::new(outlet, PollFlags::IN)));
            // An error is a signal, or a lack of memory that is over after the rest.
            let _ = poll(&mut fds, None);
            let are_ready: Vec<_> = fds[1..].iter().map(|fd| !fd.revents().is_empty()).collect();
            let mut are_ready = are_ready.into_iter();
            outlets.retain(|outlet| {
                let is_open = !are_ready.next().unwrap_or(false) || outlet.drain(|_| {});
                if !is_open {
                    outlet.remove();
                }
                is_open
            });
            thread::sleep(REST);
        }
    }
}

fn bound(outlets: &mut Vec<Outlet>) {
    let excess = outlets.len().saturating_sub(OUTLETS_MAX);
    outlets.drain(..excess);
}
