//! `mach_down`: the takeover from a dead node, which the daemon does.

use super::resource_manager::loaded;
use super::{Call, keys, line};
use crate::daemon::{Presence, presence};
use crate::exit;
use std::env;
use std::path::Path;
use systole_core::{GroupReport, Phase, Snapshot};

/// Prints what heartbeat's script prints after such a takeover, if the daemon has made it. Never takes
/// anything.
pub(super) fn run(call: &Call, run: &Path) -> u8 {
    let Some(node) = call.first() else { return exit::OK };
    let is_ping = env::var("HA_info").is_ok_and(|info| info.contains("ping"));
    if is_ping || node.eq_ignore_ascii_case(&keys::current_host()) {
        return exit::OK;
    }
    let lines: Vec<_> = keys::lines().into_iter().filter(|it| keys::is_of(it, node)).collect();
    let is_complete = lines.is_empty()
        || match presence(run) {
            Presence::Runs(status) => {
                let keys: Vec<&str> = lines.iter().map(keys::key).collect();
                has_taken_over(&status.snapshot, node, &keys)
            }
            Presence::Absent | Presence::Unknown => false,
        };
    if is_complete {
        for taken in &lines {
            line::log(format_args!("info: Taking over resource group {}", keys::key(taken)));
        }
        line::log(format_args!("info: mach_down takeover complete for node {node}."));
    }
    exit::OK
}

/// Whether a node is dead, and every group that prefers it runs here, as do all with these keys: the daemon may
/// not have read a line that haresources has now.
fn has_taken_over(snapshot: &Snapshot, node: &str, keys: &[&str]) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(node);
    let is_dead = snapshot.nodes.iter().any(|it| is(&it.name) && it.status == "dead");
    let runs_here = |owner: &Option<String>| owner.as_ref() == Some(&snapshot.node);
    let mut theirs = snapshot.groups.iter().filter(|group| is(&group.preferred));
    let is_taken = |group: &GroupReport| runs_here(&group.owner) && group.phase == Phase::Active;
    let is_key_taken = |key: &&str| loaded(snapshot, key).is_some_and(is_taken);
    is_dead && theirs.all(is_taken) && keys.iter().all(is_key_taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compatible::snapshot;

    #[test]
    fn takeover_is_complete_once_every_line_of_dead_node_runs_here() {
        let group = |name: &str, owner: &str| GroupReport {
            name: name.to_owned(),
            preferred: "web2".to_owned(),
            owner: Some(owner.to_owned()),
            phase: Phase::Active,
            ..GroupReport::default()
        };
        let is_complete =
            |peer, groups, keys: &[&str]| has_taken_over(&snapshot(peer, groups), "web2", keys);
        assert!(is_complete("dead", vec![group("a", "web1")], &["a"]));
        assert!(!is_complete("active", vec![group("a", "web1")], &["a"]));
        assert!(!is_complete("dead", vec![group("a", "web2")], &["a"]));
        assert!(!is_complete("dead", vec![group("a", "web1"), group("b", "web2")], &["a"]));
        assert!(!is_complete("dead", vec![group("a", "web1")], &["a", "ab"]), "ab is not loaded");
    }
}
