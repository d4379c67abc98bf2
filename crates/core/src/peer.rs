//! What this node knows about another node.

mod presence;

use crate::link::Link;
use crate::rarely::Rarely;
use crate::receive::Receiver;
use crate::view::View;
use crate::{
    GroupId, GroupKey, NodeStatus, Random, ServiceAddresses, Settings, TableForm, Time, Uuid,
};
pub(crate) use presence::{Effect, Input};
use std::time::Duration;

/// What kind of daemon a peer runs, learned from its status messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No status was heard yet.
    #[default]
    Unknown,
    /// Systole: its status carries a [`Beat`](crate::Beat).
    Systole,
    /// Heartbeat 3.0.6: the peer is a C node.
    Classic,
}

/// Another node.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts that it told")]
pub(crate) struct Peer {
    /// Its status: as the peer says, or dead.
    pub(crate) status: NodeStatus,
    /// Whether its status is known: the peer was heard, or was declared dead.
    pub(crate) is_settled: bool,
    /// Its generation; 0 before the first message.
    pub(crate) generation: u64,
    /// Messages up to this sequence were heard by an earlier run of this node.
    pub(crate) heard_before: u64,
    /// When that sequence was last stored.
    pub(crate) stored_at: Option<Time>,
    /// A Systole peer has heard this run of this node: it echoed this node's session, so what it
    /// has sent since is no recording from an earlier time.
    pub(crate) answers: bool,
    /// Messages with an older generation, and how they were reported.
    pub(crate) replays: Replays,
    /// When it was last reported that the peer requests or acknowledges messages that were never
    /// sent.
    pub(crate) beyond_told: Option<Time>,
    /// Its uuid.
    pub(crate) uuid: Option<Uuid>,
    /// The kind of its daemon.
    pub(crate) kind: Kind,
    /// The form in which a Systole peer last sent its table, in this run or an earlier one.
    pub(crate) form: Option<TableForm>,
    /// Whether the peer reads marks.
    pub(crate) reads_marks: bool,
    /// Whether the peer reads the words of failures.
    pub(crate) reads_words: bool,
    /// The digest of its node list, as the peer last sent it.
    pub(crate) nodes: Option<u32>,
    /// The session of a Systole peer.
    pub(crate) session: u64,
    /// A Systole peer takes part in decisions.
    pub(crate) is_ready: bool,
    /// A Systole peer is stopping.
    pub(crate) is_leaving: bool,
    /// The peer said goodbye and has not restarted.
    pub(crate) has_left: bool,
    /// The sequence of the last message that reported its holdings, or a part of them.
    pub(crate) told_at: u64,
    /// What this node has of the table of a Systole peer.
    pub(crate) view: View,
    /// How many times in a row the peer was told at once that this node lacks a part of its table.
    pub(crate) asked: u8,
    /// The highest sequence of a beat of this node after which the peer had this node's whole
    /// table.
    pub(crate) known: u64,
    /// The same, but only if this node has the peer's whole table as of that echo, which shows what
    /// the peer did then.
    pub(crate) agreed: u64,
    /// Where a Systole peer can be reached on the service network, as it last said, also to an
    /// earlier run of this node.
    pub(crate) service: ServiceAddresses,
    /// The peer is dead, and nothing was concluded from that because its machine answers for an
    /// address.
    pub(crate) is_death_guarded: bool,
    /// How many ping nodes a Systole peer sees.
    pub(crate) pings: Option<u16>,
    /// The peer sees fewer ping nodes than this node, or has seen none since it did.
    pub(crate) is_cut_off: bool,
    /// How many ping nodes a C node has reported that it sees.
    pub(crate) counted: Option<u32>,
    /// Groups of this node that are missing in a Systole peer's haresources.
    pub(crate) lacks: Vec<GroupId>,
    /// For each group of this node: whether a Systole peer says that something of it still runs
    /// there.
    pub(crate) runs: Vec<bool>,
    /// For each group of this node: whether the peer has lost its executor and cannot tell whether
    /// services of the group still run there.
    pub(crate) in_doubt: Vec<bool>,
    /// Lines that are not in this node's haresources, and of which the peer says that something
    /// still runs there.
    pub(crate) runs_unknown: Vec<GroupKey>,
    /// The peer cannot tell whether services of such a line still run there.
    pub(crate) doubts_unknown: bool,
    /// A digest of the lines that are not in this node's haresources and that the peer could run; 0
    /// if there are none.
    pub(crate) strange: u64,
    /// Whether it was last reported that the peer has lines that are not in this node's haresources.
    pub(crate) has_other_lines: bool,
    /// The first beat of this node after that digest changed: a peer that has heard it knows how
    /// this node treats those lines.
    pub(crate) unknown_known: u64,
    /// A Systole peer says that everything is held.
    pub(crate) holds_all: bool,
    /// Groups that the peer says are held.
    pub(crate) holds_groups: Vec<GroupId>,
    /// The highest sequence of this node that the peer has echoed.
    pub(crate) heard: u64,
    /// The highest sequence of this node that the peer has echoed with its whole table.
    pub(crate) echoed: u64,
    /// The highest sequence of this node that the peer has acknowledged.
    pub(crate) acknowledged: u64,
    /// One per medium of this node.
    pub(crate) links: Vec<Link>,
    /// Its sequence numbers.
    pub(crate) receiver: Receiver,
    /// When its last status arrived.
    pub(crate) last_status: Option<Time>,
    /// The sequence of its last status.
    pub(crate) status_sequence: u64,
    /// When that status was sent, by the peer's clock, in seconds since 1970.
    pub(crate) status_time: u64,
    /// When the peer last proved by an echo that it hears this node: the time of the echoed
    /// message.
    pub(crate) heard_us: Option<Time>,
    /// The first beat that tells the peer to give up a group, and when that became necessary.
    pub(crate) yields: Option<(u64, Time)>,
    /// Since when the peer has been heard, without having been dead or restarted in between.
    pub(crate) heard_since: Time,
    /// Since when the start of this node waits for the peer. Time during which this node stood
    /// still does not count.
    pub(crate) awaited_since: Time,
    /// Silence after which the peer is dead, as it last said.
    pub(crate) dead_after: Duration,
}

/// Messages of an older generation.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    told: Rarely,
    /// The latest one: its generation, when it came, and how many have come in this generation.
    pub(crate) last: Option<(u64, Time, u64)>,
}

impl Replays {
    /// Records one. If it is to be reported now, returns how many there were since the last report.
    pub(crate) fn note(&mut self, now: Time, generation: u64) -> Option<u64> {
        let before = self.last.map_or(0, |(_, _, count)| count);
        self.last = Some((generation, now, before.saturating_add(1)));
        self.told.note(now)
    }
}

impl Peer {
    /// Whether the peer must give up a group, is heard, and has not shown that it knows. That lasts
    /// for a dead time at most: a peer may not hear this node at all, or echo nothing.
    pub(crate) fn has_yet_to_hear_that_it_yields(&self, now: Time) -> bool {
        let is_told =
            |(beat, since): (u64, Time)| self.known < beat && now.since(since) < self.dead_after;
        self.is_alive() && self.kind == Kind::Systole && self.yields.is_some_and(is_told)
    }

    /// A node that was never heard.
    pub(crate) fn new(settings: &Settings, random: &mut Random) -> Self {
        Self {
            status: NodeStatus::Init,
            is_settled: false,
            generation: 0,
            heard_before: 0,
            stored_at: None,
            answers: false,
            replays: Replays::default(),
            beyond_told: None,
            uuid: None,
            kind: Kind::Unknown,
            form: None,
            reads_marks: false,
            reads_words: false,
            nodes: None,
            session: 0,
            is_ready: false,
            is_leaving: false,
            has_left: false,
            told_at: 0,
            view: View::default(),
            asked: 0,
            known: 0,
            agreed: 0,
            service: ServiceAddresses::NONE,
            is_death_guarded: false,
            pings: None,
            is_cut_off: false,
            counted: None,
            lacks: Vec::new(),
            runs: vec![false; settings.groups.len()],
            in_doubt: vec![false; settings.groups.len()],
            runs_unknown: Vec::new(),
            doubts_unknown: false,
            strange: 0,
            has_other_lines: false,
            unknown_known: 0,
            holds_all: false,
            holds_groups: Vec::new(),
            heard: 0,
            echoed: 0,
            acknowledged: 0,
            links: settings.links.iter().map(|_| Link::default()).collect(),
            receiver: Receiver::new(settings.rexmit_delay, random),
            last_status: None,
            status_sequence: 0,
            status_time: 0,
            heard_us: None,
            yields: None,
            heard_since: Time::START,
            awaited_since: Time::START,
            dead_after: settings.deadtime,
        }
    }

    /// Forgets what the peer said about a group that is no longer known, or not known yet.
    pub(crate) fn forget_group(&mut self, group: GroupId) {
        self.lacks.retain(|other| *other != group);
        self.holds_groups.retain(|other| *other != group);
        for facts in [&mut self.runs, &mut self.in_doubt] {
            let count = facts.len().max(group.index() + 1);
            facts.resize(count, false);
            facts[group.index()] = false;
        }
    }

    /// Adds a group that is known from now on. If the peer has not mentioned the line, it counts as
    /// lacking it until its next table says otherwise.
    pub(crate) fn add_group(&mut self, group: GroupId, key: GroupKey) {
        if !self.view.has(key) {
            self.lacks.push(group);
        }
        self.runs[group.index()] = self.runs_unknown.contains(&key);
    }

    /// Whether the peer is heard.
    pub(crate) fn is_alive(&self) -> bool {
        self.last_status.is_some() && self.status != NodeStatus::Dead
    }

    /// Whether the peer is heard and may take groups: a peer that has said goodbye no longer does.
    pub(crate) fn decides(&self) -> bool {
        self.is_alive() && !self.has_left
    }

    /// Whether the peer is heard and means to stay.
    pub(crate) fn is_present(&self) -> bool {
        self.is_alive() && !self.is_leaving && !self.has_left
    }

    /// Whether the peer says that a group is held.
    pub(crate) fn holds(&self, group: GroupId) -> bool {
        self.holds_all || self.holds_groups.contains(&group)
    }

    /// Whether the peer is heard and may run something that this node has not heard about: this
    /// node never had its whole table or, if the peer does not hear this node and so cannot know
    /// what it lacks, does not have it now.
    pub(crate) fn hides_something(&self) -> bool {
        let is_known = if self.answers { self.view.whole_at() > 0 } else { self.view.is_whole() };
        self.is_alive() && self.kind == Kind::Systole && !is_known
    }

    /// Whether the peer can take part in a hand-over now.
    pub(crate) fn can_negotiate(&self) -> bool {
        self.is_present() && self.is_ready
    }

    /// Forgets what a restart of the peer's daemon makes untrue. What it ran may still run: that
    /// holds until its first table.
    pub(crate) fn restart(&mut self, generation: u64) {
        self.replays.last = None;
        self.generation = generation;
        self.heard_before = 0;
        self.answers = false;
        self.receiver.reset();
        self.kind = Kind::Unknown;
        self.nodes = None;
        self.session = 0;
        self.is_ready = false;
        self.is_leaving = false;
        self.has_left = false;
        self.told_at = 0;
        self.forget_table();
        self.pings = None;
        self.is_cut_off = false;
        self.counted = None;
        self.lacks.clear();
        self.in_doubt.fill(false);
        self.doubts_unknown = false;
        self.holds_all = false;
        self.holds_groups.clear();
        self.heard = 0;
        self.echoed = 0;
        self.acknowledged = 0;
        self.status_sequence = 0;
        self.status_time = 0;
        self.heard_us = None;
        self.yields = None;
        for link in &mut self.links {
            link.restart();
        }
    }

    /// Forgets each side's view of the other's table, because the peer is another run of its
    /// daemon.
    pub(crate) fn forget_table(&mut self) {
        self.view.forget();
        self.asked = 0;
        self.known = 0;
        self.agreed = 0;
        self.strange = 0;
    }

    /// Records the arrival of a status. Returns the time since the one before.
    pub(crate) fn record_status(&mut self, now: Time, sequence: u64) -> Option<Duration> {
        // A restart is no silence, however long it took.
        let before = self.last_status.filter(|_| self.status_sequence > 0);
        let interval = before.map(|last| now.since(last));
        self.last_status = Some(now);
        self.status_sequence = self.status_sequence.max(sequence);
        interval
    }
}
