//! The lab's directory below the system's temporary directory, which does not outlive the lab.
//!
//! It is removed with its [`Scratch`]. When the lab is killed, its janitor removes the directory; when the
//! janitor was also killed, the next lab does.

use crate::{Helper, LabError, tool};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The beginning of the directory's name; the pid of its owner and a random part follow.
const PREFIX: &str = "systole-lab.";
/// A file that the owner of the directory keeps locked.
const LOCK: &str = "lock";
/// The age from which a directory without a lock file is the remainder of a lab that ended early.
const YOUTH: Duration = Duration::from_mins(1);

/// A directory that disappears with the process that made it.
#[derive(Debug)]
pub(crate) struct Scratch {
    janitor: Child,
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a directory, and removes those that earlier labs left behind.
    ///
    /// # Errors
    ///
    /// When the temporary directory is not writable or the janitor does not start.
    pub(crate) fn new(helper: &Helper) -> Result<Self, LabError> {
        sweep();
        let failed = |what: &str| LabError::io(format!("{what} a folder for the lab"));
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}.", std::process::id()))
            .tempdir()
            .map_err(failed("making"))?;
        // The lock gets its name only when it is held, so that no sweep finds it free.
        let fresh = folder.path().join("lock.new");
        let lock = File::create(&fresh).map_err(failed("locking"))?;
        lock.lock().map_err(failed("locking"))?;
        fs::rename(&fresh, folder.path().join(LOCK)).map_err(failed("locking"))?;
        let janitor = helper
            .command("janitor")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| tool::spawn_failed("the lab's janitor", error))?;
        Ok(Self { janitor, folder, _lock: lock })
    }

    /// Returns the path of the directory.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The end of its input makes the janitor begin; it exits when the directory is gone.
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// Removes the directories of labs that no longer run.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && is_abandoned(&entry.path())
        {
            // A directory that cannot be removed now is left for the next sweep.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether no process holds the lock of this directory.
fn is_abandoned(folder: &Path) -> bool {
    let lock: PathBuf = folder.join(LOCK);
    if let Ok(file) = File::open(lock) {
        return match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        };
    }
    let age = fs::metadata(folder).and_then(|meta| meta.modified()).map(|made| made.elapsed());
    matches!(age, Ok(Ok(age)) if age > YOUTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_scratch_folder_is_not_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_abandoned(folder.path()), "too young to say");
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(!is_abandoned(folder.path()));
        drop(lock);
        assert!(is_abandoned(folder.path()));
    }
}
