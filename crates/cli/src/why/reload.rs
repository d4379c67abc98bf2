//! What the journal tells about the lines of haresources.

use super::entries::group_of;
use systole_config::LineChange;
use systole_ipc::journal::{Entry, JournalEvent, RETIRED};
use systole_ipc::order::{DaemonOrder, JournalOrder};

const RELOAD: JournalOrder = JournalOrder::Daemon(DaemonOrder::Reload);

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
    if matches!(event, JournalEvent::Order { order: RELOAD, .. }) {
        entries[place + 1..].iter().find_map(result)
    } else if matches!(event, JournalEvent::Answer { order: RELOAD, .. }) {
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
    (*order == RELOAD).then_some(&[])
}

fn changed(entry: &Entry) -> Option<&[String]> {
    if let JournalEvent::Reload { changes, .. } = &entry.event { Some(changes) } else { None }
}

/// Returns whether a retired group is in haresources again: a reload has put back the very line that was
/// removed, and the group goes on under its own name.
pub(super) fn is_put_back(entries: &[Entry], group: &str) -> bool {
    let Some(name) = group.strip_suffix(RETIRED) else { return false };
    let mut changes = entries.iter().enumerate().flat_map(|(place, entry)| {
        let changes = changed(entry).unwrap_or_default().iter();
        changes.filter_map(move |text| Some((place, LineChange::of(text)?)))
    });
    let (mut removed, mut put_back) = (None, None);
    while let Some((place, change)) =
        changes.by_ref().find(|(_, change)| change.group() == Some(name))
    {
        match change {
            LineChange::Removed(line) | LineChange::Changed(_, line) => {
                (removed, put_back) = (Some(line), None);
            }
            LineChange::Added(line) if removed == Some(line) => put_back = Some(place),
            LineChange::Added(_) | LineChange::Order => {}
        }
    }
    let last = entries.iter().rposition(|entry| group_of(entry) == Some(group));
    put_back.is_some_and(|place| last < Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::Phase;

    fn entry(event: JournalEvent) -> Entry {
        Entry { time: String::new(), from: String::new(), run: 1, number: 1, event }
    }

    fn reload(change: &str) -> Entry {
        entry(JournalEvent::Reload { changes: vec![change.to_owned()], restarts: false })
    }

    fn stops(group: &str) -> Entry {
        entry(JournalEvent::Ownership {
            group: group.to_owned(),
            owner: "web1".to_owned(),
            term: 1,
            phase: Phase::Stopping,
            cause: "reload".into(),
            evidence: String::new(),
        })
    }

    #[test]
    fn reload_concerns_group_only_if_its_line_or_settings_change() {
        let concerned = |change: &str, group: &str| concerns(&[change.to_owned()], group);
        let changed = "group changed: web1 nginx b (it was: web1 nginx a)";
        assert!(concerned(changed, "nginx") && concerned(changed, "nginx (retired)"));
        assert!(!concerned(changed, "10.0.0.9") && !concerned("group added: web2 a", "web2"));
        assert!(concerned("group removed: web1 nginx", "nginx"));
        assert!(!concerned("groups: in another order", "nginx"));
        assert!(concerned("deadtime: 30 s -> 20 s", "nginx"));
        assert!(!concerns(&[], "nginx"));
    }

    #[test]
    fn retired_line_is_put_back_only_if_same_line_is_added_after_removal() {
        let retired = "nginx (retired)";
        let mut entries = vec![reload("group removed: web1 nginx a"), stops(retired)];
        assert!(!is_put_back(&entries, retired));
        entries.push(reload("group added: web1 nginx b"));
        assert!(!is_put_back(&entries, retired), "it is another line");
        entries.push(reload("group removed: web1 nginx b"));
        entries.push(reload("group added: web1 nginx b"));
        assert!(is_put_back(&entries, retired));
        assert!(!is_put_back(&entries, "nginx") && !is_put_back(&entries, "other (retired)"));
        entries.push(stops(retired));
        assert!(!is_put_back(&entries, retired), "it was removed again");
    }
}
