//! `mach_down`: the takeover from a dead node, which the daemon does.

use super::{Call, keys, line};
use crate::exit;
use crate::order::{Presence, presence};
use std::env;
use std::path::Path;
use systole_core::{Phase, Snapshot};

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
            Presence::Runs(status) => has_taken_over(&status.snapshot, node),
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

/// Whether a node is dead, and every group that prefers it runs here.
fn has_taken_over(snapshot: &Snapshot, node: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(node);
    let is_dead = snapshot.nodes.iter().any(|it| is(&it.name) && it.status == "dead");
    let runs_here = |owner: &Option<String>| owner.as_ref() == Some(&snapshot.node);
    let mut theirs = snapshot.groups.iter().filter(|group| is(&group.preferred));
    is_dead && theirs.all(|group| runs_here(&group.owner) && group.phase == Phase::Active)
}
