//! Clocks, the boot id, random numbers and the load average.

use rustix::fs::{Mode, OFlags};
use rustix::rand::GetRandomFlags;
use rustix::time::{ClockId, Timespec};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const LOAD_AVERAGE: &str = "/proc/loadavg";

/// Returns the nanoseconds since the machine started, including time in suspend (`CLOCK_BOOTTIME`,
/// `clock_gettime(2)`).
#[must_use]
pub fn boot_time() -> u64 {
    let now = duration(rustix::time::clock_gettime(ClockId::Boottime));
    // A u64 of nanoseconds lasts for 584 years of uptime.
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time since 1970 by the machine's clock, which may be set at any moment.
#[must_use]
pub fn unix_time() -> Duration {
    duration(rustix::time::clock_gettime(ClockId::Realtime))
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Returns the name that the kernel gave to this boot: a uuid as text, without a newline.
///
/// # Errors
///
/// When `/proc` is not mounted.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string(BOOT_ID)?.trim_end().to_owned())
}

/// Fills `bytes` from the kernel's random generator (getrandom(2)).
///
/// # Errors
///
/// When the kernel has no such call, or a sandbox forbids it.
pub fn random_bytes(bytes: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns a random number.
///
/// # Errors
///
/// As [`random_bytes`].
pub fn random_u64() -> io::Result<u64> {
    let mut bytes = [0; 8];
    random_bytes(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The kernel's line of load averages, kept open so that reading it costs one call and no allocation.
#[derive(Debug)]
pub struct LoadAverage(OwnedFd);

impl LoadAverage {
    /// Opens `/proc/loadavg`.
    ///
    /// # Errors
    ///
    /// When `/proc` is not mounted.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(LOAD_AVERAGE, flags, Mode::empty())?))
    }

    /// Reads the line (`0.42 0.33 0.15 2/142 48`) into `buffer`, and returns it without its newline.
    ///
    /// A line longer than `buffer` is cut.
    ///
    /// # Errors
    ///
    /// Those of pread(2).
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a str> {
        let length = rustix::io::pread(&self.0, &mut *buffer, 0)?;
        let line = buffer[..length].split(|&byte| byte == b'\n').next().unwrap_or_default();
        str::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_never_decreases_and_matches_the_uptime() {
        let before = boot_time();
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let after = boot_time();
        assert!(before <= after);
        let before = Duration::from_nanos(before).as_secs_f64();
        assert!((uptime - before).abs() < 60.0, "uptime {uptime}, boot time {before}");
    }

    #[test]
    fn unix_time_agrees_with_the_standard_library() {
        let ours = unix_time();
        let theirs = std::time::UNIX_EPOCH.elapsed().unwrap();
        assert!(theirs.abs_diff(ours) < Duration::from_secs(5));
    }

    #[test]
    fn boot_id_has_36_characters_and_stays_the_same() {
        let id = boot_id().unwrap();
        assert_eq!(id.len(), 36);
        assert_eq!(id, boot_id().unwrap());
    }

    #[test]
    fn random_numbers_differ() {
        assert_ne!(random_u64().unwrap(), random_u64().unwrap());
    }

    #[test]
    fn load_average_can_be_read_again_and_is_cut_to_the_buffer() {
        let load = LoadAverage::open().unwrap();
        for _ in 0..2 {
            let mut buffer = [0; 64];
            let line = load.read(&mut buffer).unwrap();
            assert_eq!(line.split(' ').count(), 5, "{line}");
            assert!(!line.ends_with('\n'));
        }
        assert_eq!(load.read(&mut [0; 3]).unwrap().len(), 3);
    }
}
