//! Who is whose child: the processes that agents leave behind become children of this process.

use super::{Exit, ProcessId, Stat, retry};
use rustix::process::{Pid, WaitId, WaitIdOptions};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The relatives of a process (`proc_pid_stat(5)`, fields 4 to 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The process id of its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
}

/// The children that this process has started itself.
#[derive(Debug)]
struct Own {
    /// The number of calls that are about to start one, whose number nobody knows yet.
    starting: usize,
    /// With their start times, because the number of one that was reaped may belong to the next one.
    ids: BTreeSet<ProcessId>,
}

static OWN: Mutex<Own> = Mutex::new(Own { starting: 0, ids: BTreeSet::new() });

fn own() -> MutexGuard<'static, Own> {
    // Nothing that is done under the lock can panic.
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is about to start a child. While there is one, [`reap_strangers`] leaves alone what may be
/// that child.
#[derive(Debug)]
pub(super) struct Starting(());

impl Starting {
    pub(super) fn begin() -> Self {
        own().starting += 1;
        Self(())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        own().starting -= 1;
    }
}

/// Records a child while its [`Starting`] lives.
pub(super) fn record(id: ProcessId) {
    own().ids.insert(id);
}

/// Forgets a child that was reaped or is left to itself.
pub(super) fn forget(id: ProcessId) {
    own().ids.remove(&id);
}

/// Whether a child that has ended is, or may be, one that this process has started itself.
fn may_be_own(pid: i32) -> bool {
    let own = own();
    // A child that is being started is in the session of its parent.
    own.ids.iter().any(|id| id.pid == pid)
        || own.starting > 0 && session(&pid.to_string()) == session("self")
}

/// The session of a process in `/proc`, zombies included. It is zero when its leader is in a PID namespace outside,
/// which is why this does not ask getsid(2): [`Pid`] cannot be zero.
fn session(process: &str) -> Option<i32> {
    let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    Stat::parse(&stat).map(|stat| stat.family.session)
}

/// Makes this process the parent of every descendant whose own parent dies (`PR_SET_CHILD_SUBREAPER`,
/// prctl(2)), so that no process that an agent leaves behind gets out of sight.
///
/// # Errors
///
/// Those of prctl(2).
pub fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Returns the children of this process that it has not started itself.
///
/// # Errors
///
/// When the kernel does not list them (`proc_tid_children(5)`).
pub fn children() -> io::Result<Vec<ProcessId>> {
    /// The caller must not be delayed, even if a service has thousands of processes of its own.
    const CHILDREN_MAX: usize = 1024;
    let mut children = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        // A thread that has ended meanwhile has no children any more.
        let Ok(line) = std::fs::read_to_string(thread?.path().join("children")) else { continue };
        children.extend(line.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    let strangers = children.into_iter().take(CHILDREN_MAX).filter(|pid| !may_be_own(*pid));
    Ok(strangers.filter_map(ProcessId::of).collect())
}

/// Reaps one process that became a child of this process by [`become_subreaper`], and returns how it ended; `None`
/// if it runs, or is not a child of this process.
#[must_use]
pub fn reap_stranger(id: ProcessId) -> Option<Exit> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let is_stranger = ProcessId::of(id.pid) == Some(id) && !may_be_own(id.pid);
    let pid = Pid::from_raw(id.pid).filter(|_| is_stranger)?;
    let status = retry(|| rustix::process::waitid(WaitId::Pid(pid), options)).ok()?;
    status.as_ref().map(Exit::of)
}

/// Reaps ended processes that became children of this process by [`become_subreaper`], and counts them.
///
/// Stops at a child that this process has started itself; must be called again after that child was reaped.
///
/// # Errors
///
/// Those of waitid(2).
pub fn reap_strangers() -> io::Result<usize> {
    /// The caller must not be delayed, even while something forks endlessly.
    const AT_ONCE: usize = 64;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    for reaped in 0..AT_ONCE {
        let peek = options | WaitIdOptions::NOWAIT;
        match next_zombie(peek)? {
            Some(pid) if !may_be_own(pid.as_raw_nonzero().get()) => {
                retry(|| rustix::process::waitid(WaitId::Pid(pid), options))?;
            }
            Some(_) | None => return Ok(reaped),
        }
    }
    Ok(AT_ONCE)
}

fn next_zombie(options: WaitIdOptions) -> io::Result<Option<Pid>> {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = options.bits().cast_signed();
    // SAFETY: `info` is memory for a whole `siginfo_t` that outlives the call.
    let code = unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), flags) };
    if code != 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ECHILD | libc::EINTR) => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: it was zeroed, which is a valid value of its plain integers, and the call filled it.
    let info = unsafe { info.assume_init_ref() };
    // SAFETY: waitid sets the pid, or leaves it zero when no child has ended.
    let pid = unsafe { info.si_pid() };
    Ok(Pid::from_raw(pid))
}
