//! A pair in which one node, none, or both run heartbeat 3.0.6 of the Debian package.
//!
//! These tests need root, the daemon next to the test (`cargo build --workspace --bins`, which
//! `cargo xtask test` does) and the package `heartbeat`. Times are printed, never asserted.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "measures and skips are told")]

mod acks;
mod dies_early;
mod guard;
mod harm;
mod home;
mod hooks;
mod keys;
mod large;
mod loss;
mod many;
mod migration;
mod monitoring;
mod restart;
mod six;
mod steady;
mod vectors;
mod watch;

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

type Outcome = Result<(), Box<dyn Error>>;

/// The longest wait for something that normally takes some seconds; a joint start with a C node alone takes
/// ten.
const LIMIT: Duration = Duration::from_mins(1);

/// Returns the daemon that was built next to this test.
fn systole() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it lies in a folder");
    let binary = deps.parent().expect("the folder is target/*/deps").join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    Daemon::Systole { binary }
}

/// Makes a pair with power on and no daemon started; returns `None` without root or without the package.
fn pair(config: ClusterConfig, daemons: [Daemon; 2]) -> Result<Option<Lab>, LabError> {
    if !Daemon::Classic.is_installed() && daemons.contains(&Daemon::Classic) {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(None);
    }
    match Lab::pair(config, daemons) {
        Ok(lab) => Ok(Some(lab)),
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Starts both daemons and waits until web1 owns the address.
fn start(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    lab.wait_for_owner(Node::Web1, LIMIT)?;
    // A daemon takes groups before it takes orders.
    let takes_orders = |node: &Node| lab.status(*node).is_some();
    let is_ours = |node: &Node| matches!(lab.daemon(*node), Daemon::Systole { .. });
    lab.wait_for("the daemons take orders", LIMIT, || {
        Node::ALL.iter().filter(|node| is_ours(node)).all(takes_orders)
    })?;
    Ok(())
}

/// The address of a second group.
const SECOND: &str = "192.168.122.101";

/// Waits until only these nodes have the first group and the second one.
fn owned(lab: &Lab, what: &str, owners: [Node; 2]) -> Result<(), LabError> {
    let wanted = owners.map(|owner| vec![owner]);
    let took = lab.wait_for(what, LIMIT, || addresses(lab).map(|it| lab.owners(it)) == wanted)?;
    println!("{what}: {took:?}");
    Ok(())
}

/// Returns the addresses of the two groups.
fn addresses(lab: &Lab) -> [IpAddr; 2] {
    [lab.config().address, SECOND.parse().expect("it is an address")]
}

/// Returns the errors of a log, except the one that only says that this machine locks no memory.
fn errors(log: &str) -> Vec<String> {
    let serious = |line: &&str| line.contains("ERROR:") || line.contains("CRIT:");
    let ours = |line: &&str| !line.contains("Cannot lock ourselves into memory");
    log.lines().filter(serious).filter(ours).map(str::to_owned).collect()
}

/// Prints both logs, for a test that failed.
fn print_logs(lab: &Lab) {
    for node in Node::ALL {
        println!("--- log of {node} ({:?})\n{}", lab.daemon(node), lab.log(node));
    }
}
