//! Nodes that are started with different lines for the same resource: neither knows the other's line.

use super::pair::Pair;
use super::reload::{Line, with_groups};
use super::*;
use crate::Inability;

/// Two files that differ in the first line, whose resource both want: home of it in each, and rest.
const FILES: [[&[Line]; 2]; 4] = [
    [&[(A, &["first"]), (B, &["second"])], &[(A, &["first", "extra"]), (B, &["second"])]],
    [&[(B, &["first"]), (B, &["second"])], &[(A, &["first", "extra"]), (B, &["second"])]],
    [&[(A, &["first"]), (B, &["second"])], &[(B, &["first", "extra"]), (B, &["second"])]],
    [&[(B, &["first"]), (B, &["second"])], &[(B, &["first", "extra"]), (B, &["second"])]],
];

fn nodes(files: &[&[Line]; 2]) -> [Option<Node>; 2] {
    [A, B].map(|id| {
        let settings = with_groups(id, Failback::On, files[id.index()]);
        Some(Node::with(settings, 1))
    })
}

/// The same, and one of them has a third node in its list.
fn with_longer_list(longer: NodeId, files: &[&[Line]; 2]) -> [Settings; 2] {
    [A, B].map(|id| {
        let mut settings = with_groups(id, Failback::On, files[id.index()]);
        if id == longer {
            settings.nodes = NAMES.map(str::to_owned).to_vec();
            settings.node_order = vec![A, B, NodeId(2)];
        }
        settings
    })
}

/// Whether something runs of the resource that both want.
fn is_served(pair: &mut Pair) -> bool {
    [A, B].into_iter().any(|id| pair.node(id).running().concat().contains(&"first"))
}

#[test]
fn two_that_start_together_with_different_lines_do_not_both_own_it() {
    for files in FILES {
        let mut pair = Pair::of(nodes(&files));
        pair.watch("one of them runs it", is_served);
        pair.rest(10);
        assert!(is_served(&mut pair), "{files:?}");
    }
}

#[test]
fn who_comes_later_with_another_line_does_not_own_it_too() {
    for files in FILES {
        for first in [A, B] {
            let mut pair = Pair::of(nodes(&files));
            let second = NodeId(1 - first.0);
            pair.end(second);
            pair.until("it runs alone", |pair| pair.runs(first).len() == 2);
            // Its clock is that of the pair, which has been running for a while.
            let patient = Settings {
                initdead: Duration::from_mins(1),
                ..with_groups(second, Failback::On, files[second.index()])
            };
            pair.nodes[second.index()] = Some(Node::with(patient, 1));
            pair.rest(10);
            assert!(pair.runs(first).contains(&FIRST), "{files:?}");
        }
    }
}

#[test]
fn who_comes_later_with_another_list_and_line_does_not_own_it_too() {
    for (longer, first) in [(A, A), (A, B), (B, A), (B, B)] {
        for files in FILES {
            let all = with_longer_list(longer, &files);
            let mut pair = Pair::of(all.clone().map(|settings| Some(Node::with(settings, 1))));
            let second = NodeId(1 - first.0);
            pair.end(second);
            pair.until("it runs alone", |pair| pair.runs(first).len() == 2);
            let [one, two] = all;
            let later = if second == A { one } else { two };
            let patient = Settings { initdead: Duration::from_mins(1), ..later };
            pair.nodes[second.index()] = Some(Node::with(patient, 1));
            pair.rest(10);
            assert!(pair.runs(first).contains(&FIRST), "{longer:?} {files:?}");
        }
    }
}

/// The one that runs it dies: nothing is in the way any more.
#[test]
fn the_survivor_runs_its_own_line() {
    for files in FILES {
        for dead in [A, B] {
            let mut pair = Pair::of(nodes(&files));
            pair.watch("one of them runs it", is_served);
            pair.rest(2);
            pair.end(dead);
            let id = NodeId(1 - dead.0);
            pair.until("the other one runs it", |pair| pair.runs(id) == [FIRST, SECOND]);
        }
    }
}

/// B runs a line that A's file lacks, and the line that both know changes at A first.
#[test]
fn a_line_that_changes_beside_an_unknown_one_goes_on_by_the_new_one() {
    let there: &[Line] = &[(A, &["first"]), (B, &["third"])];
    let mut pair = Pair::of(nodes(&[&[(A, &["first"])], there]));
    pair.watch("each runs its own", |pair| pair.run(A, &["first"]) && pair.run(B, &["third"]));
    pair.rest(3);
    pair.change(A, Failback::On, &[(A, &["first", "extra"])]);
    pair.watch("it goes on", |pair| pair.run(A, &["first", "extra"]));
    pair.rest(10);
    assert!(pair.run(A, &["first", "extra"]) && pair.run(B, &["third"]));
}

#[test]
fn a_takeover_of_what_waits_for_another_line_is_refused() {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(A, &["first", "extra"])]];
    let mut pair = Pair::of(nodes(&files));
    pair.watch("A runs it", |pair| pair.run(A, &["first"]));
    pair.rest(3);
    for order in [Order::TakeoverGroup(FIRST), Order::Takeover(Hold::All)] {
        let now = pair.now;
        pair.node(B).order(now, order);
        pair.rest(1);
        assert_eq!(pair.node(B).answers, [Err(Refusal::Differs)]);
        pair.node(B).answers.clear();
    }
    assert!(pair.run(A, &["first"]) && pair.runs(B).is_empty());
    let report = pair.node(B).cluster.snapshot().groups.swap_remove(0);
    let unable: Vec<_> = report.unable.into_iter().zip(report.unable_because).collect();
    let [alpha, beta] = ["alpha", "beta"].map(str::to_owned);
    let because = [(alpha, Inability::OtherLine), (beta, Inability::UnknownLine)];
    assert_eq!(unable, because);
}

/// B cannot tell any more whether services of its line run on, and has let its addresses go.
#[test]
fn who_has_lost_its_executor_is_not_waited_for_for_ever() {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(B, &["first", "extra"])]];
    let mut pair = Pair::of(nodes(&files));
    pair.end(A);
    pair.until("B runs alone", |pair| pair.run(B, &["first", "extra"]));
    let patient =
        Settings { initdead: Duration::from_mins(1), ..with_groups(A, Failback::On, files[0]) };
    pair.nodes[A.index()] = Some(Node::with(patient, 1));
    pair.rest(5);
    pair.lose_executor();
    pair.until("the other node runs its own line", |pair| pair.run(A, &["first"]));
}

/// What was another line until now is told by the last table of the other node.
#[test]
fn a_reload_to_the_lines_of_the_other_node_knows_them_at_once() {
    for files in FILES {
        let mut pair = Pair::of(nodes(&files));
        pair.watch("one of them runs it", is_served);
        pair.rest(3);
        let now = pair.now;
        let node = pair.node(B);
        node.reload(with_groups(B, Failback::On, files[0])).expect("nothing speaks against it");
        let peer = node.cluster.peer(A);
        let known = |key: &GroupKey| node.cluster.group_with_key(*key).is_some();
        assert!(!peer.runs_strange.iter().any(known) && !peer.lacks.contains(&FIRST), "{files:?}");
        node.turn(now);
        pair.rest(10);
        assert!(is_served(&mut pair), "{files:?}");
    }
}
