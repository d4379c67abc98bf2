//! The file of the journal, and the writing of entries.

use super::repeats::Repeats;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use systole_ipc::journal::{Entry, JournalEvent, NAME, OLD, SIZE_MAX};

/// The ages of events of one turn are counted from moments that may differ by this much. Such entries have one
/// time, because the order of their times is that of cause and effect.
const SAME_MOMENT: SignedDuration = SignedDuration::from_millis(2);

/// The journal of a node: the part that makes entries, and the file to which they are written.
#[derive(Debug)]
pub struct Journal {
    pub(in crate::state) scribe: Scribe,
    pub(in crate::state) file: JournalFile,
}

/// Makes entries. It never waits.
#[derive(Debug)]
pub(in crate::state) struct Scribe {
    /// The source of the entries: the node, and the generation of its daemon.
    from: (String, u64),
    /// The number of the last entry.
    number: u64,
    /// The time of the last entry.
    last: Timestamp,
    repeats: Repeats,
}

/// The file, which is bounded: a full file is renamed to the old file and replaces the previous old one.
#[derive(Debug)]
pub(in crate::state) struct JournalFile {
    directory: PathBuf,
    size_max: u64,
    open: Option<(File, u64)>,
}

impl Journal {
    pub(in crate::state) fn new(directory: PathBuf, node: &str, generation: u64) -> Self {
        let from = (node.to_owned(), generation);
        let scribe =
            Scribe { from, number: 0, last: Timestamp::UNIX_EPOCH, repeats: Repeats::default() };
        Self { scribe, file: JournalFile { directory, size_max: SIZE_MAX, open: None } }
    }

    #[cfg(test)]
    pub(in crate::state) fn bounded(mut self, size_max: u64) -> Self {
        self.file.size_max = size_max;
        self
    }

    /// Appends an event that happened that long ago, unless it repeats one that was written already.
    ///
    /// # Errors
    ///
    /// When the file cannot be written: the entry is lost, and its number with it. The next entry opens the
    /// file again.
    #[cfg(test)]
    pub(crate) fn write(&mut self, event: JournalEvent, age: Duration) -> io::Result<()> {
        self.scribe.line(event, age).map_or(Ok(()), |line| self.file.append(&line))
    }
}

impl Scribe {
    /// Returns the line about an event that happened that long ago, unless it repeats one that was written
    /// recently.
    pub(in crate::state) fn line(&mut self, event: JournalEvent, age: Duration) -> Option<Vec<u8>> {
        if self.repeats.has(&event, Instant::now()) {
            return None;
        }
        self.number += 1;
        let age = SignedDuration::try_from(age).unwrap_or_default();
        let time = Timestamp::now().checked_sub(age).unwrap_or_else(|_| Timestamp::now());
        let is_same_moment = time < self.last && self.last.duration_since(time) < SAME_MOMENT;
        let time = if is_same_moment { self.last } else { time };
        self.last = time;
        let (from, run) = self.from.clone();
        let entry = Entry { time: time.to_string(), from, run, number: self.number, event };
        let mut line = serde_json::to_vec(&entry).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

impl JournalFile {
    /// Appends a line. Does not wait until the line is on the disk, but waits for a disk that hangs.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. The next call opens it again.
    pub(in crate::state) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let result = self.try_append(line);
        if result.is_err() {
            self.open = None;
        }
        result
    }

    fn try_append(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        let path = self.directory.join(NAME);
        if self.open.as_ref().is_some_and(|(_, size)| size + length > self.size_max) {
            fs::rename(&path, self.directory.join(OLD))?;
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(open(&path)?);
        }
        if let Some((file, size)) = &mut self.open {
            file.write_all(line)?;
            *size += length;
        }
        Ok(())
    }
}

/// Opens the file at its end, and ends a line that a power failure or a full disk has cut off. Otherwise
/// the next entry would be lost with it.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    // Symbolic links are not followed, and FIFOs not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).append(true).create(true).mode(0o640);
    let mut file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut size = file.metadata()?.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}
