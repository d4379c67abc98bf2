//! One machine: power, disk, clock, a daemon that runs the core, and the services that run there.

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

/// What daemons store, except their generation, which keeps growing by the clock when it is lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    /// Groups that are where they are because an administrator wanted it.
    kept_by_order: Vec<GroupKey>,
    pub(crate) terms: Vec<(GroupKey, NodeId, u64)>,
    pub(crate) peers: Vec<PeerRecord>,
    /// Holds and releases, each with the time until which it counts.
    holds: Vec<(Time, HoldRecord)>,
    pub(crate) retired: Vec<Group>,
}

/// The longest time between two attempts of something that failed, plus the duration of the second attempt.
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
    /// Whether its daemon is that of a C node, which has no core.
    pub(crate) is_classic: bool,
    /// Since when such a daemon lets go of a set that it says it no longer holds.
    pub(crate) lets_go_since: Option<Time>,
    /// The whole machine is paused until this time.
    pub(crate) paused_until: Option<Time>,
    /// The ping nodes do not answer this machine until this time.
    pub(crate) deaf_until: Option<Time>,
    /// When the daemon started: the zero of its clock.
    started: Time,
    generation: u64,
    /// The content of its disk.
    pub(crate) disk: Disk,
    /// The content of its disk at the last but one start of its daemon: an old copy.
    copies: [Disk; 2],
    /// The next daemon cannot read the disk, but a later one can.
    is_unreadable: bool,
    /// The number of its haresources.
    pub(crate) edition: u64,
    /// What its disk had about the other nodes when the daemon started.
    covered: Vec<PeerRecord>,
    /// The last messages with a sequence number, as they were sent.
    sent: VecDeque<Packet>,
    /// Datagrams that wait in its socket while it is paused.
    pub(crate) socket: Vec<crate::world::Arrival>,
    /// Inputs that the daemon gets once it continues.
    pub(crate) waiting: Vec<Input<'static>>,
    /// What the laws need to know about its past.
    pub(crate) watch: Watch,
    /// When the last permit was given, if nothing has been paused or has ended since.
    permitted: Option<Time>,
    /// When an executor last reported to the daemon what it holds.
    greeted: Option<Time>,
    /// Something that the executor needs does not work until this time.
    hindered_until: Time,
    /// Groups whose interface has no carrier here, or had none until the given time.
    unplugged: Vec<(GroupId, Option<Time>)>,
    /// When the daemon was last woken, and how often without time passing.
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

    /// Starts the daemon on a running machine; `remembers` is whether it learns what was stored about the
    /// other nodes, and `ledger` is what an executor has recorded.
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

    /// Changes the state directory. Lines that were removed from its files are remembered: without that
    /// memory, and with other files than its peers, no node can know which of their groups are its own.
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

    /// Stores what its daemon knows about groups.
    pub(crate) fn store(&mut self, now: Time) {
        let Some(cluster) = &self.cluster else { return };
        self.disk.terms = cluster.terms().collect();
        self.disk.kept_by_order = cluster.kept_by_order().collect();
        self.disk.holds = cluster.holds().map(|hold| (now + hold.left, hold)).collect();
    }

    /// Returns whether a message is older than what was on the disk when the daemon started.
    pub(crate) fn covers(&self, frame: &Frame) -> bool {
        self.cluster.is_some()
            && self.covered.iter().any(|record| {
                let told = (frame.generation, frame.outgoing.sequence.unwrap_or(u64::MAX));
                record.node == frame.source && told <= (record.generation, record.sequence)
            })
    }

    /// Returns the number that the daemon has for a group of the world, if it knows the group.
    pub(crate) fn place_of(&self, world: &Settings, group: GroupId) -> Option<GroupId> {
        let cluster = self.cluster.as_ref()?;
        group_in(cluster.settings(), world.groups[group.index()].key)
    }

    /// Returns the number that the world has for a group of the daemon.
    pub(crate) fn group_of(&self, world: &Settings, group: GroupId) -> GroupId {
        let key = self.cluster.as_ref().and_then(|it| it.settings().groups.get(group.index()));
        key.and_then(|it| group_in(world, it.key)).unwrap_or(group)
    }

    /// Returns what the machine's own file says about failback of a group of the world, if the file has that
    /// group.
    pub(crate) fn failback_of(&self, world: &Settings, group: GroupId) -> Option<Failback> {
        let place = group_in(&self.settings, world.groups[group.index()].key)?;
        Some(self.settings.failback_of(place))
    }

    /// Returns whether the machine's own file has a group of the world.
    pub(crate) fn has_line(&self, world: &Settings, group: GroupId) -> bool {
        group_in(&self.settings, world.groups[group.index()].key).is_some()
    }

    /// Returns whether a beat that was sent at that moment says that the daemon has given up a group because
    /// no executor is there, and the addresses are gone: nothing on this machine can stop what else may run.
    pub(crate) fn is_given_up(&self, world: &Settings, group: GroupId, sent: Time) -> bool {
        let key = world.groups[group.index()].key;
        let is_told = self.watch.given_up_at(key).is_some_and(|at| sent >= at);
        // An executor that has come back is ordered to stop something once it has greeted.
        let greeted = self.greeted.filter(|at| *at >= self.services.in_reach_since());
        let was_out_of_reach =
            self.services.is_out_of_reach() || greeted.is_none_or(|at| sent <= at);
        is_told && was_out_of_reach && !self.services.has_address(world, group)
    }

    /// Records that the daemon heard what its executor holds.
    pub(crate) fn record_greeting(&mut self, now: Time) {
        self.greeted = Some(now);
    }

    /// Records that the daemon gave its executor a permit.
    pub(crate) fn record_permit(&mut self, now: Time) {
        self.permitted = Some(now);
    }

    /// Records that something has ended or has been paused, so that the permit may expire.
    pub(crate) fn forget_permit(&mut self) {
        self.permitted = None;
    }

    /// Returns when the last permit was given, if its daemon runs and has run ever since.
    pub(crate) fn permit_given(&self) -> Option<Time> {
        self.permitted.filter(|_| self.is_awake())
    }

    /// Lets something that the executor needs fail until this time.
    pub(crate) fn hinder(&mut self, until: Time) {
        self.hindered_until = self.hindered_until.max(until);
    }

    /// Returns whether something that the executor needs does not work, or did not work a moment ago.
    pub(crate) fn is_hindered(&self, now: Time) -> bool {
        self.hindered_until > Time::START && now < self.hindered_until + RECOVERY
    }

    /// Records whether the interface of a group has a carrier here.
    pub(crate) fn plug(&mut self, now: Time, group: GroupId, is_there: bool) {
        self.unplugged.retain(|(other, _)| *other != group);
        self.unplugged.push((group, is_there.then_some(now)));
    }

    /// Returns whether the interface of a group has no carrier here, or had none a moment ago.
    pub(crate) fn was_unplugged(&self, group: GroupId, since: Time) -> bool {
        let known = self.unplugged.iter().find(|(other, _)| *other == group);
        known.is_some_and(|(_, until)| until.is_none_or(|until| until >= since))
    }

    /// Returns whether the daemon runs and time passes for it.
    pub(crate) fn is_awake(&self) -> bool {
        self.cluster.is_some() && self.paused_until.is_none()
    }

    /// Keeps a message, to be sent again on request.
    pub(crate) fn keep(&mut self, packet: Packet) {
        if self.sent.len() == HISTORY_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(packet);
    }

    /// Returns the message with this sequence number, if it is kept.
    pub(crate) fn kept(&self, sequence: u64) -> Option<Packet> {
        let has_it = |packet: &&Packet| packet.frame.outgoing.sequence == Some(sequence);
        self.sent.iter().rfind(has_it).cloned()
    }

    /// Starts the daemon of a C node here.
    pub(crate) fn start_classic(&mut self, now: Time) {
        self.generation += 1;
        self.started = now;
        self.sent.clear();
        self.socket.clear();
        self.watch = Watch::new(now, &[]);
    }

    /// Returns whether the daemon was started after a moment.
    pub(crate) fn is_started_since(&self, moment: Time) -> bool {
        self.started > moment
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the time of the daemon's own clock.
    pub(crate) fn local(&self, now: Time) -> Time {
        self.clock.shows(now.since(self.started))
    }

    /// Returns when the daemon wants to be woken.
    pub(crate) fn wake(&self) -> Option<Time> {
        let cluster = self.cluster.as_ref().filter(|_| self.paused_until.is_none())?;
        Some(self.started + self.clock.passed(cluster.deadline()))
    }
}

/// Returns the place of a group in a list.
fn group_in(settings: &Settings, key: GroupKey) -> Option<GroupId> {
    settings.known_groups().find(|(_, group)| group.key == key).map(|(id, _)| id)
}

/// Returns the permanent uuid of a machine.
pub(crate) fn uuid(node: NodeId) -> Uuid {
    let mut bytes = [0x40; 16];
    bytes[0] = node.0 + 1;
    Uuid(bytes)
}
