//! Systole daemons in a laboratory: real addresses, a real nginx, a client that probes.
//!
//! These tests need root, and the daemon next to the test (`cargo build --workspace --bins`, which
//! `cargo xtask test` does). Gaps are printed with the bound that they should keep; the tests assert which
//! node owns what. A machine that stands still for so long that living nodes are declared dead proves
//! nothing, see [`play`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "measures and skips are told")]

mod agent;
mod anew;
mod bomb;
mod claims;
mod conflict;
mod cost;
mod database;
mod edited;
mod executor;
mod failing;
mod failover;
mod fencing;
mod foreign;
mod full;
mod guard;
mod hand_overs;
mod hold;
mod hooks;
mod keys;
mod many;
mod monitoring;
mod orders;
mod other_lines;
mod pings;
mod play;
mod reasons;
mod reload;
mod removed;
mod replays;
mod short_faults;
mod standing_still;
mod strangers;
mod times;
mod upgrade;
mod watched;
mod why;

use play::never_two;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

type Outcome = Result<(), Box<dyn Error>>;

/// The longest wait for something that normally takes a second or two.
const LIMIT: Duration = Duration::from_secs(40);
/// How long nothing may move before the pair counts as settled.
const CALM: Duration = Duration::from_secs(3);

/// Returns the daemon that was built next to this test.
fn systole() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it lies in a folder");
    let binary = deps.parent().expect("the folder is target/*/deps").join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    Daemon::Systole { binary }
}

/// Makes a pair with power on and no daemon started; returns `None` without root.
fn pair(config: ClusterConfig, daemons: [Daemon; 2]) -> Result<Option<Lab>, LabError> {
    match Lab::pair(config, daemons) {
        Ok(lab) => Ok(Some(lab)),
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Starts the daemons, and waits until web1 owns the address.
fn start(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    owned_by(lab, Node::Web1)
}

/// Waits until a node runs the group, as both nodes say.
fn runs_on(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.wait_for(&format!("{node} runs the group"), LIMIT, || {
        Node::ALL.iter().all(|teller| {
            let status = lab.status(*teller);
            let group = status.as_ref().and_then(|status| status.groups.first());
            group.is_some_and(|it| it.phase == "active" && it.owner.as_deref() == Some(node.name()))
        })
    })?;
    Ok(())
}

/// Waits until only `node` has the address, answers the client and serves the page.
fn owned_by(lab: &Lab, node: Node) -> Result<(), LabError> {
    let address = lab.config().address;
    lab.wait_for(&format!("{node} owns {address}"), LIMIT, || {
        lab.owners(address) == [node] && lab.probe().answering() == Some(node)
    })?;
    lab.wait_for(&format!("{node} serves the page"), LIMIT, || {
        lab.http_get(address).is_some_and(|page| page.contains(node.name()))
    })?;
    Ok(())
}

/// Checks for a while that nothing moves and no other node answers.
fn stays_with(lab: &Lab, node: Node) {
    let since = Instant::now();
    while since.elapsed() < CALM {
        let owners = lab.owners(lab.config().address);
        // A single check may see an address leave one node and arrive at the other.
        let both = owners.len() > 1 && lab.owners(lab.config().address).len() > 1;
        never_two(&owners, both);
        assert_eq!(owners, [node]);
        sleep(Duration::from_millis(50));
    }
    nobody_else_answered(lab, since);
    // Silences are caused by the machine; no other node may have answered after one.
    let moved = lab.probe().gaps(since).into_iter().find(|gap| gap.after != gap.before);
    assert!(moved.is_none(), "the address moved in calm: {moved:?}");
}

/// Fails permanently when both nodes have answered at the same time.
fn nobody_else_answered(lab: &Lab, since: Instant) {
    let duplicates = lab.probe().duplicates(since);
    never_two(&duplicates, !duplicates.is_empty());
}

fn longest_gap(lab: &Lab, since: Instant) -> Duration {
    lab.probe().longest_gap(since).map_or(Duration::ZERO, |gap| gap.length)
}

/// Prints what the client missed since a moment, and what it should have missed at most.
fn print_gap(lab: &Lab, what: &str, since: Instant, bound: Duration) {
    let gap = longest_gap(lab, since);
    let verdict = if gap <= bound { "kept" } else { "NOT KEPT" };
    println!("{what}: the client missed {gap:?} (bound {bound:?}: {verdict})");
}
