//! Serial lines: classic text, one message after the other, at the speed of the wire.
//!
//! ```text
//!   messages ──▶ Outbox ──▶ line ──▶ Stream ──▶ messages
//!              whole ones           from `>>>`
//!              that wait            to `<<<`
//! ```

mod lock;
mod outbox;
mod stream;

use super::Urgency;
use crate::clock;
use lock::Lock;
use outbox::Outbox;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, QueueSelector,
    SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsendbreak, tcsetattr,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use stream::Stream;

/// Where programs that use a serial line put their lock (Filesystem Hierarchy Standard 3.0).
const LOCKS: &str = "/var/lock";
/// A line that takes nothing for this long has no other end.
const STUCK_AFTER: Duration = Duration::from_millis(500);
/// The most pieces of the stream that are read in search of one message.
const READS_MAX: usize = 16;

/// Why a serial link waits, and for how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whether it waits for the line to accept more bytes; otherwise it only waits for `until`.
    pub for_room: bool,
    /// When it must be served at the latest, on `CLOCK_BOOTTIME` in nanoseconds.
    pub until: u64,
}

/// An open serial line.
#[derive(Debug)]
pub(super) struct Serial {
    fd: OwnedFd,
    outbox: Outbox,
    stream: Stream,
    is_lost: bool,
    _lock: Lock,
}

impl Serial {
    /// Locks, opens and configures a line, and sends a break, which makes the other end discard what it has
    /// read of a message so far.
    pub(super) fn open(tty: &str, baud: u32, patience: Duration) -> io::Result<Self> {
        let lock = Lock::take(Path::new(LOCKS), tty)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(tty, flags, Mode::empty())?;
        let mut modes = tcgetattr(&fd)?;
        configure(&mut modes, baud)?;
        tcsetattr(&fd, OptionalActions::Now, &modes)?;
        tcsendbreak(&fd)?;
        tcflush(&fd, QueueSelector::IOFlush)?;
        let (outbox, stream) = (Outbox::new(baud, patience), Stream::default());
        Ok(Self { fd, outbox, stream, is_lost: false, _lock: lock })
    }

    /// Accepts a message for sending. An error may also concern an earlier message.
    pub(super) fn send(&mut self, message: &[u8], urgency: Urgency) -> io::Result<()> {
        let queued = match urgency {
            Urgency::Beat => self.outbox.put_beat(message),
            Urgency::Again if self.outbox.is_slow() => Ok(()),
            Urgency::Other | Urgency::Again => self.outbox.put(message),
        };
        self.write_on().and(queued)
    }

    /// Continues to write waiting messages, as far as the line accepts them.
    pub(super) fn write_on(&mut self) -> io::Result<()> {
        if self.is_lost {
            return Err(Errno::IO.into());
        }
        let now = clock::boot_time();
        let written = self.outbox.advance(now, |bytes| Ok(rustix::io::write(&self.fd, bytes)?));
        written.map_err(|error| self.lose(error))?;
        if self.outbox.stuck_until().is_some_and(|until| now >= until) {
            self.outbox.abandon();
            tcflush(&self.fd, QueueSelector::OFlush)?;
            return Err(Errno::TIMEDOUT.into());
        }
        Ok(())
    }

    /// Returns what it waits for, if anything is left to write.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        if self.is_lost {
            return None;
        }
        match self.outbox.stuck_until() {
            Some(until) => Some(Waiting { for_room: true, until }),
            None => self.outbox.due().map(|until| Waiting { for_room: false, until }),
        }
    }

    /// Returns whether everything has been transmitted.
    pub(super) fn is_drained(&self) -> bool {
        self.is_lost || (self.outbox.is_empty() && unsent(&self.fd) == 0)
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if self.is_lost {
            return Ok(None);
        }
        for _ in 0..READS_MAX {
            if let Some(found) = self.stream.next(buffer) {
                return found.map(Some);
            }
            match self.stream.fill(|chunk| Ok(rustix::io::read(&self.fd, chunk)?)) {
                Ok(0) => return Err(self.lose(Errno::IO.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lose(error)),
            }
        }
        Ok(None)
    }

    /// Records that the device is gone.
    fn lose(&mut self, error: io::Error) -> io::Error {
        self.is_lost = true;
        error
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        (!self.is_lost).then(|| self.fd.as_fd())
    }
}

impl Drop for Serial {
    fn drop(&mut self) {
        // Otherwise closing would wait up to half a minute for a line that takes nothing.
        let _ = tcflush(&self.fd, QueueSelector::OFlush);
    }
}

/// 8 data bits, no parity, hardware flow control, no input or output processing; as heartbeat configures it.
fn configure(modes: &mut Termios, baud: u32) -> io::Result<()> {
    modes.input_modes =
        InputModes::BRKINT | InputModes::INPCK | InputModes::ISTRIP | InputModes::IGNCR;
    modes.output_modes = OutputModes::empty();
    modes.local_modes = LocalModes::empty();
    modes.control_modes =
        ControlModes::CS8 | ControlModes::CREAD | ControlModes::CLOCAL | ControlModes::CRTSCTS;
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 1;
    modes.set_speed(baud)?;
    Ok(())
}

/// Returns the number of bytes that the kernel has not transmitted yet (`TIOCOUTQ` of `ioctl_tty(2)`).
fn unsent(fd: &OwnedFd) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: the request writes one int to the address of `count`, which is a live int.
    let code = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if code == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests;
