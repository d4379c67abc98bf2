//! The pair as tests of the daemons use it, with the C daemon of the Debian package.
//!
//! These tests need root, which `.ci/run` has.
#![expect(clippy::print_stderr, reason = "a skip is told")]

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Daemon, Direction, Lab, LabError, Link, Node};

type Outcome = Result<(), Box<dyn Error>>;

/// The longest wait for something that normally takes milliseconds.
const SOON: Duration = Duration::from_secs(10);

/// Makes a pair without daemons; returns `None` where this machine cannot have one.
fn lab(config: ClusterConfig) -> Result<Option<Lab>, LabError> {
    match Lab::pair(config, [Daemon::Classic, Daemon::Classic]) {
        Ok(lab) => Ok(Some(lab)),
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Adds the floating address by hand, as a daemon would.
fn take_address(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.run(node, &["ip", "address", "add", "192.168.122.100/24", "dev", "eth0"])?;
    lab.wait_for_owner(node, SOON).map(|_| ())
}

fn ping(lab: &Lab, node: Node, address: &str) -> Result<bool, LabError> {
    Ok(lab.run(node, &["ping", "-c1", "-W1", address])?.success())
}

#[test]
fn lab_node_has_name_disk_and_network_of_its_own() -> Outcome {
    let Some(lab) = lab(ClusterConfig { second_link: true, ..ClusterConfig::default() })? else {
        return Ok(());
    };
    for node in Node::ALL {
        let name = lab.run(node, &["uname", "-n"])?;
        assert_eq!(name.stdout.trim(), node.name());
        assert_eq!(lab.run(node, &["sh", "-c", "exit 7"])?.code, Some(7));
        assert!(ping(&lab, node, "192.168.122.1")?);
        assert!(ping(&lab, node, &Link::Direct.address(node.other()).to_string())?);
        lab.run(node, &["sh", "-c", "echo mine > /etc/systole-mark; echo mine > /run/mark"])?;
        assert!(!Path::new("/etc/systole-mark").exists() && !Path::new("/run/mark").exists());
    }
    lab.power_off(Node::Web1)?;
    assert!(matches!(lab.run(Node::Web1, &["true"]), Err(LabError::PoweredOff(Node::Web1))));
    lab.power_on(Node::Web1)?;
    assert_eq!(lab.read_file(Node::Web1, "etc/systole-mark"), "mine\n", "the disk survives");
    assert!(!lab.run(Node::Web1, &["test", "-e", "/run/mark"])?.success(), "/run does not");
    assert!(ping(&lab, Node::Web1, "192.168.122.22")?);
    Ok(())
}

#[test]
fn lab_client_measures_gaps_and_sees_announcements() -> Outcome {
    let Some(lab) = lab(ClusterConfig::default())? else { return Ok(()) };
    take_address(&lab, Node::Web1)?;
    let start = Instant::now();
    lab.run(Node::Web1, &["ip", "address", "del", "192.168.122.100/24", "dev", "eth0"])?;
    lab.wait_for("silence", SOON, || lab.probe().silence() > Some(Duration::from_millis(200)))?;
    assert_eq!(lab.probe().answering(), None);
    assert_eq!(lab.owners(lab.config().address), []);
    lab.run(Node::Web2, &["ip", "address", "add", "192.168.122.100/24", "dev", "eth0"])?;
    lab.run(Node::Web2, &["arping", "-U", "-c", "2", "-I", "eth0", "192.168.122.100"])?;
    lab.wait_for_owner(Node::Web2, SOON)?;
    let gap = lab.probe().longest_gap(start).ok_or("no gap was seen")?;
    assert!(gap.length >= Duration::from_millis(200), "{gap:?}");
    assert_eq!((gap.before, gap.after), (Node::Web1, Node::Web2));
    let seen = lab.probe().announcements(start);
    assert!(seen.iter().any(|seen| seen.address.to_string() == "192.168.122.100"), "{seen:?}");
    assert_eq!(lab.probe().duplicates(start), []);
    Ok(())
}

#[test]
fn lab_faults_take_effect_and_heal() -> Outcome {
    let Some(lab) = lab(ClusterConfig::default())? else { return Ok(()) };
    take_address(&lab, Node::Web1)?;
    let answers = |expected: Option<Node>| {
        lab.wait_for("the effect of a fault", SOON, || lab.probe().answering() == expected)
    };
    for how in [Cut::Carrier, Cut::Silent] {
        lab.cut(Node::Web1, Link::Service, how)?;
        answers(None)?;
        lab.join(Node::Web1, Link::Service)?;
        answers(Some(Node::Web1))?;
    }
    lab.freeze(Node::Web1)?;
    answers(None)?;
    lab.thaw(Node::Web1)?;
    answers(Some(Node::Web1))?;
    lab.loss(Node::Web1, 100, Direction::In)?;
    answers(None)?;
    lab.heal(Node::Web1)?;
    answers(Some(Node::Web1))?;
    lab.drop_icmp(Node::Web1)?;
    assert!(!ping(&lab, Node::Web1, "192.168.122.1")?);
    assert_eq!(lab.probe().answering(), Some(Node::Web1), "only ICMP is dropped");
    Ok(())
}

#[test]
fn c_node_takes_over_from_peer_without_power() -> Outcome {
    if !Daemon::Classic.is_installed() {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(());
    }
    // The agent IPaddr would need the package net-tools, which heartbeat only recommends.
    let usual = ClusterConfig::default();
    let group = format!("web1 IPaddr2::{}/24/eth0 {}", usual.address, usual.service.word());
    let config = ClusterConfig { groups: vec![group], ..usual };
    let Some(lab) = lab(config)? else { return Ok(()) };
    // web1 alone takes its group after initdead; a joint start would take the C daemon 12 s.
    lab.start_daemon(Node::Web1)?;
    lab.wait_for_owner(Node::Web1, Duration::from_secs(20))?;
    lab.start_daemon(Node::Web2)?;
    lab.wait_for("both active", Duration::from_secs(20), || {
        lab.log(Node::Web1).contains("remote resource transition completed")
            && lab.log(Node::Web2).contains("Initial resource acquisition complete")
    })?;
    let page = || lab.http_get(lab.config().address);
    lab.wait_for("the page of web1", SOON, || page().as_deref() == Some("web1\n"))?;
    let start = Instant::now();
    lab.power_off(Node::Web1)?;
    lab.wait_for_owner(Node::Web2, Duration::from_secs(20))?;
    let gap = lab.probe().longest_gap(start).ok_or("no gap was seen")?;
    eprintln!("classic takeover: the address was silent for {} ms", gap.length.as_millis());
    assert!(gap.length > lab.config().keepalive, "faster than any heartbeat can be: {gap:?}");
    lab.wait_for("the page of web2", SOON, || page().as_deref() == Some("web2\n"))?;
    assert!(!lab.probe().announcements(start).is_empty());
    assert!(lab.daemon_runs(Node::Web2));
    lab.kill_daemon_whole(Node::Web2)?;
    lab.wait_for("the end of the daemon", SOON, || !lab.daemon_runs(Node::Web2))?;
    Ok(())
}

#[test]
fn labs_run_side_by_side() -> Outcome {
    let Some(one) = lab(ClusterConfig::default())? else { return Ok(()) };
    let Some(two) = lab(ClusterConfig::default())? else { return Ok(()) };
    take_address(&one, Node::Web1)?;
    take_address(&two, Node::Web2)?;
    assert_eq!(one.owners(one.config().address), [Node::Web1]);
    let start = Instant::now();
    drop(one);
    let pages = two.probe().answers();
    two.wait_for("more answers", SOON, || two.probe().answers() > pages + 100)?;
    assert_eq!(two.probe().answering(), Some(Node::Web2));
    assert!(two.probe().gaps(start).iter().all(|gap| gap.after == Node::Web2));
    Ok(())
}

/// Returns what a lab of the process `owner` leaves on the host: processes and directories.
fn traces(owner: u32) -> Vec<String> {
    let mark = format!("systole-lab.{owner}.");
    let named = |folder: &Path| folder.to_string_lossy().contains(&mark);
    let entries = |folder: &str| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    let folders = entries("/tmp").filter(|path| named(path));
    let processes = entries("/proc").filter(|path| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&mark)
            || fs::read_to_string(path.join("mountinfo")).is_ok_and(|text| text.contains(&mark))
    });
    folders.chain(processes).map(|path| path.display().to_string()).collect()
}

#[test]
#[ignore = "a part of the test of killed labs, which ends it"]
fn lab_stays_up_until_killed() -> Outcome {
    let Some(lab) = lab(ClusterConfig::default())? else { return Ok(()) };
    take_address(&lab, Node::Web1)?;
    let mut out = std::io::stdout();
    writeln!(out, "\nlab is up")?;
    out.flush()?;
    loop {
        sleep(SOON);
    }
}

#[test]
fn killed_lab_leaves_nothing_behind() -> Outcome {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the lab needs root");
        return Ok(());
    }
    for signal in ["KILL", "TERM", "INT"] {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--ignored", "--exact", "--nocapture", "lab_stays_up_until_killed"])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let up =
            BufReader::new(stdout).lines().map_while(Result::ok).any(|line| line == "lab is up");
        assert!(up, "the lab in the child did not start");
        assert!(traces(child.id()).len() > 4, "{:?}", traces(child.id()));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status()?.success());
        child.wait()?;
        let end = Instant::now() + SOON;
        while !traces(child.id()).is_empty() {
            assert!(Instant::now() < end, "SIG{signal}: {:?}", traces(child.id()));
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

#[test]
fn dropped_lab_leaves_nothing_behind() -> Outcome {
    let Some(lab) = lab(ClusterConfig::default())? else { return Ok(()) };
    let folder = Path::new("/proc/self/ns/net");
    let before = fs::read_link(folder)?;
    lab.run(Node::Web1, &["sh", "-c", "setsid sleep 600 & echo started"])?;
    let own = lab.run(Node::Web1, &["cat", "/proc/self/mountinfo"])?.stdout;
    let mark = format!("systole-lab.{}.", std::process::id());
    let name = own
        .split_whitespace()
        .flat_map(|word| word.split('/'))
        .find(|word| word.starts_with(&mark))
        .ok_or("the node's disk is not in its mounts")?
        .to_owned();
    assert!(Path::new("/tmp").join(&name).exists());
    drop(lab);
    assert!(!Path::new("/tmp").join(&name).exists());
    let users = fs::read_dir("/proc")?.flatten().filter(|entry| {
        fs::read_to_string(entry.path().join("mountinfo")).is_ok_and(|text| text.contains(&name))
    });
    assert_eq!(users.count(), 0);
    assert_eq!(fs::read_link(folder)?, before, "the caller stays in its own network");
    Ok(())
}
