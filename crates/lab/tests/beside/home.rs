//! A C node loses its network and gives its group away; when its network is repaired, it is started again and
//! gets the group back.

use crate::{LIMIT, Outcome, SECOND, addresses, owned, pair, print_logs, systole};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Failback, Lab, LabError, Node};

const CLASSIC: Node = Node::Web1;
const OURS: Node = Node::Web2;
/// How long to check that a group does not fail back.
const CALM: Duration = Duration::from_secs(12);

fn config(failback: Failback) -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        groups: vec![
            format!("{CLASSIC} IPaddr2::{}/24/eth0", usual.address),
            format!("{OURS} IPaddr2::{SECOND}/24/eth0"),
        ],
        failback,
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(3),
        initdead: Duration::from_secs(6),
        // The second link carries the beats while the network of the service is gone.
        second_link: true,
        ..usual
    }
}

/// The ipfail of the C node gives everything to the Systole node, because no ping node answers the C node any
/// longer.
fn loses_network(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    owned(lab, "both start", [CLASSIC, OURS])?;
    for node in Node::ALL {
        let sees = "Link 192.168.122.1:192.168.122.1 up.";
        lab.wait_for("the ping node answers", LIMIT, || lab.log(node).contains(sees))?;
    }
    lab.drop_icmp(CLASSIC)?;
    owned(lab, "its ping node does not answer", [OURS; 2])
}

/// How the C node is started again.
#[derive(Debug, Clone, Copy)]
enum Restart {
    Stopped,
    PowerCut,
}

fn restarts(lab: &Lab, how: Restart) -> Result<(), LabError> {
    match how {
        Restart::Stopped => {
            lab.heal(CLASSIC)?;
            lab.stop_daemon(CLASSIC)?;
        }
        // Its packet filter is removed with its power.
        Restart::PowerCut => {
            lab.power_off(CLASSIC)?;
            let dead = format!("node {CLASSIC}: is dead");
            lab.wait_for("it is dead", LIMIT, || lab.log(OURS).contains(&dead))?;
            lab.power_on(CLASSIC)?;
        }
    }
    lab.start_daemon(CLASSIC)
}

fn judged(failback: Failback, judge: impl Fn(&Lab) -> Result<(), LabError>) -> Outcome {
    let Some(lab) = pair(config(failback), [Daemon::Classic, systole()])? else { return Ok(()) };
    Ok(judge(&lab).inspect_err(|_| print_logs(&lab))?)
}

fn goes_home(how: Restart) -> Outcome {
    judged(Failback::On, |lab| {
        loses_network(lab)?;
        let since = Instant::now();
        restarts(lab, how)?;
        owned(lab, &format!("{how:?}: it is back"), [CLASSIC, OURS])?;
        let twice = lab.probe().duplicates(since);
        assert!(twice.is_empty(), "both had its address: {twice:?}");
        Ok(())
    })
}

#[test]
fn group_given_away_by_ipfail_of_c_node_goes_home_after_daemon_restart() -> Outcome {
    goes_home(Restart::Stopped)
}

#[test]
fn group_given_away_by_ipfail_of_c_node_goes_home_after_power_cut() -> Outcome {
    goes_home(Restart::PowerCut)
}

#[test]
fn group_given_away_by_ipfail_of_c_node_stays_without_failback() -> Outcome {
    judged(Failback::Off, |lab| {
        loses_network(lab)?;
        restarts(lab, Restart::Stopped)?;
        let is_active =
            || lab.log(OURS).matches("Status update for node web1: status active").count();
        lab.wait_for("it takes part again", LIMIT, || is_active() > 1)?;
        let since = Instant::now();
        while since.elapsed() < CALM {
            assert_eq!(addresses(lab).map(|it| lab.owners(it)), [vec![OURS], vec![OURS]]);
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    })
}
