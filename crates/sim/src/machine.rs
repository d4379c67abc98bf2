//! One machine: power, disk, clock, a daemon that runs the core, and what runs there.

use crate::clock::Clock;
use crate::fault::Loss;
use crate::network::{Frame, Packet};
use crate::services::Services;
use crate::watch::Watch;
use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{
    Boot, Cluster, Failback, Group, GroupId, GroupKey, HISTORY_MAX, HoldRecord, Input, NodeId,
    PeerRecord, Random, Settings, Time, Uuid,
};
use systole_executor::protocol::Held;

/// What daemons store, but for their generation, which grows by the clock when it is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    /// Groups that are there because a person wanted it so.
    kept_by_order: Vec<GroupKey>,
    pub(crate) terms: Vec<(GroupKey, NodeId, u64)>,
    pub(crate) peers: Vec<PeerRecord>,
    /// What was held or released, each with the moment up to which it counts.
    holds: Vec<(Time, HoldRecord)>,
    pub(crate) retired: Vec<Group>,
}

/// Longest time between two tries of what could not be done, and what the second one takes.
const RECOVERY: Duration = Duration::from_secs(75);

/// A machine of the world.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) id: NodeId,
    pub(crate) settings: Settings,
    /// The daemon, if it runs.
    pub(crate) cluster: Option<Cluster>,
    pub(crate) services: Services,
    pub(crate) clock: Clock,
    pub(crate) has_power: bool,
    /// Its daemon is of the classic line, which has no core.
    pub(crate) is_classic: bool,
    /// Since when such a daemon lets go of a set that it says it does not hold any more.
    pub(crate) lets_go_since: Option<Time>,
    /// The whole machine stands still until then.
    pub(crate) paused_until: Option<Time>,
    /// The ping nodes do not answer this machine until then.
    pub(crate) deaf_until: Option<Time>,
    /// When the daemon started: the zero of its clock.
    started: Time,
    generation: u64,
    /// What is on its disk.
    pub(crate) disk: Disk,
    /// What it had on its disk when its daemon started the time before last: an old copy.
    copies: [Disk; 2],
    /// The next daemon cannot read it, but a later one can.
    is_unreadable: bool,
    /// The number of its haresources.
    pub(crate) edition: u64,
    /// What was on its disk of the others when the daemon started.
    covered: Vec<PeerRecord>,
    /// The last sequenced messages, as they were sent.
    sent: VecDeque<Packet>,
    /// Datagrams that wait in its socket while it is paused.
    pub(crate) socket: Vec<crate::world::Arrival>,
    /// What the daemon has to be told once it goes on.
    pub(crate) waiting: Vec<Input<'static>>,
    /// What the laws have to know of its past.
    pub(crate) watch: Watch,
    /// When the last permit was given, if nothing has stood still or gone since.
    permitted: Option<Time>,
    /// When an executor last told the daemon what it holds.
    greeted: Option<Time>,
    /// Something that the executor needs does not work until then.
    hindered_until: Time,
    /// Groups whose interface has no carrier here, or had none until then.
    unplugged: Vec<(GroupId, Option<Time>)>,
    /// When the daemon was woken last, and how often without time passing.
    pub(crate) woken: (Time, u32),
}

impl Machine {
    pub(crate) fn new(id: NodeId, settings: Settings, services: Services, clock: Clock) -> Self {
        Self {
            id,
            settings,
            cluster: None,
            services,
            clock,
            has_power: false,
            is_classic: false,
            lets_go_since: None,
            paused_until: None,
            deaf_until: None,
            started: Time::START,
            generation: 1000,
            disk: Disk::default(),
            copies: Default::default(),
            is_unreadable: false,
            edition: 0,
            covered: Vec::new(),
            sent: VecDeque::new(),
            socket: Vec::new(),
            waiting: Vec::new(),
            watch: Watch::default(),
            permitted: None,
            greeted: None,
            hindered_until: Time::START,
            unplugged: Vec::new(),
            woken: (Time::START, 0),
        }
    }

    /// Starts the daemon, on a running machine; `remembers` whether it is told of the others, and
    /// `ledger` is what an executor has written down.
    pub(crate) fn start(
        &mut self,
        now: Time,
        random: &mut Random,
        remembers: bool,
        ledger: &[Held],
    ) {
        self.generation += 1;
        self.started = now;
        self.copies = [self.disk.clone(), std::mem::take(&mut self.copies[0])];
        let is_unreadable = std::mem::take(&mut self.is_unreadable);
        let mut read = self.disk.clone();
        if is_unreadable {
            read = Disk { retired: read.retired, ..Disk::default() };
        }
        self.sent.clear();
        self.covered.clone_from(&read.peers);
        self.socket.clear();
        self.waiting.clear();
        let mut settings = self.settings.clone();
        settings.retire(&read.retired);
        let known = |held: &Held| Some((group_in(&settings, held.group)?, held.term));
        let listed = ledger.iter().filter_map(known).collect();
        let boot = Boot {
            generation: self.generation,
            started: self.generation,
            session: random.next() | 1,
            uuid: uuid(self.id),
            unix_time: self.clock.date(now),
            seed: random.next(),
            terms: read.terms.clone(),
            peers: if remembers { self.covered.clone() } else { Vec::new() },
            holds: read
                .holds
                .iter()
                .map(|(until, hold)| HoldRecord { left: until.since(now), ..*hold })
                .collect(),
            kept_by_order: read.kept_by_order.clone(),
            retired: read.retired.clone(),
            listed,
        };
        self.watch = Watch::new(now, &read.terms);
        self.forget_permit();
        self.cluster = Some(Cluster::new(self.settings.clone(), boot));
    }

    /// Its state directory is not what it was. What has left its files is remembered: without that
    /// and with other files than its peers' no node can know which of their groups are its own.
    pub(crate) fn lose_state(&mut self, loss: Loss) {
        let retired = std::mem::take(&mut self.disk.retired);
        match loss {
            Loss::Empty => self.disk = Disk { retired, ..Disk::default() },
            Loss::Old => self.disk = Disk { retired, ..self.copies[1].clone() },
            Loss::Unreadable => {
                self.disk.retired = retired;
                self.is_unreadable = true;
            }
        }
    }

    /// Stores what its daemon knows of groups.
    pub(crate) fn store(&mut self, now: Time) {
        let Some(cluster) = &self.cluster else { return };
        self.disk.terms = cluster.terms().collect();
        self.disk.kept_by_order = cluster.kept_by_order().collect();
        self.disk.holds = cluster.holds().map(|hold| (now + hold.left, hold)).collect();
    }

    /// Whether a message is older than what was on the disk when the daemon started.
    pub(crate) fn covers(&self, frame: &Frame) -> bool {
        self.cluster.is_some()
            && self.covered.iter().any(|record| {
                let told = (frame.generation, frame.outgoing.sequence.unwrap_or(u64::MAX));
                record.node == frame.source && told <= (record.generation, record.sequence)
            })
    }

    /// The number that the daemon has for a group of the world, if it knows it.
    pub(crate) fn place_of(&self, world: &Settings, group: GroupId) -> Option<GroupId> {
        let cluster = self.cluster.as_ref()?;
        group_in(cluster.settings(), world.groups[group.index()].key)
    }

    /// The number that the world has for a group of the daemon.
    pub(crate) fn group_of(&self, world: &Settings, group: GroupId) -> GroupId {
        let key = self.cluster.as_ref().and_then(|it| it.settings().groups.get(group.index()));
        key.and_then(|it| group_in(world, it.key)).unwrap_or(group)
    }

    /// What the machine's own file says of failback for a group of the world, if it has that group.
    pub(crate) fn failback_of(&self, world: &Settings, group: GroupId) -> Option<Failback> {
        let place = group_in(&self.settings, world.groups[group.index()].key)?;
        Some(self.settings.failback_of(place))
    }

    /// Whether the machine's own file has a group of the world.
    pub(crate) fn has_line(&self, world: &Settings, group: GroupId) -> bool {
        group_in(&self.settings, world.groups[group.index()].key).is_some()
    }

    /// Whether a beat that was sent at that moment says that the daemon has given up a group because
    /// no executor is there, and the addresses are gone: what else may run nobody here can stop.
    pub(crate) fn is_given_up(&self, world: &Settings, group: GroupId, sent: Time) -> bool {
        let key = world.groups[group.index()].key;
        let is_told = self.watch.given_up_at(key).is_some_and(|at| sent >= at);
        // One that has come back is ordered to stop something once it has greeted.
        let greeted = self.greeted.filter(|at| *at >= self.services.in_reach_since());
        let was_out_of_reach =
            self.services.is_out_of_reach() || greeted.is_none_or(|at| sent <= at);
        is_told && was_out_of_reach && !self.services.has_address(world, group)
    }

    /// The daemon hears what its executor holds.
    pub(crate) fn record_greeting(&mut self, now: Time) {
        self.greeted = Some(now);
    }

    /// The daemon gives its executor a permit.
    pub(crate) fn record_permit(&mut self, now: Time) {
        self.permitted = Some(now);
    }

    /// Something has gone or stood still: the permit may run out.
    pub(crate) fn forget_permit(&mut self) {
        self.permitted = None;
    }

    /// When the last permit was given, if its daemon runs and has run ever since.
    pub(crate) fn permit_given(&self) -> Option<Time> {
        self.permitted.filter(|_| self.is_awake())
    }

    /// Something that the executor needs does not work until then.
    pub(crate) fn hinder(&mut self, until: Time) {
        self.hindered_until = self.hindered_until.max(until);
    }

    /// Whether something that the executor needs does not work, or did not a moment ago.
    pub(crate) fn is_hindered(&self, now: Time) -> bool {
        self.hindered_until > Time::START && now < self.hindered_until + RECOVERY
    }

    /// Notes that the interface of a group has a carrier here, or none.
    pub(crate) fn plug(&mut self, now: Time, group: GroupId, is_there: bool) {
        self.unplugged.retain(|(other, _)| *other != group);
        self.unplugged.push((group, is_there.then_some(now)));
    }

    /// Whether the interface of a group has no carrier here, or had none a moment ago.
    pub(crate) fn was_unplugged(&self, group: GroupId, since: Time) -> bool {
        let known = self.unplugged.iter().find(|(other, _)| *other == group);
        known.is_some_and(|(_, until)| until.is_none_or(|until| until >= since))
    }

    /// Whether the daemon runs and time passes for it.
    pub(crate) fn is_awake(&self) -> bool {
        self.cluster.is_some() && self.paused_until.is_none()
    }

    /// Keeps a message for sending it again.
    pub(crate) fn keep(&mut self, packet: Packet) {
        if self.sent.len() == HISTORY_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(packet);
    }

    /// The message with this sequence, if it is kept.
    pub(crate) fn kept(&self, sequence: u64) -> Option<Packet> {
        let has_it = |packet: &&Packet| packet.frame.outgoing.sequence == Some(sequence);
        self.sent.iter().rfind(has_it).cloned()
    }

    /// A daemon of the classic line starts here.
    pub(crate) fn start_classic(&mut self, now: Time) {
        self.generation += 1;
        self.started = now;
        self.sent.clear();
        self.socket.clear();
        self.watch = Watch::new(now, &[]);
    }

    /// Whether the daemon was started after a moment.
    pub(crate) fn is_started_since(&self, moment: Time) -> bool {
        self.started > moment
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The daemon's own clock.
    pub(crate) fn local(&self, now: Time) -> Time {
        self.clock.shows(now.since(self.started))
    }

    /// When the daemon wants to be woken.
    pub(crate) fn wake(&self) -> Option<Time> {
        let cluster = self.cluster.as_ref().filter(|_| self.paused_until.is_none())?;
        Some(self.started + self.clock.passed(cluster.deadline()))
    }
}

/// The place of a group in a list.
fn group_in(settings: &Settings, key: GroupKey) -> Option<GroupId> {
    settings.known_groups().find(|(_, group)| group.key == key).map(|(id, _)| id)
}

/// The uuid of a machine, for ever.
pub(crate) fn uuid(node: NodeId) -> Uuid {
    let mut bytes = [0x40; 16];
    bytes[0] = node.0 + 1;
    Uuid(bytes)
}
