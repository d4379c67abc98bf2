//! Signals that arrive as data on a descriptor (signalfd(2)) instead of interrupting a thread.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// A signal that the daemon receives or sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`.
    Hangup,
    /// `SIGINT`.
    Interrupt,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
    /// `SIGCHLD`.
    Child,
    /// `SIGKILL`; can be sent, never received.
    Kill,
    /// `SIGSTOP`; can be sent, never received.
    Stop,
    /// `SIGCONT`.
    Continue,
}

/// The signals that [`Signals`] receives.
const TAKEN: [Signal; 6] = [
    Signal::Terminate,
    Signal::Hangup,
    Signal::Interrupt,
    Signal::User1,
    Signal::User2,
    Signal::Child,
];

impl Signal {
    /// Returns the number of the signal (signal(7)).
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Terminate => libc::SIGTERM,
            Self::Hangup => libc::SIGHUP,
            Self::Interrupt => libc::SIGINT,
            Self::User1 => libc::SIGUSR1,
            Self::User2 => libc::SIGUSR2,
            Self::Child => libc::SIGCHLD,
            Self::Kill => libc::SIGKILL,
            Self::Stop => libc::SIGSTOP,
            Self::Continue => libc::SIGCONT,
        }
    }

    pub(crate) fn raw(self) -> rustix::process::Signal {
        rustix::process::Signal::from_named_raw(self.number())
            .expect("every signal of ours has a name")
    }
}

/// A signal that arrived, and its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The signal.
    pub signal: Signal,
    /// The sender's process id; 0 when the kernel sent it.
    pub pid: u32,
    /// The sender's real user id.
    pub uid: u32,
}

/// The signals of the process, as a descriptor that is readable when a signal waits.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks TERM, HUP, INT, USR1, USR2 and CHLD in the calling thread, and receives them.
    ///
    /// Threads inherit the blocked signals: must be called before the first thread is started. Processes
    /// started by [`Spawn`](crate::process::Spawn) begin with nothing blocked.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub fn take() -> io::Result<Self> {
        let set = signal_set(&TAKEN);
        // SAFETY: `set` is initialised and outlives the call; no old set is requested.
        let code =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code));
        }
        // SAFETY: `set` is initialised and outlives the call; -1 requests a new descriptor.
        let fd =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made `fd` for this process; nothing else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Returns the next signal that waits, if any. Several signals of one kind may have been merged.
    ///
    /// # Errors
    ///
    /// Those of read(2), except `EAGAIN` and `EINTR`.
    pub fn next(&self) -> io::Result<Option<Received>> {
        const SIZE: usize = size_of::<libc::signalfd_siginfo>();
        let mut bytes = [0; SIZE];
        match rustix::io::read(&self.0, &mut bytes) {
            Ok(SIZE) => {}
            Ok(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // SAFETY: `signalfd_siginfo` is plain integers, valid for any bytes, and the array has exactly its
        // size; `read_unaligned` requires no alignment.
        let info = unsafe { bytes.as_ptr().cast::<libc::signalfd_siginfo>().read_unaligned() };
        let number = i32::try_from(info.ssi_signo).unwrap_or(0);
        let signal = TAKEN.into_iter().find(|signal| signal.number() == number);
        Ok(signal.map(|signal| Received { signal, pid: info.ssi_pid, uid: info.ssi_uid }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn signal_set(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `set` is memory for a whole `sigset_t`, which the call initialises.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: `set` was initialised above; the call fails only for numbers that are not signals.
        unsafe { libc::sigaddset(set.as_mut_ptr(), signal.number()) };
    }
    // SAFETY: `sigemptyset` initialised it.
    unsafe { set.assume_init() }
}

/// Gives every signal its default action and unblocks all of them.
///
/// For a child between fork and exec, so that an agent never depends on how the daemon was started: exec
/// keeps ignored signals and the mask. Uses only async-signal-safe calls and allocates no memory.
pub(crate) fn reset() {
    /// Standard signals are 1 to 31; real-time signals are not inherited from any parent.
    const LAST: i32 = 31;
    for number in 1..=LAST {
        // SAFETY: sets a constant disposition, no handler; KILL and STOP are refused without harm.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let set = signal_set(&[]);
    // SAFETY: `set` is initialised and outlives the call; no old set is requested.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// The signals of the whole test process must not be touched, so everything happens in one thread.
    #[test]
    fn signal_to_this_thread_arrives_as_data() {
        let signals = Signals::take().unwrap();
        assert_eq!(signals.next().unwrap(), None);
        // SAFETY: asks for the handle of the calling thread.
        let own = unsafe { libc::pthread_self() };
        // SAFETY: the thread of the handle is alive, and `take` blocked the signal there.
        let code = unsafe { libc::pthread_kill(own, libc::SIGUSR2) };
        assert_eq!(code, 0);
        let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&signals, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ready, 1);
        let received = signals.next().unwrap().unwrap();
        assert_eq!(received.signal, Signal::User2);
        assert_eq!(received.pid, std::process::id());
        assert_eq!(signals.next().unwrap(), None);
    }
}
