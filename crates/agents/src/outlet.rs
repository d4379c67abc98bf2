//! The outputs of agents: named pipes, which outlive the executor.
//!
//! A service keeps what its start was given as standard output. If that were a pipe that only the executor
//! reads, the next line that the service writes after the executor's end would kill it (`SIGPIPE`). So each
//! output is a FIFO beside the record of the run, and the agent has the FIFO open for reading, too. Then
//! the FIFO is never without a reader, and a successor, which finds it by its name, continues to read
//! before it is full.

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Maximum number of bytes that are read in one turn, so that a flood delays nothing else.
const READ_MAX: usize = 64 << 10;
/// The extensions of FIFOs: standard output and standard error.
const EXTENSIONS: [&str; 2] = ["out", "err"];

/// The executor's end of a FIFO.
#[derive(Debug)]
pub(crate) struct Outlet {
    fd: OwnedFd,
    /// Absent if the FIFO has no name: then it ends with this process.
    path: Option<PathBuf>,
}

impl Outlet {
    /// Creates two FIFOs beside a record, for standard output and standard error, and returns them with the
    /// ends for the agent.
    pub(crate) fn pair(record: &Path) -> io::Result<[(Self, OwnedFd); 2]> {
        let [out, err] = EXTENSIONS.map(|extension| record.with_extension(extension));
        let out = Self::make(&out)?;
        match Self::make(&err) {
            Ok(err) => Ok([out, err]),
            Err(error) => {
                out.0.remove();
                Err(error)
            }
        }
    }

    /// Creates two outputs without a name, for a stop that finds no space. A successor does not find them,
    /// but a stop leaves no process behind that would write.
    pub(crate) fn unnamed_pair() -> io::Result<[(Self, OwnedFd); 2]> {
        Ok([Self::unnamed()?, Self::unnamed()?])
    }

    fn unnamed() -> io::Result<(Self, OwnedFd)> {
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let (fd, _writer) = rustix::pipe::pipe_with(flags)?;
        // As with a FIFO, the writer has it open for reading, too.
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let theirs = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        Ok((Self { fd, path: None }, theirs))
    }

    fn make(path: &Path) -> io::Result<(Self, OwnedFd)> {
        let mode = Mode::RUSR | Mode::WUSR;
        rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0)?;
        let ends = Self::open(path.to_owned()).and_then(|ours| {
            let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok((ours, rustix::fs::open(path, flags, Mode::empty())?))
        });
        if ends.is_err() {
            let _ = fs::remove_file(path);
        }
        ends
    }

    fn open(path: PathBuf) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::Fifo {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { fd, path: Some(path) })
    }

    /// Whether a file beside the records is a FIFO of an executor, judged by its name.
    pub(crate) fn is_one(path: &Path) -> bool {
        path.extension().is_some_and(|found| EXTENSIONS.iter().any(|extension| found == *extension))
    }

    /// Returns the FIFOs that earlier executors left in a directory.
    pub(crate) fn left_in(directory: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if !Self::is_one(&path) {
                continue;
            }
            match Self::open(path.clone()) {
                Ok(outlet) => found.push(outlet),
                Err(error) if is_lasting(&error) => fs::remove_file(path)?,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Reads what is available, up to a limit. Returns whether a process still holds it open.
    pub(crate) fn drain(&self, mut take: impl FnMut(&[u8])) -> bool {
        let mut buffer = [0; 4096];
        for _ in 0..READ_MAX / buffer.len() {
            match rustix::io::read(&self.fd, &mut buffer) {
                Ok(0) => return false,
                Ok(length) => take(&buffer[..length]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        true
    }

    /// Removes the FIFO, because no process holds it open any longer.
    pub(crate) fn remove(&self) {
        if let Some(path) = &self.path {
            // A FIFO that stays is found by the next executor, and found to be closed.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether the file is not a FIFO or is gone. Any other error may be over soon.
fn is_lasting(error: &io::Error) -> bool {
    let of_the_file = [Errno::LOOP, Errno::NXIO, Errno::NODEV, Errno::NOENT];
    error.kind() == io::ErrorKind::InvalidInput
        || Errno::from_io_error(error).is_some_and(|errno| of_the_file.contains(&errno))
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
