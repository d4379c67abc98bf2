//! Faults that happen to the machines, and how they end.

use super::{Arrival, Happening, REBOOT, World};
use crate::fault::{self, Deed, Fault};
use crate::host::{Hindrance, Host};
use crate::laws::Broken;
use std::time::Duration;
use systole_core::{Group, GroupId, Input, NodeId, Order, Ticket};

/// How many of a thousand faults in a sickly world make a resource sick.
const AILMENTS_PER_MILLE: u64 = 300;
/// How many of a thousand faults are the death of a service, where services are checked.
const DEATHS_PER_MILLE: u64 = 400;
/// How many of a thousand faults in a frail world concern executors, or what they need.
const HINDRANCES_PER_MILLE: u64 = 300;
/// How many of a thousand faults are changes of haresources, where it changes.
const EDITS_PER_MILLE: u64 = 250;
/// How long hanging programs take at most to end when what they waited for is there.
const MENDING: Duration = Duration::from_secs(2);
/// The time between two replayed recordings.
const REPLAY_GAP: Duration = Duration::from_micros(300);

impl World {
    /// Draws the next fault, and lets it happen.
    pub(super) fn next_fault(&mut self) -> Result<(), Broken> {
        if !self.troubled {
            return Ok(());
        }
        let wait = Duration::from_millis(200 + self.random.below(12_000));
        self.after(wait, Happening::Fault);
        self.summary.faults += 1;
        self.nobody_since.fill(None);
        let links = self.settings.links.len();
        let counts = (self.machines.len(), links, self.settings.groups.len());
        let edits = self.reloads && self.random.chance(EDITS_PER_MILLE);
        if edits {
            self.summary.count("edits");
            let first = self.random.below(self.machines.len() as u64);
            self.edit(NodeId(u8::try_from(first).unwrap_or(0)));
            return Ok(());
        }
        if self.kills > 0 && self.random.chance(self.kills) {
            let fault = fault::draw_kill(&mut self.random, counts.0);
            self.note(|| format!("{fault:?}"));
            self.summary.count(fault.name());
            return self.strike(fault);
        }
        if self.options.checks && self.random.chance(DEATHS_PER_MILLE) {
            let fault = fault::draw_death(&mut self.random, &self.settings);
            self.note(|| format!("{fault:?}"));
            self.summary.count(fault.name());
            return self.strike(fault);
        }
        let has_ailments = self.sickly || self.patient;
        let fault = if has_ailments && self.random.chance(AILMENTS_PER_MILLE) {
            fault::draw_ailment(&mut self.random, &self.settings, self.patient)
        } else if self.frail && self.random.chance(HINDRANCES_PER_MILLE) {
            fault::draw_hindrance(&mut self.random, (counts.0, counts.2))
        } else {
            fault::draw(&mut self.random, counts, self.orders)
        };
        self.note(|| format!("{fault:?}"));
        self.summary.count(fault.name());
        self.strike(fault)
    }

    /// Lets a fault happen.
    pub(super) fn strike(&mut self, fault: Fault) -> Result<(), Broken> {
        let now = self.now;
        if fault.node().is_some_and(|node| self.is_classic(node)) {
            self.strike_classic(fault);
            return Ok(());
        }
        match fault {
            Fault::PowerOff(node, span) => {
                if self.machine(node).has_power {
                    self.power_off(node);
                    self.after(span, Happening::PowerOn(node));
                    self.may_confirm(node)?;
                }
            }
            Fault::Crash(node, span) | Fault::Restart(node, span) => self.crash(node, span)?,
            Fault::Lose(node, loss, span) => {
                self.crash(node, span)?;
                self.machine(node).lose_state(loss);
            }
            Fault::PartAnd(node, other, span, (wait, deed)) => {
                self.cut(Fault::Part(node, other, span));
                self.after(wait, Happening::Deed(node, deed));
            }
            Fault::Stop(node, span) => {
                self.machine(node).watch.told_to_stop();
                self.tell(node, Input::Order { ticket: Ticket(0), order: Order::Stop })?;
                self.after(span, Happening::StartDaemon(node));
            }
            Fault::Pause(node, span) => {
                let until = self.now + span;
                let machine = self.machine(node);
                if machine.has_power && machine.paused_until.is_none() {
                    machine.paused_until = Some(until);
                    machine.forget_permit();
                    self.hosts[node.index()].stand_still(span);
                    self.schedule(until, Happening::Resume(node));
                }
            }
            Fault::KillAll(node, span) => self.kill_all(node, span)?,
            Fault::ExecutorCrash(node, span) if self.machine(node).is_awake() => {
                self.hosts[node.index()].bar(now + span);
                self.machine(node).hinder(now + span);
                self.lose_executor(node, span)?;
                self.turn(node)?;
            }
            Fault::Freeze(node, span) => {
                self.machine(node).hinder(now + span);
                self.machine(node).forget_permit();
                self.hosts[node.index()].freeze(now + span);
            }
            Fault::RestartBesideFrozen(node, span) => {
                self.strike(Fault::Freeze(node, span))?;
                self.crash(node, Duration::from_millis(1))?;
            }
            Fault::Hinder(node, hindrance, span) => self.hinder(node, hindrance, span),
            Fault::Remove(node, group) => self.remove_addresses(node, group, Some("networkctl"))?,
            Fault::Vanish(node, group, span) => self.vanish(node, group, span)?,
            Fault::Order(node, order) => {
                self.record_order(order);
                if let Some(order) = self.as_given_to(node, order) {
                    self.tell(node, Input::Order { ticket: Ticket(1), order })?;
                }
            }
            Fault::Unplug(node, group, span) => {
                self.plug(node, group, false)?;
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
            Fault::Die(node, group, resource) => self.die(node, group, resource)?,
            Fault::Ail(node, place, ailment, span) => {
                self.machine(node).services.infect(place, ailment, span.map(|span| now + span));
            }
        }
        Ok(())
    }

    /// A main process of a service ends, and with it the service. What is being started or stopped, or has an
    /// address in its place, survives that. Of every other service the executor learns of the end.
    fn die(&mut self, node: NodeId, group: GroupId, resource: usize) -> Result<(), Broken> {
        let Group { key, resources, .. } = &self.settings.groups[group.index()];
        let (key, word) = (*key, resources[resource].word.clone());
        let is_service = !resources[resource].is_address();
        let services = &mut self.machine(node).services;
        if is_service && services.runs_whole(group) && !services.is_at_work(group) {
            services.die(group, resource);
        }
        let is_watched = (group.index() + resource).is_multiple_of(2);
        if !is_watched || self.machine(node).paused_until.is_some() {
            return Ok(());
        }
        let is_crash = self.random.chance(500);
        self.with_host(node, |host, around| host.end_process(around, key, word, is_crash))
    }

    /// Returns an order with the number that a daemon has for its group. A person names the group; a group
    /// that the daemon does not know cannot be ordered.
    fn as_given_to(&self, node: NodeId, order: Order) -> Option<Order> {
        let place = |group| self.machines[node.index()].place_of(&self.settings, group);
        Some(match order {
            Order::StandbyGroup(group) => Order::StandbyGroup(place(group)?),
            Order::TakeoverGroup(group) => Order::TakeoverGroup(place(group)?),
            Order::Retry(Some(group)) => Order::Retry(Some(place(group)?)),
            Order::Hold(Some(group), span) => Order::Hold(Some(place(group)?), span),
            Order::Release(Some(group)) => Order::Release(Some(place(group)?)),
            Order::Standby(_)
            | Order::Takeover(_)
            | Order::ForgetPeer(_)
            | Order::Retry(None)
            | Order::ConfirmDead(_)
            | Order::Hold(None, _)
            | Order::Release(None)
            | Order::Stop => order,
        })
    }

    /// Lets something that a machine's executor needs fail for a while.
    fn hinder(&mut self, node: NodeId, hindrance: Hindrance, span: Duration) {
        let now = self.now;
        self.machine(node).hinder(now + span);
        self.hosts[node.index()].hinder(hindrance, now + span);
        if hindrance == Hindrance::Renewals {
            self.machine(node).services.refuse_renewals(now + span);
        }
    }

    /// Lets something happen to a machine that is cut off, or was cut off until a moment ago.
    pub(super) fn deed(&mut self, node: NodeId, deed: Deed) -> Result<(), Broken> {
        self.nobody_since.fill(None);
        let fault = match deed {
            Deed::Reload => {
                if self.reloads {
                    self.edit(node);
                }
                return Ok(());
            }
            Deed::Stop(span) => Fault::Stop(node, span),
            Deed::PowerOff(span) => Fault::PowerOff(node, span),
            Deed::Restart(span) => Fault::Restart(node, span),
            Deed::Lose(loss, span) => Fault::Lose(node, loss, span),
        };
        self.note(|| format!("{fault:?}"));
        self.strike(fault)
    }

    /// Kills a daemon, and starts it again after this time.
    fn crash(&mut self, node: NodeId, span: Duration) -> Result<(), Broken> {
        if self.machine(node).cluster.is_none() {
            return Ok(());
        }
        self.kill_daemon(node)?;
        self.after(span, Happening::StartDaemon(node));
        Ok(())
    }

    /// Kills daemon and executor. No other executor is started before the daemon is back.
    fn kill_all(&mut self, node: NodeId, span: Duration) -> Result<(), Broken> {
        self.crash(node, span)?;
        self.machine(node).forget_permit();
        self.with_host(node, Host::kill)
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
            | Fault::Restart(..)
            | Fault::Lose(..)
            | Fault::PartAnd(..)
            | Fault::Stop(..)
            | Fault::Pause(..)
            | Fault::KillAll(..)
            | Fault::ExecutorCrash(..)
            | Fault::Freeze(..)
            | Fault::RestartBesideFrozen(..)
            | Fault::Hinder(..)
            | Fault::Remove(..)
            | Fault::Vanish(..)
            | Fault::Deafen(..)
            | Fault::Unplug(..)
            | Fault::Order(..)
            | Fault::Replay(..)
            | Fault::StepDate(..)
            | Fault::Die(..)
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

    /// Replays every recording to a daemon that has just started.
    pub(super) fn replay_everything(&mut self, node: NodeId) {
        let others = self.recorded.iter().filter(|arrival| arrival.packet.frame.source != node);
        let others: Vec<Arrival> = others.cloned().collect();
        for (place, arrival) in (1..).zip(others) {
            self.after(REPLAY_GAP * place, Happening::Arrive(node, arrival));
        }
    }

    /// Ends the trouble: everything has power, hears and runs.
    pub(super) fn calm(&mut self) -> Result<(), Broken> {
        self.troubled = false;
        self.network.calm(self.now);
        for node in self.settings.node_ids() {
            let now = self.now;
            self.hosts[node.index()].calm(now);
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

    /// Repairs all resources, and tries them again when hanging programs have ended.
    pub(super) fn mend(&mut self) -> Result<(), Broken> {
        for node in self.settings.node_ids() {
            self.with_host(node, Host::mend)?;
        }
        self.run_until(self.now + MENDING)?;
        self.nobody_since.fill(None);
        for node in self.settings.node_ids() {
            self.machine(node).services.forget_sickness();
            let order = Order::Retry(None);
            self.tell(node, Input::Order { ticket: Ticket(2), order })?;
            // A daemon that waited for a stop before its own end now ends.
            self.after(REBOOT, Happening::StartDaemon(node));
        }
        Ok(())
    }
}
