//! What the executor holds, on disk, so that its successor can adopt it.

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

/// Longest file that is read, in bytes. What we write is far shorter.
const FILE_MAX: u64 = 16 << 20;

/// How often a reader looks that has met a writer, and how long it waits in between. Once is enough, unless
/// the writer stands still.
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
    /// The boot in which it was written: nothing outlives a reboot.
    boot: String,
    groups: Vec<Held>,
    /// What of it may run and may not. A ledger of before does not say; all of it counts as running.
    #[serde(default)]
    doubtful: Doubtful,
}

/// Resources that are listed, and of which nobody knows whether they run.
type Doubtful = Vec<(GroupKey, Resource)>;

/// What an executor of the boot `boot` wrote that it holds. A file that cannot be understood is as
/// good as none: addresses have their mark, and a start asks for the status first.
///
/// # Errors
///
/// When there is one and it cannot be read, for want of descriptors for example: then nobody knows what
/// is held.
pub fn read(path: &Path, boot: &str) -> io::Result<Vec<Held>> {
    Ok(read_file(path, boot)?.map_or_else(Vec::new, |file| file.groups))
}

fn read_file(path: &Path, boot: &str) -> io::Result<Option<File>> {
    let Some(file) = open_whole(path)? else { return Ok(None) };
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, FILE_MAX), &mut text)?;
    Ok(serde_json::from_slice::<File>(&text).ok().filter(|file| file.boot == boot))
}

/// Opens one that nobody writes into until it is closed: what lay there when it was opened may have
/// become the room of the next ledger since. Where the writer was killed, and a child of it that hangs
/// keeps its lock, nobody writes either.
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

    /// What an earlier executor of this boot left, and what of it is doubtful.
    pub(crate) fn read(&self) -> io::Result<(Vec<Held>, Doubtful)> {
        let file = read_file(&self.path, &self.boot)?;
        Ok(file.map_or_else(Default::default, |file| (file.groups, file.doubtful)))
    }

    /// Writes the file anew. It is replaced as a whole, so that a reader sees the old or the new. The old
    /// one stays beside it, and has the room for whatever is struck out next: that something was stopped
    /// can be written down however full the disk is.
    pub(crate) fn write(&self, groups: Vec<Held>, doubtful: Doubtful) -> io::Result<()> {
        let bytes = serde_json::to_vec(&File { boot: self.boot.clone(), groups, doubtful })?;
        let fresh = self.path.with_extension("new");
        overwrite(&fresh, &bytes)?;
        exchange(&fresh, &self.path)?;
        // Without room for it what comes next is tried again until it is there.
        let _ = reserve(&fresh, bytes.len());
        Ok(())
    }
}

/// Writes a file in the room that it has, or another one where somebody reads it still.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::AGAIN) {
        // The reader is not waited for: it may stand still.
        fs::remove_file(path)?;
        file = open(path)?;
    }
    let mut file = fs::File::from(file);
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    // Closing is not enough: a child that was forked meanwhile, and waits for its program, has it open.
    Ok(flock(&file, FlockOperation::Unlock)?)
}

/// Lets a file have room for so many bytes, whatever its length.
fn reserve(path: &Path, length: usize) -> io::Result<()> {
    let flags = FallocateFlags::KEEP_SIZE;
    Ok(rustix::fs::fallocate(open(path)?, flags, 0, length as u64)?)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?)
}

/// Lets two files have each other's name, or one have the other's where that does not exist or the
/// file system cannot exchange.
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
    fn what_was_written_is_read_in_the_same_boot_only() {
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
    fn a_ledger_of_before_that_knows_no_doubt_is_read_as_it_was() {
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
    fn a_ledger_that_is_shorter_than_the_one_before_needs_no_room() {
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

    /// One group whose name has this length.
    fn of_length(length: usize) -> Vec<Held> {
        let group_name = "x".repeat(length);
        vec![Held { group: GroupKey(1), group_name, term: 4, resources: Vec::new() }]
    }

    #[test]
    fn a_ledger_that_somebody_reads_is_not_written_into() {
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
    fn a_ledger_whose_writer_was_killed_with_its_lock_kept_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        file.write(of_length(1), Vec::new()).unwrap();
        let child = fs::File::open(&path).unwrap();
        flock(&child, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(read(&path, "boot").unwrap(), of_length(1));
    }

    #[test]
    fn a_ledger_that_is_written_all_the_time_is_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let file = LedgerFile::new(path.clone(), "boot".into());
        // Two short ones are written while the long one is read.
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
    fn a_ledger_that_cannot_be_read_is_not_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        // It leads to itself, for want of a way to run out of descriptors here alone.
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(LedgerFile::new(path, "boot".into()).read().is_err());
    }
}
