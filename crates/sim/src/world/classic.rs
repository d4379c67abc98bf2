//! A machine whose daemon is that of a C node; it takes the place of the second machine.

use super::{Arrival, Happening, SOCKET_MAX, World};
use crate::classic::{Classic, Effect, TICK};
use crate::fault::Fault;
use crate::network::{Frame, Packet};
use std::rc::Rc;
use std::time::Duration;
use systole_core::{Failback, GroupId, Message, NodeId, Order, Outgoing, Settings};

/// The C node.
const CLASSIC: NodeId = NodeId(1);
/// How long it stays stopped after it was told to stop.
const STOPPED: Duration = Duration::from_secs(3);

/// Returns settings that Systole and a C node can both have.
pub(super) fn common(settings: Settings) -> Settings {
    let failback = match settings.failback {
        Failback::On | Failback::After(_) => Failback::On,
        Failback::Off | Failback::Manual | Failback::Legacy => Failback::Off,
    };
    let group_failback = Vec::new();
    Settings { failback, group_failback, hold_down: None, ipfail: false, ..settings }
}

impl World {
    /// Returns whether a machine is a C node.
    pub(super) fn is_classic(&self, node: NodeId) -> bool {
        self.machines[node.index()].is_classic
    }

    /// Returns whether any daemon runs on a machine.
    pub(super) fn has_daemon(&self, node: NodeId) -> bool {
        let is_classic = self.is_classic(node);
        if is_classic {
            self.classic.is_some()
        } else {
            self.machines[node.index()].cluster.is_some()
        }
    }

    pub(super) fn start_classic(&mut self) {
        if self.classic.is_some() || !self.machine(CLASSIC).has_power {
            return;
        }
        let now = self.now;
        self.machine(CLASSIC).start_classic(now);
        self.network.forget(CLASSIC);
        let services = &self.machines[CLASSIC.index()].services;
        let runs = self.settings.group_ids().filter(|group| services.runs(*group)).collect();
        let failback = self.settings.failback == Failback::On;
        let daemon = Classic::new(
            now,
            (CLASSIC, NodeId(0)),
            &self.settings,
            (failback, self.classic_pace),
            runs,
        );
        self.classic = Some(daemon);
        self.note(|| format!("{CLASSIC:?} starts its daemon of the classic line"));
        let generation = self.machine(CLASSIC).generation();
        self.after(Duration::ZERO, Happening::ClassicTick(generation));
    }

    /// Lets the daemon of the C node check its timers.
    pub(super) fn tick_classic(&mut self, generation: u64) {
        let now = self.now;
        if self.machine(CLASSIC).generation() != generation {
            return;
        }
        let Some(daemon) = &mut self.classic else { return };
        if self.machines[CLASSIC.index()].paused_until.is_none() {
            daemon.tick(now);
            self.act_classic();
        }
        self.after(TICK, Happening::ClassicTick(generation));
    }

    pub(super) fn arrive_classic(&mut self, arrival: Arrival) {
        if arrival.is_replay || self.classic.is_none() {
            return;
        }
        let machine = self.machine(CLASSIC);
        if machine.paused_until.is_some() {
            if machine.socket.len() < SOCKET_MAX {
                machine.socket.push(arrival);
            }
            return;
        }
        self.record_delivery(CLASSIC, &arrival.packet);
        let now = self.now;
        if let Some(daemon) = &mut self.classic {
            daemon.hear(now, &arrival.packet.frame);
        }
        self.act_classic();
    }

    /// Lets the machine continue: messages that waited are heard first.
    pub(super) fn resume_classic(&mut self) {
        let machine = self.machine(CLASSIC);
        machine.paused_until = None;
        for arrival in std::mem::take(&mut machine.socket) {
            self.arrive_classic(arrival);
        }
        self.network.interrupt(self.now, CLASSIC);
    }

    fn act_classic(&mut self) {
        let lets_go = self.classic.as_ref().is_some_and(Classic::lets_go);
        let since = self.machine(CLASSIC).lets_go_since.unwrap_or(self.now);
        self.machine(CLASSIC).lets_go_since = lets_go.then_some(since);
        while let Some(effect) = self.classic.as_mut().and_then(Classic::poll) {
            match effect {
                Effect::Send(outgoing) => self.send_classic(outgoing),
                Effect::Resend(sequence) => self.resend_classic(sequence),
                Effect::Start(group) => {
                    self.summary.starts += 1;
                    self.run_classic(group, true);
                }
                Effect::Stopped(group) => self.run_classic(group, false),
                Effect::End(again) => {
                    self.note(|| format!("{CLASSIC:?} ends, and starts anew after {again:?}"));
                    self.classic = None;
                    self.network.forget(CLASSIC);
                    self.after(again.unwrap_or(STOPPED), Happening::StartDaemon(CLASSIC));
                }
            }
        }
    }

    fn run_classic(&mut self, group: GroupId, runs: bool) {
        self.note(|| format!("{CLASSIC:?} has {group:?} running: {runs}"));
        let count = self.settings.groups[group.index()].resources.len();
        for place in 0..count {
            self.machine(CLASSIC).services.set_running(group, place, runs);
        }
    }

    fn send_classic(&mut self, outgoing: Outgoing) {
        let is_talk = !matches!(outgoing.message, Message::Status { .. } | Message::Ack { .. });
        if is_talk {
            self.note(|| format!("{CLASSIC:?} sends {:?}", outgoing.message));
        }
        let machine = &self.machines[CLASSIC.index()];
        let (generation, date) = (machine.generation(), machine.clock.date(self.now));
        let frame = Rc::new(Frame { source: CLASSIC, generation, outgoing, beat: None, date });
        let packet = Packet { frame, sent: self.now, bytes: None };
        if packet.frame.outgoing.sequence.is_some() {
            self.machine(CLASSIC).keep(packet.clone());
        }
        self.carry(CLASSIC, &packet);
    }

    fn resend_classic(&mut self, sequence: u64) {
        if let Some(packet) = self.machine(CLASSIC).kept(sequence) {
            // A node that sends the message again is alive.
            let packet = Packet { sent: self.now, ..packet };
            return self.carry(CLASSIC, &packet);
        }
        let message = Message::Nak { sequence, too_low: true };
        let (dest, made) = (Some(NodeId(0)), self.now);
        self.send_classic(Outgoing { message, dest, dest_uuid: None, sequence: None, made });
    }

    /// Lets a fault happen to the C node. A killed daemon would leave running what it runs, and no node could
    /// know about it: therefore its machine loses power instead.
    pub(super) fn strike_classic(&mut self, fault: Fault) {
        let now = self.now;
        match fault {
            Fault::PowerOff(_, span)
            | Fault::Crash(_, span)
            | Fault::KillAll(_, span)
            | Fault::Lose(_, _, span) => {
                self.classic = None;
                self.power_off(CLASSIC);
                self.after(span, Happening::PowerOn(CLASSIC));
            }
            Fault::Stop(..) | Fault::Restart(..) => {
                if let Some(daemon) = &mut self.classic {
                    daemon.stop();
                }
            }
            Fault::Pause(_, span) => {
                let machine = self.machine(CLASSIC);
                if machine.has_power && machine.paused_until.is_none() {
                    machine.paused_until = Some(now + span);
                    self.schedule(now + span, Happening::Resume(CLASSIC));
                }
            }
            Fault::Order(_, Order::Standby(hold)) => {
                let order = Order::Standby(hold);
                self.record_order(order);
                if let Some(daemon) = &mut self.classic {
                    daemon.order_standby(now, hold);
                }
                self.act_classic();
            }
            Fault::PartAnd(..)
            | Fault::ExecutorCrash(..)
            | Fault::Freeze(..)
            | Fault::RestartBesideFrozen(..)
            | Fault::Hinder(..)
            | Fault::Remove(..)
            | Fault::Vanish(..)
            | Fault::CutWay(..)
            | Fault::CutLink(..)
            | Fault::Part(..)
            | Fault::Deafen(..)
            | Fault::Unplug(..)
            | Fault::Order(..)
            | Fault::StepDate(..)
            | Fault::Replay(_)
            | Fault::Die(..)
            | Fault::Ail(..) => {}
        }
    }
}
