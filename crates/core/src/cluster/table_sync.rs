//! How the other nodes get the table of this node: a beat has room for some rows, and a mark of all
//! rows.
//!
//! A row is sent in the first beat that has room for it after it changed, and again until every
//! Systole node has echoed that it has the whole table as of a beat that described this row. A node
//! that has just come, or was away, lacks everything. Rows that do not fit take turns: at once, a
//! few milliseconds apart, while a node that lacks them listens; otherwise with the beats that are
//! due anyway. If all rows were sent and a node that has heard the last of them still lacks
//! something, because a beat was lost, it starts over. A node that lacks something says so at once.

use super::Cluster;
use crate::beat::{ROW_MAX, Told, WORDS_MAX};
use crate::peer::{Kind, Peer};
use crate::{BEAT_TEXT_MAX, Beat, Claim, Echo, GROUPS_MAX, Mark, NAME_USUAL, Phase};
use crate::{Failure, GroupId, LinkId, NodeId, Settings, TableForm, Time, Words};
use std::time::Duration;

/// An echo that comes this long after the last row was sent, and does not confirm it, shows that a
/// beat was lost.
const UNDER_WAY_MAX: Duration = Duration::from_millis(100);
/// How long after the last beat, and how many times in a row, a missing part is requested out of
/// turn. After that only due beats request it, since it may never come.
const ASK_GAP: Duration = Duration::from_millis(20);
const ASKED_MAX: u8 = 32;

/// What the other nodes were sent about one group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    /// The digest of what is to be sent; absent if there is nothing to send.
    digest: Option<u64>,
    /// The sequence of the first beat whose mark counts the row as it is.
    changed: u64,
    /// No beat has carried the row as it is.
    is_fresh: bool,
    /// An earlier row is of the same group.
    is_twin: bool,
}

/// What the other nodes were sent of this node's table.
#[derive(Debug, Default)]
pub(super) struct TableSync {
    rows: Vec<Row>,
    mark: Mark,
    /// The row at which the next beat begins.
    next: usize,
    /// The sequence of the beat that carried the last fresh row, and when it was sent.
    all_told: u64,
    all_told_at: Time,
    /// Whether the words of failures are sent.
    has_words: bool,
    /// The rows in the beat that is being composed.
    pub(super) picked: Vec<GroupId>,
}

impl TableSync {
    pub(super) fn new(settings: &Settings) -> Self {
        let rows = vec![Row::default(); settings.groups.len()];
        let picked = Vec::with_capacity(GROUPS_MAX);
        let mut sync = Self { rows, picked, ..Self::default() };
        sync.find_twins(settings);
        sync
    }

    /// Forgets the row of a group. Returns whether it was sent, and would be missed.
    pub(super) fn forget_row(&mut self, group: GroupId) -> bool {
        let was_told = self.was_told(group);
        if let Some(row) = self.rows.get_mut(group.index()) {
            *row = Row::default();
        }
        was_told
    }

    /// Records that rows were removed or added.
    pub(super) fn rearranged(&mut self, settings: &Settings, has_lost_rows: bool) {
        self.next = 0;
        self.rows.resize(settings.groups.len(), Row::default());
        self.find_twins(settings);
        if has_lost_rows {
            self.begin_epoch();
        }
    }

    fn find_twins(&mut self, settings: &Settings) {
        for (id, group) in settings.known_groups() {
            let mut before = settings.known_groups().take_while(|(other, _)| *other != id);
            self.rows[id.index()].is_twin = before.any(|(_, other)| other.key == group.key);
        }
    }

    /// Whether a row was sent, and would be missed.
    fn was_told(&self, group: GroupId) -> bool {
        self.rows.get(group.index()).is_some_and(|row| row.digest.is_some())
    }

    /// The others have rows that no longer exist: they forget all rows, and are sent everything.
    pub(super) fn begin_epoch(&mut self) {
        self.mark.epoch = self.mark.epoch.wrapping_add(1);
        self.rows.iter_mut().for_each(|row| row.digest = None);
    }

    /// Records what is to be sent about a group from the beat with this sequence on.
    fn note(&mut self, group: GroupId, digest: u64, sequence: u64) {
        let row = &mut self.rows[group.index()];
        if row.digest != Some(digest) {
            *row = Row { digest: Some(digest), changed: sequence, is_fresh: true, ..*row };
        }
        self.mark.add(digest);
    }

    /// Sends again what was sent but is not known to the others.
    fn begin_anew(&mut self, known: u64) {
        for row in &mut self.rows {
            row.is_fresh |= row.digest.is_some() && row.changed > known;
        }
    }

    fn has_fresh(&self) -> bool {
        self.rows.iter().any(|row| row.digest.is_some() && row.is_fresh)
    }

    fn lacks_something(&self, known: u64) -> bool {
        self.rows.iter().any(|row| row.digest.is_some() && row.changed > known)
    }
}

impl Cluster {
    /// Composes the beat that is sent next.
    pub(super) fn compose_beat(&mut self) {
        let mut beat = std::mem::take(&mut self.transmitter.beat);
        beat.ready = self.status == crate::NodeStatus::Active;
        beat.leaving = self.shutdown.has_begun();
        beat.pings = self.pings_seen();
        beat.service = self.told_service_addresses();
        beat.claims.clear();
        beat.moves.clear();
        beat.holds.clear();
        beat.holds.extend(self.holds.all.told(self.now, None));
        let form = self.form();
        if (beat.form, form) == (TableForm::Whole, TableForm::Marked) {
            self.transmitter.sync.begin_epoch();
        }
        beat.form = form;
        self.transmitter.sync.has_words = self.tells_words();
        self.record_table();
        beat.table = self.transmitter.sync.mark;
        let room = self.tell_echoes(&mut beat);
        match form {
            TableForm::Marked => self.tell_rows(&mut beat, room),
            TableForm::Whole => self.tell_all(&mut beat),
            TableForm::Silent => beat.echoes.clear(),
        }
        self.transmitter.beat = beat;
    }

    /// Adds what this node has heard from others. Returns how much room is left.
    fn tell_echoes(&self, beat: &mut Beat) -> usize {
        beat.echoes.clear();
        for node in self.others() {
            beat.echoes.extend(self.echo(node));
        }
        let name = self.settings.name(self.settings.me).len().saturating_sub(NAME_USUAL);
        let heard = beat.echoes.iter().map(|echo| echo.text_max(false)).sum::<usize>();
        let has_words = self.has_words_to_tell();
        let fixed = name + beat.head_max() + heard;
        let least = fixed + 2 * ROW_MAX + if has_words { WORDS_MAX } else { 0 };
        let room = self.text_room().max(least).min(BEAT_TEXT_MAX);
        let mut room = room.saturating_sub(fixed);
        // The media of many nodes take turns: an echo is good for twice a dead time. In the largest
        // clusters, words have room only in every other beat, so that both have their turn.
        let sequence = usize::try_from(self.history.next()).unwrap_or_default();
        let (words, turn) = match (has_words, sequence.is_multiple_of(2)) {
            (false, _) => (0, sequence),
            (true, false) => (0, sequence / 2),
            (true, true) => (WORDS_MAX, sequence / 2),
        };
        let spare = room.saturating_sub(ROW_MAX + words);
        let (mut used, count) = (0, beat.echoes.len().max(1));
        let first = turn % count;
        for turn in 0..beat.echoes.len() {
            let echo = &mut beat.echoes[(first + turn) % count];
            let more = echo.text_max(true) - echo.text_max(false);
            if used + more > spare {
                echo.lags = crate::Lags::NONE;
            } else {
                used += more;
            }
        }
        room -= used;
        room
    }

    fn echo(&self, node: NodeId) -> Option<Echo> {
        let Peer { session, links, view, .. } = self.peer(node);
        let sequence = links.iter().map(crate::link::Link::sequence).max().unwrap_or_default();
        if *session == 0 || sequence == 0 {
            return None;
        }
        let mut lags = crate::Lags::NONE;
        for (link, heard) in (0..).map(LinkId).zip(links).filter(|(_, heard)| heard.sequence() > 0)
        {
            lags.note(link, sequence - heard.sequence());
        }
        let known = view.whole_at().min(sequence);
        Some(Echo { node, session: *session, sequence, known, lags })
    }

    /// Compares this node's table with what was sent of it.
    fn record_table(&mut self) {
        let sequence = self.history.next();
        let is_gone =
            |group: &GroupId| self.transmitter.sync.was_told(*group) && !self.tells(*group);
        if self.settings.group_ids().any(|group| is_gone(&group)) {
            self.transmitter.sync.begin_epoch();
        }
        let epoch = self.transmitter.sync.mark.epoch;
        self.transmitter.sync.mark = Mark { epoch, ..Mark::default() };
        for group in self.settings.group_ids() {
            if self.tells(group) {
                let digest = self.told(group).digest();
                self.transmitter.sync.note(group, digest, sequence);
            }
        }
    }

    pub(super) fn tells(&self, group: GroupId) -> bool {
        !self.transmitter.sync.rows[group.index()].is_twin && self.is_told(group)
    }

    /// This node's row of a group.
    pub(super) fn told(&self, id: GroupId) -> Told {
        let (group, row) = (&self.settings.groups[id.index()], &self.groups[id].row);
        // Whichever node owns the group by now: that services of it may still run here is said
        // about this node, and claims nothing.
        let is_in_doubt = self.groups[id].in_doubt && row.owner() != Some(self.settings.me);
        let (owner, term, phase) = if is_in_doubt {
            (self.settings.me, 0, Phase::Failed)
        } else {
            (row.owner().unwrap_or(group.preferred), row.term(), self.told_phase(row))
        };
        let claim = Claim {
            group: group.key,
            owner,
            term,
            phase,
            unable: self.is_unable(id),
            failure: self.told_failure(id),
            runs_here: self.runs_here(id),
        };
        let stay = &self.groups[id];
        let hold = stay.hold.told(self.now, Some(0));
        Told { claim, hold, moves: stay.down.told(self.now, 0) }
    }

    fn told_failure(&self, group: GroupId) -> Option<Failure> {
        let failure = self.groups[group].failure(self.settings.me)?;
        let words = if self.transmitter.sync.has_words { failure.words } else { Words::NONE };
        Some(Failure { words, ..failure.as_told() })
    }

    fn has_words_to_tell(&self) -> bool {
        let (me, sync) = (self.settings.me, &self.transmitter.sync);
        sync.has_words
            && self
                .groups
                .iter()
                .any(|group| group.failures_of(me).any(|failure| !failure.words.is_empty()))
    }

    /// Whether this node cannot run a group, as far as it can tell. That includes a group that an
    /// earlier daemon began to start, as long as no daemon has continued that start.
    pub(super) fn is_unable(&self, group: GroupId) -> bool {
        // A reservation that protects a running group by its former line is as firm as that group.
        let is_reservation = self.is_ours(group) && self.groups[group].row.phase() == Phase::Active;
        !self.has_executor()
            || self.groups[group].runner.is_taken_up()
            || self.settings.groups[group.index()].is_retired && !is_reservation
            || !self.has_carrier(group)
            || self.waits_for_unknown_line(group)
            || self.is_taken_alone(group)
            || !self.groups[group].row.is_able(self.settings.me)
    }

    /// The phase of a row as it is reported to others. If the owner is not heard, no one here can
    /// say that it still holds the group: the node that runs the group would give way to a memory.
    /// If the owner's beats may have waited while this node stood still, no one can say whether the
    /// owner runs the group.
    fn told_phase(&self, row: &super::rows::Row) -> Phase {
        if row.owner() == Some(self.settings.me) {
            return row.phase().told(!self.has_executor());
        }
        let Some(owner) = row.owner().filter(|owner| self.peer(*owner).is_alive()) else {
            return Phase::Stopped;
        };
        // Messages that waited in the socket may be old: the row holds nothing against the node
        // that runs the group, and no node takes the group because of it either.
        let may_be_old = self.pause.awaits(owner) && row.phase().holds();
        if may_be_old { Phase::Stopping } else { row.phase() }
    }

    /// Adds rows: first those that no beat has carried yet, then those that some node may not know.
    fn tell_rows(&mut self, beat: &mut Beat, mut room: usize) {
        let known = self.known_everywhere();
        let (count, next) = (self.transmitter.sync.rows.len(), self.transmitter.sync.next);
        let mut picked = std::mem::take(&mut self.transmitter.sync.picked);
        picked.clear();
        let mut first_left = None;
        for wants_fresh in [true, false] {
            for turn in 0..count {
                let group = super::group_id((next + turn) % count);
                let row = &self.transmitter.sync.rows[group.index()];
                let is_wanted = row.is_fresh == wants_fresh && row.changed > known;
                if row.digest.is_none() || !is_wanted {
                    continue;
                }
                let told = self.told(group);
                let size = told.text_max();
                if size > room || first_left.is_some() {
                    first_left = first_left.or(Some(group.index()));
                    break;
                }
                room -= size;
                beat.tell(&told);
                picked.push(group);
            }
        }
        self.record_told(&picked, first_left.unwrap_or(0));
        self.transmitter.sync.picked = picked;
    }

    pub(super) fn record_told(&mut self, picked: &[GroupId], next: usize) {
        let (sequence, now) = (self.history.next(), self.now);
        let sync = &mut self.transmitter.sync;
        let had_fresh = sync.has_fresh();
        for group in picked {
            sync.rows[group.index()].is_fresh = false;
        }
        sync.next = next;
        if had_fresh && !sync.has_fresh() {
            (sync.all_told, sync.all_told_at) = (sequence, now);
        }
    }

    /// The highest sequence of a beat that described this node's table as every Systole node knows
    /// it.
    pub(super) fn known_everywhere(&self) -> u64 {
        let others = self.others().map(|node| self.peer(node));
        let ours = others.filter(|peer| peer.kind != Kind::Classic);
        ours.map(|peer| peer.known).min().unwrap_or(u64::MAX)
    }

    /// Whether a node that listens waits for rows that no beat has carried yet.
    pub(super) fn is_awaited(&self) -> bool {
        let sync = &self.transmitter.sync;
        sync.has_fresh()
            && self.others().map(|node| self.peer(node)).any(|peer| {
                let listens = peer.is_alive() && peer.kind == Kind::Systole && peer.answers;
                listens && sync.lacks_something(peer.known)
            })
    }

    /// Requests a missing part of a peer's table: the echo in this node's next beat says that it is
    /// missing.
    pub(super) fn ask(&mut self, node: NodeId) {
        let peer = self.peer_mut(node);
        if peer.asked < ASKED_MAX {
            peer.asked += 1;
            self.beat_within(ASK_GAP);
        }
    }

    /// Records what a peer that answers this node knows of this node's table.
    pub(super) fn handle_known(&mut self, node: NodeId, echo: &Echo) {
        let peer = self.peer_mut(node);
        peer.known = peer.known.max(echo.known);
        peer.heard = peer.heard.max(echo.sequence);
        let (known, now) = (peer.known, self.now);
        let under_way = UNDER_WAY_MAX.max(self.line_delay());
        let sync = &mut self.transmitter.sync;
        let is_long_told = now.since(sync.all_told_at) >= under_way;
        let has_heard_all = echo.sequence >= sync.all_told || is_long_told;
        if has_heard_all && !sync.has_fresh() && sync.lacks_something(known) {
            sync.begin_anew(known);
            self.beat_soon();
        }
    }
}
