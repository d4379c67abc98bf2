//! A world from one seed.

mod act;
mod classic;
mod executors;
mod fencing;
mod guard;
mod hands;
mod hear;
mod hold;
mod life;
mod make;
mod options;
mod reload;
mod sending;
mod strike;
mod times;

pub use fencing::Fences;
pub(crate) use make::small;
pub use options::{Options, Summary};

use crate::classic::Classic;
use crate::codec::Codec;
use crate::fault::Deed;
use crate::host::Host;
use crate::laws::{self, Broken, Overlaps};
use crate::machine::Machine;
use crate::network::{Network, Packet};
use fencing::Shot;
use reload::Edition;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use systole_core::{
    Cluster, Group, GroupId, Input, LinkId, Mac, NodeId, PingId, Random, Settings, Time,
};

/// A world never takes this many steps without time passing.
const STEPS_MAX: u32 = 10_000;
/// A daemon that is woken this often without time passing does not come to rest.
const WAKES_MAX: u32 = 1_000;
/// How long a machine that reboots itself takes to be up again.
pub(crate) const REBOOT: Duration = Duration::from_secs(10);
/// The number of lines of a diary.
const DIARY_MAX: usize = 400;
/// How many recorded datagrams are kept for a replay.
const RECORDED_MAX: usize = 64;
/// How many datagrams can wait in a socket.
pub(crate) const SOCKET_MAX: usize = 250;

/// A datagram that arrives at a machine.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    link: LinkId,
    packet: Packet,
    /// Whether it was recorded and is sent again.
    is_replay: bool,
}

#[derive(Debug, Clone)]
enum Happening {
    Arrive(NodeId, Arrival),
    PingReply(NodeId, PingId),
    Fault,
    PowerOn(NodeId),
    StartDaemon(NodeId),
    Resume(NodeId),
    Deed(NodeId, Deed),
    ExecutorBack(NodeId),
    PlugIn(NodeId, GroupId),
    Reload(NodeId, Edition),
    Shot(Shot),
    ShotAnswered(Shot),
    ClassicTick(u64),
    Answered(NodeId, GroupId, Mac),
}

/// Machines, a network between them, and time.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a world")]
pub struct World {
    options: Options,
    settings: Settings,
    random: Random,
    now: Time,
    count: u64,
    queue: BTreeMap<(Time, u64), Happening>,
    machines: Vec<Machine>,
    /// The executor of each machine.
    hosts: Vec<Host>,
    network: Network,
    codec: Codec,
    recorded: Vec<Arrival>,
    orders: bool,
    /// Whether haresources changes, and, if the options say so, the times in ha.cf.
    reloads: bool,
    /// The latest haresources, and the groups of the previous one.
    edition: Edition,
    earlier: Vec<Group>,
    /// Former dead times, each with the moment until which some node may use it.
    former: Vec<(Time, Duration)>,
    /// The daemon of the C node, while it runs, and how long its scripts take.
    classic: Option<Classic>,
    classic_pace: Duration,
    /// Pairs of groups that share a resource, each group with itself included.
    rivals: Vec<(GroupId, GroupId)>,
    /// Whether resources become sick.
    sickly: bool,
    /// Whether executors are paused, or lack what they need.
    frail: bool,
    /// How many of a thousand faults kill a daemon and its executor.
    kills: u64,
    /// Whether agents may be slow, and some of them are.
    patient: bool,
    /// Whether questions about addresses pass where beats do not.
    arp_passes: bool,
    /// How services are checked, if they are.
    monitor: Option<systole_core::Monitor>,
    troubled: bool,
    /// The only machine that has power, and since when its daemon takes part alone.
    alone: Option<(NodeId, Time)>,
    /// When the administrator last ordered that groups move, or that they do not.
    ordered: Option<Time>,
    /// For each group, the machine that last ran all of it.
    ran_last: Vec<(GroupId, NodeId)>,
    /// The groups that run twice because no node could know about it.
    overlaps: Overlaps,
    /// Since when each group has no owner, although nothing has happened that could be the reason.
    nobody_since: Vec<Option<Time>>,
    /// How many steps were taken without time passing.
    rests: u32,
    summary: Summary,
    /// The latest events in words, if they are wanted.
    diary: Option<VecDeque<String>>,
}

impl World {
    /// Adds a line to the diary of [`World::run_with_diary`].
    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(diary) = &mut self.diary {
            if diary.len() == DIARY_MAX {
                diary.pop_front();
            }
            let at = Duration::from_nanos(self.now.as_nanos());
            diary.push_back(format!("{at:>14.6?} {}", line()));
        }
    }

    /// Runs as [`World::run`] does; a broken law is returned with the events that led to it.
    ///
    /// # Errors
    ///
    /// The first law that was broken, and the diary up to it.
    pub fn run_with_diary(mut self) -> Result<Summary, (Broken, Vec<String>)> {
        self.diary = Some(VecDeque::new());
        match self.live() {
            Ok(summary) => Ok(summary),
            Err(broken) => Err((broken, self.diary.take().unwrap_or_default().into())),
        }
    }

    /// Runs the world to its end: a start, trouble, calm.
    ///
    /// # Errors
    ///
    /// The first law that was broken.
    pub fn run(mut self) -> Result<Summary, Broken> {
        self.live()
    }

    /// Runs until a moment of the world's time.
    ///
    /// # Errors
    ///
    /// The first law that was broken.
    pub fn run_until(&mut self, end: Time) -> Result<(), Broken> {
        while self.step(end)? {}
        self.now = end;
        Ok(())
    }

    /// Returns the time of the world's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Returns the settings of its machines, except `me`.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Jumps to the next event before `end`, and handles it.
    fn step(&mut self, end: Time) -> Result<bool, Broken> {
        let queued = self.queue.keys().next().map(|(time, _)| *time);
        let wakes = self.machines.iter().filter_map(|machine| Some((machine.wake()?, machine.id)));
        let wake = wakes.min();
        let executor = self.next_executor();
        let wakes = wake.into_iter().chain(executor).map(|(time, _)| time);
        let next = queued.into_iter().chain(wakes).min();
        let Some(next) = next.filter(|next| *next < end) else { return Ok(false) };
        self.rests = if next > self.now { 0 } else { self.rests + 1 };
        if self.rests > STEPS_MAX {
            let what = "something happens again and again, and no time passes".to_owned();
            return Err(Broken { law: "BOUND", what, at: self.now });
        }
        self.now = self.now.max(next);
        self.summary.steps += 1;
        let patience = self.patience();
        self.network.watch(self.now, patience);
        if queued == Some(next) {
            let (_, happening) = self.queue.pop_first().expect("it was just looked at");
            self.happen(happening)?;
        } else if let Some((_, node)) = wake.filter(|(time, _)| *time == next) {
            self.check_rest(node)?;
            self.turn(node)?;
        } else if let Some((_, node)) = executor {
            self.tend_executor(node)?;
            if self.read_executor(node) {
                self.turn(node)?;
            }
        }
        let world = (&self.settings, &self.rivals[..]);
        self.machines.iter_mut().for_each(|machine| machine.services.note(self.now));
        self.overlaps.check(self.now, world, &self.machines, &self.network)?;
        self.alone = laws::alone_owns(self.now, world, &self.machines, &self.network, self.alone)?;
        let nobody = &mut self.nobody_since;
        laws::together_own(self.now, &self.settings, &self.machines, &self.network, nobody)?;
        Ok(true)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Arrive(node, arrival) => self.arrive(node, arrival),
            Happening::PingReply(node, ping) => {
                let now = self.now;
                if self.machine(node).deaf_until.is_some_and(|until| now < until) {
                    return Ok(());
                }
                self.tell(node, Input::PingReply(ping))
            }
            Happening::Fault => self.next_fault(),
            Happening::PowerOn(node) => {
                let machine = self.machine(node);
                machine.has_power = true;
                self.start_daemon(node)
            }
            Happening::StartDaemon(node) => self.start_daemon(node),
            Happening::Resume(node) => self.resume(node),
            Happening::Deed(node, deed) => self.deed(node, deed),
            Happening::ExecutorBack(node) => self.bring_executor(node),
            Happening::PlugIn(node, group) => self.plug(node, group, true),
            Happening::Reload(node, edition) => self.reload(node, edition),
            Happening::Shot(shot) => {
                self.shoot(shot);
                Ok(())
            }
            Happening::ShotAnswered(shot) => self.answer_shot(shot),
            Happening::Answered(node, group, mac) => self.answered(node, (group, mac)),
            Happening::ClassicTick(generation) => {
                self.tick_classic(generation);
                Ok(())
            }
        }
    }

    /// Gives a daemon one input, and lets it act.
    fn tell(&mut self, node: NodeId, input: Input<'static>) -> Result<(), Broken> {
        let now = self.now;
        let machine = self.machine(node);
        if machine.paused_until.is_some() {
            machine.waiting.push(input);
            return Ok(());
        }
        let local = machine.local(now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.handle(local, &input);
        }
        self.turn(node)
    }

    /// Takes one turn of a daemon's loop, after its inputs: time passes, and the daemon acts.
    fn turn(&mut self, node: NodeId) -> Result<(), Broken> {
        let now = self.now;
        if !self.machine(node).is_awake() {
            return Ok(());
        }
        self.watch_executor(node)?;
        let machine = self.machine(node);
        let local = machine.local(now);
        let Some(cluster) = &mut machine.cluster else { return Ok(()) };
        cluster.elapse(local);
        while let Some(output) = self.machine(node).cluster.as_mut().and_then(Cluster::poll) {
            self.act(node, output)?;
        }
        let machine = self.machine(node);
        machine.watch.turned(now);
        let Some(cluster) = &machine.cluster else { return Ok(()) };
        let explained = machine.watch.explained(cluster);
        explained.map_err(|what| Broken { law: "EXPLAIN", what, at: now })
    }

    fn check_rest(&mut self, node: NodeId) -> Result<(), Broken> {
        let now = self.now;
        let machine = self.machine(node);
        let (last, times) = machine.woken;
        machine.woken = if last == now { (now, times + 1) } else { (now, 0) };
        if machine.woken.1 > WAKES_MAX {
            let what = format!("{node:?} asks to be woken again and again");
            return Err(Broken { law: "BOUND", what, at: now });
        }
        Ok(())
    }

    fn check_calm(&self) -> Result<(), Broken> {
        laws::one_owner(self.now, &self.settings, &self.machines)?;
        laws::agreement(self.now, &self.settings, &self.machines)
    }

    fn machine(&mut self, node: NodeId) -> &mut Machine {
        &mut self.machines[node.index()]
    }

    fn schedule(&mut self, at: Time, happening: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), happening);
    }

    fn after(&mut self, wait: Duration, happening: Happening) {
        self.schedule(self.now + wait, happening);
    }
}
