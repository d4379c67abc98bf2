//! A live pair is migrated from C heartbeat to Systole, one machine at a time, and back.
//!
//! The steps are those of `docs/migration.md`.

use crate::watch::{Seen, watched};
use crate::{LIMIT, Outcome, errors, pair, print_logs, start, systole};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use systole_lab::{ClusterConfig, Daemon, Gap, Lab, LabError, Node};

/// Times that the C daemon can keep on a busy machine: the takeover from a node that shut down must be over
/// before that node counts as dead; otherwise the C daemon complains about its own message. The test never
/// waits for any of these times to pass.
fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(15),
        warntime: Duration::from_secs(5),
        initdead: Duration::from_secs(15),
        ..ClusterConfig::default()
    }
}

/// Returns what a node logs when it has finished the takeover from a node that shut down. A C daemon also
/// sends this to the other node, and a node that is up again by then knows about no takeover.
fn taken_over(lab: &Lab, node: Node) -> &'static str {
    match lab.daemon(node) {
        Daemon::Classic => "Standby resource acquisition done [all].",
        Daemon::Systole { .. } => "mach_down takeover complete.",
    }
}

/// Makes the node run `daemon` from now on, and waits until web1 owns the address again.
fn exchange(lab: &Lab, node: Node, daemon: Daemon) -> Result<(), LabError> {
    let since = Instant::now();
    let before = lab.log(node.other()).len();
    lab.stop_daemon(node)?;
    lab.wait_for_owner(node.other(), LIMIT)?;
    let taken = taken_over(lab, node.other());
    lab.wait_for(taken, LIMIT, || lab.log(node.other())[before..].contains(taken))?;
    lab.replace_daemon(node, daemon)?;
    let heard = lab.log(node.other()).len();
    lab.start_daemon(node)?;
    let active = format!("Status update for node {node}: status active");
    lab.wait_for(&active, LIMIT, || lab.log(node.other())[heard..].contains(&active))?;
    lab.wait_for_owner(Node::Web1, LIMIT)?;
    println!("{node} runs {:?} after {:?}", lab.daemon(node), since.elapsed());
    Ok(())
}

/// Both nodes change, first the one that owns nothing.
fn migrate(lab: &Lab, daemon: &Daemon) -> Result<(), LabError> {
    for node in [Node::Web2, Node::Web1] {
        exchange(lab, node, daemon.clone())?;
    }
    Ok(())
}

/// Prints what the client noticed, and checks that the address moved twice and was never on both nodes.
fn judge(lab: &Lab, what: &str, since: Instant, seen: &Seen) {
    let gaps = lab.probe().gaps(since);
    let (moves, others): (Vec<&Gap>, Vec<&Gap>) =
        gaps.iter().partition(|gap| gap.before != gap.after);
    let lengths: Vec<_> = moves.iter().map(|gap| gap.length).collect();
    let total: Duration = lengths.iter().sum();
    let longest = others.iter().map(|gap| gap.length).max().unwrap_or_default();
    println!(
        "{what}: {} hand-overs cost the address {lengths:?}, {total:?} in all; \
         longest silence besides: {longest:?}",
        moves.len()
    );
    let Seen { fetches, outages, looks, doubled } = seen;
    let absent: Duration = outages.iter().map(|outage| outage.length).sum();
    println!(
        "{what}: {fetches} fetches of the page, none for {absent:?} in all, at {outages:?}; \
         {looks} looks at the owners"
    );
    assert_eq!(doubled, &[], "two nodes had the address");
    assert!(lab.probe().duplicates(since).is_empty(), "two nodes answered");
    assert_eq!(moves.len(), 2, "one graceful stop and one return move the address: {moves:?}");
}

/// Returns the generation that a node's daemons last took from the disk that they share.
fn generation(lab: &Lab, node: Node) -> u64 {
    let text = lab.read_file(node, "var/lib/heartbeat/hb_generation");
    text.trim().parse().unwrap_or_else(|_| panic!("{node}: generation {text:?}"))
}

#[test]
fn pair_migrating_to_systole_and_back_never_has_two_owners() -> Outcome {
    let Some(lab) = pair(config(), [Daemon::Classic, Daemon::Classic])? else { return Ok(()) };
    start(&lab)?;
    let uuid = |node| lab.read_file(node, "var/lib/heartbeat/hb_uuid");
    let uuids = Node::ALL.map(uuid);
    for (what, daemon) in [("to Systole", systole()), ("back to C", Daemon::Classic)] {
        let (since, before) = (Instant::now(), Node::ALL.map(|node| generation(&lab, node)));
        let (result, seen) = watched(&lab, || migrate(&lab, &daemon));
        result.inspect_err(|_| print_logs(&lab))?;
        judge(&lab, what, since, &seen);
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        for (node, before) in Node::ALL.into_iter().zip(before) {
            // Systole takes the clock if it is higher.
            let highest = if what == "to Systole" { clock.max(before + 1) } else { before + 1 };
            let now = generation(&lab, node);
            assert!((before + 1..=highest).contains(&now), "{node}, {what}: {before}, then {now}");
        }
    }
    assert_eq!(Node::ALL.map(uuid), uuids, "the nodes keep their uuids");
    for node in Node::ALL {
        let errors = errors(&lab.log(node));
        assert!(errors.is_empty(), "{node}: {errors:#?}");
    }
    Ok(())
}
