//! Going to the background, the pid file by which others find a daemon, and the lock that ensures that only
//! one daemon runs.

use crate::process;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, FdFlags};
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const NULL: &str = "/dev/null";

/// The most bytes of a pid file. The pid file of heartbeat has 10 columns and a newline; a longer file is not
/// a pid file.
const PID_FILE_MAX: usize = 64;

/// Continues in a child, in a session of its own, with standard input and output at `/dev/null`.
///
/// The parent exits with 0 as soon as the child exists: later failures are only in the log, as with
/// heartbeat. Must be called before the first thread is started.
///
/// # Errors
///
/// `Unsupported` in a process with several threads, because the child would lack all but one; otherwise those
/// of fork(2), still in the foreground, or of setsid(2) and open(2) in the child.
pub fn daemonize() -> io::Result<()> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: there is one thread, so that the child has all of them, and every lock is in the
    // state that this thread left it in.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        // SAFETY: ends the process at once; buffers that the child will flush must not be flushed twice.
        _ => unsafe { libc::_exit(0) },
    }
    rustix::process::setsid()?;
    discard_stdio()
}

/// Redirects standard input, output and error to `/dev/null`.
///
/// # Errors
///
/// Those of open(2).
pub fn discard_stdio() -> io::Result<()> {
    let null = rustix::fs::open(NULL, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// A lock on a file, held until it is dropped or the last process that has it ends. The lock is kept by the
/// child of [`daemonize`], and can be kept by a program that this process executes in its own place, but not
/// by programs that it starts.
#[derive(Debug)]
pub struct ProcessLock(OwnedFd);

impl ProcessLock {
    /// Takes the lock, and makes the file if there is none; returns `None` when another process has the lock.
    ///
    /// # Errors
    ///
    /// Those of open(2) and flock(2). A symbolic link is not followed.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let access = OFlags::RDWR | OFlags::CREATE;
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
            // Locking an existing file does not require the permission to write it.
            Err(Errno::ROFS) => {
                let flags = flags.difference(OFlags::RDWR | OFlags::CREATE) | OFlags::RDONLY;
                rustix::fs::open(path, flags, Mode::empty())?
            }
            other => other?,
        };
        Self::lock(file)
    }

    /// Takes over the lock on this file that the previous program [handed over](Self::hand_over) under this
    /// number. Must be called before the process opens any file that started programs inherit.
    #[must_use]
    pub fn inherited(path: &Path, number: i32) -> Option<Self> {
        if number <= 2 {
            return None;
        }
        // SAFETY: the number is only used for calls that inspect it and that fail if nothing is open; it is
        // not kept beyond this function.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        // Files that this process opens itself have the flag.
        if rustix::io::fcntl_getfd(file).ok()?.contains(FdFlags::CLOEXEC) {
            return None;
        }
        let (ours, named) = (rustix::fs::fstat(file).ok()?, rustix::fs::lstat(path).ok()?);
        if (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino) {
            return None;
        }
        // SAFETY: it is open, and was inherited through execve(2), as the missing flag shows: nothing else in
        // this process owns it.
        let file = unsafe { OwnedFd::from_raw_fd(number) };
        rustix::io::fcntl_setfd(&file, FdFlags::CLOEXEC).ok()?;
        Self::lock(file).ok().flatten()
    }

    /// Lets the next program that this process executes keep the lock, under the returned number.
    ///
    /// # Errors
    ///
    /// Those of fcntl(2).
    pub fn hand_over(&self) -> io::Result<i32> {
        rustix::io::fcntl_setfd(&self.0, FdFlags::empty())?;
        Ok(self.0.as_raw_fd())
    }

    fn lock(file: OwnedFd) -> io::Result<Option<Self>> {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a pid file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// The process with this id runs; the file cannot show whether it is the daemon.
    Yes(i32),
    /// The file names a process that is gone.
    Stale(i32),
    /// There is no file, or nothing readable in it.
    No,
}

/// Writes a pid file in the form of heartbeat: 10 columns, right-aligned, and a newline.
///
/// The file appears as a whole: a reader sees the old content or the new one. Where there is no room for
/// another file, as on a full disk, the number is written over the old one, which needs no additional room.
///
/// # Errors
///
/// Those of writing and renaming a file; in this case the old file stays.
pub fn write_pid_file(path: &Path, pid: u32) -> io::Result<()> {
    let content = format!("{pid:>10}\n");
    replace(path, content.as_bytes())
        .or_else(|error| overwrite(path, content.as_bytes()).map_err(|_| error))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("pid.new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // A new file, whatever was left under this name: no link is followed.
    let written = fs::File::create_new(&fresh)?.write_all(content);
    let replaced = written.and_then(|()| fs::rename(&fresh, path));
    if replaced.is_err() {
        // Otherwise an empty file would be left. The cause of a failed removal has already been reported.
        let _ = fs::remove_file(&fresh);
    }
    replaced
}

/// Overwrites a file of the same length in one call. No link is followed, and the call waits for nothing.
fn overwrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let data = file.metadata()?;
    if !data.is_file() || usize::try_from(data.len()) != Ok(content.len()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    match file.write_at(content, 0)? {
        written if written == content.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Finds out from the pid file, and with signal 0, whether a daemon runs.
///
/// # Errors
///
/// Those of reading the file, except its absence.
pub fn running(path: &Path) -> io::Result<Running> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Running::No),
        Err(error) => return Err(error),
    };
    let text = text.get(..PID_FILE_MAX).unwrap_or(&text);
    let pid = str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
    Ok(match pid {
        Some(pid) if pid <= 0 => Running::No,
        Some(pid) if process::exists(pid) => Running::Yes(pid),
        Some(pid) => Running::Stale(pid),
        None => Running::No,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("systole-{name}-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn pid_file_has_the_format_of_heartbeat_and_tells_running_from_stale() {
        let path = scratch("pid-file");
        assert_eq!(running(&path).unwrap(), Running::No);
        write_pid_file(&path, 4711).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"      4711\n");
        write_pid_file(&path, std::process::id()).unwrap();
        assert_eq!(running(&path).unwrap(), Running::Yes(std::process::id().cast_signed()));
        // Higher than any process id of Linux.
        write_pid_file(&path, 4_194_305).unwrap();
        assert_eq!(running(&path).unwrap(), Running::Stale(4_194_305));
        for content in ["", "abc\n", "-1\n", "0\n", "99999999999999999999\n"] {
            fs::write(&path, content).unwrap();
            assert_eq!(running(&path).unwrap(), Running::No, "{content:?}");
        }
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn pid_file_without_room_for_a_new_file_is_overwritten_in_place() {
        let path = scratch("pid-file-full");
        // Nothing can be created under this name.
        let obstacle = path.with_extension("pid.new");
        fs::create_dir(&obstacle).unwrap();
        write_pid_file(&path, 4711).unwrap_err();
        assert!(!path.exists());
        fs::write(&path, "      4710\n").unwrap();
        write_pid_file(&path, 4711).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"      4711\n");
        fs::write(&path, "7\n").unwrap();
        write_pid_file(&path, 4711).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"7\n", "of another length it stays");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        write_pid_file(&path, 4711).unwrap_err();
        fs::remove_file(&path).unwrap();
        fs::remove_dir(&obstacle).unwrap();
    }

    #[test]
    fn process_lock_has_a_single_owner_and_is_inherited_only_after_hand_over() {
        let path = scratch("lock");
        let lock = ProcessLock::take(&path).unwrap().unwrap();
        assert!(ProcessLock::take(&path).unwrap().is_none());
        let number = lock.0.as_raw_fd();
        assert!(ProcessLock::inherited(&path, number).is_none(), "it is ours already");
        assert!(ProcessLock::inherited(&path, 1).is_none());
        assert!(ProcessLock::inherited(&path, 1_000_000).is_none(), "nothing is open there");
        assert_eq!(lock.hand_over().unwrap(), number);
        let other = scratch("lock-other");
        fs::write(&other, "").unwrap();
        assert!(ProcessLock::inherited(&other, number).is_none(), "another file");
        // The previous program is gone, and nothing closes its descriptors.
        std::mem::forget(lock);
        let lock = ProcessLock::inherited(&path, number).unwrap();
        assert!(ProcessLock::take(&path).unwrap().is_none());
        drop(lock);
        assert!(ProcessLock::take(&path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
        fs::remove_file(&other).unwrap();
    }

    #[test]
    fn process_with_threads_is_not_forked() {
        let thread = std::thread::spawn(|| daemonize().unwrap_err().kind());
        assert_eq!(thread.join().unwrap(), io::ErrorKind::Unsupported);
    }
}
