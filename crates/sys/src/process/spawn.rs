//! Starting a process that inherits nothing that makes the daemon special.

use super::family::{self, Starting};
use super::introduction::{self, Introducer, Listener};
use super::{Child, ProcessId, Stat, kill_group};
use crate::identity::Identity;
use crate::{realtime, signals};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit};
use rustix::thread::{Gid, Uid};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const OUR_STAT: &std::ffi::CStr = c"/proc/self/stat";

/// The size of the buffer. The line of `/proc/self/stat` has less than 400 bytes: 52 numbers and a name of
/// 15.
const STAT_MAX: usize = 1024;

/// Every resource limit of Linux (getrlimit(2)).
const RESOURCES: [Resource; 16] = [
    Resource::Cpu,
    Resource::Fsize,
    Resource::Data,
    Resource::Stack,
    Resource::Core,
    Resource::Rss,
    Resource::Nproc,
    Resource::Nofile,
    Resource::Memlock,
    Resource::As,
    Resource::Locks,
    Resource::Sigpending,
    Resource::Msgqueue,
    Resource::Nice,
    Resource::Rtprio,
    Resource::Rttime,
];

/// The resource limits of this process at one moment, to be given to children later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits([Rlimit; RESOURCES.len()]);

impl Limits {
    /// Returns the current limits of this process. Must be called before it changes its own limits.
    #[must_use]
    pub fn remember() -> Self {
        Self(RESOURCES.map(rustix::process::getrlimit))
    }

    fn apply(&self) -> io::Result<()> {
        for (resource, limit) in RESOURCES.into_iter().zip(&self.0) {
            // Only limits that differ: without the rights of root a hard limit cannot even be set to itself
            // once it was lowered.
            if rustix::process::getrlimit(resource) != *limit {
                rustix::process::setrlimit(resource, *limit)?;
            }
        }
        Ok(())
    }
}

/// Where the output of a process goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Into one pipe for standard output and one for standard error.
    Piped,
    /// Nowhere.
    Discarded,
    /// Where the output of this process goes.
    Inherited,
}

/// A process to be started.
///
/// Whatever the scheduling and limits of the caller, the child has default scheduling and nice value, an oom
/// score of 0, no blocked and no ignored signals, no locked memory, no input, and a process group of its own.
///
/// Only for the executor: a fork copies the page tables of the caller, and a caller with much locked memory
/// stands still for milliseconds meanwhile.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The file to execute.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working directory; that of this process when absent.
    pub directory: Option<PathBuf>,
    /// The mode bits that files it creates do not get (umask(2)).
    pub mask: u32,
    /// The user that it runs as; that of this process when absent.
    pub identity: Option<&'a Identity>,
    /// Its resource limits; those of this process when absent.
    pub limits: Option<&'a Limits>,
    /// Its standard input; empty when absent.
    pub input: Option<BorrowedFd<'a>>,
    /// Where its output goes.
    pub output: Output,
    /// Descriptors for its standard output and standard error, instead of [`Self::output`].
    pub outputs: Option<[BorrowedFd<'a>; 2]>,
    /// A file to which the child writes `<pid> <start>` and a newline *before* it becomes the program (the
    /// fields of [`ProcessId`]); when that fails, the program is not started. In this way a run is on record
    /// even when the caller is killed in the middle of starting it.
    pub record: Option<BorrowedFd<'a>>,
}

impl Spawn<'_> {
    /// Makes a process without arguments and environment, with mask 022 and piped output.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            mask: 0o022,
            identity: None,
            limits: None,
            input: None,
            output: Output::Piped,
            outputs: None,
            record: None,
        }
    }

    /// Starts the process.
    ///
    /// # Errors
    ///
    /// Those of fork(2) and execve(2) (`NotFound`, `PermissionDenied`, `ENOEXEC`), and of preparing the
    /// child. No process is left running then: everything that can fail is done before the child becomes the
    /// program, and where that does not help, all processes that it began are killed before this returns.
    pub fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().process_group(0);
        let input = self.input.map(|input| input.try_clone_to_owned()).transpose()?;
        command.stdin(input.map_or_else(Stdio::null, Stdio::from));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        match self.outputs {
            Some([out, err]) => {
                command.stdout(out.try_clone_to_owned()?).stderr(err.try_clone_to_owned()?);
            }
            None => {
                command.stdout(self.stdio()).stderr(self.stdio());
            }
        }
        let record = self.record.map(|record| record.try_clone_to_owned()).transpose()?;
        let (listener, introducer) = introduction::pair()?;
        let prepare = Preparation {
            introducer,
            mask: Mode::from_raw_mode(self.mask),
            identity: self.identity.map(RawIdentity::of),
            limits: self.limits.cloned(),
            record,
        };
        // SAFETY: `Preparation::apply` runs between fork and exec, where only the forking thread
        // exists: it makes system calls only, and neither allocates nor takes a lock.
        unsafe { command.pre_exec(move || prepare.apply()) };
        // It lives until the child is on record.
        let _starting = Starting::begin();
        let mut child = command.spawn()?;
        let known = take_over(&mut child, listener);
        if let Ok(child) = &known {
            family::record(child.id);
        }
        if known.is_err() {
            end(child);
        }
        known
    }

    fn stdio(&self) -> Stdio {
        match self.output {
            Output::Piped => Stdio::piped(),
            Output::Discarded => Stdio::null(),
            Output::Inherited => Stdio::inherit(),
        }
    }
}

/// Takes over a child that runs.
fn take_over(child: &mut std::process::Child, listener: Listener) -> io::Result<Child> {
    let pid = i32::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData)?;
    let (start, fd) = listener.listen()?;
    let stdout = child.stdout.take().map(|pipe| nonblocking(pipe.into())).transpose()?;
    let stderr = child.stderr.take().map(|pipe| nonblocking(pipe.into())).transpose()?;
    Ok(Child { id: ProcessId { pid, start }, fd, stdout, stderr })
}

/// Ends a child that runs but could not be watched, with everything that it has started.
fn end(mut child: std::process::Child) {
    // Its number stays taken until the child is waited for. Neither call fails for a child of this process.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = kill_group(group, signals::Signal::Kill);
    }
    let _ = child.wait();
}

fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok(fd)
}

struct RawIdentity {
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

impl RawIdentity {
    fn of(identity: &Identity) -> Self {
        Self {
            user: Uid::from_raw(identity.user),
            group: Gid::from_raw(identity.group),
            groups: identity.groups.iter().copied().map(Gid::from_raw).collect(),
        }
    }

    /// Changes the groups first: they can no longer be changed without the user id of root.
    fn apply(&self) -> io::Result<()> {
        rustix::thread::set_thread_groups(&self.groups)?;
        rustix::thread::set_thread_res_gid(self.group, self.group, self.group)?;
        rustix::thread::set_thread_res_uid(self.user, self.user, self.user)?;
        Ok(())
    }
}

/// The changes that the child makes to itself between fork and exec.
struct Preparation {
    introducer: Introducer,
    mask: Mode,
    identity: Option<RawIdentity>,
    limits: Option<Limits>,
    record: Option<OwnedFd>,
}

impl Preparation {
    fn apply(&self) -> io::Result<()> {
        signals::reset();
        realtime::become_ordinary()?;
        // Refused only without the rights of root; in this case the daemon has not set them either.
        let _ = rustix::process::setpriority_process(None, 0);
        let _ = realtime::write_oom_score(0);
        // Before the limits, which may be below the number of descriptors that this process has.
        let id = own_id()?;
        self.introducer.introduce(id)?;
        if let Some(record) = &self.record {
            write_record(record, id)?;
        }
        if let Some(limits) = &self.limits {
            limits.apply()?;
        }
        rustix::process::umask(self.mask);
        // Last, because everything above may need the rights that it gives up.
        self.identity.as_ref().map_or(Ok(()), RawIdentity::apply)
    }
}

/// Returns the id and start time of the calling process.
fn own_id() -> io::Result<ProcessId> {
    let stat = rustix::fs::open(OUR_STAT, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut line = [0; STAT_MAX];
    let length = rustix::io::read(&stat, &mut line)?;
    // An error made from a number: an error with a text would allocate memory.
    let unreadable = || io::Error::from_raw_os_error(libc::EBADMSG);
    Ok(Stat::parse(&line[..length]).ok_or_else(unreadable)?.id)
}

fn write_record(record: impl AsFd, id: ProcessId) -> io::Result<()> {
    let mut entry = [0_u8; 40];
    let room = entry.len();
    let mut rest = &mut entry[..];
    writeln!(rest, "{} {}", id.pid, id.start)?;
    let written = room - rest.len();
    // A short write to a file happens only when the disk is full.
    match rustix::io::write(record, &entry[..written])? {
        length if length == written => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
    }
}
