//! Properties of an entry that a story needs.

use jiff::Timestamp;
use systole_core::Phase;
use systole_ipc::journal::{Entry, JournalEvent, Place, Subject};

/// Returns the group that an entry is about; `None` if the entry is about a node or a set of groups.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    match entry.event.story().0 {
        Subject::Group(group) => Some(group),
        Subject::Every | Subject::Ordered(_) | Subject::Aside => None,
    }
}

/// Returns whether an entry that is not about a single group may concern this one: events of nodes, and
/// orders for this group or for several.
pub(super) fn concerns(entry: &Entry, group: &str) -> bool {
    match entry.event.story().0 {
        Subject::Every => true,
        Subject::Ordered(of) => of.is_none_or(|of| of == group),
        Subject::Group(_) | Subject::Aside => false,
    }
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

/// Returns whether an entry begins something that a later entry ends.
pub(super) fn is_beginning(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Beginning
}

/// Returns whether an entry ends something that was begun for a set of groups. It comes after the effects
/// on each group.
pub(super) fn is_conclusion(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Conclusion
}

/// Returns the time of an entry.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    entry.time.parse().ok()
}
