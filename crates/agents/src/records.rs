//! A file for every run of an agent, written before the agent begins, so that an executor that is killed
//! leaves no run that its successor does not know about.

use crate::outlet::Outlet;
use crate::place;
use crate::protocol::{Action, Unfinished};
use crate::spares::{self, Spares};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use systole_sys::process::ProcessId;

/// Maximum size in bytes of a record that is read.
const RECORD_MAX: u64 = 1 << 20;
/// Space in bytes that a start may need: a ledger of all groups, which is written beside the previous one,
/// and a few records.
const ROOM: usize = 64 << 10;

/// The directory of records. A record has two lines: the run, written in JSON by the executor; and the
/// process that carries it out, written by that process itself before it becomes the agent.
#[derive(Debug)]
pub(crate) struct Records {
    directory: PathBuf,
    boot: String,
    next: AtomicU64,
    spares: Spares,
}

/// The record of an active run. Dropping it removes the record, so the run must have ended.
#[derive(Debug)]
pub(crate) struct Record {
    /// Absent if no record could be written for a stop: then no successor knows about that stop.
    pub(crate) path: Option<PathBuf>,
    /// For [`systole_sys::process::Spawn::record`].
    pub(crate) file: File,
}

/// A run that an earlier executor recorded.
#[derive(Debug)]
pub(crate) struct Leftover {
    path: PathBuf,
    /// The run.
    pub(crate) run: Unfinished,
}

impl Records {
    /// Opens the directory, and creates it if necessary.
    pub(crate) fn open(directory: PathBuf, boot: String) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let spares = Spares::new(directory.clone());
        spares.refill();
        Ok(Self { directory, boot, next: AtomicU64::new(0), spares })
    }

    /// Begins a record. A stop gets one in any case, because what cannot be stopped keeps running, and no
    /// other node may have it. If there is no space, the record of a stop takes a file that was made in
    /// advance. If nothing can be written at all, it has no name, and a successor does not know that the
    /// stop goes on.
    ///
    /// # Errors
    ///
    /// Those of files. For a stop, only when no descriptor is left.
    pub(crate) fn begin(&self, run: &Unfinished) -> io::Result<Record> {
        let mut line = serde_json::to_vec(&(&self.boot, run))?;
        line.push(b'\n');
        let is_stop = run.action == Action::Stop;
        let record = match self.write(&line) {
            Err(_) if is_stop => self.write_to_spare(&line).or_else(|_| unnamed(&line))?,
            record => record?,
        };
        // The child also has the lock until it becomes the agent: see `Leftover::is_settled`.
        rustix::fs::flock(&record.file, FlockOperation::NonBlockingLockExclusive)?;
        if !is_stop {
            self.spares.refill();
        }
        Ok(record)
    }

    /// Checks whether there is space for what a start has to write.
    ///
    /// # Errors
    ///
    /// The reason why it could not be written.
    pub(crate) fn try_room(&self) -> io::Result<()> {
        let trial = self.write(&vec![0; ROOM]).map(drop);
        self.spares.refill();
        trial.map_err(|error| {
            io::Error::new(error.kind(), format!("a start could not be recorded: {error}"))
        })
    }

    /// Writes a file with a new name. A file that cannot be written completely is removed.
    fn write(&self, bytes: &[u8]) -> io::Result<Record> {
        let path = self.new_path();
        let file = match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                place::restore(&self.directory)?;
                File::create_new(&path)?
            }
            file => file?,
        };
        Record { path: Some(path), file }.with(bytes)
    }

    /// Writes to a file that was made in advance.
    fn write_to_spare(&self, bytes: &[u8]) -> io::Result<Record> {
        let path = self.new_path();
        let file = self.spares.take(&path)?;
        Record { path: Some(path), file }.with(bytes)
    }

    /// A name that no file has.
    fn new_path(&self) -> PathBuf {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(format!("{}-{number}", std::process::id()));
            if !path.exists() {
                return path;
            }
        }
    }

    /// The outputs that earlier executors left, to which processes may still write.
    pub(crate) fn outlets(&self) -> io::Result<Vec<Outlet>> {
        Outlet::left_in(&self.directory)
    }

    /// Returns the runs that an earlier executor of this boot left. Records that no longer mean anything
    /// are removed.
    ///
    /// # Errors
    ///
    /// When a record cannot be read, because its run may still be active.
    pub(crate) fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if Outlet::is_one(&path) {
                continue;
            }
            let text = read(&path)?;
            let line = text.lines().next().unwrap_or_default();
            match serde_json::from_str::<(String, Unfinished)>(line) {
                Ok((boot, run)) if boot == self.boot => found.push(Leftover { path, run }),
                // A record that cannot be understood was not written completely, so nothing was started.
                Ok(_) | Err(_) => fs::remove_file(&path)?,
            }
        }
        Ok(found)
    }
}

impl Leftover {
    /// The process of the run, as soon as that process has recorded itself.
    pub(crate) fn process(&self) -> io::Result<Option<ProcessId>> {
        process_of(&self.path)
    }

    /// Whether no process is still on the way from the fork to the agent: the agent runs, or never will. Ask
    /// this before [`process`](Self::process), which then says which of the two is the case.
    pub(crate) fn is_settled(&self) -> io::Result<bool> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            file => file?,
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the record.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// The process of a record, as soon as that process has recorded itself.
///
/// # Errors
///
/// When the record cannot be read. A record that is gone names no process.
pub(crate) fn process_of(record: &Path) -> io::Result<Option<ProcessId>> {
    match read(record) {
        Ok(text) => Ok(process_in(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn process_in(text: &str) -> Option<ProcessId> {
    let line = text.split_inclusive('\n').nth(1)?.strip_suffix('\n')?;
    let (pid, start) = line.split_once(' ')?;
    Some(ProcessId { pid: pid.parse().ok()?, start: start.parse().ok()? })
}

/// Writes a record without a name.
fn unnamed(bytes: &[u8]) -> io::Result<Record> {
    Record { path: None, file: spares::in_memory()? }.with(bytes)
}

impl Record {
    fn with(mut self, bytes: &[u8]) -> io::Result<Self> {
        self.file.write_all(bytes)?;
        Ok(self)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A record that stays names a process that is gone; the successor finds that out and removes
            // it.
            let _ = fs::remove_file(path);
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(RECORD_MAX).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use systole_core::GroupKey;
    use systole_sys::process::Spawn;

    fn run() -> Unfinished {
        Unfinished { group: GroupKey(1), action: Action::Start, resources: Vec::new() }
    }

    #[test]
    fn record_names_its_process_once_spawned_and_vanishes_when_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records::open(directory.path().into(), "boot".into()).unwrap();
        let record = records.begin(&run()).unwrap();
        let leftover = records.leftovers().unwrap().pop().unwrap();
        assert_eq!((&leftover.run, leftover.process().unwrap()), (&run(), None));

        let mut spawn = Spawn::new("/bin/true");
        spawn.record = Some(record.file.as_fd());
        let child = spawn.start().unwrap();
        assert_eq!(leftover.process().unwrap(), Some(child.id()));
        drop(record);
        assert!(records.leftovers().unwrap().is_empty());
    }

    #[test]
    fn record_room_trial_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("records");
        let records = Records::open(place.clone(), "boot".into()).unwrap();
        records.try_room().unwrap();
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
        fs::remove_dir(&place).unwrap();
        fs::write(&place, "").unwrap();
        let error = records.try_room().unwrap_err();
        assert!(error.to_string().starts_with("a start could not be recorded: "), "{error}");
    }

    #[test]
    fn record_directory_after_its_removal_is_made_again() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("records");
        let records = Records::open(place.clone(), "boot".into()).unwrap();
        for action in [Action::Start, Action::Stop] {
            fs::remove_dir_all(&place).unwrap();
            let _record = records.begin(&Unfinished { action, ..run() }).unwrap();
            let found: Vec<_> =
                records.leftovers().unwrap().into_iter().map(|it| it.run.action).collect();
            assert_eq!(found, [action]);
            assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o7777, 0o700);
        }
        fs::remove_dir_all(&place).unwrap();
        records.try_room().unwrap();
    }

    #[test]
    fn records_of_another_boot_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records::open(directory.path().into(), "boot".into()).unwrap();
        let record = records.begin(&run()).unwrap();
        let later = Records::open(directory.path().into(), "later".into()).unwrap();
        assert!(later.leftovers().unwrap().is_empty());
        assert!(!record.path.as_ref().unwrap().exists());
    }

    #[test]
    fn unreadable_record_is_an_error_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records::open(directory.path().into(), "boot".into()).unwrap();
        // A link that leads to itself stands in for a lack of descriptors, which cannot be produced for
        // this file alone.
        let path = directory.path().join("1-1");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(records.leftovers().is_err());
        assert!(fs::symlink_metadata(&path).is_ok());
        assert!(process_of(&path).is_err());
        assert_eq!(process_of(&directory.path().join("1-2")).unwrap(), None);
    }
}
