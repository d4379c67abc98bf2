//! The daemon's side of its executor: what it asks for, and what it makes of the answers. It means
//! the same by both as the beat thread of the real daemon does (`systole_executor::translation`).

use super::{Happening, World};
use crate::host::{Host, Surroundings, configuration};
use crate::laws::{self, Broken};
use crate::services::{AGENT_TIMEOUT, Ailment, Manner, PATIENT_TIMEOUT};
use std::time::Duration;
use systole_core::{GroupId, GroupKey, Input, Job, NodeId, ResourceKind, Time};
use systole_executor::protocol::{Report, Request};
use systole_executor::standstill::patience;
use systole_executor::translation::{
    Greeting, Timeouts, differences, group_of, holdings, is_of_core, outcome_of, request_of,
};

/// How long it takes until a daemon sees that its executor has ended.
const NOTICE: Duration = Duration::from_micros(200);
/// How long it takes until another one is started.
const RESPAWN: Duration = Duration::from_millis(50);

impl World {
    /// How long a daemon lets agents take.
    const fn timeouts(&self) -> Timeouts {
        let longest = if self.patient { PATIENT_TIMEOUT } else { AGENT_TIMEOUT };
        Timeouts { start: longest, stop: longest, status: longest }
    }

    /// The executor that is due next, and when. None is where time stands still.
    pub(super) fn next_executor(&self) -> Option<(Time, NodeId)> {
        let moves = self.machines.iter().zip(&self.hosts);
        let moves = moves.filter(|(machine, _)| machine.paused_until.is_none());
        moves.filter_map(|(machine, host)| Some((host.wake()?, machine.id))).min()
    }

    /// Something happens to the executor of a machine.
    pub(super) fn with_host(
        &mut self,
        node: NodeId,
        happens: impl FnOnce(&mut Host, &mut Surroundings<'_>) -> Result<(), String>,
    ) -> Result<(), Broken> {
        let now = self.now;
        let machine = &mut self.machines[node.index()];
        let mut around = Surroundings {
            now,
            clock: machine.clock,
            world: &self.settings,
            services: &mut machine.services,
            random: &mut self.random,
        };
        let host = &mut self.hosts[node.index()];
        let done = happens(host, &mut around);
        done.map_err(|what| Broken { law: "ORDER", what, at: now })?;
        if host.has_ended_unheard() {
            host.end_of_connection(now + NOTICE);
        }
        if host.takes_back_its_hand() {
            laws::let_go_for_a_reason(now, machine)?;
            self.note(|| format!("{node:?} lets go of everything"));
        }
        self.record_runs(node);
        Ok(())
    }

    /// What is due at an executor happens.
    pub(super) fn tend_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.with_host(node, Host::tend)
    }

    /// The daemon asks its executor for something.
    pub(super) fn ask_executor(&mut self, node: NodeId, request: Request) -> Result<(), Broken> {
        self.with_host(node, |host, around| host.request(around, request))
    }

    /// The daemon has its executor do a job of the core, in the daemon's numbers.
    pub(super) fn run_job(&mut self, node: NodeId, job: &Job) -> Result<(), Broken> {
        let Some(cluster) = &self.machines[node.index()].cluster else { return Ok(()) };
        let settings = cluster.settings();
        let key = settings.groups[job.group.index()].key;
        let term = cluster.terms().find(|(group, _, _)| *group == key).map_or(0, |row| row.2);
        let request = request_of(settings, job, term, self.timeouts());
        self.ask_executor(node, request)
    }

    /// A daemon finds its executor, or starts one.
    pub(super) fn connect_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        let configuration = configuration(&self.machines[node.index()].settings);
        self.with_host(node, |host, around| host.connect(around, configuration))
    }

    /// The daemon looks whether its executor has read what it was told. One that has not for too long
    /// renews nothing either: it is killed, and another one is started.
    pub(super) fn watch_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        let now = self.now;
        let machine = &self.machines[node.index()];
        let Some(cluster) = &machine.cluster else { return Ok(()) };
        let settings = cluster.settings();
        let (keepalive, patience) = (settings.keepalive, patience(settings.deadtime));
        let local = machine.local(now);
        let host = &mut self.hosts[node.index()];
        if !host.is_connected() || host.still_for(now, local, keepalive) < patience {
            return Ok(());
        }
        self.note(|| format!("the executor of {node:?} stands still"));
        let wait = Duration::from_millis(10 + self.random.below(500));
        self.lose_executor(node, wait)
    }

    /// The executor is killed. The daemon notices, and starts another one after this time.
    pub(super) fn lose_executor(&mut self, node: NodeId, wait: Duration) -> Result<(), Broken> {
        self.machine(node).forget_permit();
        self.with_host(node, Host::kill)?;
        self.inform(node, &Input::ExecutorGone);
        self.after(wait, Happening::ExecutorBack(node));
        Ok(())
    }

    /// The addresses of a group are gone from a machine.
    pub(super) fn remove_addresses(
        &mut self,
        node: NodeId,
        group: GroupId,
        by: Option<&str>,
    ) -> Result<(), Broken> {
        if self.machine(node).paused_until.is_some() {
            return Ok(());
        }
        self.with_host(node, |host, around| host.remove(around, group, by))
    }

    /// The interface of a group is gone from a machine: nothing can be added to it.
    pub(super) fn vanish(
        &mut self,
        node: NodeId,
        group: GroupId,
        span: Duration,
    ) -> Result<(), Broken> {
        let until = self.now + span;
        let resources = self.settings.groups[group.index()].resources.iter();
        let is_address = |kind: &ResourceKind| matches!(kind, ResourceKind::Address(_));
        let count = resources.filter(|resource| is_address(&resource.kind)).count();
        let machine = self.machine(node);
        for place in 0..count {
            let ailment = (Ailment::Start, Manner::Fails);
            machine.services.infect((group, place), ailment, Some(until));
        }
        self.remove_addresses(node, group, None)?;
        self.plug(node, group, false)?;
        self.schedule(until, Happening::PlugIn(node, group));
        Ok(())
    }

    /// An executor can be started again.
    pub(super) fn bring_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        let machine = &self.machines[node.index()];
        if let Some(until) = machine.paused_until {
            self.schedule(until, Happening::ExecutorBack(node));
            return Ok(());
        }
        if machine.cluster.is_none() || self.hosts[node.index()].is_connected() {
            return Ok(());
        }
        self.connect_executor(node)
    }

    /// The interface of a group loses its carrier, or has it again.
    pub(super) fn plug(
        &mut self,
        node: NodeId,
        group: GroupId,
        is_there: bool,
    ) -> Result<(), Broken> {
        let (now, key) = (self.now, self.settings.groups[group.index()].key);
        let machine = self.machine(node);
        machine.plug(now, group, is_there);
        let is_still = machine.paused_until.is_some();
        self.hosts[node.index()].plug(key, is_there);
        if is_still {
            return Ok(());
        }
        self.with_host(node, Host::tell_interfaces)
    }

    /// The daemon reads what its executor has to tell, if it is there by now. Says whether it was.
    pub(super) fn read_executor(&mut self, node: NodeId) -> bool {
        let now = self.now;
        let is_there = self.hosts[node.index()].read_at().is_some_and(|at| at <= now);
        if is_there {
            self.read_reports(node);
            if self.machines[node.index()].is_awake()
                && self.hosts[node.index()].has_ended_unheard()
            {
                self.miss_executor(node);
            }
        }
        is_there
    }

    /// The executor has ended by itself: it had been told to by an earlier daemon. Another one is started.
    fn miss_executor(&mut self, node: NodeId) {
        self.machine(node).forget_permit();
        self.hosts[node.index()].hang_up();
        self.inform(node, &Input::ExecutorGone);
        self.after(RESPAWN, Happening::ExecutorBack(node));
    }

    /// The daemon reads whatever its executor has told.
    pub(super) fn read_reports(&mut self, node: NodeId) {
        if self.machines[node.index()].is_awake() {
            for report in self.hosts[node.index()].read() {
                self.heed(node, report);
            }
        }
    }

    fn heed(&mut self, node: NodeId, report: Report) {
        match report {
            Report::Hello { groups: held, unfinished, .. } => {
                self.compare(node, &Greeting { held, unfinished });
            }
            Report::Done { job, outcome } if is_of_core(job) => {
                let outcome = outcome_of(&outcome);
                self.inform(node, &Input::JobDone { job, outcome });
            }
            Report::Done { .. }
            | Report::Announced { .. }
            | Report::Log { .. }
            | Report::AddressBack { .. }
            | Report::Alarm { .. } => {}
            Report::Carrier { group, fault } => {
                let is_there = fault.is_none();
                if let Some(group) = self.known(node, group) {
                    self.inform(node, &Input::Carrier { group, is_there });
                }
            }
            Report::AddressLost { group, .. } => self.let_go(node, [group]),
            Report::LettingGo { groups, .. } => self.let_go(node, groups),
            Report::LetGo { failed, .. } => {
                self.let_go(node, failed.into_iter().map(|held| held.group));
            }
        }
    }

    /// The executor has said what it holds: what the daemon did not expect is stopped.
    fn compare(&mut self, node: NodeId, greeting: &Greeting) {
        let timeouts = self.timeouts();
        let Some(cluster) = &self.machines[node.index()].cluster else { return };
        let settings = cluster.settings();
        let unknown = greeting.held.iter().filter(|it| group_of(settings, it.group).is_none());
        for held in unknown {
            self.hosts[node.index()].clean_up(held, timeouts);
        }
        let held = holdings(settings, greeting);
        let different = if cluster.awaits_greeting() {
            Vec::new()
        } else {
            differences(settings, |group| cluster.own_phase(group), greeting)
        };
        for group in different {
            self.inform(node, &Input::LetGo(group));
        }
        self.machines[node.index()].record_greeting(self.now);
        self.inform(node, &Input::ExecutorReady(held));
    }

    fn let_go(&mut self, node: NodeId, groups: impl IntoIterator<Item = GroupKey>) {
        for key in groups {
            if let Some(group) = self.known(node, key) {
                self.note(|| format!("{node:?} hears that {group:?} was let go"));
                self.inform(node, &Input::LetGo(group));
            }
        }
    }

    /// The daemon's number for a group.
    fn known(&self, node: NodeId, key: GroupKey) -> Option<GroupId> {
        group_of(self.machines[node.index()].cluster.as_ref()?.settings(), key)
    }

    /// Hands an input to a daemon, whose turn follows.
    fn inform(&mut self, node: NodeId, input: &Input<'_>) {
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.handle(local, input);
        }
    }
}
