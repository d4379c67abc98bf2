//! A log file that is found again after somebody rotated it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Readable for the group `haclient`, and for nobody else: lines name clients and addresses.
const MODE: u32 = 0o640;

/// How often to look whether the file is still the one under its name.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// A file to which lines are appended.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    owner: Option<(u32, u32)>,
    file: Option<File>,
    checked: Duration,
}

impl LogFile {
    /// A file that is not open yet.
    pub(super) fn new(path: PathBuf, owner: Option<(u32, u32)>) -> Self {
        Self { path, owner, file: None, checked: Duration::ZERO }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, or makes it. When that fails an open one stays in use.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.append(true).mode(MODE);
        let file = match options.clone().create_new(true).open(&self.path) {
            Ok(file) => {
                if let Some((user, group)) = self.owner {
                    // Without root's rights it stays ours, and is as good for writing.
                    let _ = fchown(&file, Some(user), Some(group));
                }
                file
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                options.open(&self.path)?
            }
            Err(error) => return Err(error),
        };
        self.file = Some(file);
        Ok(())
    }

    /// Appends a line in one piece, so that lines of several writers never mix.
    pub(super) fn write(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // A full disk must not stop a takeover, and has no better place to be told.
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// Opens the file again if its name stands for another one now, and tells its path then.
    pub(super) fn check_rotation(&mut self, now: Duration) -> Option<PathBuf> {
        if now.saturating_sub(self.checked) < CHECK_EVERY {
            return None;
        }
        self.checked = now;
        let identity = |data: std::fs::Metadata| (data.dev(), data.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        let named = std::fs::metadata(&self.path).ok().map(identity);
        if open.is_some() && open == named {
            return None;
        }
        self.reopen().ok().map(|()| self.path.clone())
    }
}
