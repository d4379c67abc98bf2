//! What this node has of the table of a peer.
//!
//! ```text
//!             the mark is that of what we have
//!   partial ─────────────────────────────────────▶ whole
//!      ▲                                             │
//!      └─────────────────────────────────────────────┘
//!        another mark, and not the rows that make it; another epoch or session
//! ```
//!
//! A beat carries a few rows and the mark of all rows. The rows replace the known rows of the same
//! groups. If the known rows then match the mark, this node has the table as it was when the beat
//! was sent, whatever was lost before. If not, the sender learns that from this node's echo, and
//! sends the rows that are lacking.

use crate::beat::Told;
use crate::{Beat, GROUPS_MAX, GroupKey, HoldNotice, Mark, Moves, NodeId, TableForm, Time};
use std::time::Duration;

/// The rows of a peer's table that this node has heard.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Ordered by group.
    rows: Vec<Known>,
    mark: Mark,
    whole_at: u64,
    /// Whether the last beat left nothing unknown.
    is_whole: bool,
}

/// A row, and when it was heard if it contains a time that runs down.
#[derive(Debug, Clone, Copy)]
struct Known {
    told: Told,
    at: Option<Time>,
}

impl Known {
    /// The row as the sender would report it now.
    fn aged(&self, now: Time) -> Told {
        let gone = self.at.map_or(Duration::ZERO, |at| now.since(at));
        let gone = u64::try_from(gone.as_millis()).unwrap_or(u64::MAX);
        let Told { claim, hold, moves } = self.told;
        let hold = hold.map(|it| HoldNotice { left: it.left.saturating_sub(gone), ..it });
        let moves = moves.map(|it| Moves { left: it.left.saturating_sub(gone), ..it });
        Told { claim, hold, moves }
    }
}

impl View {
    /// Takes the rows of a beat. Returns whether this node has the whole table now.
    pub(crate) fn hear(&mut self, now: Time, beat: &Beat) -> bool {
        if beat.table.epoch != self.mark.epoch || beat.form == TableForm::Whole {
            self.rows.clear();
            self.mark = Mark { epoch: beat.table.epoch, ..Mark::default() };
        }
        for told in beat.told() {
            self.put(now, told);
        }
        self.is_whole = self.mark == beat.table;
        self.is_whole
    }

    /// Whether this node has the whole table as of the last beat.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Records that this node had the whole table after the beat with this sequence.
    pub(crate) fn record_whole(&mut self, sequence: u64) {
        self.whole_at = self.whole_at.max(sequence);
    }

    /// The highest sequence of a beat after which this node had the whole table; 0 if it never had.
    pub(crate) const fn whole_at(&self) -> u64 {
        self.whole_at
    }

    /// What the peer says about a group, as it would say it now.
    pub(crate) fn get(&self, now: Time, group: GroupKey) -> Option<Told> {
        let place = self.place(group).ok()?;
        Some(self.rows[place].aged(now))
    }

    /// Whether the peer says that a group is held.
    pub(crate) fn holds(&self, group: GroupKey) -> bool {
        let hold = self.place(group).ok().and_then(|place| self.rows[place].told.hold);
        hold.is_some_and(|hold| !hold.is_release && hold.left > 0)
    }

    /// Whether the peer's table has a row for a group.
    pub(crate) fn has(&self, group: GroupKey) -> bool {
        self.place(group).is_ok()
    }

    /// All groups of which something still runs at the peer, as the peer says. Groups in doubt are
    /// left out.
    pub(crate) fn running(&self, from: NodeId) -> impl Iterator<Item = GroupKey> + '_ {
        let claims = self.rows.iter().map(|known| known.told.claim);
        let running = claims.filter(move |claim| claim.runs_here && !claim.is_in_doubt(from));
        running.map(|claim| claim.group)
    }

    /// All groups that the peer has let go of without an executor, and of which it cannot tell
    /// whether services still run.
    pub(crate) fn in_doubt(&self, from: NodeId) -> impl Iterator<Item = GroupKey> + '_ {
        let claims = self.rows.iter().map(|known| known.told.claim);
        claims.filter(move |claim| claim.is_in_doubt(from)).map(|claim| claim.group)
    }

    /// All groups that the peer could run, as it says.
    pub(crate) fn able(&self) -> impl Iterator<Item = GroupKey> + '_ {
        let able = self.rows.iter().filter(|known| !known.told.claim.unable);
        able.map(|known| known.told.claim.group)
    }

    /// Forgets everything: the peer has restarted.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
        self.mark = Mark::default();
        self.whole_at = 0;
        self.is_whole = false;
    }

    fn put(&mut self, now: Time, told: Told) {
        let passes = told.hold.is_some_and(|hold| hold.left > 0)
            || told.moves.is_some_and(|moves| moves.left > 0);
        let known = Known { told, at: passes.then_some(now) };
        match self.place(told.claim.group) {
            Ok(place) => {
                self.mark.remove(self.rows[place].told.digest());
                self.rows[place] = known;
            }
            // More rows than there can be: rows of another table are among them, and the view never
            // becomes whole.
            Err(_) if self.rows.len() >= GROUPS_MAX => return,
            Err(place) => self.rows.insert(place, known),
        }
        self.mark.add(told.digest());
    }

    fn place(&self, group: GroupKey) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&group, |known| known.told.claim.group)
    }
}
