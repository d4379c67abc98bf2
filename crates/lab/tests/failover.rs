//! Two daemons of Systole, real addresses, a real nginx and a client that probes.
//!
//! These tests need root, and the daemon beside the test (`cargo build --bins`, or a run of the
//! tests of the whole workspace). Gaps are printed, with the bound that they should keep; what is
//! asserted is who owns what.

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Daemon, Failback, Lab, LabError, Link, Node};

type Outcome = Result<(), Box<dyn Error>>;

/// Longest wait for something that normally takes a second or two.
const LIMIT: Duration = Duration::from_secs(30);
/// A silence of the client that the machine may cause by being busy.
const HICCUP: Duration = Duration::from_millis(400);
/// How long nothing may move before the pair counts as settled.
const CALM: Duration = Duration::from_secs(3);

/// The daemon that was built beside this test.
fn daemon() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it lies in a folder");
    let binary = deps.parent().expect("the folder is target/*/deps").join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    Daemon::Systole { binary }
}

/// A pair with power on and daemons started, web1 owning the address; nothing without root.
fn started(config: ClusterConfig) -> Result<Option<Lab>, LabError> {
    let lab = match Lab::pair(config, [daemon(), daemon()]) {
        Ok(lab) => lab,
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    owned_by(&lab, Node::Web1)?;
    Ok(Some(lab))
}

/// Waits until `node` alone has the address, answers the client and serves the page.
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

/// Watches for a while that nothing moves and nobody else answers.
fn stays_with(lab: &Lab, node: Node) {
    let since = Instant::now();
    while since.elapsed() < CALM {
        assert_eq!(lab.owners(lab.config().address), [node]);
        sleep(Duration::from_millis(50));
    }
    assert!(lab.probe().duplicates(since).is_empty());
    // Short silences are the machine's; a move would take longer.
    let gap = lab.probe().longest_gap(since).map_or(Duration::ZERO, |gap| gap.length);
    assert!(gap < HICCUP, "{node} was silent for {gap:?} in calm");
}

/// Prints what the client missed since a moment, and what it should have been at most.
fn print_gap(lab: &Lab, what: &str, since: Instant, bound: Duration) {
    let gap = lab.probe().longest_gap(since).map_or(Duration::ZERO, |gap| gap.length);
    let verdict = if gap <= bound { "kept" } else { "NOT KEPT" };
    println!("{what}: the client missed {gap:?} (bound {bound:?}: {verdict})");
}

#[test]
fn a_lost_node_is_taken_over_and_gets_its_group_back() -> Outcome {
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    let deadtime = lab.config().deadtime;
    for _ in 0..3 {
        let off = Instant::now();
        lab.power_off(Node::Web1)?;
        owned_by(&lab, Node::Web2)?;
        print_gap(&lab, "power-off", off, deadtime + Duration::from_millis(50));
        assert!(!lab.probe().announcements(off).is_empty(), "the client heard no announcement");
        let on = Instant::now();
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)?;
        owned_by(&lab, Node::Web1)?;
        print_gap(&lab, "return with failback", on, Duration::from_millis(100));
    }
    stays_with(&lab, Node::Web1);
    let log = lab.log(Node::Web2);
    for line in ["WARN: node web1: is dead", "Resources being acquired from web1."] {
        assert!(log.contains(line), "{line} is not in the log:\n{log}");
    }
    Ok(())
}

#[test]
fn without_failback_the_survivor_keeps_the_group() -> Outcome {
    let config = ClusterConfig { failback: Failback::Off, ..ClusterConfig::default() };
    let Some(lab) = started(config)? else { return Ok(()) };
    lab.power_off(Node::Web1)?;
    owned_by(&lab, Node::Web2)?;
    lab.power_on(Node::Web1)?;
    lab.start_daemon(Node::Web1)?;
    lab.wait_for("web1 takes part", LIMIT, || {
        lab.log(Node::Web1).contains("Local status now set to: 'active'")
    })?;
    stays_with(&lab, Node::Web2);
    Ok(())
}

#[test]
fn a_joint_start_has_one_owner_soon() -> Outcome {
    let start = Instant::now();
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    println!("one owner {:?} after the lab began to be built", start.elapsed());
    stays_with(&lab, Node::Web1);
    Ok(())
}

#[test]
fn a_node_that_lost_its_network_gives_its_group_away() -> Outcome {
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    sleep(Duration::from_secs(1));
    lab.drop_icmp(Node::Web1)?;
    owned_by(&lab, Node::Web2)?;
    stays_with(&lab, Node::Web2);
    let log = lab.read_file(Node::Web2, "var/log/ha-debug");
    assert!(log.contains("Telling other node that we have more visible ping nodes."), "{log}");
    lab.heal(Node::Web1)?;
    owned_by(&lab, Node::Web1)?;
    stays_with(&lab, Node::Web1);
    Ok(())
}

#[test]
fn a_cut_and_healed_pair_has_one_owner_again() -> Outcome {
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    lab.cut(Node::Web1, Link::Service, Cut::Silent)?;
    lab.wait_for("web2 answers", LIMIT, || lab.probe().answering() == Some(Node::Web2))?;
    lab.join(Node::Web1, Link::Service)?;
    owned_by(&lab, Node::Web1)?;
    stays_with(&lab, Node::Web1);
    let log = lab.log(Node::Web2);
    assert!(log.contains("Cluster node web1 returning after partition."), "{log}");
    Ok(())
}

#[test]
fn a_second_link_keeps_the_pair_together() -> Outcome {
    let config = ClusterConfig { second_link: true, ipfail: false, ..ClusterConfig::default() };
    let Some(lab) = started(config)? else { return Ok(()) };
    lab.cut(Node::Web2, Link::Direct, Cut::Carrier)?;
    lab.wait_for("the loss is reported", LIMIT, || {
        lab.log(Node::Web1).contains("Link web2:eth1 dead.")
    })?;
    stays_with(&lab, Node::Web1);
    assert!(!lab.log(Node::Web1).contains("is dead\n"), "{}", lab.log(Node::Web1));
    lab.join(Node::Web2, Link::Direct)?;
    lab.wait_for("the link is back", LIMIT, || {
        lab.log(Node::Web1).matches("Link web2:eth1 up.").count() == 2
    })?;
    Ok(())
}

#[test]
fn a_standby_moves_everything_and_a_stop_says_goodbye() -> Outcome {
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    sleep(Duration::from_secs(1));
    let since = Instant::now();
    lab.standby(Node::Web1)?;
    owned_by(&lab, Node::Web2)?;
    print_gap(&lab, "standby", since, Duration::from_millis(100));
    stays_with(&lab, Node::Web2);
    let since = Instant::now();
    lab.stop_daemon(Node::Web2)?;
    owned_by(&lab, Node::Web1)?;
    print_gap(&lab, "graceful stop", since, Duration::from_millis(100));
    assert!(lab.log(Node::Web1).contains("Received shutdown notice from 'web2'."));
    assert!(!lab.log(Node::Web1).contains("Late heartbeat"));
    Ok(())
}

#[test]
fn a_killed_daemon_leaves_no_second_owner() -> Outcome {
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    let since = Instant::now();
    lab.kill_daemon(Node::Web1)?;
    owned_by(&lab, Node::Web2)?;
    print_gap(&lab, "kill -9 of the daemon", since, Duration::from_millis(700));
    // Once web2 has answered, web1 never does again: its executor let go before.
    let mut gaps = lab.probe().gaps(since).into_iter();
    assert!(!gaps.any(|gap| gap.after == Node::Web1 && gap.before == Node::Web2));
    assert!(lab.probe().duplicates(since).is_empty());
    Ok(())
}

/// Memory of a node's daemon that is in use, in kB.
fn memory(lab: &Lab) -> Result<u64, Box<dyn Error>> {
    let script = "grep VmRSS /proc/$(tr -d ' ' </run/heartbeat.pid)/status";
    let line = lab.run(Node::Web1, &["sh", "-c", script])?.stdout;
    Ok(line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?)
}

#[test]
fn a_flood_of_bad_datagrams_changes_nothing() -> Outcome {
    const SECONDS: u64 = 20;
    let Some(lab) = started(ClusterConfig::default())? else { return Ok(()) };
    sleep(Duration::from_secs(1));
    let beat = include_bytes!("../../wire/tests/vectors/08-status-active.bin");
    let mut flipped = beat.to_vec();
    flipped[40] ^= 1;
    let unsigned = beat.split(|byte| *byte == b'%').next().unwrap_or_default();
    let bad = [
        beat.to_vec(),
        flipped,
        beat[..150].to_vec(),
        [unsigned, b"%%%\n"].concat(),
        b"###\n3:abc,%%%\n".to_vec(),
        b">>>\nt=status\nst=active\nsrc=web2\n<<<\n".to_vec(),
        vec![0xff; 1400],
        Vec::new(),
    ];
    let (before, lines, since) =
        (memory(&lab)?, lab.log(Node::Web1).lines().count(), Instant::now());
    let sent = lab.flood(Node::Web1, &bad, 5_000, Duration::from_secs(SECONDS))?;
    let (after, said) = (memory(&lab)?, lab.log(Node::Web1).lines().count() - lines);
    println!("{sent} bad datagrams: {before} kB before, {after} kB after, {said} log lines");
    assert!(sent > 1000 * SECONDS, "the flood was a trickle: {sent}");
    assert!(after <= before + 512, "memory grew from {before} to {after} kB");
    assert!(said as u64 <= SECONDS + 2, "{}", lab.log(Node::Web1));
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
    assert!(!lab.log(Node::Web2).contains("WARN: node web1: is dead"), "{}", lab.log(Node::Web2));
    print_gap(&lab, "flood", since, HICCUP);
    Ok(())
}
