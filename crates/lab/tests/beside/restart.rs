//! The Systole daemon is told to restart, or restarts, while the C node cannot be informed about it.

use crate::{LIMIT, Outcome, SECOND, addresses, owned, pair, print_logs, systole};
use std::time::Duration;
use systole_lab::{ClusterConfig, Cut, Daemon, Failback, Lab, LabError, Link, Node};

const OURS: Node = Node::Web1;
const CLASSIC: Node = Node::Web2;
/// An agent whose start waits until a file exists.
const SCRIPT: &str = "#!/bin/sh
case $1 in
start) until [ -e /var/log/may-start ]; do sleep 0.1; done; : >/run/slow ;;
stop) rm -f /run/slow ;;
status) if [ -e /run/slow ]; then echo running; else echo stopped; fi ;;
esac
exit 0
";

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        groups: vec![
            format!("{OURS} IPaddr2::{}/24/eth0", usual.address),
            format!("{CLASSIC} IPaddr2::{SECOND}/24/eth0 slow"),
        ],
        failback: Failback::On,
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(3),
        initdead: Duration::from_secs(6),
        ipfail: false,
        ..usual
    }
}

fn start(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/resource.d/slow", SCRIPT)?;
        lab.write_file(node, "var/log/may-start", "")?;
        lab.start_daemon(node)?;
    }
    owned(lab, "both start", [OURS, CLASSIC])
}

/// The Systole daemon restarts, or daemon and executor are killed, while the C node waits for the end of a
/// hand-over of its groups, which it does for up to an hour.
fn hand_over(lab: &Lab, is_killed: bool) -> Result<(), LabError> {
    start(lab)?;
    lab.run(OURS, &["rm", "/var/log/may-start"])?;
    lab.run(CLASSIC, &["/usr/share/heartbeat/hb_standby"])?;
    owned(lab, "the C node gives its group away", [OURS, OURS])?;
    if is_killed {
        lab.kill_daemon_whole(OURS)?;
        lab.start_daemon(OURS)?;
    } else {
        let told = lab.run(OURS, &["hb", "restart"])?;
        assert!(told.success(), "{told:?}");
    }
    let active = || lab.log(OURS).matches("Local status now set to: 'active'").count() == 2;
    lab.wait_for("it takes part", LIMIT, active)?;
    lab.write_file(OURS, "var/log/may-start", "")?;
    let gives = || lab.run(OURS, &["hb", "standby", "foreign"]).is_ok_and(|told| told.success());
    lab.wait_for("the C node is free to take it back", LIMIT, gives)?;
    owned(lab, "it goes home", [OURS, CLASSIC])
}

/// The C node takes everything while the Systole daemon restarts during a partition.
fn cut(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    lab.cut(OURS, Link::Service, Cut::Silent)?;
    let both = || addresses(lab).map(|it| lab.owners(it).len()) == [2, 2];
    lab.wait_for("both have all", LIMIT, both)?;
    let told = lab.run(OURS, &["hb", "restart"])?;
    assert!(told.success(), "{told:?}");
    let active = || lab.log(OURS).matches("Local status now set to: 'active'").count() == 2;
    lab.wait_for("it takes part", LIMIT, active)?;
    lab.join(OURS, Link::Service)?;
    owned(lab, "each has its own", [OURS, CLASSIC])?;
    assert!(!lab.log(OURS).contains("No reply to standby request"), "nothing is handed over");
    Ok(())
}

#[test]
fn c_node_takes_its_group_back_after_systole_restart_in_hand_over() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(hand_over(&lab, false).inspect_err(|_| print_logs(&lab))?)
}

#[test]
fn c_node_takes_its_group_back_after_systole_is_killed_in_hand_over() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(hand_over(&lab, true).inspect_err(|_| print_logs(&lab))?)
}

#[test]
fn groups_after_systole_restart_during_partition_are_home_again() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(cut(&lab).inspect_err(|_| print_logs(&lab))?)
}
