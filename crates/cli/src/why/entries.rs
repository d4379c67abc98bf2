//! What a story asks of an entry.

use jiff::Timestamp;
use systole_core::Phase;
use systole_ipc::journal::{Entry, JournalEvent, Place, Subject};

/// The group that an entry is about; none for what befell a node, or concerns a set of groups.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    match entry.event.story().0 {
        Subject::Group(group) => Some(group),
        Subject::Every | Subject::Ordered(_) | Subject::Aside => None,
    }
}

/// Whether something that is about no group alone may have to do with this one: what befell nodes, and
/// what was ordered for it or for several.
pub(super) fn concerns(entry: &Entry, group: &str) -> bool {
    match entry.event.story().0 {
        Subject::Every => true,
        Subject::Ordered(of) => of.is_none_or(|of| of == group),
        Subject::Group(_) | Subject::Aside => false,
    }
}

/// Whose a group is after this entry.
pub(super) fn ownership(entry: &Entry) -> Option<(&str, u64)> {
    if let JournalEvent::Ownership { owner, term, .. } = &entry.event {
        Some((owner, *term))
    } else {
        None
    }
}

/// Whether a group runs since this entry.
pub(super) fn is_active(entry: &Entry) -> bool {
    matches!(entry.event, JournalEvent::Ownership { phase: Phase::Active, .. })
}

/// Whether something new begins with an entry: what ends later is its end.
pub(super) fn is_beginning(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Beginning
}

/// Whether an entry ends what was begun for a set of groups: it comes behind what it did to each.
pub(super) fn is_conclusion(entry: &Entry) -> bool {
    entry.event.story().1 == Place::Conclusion
}

/// When it happened.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    entry.time.parse().ok()
}
