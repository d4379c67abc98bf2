//! The only link fails for two seconds: nothing moves because of a fault that is over, and what moved fails
//! back.

use crate::agent::{install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{CALM, LIMIT, Outcome, nobody_else_answered, owned_by, print_gap, stays_with};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Failback, Lab, LabError, Link, Node};

/// How long the link is down.
const FAULT: Duration = Duration::from_secs(2);
/// Records every start and stop.
const AGENT: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/told ;;\n\
    stop) echo stop >>/var/log/agent; rm -f /run/told ;;\n\
    status) [ -e /run/told ] && echo running || echo stopped ;;\nesac\n";

/// With a ping node, so that every node looks for a better place for its groups while the network is down.
fn config(deadtime: Duration, failback: Failback) -> ClusterConfig {
    let usual = ClusterConfig::default();
    let service = usual.service.word();
    ClusterConfig {
        groups: vec![format!("web1 {}/24/eth0 told {service}", usual.address)],
        deadtime,
        warntime: deadtime / 2,
        initdead: deadtime * 2,
        failback,
        ..usual
    }
}

fn installed(lab: &Lab) -> Outcome {
    install(lab, "told", AGENT)
}

fn lose_link_for_a_while(lab: &Lab, how: Cut) -> Result<(), LabError> {
    lab.cut(Node::Web1, Link::Service, how)?;
    sleep(FAULT);
    lab.join(Node::Web1, Link::Service)
}

/// Waits until both nodes hear each other again.
fn hear_each_other(lab: &Lab) -> Result<(), LabError> {
    lab.wait_for("both are heard", LIMIT, || {
        Node::ALL.into_iter().all(|node| {
            let nodes = lab.status(node).map(|status| status.nodes).unwrap_or_default();
            nodes.len() == 2
                && nodes.iter().all(|it| it.status == "active" && it.links.iter().all(|it| it.up))
        })
    })?;
    Ok(())
}

#[test]
fn link_fault_shorter_than_dead_time_moves_nothing() -> Outcome {
    for how in [Cut::Carrier, Cut::Silent] {
        play_with(&config(Duration::from_secs(8), Failback::On), installed, |lab| {
            let before = Node::ALL.map(|node| verbs(lab, node));
            let mut healed = Instant::now();
            let seen = watched(lab, &[lab.config().address], || {
                lose_link_for_a_while(lab, how)?;
                healed = Instant::now();
                hear_each_other(lab)?;
                sleep(CALM);
                Ok(())
            })?;
            for it in &seen {
                it.stayed_with(Node::Web1);
            }
            owned_by(lab, Node::Web1)?;
            stays_with(lab, Node::Web1);
            assert_eq!(Node::ALL.map(|node| verbs(lab, node)), before, "an agent was called");
            nobody_else_answered(lab, healed);
            print_gap(lab, &format!("{how:?} and back"), healed, FAULT + Duration::from_millis(50));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn group_after_link_fault_longer_than_dead_time_is_home_again() -> Outcome {
    play_with(&config(Duration::from_millis(650), Failback::On), installed, |lab| {
        for how in [Cut::Carrier, Cut::Silent] {
            let since = Instant::now();
            lose_link_for_a_while(lab, how)?;
            hear_each_other(lab)?;
            owned_by(lab, Node::Web1)?;
            stays_with(lab, Node::Web1);
            print_gap(lab, &format!("{how:?} and home"), since, FAULT + Duration::from_secs(2));
        }
        Ok(())
    })
}
