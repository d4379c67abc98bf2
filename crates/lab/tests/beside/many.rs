//! Two hundred groups next to a C daemon: Systole needs no fragments to report them all.

use crate::watch::watched;
use crate::{Outcome, pair, print_logs, systole};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use systole_lab::diary::{self, AGENT};
use systole_lab::{Capture, ClusterConfig, Daemon, Lab, LabError, Node, Order};

/// The longest wait for a move: the scripts of the C daemon work on one group after the other.
const LIMIT: Duration = Duration::from_mins(4);
/// The number of groups with an agent that writes a diary. The group that the client probes is one more.
const GROUPS: u8 = 199;
/// The number of these groups that prefer web1; the others prefer web2.
const OF_WEB1: u8 = 150;
/// The most bytes of a message of Systole: with every header it fits into a packet of any Ethernet.
const MESSAGE_MAX: usize = 1_200;

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let first = format!("web1 IPaddr2::{}/24/eth0", usual.address);
    let line = |group| {
        let home = if group <= OF_WEB1 { Node::Web1 } else { Node::Web2 };
        format!("{home} {AGENT}::{}", name(group))
    };
    ClusterConfig {
        groups: [first].into_iter().chain((1..=GROUPS).map(line)).collect(),
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(5),
        warntime: Duration::from_secs(4),
        initdead: Duration::from_secs(8),
        ipfail: false,
        ping_nodes: Vec::new(),
        ..usual
    }
}

fn name(group: u8) -> String {
    format!("g{group}")
}

/// Waits until web1 runs the groups up to a number, and web2 the rest; prints how long that took.
fn divided(lab: &Lab, what: &str, last_of_web1: u8, since: Instant) -> Result<(), LabError> {
    let wanted = [1..=last_of_web1, last_of_web1 + 1..=GROUPS];
    let wanted = wanted.map(|groups| groups.map(name).collect::<BTreeSet<_>>());
    let running = || Node::ALL.map(|node| diary::running(lab, node));
    let ended = lab.wait_for(what, LIMIT, || running() == wanted);
    ended.inspect_err(|_| println!("{what}: {:?}", running().map(|names| names.len())))?;
    println!("{what}: {:?}", since.elapsed());
    Ok(())
}

/// Fails when the Systole node has sent a fragment, or a message that soon needs more than one packet.
fn fits(sent: &Capture) {
    let lengths: Vec<_> = sent.packets().iter().map(|packet| packet.payload.len()).collect();
    let longest = lengths.iter().max().copied().unwrap_or_default();
    println!("ours sent {} messages of at most {longest} bytes", lengths.len());
    assert!(longest > 0, "nothing was recorded");
    assert!(longest <= MESSAGE_MAX, "ours sent a message of {longest} bytes");
    assert_eq!(sent.fragments(), 0, "ours sent fragments");
}

/// Both nodes start, Systole gives everything away, the C node loses its power and comes back.
fn live(lab: &Lab) -> Result<(), LabError> {
    let (ours, classic) = (Node::Web1, Node::Web2);
    let sent = lab.capture(ours)?;
    let since = Instant::now();
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    divided(lab, "both start", OF_WEB1, since)?;
    let since = Instant::now();
    lab.order(ours, Order::Standby, "all")?;
    divided(lab, "ours gives everything away", 0, since)?;
    let since = Instant::now();
    diary::power_off(lab, classic)?;
    divided(lab, "the C node is dead", GROUPS, since)?;
    lab.power_on(classic)?;
    let since = Instant::now();
    lab.start_daemon(classic)?;
    divided(lab, "the C node is back", OF_WEB1, since)?;
    fits(&sent);
    Ok(())
}

#[test]
fn two_hundred_groups_beside_c_node_move_without_fragments() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    diary::install(&lab)?;
    let (lived, seen) = watched(&lab, || live(&lab));
    lived.inspect_err(|_| print_logs(&lab))?;
    let doubled = diary::doubled(&lab);
    assert!(doubled.is_empty() && seen.doubled.is_empty(), "{doubled:?} {:?}", seen.doubled);
    Ok(())
}
