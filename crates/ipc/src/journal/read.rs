//! Reads the journal back.

use super::{Entry, NAME, OLD, SIZE_MAX};
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// The contents of a journal, oldest entry first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Number of lines that are not entries: cut off by a power failure, or written by a newer version.
    pub unreadable: usize,
}

/// Reads the journal in a state directory, the old file before the current one. A missing file counts as
/// empty.
///
/// # Errors
///
/// When an existing file cannot be read.
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
    use crate::journal::JournalEvent;
    use std::fs;

    #[test]
    fn journal_old_file_is_read_first_and_cut_line_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()).unwrap(), Reading::default());
        let line = |milliseconds: u64| {
            format!("{{\"time\":\"\",\"event\":\"pause\",\"milliseconds\":{milliseconds}}}\n")
        };
        fs::write(directory.path().join(OLD), line(1) + &line(2)).unwrap();
        fs::write(directory.path().join(NAME), line(3) + "{\"time\":\"2026-11-").unwrap();
        let reading = read(directory.path()).unwrap();
        let read: Vec<_> = reading.entries.into_iter().map(|entry| entry.event).collect();
        let written = [1, 2, 3].map(|milliseconds| JournalEvent::Pause { milliseconds });
        assert_eq!(read, written);
        assert_eq!(reading.unreadable, 1);
    }
}
