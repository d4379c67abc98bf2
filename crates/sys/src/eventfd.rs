//! Waking a thread that waits in poll(2).

use rustix::event::EventfdFlags;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A flag that any thread may raise, and for which a thread can wait (eventfd(2)).
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// Makes a flag that is not raised.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(rustix::event::eventfd(0, flags)?))
    }

    /// Raises the flag. Never blocks; raising it twice has the same effect as raising it once.
    pub fn raise(&self) {
        // Refused only if the flag was raised 2^64 - 2 times without being lowered: then it is up anyway.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Lowers the flag, and returns whether it was up.
    ///
    /// # Errors
    ///
    /// Those of read(2), except `EAGAIN` and `EINTR`.
    pub fn lower(&self) -> io::Result<bool> {
        match rustix::io::read(&self.0, &mut [0; size_of::<u64>()]) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    #[test]
    fn wake_raised_twice_wakes_the_waiting_thread_once() {
        let wake = std::sync::Arc::new(Wake::new().unwrap());
        assert!(!wake.lower().unwrap());
        let raiser = std::sync::Arc::clone(&wake);
        let thread = std::thread::spawn(move || {
            raiser.raise();
            raiser.raise();
        });
        let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&*wake, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ready, 1);
        thread.join().unwrap();
        assert!(wake.lower().unwrap());
        assert!(!wake.lower().unwrap());
    }
}
