//! A file for every run of an agent, written before the agent begins, so that an executor that is
//! killed leaves no run that its successor does not know.

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

/// Longest record that is read, in bytes.
const RECORD_MAX: u64 = 1 << 20;
/// Room that a start may need, in bytes: a ledger of all groups, which is written beside the one
/// before, and a few records.
const ROOM: usize = 64 << 10;

/// The directory of records. Each has two lines: what is run, in JSON, by the executor; and the
/// process that runs it, by this process itself before it becomes the agent.
#[derive(Debug)]
pub(crate) struct Records {
    directory: PathBuf,
    boot: String,
    next: AtomicU64,
    spares: Spares,
}

/// The record of a run that goes on. It is removed when this is dropped, for which the run must
/// have ended.
#[derive(Debug)]
pub(crate) struct Record {
    /// Absent where no record could be had for a stop: then no successor knows of it.
    pub(crate) path: Option<PathBuf>,
    /// For [`systole_sys::process::Spawn::record`].
    pub(crate) file: File,
}

/// A run that is on record.
#[derive(Debug)]
pub(crate) struct Leftover {
    path: PathBuf,
    /// What it does.
    pub(crate) run: Unfinished,
}

impl Records {
    /// Opens the directory, and makes it if need be.
    pub(crate) fn open(directory: PathBuf, boot: String) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let spares = Spares::new(directory.clone());
        spares.refill();
        Ok(Self { directory, boot, next: AtomicU64::new(0), spares })
    }

    /// Begins a record. One of a stop is had in any case: what cannot be stopped runs on, and nobody
    /// else may have it. Where there is no room it takes one that was made ahead; where nothing can be
    /// written at all it has no name, and a successor of ours does not know that the stop goes on.
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
        // The child has it, too, until it becomes the agent: see `Leftover::is_settled`.
        rustix::fs::flock(&record.file, FlockOperation::NonBlockingLockExclusive)?;
        if !is_stop {
            self.spares.refill();
        }
        Ok(record)
    }

    /// Whether there is room for what a start has to write down.
    ///
    /// # Errors
    ///
    /// Why it could not be written.
    pub(crate) fn try_room(&self) -> io::Result<()> {
        let trial = self.write(&vec![0; ROOM]).map(drop);
        self.spares.refill();
        trial.map_err(|error| {
            io::Error::new(error.kind(), format!("a start could not be recorded: {error}"))
        })
    }

    /// Writes a file with a new name. One that cannot be written whole is removed.
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

    /// Writes one that was made ahead.
    fn write_to_spare(&self, bytes: &[u8]) -> io::Result<Record> {
        let path = self.new_path();
        let file = self.spares.take(&path)?;
        Record { path: Some(path), file }.with(bytes)
    }

    /// A name that nothing has.
    fn new_path(&self) -> PathBuf {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(format!("{}-{number}", std::process::id()));
            if !path.exists() {
                return path;
            }
        }
    }

    /// The outputs that earlier executors left: somebody may still write to them.
    pub(crate) fn outlets(&self) -> io::Result<Vec<Outlet>> {
        Outlet::left_in(&self.directory)
    }

    /// The runs that an earlier executor of this boot left. Records that mean nothing any more are
    /// removed.
    ///
    /// # Errors
    ///
    /// When one cannot be read: what it names may run.
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
                // What cannot be understood was not written to its end, and nothing was started.
                Ok(_) | Err(_) => fs::remove_file(&path)?,
            }
        }
        Ok(found)
    }
}

impl Leftover {
    /// The process that runs it, as soon as it has said so.
    pub(crate) fn process(&self) -> io::Result<Option<ProcessId>> {
        process_of(&self.path)
    }

    /// Whether nobody is on the way any more from the fork to the agent: it runs, or will not. One that
    /// is asked before [`process`](Self::process) is then told which.
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

    /// Forgets it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// The process of a record, as soon as it has said so.
///
/// # Errors
///
/// When the record cannot be read. One that is gone names nobody.
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

/// Writes what has no name.
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
            // A record that stays names a process that is gone: the successor sees that and removes it.
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
    fn a_record_names_the_process_before_it_is_the_agent() {
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
    fn a_trial_of_the_room_leaves_nothing() {
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
    fn a_directory_that_somebody_removed_is_made_again() {
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
    fn a_record_that_cannot_be_read_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let records = Records::open(directory.path().into(), "boot".into()).unwrap();
        // It leads to itself, for want of a way to run out of descriptors here alone.
        let path = directory.path().join("1-1");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(records.leftovers().is_err());
        assert!(fs::symlink_metadata(&path).is_ok());
        assert!(process_of(&path).is_err());
        assert_eq!(process_of(&directory.path().join("1-2")).unwrap(), None);
    }
}
