//! What a daemon writes into its journal.

use super::Node;
use std::fs;
use systole_ipc::journal::{Entry, JournalEvent, read};
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

#[test]
fn daemon_start_is_journaled_before_groups_found_running() {
    let node = Node::new();
    // Between the start of the beat thread and the entry, memory is locked, which takes milliseconds.
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &ha_cf.replace("realtime off", "realtime on"));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let pid = node.pid().unwrap();
    let id = ProcessId::of(pid);
    kill(pid, Signal::Kill).unwrap();
    node.wait_for("its end", || id.is_none_or(|id| !id.is_running()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert_eq!(node.code(&["-k"]), 0);
    let entries = read(&node.path("state")).unwrap().entries;
    let run = entries.last().unwrap().run;
    let entries: Vec<&Entry> = entries.iter().filter(|entry| entry.run == run).collect();
    let is_start = |entry: &Entry| matches!(entry.event, JournalEvent::Start { .. });
    assert!(is_start(entries[0]), "{entries:?}");
    let is_found = |entry: &Entry| matches!(&entry.event, JournalEvent::Ownership { cause, .. } if cause == "listed");
    assert!(entries.iter().any(|entry| is_found(entry)), "{entries:?}");
    let time = |entry: &Entry| entry.time.parse::<jiff::Timestamp>().unwrap();
    assert!(entries.is_sorted_by_key(|entry| time(entry)), "{entries:?}");
}
