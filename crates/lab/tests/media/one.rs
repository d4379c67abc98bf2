//! One medium at a time: joint start, power-off, return.

use crate::{
    LIMIT, Outcome, logged, logged_times, over, print_logs, side_by_side, started, systole,
};
use systole_lab::{Daemon, Link, Medium, Node};

/// What every pair does over every medium, whichever daemon each node runs.
fn live(medium: Medium, daemons: [Daemon; 2], opened: &str) -> Outcome {
    let Some(lab) = started(over(&[medium]), daemons)? else { return Ok(()) };
    let link = medium.name();
    for node in Node::ALL {
        logged(&lab, node, opened)?;
        logged(&lab, node, &format!("Link {}:{link} up.", node.other()))?;
    }
    if medium == Medium::Serial {
        // The C daemon takes the lock and releases it when it has started.
        for node in Node::ALL.into_iter().filter(|node| lab.daemon(*node) != Daemon::Classic) {
            let locks = lab.run(node, &["ls", "/var/lock"])?.stdout;
            assert!(locks.lines().any(|name| name == "LCK..ttyS0"), "{node}: {locks}");
        }
    }
    lab.power_off(Node::Web1)?;
    let took = lab.wait_for_owner(Node::Web2, LIMIT).inspect_err(|_| print_logs(&lab))?;
    println!("{medium:?}: takeover by {:?}: {took:?}", lab.daemon(Node::Web2));
    logged(&lab, Node::Web2, "WARN: node web1: is dead")?;
    logged(&lab, Node::Web2, &format!("Link web1:{link} dead."))?;
    lab.power_on(Node::Web1)?;
    lab.start_daemon(Node::Web1)?;
    let took = lab.wait_for_owner(Node::Web1, LIMIT).inspect_err(|_| print_logs(&lab))?;
    println!("{medium:?}: failback to {:?}: {took:?}", lab.daemon(Node::Web1));
    logged_times(&lab, Node::Web2, &format!("Link web1:{link} up."), 2)?;
    let bad = ["bad packet", "write failure", "too slow"];
    for (node, words) in Node::ALL.into_iter().flat_map(|node| bad.map(|words| (node, words))) {
        assert!(!lab.log(node).contains(words), "{}", lab.log(node));
    }
    Ok(())
}

/// Every medium, and the log line that says that it was opened.
const MEDIA: [(Medium, &str); 6] = [
    (Medium::Ucast(Link::Service), "glib: ucast: started on port 694 interface eth0 to "),
    (
        Medium::Bcast(Link::Service),
        "glib: UDP Broadcast heartbeat started on port 694 (694) interface eth0",
    ),
    (
        Medium::Mcast(Link::Service),
        "glib: UDP multicast heartbeat started for group 225.0.0.1 port 694 interface eth0 (ttl=1 \
         loop=0)",
    ),
    (Medium::Ucast6(Link::Service), "glib: ucast6: heartbeat started for [fd77:0:0:7a::"),
    (
        Medium::Mcast6(Link::Service),
        "glib: UDP multicast heartbeat started for [ff12::1:2:3:4]:694 on interface eth0 (hops=1 \
         loop=0)",
    ),
    (Medium::Serial, "glib: Starting serial heartbeat on tty /run/systole-lab/ttyS0 (19200 baud)"),
];

fn every_medium(daemons: &[Daemon; 2]) -> Outcome {
    side_by_side(MEDIA, |(medium, opened)| live(medium, daemons.clone(), opened))
}

#[test]
fn every_medium_joins_two_systole_nodes() -> Outcome {
    every_medium(&[systole(), systole()])
}

#[test]
fn every_medium_joins_c_owner_with_systole_node() -> Outcome {
    every_medium(&[Daemon::Classic, systole()])
}

#[test]
fn every_medium_joins_systole_owner_with_c_node() -> Outcome {
    every_medium(&[systole(), Daemon::Classic])
}
