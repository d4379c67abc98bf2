//! The FIFO into which scripts write messages, as with heartbeat.
//!
//! Only root can write into it. The daemon holds it open for reading and writing, so that it never ends, and
//! never waits for it. When the daemon ends, the FIFO is removed: otherwise a script that writes without a
//! daemon would wait forever. When it executes itself anew, the FIFO stays, and what is in it is reported: no
//! message is lost without a word.

mod meaning;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use meaning::{Meaning, meaning};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use text::Splitter;

/// Maximum number of messages that are accepted within [`SPAN`].
const MESSAGES_MAX: u32 = 20;
const SPAN: Duration = Duration::from_secs(1);
/// Maximum number of bytes read at once. What is left is read in the next turn.
const BYTES_AT_ONCE: usize = 4 << 10;
/// Number of bytes within [`SPAN`] after which nothing is read until the next one begins: a script that writes
/// without end waits, and not this daemon.
const BYTES_MAX: usize = 128 << 10;
/// Maximum number of bytes that are read when the FIFO is closed. It holds 64 KiB; a script may write meanwhile.
const LEFT_MAX: usize = 256 << 10;
/// How long the end of the daemon waits for the removal.
const REMOVAL_LIMIT: Duration = Duration::from_millis(500);
const MODE: u32 = 0o600;

/// Fields of a message: names and values.
pub(crate) type Fields = Vec<(String, String)>;

/// The FIFO.
#[derive(Debug)]
pub(crate) struct Fifo {
    path: PathBuf,
    opened: Option<OwnedFd>,
    splitter: Splitter,
    count: Count,
}

/// What came within the present [`SPAN`].
#[derive(Debug, Default)]
struct Count {
    since: Option<Instant>,
    messages: u32,
    bytes: usize,
}

impl Count {
    /// Begins to count anew if a span has passed.
    fn elapse(&mut self, now: Instant) {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= SPAN) {
            *self = Self { since: Some(now), ..Self::default() };
        }
    }

    /// Whether nothing may be read yet.
    fn is_full(&self, now: Instant) -> bool {
        let is_over = self.since.is_none_or(|since| now.saturating_duration_since(since) >= SPAN);
        self.bytes >= BYTES_MAX && !is_over
    }
}

impl Fifo {
    /// Creates a FIFO that is read once it is [opened](Self::open).
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, opened: None, splitter: Splitter::default(), count: Count::default() }
    }

    /// Opens the FIFO, which is created if it is missing. Returns what was removed to make room for it.
    ///
    /// This is for the start of the daemon. Later its disk may hang, and this with it.
    ///
    /// # Errors
    ///
    /// When something else is there, or it cannot be created.
    pub(crate) fn open(&mut self) -> io::Result<Option<String>> {
        let told = remove_file(&self.path)?;
        match rustix::fs::mkfifoat(CWD, &self.path, Mode::from_raw_mode(MODE)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.opened = Some(open(&self.path)?);
        Ok(told)
    }

    /// Reads messages. Each is its fields, or the reason why it is refused.
    pub(crate) fn read(&mut self) -> Vec<Result<Fields, String>> {
        let now = Instant::now();
        let Some(fifo) = self.opened.as_ref().filter(|_| !self.count.is_full(now)) else {
            return Vec::new();
        };
        let mut bytes = [0; BYTES_AT_ONCE];
        let length = match rustix::io::read(fifo, &mut bytes) {
            Ok(length) => length,
            Err(Errno::AGAIN | Errno::INTR) => return Vec::new(),
            Err(error) => {
                self.opened = None;
                return vec![Err(format!("the FIFO cannot be read: {error}"))];
            }
        };
        self.count.elapse(now);
        self.count.bytes += length;
        let messages = self.splitter.split(&bytes[..length]);
        self.admit(messages, now)
    }

    /// Leaves the messages that are within the limit, and one refusal for the others.
    fn admit(
        &mut self,
        messages: Vec<Result<Fields, String>>,
        now: Instant,
    ) -> Vec<Result<Fields, String>> {
        let mut admitted = Vec::new();
        self.count.elapse(now);
        for message in messages {
            let count = &mut self.count.messages;
            *count = count.saturating_add(1);
            if *count <= MESSAGES_MAX {
                admitted.push(message);
            } else if *count == MESSAGES_MAX + 1 {
                let text = format!("there are more than {MESSAGES_MAX} messages in a second");
                admitted.push(Err(text));
            }
        }
        admitted
    }

    /// Removes the FIFO, which can still be [closed](Self::close): no daemon will read it. A disk that hangs is not
    /// waited for.
    pub(crate) fn remove(&mut self) {
        let copy = self.opened.as_ref().and_then(|fifo| fifo.try_clone().ok());
        let (Some(fifo), path) = (copy, self.path.clone()) else { return };
        let (done, wait) = std::sync::mpsc::channel();
        let remover = std::thread::Builder::new().spawn(move || {
            if is_at(&fifo, &path) {
                // If it stays, a script that writes into it waits for the next daemon.
                let _ = fs::remove_file(&path);
            }
            // A script that writes after the close must find no reader.
            drop(fifo);
            // If it took too long, nothing waits for this any longer.
            let _ = done.send(());
        });
        if remover.is_ok() {
            let _ = wait.recv_timeout(REMOVAL_LIMIT);
        }
    }

    /// Closes the FIFO, and returns the messages that are still in it. The last one may not be complete. A script
    /// that writes from now on gets an error, or waits for the next daemon if the FIFO was not removed.
    pub(crate) fn close(&mut self) -> Vec<Result<Fields, String>> {
        let Some(fifo) = self.opened.take() else { return Vec::new() };
        let (mut messages, mut bytes) = (Vec::new(), [0; BYTES_AT_ONCE]);
        for _ in 0..LEFT_MAX / BYTES_AT_ONCE {
            match rustix::io::read(&fifo, &mut bytes) {
                Ok(length) => messages.extend(self.splitter.split(&bytes[..length])),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        if std::mem::take(&mut self.splitter).has_begun() {
            messages.push(Err("a message without its end".to_owned()));
        }
        messages
    }

    /// The descriptor to wait for.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = rustix::event::PollFd<'_>> {
        let opened = self.opened.iter().filter(|_| !self.count.is_full(Instant::now()));
        let fds = opened.map(|fifo| fifo.as_fd());
        fds.map(|fd| rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::IN))
    }
}

/// Removes a file of root: a script that found no FIFO has created it.
fn remove_file(path: &Path) -> io::Result<Option<String>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.is_file() || !is_ours(found.uid()) {
        return Ok(None);
    }
    fs::remove_file(path)?;
    let (path, length) = (path.display(), found.len());
    Ok(Some(format!(
        "Removed the file {path} ({length} bytes): no daemon read what a script wrote there."
    )))
}

/// Opens the FIFO without waiting, and follows no symbolic link.
fn open(path: &Path) -> io::Result<OwnedFd> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    let found = fs::symlink_metadata(path)?;
    if !found.file_type().is_fifo() {
        return Err(refused("it is not a FIFO; remove it"));
    }
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fifo = rustix::fs::open(path, flags, Mode::empty())?;
    let opened = rustix::fs::fstat(&fifo)?;
    if FileType::from_raw_mode(opened.st_mode) != FileType::Fifo {
        return Err(refused("it is not a FIFO; remove it"));
    }
    if !is_ours(opened.st_uid) {
        return Err(refused(&format!("it belongs to user {}; remove it", opened.st_uid)));
    }
    rustix::fs::fchmod(&fifo, Mode::from_raw_mode(MODE))?;
    Ok(fifo)
}

fn is_ours(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// Whether an open file is the one at a path.
fn is_at(file: &OwnedFd, path: &Path) -> bool {
    let (Ok(open), Ok(found)) = (rustix::fs::fstat(file), fs::symlink_metadata(path)) else {
        return false;
    };
    (open.st_dev, open.st_ino) == (found.dev(), found.ino())
}
