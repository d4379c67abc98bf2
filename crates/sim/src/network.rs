//! Datagrams in transit: lost, late, doubled, overtaken, and replayed.

use crate::clock;
use std::rc::Rc;
use std::time::Duration;
use systole_core::{Beat, LinkId, NodeId, Outgoing, Random, Time};

/// A message of a node, as carried by every link.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) source: NodeId,
    pub(crate) generation: u64,
    pub(crate) outgoing: Outgoing,
    pub(crate) beat: Option<Beat>,
    /// The date of its sender's clock.
    pub(crate) date: u64,
}

/// A frame in transit.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) frame: Rc<Frame>,
    /// When it was sent for the first time.
    pub(crate) sent: Time,
    /// Its bytes, in a world with real bytes.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// One direction of one link between two nodes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Way {
    /// Nothing passes before this moment.
    pub(crate) cut_until: Option<Time>,
}

/// The network between the nodes.
#[derive(Debug)]
pub(crate) struct Network {
    ways: Vec<Way>,
    nodes: usize,
    links: usize,
    loss_per_mille: u64,
    double_per_mille: u64,
    delay_max: Duration,
    /// When each machine last continued after a pause.
    interrupted: Vec<Option<Time>>,
    /// When all cuts and losses ended.
    calm_since: Option<Time>,
    /// How many parts per million a clock may be off.
    drift: u32,
    /// For every pair of a sender and a receiver, the newest beat that arrived.
    delivered: Vec<Option<Delivered>>,
    /// For every such pair, since when beats have arrived without a silence of a dead time.
    since: Vec<Option<Time>>,
    /// For every such pair, the first beat since both directions carry beats: only since then have both nodes
    /// heard what happened before.
    both: Vec<Option<Time>>,
    /// For every such pair, the first beat that its sender sent after it heard the receiver: a receiver that
    /// decides after this beat knows everything that the sender did before it heard the receiver.
    answered: Vec<Option<Time>>,
}

/// The newest beat that arrived from one node at another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivered {
    pub(crate) arrived: Time,
    pub(crate) sent: Time,
    sequence: u64,
}

impl Network {
    pub(crate) fn new(nodes: usize, links: usize, drift: u32, random: &mut Random) -> Self {
        Self {
            ways: vec![Way::default(); nodes * nodes * links],
            nodes,
            links,
            loss_per_mille: if random.chance(400) { random.below(120) } else { 0 },
            double_per_mille: if random.chance(300) { random.below(100) } else { 0 },
            delay_max: Duration::from_micros(100 + random.below(20_000)),
            interrupted: vec![None; nodes],
            calm_since: None,
            drift,
            delivered: vec![None; nodes * nodes],
            since: vec![None; nodes * nodes],
            both: vec![None; nodes * nodes],
            answered: vec![None; nodes * nodes],
        }
    }

    /// Returns when the copies of a frame arrive over one link; no time if the frame is lost.
    pub(crate) fn carry(
        &self,
        now: Time,
        random: &mut Random,
        (from, to, link): (NodeId, NodeId, LinkId),
    ) -> [Option<Time>; 2] {
        let cut = self.ways[self.way(from, to, link)].cut_until;
        if cut.is_some_and(|until| now < until) || random.chance(self.loss_per_mille) {
            return [None, None];
        }
        let micros = u64::try_from(self.delay_max.as_micros()).unwrap_or(0);
        let mut arrival = || now + Duration::from_micros(50 + random.below(micros));
        let first = arrival();
        let second = arrival();
        [Some(first), random.chance(self.double_per_mille).then_some(second)]
    }

    /// Whether a single packet is lost on the way over a link.
    pub(crate) fn loses(
        &self,
        now: Time,
        random: &mut Random,
        (from, to, link): (NodeId, NodeId, LinkId),
    ) -> bool {
        let cut = self.ways[self.way(from, to, link)].cut_until;
        cut.is_some_and(|until| now < until) || random.chance(self.loss_per_mille)
    }

    /// Whether a machine has not paused for some time.
    pub(crate) fn is_awake(&self, now: Time, span: Duration, node: NodeId) -> bool {
        self.interrupted[node.index()].is_none_or(|since| since + span <= now)
    }

    /// Whether a link has carried every packet for some time.
    pub(crate) fn is_open(
        &self,
        now: Time,
        span: Duration,
        (from, to, link): (NodeId, NodeId, LinkId),
    ) -> bool {
        let cut = self.ways[self.way(from, to, link)].cut_until;
        let was_calm = self.calm_since.is_none_or(|since| since + span <= now);
        was_calm && self.loss_per_mille == 0 && cut.is_none_or(|until| until + span <= now)
    }

    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId, link: LinkId, until: Time) {
        let way = self.way(from, to, link);
        self.ways[way].cut_until = Some(until);
    }

    /// Ends all cuts and losses.
    pub(crate) fn calm(&mut self, now: Time) {
        self.calm_since = Some(now);
        self.ways.fill(Way::default());
        self.loss_per_mille = 0;
    }

    /// Records the arrival of a beat; copies and old beats do not count.
    pub(crate) fn record_delivery(
        &mut self,
        now: Time,
        (from, to): (NodeId, NodeId),
        sent: Time,
        sequence: u64,
    ) {
        let (pair, back) = (self.pair(from, to), self.pair(to, from));
        if self.delivered[pair].is_some_and(|newest| sequence <= newest.sequence) {
            return;
        }
        self.delivered[pair] = Some(Delivered { arrived: now, sent, sequence });
        self.since[pair].get_or_insert(now);
        if let Some(heard) = self.since[back] {
            self.both[pair].get_or_insert(now);
            if sent >= heard {
                self.answered[pair].get_or_insert(now);
            }
        }
    }

    /// Records that a recording was heard: messages that its sender sent before it, and sends again, are not
    /// news.
    pub(crate) fn record_recording(&mut self, (from, to): (NodeId, NodeId), sequence: u64) {
        let pair = self.pair(from, to);
        if let Some(newest) = &mut self.delivered[pair] {
            newest.sequence = newest.sequence.max(sequence);
        }
    }

    /// Forgets that a node was heard, or heard anything, because it restarts.
    pub(crate) fn forget(&mut self, node: NodeId) {
        for other in 0..self.nodes {
            let other = NodeId(u8::try_from(other).unwrap_or(0));
            for pair in [self.pair(node, other), self.pair(other, node)] {
                self.delivered[pair] = None;
                self.part(pair);
            }
        }
    }

    /// A machine continues after a pause: messages that waited in its sockets were sent before the pause, and
    /// do not count as a connection.
    pub(crate) fn interrupt(&mut self, now: Time, node: NodeId) {
        self.interrupted[node.index()] = Some(now);
        for other in 0..self.nodes {
            let other = NodeId(u8::try_from(other).unwrap_or(0));
            self.part(self.pair(other, node));
        }
    }

    /// Checks for silences at this time.
    pub(crate) fn watch(&mut self, now: Time, patience: Duration) {
        // To a fast clock the silence is already that long.
        let patience = clock::shortest(patience, self.drift);
        for pair in 0..self.delivered.len() {
            let heard = self.delivered[pair];
            if self.since[pair].is_some()
                && heard.is_none_or(|beat| now.since(beat.arrived) >= patience)
            {
                self.part(pair);
            }
        }
    }

    /// Records that a direction is silent: its two nodes are not connected.
    fn part(&mut self, pair: usize) {
        let back = pair % self.nodes * self.nodes + pair / self.nodes;
        self.since[pair] = None;
        for way in [pair, back] {
            self.both[way] = None;
            self.answered[way] = None;
        }
    }

    /// Returns for how long beats have arrived in both directions between two nodes.
    pub(crate) fn connected_for(&self, now: Time, a: NodeId, b: NodeId) -> Duration {
        let (there, back) = (self.both[self.pair(a, b)], self.both[self.pair(b, a)]);
        there.zip(back).map_or(Duration::ZERO, |(there, back)| self.span(now, there.max(back)))
    }

    /// Returns whether each of two nodes knows everything that the other did before they heard each other.
    pub(crate) fn is_acquainted(&self, a: NodeId, b: NodeId) -> bool {
        self.answered[self.pair(a, b)].is_some() && self.answered[self.pair(b, a)].is_some()
    }

    /// Returns the newest beat that a node has heard from another node that it considers alive.
    pub(crate) fn newest(&self, from: NodeId, to: NodeId) -> Option<Delivered> {
        let pair = self.pair(from, to);
        self.delivered[pair].filter(|_| self.since[pair].is_some())
    }

    /// Returns how long ago a moment was, by the slowest clock.
    pub(crate) fn span(&self, now: Time, since: Time) -> Duration {
        clock::shortest(now.since(since), self.drift)
    }

    pub(crate) fn link_ids(&self) -> impl Iterator<Item = LinkId> + use<> {
        (0..u8::try_from(self.links).unwrap_or(u8::MAX)).map(LinkId)
    }

    fn way(&self, from: NodeId, to: NodeId, link: LinkId) -> usize {
        (from.index() * self.nodes + to.index()) * self.links + link.index()
    }

    fn pair(&self, from: NodeId, to: NodeId) -> usize {
        from.index() * self.nodes + to.index()
    }
}
