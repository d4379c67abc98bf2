//! A log file that is reopened after it was rotated.

use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Readable for the owner and the group `haclient` only, because lines name clients and addresses.
const MODE: u32 = 0o640;

/// Shortest time between two checks whether the file is still the one under its name.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A file to which lines are appended.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    owner: Option<(u32, u32)>,
    file: Option<File>,
    checked: Option<Duration>,
    /// Why the file could not be opened the last time, as it was reported.
    told: Option<(ErrorKind, Option<i32>)>,
}

impl LogFile {
    /// Creates it without opening the file.
    pub(super) fn new(path: PathBuf, owner: Option<(u32, u32)>) -> Self {
        Self { path, owner, file: None, checked: None, told: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file. It is opened again before the next line.
    pub(super) fn close(&mut self) {
        (self.file, self.checked) = (None, None);
    }

    /// Appends a line in one piece, so that lines of several writers never mix.
    pub(super) fn write(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // A full disk must not stop a takeover, and there is no better place to report it.
            let _ = file.write_all(line.as_bytes());
        }
    }

    /// Opens the file if it is not open, or if its name now stands for another file. Returns whether it was
    /// rotated. Call it before a line is written; most calls do nothing.
    ///
    /// # Errors
    ///
    /// Once for each reason why the file cannot be opened. If it is open, it stays in use.
    pub(super) fn tend(&mut self, now: Duration) -> io::Result<bool> {
        if self.checked.is_some_and(|checked| now.saturating_sub(checked) < CHECK_EVERY) {
            return Ok(false);
        }
        self.checked = Some(now);
        let identity = |data: Metadata| (data.dev(), data.ino());
        let open = self.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        let named = std::fs::metadata(&self.path).ok().map(identity);
        if open.is_some() && open == named {
            return Ok(false);
        }
        match open_or_make(&self.path, self.owner) {
            Ok(file) => {
                (self.file, self.told) = (Some(file), None);
                Ok(open.is_some())
            }
            Err(error) => {
                let reason = Some((error.kind(), error.raw_os_error()));
                if std::mem::replace(&mut self.told, reason) == reason {
                    return Ok(false);
                }
                Err(error)
            }
        }
    }
}

/// Opens the file without waiting: a FIFO without a reader would wait for a reader, and one with a reader
/// would make each line wait for that reader.
fn open_or_make(path: &Path, owner: Option<(u32, u32)>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.append(true).mode(MODE).custom_flags(flags.bits().cast_signed());
    let file = match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if let Some((user, group)) = owner {
                // Without root's rights the file keeps this process's owner, and can be written just as
                // well.
                let _ = fchown(&file, Some(user), Some(group));
            }
            return Ok(file);
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(path),
        Err(error) => return Err(error),
    };
    let data = match &file {
        Ok(file) => file.metadata(),
        // A FIFO without a reader cannot even be opened.
        Err(_) => std::fs::metadata(path),
    };
    if data.is_ok_and(|data| data.file_type().is_fifo()) {
        let why = "it is a FIFO, which would make the daemon wait for its reader: a file or syslog \
                   is needed";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    file
}
