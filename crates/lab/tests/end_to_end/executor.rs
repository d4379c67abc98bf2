//! An executor that stands still, and an executor that cannot be started again.

use crate::play::{never_two, play_of, play_with};
use crate::upgrade::install;
use crate::{LIMIT, Outcome, owned_by, print_gap};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

/// Returns the process id of a node's executor.
fn process_of(lab: &Lab, node: Node) -> Result<String, LabError> {
    let script = "grep -la 'heartbeat: executor' /proc/[0-9]*/cmdline | cut -d/ -f3";
    let told = lab.run(node, &["sh", "-c", script])?;
    let own = |process: &&str| {
        let text = format!("tr '\\0' ' ' </proc/{process}/cmdline");
        let told = lab.run(node, &["sh", "-c", &text]);
        told.is_ok_and(|told| told.stdout.starts_with("heartbeat: executor"))
    };
    Ok(told.stdout.lines().find(own).unwrap_or_default().to_owned())
}

/// Sends a signal to the executor of a node.
fn signal(lab: &Lab, node: Node, signal: &str) -> Result<String, LabError> {
    let process = process_of(lab, node)?;
    let told = lab.run(node, &["kill", signal, &process])?;
    assert!(told.success(), "{told:?}");
    Ok(process)
}

/// Checks that there are never two owners, until `node` is the only one or the time is up.
fn passes_to(lab: &Lab, node: Node, limit: Duration) -> Duration {
    let since = Instant::now();
    let address = lab.config().address;
    while lab.owners(address) != [node] || lab.probe().answering() != Some(node) {
        let both = lab.owners(address).len() > 1 && lab.owners(address).len() > 1;
        never_two(lab.owners(address), both);
        assert!(since.elapsed() < limit, "{address} has no owner after {limit:?}");
        sleep(Duration::from_millis(20));
    }
    since.elapsed()
}

pub(crate) fn nobody_answered_twice(lab: &Lab, since: Instant) {
    let duplicates = lab.probe().duplicates(since);
    never_two(&duplicates, !duplicates.is_empty());
}

#[test]
fn executor_standing_still_is_replaced_and_nothing_moves() -> Outcome {
    play_with(
        &ClusterConfig::default(),
        |_| Ok(()),
        |lab| {
            let (web1, address) = (Node::Web1, lab.config().address);
            let since = Instant::now();
            let stopped = signal(lab, web1, "-STOP")?;
            while since.elapsed() < Duration::from_secs(10) {
                let owners = lab.owners(address);
                never_two(&owners, owners.len() > 1 && lab.owners(address).len() > 1);
                assert_eq!(owners, [web1], "it was moved or lost");
                sleep(Duration::from_millis(50));
            }
            // Lets the process continue, if it still exists.
            let _ = lab.run(web1, &["kill", "-CONT", &stopped])?;
            owned_by(lab, web1)?;
            assert_ne!(process_of(lab, web1)?, stopped);
            nobody_answered_twice(lab, since);
            let log = lab.log(web1);
            assert!(!log.contains("nginx  stop"), "the service was touched: {log}");
            let moved = lab.probe().gaps(since).into_iter().find(|gap| gap.after != gap.before);
            assert!(moved.is_none(), "the address moved: {moved:?}");
            print_gap(lab, "an executor stood still", since, Duration::from_millis(50));
            Ok(())
        },
    )
}

#[test]
fn executor_that_cannot_be_restarted_leaves_its_group_to_peer() -> Outcome {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let daemons = [install(folders[0].path())?, install(folders[1].path())?];
    let binary = folders[0].path().join("heartbeat");
    let may_run = |may: bool| {
        set_permissions(&binary, Permissions::from_mode(0o644 + u32::from(may) * 0o111))
    };
    // A group that has moved would fail back when its executor is back, if it were allowed to.
    let config = ClusterConfig { failback: Failback::Off, ..ClusterConfig::default() };
    play_of(
        &config,
        &daemons,
        |_| Ok(may_run(true)?),
        |lab| {
            let since = Instant::now();
            may_run(false)?;
            signal(lab, Node::Web1, "-KILL")?;
            // A permit, the lifetime of the address, the delay of the kernel, and the time of the agents.
            let took = passes_to(lab, Node::Web2, Duration::from_secs(20));
            println!("without an executor the group moved after {took:?}");
            lab.wait_for_log(Node::Web1, &["Cannot start the executor"])?;
            may_run(true)?;
            lab.wait_for("web1 has an executor again", LIMIT, || {
                lab.log(Node::Web1).contains("The executor is running again")
            })?;
            lab.wait_for("what ran on is stopped", LIMIT, || {
                lab.log(Node::Web1).contains("nginx  stop")
            })?;
            owned_by(lab, Node::Web2)?;
            crate::stays_with(lab, Node::Web2);
            nobody_answered_twice(lab, since);
            Ok(())
        },
    )
}
