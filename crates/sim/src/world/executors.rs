//! The daemon's side of its executor: requests, and the handling of the answers. They have the same meaning
//! here as in the beat thread of the real daemon (`systole_executor::translation`).

use super::{Happening, World};
use crate::host::{Host, Surroundings, configuration};
use crate::laws::{self, Broken};
use crate::services::{AGENT_TIMEOUT, Ailment, Manner, PATIENT_TIMEOUT};
use std::time::Duration;
use systole_core::{GroupId, Input, Job, NodeId, ResourceKind, Time};
use systole_executor::meaning::{ExecutorNews, Meaning, of_report};
use systole_executor::protocol::{Report, Request};
use systole_executor::standstill::patience;
use systole_executor::translation::{Timeouts, request_of};

/// How long it takes until a daemon sees that its executor has ended.
const NOTICE: Duration = Duration::from_micros(200);
/// How long it takes until another executor is started.
const RESPAWN: Duration = Duration::from_millis(50);

impl World {
    /// Returns how long a daemon waits for agents.
    const fn timeouts(&self) -> Timeouts {
        let longest = if self.patient { PATIENT_TIMEOUT } else { AGENT_TIMEOUT };
        Timeouts { start: longest, stop: longest, status: longest }
    }

    /// Returns the executor that is due next, and when. None is due where time stands still.
    pub(super) fn next_executor(&self) -> Option<(Time, NodeId)> {
        let moves = self.machines.iter().zip(&self.hosts);
        let moves = moves.filter(|(machine, _)| machine.paused_until.is_none());
        moves.filter_map(|(machine, host)| Some((host.wake()?, machine.id))).min()
    }

    /// Runs an action on the executor of a machine.
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
            claims: self.options.claims,
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

    /// Handles what is due at an executor.
    pub(super) fn tend_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.with_host(node, Host::tend)
    }

    /// Sends a request of the daemon to its executor.
    pub(super) fn ask_executor(&mut self, node: NodeId, request: Request) -> Result<(), Broken> {
        self.with_host(node, |host, around| host.request(around, request))
    }

    /// Sends a job of the core to the executor, with the daemon's numbers.
    pub(super) fn run_job(&mut self, node: NodeId, job: &Job) -> Result<(), Broken> {
        let Some(cluster) = &self.machines[node.index()].cluster else { return Ok(()) };
        let settings = cluster.settings();
        let key = settings.groups[job.group.index()].key;
        let term = cluster.terms().find(|(group, _, _)| *group == key).map_or(0, |row| row.2);
        let request = request_of(settings, job, term, self.timeouts());
        self.ask_executor(node, request)
    }

    /// Connects a daemon to its executor, or starts one.
    pub(super) fn connect_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        let configuration = configuration(&self.machines[node.index()].settings);
        self.with_host(node, |host, around| host.connect(around, configuration))
    }

    /// Lets the daemon check whether its executor has read what it was sent. An executor that has not read
    /// for too long does not renew anything either: it is killed, and another one is started.
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

    /// Kills the executor. The daemon notices, and starts another one after this time.
    pub(super) fn lose_executor(&mut self, node: NodeId, wait: Duration) -> Result<(), Broken> {
        self.machine(node).forget_permit();
        self.with_host(node, Host::kill)?;
        self.inform(node, &Input::ExecutorGone);
        self.after(wait, Happening::ExecutorBack(node));
        Ok(())
    }

    /// Removes the addresses of a group from a machine.
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

    /// Removes the interface of a group from a machine: nothing can be added to it.
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

    /// Allows an executor to be started again.
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

    /// Changes whether the interface of a group has a carrier.
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

    /// Lets the daemon read what its executor has to report, if it is due by now. Returns whether it was.
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

    /// The executor has ended on its own, because an earlier daemon told it to. Another one is started.
    fn miss_executor(&mut self, node: NodeId) {
        self.machine(node).forget_permit();
        self.hosts[node.index()].hang_up();
        self.inform(node, &Input::ExecutorGone);
        self.after(RESPAWN, Happening::ExecutorBack(node));
    }

    /// Lets the daemon read everything that its executor has reported.
    pub(super) fn read_reports(&mut self, node: NodeId) {
        if self.machines[node.index()].is_awake() {
            for report in self.hosts[node.index()].read() {
                self.follow(node, report);
            }
        }
    }

    /// Does what follows from a report, as the daemon does.
    fn follow(&mut self, node: NodeId, report: Report) {
        let is_greeting = matches!(report, Report::Hello { .. });
        let Some(cluster) = &self.machines[node.index()].cluster else { return };
        for meaning in of_report(cluster, report) {
            match meaning {
                Meaning::Core(input) => self.inform(node, &input),
                Meaning::CleanUp(held) => {
                    let timeouts = self.timeouts();
                    self.hosts[node.index()].clean_up(&held, timeouts);
                }
                Meaning::Tell(ExecutorNews::LetGo { group, .. }) => {
                    self.note(|| format!("{node:?} hears that {group:?} was let go"));
                }
                // Nobody reads this, and every executor has the same version.
                Meaning::OtherVersion | Meaning::Tell(_) => {}
            }
        }
        if is_greeting {
            self.machines[node.index()].record_greeting(self.now);
        }
    }

    /// Gives an input to a daemon, and then takes a turn of the daemon.
    fn inform(&mut self, node: NodeId, input: &Input<'_>) {
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.handle(local, input);
        }
    }
}
