//! The reason why something failed on a node is reported on both nodes.

use crate::play::play_with;
use crate::{LIMIT, Outcome};
use std::net::IpAddr;
use std::time::Duration;
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

/// Its address needs an interface that only web1 has.
const ELSEWHERE: &str = "192.168.122.101/24/dmz1";
/// IPv6 is switched off on this interface of web2, which no node knows before the address is added there.
const REFUSED: &str = "IPv6addr::fd00:122::2/64/eth0";
const NO_INTERFACE: &str =
    "web2 could not start 192.168.122.101/24/dmz1: interface dmz1 does not exist";
const NO_IPV6: &str =
    "web2 could not start IPv6addr::fd00:122::2/64/eth0: fd00:122::2: Permission denied";

fn config() -> ClusterConfig {
    let groups = [
        "web1 192.168.122.100/24/eth0 nginx".to_owned(),
        format!("web2 {ELSEWHERE}"),
        format!("web1 {REFUSED}"),
    ];
    ClusterConfig {
        groups: groups.into(),
        failback: Failback::Off,
        ipfail: false,
        // This test is not about how fast a death is detected.
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

fn prepare(lab: &Lab) -> Outcome {
    let link =
        "ip link add dmz1 type veth peer name dmz2 && ip link set dmz1 up && ip link set dmz2 up";
    let made = lab.run(Node::Web1, &["sh", "-ec", link])?;
    assert!(made.success(), "{made:?}");
    let off = "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6";
    let told = lab.run(Node::Web2, &["sh", "-ec", off])?;
    assert!(told.success(), "{told:?}");
    Ok(())
}

/// Waits until the output of a command on a node contains all of these texts.
fn says(lab: &Lab, node: Node, command: &[&str], wanted: &[&str]) -> Result<(), LabError> {
    lab.wait_for_answer(node, command, wanted)?;
    Ok(())
}

fn owns(lab: &Lab, node: Node) -> Result<(), LabError> {
    let address = IpAddr::from([0xfd00, 0x122, 0, 0, 0, 0, 0, 2]);
    lab.wait_for(&format!("{node} has {address}"), LIMIT, || lab.owners(address) == [node])?;
    Ok(())
}

#[test]
fn failed_start_reason_is_told_on_both_nodes() -> Outcome {
    play_with(&config(), prepare, |lab| {
        for node in Node::ALL {
            says(lab, node, &["hb", "status"], &[NO_INTERFACE])?;
            let outcome = "\"outcome\":\"interface dmz1 does not exist\"";
            says(
                lab,
                node,
                &["sh", "-c", "hb status --json | tr -d ' \\n'"],
                &[&outcome.replace(' ', "")],
            )?;
            says(lab, node, &["hb", "why", ELSEWHERE], &[NO_INTERFACE])?;
        }
        owns(lab, Node::Web1)?;
        let ordered = lab.run(Node::Web1, &["hb", "standby", "--group", REFUSED])?;
        assert!(!ordered.success(), "the other node cannot start it: {ordered:?}");
        for node in Node::ALL {
            says(lab, node, &["hb", "status"], &[NO_INTERFACE, NO_IPV6])?;
            says(lab, node, &["hb", "why", REFUSED], &[NO_IPV6])?;
        }
        Ok(owns(lab, Node::Web1)?)
    })
}
