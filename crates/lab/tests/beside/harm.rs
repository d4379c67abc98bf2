//! Messages that end a C daemon do nothing to Systole.

#[path = "../../../wire/tests/harmful/table.rs"]
mod table;

use crate::{Outcome, pair, print_logs, start, systole};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};
use table::{KEYS, harmful};

/// How many datagrams per second, and for how long.
const PER_SECOND: u32 = 1000;
const SPAN: Duration = Duration::from_secs(10);

fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        keys: KEYS.to_owned(),
        ..ClusterConfig::default()
    }
}

/// Returns the pid of a node's daemon.
fn pid(lab: &Lab, node: Node) -> Result<String, LabError> {
    Ok(lab.run(node, &["cat", "/run/heartbeat.pid"])?.stdout)
}

/// Nothing moves, nothing ends, and the messages are reported at most once a second.
fn endure(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    let (pid_before, log_before) = (pid(lab, Node::Web1)?, lab.log(Node::Web1).len());
    let kinds: BTreeSet<&str> = harmful().iter().map(|row| row.what).collect();
    let datagrams: Vec<Vec<u8>> = harmful().into_iter().map(|row| row.bytes).collect();
    let since = Instant::now();
    let sent = lab.flood(Node::Web1, &datagrams, PER_SECOND, SPAN)?;
    // Messages dropped in the last second are reported in the next one.
    sleep(Duration::from_secs(2));
    let seconds = since.elapsed().as_secs() + 1;
    let log = lab.log(Node::Web1)[log_before..].to_owned();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("bad packet(s)")).collect();
    println!(
        "{sent} datagrams of {} kinds in {SPAN:?}, {} lines about them:\n{}",
        kinds.len(),
        told.len(),
        told.last().unwrap_or(&"none")
    );
    assert!(sent > u64::from(PER_SECOND), "hardly anything was sent: {sent}");
    assert!(!told.is_empty() && told.len() as u64 <= seconds, "{told:#?}");
    assert_eq!(pid(lab, Node::Web1)?, pid_before, "the daemon is another one");
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
    for node in Node::ALL {
        assert!(lab.daemon_runs(node));
        assert!(!lab.log(node).contains("is dead"), "{}", lab.log(node));
    }
    Ok(())
}

#[test]
fn messages_that_end_c_daemon_leave_systole_node_unharmed() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(endure(&lab).inspect_err(|_| print_logs(&lab))?)
}
