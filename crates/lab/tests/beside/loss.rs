//! Three packets in ten are lost in each direction, for a minute.

use crate::acks::{acknowledged, spoken};
use crate::{Outcome, errors, pair, print_logs, start, systole};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Capture, ClusterConfig, Daemon, Direction, Lab, LabError, Node};
use systole_wire::{Keys, Method};

/// The percentage of packets to each node that are lost, and so in each direction.
const PERCENT: u8 = 30;
/// How long the loss lasts. With ten beats to a dead time no node should be declared dead by chance in this
/// time: all ten are lost once in 170 000 times.
const SPAN: Duration = Duration::from_mins(1);
/// The longest wait, after the loss, for missing messages: a request comes every 250 ms.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Ten beats to a dead time. A ping node would be declared dead because of the loss in both directions, so
/// there is none.
fn config() -> ClusterConfig {
    ClusterConfig {
        keepalive: Duration::from_millis(200),
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        ping_nodes: Vec::new(),
        ipfail: false,
        keys: "auth 1\n1 md5 TestKeyMd5\n".to_owned(),
        ..ClusterConfig::default()
    }
}

/// Returns the numbers of lost packets that a log reports, and how often it says that none is missing.
/// Systole reports some of them in each second, and then how many more there were.
fn gaps(log: &str) -> (u64, usize) {
    let lost = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" lost packet(s) for [")?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    });
    (lost.sum(), log.matches("No pkts missing from").count())
}

fn keys() -> Keys {
    Keys::new(1, [(1, Method::Md5, &b"TestKeyMd5"[..])]).expect("it is a good key")
}

/// Waits until each node has acknowledged a message that the other node sent after the loss, and therefore
/// all earlier ones.
fn caught_up(lab: &Lab, captures: &[Capture; 2]) -> Result<(), LabError> {
    let said = captures.each_ref().map(|capture| spoken(capture, &keys()));
    lab.wait_for("all that was lost arrives", CATCH_UP, || {
        let [web1, web2] = captures.each_ref().map(|capture| acknowledged(capture, &keys()));
        web1 > said[1] && web2 > said[0]
    })?;
    println!("of {said:?} beats and other words nothing is missing");
    Ok(())
}

fn suffer(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    let captures = [lab.capture(Node::Web1)?, lab.capture(Node::Web2)?];
    let since = Instant::now();
    let before = Node::ALL.map(|node| lab.log(node).len());
    for node in Node::ALL {
        // At the receiver: to the sender a packet dropped there is an error, not a loss.
        lab.loss(node, PERCENT, Direction::In)?;
    }
    while since.elapsed() < SPAN {
        assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
        sleep(Duration::from_millis(100));
    }
    for node in Node::ALL {
        lab.heal(node)?;
    }
    caught_up(lab, &captures)?;
    let log = |node: Node| lab.log(node)[before[usize::from(node == Node::Web2)]..].to_owned();
    for node in Node::ALL {
        let log = log(node);
        let (lost, completed) = gaps(&log);
        println!(
            "{node} ({:?}): {lost} packets lost, {completed} times complete",
            lab.daemon(node)
        );
        assert!(lost > 20, "{node} lost next to nothing: {lost}\n{log}");
        assert!(!log.contains("Irretrievably lost"), "{node} gave up:\n{log}");
        assert!(!log.contains("is dead"), "{node} called somebody dead:\n{log}");
        assert!(errors(&log).is_empty(), "{node}: {:#?}", errors(&log));
    }
    Ok(())
}

fn suffers(daemons: [Daemon; 2]) -> Outcome {
    // Two Systole nodes also hear each other on the service network, and would lose next to nothing.
    let extra =
        if daemons.contains(&Daemon::Classic) { Vec::new() } else { vec!["guard off".to_owned()] };
    let config = ClusterConfig { extra, ..config() };
    let Some(lab) = pair(config, daemons)? else { return Ok(()) };
    Ok(suffer(&lab).inspect_err(|_| print_logs(&lab))?)
}

#[test]
fn packet_loss_between_c_owner_and_systole_node_declares_no_node_dead() -> Outcome {
    suffers([Daemon::Classic, systole()])
}

#[test]
fn packet_loss_between_systole_owner_and_c_node_declares_no_node_dead() -> Outcome {
    suffers([systole(), Daemon::Classic])
}

#[test]
fn packet_loss_between_systole_nodes_declares_no_node_dead() -> Outcome {
    suffers([systole(), systole()])
}
