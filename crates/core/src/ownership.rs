//! Who owns which group: one row per group, merged from what every node says.

mod merge;
mod names;

use crate::{Action, Failure, GroupId, NodeId, Phase, Settings};
pub(crate) use merge::{Meeting, Merged};

/// What we know of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// The owner, or the last one when the phase is stopped; `None` before the first term.
    pub(crate) owner: Option<NodeId>,
    /// The number of the ownership; it grows at each change of owner.
    pub(crate) term: u64,
    /// How far the owner is.
    pub(crate) phase: Phase,
    /// Nodes that said they cannot run the group, as bits.
    unable: u32,
    /// The owner has it only because the preferred node was away: failback may return it.
    pub(crate) is_borrowed: bool,
    /// It is ours and claimed, and nothing of it runs yet: it is about to start in place of what it
    /// replaces.
    pub(crate) is_entrusted: bool,
}

impl Row {
    /// Nobody owns it, or ever did.
    const NEW: Self = Self {
        owner: None,
        term: 0,
        phase: Phase::Stopped,
        unable: 0,
        is_borrowed: false,
        is_entrusted: false,
    };
}

/// The table of all groups.
#[derive(Debug)]
pub(crate) struct Ownership {
    rows: Vec<Row>,
    /// What failed on which node: for each group and node at most a start and a stop.
    failures: Vec<(GroupId, NodeId, Failure)>,
}

impl Ownership {
    /// Nobody owns anything yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { rows: vec![Row::NEW; settings.groups.len()], failures: Vec::new() }
    }

    /// Gives groups other places: `origins` names for each place the one where its group was.
    pub(crate) fn rearrange(&mut self, origins: &[Option<GroupId>]) {
        let Self { rows, failures } = self;
        let row = |origin: &Option<GroupId>| origin.map_or(Row::NEW, |from| rows[from.index()]);
        *rows = origins.iter().map(row).collect();
        let places = || (0..).map(GroupId).zip(origins);
        *failures = std::mem::take(failures)
            .into_iter()
            .filter_map(|(group, node, failure)| {
                let (place, _) = places().find(|(_, origin)| **origin == Some(group))?;
                Some((place, node, failure))
            })
            .collect();
    }

    /// Keeps a group for `node`, which is about to start it: nobody else takes it meanwhile. It has
    /// at least this term.
    pub(crate) fn entrust(&mut self, group: GroupId, node: NodeId, term: u64, is_borrowed: bool) {
        let row = &mut self.rows[group.index()];
        row.owner = Some(node);
        row.term = row.term.max(term).max(1);
        row.phase = Phase::Starting;
        row.is_borrowed = is_borrowed;
        row.is_entrusted = true;
    }

    /// Takes a group for held by `node` in this term, or in the one that is known.
    pub(crate) fn presume(&mut self, group: GroupId, node: NodeId, term: u64, is_borrowed: bool) {
        let row = &mut self.rows[group.index()];
        // What is remembered of another owner counts when that owner says so itself.
        let known = if row.owner == Some(node) { row.term } else { 0 };
        row.owner = Some(node);
        row.term = known.max(term).max(1);
        row.phase = Phase::Starting;
        row.is_borrowed = is_borrowed;
    }

    /// A group is not about to start any more.
    pub(crate) fn end_trust(&mut self, group: GroupId) {
        self.rows[group.index()].is_entrusted = false;
    }

    /// The row of a group.
    pub(crate) fn row(&self, group: GroupId) -> &Row {
        &self.rows[group.index()]
    }

    /// Recalls a term that was stored before the daemon started.
    pub(crate) fn recall(&mut self, group: GroupId, owner: NodeId, term: u64) {
        let row = &mut self.rows[group.index()];
        if term > row.term {
            row.owner = Some(owner);
            row.term = term;
        }
    }

    /// Whether `node` may run the group at all.
    pub(crate) fn is_able(&self, group: GroupId, node: NodeId) -> bool {
        self.rows[group.index()].unable & bit(node) == 0
    }

    /// Notes whether `node` can run the group.
    pub(crate) fn note_ability(&mut self, group: GroupId, node: NodeId, able: bool) {
        let unable = &mut self.rows[group.index()].unable;
        *unable = if able { *unable & !bit(node) } else { *unable | bit(node) };
    }

    /// What failed on `node` and was not mended since: a stop before a start.
    pub(crate) fn failure(&self, group: GroupId, node: NodeId) -> Option<Failure> {
        let all = self.failures.iter().filter(|entry| (entry.0, entry.1) == (group, node));
        all.map(|entry| entry.2).max_by_key(|failure| failure.action == Action::Stop)
    }

    /// All that failed on `node` and was not mended since.
    pub(crate) fn failures_of(&self, node: NodeId) -> impl Iterator<Item = &Failure> {
        self.failures.iter().filter(move |entry| entry.1 == node).map(|entry| &entry.2)
    }

    /// Notes what failed on `node`.
    pub(crate) fn note_failure(&mut self, group: GroupId, node: NodeId, failure: Failure) {
        self.forget_failure(group, node, failure.action);
        self.failures.push((group, node, failure));
    }

    /// Notes that a start, or a stop, does not fail on `node` any more.
    pub(crate) fn forget_failure(&mut self, group: GroupId, node: NodeId, action: Action) {
        self.failures.retain(|entry| (entry.0, entry.1, entry.2.action) != (group, node, action));
    }

    /// Makes `node` the owner in a new term.
    pub(crate) fn claim(&mut self, group: GroupId, node: NodeId, is_borrowed: bool) {
        let row = &mut self.rows[group.index()];
        row.owner = Some(node);
        row.term = row.term.saturating_add(1);
        row.phase = Phase::Starting;
        row.is_borrowed = is_borrowed;
        row.is_entrusted = false;
    }

    /// The owner has a group only until its home can take it. Returns whether that is news.
    pub(crate) fn borrow(&mut self, group: GroupId) -> bool {
        !std::mem::replace(&mut self.rows[group.index()].is_borrowed, true)
    }

    /// Notes how far the owner is. Returns whether that is news.
    pub(crate) fn advance(&mut self, group: GroupId, phase: Phase) -> bool {
        let row = &mut self.rows[group.index()];
        let changed = row.phase != phase;
        row.phase = phase;
        changed
    }

    /// Everything that `node` owned is stopped: it said so, or restarted without it.
    pub(crate) fn released_by(&mut self, node: NodeId) {
        for row in self.rows.iter_mut().filter(|row| row.owner == Some(node)) {
            if row.phase.holds() {
                row.phase = Phase::Stopped;
            }
        }
    }
}

/// The bit of a node in a set of them.
pub(crate) const fn bit(node: NodeId) -> u32 {
    1 << (node.0 % 32)
}

#[cfg(test)]
mod tests;

/// Meets what worlds do not, on this thread.
#[cfg(all(test, feature = "test-hooks"))]
pub(crate) fn every_meeting() {
    tests::every_meeting_of_two_claims_has_one_end();
}
