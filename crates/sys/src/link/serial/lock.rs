//! The lock of a serial line, as used by UUCP and all later programs.

use crate::daemonize::{self, Running};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The number of attempts to take a lock that other processes take and release meanwhile.
const ATTEMPTS: usize = 3;

/// A lock file with the process id of this process. Removed when this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a line. The lock of a process that is gone is taken over, and so is the lock of this
    /// process itself: a daemon that executed itself again keeps its process id.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while another process has it; otherwise those of writing files.
    pub(super) fn take(folder: &Path, tty: &str) -> io::Result<Self> {
        let name = Path::new(tty).file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let name = name.to_string_lossy();
        let path = folder.join(format!("LCK..{name}"));
        let own = std::process::id();
        let told = |error: io::Error| {
            io::Error::new(error.kind(), format!("the lock {}: {error}", path.display()))
        };
        let draft = folder.join(format!("LTMP..{name}.{own}"));
        daemonize::write_pid_file(&draft, own).map_err(told)?;
        let taken = link(&draft, &path, own.cast_signed()).map_err(told);
        fs::remove_file(&draft)?;
        taken?;
        Ok(Self { path })
    }
}

/// Links the draft to its real name, so that the lock exists as a whole or not at all.
fn link(draft: &Path, path: &Path, own: i32) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match fs::hard_link(draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
        match daemonize::running(path)? {
            Running::Yes(pid) if pid == own => return Ok(()),
            // A file that cannot be read may be a lock in the form of another program.
            Running::Yes(_) | Running::No => break,
            Running::Stale(_) => remove(path)?,
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let own = std::process::id().cast_signed();
        if matches!(daemonize::running(&self.path), Ok(Running::Yes(pid)) if pid == own) {
            // A lock that stays is taken over by the next process.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory for this test alone.
    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("systole-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn serial_lock_contains_the_process_id_and_is_removed_on_drop() {
        let folder = folder("lock");
        let path = folder.join("LCK..ttyS0");
        let lock = Lock::take(&folder, "/dev/ttyS0").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{:>10}\n", std::process::id()));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the draft is gone");
        drop(lock);
        assert!(!path.exists());
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn serial_lock_is_taken_over_only_when_stale() {
        let folder = folder("locks");
        let path = folder.join("LCK..ttyS1");
        let take = || Lock::take(&folder, "/dev/ttyS1");
        // Higher than any process id of Linux.
        for (content, is_free) in [
            ("   4194305\n".to_owned(), true),
            (format!("{:>10}\n", std::process::id()), true),
            ("         1\n".to_owned(), false),
            ("garbage\n".to_owned(), false),
            (String::new(), false),
        ] {
            fs::write(&path, &content).unwrap();
            match take() {
                Ok(lock) => {
                    assert!(is_free, "{content:?}");
                    drop(lock);
                    assert!(!path.exists());
                }
                Err(error) => {
                    assert!(!is_free, "{content:?}: {error}");
                    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
                    assert_eq!(fs::read_to_string(&path).unwrap(), content);
                }
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn serial_lock_without_its_directory_fails_as_not_found() {
        let error = Lock::take(Path::new("/nonexistent"), "/dev/ttyS0").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
