//! Staying responsive under load: real-time scheduling, locked memory, protection from the OOM killer.
//!
//! Nothing here is needed to work, only to work in time: callers turn errors into warnings.

use rustix::fs::{Mode, OFlags};
use rustix::mm::MlockAllFlags;
use std::io::{self, Write};

/// The oom score of a process that the kernel never kills (`proc_pid_oom_score_adj(5)`).
pub const OOM_NEVER: i16 = -1000;

/// The priority that heartbeat uses by default: higher only than ordinary processes.
pub const DEFAULT_PRIORITY: u8 = 1;

/// The bytes of stack that are touched in advance; the deepest call of the beat thread needs less.
const STACK_AHEAD: usize = 64 << 10;

/// The smallest page of any machine that Linux runs on, in bytes.
const PAGE: usize = 4096;

/// Moves the calling thread to round-robin real-time scheduling (sched(7)).
///
/// Threads and processes that it starts have ordinary scheduling again, so that a runaway agent cannot starve
/// the machine.
///
/// # Errors
///
/// `EPERM` without `CAP_SYS_NICE` or a large enough `RLIMIT_RTPRIO`; `EINVAL` for a priority that
/// is not in 1 to 99.
pub fn become_realtime(priority: u8) -> io::Result<()> {
    set_scheduler(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, priority)
}

/// Moves the calling thread back to default scheduling.
///
/// # Errors
///
/// Never in practice: giving up priority needs no right.
pub fn become_ordinary() -> io::Result<()> {
    set_scheduler(libc::SCHED_OTHER, 0)
}

/// Uses the system call directly: musl's function of this name refuses, and a forked child may do nothing
/// else.
fn set_scheduler(policy: i32, priority: u8) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: `param` is a whole `sched_param` that outlives the call, which only reads it; a pid
    // of 0 means the calling thread.
    let code = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const param) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Locks all memory of the process, present and future, and touches stack before it is used.
///
/// Must be called when the threads exist: the stack of each thread is locked at full size.
///
/// # Errors
///
/// `ENOMEM` or `EPERM` beyond `RLIMIT_MEMLOCK` without `CAP_IPC_LOCK`. Nothing is locked then.
pub fn lock_memory() -> io::Result<()> {
    rustix::mm::mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)?;
    touch_stack();
    Ok(())
}

/// Unlocks all memory of the process.
///
/// # Errors
///
/// Those of munlockall(2).
pub fn unlock_memory() -> io::Result<()> {
    Ok(rustix::mm::munlockall()?)
}

/// Touches the stack, because the kernel allocates it only when it is first used, even if memory is locked.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "taking much stack is what it is for")]
fn touch_stack() {
    let mut stack = [0_u8; STACK_AHEAD];
    for page in stack.chunks_mut(PAGE) {
        page[0] = 1;
    }
    std::hint::black_box(&stack);
}

/// Sets how readily the kernel kills this process when memory runs out: -1000 (never) to 1000.
///
/// # Errors
///
/// `EACCES` when lowered without `CAP_SYS_RESOURCE`; `EINVAL` outside the range.
pub fn write_oom_score(score: i16) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(c"/proc/self/oom_score_adj", flags, Mode::empty())?;
    // On the stack: a forked child, which may not allocate memory, also calls this.
    let mut text = [0_u8; 8];
    let room = text.len();
    let mut rest = &mut text[..];
    write!(rest, "{score}")?;
    let length = room - rest.len();
    rustix::io::write(&file, &text[..length])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_of_this_thread() -> i32 {
        // SAFETY: reads the policy of the calling thread.
        unsafe { libc::sched_getscheduler(0) }
    }

    #[test]
    fn thread_becomes_realtime_and_ordinary_again() {
        // In a separate thread: the scheduling of the test's threads stays as it is.
        let policies = std::thread::spawn(|| {
            become_realtime(DEFAULT_PRIORITY).unwrap();
            let realtime = policy_of_this_thread();
            let child = std::thread::spawn(policy_of_this_thread).join().unwrap();
            become_ordinary().unwrap();
            [realtime, child, policy_of_this_thread()]
        });
        let [realtime, child, ordinary] = policies.join().unwrap();
        assert_eq!(realtime, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK);
        assert_eq!([child, ordinary], [libc::SCHED_OTHER; 2]);
    }

    #[test]
    fn realtime_priority_or_oom_score_out_of_range_is_an_error() {
        assert_eq!(become_realtime(100).unwrap_err().raw_os_error(), Some(libc::EINVAL));
        assert_eq!(write_oom_score(2000).unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn memory_is_locked_and_unlocked() {
        let locked = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        lock_memory().unwrap();
        let during = locked();
        unlock_memory().unwrap();
        assert!(during > 0);
        assert_eq!(locked(), 0);
    }
}
