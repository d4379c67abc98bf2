//! A scripted C node: heartbeat 3.0.6 with two nodes and `auto_failback` on or off.
//!
//! It does what the C daemon was observed to do in its messages and with its resources: it negotiates with
//! `starting`, `resource` and `ask_resources`, holds two sets and no single groups, says that it holds a set
//! before its scripts have run, takes over without checking, and restarts itself when it hears a node again
//! that it had declared dead. Its scripts never fail. It has no ipfail and no fencing device.

mod liveness;
mod negotiation;
mod scripts;

use crate::network::Frame;
use negotiation::{Negotiation, Stage, Standby};
use scripts::{Child, Script};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use systole_core::{
    GroupId, GroupSet, Message, NodeId, NodeStatus, Occasion, Outgoing, Settings, Step, Time,
};

/// How often it looks at its timers.
pub(crate) const TICK: Duration = Duration::from_millis(20);
/// How long after a partition it begins to restart itself.
const RESTART_AFTER: Duration = Duration::from_secs(2);
/// How long after the release of its last resource it ends.
const END_AFTER: Duration = Duration::from_secs(2);
/// The most messages that it sends again at once.
const SPAN_MAX: usize = 50;
/// The time after which an unanswered question is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// What it does, to be carried out by the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Sends a message on every link.
    Send(Outgoing),
    /// Sends an earlier message again, or says that it cannot.
    Resend(u64),
    /// Begins to start a group.
    Start(GroupId),
    /// Has stopped a group.
    Stopped(GroupId),
    /// Ends; it starts again after this time, or never.
    End(Option<Duration>),
}

/// The other node, as seen by this one.
#[derive(Debug)]
struct Other {
    heard: Option<Time>,
    generation: u64,
    deadtime: Duration,
    is_dead: bool,
    /// Whether it has reported the node list, or there was no node to ask.
    has_told_nodes: bool,
    /// All sequence numbers up to here have been received, and so have those listed beyond.
    complete: u64,
    beyond: BTreeSet<u64>,
    /// The sequence number that was acknowledged last.
    acknowledged: u64,
    /// When a missing message was last requested.
    asked: Time,
}

/// The daemon of a C node.
#[derive(Debug)]
pub(crate) struct Classic {
    me: NodeId,
    other: NodeId,
    settings: Settings,
    failback: bool,
    /// How long each script takes.
    pace: Duration,
    now: Time,
    started: Time,
    sequence: u64,
    status: NodeStatus,
    beat_at: Time,
    nodes_asked: Option<Time>,
    peer: Other,
    negotiation: Negotiation,
    children: Vec<Child>,
    queue: VecDeque<Script>,
    /// The groups that run, or are being started.
    runs: BTreeSet<GroupId>,
    /// Whether it has been told to stop; it starts again after this time.
    stops: bool,
    anew_after: Option<Duration>,
    restart_at: Option<Time>,
    end_at: Option<Time>,
    effects: VecDeque<Effect>,
}

impl Classic {
    /// Makes a daemon that starts; `runs` is what an earlier one left running.
    pub(crate) fn new(
        now: Time,
        (me, other): (NodeId, NodeId),
        settings: &Settings,
        (failback, pace): (bool, Duration),
        runs: BTreeSet<GroupId>,
    ) -> Self {
        let peer = Other {
            heard: None,
            generation: 0,
            deadtime: settings.deadtime,
            is_dead: false,
            has_told_nodes: false,
            complete: 0,
            beyond: BTreeSet::new(),
            acknowledged: 0,
            asked: now,
        };
        Self {
            me,
            other,
            settings: settings.clone(),
            failback,
            pace,
            now,
            started: now,
            sequence: 0,
            status: NodeStatus::Up,
            beat_at: now,
            nodes_asked: None,
            peer,
            negotiation: Negotiation::default(),
            children: Vec::new(),
            queue: VecDeque::new(),
            runs,
            stops: false,
            anew_after: None,
            restart_at: None,
            end_at: None,
            effects: VecDeque::new(),
        }
    }

    /// Returns what it does next, if anything.
    pub(crate) fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns whether it lets go of a set that it gives away.
    pub(crate) fn lets_go(&self) -> bool {
        self.children.iter().any(Child::lets_go)
    }

    /// Tells the daemon to stop.
    pub(crate) fn stop(&mut self) {
        self.stops = true;
    }

    /// Orders this node to give a set away.
    pub(crate) fn order_standby(&mut self, now: Time, hold: GroupSet) {
        self.now = now;
        if self.status == NodeStatus::Active {
            self.say_step(hold, Step::Me);
        }
    }

    /// Advances the time.
    pub(crate) fn tick(&mut self, now: Time) {
        self.now = now;
        if self.now >= self.beat_at {
            self.beat_at = self.now + self.settings.keepalive;
            self.beat();
        }
        self.ask_for_missing();
        self.watch_peer();
        self.come_up();
        self.tend_children();
        self.tend_negotiation();
        self.tend_end();
    }

    /// Handles a frame of the other node.
    pub(crate) fn hear(&mut self, now: Time, frame: &Frame) {
        self.now = now;
        let outgoing = &frame.outgoing;
        let is_meant = outgoing.dest.is_none_or(|dest| dest == self.me);
        if frame.source != self.other || !self.is_new(frame) || !is_meant {
            return;
        }
        match &outgoing.message {
            Message::Status { deadtime, .. } => self.hear_status(*deadtime),
            Message::RequestNodes => {
                let nodes = self.settings.nodes.join(" ").into();
                let reply = Message::ReplyNodes { nodes, deleted: "".into() };
                self.send(reply, Some(self.other));
            }
            Message::ReplyNodes { .. } => self.peer.has_told_nodes = true,
            Message::Starting => self.hear_starting(),
            Message::Resource { hold, full, stable, occasion: _ } => {
                self.hear_resource(*hold, *full, *stable);
            }
            Message::AskResources { hold, step, .. } => self.hear_step(*hold, *step, false),
            Message::TakeoverOrder { hold } => self.order_standby(now, hold.mirrored()),
            Message::Shutdone => self.hear_shutdone(),
            Message::Rexmit { first, last } => {
                self.effects.extend((*first..=*last).take(SPAN_MAX).map(Effect::Resend));
            }
            Message::Nak { sequence, .. } => self.skip(*sequence),
            Message::Ack { .. }
            | Message::GroupStep { .. }
            | Message::GroupOrder { .. }
            | Message::Refuse { .. }
            | Message::GroupRequest { .. }
            | Message::GroupGrant { .. }
            | Message::Stonith { .. }
            | Message::IpfailPresence { .. }
            | Message::PingCount { .. }
            | Message::AbortGiveup
            | Message::YouAreDead
            | Message::QueryClient { .. }
            | Message::ReplyClient { .. }
            | Message::Custom(_)
            | Message::Unreadable { .. }
            | Message::Unknown { .. } => {}
        }
    }

    /// Returns whether a frame was not received before, and keeps track of missing frames.
    fn is_new(&mut self, frame: &Frame) -> bool {
        let peer = &mut self.peer;
        if frame.generation < peer.generation {
            return false;
        }
        let Some(sequence) = frame.outgoing.sequence else { return true };
        if frame.generation > peer.generation {
            peer.generation = frame.generation;
            peer.complete = sequence - 1;
            peer.beyond.clear();
            peer.acknowledged = 0;
        }
        if sequence <= peer.complete || !peer.beyond.insert(sequence) {
            return false;
        }
        while peer.beyond.remove(&(peer.complete + 1)) {
            peer.complete += 1;
        }
        true
    }

    fn ask_for_missing(&mut self) {
        let peer = &mut self.peer;
        if let Some(beyond) = peer.beyond.first().copied()
            && self.now.since(peer.asked) >= RETRY / 4
        {
            peer.asked = self.now;
            let (first, last) = (peer.complete + 1, beyond - 1);
            let message = Message::Rexmit { first, last };
            self.send(message, Some(self.other));
        } else if peer.complete > peer.acknowledged {
            peer.acknowledged = peer.complete;
            let message = Message::Ack { sequence: peer.complete };
            self.send(message, Some(self.other));
        }
    }

    /// Skips a message that can no longer be sent and will therefore never come.
    fn skip(&mut self, sequence: u64) {
        let peer = &mut self.peer;
        if sequence > peer.complete {
            peer.beyond.insert(sequence);
        }
        while peer.beyond.remove(&(peer.complete + 1)) {
            peer.complete += 1;
        }
    }

    fn tend_end(&mut self) {
        if self.restart_at.is_some_and(|at| self.now >= at) {
            self.restart_at = None;
            let wait = self.settings.deadtime + Duration::from_secs(1);
            self.stops = true;
            self.anew_after = Some(wait);
        }
        let is_up = self.status == NodeStatus::Active;
        let has_begun = self.negotiation.stage == Stage::Shutdown;
        if self.stops && is_up && !has_begun && self.is_stable() {
            self.negotiation.mine = GroupSet::None;
            self.negotiation.stage = Stage::Shutdown;
            self.queue.clear();
            self.report(GroupSet::None, false, Occasion::Shutdown);
            self.begin(scripts::Purpose::Shutdown, self.groups(GroupSet::All), false);
        }
        if self.end_at.is_some_and(|at| self.now >= at) {
            self.end_at = None;
            self.effects.push_back(Effect::End(self.anew_after));
        }
    }

    fn beat(&mut self) {
        let (status, deadtime) = (self.status, self.settings.deadtime);
        self.send(Message::Status { status, deadtime, flow_control: true }, None);
    }

    fn send(&mut self, message: Message, dest: Option<NodeId>) {
        let sequence = message.is_sequenced().then(|| {
            self.sequence += 1;
            self.sequence
        });
        let outgoing = Outgoing { message, dest, dest_uuid: None, sequence, made: self.now };
        self.effects.push_back(Effect::Send(outgoing));
    }

    /// Sends a step; the node itself also hears its own step.
    fn say_step(&mut self, hold: GroupSet, step: Step) {
        self.send(ask(hold, step), None);
        self.hear_step(hold, step, true);
    }

    /// Announces that everything is released: the daemon ends soon.
    fn say_shutdone(&mut self) {
        self.send(Message::Shutdone, None);
        self.end_at = Some(self.now + END_AFTER);
    }

    /// Returns the groups of a set, seen from this node.
    fn groups(&self, hold: GroupSet) -> Vec<GroupId> {
        let is_meant = |group: &GroupId| {
            let is_local = self.settings.groups[group.index()].preferred == self.me;
            if is_local { hold.has_local() } else { hold.has_foreign() }
        };
        self.settings.group_ids().filter(is_meant).collect()
    }

    fn is_stable(&self) -> bool {
        let negotiation = &self.negotiation;
        let is_settled = matches!(negotiation.stage, Stage::Init | Stage::Stable | Stage::Shutdown);
        negotiation.is_other_stable
            && !negotiation.takes_over
            && negotiation.standby == Standby::Not
            && self.children.is_empty()
            && is_settled
    }
}

/// Returns the message for a step of a hand-over, as a C node sends it.
const fn ask(hold: GroupSet, step: Step) -> Message {
    Message::AskResources { hold, step, ipfail: false, by_order: false }
}
