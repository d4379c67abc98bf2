//! The machine: one executor, without the process around it.

mod active;
mod addresses;
mod alarms;
mod books;
mod carrier;
mod conflicts;
mod daemon;
mod ends;
mod jobs;
mod letting_go;
mod look;
#[cfg(test)]
mod tests;

use crate::permit::Lease;
use crate::protocol::{
    Configuration, Held, LIFETIME_MAX, LIFETIME_MIN, LetGoReason, Level, Permit, Report, Request,
    Unfinished,
};
use crate::queue::Queues;
use crate::{Input, Output, RunId};
use addresses::Addresses;
use alarms::Alarms;
use books::Books;
use carrier::Carrier;
use conflicts::Conflicts;
use daemon::Daemon;
use jobs::{Abandoned, Active, Job};
use letting_go::LettingGo;
use look::Looks;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupKey, Resource, Time};

/// What an executor knows when it starts.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The resources of an earlier executor of this boot.
    pub ledger: Vec<Held>,
    /// The resources among them of which it is unknown whether they run, because the earlier executor ended
    /// before it knew.
    pub doubtful: Vec<(GroupKey, Resource)>,
    /// The runs that it left. They have the run numbers from 0 on, in this order; each is answered by one
    /// [`Input::Ended`].
    pub leftovers: Vec<Unfinished>,
    /// Addresses of this node that no executor held; they were removed.
    pub orphans: Vec<IpAddr>,
    /// How long adopted resources are kept until the first permit arrives.
    pub grace: Duration,
    /// How long to wait for a daemon while nothing is held.
    pub idle: Duration,
    /// Maximum number of programs that begin at the same time. A program that hangs stops counting after a
    /// while.
    pub parallel: usize,
}

/// The executor of one node, without clock, socket, file, process or thread.
///
/// Drive it in this order, at every wake-up:
/// 1. [`handle`](Self::handle) every input, then [`elapse`](Self::elapse);
/// 2. [`poll`](Self::poll) until `None`, and carry out each output;
/// 3. sleep until [`deadline`](Self::deadline).
///
/// `now` is on the clock of the permits, and never runs backwards. Extra calls are harmless.
#[derive(Debug)]
pub struct Machine {
    now: Time,
    outbox: VecDeque<Output>,
    idle: Duration,
    parallel: usize,
    daemon: Option<Daemon>,
    /// Since when no daemon has been connected.
    alone_since: Time,
    configuration: Configuration,
    lease: Lease,
    queues: Queues<Job>,
    active: Vec<Active>,
    abandoned: Vec<Abandoned>,
    next_run: u64,
    books: Books,
    addresses: Addresses,
    conflicts: Conflicts,
    alarms: Alarms,
    carrier: Carrier,
    looks: Looks,
    /// Addresses that were removed at the start, for the first daemon's log.
    orphans: Vec<IpAddr>,
    letting_go: LettingGo,
    farewell: Shutdown,
}

/// Whether the daemon wants the executor to exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shutdown {
    /// The daemon does not want it to exit.
    None,
    /// Once everything is let go.
    Release,
    /// As soon as no agent runs: another executor adopts what is held.
    Successor,
    /// The exit was ordered.
    Over,
}

impl Machine {
    /// Creates an executor that starts now.
    #[must_use]
    pub fn new(now: Time, start: Start) -> Self {
        let Start { ledger, doubtful, leftovers, orphans, grace, idle, parallel } = start;
        let books = Books::new(ledger, doubtful);
        let addresses = Addresses::new(now, books.ledger.addresses());
        let mut machine = Self {
            now,
            outbox: VecDeque::new(),
            idle,
            parallel: parallel.max(1),
            daemon: None,
            alone_since: now,
            configuration: Configuration::default(),
            lease: Lease::new(now, grace),
            queues: Queues::new(),
            active: Vec::new(),
            abandoned: Vec::new(),
            next_run: leftovers.len() as u64,
            books,
            addresses,
            conflicts: Conflicts::default(),
            alarms: Alarms::default(),
            carrier: Carrier::default(),
            looks: Looks::default(),
            orphans,
            letting_go: LettingGo::default(),
            farewell: Shutdown::None,
        };
        for (run, leftover) in (0..).map(RunId).zip(leftovers) {
            machine.adopt(run, leftover);
        }
        machine.elapse(now);
        machine
    }

    /// Processes one input.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Connected => self.connect(),
            Input::Disconnected => self.lose_daemon(),
            Input::Request(request) => self.handle_request(request),
            Input::Begun { run, agent } => self.record_begun(run, agent),
            Input::NotBegun { run, why } => self.record_not_begun(run, why),
            Input::Ended { run, outcome } => self.record_ended(run, outcome),
            Input::ProcessEnded { group, word, is_crash } => {
                self.record_process_ended(group, word, is_crash);
            }
            Input::Changed { run, outcome, announced } => {
                self.record_changed(run, outcome, announced);
            }
            Input::Renewed(found) => self.record_renewed(&found),
            Input::NotRenewed(error) => self.record_not_renewed(&error),
            Input::AddressGone { address, by } => self.record_gone(address, by.as_deref()),
            Input::Claimed { address, interface, mac } => {
                self.record_claimed(address, &interface, mac);
            }
            Input::AddressesUnknown => self.addresses.renew_at(self.now),
            Input::Interfaces(faults) => self.record_interfaces(&faults),
            Input::Looked { look, finding } => self.record_looked(look, finding),
            Input::LedgerGone => self.write_again(),
            Input::LedgerWritten { number, error } => self.record_written(number, error),
        }
        self.settle();
    }

    /// Lets time pass.
    pub fn elapse(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.elapse_runs();
        self.elapse_looks();
        self.check_permit();
        self.elapse_addresses();
        self.elapse_conflicts();
        self.elapse_alarms();
        self.elapse_books();
        self.settle();
    }

    /// Returns the next output, or `None` when there is no more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        let mut output = self.outbox.pop_front().or_else(|| self.watch_claims())?;
        self.fill_in(&mut output);
        Some(output)
    }

    /// Returns the time at which [`Machine::elapse`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let permit = self.keeps_something().then(|| self.lease.deadline());
        let idle = self.daemon.is_none().then(|| self.alone_since + self.idle);
        let others = [
            permit,
            idle.filter(|idle| *idle > self.now),
            self.deadline_of_addresses(),
            self.conflicts.deadline(),
            self.alarms.deadline(),
            self.books.deadline(),
            self.letting_go.deadline(),
            self.looks.deadline(),
            self.deadline_of_room(),
            self.deadline_of_greeting(),
        ];
        let runs = self.active.iter().filter_map(Active::deadline);
        others.into_iter().flatten().chain(runs).min()
    }

    /// Returns the groups that are being let go, each with the reason.
    pub fn letting_go(&self) -> impl Iterator<Item = (LetGoReason, GroupKey)> {
        self.letting_go.groups()
    }

    /// Returns what is held, including what is half-started.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        self.books.ledger.groups()
    }

    /// Does what follows from the latest input or the passage of time.
    fn settle(&mut self) {
        self.review_alarms();
        self.begin_jobs();
        self.finish_letting_go();
        self.greet();
        if self.is_done() && self.farewell != Shutdown::Over {
            self.farewell = Shutdown::Over;
            self.outbox.push_back(Output::Exit);
        }
    }

    fn is_done(&self) -> bool {
        let is_quiet = self.queues.is_idle() && self.letting_go.removals().next().is_none();
        // A failed stop is tried again for as long as it takes.
        let holds_nothing = self.books.ledger.is_empty();
        let is_alone = self.daemon.is_none() && self.now >= self.alone_since + self.idle;
        let may_end = match self.farewell {
            Shutdown::None | Shutdown::Over => holds_nothing && is_alone,
            Shutdown::Release => holds_nothing,
            Shutdown::Successor => true,
        };
        is_quiet && may_end
    }

    fn handle_request(&mut self, request: Request) {
        match request {
            Request::Configure(configuration) => self.configure(configuration),
            Request::Permit(permit) => self.take_permit(permit),
            Request::Run(run) => self.enqueue(run),
            Request::Check { job, group_name, resources } => self.look(job, group_name, resources),
            Request::Cancel { job } => self.cancel(|run| run.job == job),
            Request::Release => self.let_go(LetGoReason::Ordered),
            Request::Shutdown { keep: true } => self.farewell = Shutdown::Successor,
            Request::Shutdown { keep: false } => {
                self.farewell = Shutdown::Release;
                self.let_go(LetGoReason::Ordered);
            }
        }
    }

    fn configure(&mut self, configuration: Configuration) {
        self.configuration = configuration;
        let services = self.configuration.services.clone();
        self.carrier.watch(&services);
        self.outbox.push_back(Output::WatchInterfaces(services));
        // The lifetime of the addresses may have changed.
        self.addresses.renew_at(self.now);
    }

    fn take_permit(&mut self, permit: Permit) {
        if Time::from_nanos(permit.issued) >= self.lease.deadline() {
            // There was a time without a permit: daemon and executor stood still, and the daemon was the
            // first to continue. Another node may own what is held since then.
            self.check_permit();
        }
        self.lease.renew(self.now, permit);
        if self.lease.is_valid(self.now) {
            self.put_back_verified(Time::from_nanos(permit.issued));
        }
    }

    /// The lifetime of an address that is not renewed.
    fn lifetime(&self) -> Duration {
        let lifetime = Duration::from_millis(self.configuration.lifetime_ms);
        lifetime.clamp(LIFETIME_MIN, LIFETIME_MAX)
    }

    fn new_run(&mut self) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        run
    }

    /// Reports to the daemon, if one is connected.
    fn report(&mut self, report: Report) {
        match &mut self.daemon {
            Some(daemon) if daemon.is_greeted => self.outbox.push_back(Output::Report(report)),
            Some(daemon) => daemon.early.push(report),
            None => {}
        }
    }

    /// Writes to the log as `ResourceManager`, a name that administrators look for.
    fn log(&mut self, level: Level, text: String) {
        self.log_as("ResourceManager", level, text);
    }

    fn log_as(&mut self, agent: &str, level: Level, text: String) {
        let (agent, instance) = (agent.to_owned(), "default".to_owned());
        self.outbox.push_back(Output::Log { agent, instance, level, text });
    }
}
