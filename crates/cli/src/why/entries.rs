//! Properties of an entry that a story needs.

use super::reload;
use jiff::{SignedDuration, Timestamp};
use systole_core::Phase;
use systole_ipc::journal::{Entry, JournalEvent, Place, RETIRED, Subject};

/// How much later than a later event an event may have been recorded, because its thread was delayed. If it is
/// more, the clock was set back, as chrony does shortly after boot: then the order of the file is right.
const LATE_MAX: SignedDuration = SignedDuration::from_secs(2);

/// Returns the group that an entry is about; `None` if the entry is about a node or a set of groups.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    match entry.event.story().0 {
        Subject::Group(group) => Some(group),
        Subject::Every | Subject::Set(..) | Subject::Ordered(_) | Subject::Aside => None,
    }
}

/// A group whose story is told, as a member of sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    /// The name of the group in the journal.
    pub(super) name: &'a str,
    /// The node that should run the group, if a daemon reports it.
    pub(super) home: Option<&'a str>,
}

/// Returns whether an entry that is not about a single group may concern this one: events of nodes, reloads
/// that change this group or a setting, orders for this group or for several, and hand-overs of a set that
/// may contain it.
pub(super) fn concerns(entries: &[Entry], place: usize, group: Member<'_>) -> bool {
    if let Some(changes) = reload::changes(entries, place) {
        return reload::concerns(changes, group.name);
    }
    match entries[place].event.story().0 {
        Subject::Every => true,
        Subject::Set(set, giver) => group
            .home
            .is_none_or(|home| if home == giver { set.has_local() } else { set.has_foreign() }),
        Subject::Ordered(of) => of.is_none_or(|of| of == group.name),
        Subject::Group(_) | Subject::Aside => false,
    }
}

/// Returns when the hand-over began that an entry is about.
pub(super) fn hand_over_began(entry: &Entry) -> Option<Timestamp> {
    let JournalEvent::HandOver(stage) = &entry.event else { return None };
    let total = i64::try_from(stage.total_ms).map(SignedDuration::from_millis).ok()?;
    time(entry)?.checked_sub(total).ok()
}

/// Returns the owner and term of a group after this entry.
pub(super) fn ownership(entry: &Entry) -> Option<(&str, u64)> {
    if let JournalEvent::Ownership { owner, term, .. } = &entry.event {
        Some((owner, *term))
    } else {
        None
    }
}

/// Returns whether a group became active with this entry.
pub(super) fn is_active(entry: &Entry) -> bool {
    matches!(entry.event, JournalEvent::Ownership { phase: Phase::Active, .. })
}

/// Returns whether the node that wrote the entry only claims a group, whose line it no longer has: it has stopped
/// the group, and no node that still has the line is to start it.
pub(super) fn is_only_claimed(entry: &Entry) -> bool {
    let JournalEvent::Ownership { group, owner, phase, .. } = &entry.event else { return false };
    group.ends_with(RETIRED) && *phase == Phase::Active && *owner == entry.from
}

/// Returns whether an entry begins something that a later entry ends.
pub(super) fn is_beginning(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Beginning
}

/// Returns whether an entry ends something that was begun for a set of groups. It comes after the effects
/// on each group.
pub(super) fn is_conclusion(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Conclusion
}

/// Sorts entries by time. Entries of an earlier daemon, and those before the clock was set back, come first.
pub(super) fn sort(entries: &mut [Entry]) {
    let is_in_time = |left: &Entry, right: &Entry| {
        let (Some(left_time), Some(right_time)) = (time(left), time(right)) else { return false };
        left.run == right.run && right_time >= left_time - LATE_MAX
    };
    entries.chunk_by_mut(is_in_time).for_each(|entries| entries.sort_by_key(time));
}

/// Returns the time of an entry.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    entry.time.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_by_time_unless_clock_was_set_back() {
        let entry = |run, number, clock: &str| {
            let time = format!("2026-11-24T{clock}Z");
            Entry { time, from: "web1".to_owned(), run, number, event: JournalEvent::Stop }
        };
        let mut entries = [
            entry(1, 1, "10:00:05.002"),
            entry(1, 2, "10:00:05"),
            entry(1, 3, "10:00:05.002"),
            entry(2, 1, "10:00:04"),
            entry(2, 2, "09:00:00"),
            entry(2, 3, "09:00:01"),
            entry(2, 4, "09:00:00.5"),
        ];
        sort(&mut entries);
        let order = entries.map(|entry| (entry.run, entry.number));
        assert_eq!(order, [(1, 2), (1, 1), (1, 3), (2, 1), (2, 2), (2, 4), (2, 3)]);
    }
}
