//! The lab's folder below the system's temporary folder, which nothing survives.
//!
//! It goes with its [`Scratch`]. When the lab is killed, its janitor removes the folder; when
//! the janitor was killed too, the next lab does.

use crate::{Helper, LabError, tool};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How the folder's name begins; the pid of its owner and a random part follow.
const PREFIX: &str = "systole-lab.";
/// A file that the owner of the folder keeps locked.
const LOCK: &str = "lock";
/// Age at which a folder without a lock file is the rest of a lab that died young.
const YOUTH: Duration = Duration::from_mins(1);

/// A folder that disappears with the process that made it.
#[derive(Debug)]
pub(crate) struct Scratch {
    janitor: Child,
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a folder, and removes those that earlier labs left behind.
    ///
    /// # Errors
    ///
    /// When the temporary folder is not writable or the janitor does not start.
    pub(crate) fn new(helper: &Helper) -> Result<Self, LabError> {
        sweep();
        let failed = |what: &str| LabError::io(format!("{what} a folder for the lab"));
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}.", std::process::id()))
            .tempdir()
            .map_err(failed("making"))?;
        // The lock appears under its name only when it is held, so that no sweep sees it free.
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

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The end of its input is the janitor's call to work; it exits when the folder is gone.
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// Removes the folders of labs that no longer run.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && is_abandoned(&entry.path())
        {
            // A folder that cannot be removed now is left for the next sweep.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether nobody holds the lock of this folder.
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
    fn a_locked_folder_is_not_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_abandoned(folder.path()), "too young to say");
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(!is_abandoned(folder.path()));
        drop(lock);
        assert!(is_abandoned(folder.path()));
    }
}
