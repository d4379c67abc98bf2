//! A watchdog device (`watchdog-api` of the kernel's documentation), which restarts the machine unless it is
//! written to in time.
//!
//! ```text
//!            opened                  not written to for its timeout
//!   closed ─────────▶ counting ────────────────────────────────────▶ the machine restarts
//!      ▲                 │ ▲
//!      └─────────────────┘ └ written to, or closed without a word and opened again
//!       released (not where the kernel says `nowayout`)
//! ```
//!
//! Any other kind of file at the path is written to in the same way: tests use a regular file.

use crate::power::LAB_POWER;
use rustix::fs::{Mode, OFlags};
use rustix::ioctl::{Getter, Opcode, Updater, ioctl, opcode};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Duration;

/// The bytes that reset the clock: anything except the byte that releases the device.
const KEEP: &[u8] = b"k";
/// The bytes that are written last, so that closing the device stops its clock.
const RELEASE: &[u8] = b"V";

/// `WDIOC_SETTIMEOUT` and `WDIOC_GETTIMEOUT` of `linux/watchdog.h`.
const SET_TIMEOUT: Opcode = opcode::read_write::<libc::c_int>(b'W', 6);
const GET_TIMEOUT: Opcode = opcode::read::<libc::c_int>(b'W', 7);

/// An open device. Dropping it leaves its clock running.
#[derive(Debug)]
pub struct Watchdog {
    fd: OwnedFd,
    timeout: Duration,
}

impl Watchdog {
    /// Opens a device, whose clock runs from now on, and requests a timeout in whole seconds. The device may
    /// use another timeout: see [`Watchdog::timeout`].
    ///
    /// # Errors
    ///
    /// `ENOENT` without the device; `EBUSY` when another process has it; `PermissionDenied` for a device in a
    /// process of the laboratory, which must not restart the machine.
    pub fn open(path: &Path, timeout: Duration) -> io::Result<Self> {
        let is_device = fs::metadata(path)?.file_type().is_char_device();
        if is_device && std::env::var_os(LAB_POWER).is_some() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let timeout = set_timeout(&fd, timeout);
        Ok(Self { fd, timeout })
    }

    /// Returns the longest time between two writes.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Resets its clock.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn keep(&self) -> io::Result<()> {
        rustix::io::write(&self.fd, KEEP)?;
        Ok(())
    }

    /// Stops its clock and closes the device, unless the kernel has `nowayout` set: then the device restarts
    /// the machine unless it is opened again.
    ///
    /// # Errors
    ///
    /// When it cannot be written. In this case the device is closed, and its clock runs.
    pub fn release(self) -> io::Result<()> {
        rustix::io::write(&self.fd, RELEASE)?;
        Ok(())
    }
}

/// Requests a timeout and returns the one that the device has: drivers round, or have only one timeout. For a
/// file that is not a device, the requested timeout is returned.
fn set_timeout(fd: &OwnedFd, timeout: Duration) -> Duration {
    let mut seconds = libc::c_int::try_from(timeout.as_secs()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the request reads and writes one int.
    let request = unsafe { Updater::<SET_TIMEOUT, libc::c_int>::new(&mut seconds) };
    // SAFETY: the request of a watchdog is the only one with this number.
    let is_set = unsafe { ioctl(fd, request) }.is_ok();
    if !is_set {
        // SAFETY: the request writes one int.
        let request = unsafe { Getter::<GET_TIMEOUT, libc::c_int>::new() };
        // SAFETY: the request of a watchdog is the only one with this number.
        match unsafe { ioctl(fd, request) } {
            Ok(present) => seconds = present,
            Err(_) => return timeout,
        }
    }
    u64::try_from(seconds).map_or(timeout, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchdog_device_receives_keep_and_release() {
        let path = std::env::temp_dir().join(format!("systole-watchdog-{}", std::process::id()));
        let timeout = Duration::from_secs(7);
        let missing = Watchdog::open(&path, timeout).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        fs::write(&path, "").unwrap();
        let watchdog = Watchdog::open(&path, timeout).unwrap();
        assert_eq!(watchdog.timeout(), timeout);
        watchdog.keep().unwrap();
        drop(watchdog);
        let watchdog = Watchdog::open(&path, timeout).unwrap();
        watchdog.keep().unwrap();
        watchdog.release().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kkV");
        fs::remove_file(&path).unwrap();
    }
}
