//! The executor: a small process that runs agents, owns addresses, and lets go of everything when
//! its permit runs out.

mod adoption;
mod carrier;
mod check;
mod daemon;
mod jobs;
mod letting_go;

use crate::address::AddressAgent;
use crate::ledger::Ledger;
use crate::lookup::Directories;
use crate::permit::Lease;
use crate::process::Lingering;
use crate::protocol::{Configuration, Ended, LetGoReason, Level, Report, Request};
use crate::queue::Queues;
use crate::records::Records;
use adoption::Adoption;
use carrier::Carrier;
use daemon::Daemon;
use jobs::{Active, Job};
use letting_go::LettingGo;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::Duration;
use systole_core::{Resource, Time};
use systole_sys::clock;
use systole_sys::process::Limits;
use systole_sys::seqpacket::Listener;

/// How often the lifetimes of addresses are renewed: three times in one of them.
const RENEWAL: Duration = Duration::from_secs(1);
/// Most requests that are read in one turn, so that a flood does not keep addresses from renewal.
const REQUESTS_PER_TURN: usize = 64;

/// What an executor needs to know when it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the daemon connects, e.g. `/run/heartbeat/executor.sock`.
    pub socket: PathBuf,
    /// What is held, e.g. `/run/heartbeat/executor.json`.
    pub ledger: PathBuf,
    /// The directory of running agents, e.g. `/run/heartbeat/executor.runs`.
    pub records: PathBuf,
    /// Where agents are looked for.
    pub directories: Directories,
    /// How long what was adopted is kept until the first permit comes.
    pub grace: Duration,
    /// How long to wait for a daemon while nothing is held.
    pub idle: Duration,
    /// The resource limits of agents; the executor's own when absent.
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

/// Why an executor cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// Its socket cannot be bound; mostly because another executor lives.
    #[error("cannot listen at {path}")]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// Something else that it cannot do without.
    #[error("cannot {task}")]
    Task {
        /// What it was about to do.
        task: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Is an executor until it is not needed any more: the daemon is gone and nothing is held, or the
/// daemon asked it to stop.
///
/// # Errors
///
/// When it cannot begin, or cannot wait any more. What is held is then still on record, for the
/// next executor to adopt.
pub fn run(options: Options) -> Result<(), ExecutorError> {
    let mut executor = Executor::open(options)?;
    loop {
        executor.turn();
        if executor.is_done() {
            return Ok(());
        }
        executor.wait().map_err(|source| ExecutorError::Task { task: "wait", source })?;
    }
}

/// Everything that an executor knows.
///
/// One thread, one wait. In every turn: read what came, let time pass, begin what can begin, send.
#[derive(Debug)]
struct Executor {
    options: Options,
    listener: Listener,
    daemon: Option<Daemon>,
    configuration: Configuration,
    lease: Lease,
    queues: Queues<Job>,
    active: Vec<Active>,
    lingering: Lingering,
    ledger: Ledger,
    records: Records,
    agent: AddressAgent,
    carrier: Carrier,
    /// Held addresses that are gone, and were reported so.
    lost: Vec<Resource>,
    next_renewal: Time,
    adoption: Adoption,
    /// Runs that were cut short, for the next daemon.
    ended: Vec<Ended>,
    /// Addresses of ours that nobody held when we began; they were removed.
    orphans: Vec<IpAddr>,
    letting_go: Option<LettingGo>,
    /// Everything was let go, or could not be: not to be tried again without a new permit.
    has_let_go: bool,
    /// The daemon wants us to exit once everything is let go.
    is_leaving: bool,
    /// The daemon wants us to exit as soon as no agent runs: another executor adopts what we hold.
    has_successor: bool,
    /// Since when no daemon is connected.
    alone_since: Time,
    now: Time,
}

impl Executor {
    fn open(options: Options) -> Result<Self, ExecutorError> {
        let task = |task| move |source| ExecutorError::Task { task, source };
        let path = options.socket.clone();
        let listener = Listener::bind(&options.socket)
            .map_err(|source| ExecutorError::Listen { path, source })?;
        let boot = clock::boot_id().map_err(task("read the boot id"))?;
        let records = Records::open(options.records.clone(), boot.clone())
            .map_err(task("open the directory of runs"))?;
        let ledger = Ledger::open(options.ledger.clone(), boot);
        let now = Time::from_nanos(clock::boot_time());
        let adoption = Adoption::begin(now, &records).map_err(task("read the records of runs"))?;
        let mut agent = AddressAgent::open().map_err(task("open the kernel's addresses"))?;
        let held: Vec<_> = ledger.addresses().map(|(_, resource)| resource.clone()).collect();
        let orphans = agent.remove_orphans(&held).map_err(task("remove orphaned addresses"))?;
        let carrier = Carrier::open().map_err(task("watch the kernel's interfaces"))?;
        Ok(Self {
            lease: Lease::new(now, options.grace),
            listener,
            daemon: None,
            configuration: Configuration::default(),
            queues: Queues::new(),
            active: Vec::new(),
            lingering: Lingering::default(),
            ledger,
            records,
            agent,
            carrier,
            lost: Vec::new(),
            next_renewal: now,
            adoption,
            ended: Vec::new(),
            orphans,
            letting_go: None,
            has_let_go: false,
            is_leaving: false,
            has_successor: false,
            alone_since: now,
            now,
            options,
        })
    }

    fn turn(&mut self) {
        self.now = Time::from_nanos(clock::boot_time());
        self.read_requests();
        self.accept();
        self.heed_kernel();
        self.check_processes();
        self.lingering.drain();
        self.elapse();
        self.begin_jobs();
        self.finish_letting_go();
        self.greet();
        self.send();
    }

    /// Sleeps until something happens or is due.
    fn wait(&self) -> io::Result<()> {
        let now = Time::from_nanos(clock::boot_time());
        let timeout = self.deadline().map(|deadline| timespec(deadline.since(now)));
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        let kernel = self.carrier.descriptor();
        fds.push(PollFd::new(&kernel, PollFlags::IN));
        if let Some(daemon) = &self.daemon {
            fds.push(PollFd::new(daemon, daemon.interest()));
        }
        let agents = self.active.iter().flat_map(|active| active.process.descriptors());
        let others = self.lingering.descriptors().chain(self.adoption.descriptors());
        let watched: Vec<BorrowedFd<'_>> = agents.chain(others).collect();
        fds.extend(watched.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// When [`Executor::elapse`] has something to do.
    fn deadline(&self) -> Option<Time> {
        let holds = !self.ledger.is_empty() && self.letting_go.is_none() && !self.has_let_go;
        let permit = holds.then(|| self.lease.deadline());
        let renewal = self.renews().then_some(self.next_renewal);
        let idle = self.daemon.is_none().then(|| self.alone_since + self.options.idle);
        let processes = self.active.iter().filter_map(|active| active.process.deadline());
        let others = [permit, renewal, idle, self.agent.deadline(), self.adoption.deadline()];
        others.into_iter().flatten().chain(processes).filter(|time| *time > self.now).min()
    }

    /// Lets time pass.
    fn elapse(&mut self) {
        let now = self.now;
        for active in &mut self.active {
            active.process.elapse(now);
        }
        self.agent.announce(now);
        let ended = self.adoption.elapse(now);
        self.ended.extend(ended);
        self.check_permit();
        if self.renews() && now >= self.next_renewal {
            self.next_renewal = now + RENEWAL;
            self.renew();
        }
    }

    /// Whether there are addresses whose lifetime is to be renewed.
    fn renews(&self) -> bool {
        self.lease.is_valid(self.now)
            && self.letting_go.is_none()
            && self.ledger.addresses().any(|(_, address)| !self.lost.contains(address))
    }

    /// Renews the addresses that are here. One that is gone is reported and not put back: that it
    /// could expire means that we paused, and another node may have it by now.
    fn renew(&mut self) {
        let held = self.ledger.addresses().filter(|(_, address)| !self.lost.contains(address));
        let held = held.map(|(group, address)| (group, address.clone())).collect();
        let lost = match self.agent.renew(held) {
            Ok(lost) => lost,
            Err(error) => {
                return self.log(Level::Error, format!("Cannot renew addresses: {error}"));
            }
        };
        for (group, address) in lost {
            self.lost.push(address.clone());
            self.report(&Report::AddressLost { group, resources: vec![address] });
        }
    }

    fn is_done(&self) -> bool {
        let is_quiet =
            self.queues.is_idle() && self.adoption.is_over() && self.letting_go.is_none();
        let holds_nothing = self.ledger.is_empty() || self.has_let_go;
        let is_alone = self.daemon.is_none() && self.now >= self.alone_since + self.options.idle;
        is_quiet && (self.has_successor || holds_nothing && (is_alone || self.is_leaving))
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Configure(configuration) => {
                self.configuration = configuration;
                self.watch_carrier();
            }
            Request::Permit(permit) => {
                self.lease.renew(self.now, permit);
                if self.lease.is_valid(self.now) {
                    self.has_let_go = false;
                }
            }
            Request::Run(run) => self.enqueue(run),
            Request::Check { job, group_name, resources } => {
                let outcome = self.check(&group_name, &resources);
                self.report(&Report::Done { job, outcome });
            }
            Request::Cancel { job } => self.cancel(|run| run.job == job),
            Request::Release => self.let_go(LetGoReason::Ordered),
            Request::Shutdown { keep: true } => self.has_successor = true,
            Request::Shutdown { keep: false } => {
                self.is_leaving = true;
                self.let_go(LetGoReason::Ordered);
            }
        }
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}

impl AsFd for Daemon {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}
