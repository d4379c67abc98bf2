//! What the journal tells about the lines of haresources.

use systole_config::LineChange;
use systole_ipc::journal::{Entry, JournalEvent, JournalOrder, RETIRED};

/// Returns whether a reload with these changes concerns a group: its line has changed, or a setting, which may
/// matter for every group.
pub(super) fn concerns(changes: &[String], group: &str) -> bool {
    let name = group.strip_suffix(RETIRED).unwrap_or(group);
    let changes_it = |text: &String| match LineChange::of(text) {
        Some(change) => change.group() == Some(name),
        None => true,
    };
    changes.iter().any(changes_it)
}

/// Returns the changes of the reload that an entry is about: a reload, an order to reload, or its answer. `None`
/// for another entry, and for an order that has no answer yet.
pub(super) fn changes(entries: &[Entry], place: usize) -> Option<&[String]> {
    let event = &entries[place].event;
    if matches!(event, JournalEvent::Order { order: JournalOrder::Reload, .. }) {
        entries[place + 1..].iter().find_map(result)
    } else if matches!(event, JournalEvent::Answer { order: JournalOrder::Reload, .. }) {
        entries[..place].iter().rev().find_map(result)
    } else {
        changed(&entries[place])
    }
}

/// Returns the changes that an order to reload had, if this is its reload, or none if this is another order or
/// its answer: between an order and its answer nothing changes without an entry about the reload.
fn result(entry: &Entry) -> Option<&[String]> {
    let (JournalEvent::Order { order, .. } | JournalEvent::Answer { order, .. }) = &entry.event
    else {
        return changed(entry);
    };
    (*order == JournalOrder::Reload).then_some(&[])
}

fn changed(entry: &Entry) -> Option<&[String]> {
    if let JournalEvent::Reload { changes, .. } = &entry.event { Some(changes) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_concerns_a_group_whose_line_or_whose_settings_it_changes() {
        let concerned = |change: &str, group: &str| concerns(&[change.to_owned()], group);
        let changed = "group changed: web1 nginx b (it was: web1 nginx a)";
        assert!(concerned(changed, "nginx") && concerned(changed, "nginx (retired)"));
        assert!(!concerned(changed, "10.0.0.9") && !concerned("group added: web2 a", "web2"));
        assert!(concerned("group removed: web1 nginx", "nginx"));
        assert!(!concerned("groups: in another order", "nginx"));
        assert!(concerned("deadtime: 30 s -> 20 s", "nginx"));
        assert!(!concerns(&[], "nginx"));
    }
}
