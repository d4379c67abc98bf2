//! Nodes that switch each other off.

use crate::play::{never_two, play};
use crate::watched::Over;
use crate::{LIMIT, Outcome, owned_by};
use std::sync::atomic::AtomicBool;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Failback, Lab, Link, Node, Service};

/// The address of the second node's own group.
const SECOND: &str = "192.168.122.101";

/// A pair in which each node has its own address, and can switch the other one off. The nodes are patient: a
/// node whose beats are delayed by a slow machine would otherwise be switched off.
fn config(devices: &[&str], delay: u32) -> ClusterConfig {
    let delay = format!("fence_delay {delay}");
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        switch: true,
        failback: Failback::Off,
        ipfail: false,
        groups: vec![
            format!("web1 192.168.122.100/24/eth0 {}", Service::available().word()),
            format!("web2 {SECOND}/24/eth0"),
        ],
        extra: devices.iter().map(|line| (*line).to_owned()).chain([delay]).collect(),
        ..ClusterConfig::default()
    }
}

const AGENTS: [&str; 2] = [
    "fence web1 fence_lab plug=web1 password=geheim",
    "fence web2 fence_lab plug=web2 password=geheim",
];

/// Runs a test while the power switch works.
fn with_switch(lab: &Lab, test: impl FnOnce() -> Outcome) -> Outcome {
    let over = AtomicBool::new(false);
    scope(|scope| {
        let switch = scope.spawn(|| lab.attend_power_switch(&over));
        let end = Over(&over);
        let outcome = test();
        drop(end);
        switch.join().expect("the switch does not panic")?;
        outcome
    })
}

/// Waits until the pair is settled: each node has its own address.
fn settled(lab: &Lab) -> Outcome {
    let second = SECOND.parse()?;
    lab.wait_for("web2 has its own address", LIMIT, || lab.owners(second) == [Node::Web2])?;
    lab.wait_for("both are stable", LIMIT, || {
        Node::ALL.into_iter().all(|node| {
            let said = lab.run(node, &["hb", "status", "--json"]);
            said.is_ok_and(|said| said.stdout.replace(' ', "").contains("\"stable\":true"))
        })
    })?;
    Ok(())
}

/// Returns the position of a text in a node's log.
fn place(lab: &Lab, node: Node, text: &str) -> Option<usize> {
    lab.log(node).find(text)
}

/// Cut off from each other, both nodes want what the other one has: one of them is switched off before
/// anything is taken.
#[test]
fn partition_with_fencing_leaves_exactly_one_node_powered() -> Outcome {
    play(&config(&AGENTS, 30), |lab| {
        settled(lab)?;
        with_switch(lab, || {
            let second = SECOND.parse()?;
            let cut = Instant::now();
            lab.cut(Node::Web2, Link::Service, Cut::Silent)?;
            lab.wait_for("web1 has taken everything", LIMIT, || {
                let owners = lab.owners(second);
                // No node ever has what the other one still has.
                never_two(&owners, owners.len() > 1);
                owners == [Node::Web1]
            })?;
            println!("cut apart, fenced and taken after {:?}", cut.elapsed());
            assert!(lab.is_powered(Node::Web1) && !lab.is_powered(Node::Web2));
            assert_eq!((lab.switch_asked(Node::Web1), lab.switch_asked(Node::Web2)), (1, 0));
            let taking = format!("Taking over resource group {SECOND}");
            let resetting = "info: Resetting node web2 with [fence_lab]";
            let said = "[fence_lab] says: logged in with ***";
            let log = lab.wait_for_log(Node::Web1, &[&taking, resetting, said])?;
            let (reset, taken) = (log.find("info: node web2 now reset."), log.find(&taking));
            assert!(reset.is_some() && reset < taken, "{reset:?} {taken:?}");
            assert!(!log.contains("geheim"), "{log}");
            Ok(())
        })
    })
}

/// A device that fails is asked again, and nothing is taken; if the device never works, the administrator
/// decides.
#[test]
fn takeover_with_failing_device_waits_for_fencing_or_confirmation() -> Outcome {
    play(&config(&["stonith_host * external/lab web1 web2"], 1), |lab| {
        settled(lab)?;
        with_switch(lab, || {
            let confirm = ["hb", "confirm-dead", "web1", "--yes"];
            let refused = lab.run(Node::Web2, &confirm)?;
            assert!(
                refused.stderr.contains("that node is heard: it is alive"),
                "{}",
                refused.stderr
            );
            lab.fail_switch(Node::Web2, 2)?;
            lab.power_off(Node::Web1)?;
            lab.wait_for("it has failed", LIMIT, || {
                place(lab, Node::Web2, "ERROR: STONITH of web1 failed.  Retrying...").is_some()
            })?;
            owned_by(lab, Node::Web2)?;
            assert_eq!(lab.switch_asked(Node::Web2), 3);
            let log = lab.wait_for_log(Node::Web2, &["Taking over resource"])?;
            let (reset, taken) =
                (log.find("node web1 now reset."), log.find("Taking over resource"));
            assert!(reset.is_some() && reset < taken, "{log}");

            lab.power_on(Node::Web1)?;
            lab.start_daemon(Node::Web1)?;
            lab.wait_for("web1 is back", LIMIT, || {
                lab.run(Node::Web1, &["hb", "takeover", "local"]).is_ok_and(|it| it.success())
            })?;
            owned_by(lab, Node::Web1)?;
            lab.fail_switch(Node::Web2, 1_000_000)?;
            lab.power_off(Node::Web1)?;
            lab.wait_for("it has failed twice", LIMIT, || lab.switch_asked(Node::Web2) >= 5)?;
            assert!(lab.owners(lab.config().address).is_empty());
            let status = lab.run(Node::Web2, &["hb", "status"])?.stdout;
            assert!(status.contains("Waiting for web1 to be fenced ("), "{status}");
            assert!(status.contains("Not taken over: 192.168.122.100"), "{status}");
            let asked = lab.run(Node::Web2, &["sh", "-c", "echo no | hb confirm-dead web1"])?;
            assert!(asked.stdout.ends_with("nothing was done\n"), "{}", asked.stdout);
            assert!(lab.owners(lab.config().address).is_empty());
            assert!(lab.run(Node::Web2, &confirm)?.success());
            owned_by(lab, Node::Web2)?;
            let sentences = [
                "no group of web1 is taken over before web1 is fenced",
                "web1 could not be reset (attempt",
                "root (process",
                "ordered: confirm that web1 is dead",
                "and was confirmed dead by hand",
            ];
            let why = ["hb", "why", "192.168.122.100"];
            println!("{}", lab.wait_for_answer(Node::Web2, &why, &sentences)?);
            Ok(())
        })
    })
}

/// A node that is heard again in time is not fenced.
#[test]
fn pending_fencing_is_cancelled_when_peer_is_heard() -> Outcome {
    // Long enough for the slowest machine to join the cable again.
    play(&config(&AGENTS, 60), |lab| {
        settled(lab)?;
        with_switch(lab, || {
            lab.fail_switch(Node::Web1, 1_000_000)?;
            lab.cut(Node::Web2, Link::Service, Cut::Silent)?;
            lab.wait_for("web2 waits", LIMIT, || {
                place(lab, Node::Web2, "it has 60000 ms to fence this node first").is_some()
            })?;
            lab.join(Node::Web2, Link::Service)?;
            let heard = "web1 is heard again, and is not fenced.";
            lab.wait_for("web2 hears web1", LIMIT, || place(lab, Node::Web2, heard).is_some())?;
            sleep(Duration::from_secs(1));
            assert_eq!(lab.switch_asked(Node::Web2), 0);
            assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
            assert_eq!(lab.owners(SECOND.parse()?), [Node::Web2]);
            Ok(())
        })
    })
}
