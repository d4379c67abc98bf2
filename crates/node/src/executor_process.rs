//! The executor's process: found running, or started, and started again.

#[cfg(test)]
mod tests;

use crate::beat::executor::Executor;
use crate::options::Role;
use crate::program;
use crate::runtime;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_agents::lookup::Directories;
use systole_agents::protocol::{Configuration, Held, Request};
use systole_agents::{executor, ledger};
use systole_ipc::paths::Paths;
use systole_sys::clock;
use systole_sys::process::{Limits, ProcessId, kill, raise_descriptor_limit};
use systole_sys::seqpacket::Connection;
use systole_sys::signals::Signal;

/// Time within which a new executor must listen. It needs some milliseconds.
const LISTEN_LIMIT: Duration = Duration::from_secs(5);
/// Time between two attempts to connect meanwhile.
const CONNECT_GAP: Duration = Duration::from_millis(2);
/// How long the daemon's start tries to read the ledger.
const LIST_LIMIT: Duration = Duration::from_millis(100);
/// Time within which an executor without running agents must exit.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);
/// How long the daemon's start waits for the executor's greeting. The greeting comes at once unless the
/// executor stands still, which must not prevent the beats.
const GREETING_LIMIT: Duration = Duration::from_millis(200);
/// Time within which a killed executor must be gone. Only a process that waits in the kernel needs longer.
const DEATH_LIMIT: Duration = Duration::from_millis(100);
/// Time between two attempts to get a working executor. It doubles up to the maximum.
const RETRY_GAP: Duration = Duration::from_millis(100);
const RETRY_GAP_MAX: Duration = Duration::from_secs(1);
/// An executor that ran for this long counts as having worked.
const WELL_AFTER: Duration = Duration::from_secs(10);

/// Maximum length in bytes of what a process says about its end.
const WORDS_MAX: usize = 1 << 10;
/// The prefix of what it says.
const SAID_BY: &str = "heartbeat executor: ";

/// Starts and finds executors.
#[derive(Debug)]
pub(crate) struct ExecutorProcess {
    paths: Paths,
    configuration: Configuration,
    /// The program that is executed.
    program: PathBuf,
    /// The time by which a started process must listen; absent if none was started.
    awaited: Option<Instant>,
    /// The process of the executor that was connected last; absent if it had already ended.
    process: Option<ProcessId>,
    /// Until when the end of that process is awaited, if it has begun to end.
    dies_until: Option<Instant>,
    /// A child that may have ended and must be reaped.
    child: Option<std::process::Child>,
    /// What the child has written to its standard error.
    errors: Option<File>,
    /// When to try again; absent while there is an executor.
    retry_at: Option<Instant>,
    /// When the present executor, or the last one, became available.
    since: Option<Instant>,
    /// How often in a row no executor could be started, or one did not work for long.
    failures: u32,
    /// The loss of the executor was reported, and not yet the return of one.
    is_loss_told: bool,
}

impl ExecutorProcess {
    pub(crate) fn new(paths: Paths, configuration: Configuration) -> Self {
        Self {
            paths,
            configuration,
            program: "/proc/self/exe".into(),
            awaited: None,
            process: None,
            dies_until: None,
            child: None,
            errors: None,
            retry_at: None,
            since: None,
            failures: 0,
            is_loss_told: false,
        }
    }

    /// Sets the configuration that is sent to executors from the next connection on.
    pub(crate) fn configure(&mut self, configuration: Configuration) {
        self.configuration = configuration;
    }

    /// Connects to the running executor, or starts one, and waits a moment for its greeting. An executor
    /// that executes another file than the daemon is replaced, because it is older, or was tried and found
    /// unsuitable. No wait is longer than `patience`: a successor that is executed in place of a beating
    /// daemon must beat in time, and the executor's reports can come later.
    ///
    /// # Errors
    ///
    /// When the executor cannot be started, or does not listen.
    pub(crate) fn obtain(&mut self, patience: Duration) -> io::Result<Executor> {
        let (executor, speaks_as_we_do) = self.obtain_any(patience)?;
        let is_ours = speaks_as_we_do
            && executor.process().is_none_or(|it| program::is_of(it.pid).unwrap_or(true));
        // An executor that does not answer cannot leave, and one that waits for agents stays until the next
        // restart.
        let greeting = executor.greeting.as_ref();
        let is_busy =
            speaks_as_we_do && greeting.is_none_or(|greeting| !greeting.unfinished.is_empty());
        if is_ours || is_busy {
            return Ok(executor);
        }
        // An executor that is already gone needs no request.
        let _ = executor.send(&Request::Shutdown { keep: true });
        let limit = Instant::now() + patience.min(LEAVE_LIMIT);
        while executor.process().is_some_and(ProcessId::is_running) && Instant::now() < limit {
            sleep(CONNECT_GAP);
        }
        if executor.process().is_some_and(ProcessId::is_running) {
            // It exits when it can, and is replaced then.
            return Ok(executor);
        }
        drop(executor);
        Ok(self.obtain_any(patience)?.0)
    }

    /// Connects to the running executor, or starts one, and waits a moment for its greeting. An executor
    /// that is about to end closes the connection, or does not let another one listen yet; this must not
    /// end the daemon. Also returns whether the executor has the daemon's protocol version.
    fn obtain_any(&mut self, patience: Duration) -> io::Result<(Executor, bool)> {
        let limit = Instant::now() + patience.min(LEAVE_LIMIT);
        loop {
            let connected = self.connect_or_start().and_then(|mut executor| {
                match Self::await_greeting(&mut executor, patience.min(GREETING_LIMIT)) {
                    Ok(()) => Ok((executor, true)),
                    // Its protocol version differs from the daemon's.
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                        Ok((executor, false))
                    }
                    Err(error) => Err(error),
                }
            });
            if connected.is_ok() || Instant::now() >= limit {
                return connected;
            }
            sleep(CONNECT_GAP);
        }
    }

    /// Returns what the ledger of this boot lists as held, which is all that is known before an executor
    /// has answered.
    ///
    /// # Errors
    ///
    /// When it cannot be read, not even a moment later.
    pub(crate) fn listed(&self) -> io::Result<Vec<Held>> {
        let limit = Instant::now() + LIST_LIMIT;
        loop {
            let boot = clock::boot_id();
            let listed = boot.and_then(|boot| ledger::read(&self.paths.executor_ledger(), &boot));
            if listed.is_ok() || Instant::now() >= limit {
                return listed;
            }
            sleep(CONNECT_GAP);
        }
    }

    /// Kills an executor that stands still, and waits a moment for its end.
    ///
    /// # Errors
    ///
    /// Those of kill(2).
    pub(crate) fn end_hung(process: ProcessId) -> io::Result<()> {
        if process.is_running() {
            kill(process.pid, Signal::Kill)?;
        }
        let limit = Instant::now() + DEATH_LIMIT;
        while process.is_running() && Instant::now() < limit {
            sleep(CONNECT_GAP);
        }
        Ok(())
    }

    /// Waits a moment for the greeting.
    fn await_greeting(executor: &mut Executor, patience: Duration) -> io::Result<()> {
        let limit = Instant::now() + patience;
        while !executor.await_greeting()? {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let nanoseconds = left.subsec_nanos().into();
            let timeout = Timespec { tv_sec: 0, tv_nsec: nanoseconds };
            let fd = executor.as_fd();
            match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Records that the executor is gone: [`Self::tend`] gets another one.
    pub(crate) fn lost(&mut self) {
        let now = Instant::now();
        let was_well = self.since.is_none_or(|since| now.duration_since(since) >= WELL_AFTER);
        self.failures = if was_well { 0 } else { self.failures.saturating_add(1) };
        self.retry_at = Some(now + retry_gap(self.failures));
        self.dies_until = Some(now + LEAVE_LIMIT);
    }

    /// Returns how often in a row no executor could be started, or one did not work for long.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether this failure is to be logged: the first one, and then ever fewer.
    pub(crate) const fn is_worth_telling(&self) -> bool {
        self.failures <= 1 || self.failures.is_power_of_two()
    }

    /// Records that the loss of the executor was reported: the return of one will be, however many attempts it
    /// takes.
    pub(crate) const fn record_told(&mut self) {
        self.is_loss_told = true;
    }

    /// Returns whether the return of an executor is to be reported, once.
    pub(crate) const fn take_told(&mut self) -> bool {
        std::mem::replace(&mut self.is_loss_told, false)
    }

    /// How long [`Self::tend`] has nothing to do.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Gets another executor when one is needed, without waiting: a later call connects to an executor that
    /// was started. Its greeting is left to the beat thread.
    ///
    /// # Errors
    ///
    /// When no executor can be had; it is tried again later.
    pub(crate) fn tend(&mut self) -> io::Result<Option<Executor>> {
        if self.retry_at.is_none_or(|at| at > Instant::now()) {
            return Ok(None);
        }
        if self.is_dying() {
            self.retry_at = Some(Instant::now() + CONNECT_GAP);
            return Ok(None);
        }
        match self.connect_or_begin() {
            Ok(Some(executor)) => {
                (self.retry_at, self.since) = (None, Some(Instant::now()));
                Ok(Some(executor))
            }
            Ok(None) => {
                self.retry_at = Some(Instant::now() + CONNECT_GAP);
                Ok(None)
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.retry_at = Some(Instant::now() + retry_gap(self.failures));
                Err(error)
            }
        }
    }

    /// Whether the executor that was lost is about to end. A process that dies closes the connection of the daemon
    /// up to some hundred milliseconds before the socket at which it listens: meanwhile it could be connected
    /// again, and lost again.
    fn is_dying(&self) -> bool {
        let is_awaited = self.dies_until.is_some_and(|until| Instant::now() < until);
        is_awaited && self.process.is_some_and(ProcessId::is_exiting)
    }

    fn connect_or_start(&mut self) -> io::Result<Executor> {
        loop {
            if let Some(executor) = self.connect_or_begin()? {
                return Ok(executor);
            }
            sleep(CONNECT_GAP);
        }
    }

    /// Connects if an executor listens, or else starts one, which will listen in a moment.
    fn connect_or_begin(&mut self) -> io::Result<Option<Executor>> {
        let socket = self.paths.executor_socket();
        // An executor whose socket's file was removed also listens on a socket that needs no file.
        let connected = Connection::connect(&socket)
            .or_else(|error| Connection::connect_abstract(&socket).map_err(|_| error));
        let until = match (&connected, self.awaited.take()) {
            (Ok(_), _) => None,
            (Err(_), None) => {
                self.start()?;
                Some(Instant::now() + LISTEN_LIMIT)
            }
            (Err(_), Some(_)) if self.has_ended() => {
                return Err(io::Error::other(self.last_words()));
            }
            (Err(_), Some(until)) => Some(until).filter(|until| Instant::now() < *until),
        };
        self.awaited = until;
        match (connected, until) {
            (Ok(connection), _) => {
                let executor = Executor::new(connection, self.configuration.clone())?;
                self.process = executor.process();
                Ok(Some(executor))
            }
            (Err(_), Some(_)) => Ok(None),
            (Err(error), None) => Err(error),
        }
    }

    /// Whether the process that was started last has ended.
    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// Why the process that was started last has ended, as far as it has said so.
    fn last_words(&self) -> String {
        let mut said = [0; WORDS_MAX];
        let read = self.errors.as_ref().and_then(|file| file.read_at(&mut said, 0).ok());
        let said = String::from_utf8_lossy(&said[..read.unwrap_or(0)]);
        let line =
            said.lines().next().map(|line| line.trim_start_matches(SAID_BY)).unwrap_or_default();
        if line.is_empty() {
            "it ended as soon as it was started".to_owned()
        } else {
            format!("it ended as soon as it was started: {line}")
        }
    }

    /// Starts the process. It has its own process group, so that signals from a terminal do not reach it,
    /// and it outlives the daemon.
    fn start(&mut self) -> io::Result<()> {
        if let Some(child) = &mut self.child {
            // It has ended; otherwise two executors are alive, which an administrator has to look into.
            let _ = child.try_wait();
        }
        let mut command = Command::new(&self.program);
        command.arg0("heartbeat: executor").args(["--role", Role::Executor.word()]);
        command.args(self.paths.arguments()).current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // In memory, because a pipe would have to be read, and the executor outlives the daemon. If there
        // is no room for it, the messages are lost.
        self.errors = memfd_create("executor-errors", MemfdFlags::CLOEXEC).ok().map(File::from);
        let errors = self.errors.as_ref().and_then(|file| file.try_clone().ok());
        command.stderr(errors.map_or_else(Stdio::null, Stdio::from));
        // The directories may have been removed since the daemon started.
        runtime::restore(&self.paths)?;
        self.child = Some(command.spawn()?);
        Ok(())
    }
}

/// The wait before the next attempt after this many failures.
fn retry_gap(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => (RETRY_GAP * 2_u32.pow(doublings.min(10))).min(RETRY_GAP_MAX),
    }
}

/// Runs an executor: the whole work of the helper process.
///
/// # Errors
///
/// When it cannot start, or can no longer wait for events.
pub(crate) fn run(paths: &Paths) -> Result<(), executor::ExecutorError> {
    // The limits are recorded first, because agents get the original ones.
    let limits = Limits::remember();
    // Many groups at once need more descriptors than a process has by default. Without them some groups
    // wait for others.
    let _ = raise_descriptor_limit();
    executor::run(executor::Options {
        socket: paths.executor_socket(),
        ledger: paths.executor_ledger(),
        records: paths.executor_records(),
        directories: Directories {
            configuration: paths.configuration.clone(),
            ..Directories::default()
        },
        limits: Some(limits),
        ..executor::Options::default()
    })
}
