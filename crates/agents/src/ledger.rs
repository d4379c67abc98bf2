//! The ledger on disk, from which a successor adopts what the executor holds.

use crate::protocol::Held;
use rustix::fs::{CWD, FallocateFlags, FlockOperation, Mode, OFlags, RenameFlags, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;
use systole_core::{GroupKey, Resource};

/// Maximum size in bytes of a file that is read. Files written by this executor are far shorter.
const FILE_MAX: u64 = 16 << 20;

/// How often a reader tries again that has met a writer, and how long it waits in between. Once is enough
/// unless the writer stands still.
const LOOKS_MAX: u32 = 100;
const GAP: Duration = Duration::from_millis(1);

/// The ledger as a file below `/run`.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    path: PathBuf,
    boot: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    /// The boot in which it was written, because nothing survives a reboot.
    boot: String,
    groups: Vec<Held>,
    /// The resources of which it is unknown whether they run. Older ledgers lack them; everything in those
    /// counts as running.
    #[serde(default)]
    doubtful: Doubtful,
}

/// Listed resources of which it is unknown whether they run.
type Doubtful = Vec<(GroupKey, Resource)>;

/// Returns what an executor of the boot `boot` recorded as held. A file that cannot be understood counts as
/// missing: addresses have their mark, and a start asks for the status first.
///
/// # Errors
///
/// When the file exists but cannot be read, for example for lack of descriptors: then it is unknown what is
/// held.
pub fn read(path: &Path, boot: &str) -> io::Result<Vec<Held>> {
    Ok(read_file(path, boot)?.map_or_else(Vec::new, |file| file.groups))
}

fn read_file(path: &Path, boot: &str) -> io::Result<Option<File>> {
    let Some(file) = open_whole(path)? else { return Ok(None) };
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, FILE_MAX), &mut text)?;
    Ok(serde_json::from_slice::<File>(&text).ok().filter(|file| file.boot == boot))
}

/// Opens a ledger into which no process writes until it is closed. A file without this lock may have become
/// the space for the next ledger since it was opened. If the writer was killed, and a child of it that
/// hangs keeps its lock, no process writes either.
fn open_whole(path: &Path) -> io::Result<Option<fs::File>> {
    let mut looks = 0;
    loop {
        let file = match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        looks += 1;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Err(Errno::AGAIN | Errno::INTR) if looks < LOOKS_MAX => std::thread::sleep(GAP),
            Ok(()) | Err(Errno::AGAIN | Errno::INTR) => return Ok(Some(file)),
            Err(error) => return Err(error.into()),
        }
    }
}

impl LedgerFile {
    pub(crate) const fn new(path: PathBuf, boot: String) -> Self {
        Self { path, boot }
    }

    /// Returns what an earlier executor of this boot held, and which of it is doubtful.
    pub(crate) fn read(&self) -> io::Result<(Vec<Held>, Doubtful)> {
        let file = read_file(&self.path, &self.boot)?;
        Ok(file.map_or_else(Default::default, |file| (file.groups, file.doubtful)))
    }

    /// Writes a new version of the file. The file is replaced as a whole, so that a reader sees either the
    /// old or the new one. The old file stays beside it and reserves the space for the next removal: that
    /// something was stopped can be recorded however full the disk is.
    pub(crate) fn write(&self, groups: Vec<Held>, doubtful: Doubtful) -> io::Result<()> {
        let bytes = serde_json::to_vec(&File { boot: self.boot.clone(), groups, doubtful })?;
        let fresh = self.path.with_extension("new");
        overwrite(&fresh, &bytes)?;
        exchange(&fresh, &self.path)?;
        // Without this space, the next write is tried again until there is space.
        let _ = reserve(&fresh, bytes.len());
        Ok(())
    }
}

/// Overwrites a file in place, or replaces it if a reader still has it open.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::AGAIN) {
        // The writer does not wait for the reader, which may stand still.
        fs::remove_file(path)?;
        file = open(path)?;
    }
    let mut file = fs::File::from(file);
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    // Closing is not enough: a child that was forked meanwhile and waits for its program has the file open.
    Ok(flock(&file, FlockOperation::Unlock)?)
}

/// Reserves space for this many bytes in a file, whatever its length.
fn reserve(path: &Path, length: usize) -> io::Result<()> {
    let flags = FallocateFlags::KEEP_SIZE;
    Ok(rustix::fs::fallocate(open(path)?, flags, 0, length as u64)?)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?)
}

/// Exchanges the names of two files. Renames one instead if the other does not exist or the file system
/// cannot exchange names.
fn exchange(fresh: &Path, old: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, fresh, CWD, old, RenameFlags::EXCHANGE) {
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS) => fs::rename(fresh, old),
        exchanged => Ok(exchanged?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::ResourceKind;

    #[test]
    fn ledger_is_read_back_only_in_the_same_boot() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let group_name = "web".to_owned();
        let held = Held { group: GroupKey(1), group_name, term: 4, resources: Vec::new() };
        let file = LedgerFile::new(path.clone(), "boot".into());
        assert_eq!(file.read().unwrap(), (vec![], vec![]));
        let kind = ResourceKind::Agent { name: "a".into(), arguments: Vec::new() };
        let doubtful = vec![(GroupKey(1), Resource { word: "a".into(), kind })];
        file.write(vec![held.clone()], doubtful.clone()).unwrap();
        assert_eq!(file.read().unwrap(), (vec![held.clone()], doubtful));
        assert_eq!(read(&path, "boot").unwrap(), [held]);
        assert_eq!(read(&path, "another").unwrap(), []);
        fs::write(&path, "{\"boot\":").unwrap();
        assert_eq!(file.read().unwrap(), (vec![], vec![]));
    }

    #[test]
    fn ledger_of_an_older_version_without_doubtful_entries_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let group = r#"{"group":1,"group_name":"web","term":4,"resources":[]}"#;
        fs::write(&path, format!(r#"{{"boot":"boot","groups":[{group}]}}"#)).unwrap();
        let group_name = "web".to_owned();
        let held = Held { group: GroupKey(1), group_name, term: 4, resources: Vec::new() };
        let file = LedgerFile::new(path, "boot".into());
        assert_eq!(file.read().unwrap(), (vec![held], vec![]));
    }

    #[test]
    fn ledger_spare_file_after_each_write_has_room_for_the_current_length() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        let held = |name: String| {
            vec![Held { group: GroupKey(1), group_name: name, term: 4, resources: Vec::new() }]
        };
        for length in [1, 20_000, 9_000] {
            file.write(held("x".repeat(length)), Vec::new()).unwrap();
            let spare = fs::metadata(path.with_extension("new")).unwrap();
            let room = spare.blocks() * 512;
            assert!(room >= fs::metadata(&path).unwrap().len(), "{length}: {room}");
        }
        file.write(Vec::new(), Vec::new()).unwrap();
        assert_eq!(file.read().unwrap(), (vec![], vec![]));
    }

    /// One group with a name of this length.
    fn of_length(length: usize) -> Vec<Held> {
        let group_name = "x".repeat(length);
        vec![Held { group: GroupKey(1), group_name, term: 4, resources: Vec::new() }]
    }

    #[test]
    fn ledger_open_for_reading_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        file.write(of_length(20_000), Vec::new()).unwrap();
        let mut reader = open_whole(&path).unwrap().unwrap();
        for length in [1, 2, 3] {
            file.write(of_length(length), Vec::new()).unwrap();
            assert_eq!(read(&path, "boot").unwrap(), of_length(length));
        }
        let mut text = String::new();
        io::Read::read_to_string(&mut reader, &mut text).unwrap();
        let read: File = serde_json::from_str(&text).unwrap();
        assert_eq!(read.groups, of_length(20_000));
    }

    #[test]
    fn ledger_left_locked_by_a_killed_writer_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        file.write(of_length(1), Vec::new()).unwrap();
        let child = fs::File::open(&path).unwrap();
        flock(&child, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(read(&path, "boot").unwrap(), of_length(1));
    }

    #[test]
    fn ledger_rewritten_continuously_is_never_read_torn() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        // Two short ledgers are written while the long one is read.
        let lengths = [300_000, 1, 2];
        file.write(of_length(1), Vec::new()).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for length in lengths.into_iter().cycle().take(150) {
                    file.write(of_length(length), Vec::new()).unwrap();
                }
            });
            let mut torn = Vec::new();
            while !writer.is_finished() {
                let read = read(&path, "boot").unwrap();
                let length = read.first().map(|group| group.group_name.len());
                torn.extend(length.is_none_or(|it| !lengths.contains(&it)).then_some(length));
            }
            assert_eq!(torn, []);
        });
    }

    #[test]
    fn unreadable_ledger_is_an_error_and_not_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        // A link that leads to itself stands in for a lack of descriptors, which cannot be produced for
        // this file alone.
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(LedgerFile::new(path, "boot".into()).read().is_err());
    }
}
