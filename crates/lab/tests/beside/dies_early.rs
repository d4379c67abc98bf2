//! A C daemon that dies before it has answered any question of the Systole node.

use crate::{LIMIT, Outcome, pair, print_logs, systole};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Direction, Lab, LabError, Node};

/// How long the survivor is observed.
const SPAN: Duration = Duration::from_secs(5);
/// The most processor time that it may use meanwhile; it needs some hundredths of a second, and a daemon that
/// spins needs all of it.
const WORK_MAX: Duration = Duration::from_secs(1);
/// The longest stop; it takes as long as the stop of the service.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Clock ticks of `/proc/PID/stat`, see proc(5).
const TICK: Duration = Duration::from_millis(10);

fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(6),
        ipfail: false,
        // The preferred node of the group is the C node.
        groups: vec![format!("web2 IPaddr2::{}/24/eth0", ClusterConfig::default().address)],
        ..ClusterConfig::default()
    }
}

/// Returns the processor time of all threads of a node's daemon.
fn work(lab: &Lab, node: Node) -> Result<Duration, LabError> {
    // After the name in parentheses, which may contain blanks.
    let script = "read pid </run/heartbeat.pid; set -- $(sed 's/.*) //' /proc/$pid/stat); \
                  echo $((${12} + ${13}))";
    let told = lab.run(node, &["sh", "-ec", script])?;
    let ticks = told.stdout.trim().parse::<u32>();
    Ok(TICK * ticks.unwrap_or_else(|error| panic!("{error}: {told:?}")))
}

fn says(lab: &Lab, node: Node, words: &str) -> Result<(), LabError> {
    lab.wait_for(&format!("{node} says `{words}`"), LIMIT, || lab.log(node).contains(words))?;
    Ok(())
}

/// The C node hears nothing, so that no question reaches it; it is heard, and then killed.
fn survive(lab: &Lab) -> Result<(), LabError> {
    let (ours, classic) = (Node::Web1, Node::Web2);
    lab.start_daemon(ours)?;
    lab.loss(classic, 100, Direction::In)?;
    lab.start_daemon(classic)?;
    says(lab, ours, "Status update for node web2: status")?;
    lab.kill_daemon_whole(classic)?;
    says(lab, ours, "node web2: is dead")?;
    lab.wait_for_owner(ours, LIMIT)?;

    let (before, since) = (work(lab, ours)?, Instant::now());
    sleep(SPAN);
    let used = work(lab, ours)?.saturating_sub(before);
    println!("the survivor used {used:?} of the processor in {:?}", since.elapsed());
    assert!(used <= WORK_MAX, "it spins: {used:?} in {:?}", since.elapsed());

    let since = Instant::now();
    lab.stop_daemon(ours)?;
    println!("it stopped within {:?}", since.elapsed());
    assert!(since.elapsed() <= STOP_MAX, "its stop took {:?}", since.elapsed());
    assert!(lab.owners(lab.config().address).is_empty());
    Ok(())
}

#[test]
fn c_node_dying_before_any_answer_leaves_survivor_idle_and_stoppable() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(survive(&lab).inspect_err(|_| print_logs(&lab))?)
}
