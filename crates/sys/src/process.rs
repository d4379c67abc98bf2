//! Processes: starting agents, waiting for them, and ending them with everything that they started.

#[cfg(test)]
pub(crate) mod denial;
mod family;
mod introduction;
mod spawn;
#[cfg(test)]
mod tests;

pub use family::{Family, become_subreaper, children, reap_stranger, reap_strangers};
pub use spawn::{Limits, Output, Spawn};

use crate::signals::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was ended by the signal with this number (signal(7)).
    Signal(i32),
}

impl Exit {
    fn of(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

/// Number and start time of a process, which identify it even when another process gets its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// Process id.
    pub pid: i32,
    /// When it started, in clock ticks after the boot (`proc_pid_stat(5)`, field 22).
    pub start: u64,
}

impl ProcessId {
    /// Returns the process that has this number now; a zombie counts.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Stat::parse(&stat).map(|stat| stat.id)
    }

    /// Returns whether this very process still runs, if only in one of its threads. A zombie does not.
    #[must_use]
    pub fn is_running(self) -> bool {
        let stat = std::fs::read(format!("/proc/{}/stat", self.pid)).ok();
        let stat = stat.as_deref().and_then(Stat::parse);
        stat.is_some_and(|stat| stat.id == self && !stat.is_dead)
    }

    /// Returns whether this very process has begun to end and has not ended: it was killed or has exited, and the
    /// kernel gives back what it has, such as its sockets.
    #[must_use]
    pub fn is_exiting(self) -> bool {
        let stat = std::fs::read(format!("/proc/{}/stat", self.pid)).ok();
        let stat = stat.as_deref().and_then(Stat::parse);
        stat.is_some_and(|stat| stat.id == self && stat.is_exiting && !stat.is_dead)
    }

    /// Returns this very process's parent, process group and session, or `None` when it has ended.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        let stat = std::fs::read(format!("/proc/{}/stat", self.pid)).ok()?;
        let stat = Stat::parse(&stat)?;
        (stat.id == self && !stat.is_dead).then_some(stat.family)
    }

    /// Opens a descriptor that becomes readable when this very process ends (`pidfd_open(2)`); returns `None`
    /// when it has already ended.
    ///
    /// # Errors
    ///
    /// When no descriptor is left. This says nothing about the process.
    pub fn open(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        let fd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Read after opening: from now on the number cannot be given to another process unnoticed.
        let stat = match std::fs::read(format!("/proc/{}/stat", self.pid)) {
            Ok(line) => Stat::parse(&line),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::SRCH) => None,
                Some(_) | None => return Err(error),
            },
        };
        Ok(stat.is_some_and(|stat| stat.id == self && !stat.is_dead).then_some(fd))
    }
}

/// Returns whether the process of a descriptor from [`ProcessId::open`] has ended.
#[must_use]
pub fn has_ended(process: BorrowedFd<'_>) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(&process, PollFlags::IN)];
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

/// The flag of a process that has begun to end (`include/linux/sched.h`).
const PF_EXITING: u64 = 4;

/// The content of `/proc/<pid>/stat`.
struct Stat {
    id: ProcessId,
    family: Family,
    is_exiting: bool,
    is_dead: bool,
}

impl Stat {
    /// Reads the line without allocating memory, because a forked child also calls it.
    fn parse(line: &[u8]) -> Option<Self> {
        /// The positions of fields after the name: the parent, the process group, the session, the flags of the
        /// kernel, the number of threads, and the start time.
        const PARENT: usize = 1;
        const GROUP: usize = 2;
        const SESSION: usize = 3;
        const FLAGS: usize = 6;
        const THREADS: usize = 17;
        const START: usize = 19;
        let pid = line.split(|&byte| byte == b' ').next()?;
        let pid = str::from_utf8(pid).ok()?.parse().ok()?;
        // The name is in parentheses and may contain anything, including spaces and `)`.
        let name_end = line.iter().rposition(|&byte| byte == b')')?;
        let rest = str::from_utf8(line.get(name_end + 2..)?).ok()?;
        let field = |place| rest.split(' ').nth(place);
        // The first thread of a process may have ended before the others, which still use its descriptors.
        let threads: u64 = field(THREADS)?.parse().ok()?;
        let is_dead = rest.starts_with(['Z', 'X']) && threads <= 1;
        let flags: u64 = field(FLAGS)?.parse().ok()?;
        let is_exiting = flags & PF_EXITING != 0;
        let start = field(START)?.parse().ok()?;
        let number = |place| field(place)?.parse().ok();
        let family =
            Family { parent: number(PARENT)?, group: number(GROUP)?, session: number(SESSION)? };
        Some(Self { id: ProcessId { pid, start }, family, is_exiting, is_dead })
    }
}

/// A process that [`Spawn`] started: the leader of its own process group.
///
/// [`exit`](Self::exit) reports its end, but its number stays taken until this is dropped (or
/// [`reap`](Self::reap)ed): until then [`kill_group`](Self::kill_group) cannot hit any other group. Dropping
/// this while the process runs lets it run; the process then becomes a stranger for [`reap_strangers`].
#[derive(Debug)]
pub struct Child {
    id: ProcessId,
    fd: OwnedFd,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl Child {
    /// Returns which process it is.
    #[must_use]
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Takes out the read end of its standard output, if piped; it does not block.
    pub fn take_stdout(&mut self) -> Option<OwnedFd> {
        self.stdout.take()
    }

    /// Takes out the read end of its standard error, if piped; it does not block.
    pub fn take_stderr(&mut self) -> Option<OwnedFd> {
        self.stderr.take()
    }

    /// Returns how it ended, or `None` while it runs.
    ///
    /// # Errors
    ///
    /// Those of waitid(2); `ECHILD` when it was already reaped elsewhere.
    pub fn exit(&self) -> io::Result<Option<Exit>> {
        self.wait(WaitIdOptions::NOWAIT)
    }

    /// Frees its number, if it has ended.
    ///
    /// # Errors
    ///
    /// As [`exit`](Self::exit).
    pub fn reap(self) -> io::Result<Option<Exit>> {
        self.wait(WaitIdOptions::empty())
    }

    fn wait(&self, options: WaitIdOptions) -> io::Result<Option<Exit>> {
        let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = retry(|| rustix::process::waitid(WaitId::PidFd(self.fd.as_fd()), options))?;
        Ok(status.as_ref().map(Exit::of))
    }

    /// Sends a signal to the process and to everything that it started and that stayed in its group.
    ///
    /// # Errors
    ///
    /// `EPERM`. A group without members is not an error.
    pub fn kill_group(&self, signal: Signal) -> io::Result<()> {
        kill_group(self.id.pid, signal)
    }
}

/// The descriptor is readable once the process has ended.
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Frees the number of an ended process; an error cannot be reported from here.
        let _ = self.wait(WaitIdOptions::empty());
        family::forget(self.id);
    }
}

/// Sends a signal to a process group. A group without members is not an error.
///
/// # Errors
///
/// `EPERM`; `InvalidInput` for a number that does not name a single group (0, 1 and below).
pub fn kill_group(group: i32, signal: Signal) -> io::Result<()> {
    let group = own_group(group)?;
    match rustix::process::kill_process_group(group, signal.raw()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether a process group has a member, zombies included.
#[must_use]
pub fn group_exists(group: i32) -> bool {
    let Ok(group) = own_group(group) else { return false };
    !matches!(rustix::process::test_kill_process_group(group), Err(Errno::SRCH))
}

/// Refuses numbers with a special meaning: kill(2) takes 0 for the caller's own group, and group 1 (as `-1`)
/// for every process there is.
fn own_group(group: i32) -> io::Result<Pid> {
    let group = (group > 1).then(|| Pid::from_raw(group)).flatten();
    group.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Sends a signal to one process. A process that is gone is not an error.
///
/// # Errors
///
/// `EPERM`; `InvalidInput` for a number that does not name a single process (0 and below).
pub fn kill(pid: i32, signal: Signal) -> io::Result<()> {
    let pid = (pid > 0).then(|| Pid::from_raw(pid)).flatten();
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    match rustix::process::kill_process(pid, signal.raw()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sends a signal to the process of a descriptor from [`ProcessId::open`], and to no other one. A process that
/// is gone is not an error.
///
/// # Errors
///
/// `EPERM`.
pub fn signal(process: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    match rustix::process::pidfd_send_signal(process, signal.raw()) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Returns whether a process with this number exists (kill(2), signal 0), even if this process may not signal
/// it.
#[must_use]
pub fn exists(pid: i32) -> bool {
    let Some(pid) = (pid > 0).then(|| Pid::from_raw(pid)).flatten() else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(Errno::SRCH))
}

/// Raises the number of descriptors that this process may have to its hard limit (getrlimit(2)), and returns
/// that limit.
///
/// # Errors
///
/// Those of setrlimit(2).
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised)?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
