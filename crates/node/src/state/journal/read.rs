//! The journal, read back.

use super::{Entry, NAME, OLD, SIZE_MAX};
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// What a journal holds, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Lines that are no entry: one that was cut by a power failure, or of a newer version.
    pub unreadable: usize,
}

/// Reads the journal in a state directory, the old file before the present one. A file that is
/// not there holds nothing.
///
/// # Errors
///
/// When a file that is there cannot be read.
pub fn read(directory: &Path) -> io::Result<Reading> {
    let mut reading = Reading::default();
    for name in [OLD, NAME] {
        let mut bytes = Vec::new();
        match File::open(directory.join(name)) {
            Ok(file) => file.take(SIZE_MAX).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => reading.entries.push(entry),
                Err(_) => reading.unreadable += 1,
            }
        }
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Happening, State};
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::time::Duration;

    #[test]
    fn what_was_written_is_read_in_order() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), Reading::default());
        let mut journal = State::open(directory.path()).unwrap().0.journal("web1", 1).bounded(500);
        let happenings: Vec<_> =
            (0..6).map(|milliseconds| Happening::Pause { milliseconds }).collect();
        for happening in &happenings {
            journal.write(happening.clone(), Duration::ZERO).unwrap();
        }
        let mut file = OpenOptions::new().append(true).open(directory.path().join(NAME)).unwrap();
        file.write_all(b"{\"time\":\"2026-11-").unwrap();
        let reading = read(directory.path()).unwrap();
        let read = reading.entries.into_iter().map(|entry| entry.happening);
        assert_eq!(read.collect::<Vec<_>>(), happenings);
        assert_eq!(reading.unreadable, 1);
    }
}
