//! A C node is not heard, and its machine answers for its address.

use crate::{Outcome, pair, start, systole};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{ClusterConfig, Cut, Daemon, Failback, Link, Medium, Node};

/// How long the nodes do not hear each other: some dead times.
const CUT: Duration = Duration::from_secs(6);

/// Beats have a cable of their own.
fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(1),
        media: vec![Medium::Ucast(Link::Direct)],
        second_link: true,
        ipfail: false,
        ping_nodes: Vec::new(),
        failback: Failback::Off,
        ..ClusterConfig::default()
    }
}

#[test]
fn group_of_c_node_with_cut_link_is_not_taken_and_group_of_c_node_without_power_is() -> Outcome {
    let Some(lab) = pair(config(), [Daemon::Classic, systole()])? else { return Ok(()) };
    start(&lab)?;
    let address = lab.config().address;
    lab.cut(Node::Web1, Link::Direct, Cut::Silent)?;
    lab.wait_for_log(Node::Web2, &["node web1: is dead", "answers for an address of the group"])?;
    sleep(CUT);
    assert_eq!(lab.owners(address), [Node::Web1], "{}", lab.log(Node::Web2));
    lab.join(Node::Web1, Link::Direct)?;
    lab.wait_for_log(Node::Web2, &["node web1 returning after partition"])?;
    sleep(CUT);
    lab.wait_for_owner(Node::Web1, crate::LIMIT)?;
    lab.power_off(Node::Web1)?;
    lab.wait_for_owner(Node::Web2, crate::LIMIT)?;
    Ok(())
}

#[test]
fn address_that_killed_c_daemon_left_behind_is_not_doubled_when_it_returns() -> Outcome {
    let Some(lab) = pair(config(), [Daemon::Classic, systole()])? else { return Ok(()) };
    start(&lab)?;
    let address = lab.config().address;
    lab.kill_daemon_whole(Node::Web1)?;
    lab.wait_for_log(Node::Web2, &["node web1: is dead", "answers for an address of the group"])?;
    lab.start_daemon(Node::Web1)?;
    lab.wait_for_log(Node::Web2, &["Status update for node web1: status active"])?;
    sleep(CUT);
    assert_eq!(lab.owners(address), [Node::Web1], "{}", lab.log(Node::Web2));
    Ok(())
}
