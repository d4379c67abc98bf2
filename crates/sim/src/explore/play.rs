//! The world of a scope: two machines, what is in transit between them, and time.

mod act;
mod choices;
mod faults;
mod stand_in;

use super::{Scope, Step};
use crate::clock::{Clock, Clocks};
use crate::laws::{self, Broken, Overlaps};
use crate::machine::{self, Machine};
use crate::network::{Network, Packet};
use crate::services::Services;
use crate::world::small;
use stand_in::StandIn;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;
use systole_core::{
    Cluster, GroupId, GroupSet, Heard, Input, JobId, LinkId, Message, NodeId, Order, Outcome,
    Random, Settings, Ticket, Time, Wording,
};

/// How long a job may take before time waits for its end.
const JOB_MAX: Duration = Duration::from_secs(1);
/// A fair run that takes longer than this counts as endless.
const FAIR_MAX: Duration = Duration::from_mins(1);
const NODES: [NodeId; 2] = [NodeId(0), NodeId(1)];

/// A datagram in transit.
#[derive(Debug)]
struct Flight {
    to: NodeId,
    packet: Packet,
    is_delayed: bool,
}

/// The whole state of a scope at one moment.
#[derive(Debug)]
pub(super) struct Play {
    /// The scope, with the remaining bounds.
    scope: Scope,
    left: Scope,
    settings: Settings,
    /// Each group paired with itself: nothing is reloaded here.
    rivals: Vec<(GroupId, GroupId)>,
    now: Time,
    end: Time,
    machines: Vec<Machine>,
    network: Network,
    overlaps: Overlaps,
    flying: Vec<Flight>,
    jobs: Vec<(NodeId, JobId, Time)>,
    /// The executor of each machine.
    stand_ins: [StandIn; 2],
    /// Whether each daemon lacks an executor.
    without_executor: [bool; 2],
    /// Whether the link carries nothing.
    is_cut: bool,
    /// Whether the interface of the first group lacks a carrier at each node.
    unplugged: [bool; 2],
    /// For each machine, a hash of everything that it has sent.
    sent: [u64; 2],
}

/// Hashes what is written to it.
struct Digest(DefaultHasher);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

fn digest(value: &impl fmt::Debug) -> u64 {
    let mut digest = Digest(DefaultHasher::new());
    // Writing to a hash does not fail.
    let _ = write!(digest, "{value:?}");
    digest.0.finish()
}

impl Play {
    /// Makes two nodes that have started and come to rest.
    pub(super) fn at_rest(scope: Scope) -> Result<Self, Broken> {
        let settings = small(scope.groups, scope.failback);
        let random = &mut Random::new(0);
        let machines = NODES.map(|id| {
            let services = Services::new(&settings, random, 0);
            let clock = Clock::new(Clocks::Drawn, 0, 0, random);
            Machine::new(id, Settings { me: id, ..settings.clone() }, services, clock)
        });
        let mut play = Self {
            scope,
            left: scope,
            network: Network::new(NODES.len(), 1, 0, random),
            overlaps: Overlaps::default(),
            rivals: settings.group_ids().map(|group| (group, group)).collect(),
            settings,
            now: Time::START,
            end: Time::START,
            machines: machines.into(),
            flying: Vec::new(),
            jobs: Vec::new(),
            stand_ins: Default::default(),
            without_executor: [false; 2],
            is_cut: false,
            unplugged: [false; 2],
            sent: [0; 2],
        };
        play.end_fairly()?;
        play.end = play.now + scope.horizon;
        Ok(play)
    }

    /// Returns a hash that distinguishes this state from others.
    pub(super) fn digest(&self) -> u64 {
        let machines = self.machines.iter().map(|machine| {
            let stored = (&machine.disk.terms, &machine.disk.peers);
            let power = (machine.has_power, machine.paused_until);
            (&machine.cluster, &machine.services, power, machine.generation(), stored)
        });
        let machines: Vec<_> = machines.collect();
        let lacks = (self.without_executor, self.unplugged, self.is_cut);
        let under_way = (&self.flying, &self.jobs, &self.stand_ins, lacks, &self.overlaps);
        digest(&(machines, under_way, &self.network, self.left, self.now, self.sent))
    }

    /// Takes a possible step.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Broken> {
        match step {
            Step::Deliver(node) => self.deliver(node, false)?,
            Step::DeliverLate(node) => self.deliver(node, true)?,
            Step::Lose(node) => {
                self.left.losses -= 1;
                self.first(node, false).map(|place| self.flying.remove(place));
            }
            Step::Delay(node) => {
                self.left.delays -= 1;
                if let Some(place) = self.first(node, false) {
                    self.flying[place].is_delayed = true;
                }
            }
            Step::Succeed(node) => self.end_job(node, true)?,
            Step::Fail(node) => {
                self.left.failures -= 1;
                self.end_job(node, false)?;
            }
            Step::Pass => self.pass()?,
            Step::Kill(node) => {
                self.left.crashes -= 1;
                self.kill(node);
            }
            Step::Restart(node) => {
                self.left.restarts -= 1;
                self.kill(node);
                self.start(node)?;
            }
            Step::Cut => {
                self.left.cuts -= 1;
                self.is_cut = true;
                self.flying.clear();
            }
            Step::Heal => self.is_cut = false,
            Step::PowerOff(node) => {
                self.left.crashes -= 1;
                let machine = &mut self.machines[node.index()];
                machine.has_power = false;
                machine.cluster = None;
                machine.services.power_off();
                self.stand_ins[node.index()].power_off();
                self.forget(node);
            }
            Step::Start(node) => self.start(node)?,
            Step::KillExecutor(node) => self.kill_executor(node)?,
            Step::ExecutorBack(node) => self.bring_executor(node)?,
            Step::Unplug(node) => {
                self.left.unplugs -= 1;
                self.plug(node, false)?;
            }
            Step::PlugIn(node) => self.plug(node, true)?,
            Step::Pause(node) => {
                self.left.pauses -= 1;
                let machine = &mut self.machines[node.index()];
                machine.paused_until = Some(Time::from_nanos(u64::MAX));
            }
            Step::Resume(node) => self.resume(node, false)?,
            Step::ResumeExecutor(node) => self.resume(node, true)?,
            Step::Stop(node) => self.order(node, Order::Stop)?,
            Step::Standby(node) => self.order(node, Order::Standby(GroupSet::All))?,
            Step::Takeover(node) => self.order(node, Order::Takeover(GroupSet::All))?,
        }
        self.network.watch(self.now, self.settings.deadtime);
        let world = (&self.settings, &self.rivals[..]);
        self.machines.iter_mut().for_each(|machine| machine.services.note(self.now));
        self.overlaps.check(self.now, world, &self.machines, &self.network)
    }

    /// Repairs everything and continues fairly, until every group has one owner.
    pub(super) fn end_fairly(&mut self) -> Result<(), Broken> {
        let limit = self.now + FAIR_MAX;
        loop {
            let rests = |node: &NodeId| self.machines[node.index()].paused_until.is_some();
            let resting = NODES.into_iter().find(rests);
            let down = NODES.into_iter().find(|n| self.machines[n.index()].cluster.is_none());
            let idle = NODES.into_iter().find(|node| self.without_executor[node.index()]);
            let unplugged = NODES.into_iter().find(|node| self.unplugged[node.index()]);
            let late = NODES.into_iter().find(|node| self.first(*node, true).is_some());
            let flying = NODES.into_iter().find(|node| self.first(*node, false).is_some());
            let working = NODES.into_iter().find(|node| self.job(*node).is_some());
            if let Some(node) = resting {
                self.take(Step::Resume(node))?;
            } else if let Some(node) = down {
                self.take(Step::Start(node))?;
            } else if let Some(node) = idle {
                self.take(Step::ExecutorBack(node))?;
            } else if self.is_cut {
                self.take(Step::Heal)?;
            } else if let Some(node) = unplugged {
                self.take(Step::PlugIn(node))?;
            } else if let Some(node) = late {
                self.take(Step::DeliverLate(node))?;
            } else if let Some(node) = flying {
                self.take(Step::Deliver(node))?;
            } else if let Some(node) = working {
                self.take(Step::Succeed(node))?;
            } else {
                let settled = self.settled();
                if settled.is_ok() || self.now >= limit {
                    return settled;
                }
                self.take(Step::Pass)?;
            }
        }
    }

    /// Checks that both nodes are at rest, and every group has one owner that both know about.
    fn settled(&self) -> Result<(), Broken> {
        laws::one_owner(self.now, &self.settings, &self.machines)?;
        laws::agreement(self.now, &self.settings, &self.machines)?;
        let clusters = self.machines.iter().filter_map(|machine| machine.cluster.as_ref());
        let is_stable =
            clusters.map(|it| it.snapshot(&Wording::FACTS)).all(|snapshot| snapshot.stable);
        let what = "a node does not come to rest".to_owned();
        is_stable.then_some(()).ok_or(Broken { law: "ONE OWNER SOON", what, at: self.now })
    }

    fn first(&self, to: NodeId, is_delayed: bool) -> Option<usize> {
        self.flying.iter().position(|flight| flight.to == to && flight.is_delayed == is_delayed)
    }

    fn job(&self, node: NodeId) -> Option<usize> {
        self.jobs.iter().position(|job| job.0 == node)
    }

    fn forget(&mut self, node: NodeId) {
        self.network.forget(node);
        self.jobs.retain(|job| job.0 != node);
    }

    fn order(&mut self, node: NodeId, order: Order) -> Result<(), Broken> {
        self.left.orders -= 1;
        self.tell(node, &Input::Order { ticket: Ticket(0), order })
    }

    fn kill(&mut self, node: NodeId) {
        let machine = &mut self.machines[node.index()];
        machine.cluster = None;
        self.stand_ins[node.index()].lose_daemon(&mut machine.services);
        self.forget(node);
    }

    fn start(&mut self, node: NodeId) -> Result<(), Broken> {
        self.without_executor[node.index()] = false;
        self.unplugged[node.index()] = false;
        let machine = &mut self.machines[node.index()];
        machine.has_power = true;
        let random = &mut Random::new(machine.generation() * 2 + u64::from(node.0));
        let ledger = stand_in::ledger(machine);
        machine.start(self.now, random, true, &ledger);
        self.sent[node.index()] = 0;
        self.greet(node)
    }

    fn deliver(&mut self, node: NodeId, is_delayed: bool) -> Result<(), Broken> {
        self.hear(node, is_delayed);
        self.turn(node)
    }

    /// Delivers the oldest datagram to a daemon, and then takes a turn of the daemon.
    fn hear(&mut self, node: NodeId, is_delayed: bool) {
        let Some(place) = self.first(node, is_delayed) else { return };
        let Packet { frame, sent, .. } = self.flying.remove(place).packet;
        if self.machines[node.index()].cluster.is_none() {
            return;
        }
        let sender = &self.machines[frame.source.index()];
        let outgoing = &frame.outgoing;
        let is_status = matches!(outgoing.message, Message::Status { .. });
        if is_status && sender.generation() == frame.generation && sender.cluster.is_some() {
            let sequence = outgoing.sequence.unwrap_or(0);
            self.network.record_delivery(self.now, (frame.source, node), sent, sequence);
        }
        let settings = self.settings.clone();
        let heard = Heard {
            link: LinkId(0),
            source: settings.name(frame.source),
            source_uuid: Some(machine::uuid(frame.source)),
            dest: outgoing.dest.map(|dest| settings.name(dest)),
            dest_uuid: outgoing.dest_uuid,
            generation: frame.generation,
            sequence: outgoing.sequence,
            unix_time: frame.date,
            message: &outgoing.message,
            beat: frame.beat.as_ref(),
        };
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.handle(local, &Input::Heard(heard));
        }
    }

    fn end_job(&mut self, node: NodeId, succeeds: bool) -> Result<(), Broken> {
        let Some(place) = self.job(node) else { return Ok(()) };
        let (_, job, _) = self.jobs.remove(place);
        let services = &mut self.machines[node.index()].services;
        let executor = &mut self.stand_ins[node.index()];
        let outcome = if succeeds {
            executor.end(job, services)
        } else {
            executor.cancel(job, services).map(|_| Outcome::Failed(1))
        };
        outcome.map_or(Ok(()), |outcome| self.tell(node, &Input::JobDone { job, outcome }))
    }

    /// Advances the time to the next moment at which a daemon wakes or a permit ends.
    fn pass(&mut self) -> Result<(), Broken> {
        let awake = self.machines.iter().filter(|machine| machine.paused_until.is_none());
        let dues = awake.flat_map(|machine| {
            let wake = machine.wake();
            wake.into_iter().chain(self.stand_ins[machine.id.index()].permit_until)
        });
        let Some(due) = dues.min() else {
            self.now = self.end;
            return Ok(());
        };
        self.now = self.now.max(due);
        self.network.watch(self.now, self.settings.deadtime);
        for node in NODES {
            if self.machines[node.index()].paused_until.is_some() {
                continue;
            }
            self.let_go(node)?;
            if self.machines[node.index()].wake().is_some_and(|wake| wake <= self.now) {
                self.turn(node)?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, node: NodeId, input: &Input<'_>) -> Result<(), Broken> {
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        let Some(cluster) = &mut machine.cluster else { return Ok(()) };
        cluster.handle(local, input);
        self.turn(node)
    }

    fn turn(&mut self, node: NodeId) -> Result<(), Broken> {
        let machine = &mut self.machines[node.index()];
        let local = machine.local(self.now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.elapse(local);
        }
        while let Some(output) =
            self.machines[node.index()].cluster.as_mut().and_then(Cluster::poll)
        {
            self.act(node, output)?;
        }
        Ok(())
    }
}
