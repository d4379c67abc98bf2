//! The file of the journal, as it is written.

use super::repeats::Repeats;
use super::{Entry, Happening, NAME, OLD, SIZE_MAX};
use jiff::{SignedDuration, Timestamp};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The journal of a node, bounded: a full file becomes the old one and replaces the one before.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    size_max: u64,
    open: Option<(File, u64)>,
    /// Who tells: the node, and the generation of its daemon.
    from: (String, u64),
    /// The number of the last entry.
    number: u64,
    lost: u64,
    repeats: Repeats,
}

impl Journal {
    pub(in crate::state) fn new(directory: PathBuf, node: &str, generation: u64) -> Self {
        Self {
            directory,
            size_max: SIZE_MAX,
            open: None,
            from: (node.to_owned(), generation),
            number: 0,
            lost: 0,
            repeats: Repeats::default(),
        }
    }

    #[cfg(test)]
    pub(in crate::state) fn bounded(self, size_max: u64) -> Self {
        Self { size_max, ..self }
    }

    /// Appends what happened that long ago, unless it repeats what stands there already. Does not
    /// wait for the disk.
    ///
    /// # Errors
    ///
    /// When the file cannot be written: the entry is lost, and its number with it. The next entry
    /// opens the file again.
    pub fn write(&mut self, happening: Happening, age: Duration) -> io::Result<()> {
        if self.repeats.has(&happening, Instant::now()) {
            return Ok(());
        }
        self.number += 1;
        let age = SignedDuration::try_from(age).unwrap_or_default();
        let time = Timestamp::now().checked_sub(age).unwrap_or_else(|_| Timestamp::now());
        let (from, run) = self.from.clone();
        let entry = Entry { time: time.to_string(), from, run, number: self.number, happening };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        let result = self.append(&line);
        if result.is_err() {
            self.open = None;
            self.lost += 1;
        }
        result
    }

    /// How many entries were lost since the last one that was written.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The same, and counts anew.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
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

/// Opens the file at its end, and ends a line that a power failure or a full disk has cut: else
/// the next entry would be lost with it.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).mode(0o640).open(path)?;
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
