//! Ping nodes of every kind, which are not media between the nodes.

use crate::{Outcome, Roles, logged, logged_times, over, side_by_side, started};
use std::net::IpAddr;
use systole_lab::{ClusterConfig, Daemon, GATEWAY, GATEWAY6, Link, Medium, Node};

/// Ping nodes over IPv4, IPv6, and a group of which one member never answers.
fn pinging() -> ClusterConfig {
    ClusterConfig {
        ping_nodes: vec![IpAddr::V4(GATEWAY)],
        extra: vec![
            format!("ping6 {GATEWAY6}"),
            format!("ping_group gates 192.168.122.199 {GATEWAY}"),
            "deadping 3000ms".to_owned(),
        ],
        ..over(&[Medium::Ucast(Link::Service)])
    }
}

/// Every ping node is alive, is declared dead because it is silent, and comes back.
fn live(daemons: [Daemon; 2]) -> Outcome {
    let Some(lab) = started(pinging(), daemons)? else { return Ok(()) };
    let names = [GATEWAY.to_string(), GATEWAY6.to_string(), "gates".to_owned()];
    for node in Node::ALL {
        for line in ["glib: ping heartbeat started.", "glib: ping group heartbeat started."] {
            logged(&lab, node, line)?;
        }
        for name in &names {
            logged(&lab, node, &format!("Link {name}:{name} up."))?;
            logged(&lab, node, &format!("Status update for node {name}: status ping"))?;
        }
    }
    lab.drop_icmp(Node::Web1)?;
    for name in &names {
        logged(&lab, Node::Web1, &format!("node {name}: is dead"))?;
        logged(&lab, Node::Web1, &format!("Link {name}:{name} dead."))?;
    }
    lab.heal(Node::Web1)?;
    for name in &names {
        logged_times(&lab, Node::Web1, &format!("Link {name}:{name} up."), 2)?;
    }
    for name in &names {
        assert!(!lab.log(Node::Web2).contains(&format!("node {name}: is dead")));
    }
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
    Ok(())
}

#[test]
fn ping_nodes_of_every_kind_are_monitored() -> Outcome {
    side_by_side([Roles::Ours, Roles::ClassicOwns], |roles| live(roles.daemons()))
}
