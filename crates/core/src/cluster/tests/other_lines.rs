//! Nodes that are started with different lines for the same resource: neither knows the other's line.

use super::pair::Pair;
use super::reload::{Line, with_groups};
use super::*;

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
