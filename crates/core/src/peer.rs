//! What we know of another node.

use crate::link::Link;
use crate::rarely::Rarely;
use crate::receive::Receiver;
use crate::view::View;
use crate::{GroupId, GroupKey, NodeStatus, Random, Settings, TableForm, Time, Uuid};
use std::time::Duration;

/// What a peer's daemon is, learned from its status messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No status heard yet.
    #[default]
    Unknown,
    /// Its status carries a [`Beat`](crate::Beat).
    Systole,
    /// It is a heartbeat of the classic line.
    Classic,
}

/// Another node.
///
/// ```text
///                status                 silent for its dead time
///   (unheard) ───────────▶ Init/Up/Active ──────────────────────▶ Dead
///       │                        ▲            status               │
///       │ silent for initdead    └─────────────────────────────────┤
///       └──────────────────────────────────────────────────────────┘
/// ```
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts that it told")]
pub(crate) struct Peer {
    /// Its status: as it says, or dead.
    pub(crate) status: NodeStatus,
    /// Whether its status is known: it was heard, or declared dead.
    pub(crate) is_settled: bool,
    /// Its generation, 0 before the first message.
    pub(crate) generation: u64,
    /// What it said up to this sequence was heard by an earlier run of ours.
    pub(crate) heard_before: u64,
    /// When that was stored last.
    pub(crate) stored_at: Option<Time>,
    /// A Systole peer has heard this run of ours: it echoed our session, and what it has said
    /// since is no recording of an earlier time.
    pub(crate) answers: bool,
    /// When messages of an older generation were reported, and how many were not.
    pub(crate) replays: Replays,
    /// When it was reported last that it asks for, or acknowledges, what was never sent.
    pub(crate) beyond_told: Option<Time>,
    /// Its uuid.
    pub(crate) uuid: Option<Uuid>,
    /// What its daemon is.
    pub(crate) kind: Kind,
    /// In which form a Systole peer told of its table last, in this run or one before.
    pub(crate) form: Option<TableForm>,
    /// Whether it reads marks.
    pub(crate) reads_marks: bool,
    /// It reads the words of failures.
    pub(crate) reads_words: bool,
    /// The digest of its node list, as it said last.
    pub(crate) nodes: Option<u32>,
    /// The session of a Systole peer.
    pub(crate) session: u64,
    /// A Systole peer takes part in decisions.
    pub(crate) is_ready: bool,
    /// A Systole peer is stopping.
    pub(crate) is_leaving: bool,
    /// It said goodbye and has not restarted.
    pub(crate) has_left: bool,
    /// The sequence of the last message that told its holdings, or a part of them.
    pub(crate) told_at: u64,
    /// What we have of the table of a Systole peer.
    pub(crate) view: View,
    /// How often in a row it was told at once that we lack a part of its table.
    pub(crate) asked: u8,
    /// The highest sequence of a beat of ours after which it had our whole table.
    pub(crate) known: u64,
    /// The same, but only if we have its whole table as of that echo, which shows what it did then.
    pub(crate) agreed: u64,
    /// How many ping nodes a Systole peer sees.
    pub(crate) pings: Option<u16>,
    /// It sees fewer ping nodes than this node, or has seen none since it did.
    pub(crate) is_cut_off: bool,
    /// How many ping nodes a classic peer has told that it sees.
    pub(crate) counted: Option<u32>,
    /// Groups of ours that a Systole peer's haresources lacks.
    pub(crate) lacks: Vec<GroupId>,
    /// Of each group of ours whether a Systole peer says that something of it still runs there.
    pub(crate) runs: Vec<bool>,
    /// Of each group of ours whether it has lost its executor, and cannot tell whether services of it
    /// run there on.
    pub(crate) in_doubt: Vec<bool>,
    /// Lines that are not in our haresources, and of which it says that something still runs there.
    pub(crate) runs_unknown: Vec<GroupKey>,
    /// It cannot tell whether services of such a line run there on.
    pub(crate) doubts_unknown: bool,
    /// A digest of the lines that are not in our haresources and that it could run; 0 without any.
    pub(crate) strange: u64,
    /// The first of our beats after that had changed: who has heard it knows what we make of them.
    pub(crate) unknown_known: u64,
    /// A Systole peer says that everything is held.
    pub(crate) holds_all: bool,
    /// Groups that it says are held.
    pub(crate) holds_groups: Vec<GroupId>,
    /// The highest sequence of ours that it has echoed with its whole table.
    pub(crate) echoed: u64,
    /// What it has acknowledged of ours.
    pub(crate) acknowledged: u64,
    /// One per medium of ours.
    pub(crate) links: Vec<Link>,
    /// Its sequence numbers.
    pub(crate) receiver: Receiver,
    /// When its last status came.
    pub(crate) last_status: Option<Time>,
    /// The sequence of its last status.
    pub(crate) status_sequence: u64,
    /// When that was said, by its own clock, in seconds since 1970.
    pub(crate) status_time: u64,
    /// When it last proved that it hears us, by an echo: the time of our echoed message.
    pub(crate) heard_us: Option<Time>,
    /// Since when it has been heard, without having been dead or restarted in between.
    pub(crate) heard_since: Time,
    /// Since when our start waits for it. Time in which we stood still does not count.
    pub(crate) awaited_since: Time,
    /// Silence that makes it dead, as it said last.
    pub(crate) dead_after: Duration,
}

/// Messages of an older generation.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    told: Rarely,
    /// The latest: its generation, when it came, and how many there were in this generation.
    pub(crate) last: Option<(u64, Time, u64)>,
}

impl Replays {
    /// Notes one. If it is to be told now, returns how many there were since the last time.
    pub(crate) fn note(&mut self, now: Time, generation: u64) -> Option<u64> {
        let before = self.last.map_or(0, |(_, _, count)| count);
        self.last = Some((generation, now, before.saturating_add(1)));
        self.told.note(now)
    }
}

impl Peer {
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
            pings: None,
            is_cut_off: false,
            counted: None,
            lacks: Vec::new(),
            runs: vec![false; settings.groups.len()],
            in_doubt: vec![false; settings.groups.len()],
            runs_unknown: Vec::new(),
            doubts_unknown: false,
            strange: 0,
            unknown_known: 0,
            holds_all: false,
            holds_groups: Vec::new(),
            echoed: 0,
            acknowledged: 0,
            links: settings.links.iter().map(|_| Link::default()).collect(),
            receiver: Receiver::new(settings.rexmit_delay, random),
            last_status: None,
            status_sequence: 0,
            status_time: 0,
            heard_us: None,
            heard_since: Time::START,
            awaited_since: Time::START,
            dead_after: settings.deadtime,
        }
    }

    /// Forgets what it said of a group that is no longer known, or not known yet.
    pub(crate) fn forget_group(&mut self, group: GroupId) {
        self.lacks.retain(|other| *other != group);
        self.holds_groups.retain(|other| *other != group);
        for facts in [&mut self.runs, &mut self.in_doubt] {
            let count = facts.len().max(group.index() + 1);
            facts.resize(count, false);
            facts[group.index()] = false;
        }
    }

    /// A group is known from now on. Until the next table of the peer says otherwise the peer lacks a line
    /// of which it has not told.
    pub(crate) fn add_group(&mut self, group: GroupId, key: GroupKey) {
        if !self.view.has(key) {
            self.lacks.push(group);
        }
        self.runs[group.index()] = self.runs_unknown.contains(&key);
    }

    /// Whether it is heard.
    pub(crate) fn is_alive(&self) -> bool {
        self.last_status.is_some() && self.status != NodeStatus::Dead
    }

    /// Whether it is heard, and may take something: who has said goodbye does not any more.
    pub(crate) fn decides(&self) -> bool {
        self.is_alive() && !self.has_left
    }

    /// Whether it is heard and means to stay.
    pub(crate) fn is_present(&self) -> bool {
        self.is_alive() && !self.is_leaving && !self.has_left
    }

    /// Whether it says that a group is held.
    pub(crate) fn holds(&self, group: GroupId) -> bool {
        self.holds_all || self.holds_groups.contains(&group)
    }

    /// Whether it is heard, and may run what we have not heard of: we have not had its whole table, or, of
    /// one that does not hear us and so cannot know what we lack, do not have it now.
    pub(crate) fn hides_something(&self) -> bool {
        let is_known = if self.answers { self.view.whole_at() > 0 } else { self.view.is_whole() };
        self.is_alive() && self.kind == Kind::Systole && !is_known
    }

    /// Whether it can take part in a hand-over now.
    pub(crate) fn can_negotiate(&self) -> bool {
        self.is_present() && self.is_ready
    }

    /// Forgets what a restart of its daemon makes untrue. What it ran may run on: that holds until its
    /// first table.
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
        self.echoed = 0;
        self.acknowledged = 0;
        self.status_sequence = 0;
        self.status_time = 0;
        self.heard_us = None;
        for link in &mut self.links {
            link.restart();
        }
    }

    /// Forgets what we have of its table and it has of ours: it is another run of its daemon.
    pub(crate) fn forget_table(&mut self) {
        self.view.forget();
        self.asked = 0;
        self.known = 0;
        self.agreed = 0;
        self.strange = 0;
    }

    /// Notes the arrival of a status. Returns the time since the one before.
    pub(crate) fn record_status(&mut self, now: Time, sequence: u64) -> Option<Duration> {
        // A restart is no silence, however long it took.
        let before = self.last_status.filter(|_| self.status_sequence > 0);
        let interval = before.map(|last| now.since(last));
        self.last_status = Some(now);
        self.status_sequence = self.status_sequence.max(sequence);
        interval
    }

    /// When it is dead if it stays silent; `patience` overrides what it said (initdead).
    pub(crate) fn deadline(&self, patience: Option<Duration>) -> Option<Time> {
        if self.status == NodeStatus::Dead {
            return None;
        }
        let settles =
            patience.filter(|_| self.is_unproven()).map(|patience| self.awaited_since + patience);
        self.silent_at(patience).into_iter().chain(settles).min()
    }

    /// Whether whatever it said so far may be a recording, and our start waits for it.
    fn is_unproven(&self) -> bool {
        self.kind == Kind::Systole && !self.answers && !self.is_settled
    }

    fn silent_at(&self, patience: Option<Duration>) -> Option<Time> {
        if self.status == NodeStatus::Dead {
            return None;
        }
        let since = self.last_status.unwrap_or(self.awaited_since);
        Some(since + patience.unwrap_or(self.dead_after))
    }

    /// Lets time pass. Returns whether it died of its silence.
    ///
    /// What may be a recording does not prolong our start: we wait as long for it as for a node that
    /// says nothing. It may also be a node that does not hear us, so that it is not dead; as long as
    /// it is heard nothing is started beside it.
    pub(crate) fn elapse(&mut self, now: Time, patience: Option<Duration>) -> bool {
        if self.is_unproven()
            && patience.is_some_and(|patience| now >= self.awaited_since + patience)
        {
            self.is_settled = true;
        }
        if self.silent_at(patience).is_none_or(|deadline| now < deadline) {
            return false;
        }
        self.status = NodeStatus::Dead;
        self.is_settled = true;
        self.is_ready = false;
        self.receiver.forget_missing();
        true
    }

    /// Restarts the clock of its silence: it was we who were away until now.
    pub(crate) fn forgive(&mut self, now: Time) {
        if self.is_alive() {
            self.last_status = Some(now);
        }
    }
}
