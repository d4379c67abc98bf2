//! The file in which an executor leaves its successor what it watches.

use super::{Main, Mains, Program, Remains, ServiceId};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use systole_sys::process::ProcessId;

/// Maximum size of the file in bytes that is read.
const FILE_MAX: u64 = 4 << 20;

/// The file. It is lost with its directory, and then the end of a service is found by the next check.
#[derive(Debug)]
pub(in crate::executor) struct MainsFile {
    path: PathBuf,
    boot: String,
    written: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    pid: i32,
    start: u64,
    services: Vec<ServiceId>,
    /// The program, if the process leads its session.
    program: Option<(u64, u64)>,
    unit: Option<String>,
}

impl MainsFile {
    pub(in crate::executor) const fn new(path: PathBuf, boot: String) -> Self {
        Self { path, boot, written: Vec::new() }
    }

    /// Reads what a predecessor watched. A file that is not understood is one of another version.
    pub(in crate::executor) fn read(&mut self) -> Mains {
        let (boot, entries): (String, Vec<Entry>) = read(&self.path).unwrap_or_default();
        let mut mains = Mains::default();
        if boot == self.boot {
            for entry in entries {
                mains.watched.extend(entry.main());
            }
        }
        mains
    }

    /// Writes what is watched, if that has changed. A disk without room loses only the news.
    pub(in crate::executor) fn write(&mut self, mains: &Mains) {
        let entries: Vec<_> = mains.watched.iter().map(Entry::of).collect();
        if entries != self.written && self.replace(&entries).is_ok() {
            self.written = entries;
        }
    }

    fn replace(&self, entries: &[Entry]) -> io::Result<()> {
        let text = serde_json::to_vec(&(&self.boot, entries))?;
        let new = self.path.with_extension("mains.new");
        fs::write(&new, text)?;
        fs::rename(new, &self.path)
    }
}

fn read(path: &Path) -> io::Result<(String, Vec<Entry>)> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(FILE_MAX).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

impl Entry {
    fn of(main: &Main) -> Self {
        let numbers = |Remains { program: Program(device, inode), .. }| (device, inode);
        Self {
            pid: main.id.pid,
            start: main.id.start,
            services: main.services.clone(),
            program: main.remains.map(numbers),
            unit: main.unit.clone(),
        }
    }

    /// Watches the process, if it still runs.
    fn main(self) -> Option<Main> {
        let id = ProcessId { pid: self.pid, start: self.start };
        let fd = id.open().ok()??;
        let remains = |(device, inode)| Remains { leader: id, program: Program(device, inode) };
        let remains = self.program.map(remains);
        Some(Main {
            id,
            fd,
            services: self.services,
            remains,
            is_being_stopped: false,
            unit: self.unit,
        })
    }
}
