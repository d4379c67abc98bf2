//! The executor's process: found alive, or started, and started again.

use crate::beat::executor::Executor;
use crate::options::Role;
use crate::paths::Paths;
use crate::program;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_agents::executor;
use systole_agents::lookup::Directories;
use systole_agents::protocol::{Configuration, Request};
use systole_sys::process::{Limits, ProcessId};
use systole_sys::seqpacket::Connection;

/// Time that a fresh executor has to listen; it needs some milliseconds.
const LISTEN_LIMIT: Duration = Duration::from_secs(5);
/// Time between two attempts to connect meanwhile.
const CONNECT_GAP: Duration = Duration::from_millis(2);
/// Time that an executor which has no agent running has to exit.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);
/// How long the start waits for the executor's greeting. It comes at once unless agents of an
/// earlier daemon are still running; those must not keep us from beating.
const GREETING_LIMIT: Duration = Duration::from_secs(1);
/// Time between two attempts to get an executor when it does not work.
const RETRY_GAP: Duration = Duration::from_millis(200);

/// What starts and finds executors.
#[derive(Debug)]
pub(crate) struct ExecutorProcess {
    paths: Paths,
    configuration: Configuration,
    /// A child that may have ended and must be reaped.
    child: Option<std::process::Child>,
    /// When to try again; absent while there is an executor.
    retry_at: Option<Instant>,
}

impl ExecutorProcess {
    pub(crate) const fn new(paths: Paths, configuration: Configuration) -> Self {
        Self { paths, configuration, child: None, retry_at: None }
    }

    /// What executors are told that are connected to from now on.
    pub(crate) fn configure(&mut self, configuration: Configuration) {
        self.configuration = configuration;
    }

    /// Connects to the executor that is there, or starts one, and waits a moment for its greeting.
    /// One that executes another file than we do is replaced: it is older, or was tried and found
    /// wanting.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or does not listen.
    pub(crate) fn obtain(&mut self) -> io::Result<Executor> {
        let executor = self.connect_and_wait()?;
        // One that has not greeted has agents to wait for, and stays until the next restart.
        let process = executor.process()?;
        if executor.greeting.is_none() || program::is_of(process).unwrap_or(true) {
            return Ok(executor);
        }
        executor.send(&Request::Shutdown { keep: true })?;
        let limit = Instant::now() + LEAVE_LIMIT;
        let process = ProcessId::of(process);
        while process.is_some_and(ProcessId::is_running) && Instant::now() < limit {
            sleep(CONNECT_GAP);
        }
        drop(executor);
        self.connect_and_wait()
    }

    fn connect_and_wait(&mut self) -> io::Result<Executor> {
        let mut executor = self.connect_or_start()?;
        let limit = Instant::now() + GREETING_LIMIT;
        while !executor.await_greeting()? {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
            let fd = executor.as_fd();
            match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(executor)
    }

    /// Notes that the executor is gone: [`Self::tend`] gets another one.
    pub(crate) fn lost(&mut self) {
        self.retry_at = Some(Instant::now());
    }

    /// How long [`Self::tend`] has nothing to do.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Gets another executor, when one is needed. Its greeting is left to the beat thread.
    ///
    /// # Errors
    ///
    /// When it cannot be had; it is tried again later.
    pub(crate) fn tend(&mut self) -> io::Result<Option<Executor>> {
        if self.retry_at.is_none_or(|at| at > Instant::now()) {
            return Ok(None);
        }
        self.retry_at = Some(Instant::now() + RETRY_GAP);
        let executor = self.connect_or_start()?;
        self.retry_at = None;
        Ok(Some(executor))
    }

    fn connect_or_start(&mut self) -> io::Result<Executor> {
        let socket = self.paths.executor_socket();
        let connection = if let Ok(connection) = Connection::connect(&socket) {
            connection
        } else {
            self.start()?;
            let limit = Instant::now() + LISTEN_LIMIT;
            loop {
                match Connection::connect(&socket) {
                    Ok(connection) => break connection,
                    Err(error) if Instant::now() > limit => return Err(error),
                    Err(_) => sleep(CONNECT_GAP),
                }
            }
        };
        Executor::new(connection, self.configuration.clone())
    }

    /// Starts the process. It has its own group, so that what is typed at a terminal does not
    /// reach it, and outlives us.
    fn start(&mut self) -> io::Result<()> {
        if let Some(child) = &mut self.child {
            // It has ended, or somebody will have to look why two of them are alive.
            let _ = child.try_wait();
        }
        let mut command = Command::new("/proc/self/exe");
        command.arg0("heartbeat: executor").args(["--role", Role::Executor.word()]);
        command.args(self.paths.arguments()).current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn()?);
        Ok(())
    }
}

/// Is an executor: the whole work of the helper process.
///
/// # Errors
///
/// When it cannot begin, or cannot wait any more.
pub(crate) fn run(paths: &Paths) -> Result<(), executor::ExecutorError> {
    executor::run(executor::Options {
        socket: paths.executor_socket(),
        ledger: paths.executor_ledger(),
        records: paths.executor_records(),
        directories: Directories {
            configuration: paths.configuration.clone(),
            ..Directories::default()
        },
        limits: Some(Limits::remember()),
        ..executor::Options::default()
    })
}
