//! Ping nodes of every kind, and what ipfail does with them.

use super::{Recording, Situation, keys};
use crate::{LIMIT, Outcome, pair, print_logs, systole};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{Carrier, ClusterConfig, Daemon, Lab, LabError, Node};
use systole_wire::Method;

/// Three ping nodes in all: one by address, one by IPv6 address, one group.
fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        groups: vec![format!("web1 {}/24/eth0", usual.address)],
        keys: "auth 2\n2 crc\n".to_owned(),
        extra: vec![
            "ping_group grp1 192.168.122.1 192.168.122.50".to_owned(),
            "ping6 fd77::50".to_owned(),
        ],
        ping_nodes: usual.ping_nodes.clone(),
        ..usual
    }
}

/// Gives the machines IPv6 addresses.
fn number(lab: &Lab) -> Result<(), LabError> {
    let add = |address| ["ip", "address", "add", address, "dev", "eth0", "nodad"];
    lab.run_on_client(&add("fd77::50/64"))?;
    lab.run(Node::Web1, &add("fd77::20/64"))?;
    lab.run(Node::Web2, &add("fd77::22/64"))?;
    Ok(())
}

fn live(lab: &Lab, recording: &mut Recording<'_>) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    lab.wait_for_owner(Node::Web1, LIMIT)?;
    // Until every kind of ping node has been pinged a few times.
    sleep(Duration::from_secs(2));
    recording.judge(Situation::PingNodes);
    for node in [Node::Web2, Node::Web1] {
        lab.drop_icmp(node)?;
        lab.wait_for("the other one sees more", LIMIT, || {
            lab.owners(lab.config().address) == [node.other()]
        })?;
        sleep(Duration::from_secs(5));
        lab.heal(node)?;
        sleep(Duration::from_secs(5));
    }
    recording.judge(Situation::Ipfail);
    Ok(())
}

#[test]
fn ping_nodes_are_asked_and_counted_as_classic_nodes_do() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    number(&lab)?;
    let capture = lab.capture(Node::Web1)?;
    let mut recording = Recording::new(&capture, keys(Method::Crc, 2));
    live(&lab, &mut recording).inspect_err(|_| print_logs(&lab))?;
    let packets = capture.packets();
    let pings = |carrier| packets.iter().filter(|packet| packet.carrier == carrier).count();
    println!("{} echo requests, {} of IPv6", pings(Carrier::Ping), pings(Carrier::Ping6));
    assert!(pings(Carrier::Ping) > 0 && pings(Carrier::Ping6) > 0);
    recording.finish();
    Ok(())
}
