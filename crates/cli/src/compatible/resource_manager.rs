//! `ResourceManager`: lists the groups of `haresources`, asks resources, and orders groups to move.
//!
//! heartbeat's script starts and stops resources itself. Here only the daemon does that, so that no group
//! runs without an owner: `takegroup` and `givegroup` are orders to the daemon.

use super::{Call, keys, line};
use crate::daemon::{Presence, ask_daemon, presence, refuse};
use crate::{complain_plainly, exit, print};
use std::path::{Path, PathBuf};
use systole_config::{ResourceLine, resource_of};
use systole_core::{GroupReport, Phase, Snapshot};
use systole_facts::ask::{Ownership, ownership};
use systole_ipc::order::Order;
use systole_ipc::protocol::Response;

/// The exit status for a resource that does not run.
const NOT_OWNED: u8 = 3;
/// The exit status of `statgroup` without a group.
const NO_GROUP: u8 = 2;
/// The pattern that matches every node. Other patterns match nothing.
const EVERY_NODE: &str = ".*";

/// Runs a verb, and returns its exit status.
pub(super) fn run(call: &Call, run: &Path) -> u8 {
    let key = call.arguments.get(1).map_or("", String::as_str);
    let host = keys::current_host();
    match call.arguments.first().map_or("", String::as_str) {
        "listkeys" => list(|line| key == EVERY_NODE || keys::is_of(line, key)),
        "allkeys" => list(|_| true),
        "ourkeys" => list_whole(|line| keys::is_of(line, &host)),
        "otherkeys" => list_whole(|line| !keys::is_of(line, &host)),
        "status" => status(key),
        "takegroup" => order(Verb::Take, key, run),
        "givegroup" => order(Verb::Give, key, run),
        "statgroup" if key.is_empty() => NO_GROUP,
        // heartbeat's script writes its answer to the debug log, if there is one.
        "statgroup" => exit::OK,
        "verifyallidle" => verify_all_idle(&call.program),
        _ => {
            let program = &call.program;
            complain_plainly(&format!(
                "usage: {program} listkeys machine | takegroup key | givegroup key|status resource\n"
            ));
            exit::REFUSED
        }
    }
}

/// Prints the keys of these groups.
fn list(is_wanted: impl Fn(&ResourceLine) -> bool) -> u8 {
    for line in keys::lines().iter().filter(|line| is_wanted(line)) {
        print(&format!("{}\n", keys::key(line)));
    }
    exit::OK
}

/// Prints all resources of these groups, each one followed by a blank.
fn list_whole(is_wanted: impl Fn(&ResourceLine) -> bool) -> u8 {
    for line in keys::lines().iter().filter(|line| is_wanted(line)) {
        print(&format!("{} \n", line.resources.join(" ")));
    }
    exit::OK
}

/// Whether a resource runs on this machine.
fn status(word: &str) -> u8 {
    match asked(word) {
        Ownership::Owned => exit::OK,
        Ownership::NotOwned => NOT_OWNED,
        Ownership::NoAgent => {
            let name = word.split_once("::").map_or(word, |(name, _)| name);
            line::log(format_args!("ERROR: Cannot locate resource script {name}"));
            NOT_OWNED
        }
    }
}

/// Asks a resource. One that cannot be asked is not owned, as for heartbeat's script.
fn asked(word: &str) -> Ownership {
    let directory = PathBuf::from(keys::directory());
    ownership(&directory, &resource_of(word), &keys::current_host()).unwrap_or_else(|error| {
        line::log(format_args!("ERROR: {word} does not answer: {error}"));
        Ownership::NotOwned
    })
}

/// Reports groups that run although the daemon has not started them. Returns their number.
fn verify_all_idle(program: &str) -> u8 {
    let mut active: u8 = 0;
    for key in keys::lines().iter().map(keys::key) {
        if asked(key) != Ownership::Owned {
            continue;
        }
        active = active.saturating_add(1);
        let lines = [
            format!("CRITICAL: Resource {key} is active, and should not be!"),
            "CRITICAL: Non-idle resources can affect data integrity!".to_owned(),
            "info: If you don't know what this means, then get help!".to_owned(),
        ];
        let read = |what: &str| {
            format!("info: Read the docs and/or {what} to {program} for more details.")
        };
        for text in &lines {
            line::log(text);
        }
        line::log(read("source"));
        for text in &lines {
            complain_plainly(text);
        }
        complain_plainly(&read("the source"));
    }
    if active > 0 {
        line::log("CRITICAL: Non-idle resources will affect resource takeback!");
        line::log("CRITICAL: Non-idle resources may affect data integrity!");
    }
    active
}

/// An order about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Take,
    Give,
}

/// Has the daemon take a group, or give it away, and waits for the end. A key that no group has is nothing
/// to do.
fn order(verb: Verb, key: &str, run: &Path) -> u8 {
    let has_key = |line: &ResourceLine| line.resources.iter().any(|word| word == key);
    let lines = keys::lines();
    let Some(line) = lines.iter().find(|line| has_key(line)) else { return exit::OK };
    let group = keys::key(line).to_owned();
    let is_done = match presence(run) {
        Presence::Runs(status) => {
            let Some(report) = loaded(&status.snapshot, &group) else {
                complain_plainly(&format!(
                    "ResourceManager: refused: {group} is in haresources, but not loaded: run `hb reload`"
                ));
                return exit::REFUSED;
            };
            verb.is_done(&status.snapshot.node, report)
        }
        Presence::Absent => {
            complain_plainly(
                "ResourceManager: heartbeat is not running, and without it no node owns a group: \
                 start heartbeat, or start and stop the service itself",
            );
            return exit::REFUSED;
        }
        // The order finds out what is wrong, and prints it.
        Presence::Unknown => false,
    };
    if is_done {
        return exit::OK;
    }
    let order = match verb {
        Verb::Take => Order::TakeoverGroup(group),
        Verb::Give => Order::StandbyGroup(group),
    };
    match ask_daemon(run, &order.into()) {
        Ok(Response::Done) => exit::OK,
        Ok(other) => refuse(&other),
        Err(code) => code,
    }
}

impl Verb {
    /// Whether there is nothing to do: the group runs on this node, or nothing of it may.
    fn is_done(self, node: &str, group: &GroupReport) -> bool {
        let is_here = group.owner.as_deref() == Some(node);
        match self {
            Self::Take => is_here && group.phase == Phase::Active,
            Self::Give => !(is_here && group.phase.holds()),
        }
    }
}

/// Returns the group of exactly this name. The daemon itself also takes the beginning of a name, and the file may
/// have been changed since the daemon read it: the order would be about another group.
pub(super) fn loaded<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a GroupReport> {
    snapshot.groups.iter().find(|group| group.name == name && group.retired.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compatible::snapshot;
    use systole_core::Retirement;

    #[test]
    fn group_is_loaded_only_by_its_whole_name_and_unless_it_is_retired() {
        let group = |name: &str, retired: Option<Retirement>| GroupReport {
            name: name.to_owned(),
            retired,
            ..GroupReport::default()
        };
        let groups = vec![group("10.0.0.100/24", None), group("10.0.0.2", Some(Retirement::Here))];
        let snapshot = snapshot("active", groups);
        assert!(loaded(&snapshot, "10.0.0.100/24").is_some());
        assert!(loaded(&snapshot, "10.0.0.10").is_none(), "the beginning of another one");
        assert!(loaded(&snapshot, "10.0.0.2").is_none());
    }
}
