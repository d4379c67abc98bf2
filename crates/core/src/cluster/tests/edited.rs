//! A daemon that ended before it had read its changed file, and is started again: its ledger lists
//! groups that are in no line any longer.

use super::pair::Pair;
use super::reload::{CHANGED, Line, OLD, groups, with_groups};
use super::*;
use crate::{Action, Phase};

/// The first line has another preferred node.
const MOVED: [Line; 2] = [(B, &["first"]), (B, &["second"])];

/// The key of the line that A has lost: its words are those of another line, but its key is not.
const LOST: GroupKey = GroupKey(4711);

/// Two nodes with `OLD`, whose first line has a key of its own, as lines with other preferred nodes
/// have.
fn settled(failback: Failback) -> Pair {
    let nodes = [A, B].map(|id| {
        let mut node = Node::new(id, failback, 1);
        node.cluster = Cluster::new(old(id, failback), boot(1));
        node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        Some(node)
    });
    let mut pair = Pair::of(nodes);
    pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    pair
}

fn old(id: NodeId, failback: Failback) -> Settings {
    let mut settings = with_groups(id, failback, &OLD);
    settings.groups[0].key = LOST;
    settings
}

/// A's daemon is started with these lines; its executor holds the old line, and takes its time.
fn restart_a(pair: &mut Pair, failback: Failback, lines: &[Line], is_remembered: bool) -> GroupId {
    let before = pair.node(A);
    let generation = before.generation + 1;
    let terms = if is_remembered { before.cluster.terms().collect() } else { Vec::new() };
    let mut settings = Settings { initdead: LIMIT, ..with_groups(A, failback, lines) };
    let retired = GroupId(u16::try_from(settings.groups.len()).unwrap());
    settings.retire(&[Group { key: LOST, ..groups(&OLD).swap_remove(0) }]);
    let mut node = Node::new(A, failback, generation);
    let boot = Boot { terms, listed: vec![(retired, 1)], ..boot(generation) };
    node.cluster = Cluster::new(settings, boot);
    node.runs = vec![retired];
    node.holds_jobs = true;
    pair.nodes[0] = Some(node);
    retired
}

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_mins(1);

fn finish(pair: &mut Pair) {
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.node(A).holds_jobs = false;
}

#[test]
fn retired_group_held_at_restart_is_claimed_stopped_and_then_replaced() {
    for (failback, is_remembered) in [(Failback::On, true), (Failback::Off, false)] {
        let mut pair = settled(failback);
        let retired = restart_a(&mut pair, failback, &CHANGED, is_remembered);
        pair.rest(2);
        let claim = pair.told_by(A, retired);
        assert_eq!((claim.owner, claim.phase, claim.runs_here), (A, Phase::Stopping, true));
        assert!(claim.unable, "it is never started again");
        let now = pair.now;
        pair.node(A).greet(now, &[retired], true);
        pair.rest(2);
        let jobs: Vec<_> = pair.node(A).held.iter().map(|job| (job.group, job.action)).collect();
        assert_eq!(jobs, [(retired, Action::Stop)], "what replaces it waits for its end");
        assert_eq!(pair.runs(B), [SECOND]);
        finish(&mut pair);
        pair.watch("replaced", |pair| pair.run(A, &["first", "extra"]));
        pair.rest(5);
        assert!(pair.run(A, &["first", "extra"]) && pair.runs(B) == [SECOND]);
    }
}

#[test]
fn group_with_new_preferred_node_starts_there_once_stopped_here() {
    for is_remembered in [true, false] {
        let mut pair = settled(Failback::Off);
        pair.change(B, Failback::Off, &MOVED);
        pair.rest(1);
        let retired = restart_a(&mut pair, Failback::Off, &MOVED, is_remembered);
        let now = pair.now;
        pair.node(A).greet(now, &[retired], true);
        pair.rest(4);
        assert!(!pair.run(B, &["first"]), "it runs on A still");
        finish(&mut pair);
        pair.watch("B has it", |pair| pair.run(B, &["first"]));
    }
}

#[test]
fn restarted_node_without_lines_leaves_its_stopped_group_to_peer() {
    let mut pair = settled(Failback::Off);
    let retired = restart_a(&mut pair, Failback::Off, &[], true);
    let now = pair.now;
    pair.node(A).greet(now, &[retired], true);
    pair.rest(4);
    assert_eq!(pair.runs(B), [SECOND], "it runs on A still");
    finish(&mut pair);
    pair.watch("B has it", |pair| pair.runs(B) == [FIRST, SECOND]);
}
