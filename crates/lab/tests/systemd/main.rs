//! Nodes that boot a Debian with systemd, on which Systole is installed as the README says.
//!
//! These tests need root, mmdebstrap and systemd-nspawn, and a network when the Debian root is made for the
//! first time. Gaps that the client saw are printed; the tests assert which node owns what.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "measures and skips are told")]

mod boot;
mod full;
mod install;
mod killed;
mod managers;
mod order;
mod readme;
mod unit;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Image, Lab, LabError, Node, Output, System};

type Outcome = Result<(), Box<dyn Error>>;

/// The longest wait for something that normally takes a second or two.
const LIMIT: Duration = Duration::from_mins(1);

/// The times of these tests: those of the laboratory, with a dead time that a busy machine can keep.
fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

/// Returns the daemon that was built next to this test.
fn systole() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let built = test.ancestors().nth(2).expect("the test lies in target/*/deps");
    let binary = built.join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    Daemon::Systole { binary }
}

/// Makes a pair that has booted, without the programs of Systole; returns `None` without root.
fn pair(config: ClusterConfig) -> Result<Option<Lab>, LabError> {
    let image = match Image::obtain() {
        Ok(image) => image,
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let system = Some(System { image, tree: tree.canonicalize().map_err(io("finding the tree"))? });
    Lab::pair(ClusterConfig { system, ..config }, [systole(), systole()]).map(Some)
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> LabError {
    move |source| LabError::Io { what: what.to_owned(), source }
}

/// Runs a shell script on a node, and returns an error unless it succeeds.
fn sh(lab: &Lab, node: Node, script: &str) -> Result<String, Box<dyn Error>> {
    let output = lab.run(node, &["sh", "-ec", script])?;
    if output.success() {
        return Ok(output.stdout);
    }
    let Output { code, stdout, stderr } = output;
    Err(format!("{node}: {script}: {code:?}\n{stdout}{stderr}").into())
}

/// Waits until only `node` has the address, answers the client and serves the page.
fn owned_by(lab: &Lab, node: Node) -> Result<(), LabError> {
    let address = lab.config().address;
    lab.wait_for_owner(node, LIMIT)?;
    lab.wait_for(&format!("{node} serves the page"), LIMIT, || {
        lab.http_get(address).is_some_and(|page| page.contains(node.name()))
    })?;
    Ok(())
}

/// Fails when both nodes have answered at the same time.
fn never_two(lab: &Lab, since: Instant) {
    let both = lab.probe().duplicates(since);
    assert!(both.is_empty(), "two nodes had the address: {both:?}");
}

/// Prints what the client missed since a moment.
fn print_gap(lab: &Lab, what: &str, since: Instant) {
    let gap = lab.probe().longest_gap(since).map_or(Duration::ZERO, |gap| gap.length);
    println!("{what}: the client missed {gap:?}");
}

/// Prints what a node has logged.
const TROUBLE: &str = "\
systemctl --failed --plain --no-legend
journalctl --no-pager -o short-precise _PID=1 + _COMM=heartbeat | tail -n 60
cat /var/log/ha-log
";

/// Lets something happen to a pair, and prints what the nodes have logged when it fails.
fn play(config: ClusterConfig, happens: impl FnOnce(&Lab) -> Outcome) -> Outcome {
    let Some(lab) = pair(config)? else { return Ok(()) };
    let watched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| happens(&lab)));
    if matches!(watched, Ok(Ok(()))) {
        return Ok(());
    }
    for node in Node::ALL.into_iter().filter(|node| lab.is_powered(*node)) {
        let told = lab.run(node, &["sh", "-c", TROUBLE]);
        println!("--- {node}\n{}", told.map_or_else(|error| error.to_string(), |told| told.stdout));
    }
    watched.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
