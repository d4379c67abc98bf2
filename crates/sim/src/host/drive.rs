//! Drives the executor's machine, and carries out what it requests.

use super::hindrance::{Hindrance, Late};
use super::{Host, Surroundings};
use crate::services::Work;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupId, GroupKey, Resource, Time};
use systole_executor::protocol::{Action, Held, LetGoReason, Report, Run};
use systole_executor::{AgentName, Finding, Input, Machine, NotBegun, Output, RunId};

/// An executor that continues without time passing this often does not come to rest.
const ROUNDS_MAX: u32 = 10_000;
/// With more that waits for a frozen executor, no more claims are added.
const UNREAD_MAX: usize = 1_000;

impl Host {
    /// Gives inputs to the machine and carries out its requests, until it has no more of them.
    pub(super) fn drive(
        &mut self,
        around: &mut Surroundings<'_>,
        inputs: &mut Vec<Input>,
    ) -> Result<(), String> {
        // Ended programs are read before time passes.
        inputs.extend(self.programs.end_due(around));
        if self.frozen_until.is_some() {
            self.unread.append(inputs);
            if around.claims && self.unread.len() < UNREAD_MAX {
                self.unread.extend(self.forge(around.boot_time()));
            }
            self.note(around);
            return Ok(());
        }
        let Some(mut machine) = self.machine.take() else {
            self.note(around);
            return Ok(());
        };
        let (now, before) = (around.boot_time(), let_go_unasked(&machine));
        inputs.extend(self.end_late(around)?);
        if around.claims {
            inputs.extend(self.forge(now));
        }
        let mut rounds = 0;
        let mut is_over = false;
        loop {
            for input in inputs.drain(..) {
                machine.handle(now, input);
            }
            machine.elapse(now);
            while let Some(output) = machine.poll() {
                is_over |= matches!(output, Output::Exit);
                inputs.extend(self.carry_out(&machine, around, output)?);
            }
            let is_behind = machine.deadline().is_some_and(|due| due <= now);
            if inputs.is_empty() && !is_behind {
                break;
            }
            rounds += 1;
            if rounds > ROUNDS_MAX {
                return Err(format!("an executor does not come to rest: {machine:?}"));
            }
        }
        self.has_let_go |= let_go_unasked(&machine).iter().any(|group| !before.contains(group));
        let wake = |due: Time| Time::START + around.clock.passed(due);
        self.wake = machine.deadline().filter(|_| !is_over).map(wake);
        self.machine = Some(machine).filter(|_| !is_over);
        if is_over {
            self.hindrances.forget();
        }
        self.note(around);
        Ok(())
    }

    /// Records which groups agents work for.
    fn note(&mut self, around: &mut Surroundings<'_>) {
        if self.machine.is_none() {
            self.wake = None;
        }
        around.services.reach(around.now, self.machine.is_some() && self.frozen_until.is_none());
        around.services.rest();
        for group in
            self.programs.stuck().filter_map(|key| around.place_of(key)).collect::<Vec<_>>()
        {
            around.services.record_stuck(group);
        }
        let programs = self.programs.groups().map(|key| (key, Work::Other));
        for (key, work) in self.open.values().copied().chain(programs) {
            if let Some(group) = around.place_of(key) {
                around.services.work(group, work);
            }
        }
    }

    /// Carries out a request of the machine, and returns the results that are available at once.
    fn carry_out(
        &mut self,
        machine: &Machine,
        around: &mut Surroundings<'_>,
        output: Output,
    ) -> Result<Option<Input>, String> {
        let answer = match output {
            Output::Report(report) => {
                self.tell(around, report);
                None
            }
            // Nothing in the world follows from what people are told.
            Output::Log { .. } | Output::Exit => None,
            Output::Defend(address) => {
                self.check_defended(around, address)?;
                None
            }
            Output::WatchClaims(addresses) => {
                self.watched = addresses;
                None
            }
            Output::Begin { run, request, action } => self.begin(around, run, request, action)?,
            Output::Signal { run, signal } => {
                if !self.hindrances.signal(run, signal) {
                    self.programs.signal(around, run, signal);
                }
                None
            }
            Output::Change { run, action, resources, lifetime } => {
                let change = (action, &resources[..], lifetime);
                let outcome = self.addresses.change(around, machine, change)?;
                let announced = usize::from(action == Action::Start && outcome.is_success());
                Some(Input::Changed { run, outcome, announced })
            }
            Output::Renew { .. } if self.hinders(Hindrance::Renewals, around.now).is_some() => {
                Some(Input::NotRenewed("the kernel says no".to_owned()))
            }
            Output::Renew { resources, lifetime } => {
                Some(Input::Renewed(self.addresses.renew(around, resources, lifetime)))
            }
            Output::WatchInterfaces(services) => {
                self.services = services;
                Some(self.interfaces())
            }
            Output::Look { look, resources } => {
                let groups = &around.world.groups;
                let place = groups.iter().position(|group| group.resources == resources);
                let place = place.and_then(|place| u16::try_from(place).ok()).map(GroupId);
                let lacks = place.is_some_and(|group| around.services.lacks(group));
                let missing = Finding::Missing("an agent".to_owned());
                let finding = if lacks { missing } else { Finding::Complete };
                if let Some(until) = self.hinders(Hindrance::Looks, around.now) {
                    self.hindrances.wait(until, Late::Look { look, finding });
                    return Ok(None);
                }
                Some(Input::Looked { look, finding })
            }
            Output::WriteLedger { number, groups, doubtful } => {
                self.write(around.now, number, groups, doubtful)
            }
        };
        Ok(answer)
    }

    /// Claims of all addresses, in the name of another machine each time.
    fn forge(&self, now: Time) -> Vec<Input> {
        let mut mac = [2; 6];
        mac[1..].copy_from_slice(&now.as_nanos().to_be_bytes()[3..]);
        let interface = "eth0".to_owned();
        let claim = |address: &IpAddr| Input::Claimed {
            address: *address,
            interface: interface.clone(),
            mac,
        };
        self.watched.iter().map(claim).collect()
    }

    /// ORDER: an address is announced only by a machine that has it and whose daemon vouches for that.
    fn check_defended(&self, around: &Surroundings<'_>, address: IpAddr) -> Result<(), String> {
        let now = around.boot_time();
        if self.permitted_until.is_none_or(|until| until <= now) {
            let until = self.permitted_until;
            return Err(format!("{address} is announced at {now:?} with a permit until {until:?}"));
        }
        if !self.addresses.is_present(address) {
            return Err(format!("{address} is announced and not here"));
        }
        Ok(())
    }

    fn hinders(&self, hindrance: Hindrance, now: Time) -> Option<Time> {
        self.hindrances.until(hindrance, now)
    }

    /// Starts a program, if that works.
    fn begin(
        &mut self,
        around: &mut Surroundings<'_>,
        run: RunId,
        request: Box<Run>,
        action: Action,
    ) -> Result<Option<Input>, String> {
        if self.hinders(Hindrance::Programs, around.now).is_some() {
            let why = NotBegun::Error("Resource temporarily unavailable".to_owned());
            return Ok(Some(Input::NotBegun { run, why }));
        }
        if let Some(until) = self.hinders(Hindrance::Starts, around.now) {
            let late = Late::Begin { run, request, action, is_killed: false };
            self.hindrances.wait(until, late);
            return Ok(None);
        }
        self.programs.begin(around, run, &request, action)?;
        Ok(Some(Input::Begun { run, agent: AgentName::default() }))
    }

    /// Writes the ledger, if that works.
    fn write(
        &mut self,
        now: Time,
        number: u64,
        groups: Vec<Held>,
        doubtful: Vec<(GroupKey, Resource)>,
    ) -> Option<Input> {
        let hangs = self.hinders(Hindrance::Writes, now);
        if let Some(until) = hangs.max(self.hindrances.writes_until()) {
            self.hindrances.wait(until, Late::Write { number, groups, doubtful });
            return None;
        }
        let error = self.hinders(Hindrance::Ledger, now).map(|_| "No space left".to_owned());
        if error.is_none() {
            (self.ledger, self.doubtful) = (groups, doubtful);
        }
        Some(Input::LedgerWritten { number, error })
    }

    /// Queues a report, which the daemon reads a moment later.
    fn tell(&mut self, around: &mut Surroundings<'_>, report: Report) {
        let ended =
            if let Report::Done { job, .. } = &report { self.open.remove(job) } else { None };
        if self.is_connected {
            let wait = Duration::from_micros(20 + around.random.below(1_000));
            self.reports.push(report);
            let read_at = *self.read_at.get_or_insert(around.now + wait);
            let started = ended.filter(|(_, work)| *work == Work::Starts);
            if let Some(group) = started.and_then(|(key, _)| around.place_of(key)) {
                // Until the daemon has read how the start ended, its beats say that it is starting the group.
                around.services.record_start(group, read_at);
            }
        }
    }
}

/// Returns the groups that an executor lets go because its permit has expired.
fn let_go_unasked(machine: &Machine) -> Vec<GroupKey> {
    let unasked = machine.letting_go().filter(|(why, _)| *why == LetGoReason::PermitExpired);
    unasked.map(|(_, group)| group).collect()
}
