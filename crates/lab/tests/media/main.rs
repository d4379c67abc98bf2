//! Every medium: between two Systole nodes, and with a C node in both roles.
//!
//! These tests need root, and the daemon next to the test (`cargo build --workspace --bins`, which
//! `cargo xtask test` does). They mostly wait, so many of them run side by side.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "measures and skips are told")]

mod many;
mod one;
mod pings;
mod several;

use std::error::Error;
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Medium, Node};

type Outcome = Result<(), Box<dyn Error>>;

/// The longest wait for something that normally takes seconds; the C daemon's joint start takes 12.
const LIMIT: Duration = Duration::from_mins(1);

/// Returns the daemon that was built next to this test.
fn systole() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it lies in a folder");
    let binary = deps.parent().expect("the folder is target/*/deps").join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    Daemon::Systole { binary }
}

/// A pair over these media, with times that a busy machine and a C node can keep.
fn over(media: &[Medium]) -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(3),
        warntime: Duration::from_millis(2500),
        initdead: Duration::from_secs(5),
        ping_nodes: Vec::new(),
        ipfail: false,
        // One address, with the agent that needs no other package: this test is about the media.
        groups: vec![format!("web1 IPaddr2::{}/24/eth0", usual.address)],
        media: media.to_vec(),
        ..usual
    }
}

/// Makes a pair with power on and no daemon started; returns `None` where this machine cannot have one.
fn powered(config: ClusterConfig, daemons: [Daemon; 2]) -> Result<Option<Lab>, LabError> {
    if daemons.contains(&Daemon::Classic) && !Daemon::Classic.is_installed() {
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

/// Starts both daemons, and waits until web1 owns the address.
fn begin(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    let took = lab.wait_for_owner(Node::Web1, LIMIT).inspect_err(|_| print_logs(lab))?;
    println!("joint start: {took:?}");
    Ok(())
}

/// Makes a pair whose daemons run, with web1 owning the address; returns `None` where this machine cannot
/// have one.
fn started(config: ClusterConfig, daemons: [Daemon; 2]) -> Result<Option<Lab>, LabError> {
    let lab = powered(config, daemons)?;
    lab.as_ref().map_or(Ok(()), begin)?;
    Ok(lab)
}

/// Runs a test on several labs at once, because they mostly wait.
fn side_by_side<T: std::fmt::Debug + Copy + Send>(
    cases: impl IntoIterator<Item = T>,
    judge: impl Fn(T) -> Outcome + Sync,
) -> Outcome {
    let judge = &judge;
    let failures: Vec<String> = std::thread::scope(|scope| {
        let start = |case: T| {
            // An error cannot be passed on to another thread, but its text can.
            let thread = scope.spawn(move || judge(case).map_err(|error| error.to_string()));
            (case, thread)
        };
        let started: Vec<_> = cases.into_iter().map(start).collect();
        let ends = started.into_iter().map(|(case, thread)| (case, thread.join()));
        ends.filter_map(|(case, end)| match end {
            Ok(Ok(())) => None,
            Ok(Err(words)) => Some(format!("{case:?}: {words}")),
            Err(_) => Some(format!("{case:?}: panicked, as told above")),
        })
        .collect()
    });
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// The daemons of web1 and web2: only Systole, and a C node in both roles.
#[derive(Debug, Clone, Copy)]
enum Roles {
    Ours,
    ClassicOwns,
    ClassicIsThePeer,
}

impl Roles {
    const ALL: [Self; 3] = [Self::Ours, Self::ClassicOwns, Self::ClassicIsThePeer];

    fn daemons(self) -> [Daemon; 2] {
        match self {
            Self::Ours => [systole(), systole()],
            Self::ClassicOwns => [Daemon::Classic, systole()],
            Self::ClassicIsThePeer => [systole(), Daemon::Classic],
        }
    }
}

/// Waits until the log of a node has a line.
fn logged(lab: &Lab, node: Node, line: &str) -> Outcome {
    logged_times(lab, node, line, 1)
}

/// Waits until the log of a node has a line this many times.
fn logged_times(lab: &Lab, node: Node, line: &str, times: usize) -> Outcome {
    let what = format!("{times} times `{line}` in the log of {node}");
    lab.wait_for(&what, LIMIT, || lab.log(node).matches(line).count() >= times)
        .inspect_err(|_| print_logs(lab))?;
    Ok(())
}

fn print_logs(lab: &Lab) {
    for node in Node::ALL {
        println!("--- log of {node} ({:?})\n{}", lab.daemon(node), lab.log(node));
    }
}
