//! A node of Systole beside a heartbeat 3.0.6 of the Debian package.
//!
//! These are slow, because the classic daemon waits ten seconds at a joint start.

use crate::{LIMIT, Outcome, pair, systole};
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

/// Times that the classic daemon can keep, and an address agent that works for both.
fn mixed(daemons: [Daemon; 2]) -> Result<Option<Lab>, LabError> {
    if !Daemon::Classic.is_installed() {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(None);
    }
    let usual = ClusterConfig::default();
    let address = format!("web1 IPaddr2::{}/24/eth0 {}", usual.address, usual.service.word());
    let config = ClusterConfig {
        deadtime: Duration::from_millis(1500),
        warntime: Duration::from_millis(1200),
        groups: vec![address],
        ..usual
    };
    pair(config, daemons)
}

/// What both implementations must do alike, whichever node each of them is.
fn live(lab: &Lab) -> Outcome {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    let took = lab.wait_for_owner(Node::Web1, LIMIT)?;
    println!("joint start: {took:?}");
    lab.power_off(Node::Web1)?;
    let took = lab.wait_for_owner(Node::Web2, LIMIT)?;
    println!("takeover by {:?}: {took:?}", lab.daemon(Node::Web2));
    lab.power_on(Node::Web1)?;
    lab.start_daemon(Node::Web1)?;
    let took = lab.wait_for_owner(Node::Web1, LIMIT)?;
    println!("failback to {:?}: {took:?}", lab.daemon(Node::Web1));
    lab.stop_daemon(Node::Web1)?;
    let took = lab.wait_for_owner(Node::Web2, LIMIT)?;
    println!("graceful stop of {:?}: {took:?}", lab.daemon(Node::Web1));
    Ok(())
}

#[test]
fn ours_prefers_the_group_and_classic_is_the_peer() -> Outcome {
    let Some(lab) = mixed([systole(), Daemon::Classic])? else { return Ok(()) };
    live(&lab).inspect_err(|_| print_logs(&lab))
}

#[test]
fn classic_prefers_the_group_and_ours_is_the_peer() -> Outcome {
    let Some(lab) = mixed([Daemon::Classic, systole()])? else { return Ok(()) };
    live(&lab).inspect_err(|_| print_logs(&lab))
}

fn print_logs(lab: &Lab) {
    for node in Node::ALL {
        println!("--- log of {node}\n{}", lab.log(node));
    }
}
