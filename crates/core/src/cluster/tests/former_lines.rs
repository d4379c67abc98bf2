//! Lines that have left a file while the other node still has them, or that come back.

use super::pair::Pair;
use super::reload::{ADDED, CHANGED, OLD, REMOVED, groups, with_groups};
use super::*;

#[test]
fn group_removed_from_one_file_starts_on_peer_only_after_owner_dies() {
    let mut pair = Pair::settled(Failback::On);
    pair.change(A, Failback::On, &REMOVED);
    pair.watch("stopped", |pair| pair.runs(A).is_empty());
    pair.rest(20);
    assert_eq!(pair.runs(B), [SECOND]);
    pair.end(A);
    pair.until("taken by its own file", |pair| pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn peer_with_old_line_runs_old_line_when_owner_of_new_line_dies() {
    let mut pair = Pair::settled(Failback::On);
    pair.change(A, Failback::On, &CHANGED);
    pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
    pair.rest(1);
    pair.end(A);
    pair.until("taken by its own file", |pair| pair.runs(B) == [FIRST, SECOND]);
    // The owner returns with its new file and what it had stored.
    let mut returned = with_groups(A, Failback::On, &CHANGED);
    let retired = groups(&OLD[..1]);
    returned.retire(&[]);
    let mut node = Node::with(returned.clone(), 2);
    node.cluster = Cluster::new(returned, Boot { retired, ..boot(2) });
    let now = pair.now;
    node.cluster.handle(now, &Input::ExecutorReady(Vec::new()));
    pair.start(node);
    pair.rest(10);
    assert!(pair.run(B, &["first"]), "it keeps what it has");
    pair.change(B, Failback::On, &CHANGED);
    pair.watch("goes home", |pair| pair.run(A, &["first", "extra"]));
}

#[test]
fn line_changed_back_on_one_node_runs_as_before() {
    for id in [A, B] {
        let mut pair = Pair::settled(Failback::On);
        pair.change(id, Failback::On, &CHANGED);
        pair.rest(3);
        pair.change(id, Failback::On, &OLD);
        pair.watch("as before", |pair| pair.run(A, &["first"]) && pair.run(B, &["second"]));
        pair.rest(5);
        assert!(pair.run(A, &["first"]));
        // The same holds for two changes at once.
        pair.change(id, Failback::On, &CHANGED);
        pair.change(id, Failback::On, &OLD);
        pair.watch("as before", |pair| pair.run(A, &["first"]));
        pair.rest(5);
    }
}

#[test]
fn line_changed_back_on_both_nodes_stays_with_its_owner() {
    for order in [[A, B], [B, A]] {
        let mut pair = Pair::settled(Failback::Off);
        for lines in [&CHANGED, &OLD, &CHANGED, &OLD] {
            for id in order {
                pair.change(id, Failback::Off, lines);
                pair.rest(3);
            }
            let words: &[&str] = if lines == &OLD { &["first"] } else { &["first", "extra"] };
            assert!(pair.run(A, words), "{order:?}");
        }
    }
}

#[test]
fn node_starting_with_old_file_leaves_group_under_new_line_to_its_owner() {
    let mut pair = Pair::settled(Failback::On);
    pair.end(B);
    pair.until("alone", |pair| pair.runs(A).len() == 2);
    pair.change(A, Failback::On, &CHANGED);
    pair.rest(2);
    pair.start(Node::new(B, Failback::On, 2));
    pair.watch("its own goes home", |pair| pair.run(B, &["second"]));
    pair.rest(10);
    assert!(pair.run(A, &["first", "extra"]) && pair.runs(B) == [SECOND]);
}

#[test]
fn partition_healed_between_old_and_new_line_leaves_one_owner() {
    for first in [A, B] {
        let mut pair = Pair::settled(Failback::Off);
        pair.change(first, Failback::Off, &CHANGED);
        pair.rest(2);
        pair.cut = true;
        let owns_all = |pair: &Pair, id| pair.runs(id).len() == 2;
        pair.until("A owns all", |pair| owns_all(pair, A));
        pair.until("B owns all", |pair| owns_all(pair, B));
        pair.cut = false;
        let took = pair.until("one owner", |pair| pair.runs(A).len() + pair.runs(B).len() == 2);
        assert!(took <= Duration::from_secs(1), "{took:?}");
        pair.rest(5);
        pair.change(if first == A { B } else { A }, Failback::Off, &CHANGED);
        pair.watch("changed", |pair| {
            pair.run(A, &["first", "extra"]) || pair.run(B, &["first", "extra"])
        });
        pair.rest(5);
    }
}

#[test]
fn new_line_failing_to_start_leaves_old_line_to_peer() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    let node = pair.node(A);
    node.reload(with_groups(A, Failback::Off, &CHANGED)).expect("nothing speaks against it");
    node.fails = Some(node.id_of(&["first", "extra"]));
    node.turn(now);
    pair.watch("by its own file", |pair| pair.run(B, &["first"]));
    pair.rest(5);
    assert_eq!(pair.node(A).failed_starts(), 1);
    let now = pair.now;
    pair.node(A).fails = None;
    pair.node(A).order(now, Order::Retry(None));
    pair.rest(5);
    assert!(pair.run(B, &["first"]) && pair.runs(A).is_empty());
}

/// The nodes' files are the same when B starts, or differ in a line that A has.
#[test]
fn starting_node_reports_different_lines_only_if_lines_still_differ() {
    for (lines, differs) in [(&OLD[..], false), (&ADDED[..], true)] {
        let mut pair = Pair::settled(Failback::Off);
        pair.change(A, Failback::Off, &ADDED);
        pair.pass(Duration::from_secs(1));
        assert!(pair.node(B).snapshot().nodes[A.index()].other_lines, "A has one more line");
        pair.change(A, Failback::Off, lines);
        pair.pass(Duration::from_secs(1));
        assert_eq!(pair.node(B).snapshot().nodes[A.index()].other_lines, differs);
        pair.end(B);
        pair.nodes[B.index()] = Some(Node::new(B, Failback::Off, 2));
        pair.until("B is back", |pair| pair.node(B).cluster.status() == NodeStatus::Active);
        pair.pass(Duration::from_secs(1));
        assert_eq!(pair.node(B).has_said(&Event::GroupsDiffer(A)), differs);
    }
}
