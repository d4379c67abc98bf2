//! What the machines do, and what happens to them.

use super::{Happening, REBOOT, World};
use crate::host::Host;
use crate::laws::{self, Broken};
use std::time::Duration;
use systole_core::{
    Action, Cause, Detection, Event, GroupId, Job, NodeId, Outcome, Output, PingId, StopFailure,
};
use systole_executor::protocol::Request;
use systole_executor::translation::check_of;

/// To how many of a thousand daemons that start every recording is replayed.
const REPLAY_AT_START_PER_MILLE: u64 = 300;

impl World {
    /// Carries out what a daemon's core wants.
    pub(super) fn act(&mut self, node: NodeId, output: Output) -> Result<(), Broken> {
        match output {
            Output::Send(outgoing) => self.send(node, outgoing),
            Output::Resend(sequence) => self.resend(node, sequence)?,
            Output::Ping => self.ping(node),
            Output::AskNetwork(group) => self.ask_network(node, group),
            Output::Permit(span) => {
                self.check_verified(node, "renews its permit")?;
                self.with_host(node, |host, around| host.permit(around, span))?;
                let now = self.now;
                if !self.hosts[node.index()].is_frozen() {
                    self.machine(node).record_permit(now);
                }
            }
            Output::Run(daemons) => {
                let group = self.machines[node.index()].group_of(&self.settings, daemons.group);
                let job = Job { group, ..daemons };
                self.note(|| format!("{node:?} runs {job:?}"));
                let key = self.settings.groups[group.index()].key;
                match job.action {
                    Action::Start => {
                        self.machine(node).watch.record_stopping(key, false);
                        self.machine(node).services.record_yields(group, false);
                        self.check_start(node, job)?;
                    }
                    Action::Stop => {
                        let stop = (job.group, node);
                        let world = (&self.settings, &self.rivals[..]);
                        laws::undisturbed(self.now, world, stop, &self.machines, self.ordered)?;
                        self.machine(node).watch.record_stopping(key, true);
                    }
                    Action::Status | Action::Monitor => {}
                }
                self.run_job(node, &daemons)?;
            }
            Output::Check { job, group } => {
                let Some(cluster) = &self.machines[node.index()].cluster else { return Ok(()) };
                let request = check_of(cluster.settings(), job, group);
                self.ask_executor(node, request)?;
            }
            Output::Cancel(job) => self.ask_executor(node, Request::Cancel { job })?,
            Output::Store => {
                let now = self.now;
                self.machine(node).store(now);
            }
            Output::StorePeer(record) => {
                let stored = &mut self.machine(node).disk.peers;
                stored.retain(|other| other.node != record.node);
                stored.push(record);
            }
            Output::StopFailed { group, resource } => {
                let group = self.machines[node.index()].group_of(&self.settings, group);
                self.stop_failed(node, group, resource)?;
            }
            Output::End => {
                self.ask_executor(node, Request::Shutdown { keep: false })?;
                self.kill_daemon(node)?;
            }
            Output::Fence { node: target, attempt, device: _ } => {
                self.ask_device(node, target, attempt);
            }
            Output::Report(event) => {
                let now = self.now;
                let machine = self.machine(node);
                if let Some(cluster) = &machine.cluster {
                    machine.watch.told(now, &event, cluster);
                }
                if let Event::Ownership { group, cause: Cause::Outranked(_), .. } = event {
                    let group = self.machines[node.index()].group_of(&self.settings, group);
                    self.machine(node).services.record_yields(group, true);
                }
                self.note(|| format!("{node:?} says {event:?}"));
                self.check_failure(node, &event)?;
            }
            Output::Answer { result, .. } => self.note(|| format!("{node:?} answers {result:?}")),
        }
        Ok(())
    }

    /// Handles that a resource could not be stopped: what is configured happens.
    fn stop_failed(&mut self, node: NodeId, group: GroupId, resource: usize) -> Result<(), Broken> {
        if !self.machine(node).services.is_unstoppable(group) {
            let what = format!("{group:?} resource {resource} is said not to stop, which it does");
            return Err(Broken { law: "ORDER", what, at: self.now });
        }
        match self.settings.stop_failure {
            StopFailure::Reboot => {
                self.power_off(node);
                self.after(REBOOT, Happening::PowerOn(node));
            }
            StopFailure::ReleaseAddress | StopFailure::Block => {}
        }
        Ok(())
    }

    /// Checks that nothing is reported to have failed that has not failed.
    fn check_failure(&mut self, node: NodeId, event: &Event) -> Result<(), Broken> {
        let Event::StartFailed { group, outcome, .. } = event else { return Ok(()) };
        let machine = &self.machines[node.index()];
        let group = machine.group_of(&self.settings, *group);
        let was_hindered = *outcome == Outcome::NotAsked && machine.is_hindered(self.now);
        if !machine.services.was_sick(group) && !was_hindered {
            let what = format!("{node:?} says that {group:?} does not start, which it would");
            return Err(Broken { law: "ONE OWNER SOON", what, at: self.now });
        }
        Ok(())
    }

    /// PAUSE: after a pause a node adds nothing before it has heard again from the nodes that it heard
    /// before.
    fn check_verified(&mut self, node: NodeId, deed: &str) -> Result<(), Broken> {
        let machine = &self.machines[node.index()];
        let Some(cluster) = &machine.cluster else { return Ok(()) };
        let Some(other) = machine.watch.unheard(cluster) else { return Ok(()) };
        let what = format!("{node:?} stood still, and {deed} before it heard {other:?} again");
        Err(Broken { law: "PAUSE", what, at: self.now })
    }

    fn ping(&mut self, node: NodeId) {
        for ping in 0..self.settings.ping_nodes.len() {
            let ping = PingId(u8::try_from(ping).unwrap_or(0));
            let answer = Duration::from_micros(200 + self.random.below(2_000));
            self.after(answer, Happening::PingReply(node, ping));
        }
    }

    pub(super) fn start_daemon(&mut self, node: NodeId) -> Result<(), Broken> {
        if self.is_classic(node) {
            self.start_classic();
            return Ok(());
        }
        let now = self.now;
        let machine = &mut self.machines[node.index()];
        if !machine.has_power || machine.cluster.is_some() {
            return Ok(());
        }
        let ledger = self.hosts[node.index()].ledger();
        machine.start(now, &mut self.random, self.options.remembers, ledger);
        // Messages of the previous daemon that are still in transit are not messages of this daemon.
        self.network.forget(node);
        if self.random.chance(REPLAY_AT_START_PER_MILLE) {
            self.replay_everything(node);
        }
        #[cfg(feature = "test-hooks")]
        if let (Some(mutation), Some(cluster)) =
            (self.options.mutation, &mut self.machine(node).cluster)
        {
            cluster.mutate(mutation);
        }
        self.tell_service_addresses(node);
        self.note(|| format!("{node:?} starts its daemon"));
        self.connect_executor(node)?;
        self.turn(node)
    }

    /// Lets a paused machine continue: its executor and its daemon, in either order.
    pub(super) fn resume(&mut self, node: NodeId) -> Result<(), Broken> {
        if self.is_classic(node) {
            self.resume_classic();
            return Ok(());
        }
        let now = self.now;
        let machine = self.machine(node);
        machine.paused_until = None;
        let patience = Detection::of(&machine.settings).permit();
        let stood = machine.local(now).since(machine.local(machine.watch.turned_at()));
        if let Some(cluster) = machine.cluster.as_ref().filter(|_| stood >= patience) {
            machine.watch.resumed(now, cluster);
        }
        let executor_first = self.random.chance(500);
        if executor_first {
            self.tend_executor(node)?;
        }
        let waiting = std::mem::take(&mut self.machine(node).socket);
        for arrival in &waiting {
            self.hear(node, arrival);
        }
        self.network.interrupt(now, node);
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        for input in std::mem::take(&mut machine.waiting) {
            if let Some(cluster) = &mut machine.cluster {
                cluster.handle(local, &input);
            }
        }
        self.read_reports(node);
        self.turn(node)?;
        self.with_host(node, Host::tell_interfaces)?;
        self.tend_executor(node)
    }
}
