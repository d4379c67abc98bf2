//! Records that are made in advance: a stop must find space even if `/run` is full.

use rustix::fs::{AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of spare records: one for each program that may run at the same time.
const SPARES: usize = 64;
/// Length of a spare record in bytes: one page, which is the least that a file takes, and more than a stop
/// has to write.
const LENGTH: u64 = 4096;

/// The fraction of the free space that the spare records may take: one in this number.
const SHARE: u64 = 8;

/// Files without a name, whose space and inode are already allocated.
#[derive(Debug)]
pub(crate) struct Spares {
    directory: PathBuf,
    files: Mutex<Vec<File>>,
}

impl Spares {
    /// Creates an empty set of spares, for records in this directory.
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self { directory, files: Mutex::new(Vec::new()) }
    }

    /// Makes the missing spares, as long as there is plenty of space.
    pub(crate) fn refill(&self) {
        loop {
            let number = self.files().len();
            if number >= SPARES || !has_plenty(&self.directory, number as u64 + 1) {
                return;
            }
            match make(&self.directory) {
                Ok(file) => self.files().push(file),
                Err(_) => return,
            }
        }
    }

    /// Gives a spare record the name `path`.
    ///
    /// # Errors
    ///
    /// When no spare is left, or it cannot be named because the directory is gone or read-only.
    pub(crate) fn take(&self, path: &Path) -> io::Result<File> {
        let file = self.files().pop().ok_or(io::ErrorKind::StorageFull)?;
        let source = format!("/proc/self/fd/{}", file.as_raw_fd());
        rustix::fs::linkat(CWD, source, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
        Ok(file)
    }

    fn files(&self) -> MutexGuard<'_, Vec<File>> {
        // Nothing that is done under the lock can panic.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a file in memory, used when a record on disk is impossible.
///
/// # Errors
///
/// When no descriptor is left.
pub(crate) fn in_memory() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("heartbeat-stop", MemfdFlags::CLOEXEC)?.into())
}

/// Whether this number of spares is a small part of the free space.
fn has_plenty(directory: &Path, number: u64) -> bool {
    let Ok(left) = rustix::fs::statvfs(directory) else { return false };
    let room = left.f_bavail.saturating_mul(left.f_frsize) / LENGTH;
    // A file system that does not count its inodes reports zero of them.
    let inodes = if left.f_files == 0 { u64::MAX } else { left.f_favail };
    number.saturating_mul(SHARE) <= room.min(inodes)
}

fn make(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, 0, LENGTH)?;
    Ok(file.into())
}
