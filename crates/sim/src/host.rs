//! The executor of one machine, and the surroundings of its process: programs, the kernel's addresses, the
//! ledger, and the connection to the daemon.
//!
//! Every decision is made by [`systole_executor::Machine`], which the real process also runs. What it
//! requests is applied to the machine's [`Services`].

mod addresses;
mod drive;
mod faults;
mod hindrance;
mod programs;

use crate::clock::Clock;
use crate::services::{Services, Work};
use addresses::Addresses;
pub(crate) use hindrance::Hindrance;
use hindrance::Hindrances;
use programs::Programs;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{
    Detection, GroupId, GroupKey, JobId, Random, Resource, ResourceKind, Settings, Time,
};
use systole_executor::protocol::{
    Action, Configuration, Held, Permit, Report, Request, Run, Service,
};
use systole_executor::standstill::Standstill;
use systole_executor::translation::{FIRST_OWN_JOB, Timeouts, cleanups};
use systole_executor::{Input, Machine, Start};

/// How long an executor keeps what it adopted until the first permit, and waits for a daemon while it holds
/// nothing.
const GRACE: Duration = Duration::from_secs(5);
/// The most programs that an executor begins at the same time.
const PARALLEL: usize = 64;
/// How late the kernel is, at most, to remove an address whose lifetime is over.
const LATE: Duration = Duration::from_millis(500);

/// What an executor finds around it at one moment.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The world's clock, and the clock of the machine, which counts from the beginning of the world.
    pub(crate) now: Time,
    pub(crate) clock: Clock,
    /// The settings of the world, with every group that exists.
    pub(crate) world: &'a Settings,
    pub(crate) services: &'a mut Services,
    pub(crate) random: &'a mut Random,
    /// Whether another machine claims what this one has.
    pub(crate) claims: bool,
}

impl Surroundings<'_> {
    fn boot_time(&self) -> Time {
        self.clock.shows(self.now.since(Time::START))
    }

    /// Returns the place of a group in the world.
    fn place_of(&self, key: GroupKey) -> Option<GroupId> {
        self.world.known_groups().find(|(_, group)| group.key == key).map(|(id, _)| id)
    }
}

/// The executor of one machine.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// The state machine that decides, while the executor's process lives.
    machine: Option<Machine>,
    /// Whether a daemon is connected.
    is_connected: bool,
    /// The ledger: what is held. The ledger outlives the executor.
    ledger: Vec<Held>,
    /// What the ledger lists as doubtful.
    doubtful: Vec<(GroupKey, Resource)>,
    programs: Programs,
    addresses: Addresses,
    /// The addresses of which the executor wants to hear whether another machine claims them.
    watched: Vec<IpAddr>,
    /// Until when the daemons of this executor have permitted it to act, on the clock of the machine.
    permitted_until: Option<Time>,
    /// Groups whose interface has no carrier.
    unplugged: Vec<GroupKey>,
    services: Vec<Service>,
    /// The jobs of the daemon that have not been answered.
    open: BTreeMap<JobId, (GroupKey, Work)>,
    /// What the daemon will read, and when.
    reports: Vec<Report>,
    read_at: Option<Time>,
    /// Stops of groups that the daemon does not know, waiting for the first permit.
    cleanups: Vec<Run>,
    own_jobs: u64,
    wake: Option<Time>,
    /// Whether the executor has begun to let go without being told to.
    has_let_go: bool,
    hindrances: Hindrances,
    /// Until when the executor is paused, and the input that it has not read.
    frozen_until: Option<Time>,
    unread: Vec<Input>,
    /// The daemon's view of that pause.
    standstill: Standstill,
    /// When the daemon last sent something to the executor.
    told_at: Time,
    /// Until when no executor can be started.
    barred_until: Time,
}

impl Host {
    /// Returns when something is due.
    pub(crate) fn wake(&self) -> Option<Time> {
        let own = [self.wake, self.hindrances.due()].into_iter().flatten();
        let own = own.filter(|_| self.frozen_until.is_none()).min();
        let dues = [self.frozen_until, self.read_at, self.programs.due(), self.addresses.due()];
        dues.into_iter().flatten().chain(own).min()
    }

    /// Returns whether the executor's process has ended on its own while a daemon is connected to it.
    pub(crate) const fn has_ended_unheard(&self) -> bool {
        self.is_connected && self.machine.is_none()
    }

    /// Lets the daemon read the end of the connection, after the reports sent before.
    pub(crate) fn end_of_connection(&mut self, at: Time) {
        self.read_at.get_or_insert(at);
    }

    /// Returns whether programs run whose end something waits for.
    pub(crate) fn waits_for_programs(&self) -> bool {
        self.programs.is_working()
    }

    /// Returns whether the daemon is connected to the executor.
    pub(crate) const fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Returns what the ledger lists as held.
    pub(crate) fn ledger(&self) -> &[Held] {
        &self.ledger
    }

    /// Returns whether the executor has begun to let go since the last call without being told to.
    pub(crate) fn takes_back_its_hand(&mut self) -> bool {
        std::mem::take(&mut self.has_let_go)
    }

    /// Takes what the daemon reads now.
    pub(crate) fn read(&mut self) -> Vec<Report> {
        self.read_at = None;
        std::mem::take(&mut self.reports)
    }

    /// Returns when the daemon will read something.
    pub(crate) const fn read_at(&self) -> Option<Time> {
        self.read_at
    }

    /// Handles what is due.
    pub(crate) fn tend(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        self.expire(around);
        let mut unread = Vec::new();
        if self.frozen_until.take_if(|until| *until <= around.now).is_some() {
            unread = std::mem::take(&mut self.unread);
        }
        self.drive(around, &mut unread)
    }

    /// The administrator repairs everything that is sick.
    pub(crate) fn mend(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        around.services.mend(around.now);
        self.programs.mend(around);
        self.drive(around, &mut Vec::new())
    }

    /// Removes addresses whose lifetime is over.
    pub(crate) fn expire(&mut self, around: &mut Surroundings<'_>) {
        self.addresses.expire(around);
    }

    /// Connects a daemon, and starts an executor if there is none and one can be started.
    pub(crate) fn connect(
        &mut self,
        around: &mut Surroundings<'_>,
        configuration: Configuration,
    ) -> Result<(), String> {
        if self.machine.is_none() && around.now < self.barred_until {
            return Ok(());
        }
        if self.machine.is_none() {
            self.spawn(around);
        }
        self.is_connected = true;
        self.standstill = Standstill::default();
        self.told_at = around.now;
        self.reports.clear();
        self.own_jobs = FIRST_OWN_JOB;
        let configure = Input::Request(Request::Configure(configuration));
        self.drive(around, &mut vec![Input::Connected, configure])
    }

    fn spawn(&mut self, around: &mut Surroundings<'_>) {
        let leftovers = self.programs.adopt();
        let (ledger, doubtful) = (self.ledger.clone(), self.doubtful.clone());
        let orphans = self.addresses.remove_orphans(&ledger, around);
        self.watched.clear();
        self.permitted_until = None;
        let (grace, idle, parallel) = (GRACE, GRACE, PARALLEL);
        let start = Start { ledger, doubtful, leftovers, orphans, grace, idle, parallel };
        self.machine = Some(Machine::new(around.boot_time(), start));
    }

    /// Handles the end of the daemon.
    pub(crate) fn disconnect(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        if !self.is_connected {
            return Ok(());
        }
        self.hang_up();
        self.drive(around, &mut vec![Input::Disconnected])
    }

    /// Ends the connection.
    pub(crate) fn hang_up(&mut self) {
        self.is_connected = false;
        self.read_at = None;
        self.reports.clear();
        self.open.clear();
        self.cleanups.clear();
    }

    /// Kills the executor's process. Programs continue, and addresses stay until their lifetime is over.
    pub(crate) fn kill(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        self.machine = None;
        self.frozen_until = None;
        self.unread.clear();
        self.hindrances.forget();
        self.hang_up();
        self.drive(around, &mut Vec::new())
    }

    /// The machine loses power.
    pub(crate) fn power_off(&mut self) {
        let unplugged = std::mem::take(&mut self.unplugged);
        *self = Self { unplugged, ..Self::default() };
    }

    /// Passes a request of the daemon to the executor. Without a connection the request is lost.
    pub(crate) fn request(
        &mut self,
        around: &mut Surroundings<'_>,
        request: Request,
    ) -> Result<(), String> {
        if !self.is_connected {
            return Ok(());
        }
        if let Request::Run(run) = &request
            && run.action != Action::Monitor
        {
            let is_start = run.action == Action::Start;
            let work = if is_start { Work::Starts } else { Work::Other };
            self.open.insert(run.job, (run.group, work));
            if let Some(group) = around.place_of(run.group).filter(|_| is_start) {
                around.services.record_start(group, around.now);
            }
        }
        self.told_at = around.now;
        self.drive(around, &mut vec![Input::Request(request)])
    }

    /// The daemon grants a permit for a span of the machine's clock, and has groups that it does not know
    /// stopped.
    pub(crate) fn permit(
        &mut self,
        around: &mut Surroundings<'_>,
        span: Duration,
    ) -> Result<(), String> {
        let now = around.boot_time();
        let permit = Permit { issued: now.as_nanos(), until: (now + span).as_nanos() };
        if self.is_connected {
            self.permitted_until = self.permitted_until.max(Some(now + span));
        }
        self.request(around, Request::Permit(permit))?;
        for run in std::mem::take(&mut self.cleanups) {
            self.request(around, Request::Run(run))?;
        }
        Ok(())
    }

    /// Requests the stop of something that the daemon does not know.
    pub(crate) fn clean_up(&mut self, held: &Held, timeouts: Timeouts) {
        let stops = cleanups(held, self.own_jobs, timeouts);
        self.own_jobs += held.resources.len() as u64;
        self.cleanups.extend(stops);
    }

    /// Records whether the interface of a group has a carrier.
    pub(crate) fn plug(&mut self, group: GroupKey, is_there: bool) {
        self.unplugged.retain(|other| *other != group);
        if !is_there {
            self.unplugged.push(group);
        }
    }

    /// Lets the kernel report the state of the interfaces.
    pub(crate) fn tell_interfaces(&mut self, around: &mut Surroundings<'_>) -> Result<(), String> {
        let interfaces = self.interfaces();
        self.drive(around, &mut vec![interfaces])
    }

    fn interfaces(&self) -> Input {
        let fault = |service: &Service| {
            let is_there = !self.unplugged.contains(&service.group);
            (service.group, (!is_there).then(|| "no carrier".to_owned()))
        };
        Input::Interfaces(self.services.iter().map(fault).collect())
    }
}

/// Returns how a daemon with these settings configures its executor.
pub(crate) fn configuration(settings: &Settings) -> Configuration {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let lifetime = Detection::of(settings).address_lifetime();
    let services = settings.groups.iter().map(|group| {
        let is_address = |kind: &ResourceKind| matches!(kind, ResourceKind::Address(_));
        let addresses = group.resources.iter().filter(|resource| is_address(&resource.kind));
        Service { group: group.key, addresses: addresses.cloned().collect() }
    });
    Configuration {
        restart_grace_ms: millis(settings.restart_grace),
        lifetime_ms: millis(lifetime),
        services: services.filter(|service| !service.addresses.is_empty()).collect(),
        ..Configuration::default()
    }
}
