//! A floating IPv6 address on two Systole nodes.

use crate::{LIMIT, Outcome, pair, print_logs, start, systole};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// In the network of the machines, see [`systole_lab::Link::address6`].
const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 122, 0, 0, 0, 0x100);

fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        address: IpAddr::V6(ADDRESS),
        groups: vec![format!("web1 IPv6addr::{ADDRESS}/64/eth0")],
        ..ClusterConfig::default()
    }
}

/// Prints how long a client got no answer, and checks that no other node answered meanwhile.
fn told(lab: &Lab, what: &str, since: Instant) {
    let gap = lab.probe().longest_gap(since).map(|gap| gap.length).unwrap_or_default();
    println!("{what}: the client missed {gap:?}");
    assert!(lab.probe().duplicates(since).is_empty(), "two nodes answered");
}

fn live(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    let since = Instant::now();
    lab.standby(Node::Web1)?;
    lab.wait_for_owner(Node::Web2, LIMIT)?;
    told(lab, "standby", since);
    let since = Instant::now();
    lab.power_off(Node::Web2)?;
    lab.wait_for_owner(Node::Web1, LIMIT)?;
    told(lab, "power-off", since);
    let since = Instant::now();
    lab.power_on(Node::Web2)?;
    lab.start_daemon(Node::Web2)?;
    let active = "Status update for node web2: status active";
    lab.wait_for(active, LIMIT, || lab.log(Node::Web1).matches(active).count() > 1)?;
    lab.stop_daemon(Node::Web1)?;
    lab.wait_for_owner(Node::Web2, LIMIT)?;
    told(lab, "graceful stop", since);
    Ok(())
}

#[test]
fn ipv6_address_moves_on_standby_power_off_and_stop() -> Outcome {
    let Some(lab) = pair(config(), [systole(), systole()])? else { return Ok(()) };
    Ok(live(&lab).inspect_err(|_| print_logs(&lab))?)
}
