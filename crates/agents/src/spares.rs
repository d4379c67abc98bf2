//! Records that are made ahead: a stop must find room whoever has filled `/run`.

use rustix::fs::{AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many there are: one for each program that may run at the same time.
const SPARES: usize = 64;
/// Length of one in bytes: a page, which is the least that a file takes, and more than what a stop has
/// to write down.
const LENGTH: u64 = 4096;

/// What part of the room that is left they may take: one in so many.
const SHARE: u64 = 8;

/// Files without a name, whose room and inode are taken already.
#[derive(Debug)]
pub(crate) struct Spares {
    directory: PathBuf,
    files: Mutex<Vec<File>>,
}

impl Spares {
    /// None yet, for records in this directory.
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self { directory, files: Mutex::new(Vec::new()) }
    }

    /// Makes as many as are missing, as far as there is plenty of room.
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

    /// Gives one the name `path`.
    ///
    /// # Errors
    ///
    /// When none is left, or a name cannot be given: the directory is gone, or can only be read.
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

/// A file in memory, in the place of a record that cannot be had.
///
/// # Errors
///
/// When no descriptor is left.
pub(crate) fn in_memory() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("heartbeat-stop", MemfdFlags::CLOEXEC)?.into())
}

/// Whether so many of them are a small part of what is left.
fn has_plenty(directory: &Path, number: u64) -> bool {
    let Ok(left) = rustix::fs::statvfs(directory) else { return false };
    let room = left.f_bavail.saturating_mul(left.f_frsize) / LENGTH;
    // A file system that does not count its inodes says that it has none.
    let inodes = if left.f_files == 0 { u64::MAX } else { left.f_favail };
    number.saturating_mul(SHARE) <= room.min(inodes)
}

fn make(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, 0, LENGTH)?;
    Ok(file.into())
}
