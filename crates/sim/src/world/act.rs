//! What the machines do, and what is done to them.

use super::{Arrival, Happening, REBOOT, RECORDED_MAX, World};
use crate::codec::Codec;
use crate::fault::Fault;
use crate::laws::Broken;
use crate::network::{Frame, Packet};
use std::rc::Rc;
use std::time::Duration;
use systole_core::{
    Action, Event, GroupId, Input, Job, Message, NodeId, Order, Outcome, Outgoing, Output, PingId,
    StopFailure, Ticket,
};

/// To so many of a thousand daemons that start, everything is played that was recorded.
const REPLAY_AT_START_PER_MILLE: u64 = 300;
/// Time between two recordings that are played.
const REPLAY_GAP: Duration = Duration::from_micros(300);

impl World {
    /// Carries out what a daemon's core wants.
    pub(super) fn act(&mut self, node: NodeId, output: Output) -> Result<(), Broken> {
        match output {
            Output::Send(outgoing) => self.send(node, outgoing),
            Output::Resend(sequence) => self.resend(node, sequence)?,
            Output::Ping => self.ping(node),
            Output::Permit(span) => {
                self.check_verified(node, "renews its permit")?;
                let until = self.now + self.machine(node).takes(span);
                self.machine(node).executor.permit_until = Some(until);
                self.schedule(until, Happening::PermitEnd(node));
            }
            Output::Run(job) => {
                let group = self.machines[node.index()].group_of(&self.settings, job.group);
                let job = Job { group, ..job };
                self.note(|| format!("{node:?} runs {job:?}"));
                if job.action == Action::Start {
                    self.check_start(node, job)?;
                }
                let machine = &mut self.machines[node.index()];
                let begun = machine.executor.begin(self.now, job, &self.settings, &mut self.random);
                let span = begun.map_err(|what| Broken { law: "ORDER", what, at: self.now })?;
                self.after(span, Happening::JobEnd(node, job.id));
            }
            Output::Cancel(job) => {
                if let Some(outcome) = self.machine(node).executor.cancel(job) {
                    let local = self.machines[node.index()].local(self.now);
                    if let Some(cluster) = &mut self.machine(node).cluster {
                        cluster.handle(local, &Input::JobDone { job, outcome });
                    }
                }
            }
            Output::Store => {
                let now = self.now;
                self.machine(node).store(now);
            }
            Output::StorePeer(record) => {
                let stored = &mut self.machine(node).stored_peers;
                stored.retain(|other| other.node != record.node);
                stored.push(record);
            }
            Output::StopFailed { group, resource } => {
                let group = self.machines[node.index()].group_of(&self.settings, group);
                self.stop_failed(node, group, resource)?;
            }
            Output::End => {
                self.machine(node).cluster = None;
                self.network.forget(node);
            }
            Output::Fence { node: target, attempt } => self.ask_device(node, target, attempt),
            Output::Report(event) => {
                self.machine(node).watch.told(&event);
                self.note(|| format!("{node:?} says {event:?}"));
                self.check_failure(node, &event)?;
            }
            Output::Answer { result, .. } => self.note(|| format!("{node:?} answers {result:?}")),
        }
        Ok(())
    }

    /// A resource could not be stopped: what is configured happens.
    fn stop_failed(&mut self, node: NodeId, group: GroupId, resource: usize) -> Result<(), Broken> {
        if !self.machine(node).executor.is_unstoppable(group) {
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

    /// Nothing is said to have failed that has not.
    fn check_failure(&mut self, node: NodeId, event: &Event) -> Result<(), Broken> {
        let Event::StartFailed { group, .. } = event else { return Ok(()) };
        let group = self.machines[node.index()].group_of(&self.settings, *group);
        if !self.machine(node).executor.was_sick(group) {
            let what = format!("{node:?} says that {group:?} does not start, which it would");
            return Err(Broken { law: "ONE OWNER SOON", what, at: self.now });
        }
        Ok(())
    }

    /// PAUSE: who stood still adds nothing before it has heard again whom it heard before.
    fn check_verified(&mut self, node: NodeId, deed: &str) -> Result<(), Broken> {
        let machine = &self.machines[node.index()];
        let Some(cluster) = &machine.cluster else { return Ok(()) };
        let Some(other) = machine.watch.unheard(cluster) else { return Ok(()) };
        let what = format!("{node:?} stood still, and {deed} before it heard {other:?} again");
        Err(Broken { law: "PAUSE", what, at: self.now })
    }

    fn send(&mut self, node: NodeId, outgoing: Outgoing) {
        let machine = self.machine(node);
        let is_status = matches!(outgoing.message, Message::Status { .. });
        let beat = machine.cluster.as_ref().filter(|_| is_status).map(|c| c.beat().clone());
        let generation = machine.generation();
        let date = self.machines[node.index()].clock.date(self.now);
        let frame = Rc::new(Frame { source: node, generation, outgoing, beat, date });
        let bytes = self.options.bytes.then(|| self.codec.seal(&frame, &self.settings));
        let packet = Packet { frame, sent: self.now, bytes };
        if packet.frame.outgoing.sequence.is_some() {
            self.machine(node).keep(packet.clone());
        }
        self.carry(node, &packet);
        if self.random.chance(if is_status { 20 } else { 200 }) {
            let link = systole_core::LinkId(0);
            if self.recorded.len() == RECORDED_MAX {
                self.recorded.remove(0);
            }
            self.recorded.push(Arrival { link, packet, is_replay: true });
        }
    }

    /// Sends what was sent before, as it was.
    fn resend(&mut self, node: NodeId, sequence: u64) -> Result<(), Broken> {
        let Some(packet) = self.machine(node).kept(sequence) else {
            let what = format!("{node:?} wants to send {sequence} again, which nobody keeps");
            return Err(Broken { law: "BOUND", what, at: self.now });
        };
        self.carry(node, &packet);
        Ok(())
    }

    /// Puts a packet on every link to every other machine.
    fn carry(&mut self, node: NodeId, packet: &Packet) {
        for link in self.network.link_ids() {
            for to in self.settings.node_ids().filter(|to| *to != node) {
                let way = (node, to, link);
                for at in self.network.carry(self.now, &mut self.random, way).into_iter().flatten()
                {
                    let mut packet = packet.clone();
                    if let Some(bytes) = &mut packet.bytes {
                        Codec::damage(bytes, &mut self.random);
                    }
                    let arrival = Arrival { link, packet, is_replay: false };
                    self.schedule(at, Happening::Arrive(to, arrival));
                }
            }
        }
    }

    fn ping(&mut self, node: NodeId) {
        for ping in 0..self.settings.ping_nodes.len() {
            let ping = PingId(u8::try_from(ping).unwrap_or(0));
            let answer = Duration::from_micros(200 + self.random.below(2_000));
            self.after(answer, Happening::PingReply(node, ping));
        }
    }

    /// The executor looks at its permit. The daemon's turn follows.
    pub(super) fn let_go(&mut self, node: NodeId) {
        let now = self.now;
        if self.machine(node).paused_until.is_some() {
            return;
        }
        let (jobs, groups) = self.machine(node).executor.let_go(now);
        for job in jobs {
            let machine = self.machine(node);
            let local = machine.local(now);
            if let Some(cluster) = &mut machine.cluster {
                let outcome = Outcome::Cancelled;
                cluster.handle(local, &Input::JobDone { job, outcome });
            }
        }
        for group in groups {
            self.note(|| format!("{node:?} lets go of {group:?}"));
            let machine = &mut self.machines[node.index()];
            let local = machine.local(now);
            let place = machine.place_of(&self.settings, group);
            if let (Some(cluster), Some(group)) = (&mut machine.cluster, place) {
                cluster.handle(local, &Input::LetGo(group));
            }
        }
    }

    pub(super) fn start_daemon(&mut self, node: NodeId) -> Result<(), Broken> {
        let now = self.now;
        let machine = &mut self.machines[node.index()];
        if !machine.has_power || machine.cluster.is_some() {
            return Ok(());
        }
        machine.start(now, &self.settings, &mut self.random, self.options.remembers);
        if self.random.chance(REPLAY_AT_START_PER_MILLE) {
            self.replay_everything(node);
        }
        #[cfg(feature = "test-hooks")]
        if let (Some(mutation), Some(cluster)) =
            (self.options.mutation, &mut self.machine(node).cluster)
        {
            cluster.mutate(mutation);
        }
        self.note(|| format!("{node:?} starts its daemon"));
        self.tell(node, Input::ExecutorReady)
    }

    /// A machine that stood still goes on: its executor and its daemon, in either order.
    pub(super) fn resume(&mut self, node: NodeId) -> Result<(), Broken> {
        let now = self.now;
        let machine = self.machine(node);
        machine.paused_until = None;
        let patience = machine.settings.deadtime.saturating_sub(machine.settings.keepalive);
        let stood = machine.local(now).since(machine.local(machine.watch.turned_at()));
        if let Some(cluster) = machine.cluster.as_ref().filter(|_| stood >= patience) {
            machine.watch.resumed(now, cluster);
        }
        let executor_first = self.random.chance(500);
        if executor_first {
            self.let_go(node);
        }
        let waiting = std::mem::take(&mut self.machine(node).socket);
        for arrival in &waiting {
            self.hear(node, arrival);
        }
        self.network.interrupt(node);
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        for input in std::mem::take(&mut machine.waiting) {
            if let Some(cluster) = &mut machine.cluster {
                cluster.handle(local, &input);
            }
        }
        self.turn(node)?;
        self.let_go(node);
        self.turn(node)
    }

    /// Lets a fault happen.
    pub(super) fn strike(&mut self, fault: Fault) -> Result<(), Broken> {
        let now = self.now;
        match fault {
            Fault::PowerOff(node, span) => {
                if self.machine(node).has_power {
                    self.power_off(node);
                    self.after(span, Happening::PowerOn(node));
                    self.may_confirm(node)?;
                }
            }
            Fault::Crash(node, span) => {
                let machine = self.machine(node);
                if machine.cluster.take().is_some() {
                    machine.executor.lose_daemon(now);
                    self.network.forget(node);
                    self.after(span, Happening::StartDaemon(node));
                }
            }
            Fault::Stop(node, span) => {
                let order = Input::Order { ticket: Ticket(0), order: Order::Stop };
                self.tell(node, order)?;
                self.after(span, Happening::StartDaemon(node));
            }
            Fault::Pause(node, span) => {
                let until = self.now + span;
                let machine = self.machine(node);
                if machine.has_power && machine.paused_until.is_none() {
                    machine.paused_until = Some(until);
                    self.schedule(until, Happening::Resume(node));
                }
            }
            Fault::ExecutorCrash(node, span) if self.machine(node).is_awake() => {
                self.machine(node).executor.lose_daemon(now);
                self.tell(node, Input::ExecutorGone)?;
                self.after(span, Happening::ExecutorBack(node));
            }
            Fault::Order(node, order) => {
                self.note_order(order);
                self.tell(node, Input::Order { ticket: Ticket(1), order })?;
            }
            Fault::Unplug(node, group, span) => {
                self.tell_carrier(node, group, false)?;
                self.after(span, Happening::PlugIn(node, group));
            }
            Fault::ExecutorCrash(..) => {}
            Fault::Replay(node) => self.replay(node),
            Fault::StepDate(node, seconds) => self.machine(node).clock.step(seconds),
            Fault::Deafen(node, span) => {
                let until = self.now + span;
                self.machine(node).deaf_until = Some(until);
            }
            Fault::CutWay(..) | Fault::CutLink(..) | Fault::Part(..) => self.cut(fault),
            Fault::Ail(node, place, ailment, span) => {
                let until = span.map(|span| now + span);
                self.machine(node).executor.infect(place, ailment, until);
            }
        }
        Ok(())
    }

    fn cut(&mut self, fault: Fault) {
        match fault {
            Fault::CutWay(from, to, link, span) => {
                self.network.cut(from, to, link, self.now + span);
            }
            Fault::CutLink(a, b, link, span) => {
                self.network.cut(a, b, link, self.now + span);
                self.network.cut(b, a, link, self.now + span);
            }
            Fault::Part(a, b, span) => {
                for link in self.network.link_ids() {
                    self.network.cut(a, b, link, self.now + span);
                    self.network.cut(b, a, link, self.now + span);
                }
            }
            Fault::PowerOff(..)
            | Fault::Crash(..)
            | Fault::Stop(..)
            | Fault::Pause(..)
            | Fault::ExecutorCrash(..)
            | Fault::Deafen(..)
            | Fault::Unplug(..)
            | Fault::Order(..)
            | Fault::Replay(..)
            | Fault::StepDate(..)
            | Fault::Ail(..) => {}
        }
    }

    fn replay(&mut self, node: NodeId) {
        if self.recorded.is_empty() {
            return;
        }
        let place = self.random.below(self.recorded.len() as u64);
        let arrival = self.recorded[usize::try_from(place).unwrap_or(0)].clone();
        if arrival.packet.frame.source != node {
            self.after(Duration::from_micros(10), Happening::Arrive(node, arrival));
        }
    }

    /// Plays everything that was recorded to a daemon that has just started.
    fn replay_everything(&mut self, node: NodeId) {
        let others = self.recorded.iter().filter(|arrival| arrival.packet.frame.source != node);
        let others: Vec<Arrival> = others.cloned().collect();
        for (place, arrival) in (1..).zip(others) {
            self.after(REPLAY_GAP * place, Happening::Arrive(node, arrival));
        }
    }

    /// Trouble ends: everything has power, hears and runs.
    pub(super) fn calm(&mut self) -> Result<(), Broken> {
        self.troubled = false;
        self.network.calm();
        for node in self.settings.node_ids() {
            self.machine(node).deaf_until = None;
            if !self.machine(node).has_power {
                self.power_on(node);
            }
            self.after(Duration::from_secs(16), Happening::StartDaemon(node));
        }
        if self.reloads {
            self.publish(None, 5_000);
        }
        self.release_everything()
    }

    /// The administrator mends a machine's resources, and has it try them again.
    pub(super) fn mend(&mut self, at: usize) -> Result<(), Broken> {
        self.nobody_since.fill(None);
        let machine = &mut self.machines[at];
        machine.executor.mend();
        let (node, order) = (machine.id, Order::Retry(None));
        self.tell(node, Input::Order { ticket: Ticket(2), order })?;
        // One that waited for a stop with its own end ends now.
        self.after(REBOOT, Happening::StartDaemon(node));
        Ok(())
    }
}
