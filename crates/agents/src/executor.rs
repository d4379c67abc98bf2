//! The executor: a small process that runs agents, owns addresses, and lets go of everything when its
//! permit expires.
//!
//! Its decisions are made by a [`Machine`]. This module is what surrounds the machine: one thread that
//! waits in one place, reads what has arrived, and does what the machine says. Work that may have to wait
//! for a disk, looking for an agent and starting its program, is done by helper threads.

mod claims;
mod daemon;
mod gate;
mod kernel;
mod leftovers;
mod mains;
mod places;
mod programs;
mod starter;
mod workers;

use crate::address::AddressAgent;
use crate::ledger::LedgerFile;
use crate::lookup::Directories;
use crate::protocol::{Level, Report};
use crate::records::Records;
use claims::Claims;
use daemon::Daemon;
use kernel::{Looks, Waiting};
use leftovers::Leftovers;
use mains::MainsFile;
use places::Places;
use programs::Programs;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(test)]
pub(crate) use starter::STACK;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;
use systole_core::Time;
use systole_executor::protocol::Service;
use systole_executor::{Finding, Input, Machine, Output, Start};
use systole_sys::address::Watch;
use systole_sys::clock;
use systole_sys::process::{self, Limits};
use systole_sys::realtime;

/// Maximum number of requests that are read in one turn, so that a flood does not delay the renewal of
/// addresses.
const REQUESTS_PER_TURN: usize = 64;
/// Maximum number of programs that run at the same time: one for each of many groups.
const PARALLEL: usize = 64;

/// The settings with which an executor starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The socket to which the daemon connects, e.g. `/run/heartbeat/executor.sock`.
    pub socket: PathBuf,
    /// The ledger of what is held, e.g. `/run/heartbeat/executor.json`.
    pub ledger: PathBuf,
    /// The directory of running agents, e.g. `/run/heartbeat/executor.runs`.
    pub records: PathBuf,
    /// The directories in which agents are looked for.
    pub directories: Directories,
    /// How long adopted resources are kept until the first permit arrives.
    pub grace: Duration,
    /// How long to wait for a daemon while nothing is held.
    pub idle: Duration,
    /// The resource limits of agents; the executor's own if absent.
    pub limits: Option<Limits>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            socket: "/run/heartbeat/executor.sock".into(),
            ledger: "/run/heartbeat/executor.json".into(),
            records: "/run/heartbeat/executor.runs".into(),
            directories: Directories::default(),
            grace: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            limits: None,
        }
    }
}

/// The reason why an executor cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The executor's socket cannot be bound, usually because another executor is running.
    #[error("cannot listen at {path}")]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
    /// Something else that the executor needs has failed.
    #[error("cannot {task}")]
    Task {
        /// What it was about to do.
        task: &'static str,
        /// The kernel's error.
        source: io::Error,
    },
}

/// Runs an executor until it is no longer needed: the daemon is gone and nothing is held, or the daemon
/// asked it to stop.
///
/// # Errors
///
/// When the executor cannot start, or can no longer wait for events. What is held is then still on record,
/// for the next executor to adopt.
pub fn run(options: Options) -> Result<(), ExecutorError> {
    let mut executor = Executor::open(options)?;
    loop {
        executor.turn();
        if executor.is_done {
            return Ok(());
        }
        executor.wait().map_err(|source| ExecutorError::Task { task: "wait", source })?;
    }
}

/// The machine, and its connections to the outside.
#[derive(Debug)]
struct Executor {
    machine: Machine,
    places: Places,
    daemon: Option<Daemon>,
    programs: Programs,
    leftovers: Leftovers,
    ledger: LedgerFile,
    mains: MainsFile,
    agent: AddressAgent,
    watch: Watch,
    /// The groups with addresses, whose interfaces are watched.
    services: Vec<Service>,
    looks: Looks,
    claims: Claims,
    /// Changes of addresses that are to be made together.
    changes: Vec<Waiting>,
    /// The real-time priority of this thread.
    realtime: Option<u8>,
    is_done: bool,
    now: Time,
}

impl Executor {
    fn open(options: Options) -> Result<Self, ExecutorError> {
        let task = |task| move |source| ExecutorError::Task { task, source };
        // An executor that cannot work must not listen even for a moment: a daemon would take it for one
        // that works.
        fs::create_dir_all(&options.records).map_err(task("open the directory of runs"))?;
        // Where this is refused, the end of a service is found by checks alone.
        let _ = process::become_subreaper();
        let now = Time::from_nanos(clock::boot_time());
        let places = Places::open(now, options.socket, options.ledger.clone())?;
        let boot = clock::boot_id().map_err(task("read the boot id"))?;
        let records = Records::open(options.records, boot.clone())
            .map_err(task("open the directory of runs"))?;
        let mut mains = MainsFile::new(options.ledger.with_extension("mains"), boot.clone());
        let ledger = LedgerFile::new(options.ledger, boot);
        let (held, doubtful) = ledger.read().map_err(task("read the ledger"))?;
        let leftovers = Leftovers::find(now, &records).map_err(task("read the records of runs"))?;
        let mut agent = AddressAgent::open().map_err(task("open the kernel's addresses"))?;
        let kept: Vec<_> = held.iter().flat_map(|held| held.resources.iter().cloned()).collect();
        let orphans = agent.remove_orphans(&kept).map_err(task("remove orphaned addresses"))?;
        let watch = Watch::open().map_err(task("watch the kernel's interfaces"))?;
        let programs = Programs::new(options.directories, options.limits, records, mains.read())
            .map_err(task("make a way for helpers to wake it"))?;
        let start = Start {
            ledger: held,
            doubtful,
            leftovers: leftovers.runs(),
            orphans,
            grace: options.grace,
            idle: options.idle,
            parallel: PARALLEL,
        };
        Ok(Self {
            machine: Machine::new(now, start),
            places,
            daemon: None,
            programs,
            leftovers,
            ledger,
            mains,
            agent,
            watch,
            services: Vec::new(),
            looks: Looks::default(),
            claims: Claims::default(),
            changes: Vec::new(),
            realtime: None,
            is_done: false,
            now,
        })
    }

    fn turn(&mut self) {
        let before = self.now;
        self.now = Time::from_nanos(clock::boot_time());
        self.claims.note_turn(before, self.now);
        self.read_requests();
        self.tend_places();
        self.accept();
        self.handle_kernel_news();
        self.handle_claims();
        self.handle_programs();
        for run in self.leftovers.tend(self.now) {
            self.tell(Input::Ended { run, outcome: crate::protocol::Outcome::Cancelled });
        }
        self.machine.elapse(self.now);
        self.carry_out_all();
        // Addresses whose permit has expired meanwhile are removed by now, and not announced again.
        self.agent.announce(self.now);
        self.mains.write(&self.programs.mains);
        self.send();
    }

    /// Carries out all outputs of the machine.
    fn carry_out_all(&mut self) {
        loop {
            let output = self.machine.poll();
            // Outputs that come after changes of addresses wait for them.
            if !matches!(output, Some(Output::Change { .. })) && !self.changes.is_empty() {
                self.change_all();
            } else if output.is_none() {
                return;
            }
            if let Some(output) = output {
                self.carry_out(output);
            }
        }
    }

    /// Passes an input to the machine.
    fn tell(&mut self, input: Input) {
        self.machine.handle(self.now, input);
    }

    /// Carries out one output of the machine.
    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Report(report) => self.report(&report),
            Output::Log { agent, instance, level, text } => {
                self.log_as(&agent, &instance, level, text);
            }
            Output::Begin { run, request, action } => {
                if let Err(why) = self.programs.begin(run, *request, action) {
                    self.tell(Input::NotBegun { run, why });
                }
            }
            Output::Signal { run, signal } => {
                if !self.leftovers.signal(run, signal)
                    && let Some(input) = self.programs.signal(run, signal)
                {
                    self.tell(input);
                }
            }
            Output::Change { run, action, resources, lifetime } => {
                self.changes.push(Waiting { run, action, resources, lifetime });
            }
            Output::Renew { resources, lifetime } => self.renew(resources, lifetime),
            Output::WatchInterfaces(services) => {
                self.services = services;
                self.look_at_interfaces();
            }
            Output::WatchClaims(addresses) => self.claims.watch(addresses),
            Output::Defend(address) => self.defend(address),
            Output::Look { look, resources } => {
                if let Err(text) = self.programs.look(look, resources) {
                    self.tell(Input::Looked { look, finding: Finding::Unknown(text) });
                }
            }
            Output::WriteLedger { number, groups, doubtful } => {
                let error =
                    self.ledger.write(groups, doubtful).err().map(|error| error.to_string());
                self.tell(Input::LedgerWritten { number, error });
            }
            Output::Exit => self.is_done = true,
        }
    }

    /// Gives this thread the daemon's protection against starvation and its memory the daemon's protection
    /// against paging: the renewal of addresses must not stop while the beats go on. Helpers and agents are
    /// left as they are.
    fn stand_above_the_load(&mut self, priority: Option<u8>) {
        if self.realtime == priority {
            return;
        }
        self.realtime = priority;
        let done = match priority {
            Some(priority) => {
                realtime::become_realtime(priority).and_then(|()| realtime::lock_memory())
            }
            None => realtime::become_ordinary().and_then(|()| realtime::unlock_memory()),
        };
        if let Err(error) = done {
            let text = format!("The executor may be starved or paged out: {error}");
            self.log_as("ResourceManager", "default", Level::Warning, text);
        }
    }

    /// Sleeps until something happens or is due.
    fn wait(&self) -> io::Result<()> {
        let now = Time::from_nanos(clock::boot_time());
        let due = [
            self.machine.deadline(),
            self.agent.deadline(),
            self.leftovers.deadline(),
            self.looks.deadline(),
            self.claims.deadline(now),
            self.places.deadline(now),
        ];
        let due = due.into_iter().flatten().min();
        let mut sleep = due.map(|due| due.since(now));
        if let Some(patience) = self.programs.patience() {
            sleep = Some(sleep.map_or(patience, |sleep| sleep.min(patience)));
        }
        let timeout = sleep.map(timespec);
        let listeners = self.places.listeners(now);
        let mut fds: Vec<_> = listeners.map(|it| PollFd::new(it, PollFlags::IN)).collect();
        let kernel = self.watch.as_fd();
        fds.push(PollFd::new(&kernel, PollFlags::IN));
        if let Some(daemon) = &self.daemon {
            fds.push(PollFd::new(daemon, daemon.interest()));
        }
        let watched = self.programs.descriptors().chain(self.leftovers.descriptors());
        let watched = watched.chain(self.claims.descriptors(now));
        let watched: Vec<BorrowedFd<'_>> = watched.collect();
        fds.extend(watched.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a report to the daemon, if one is connected.
    fn report(&mut self, report: &Report) {
        if let Some(daemon) = &mut self.daemon {
            daemon.push(report);
        }
    }

    /// Writes to the daemon's log in the name of an agent.
    fn log_as(&mut self, agent: &str, instance: &str, level: Level, text: String) {
        let tag = format!("{agent}({instance})[{}]", std::process::id());
        self.report(&Report::Log { level, tag, text });
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}
