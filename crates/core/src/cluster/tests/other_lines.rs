//! Nodes that are started with different lines for the same resource: neither knows the other's
//! line.

use super::pair::Pair;
use super::reload::{CHANGED, Line, groups, with_groups};
use super::*;
use crate::Inability;

/// Pairs of files that differ in the first line, whose resource both need: each with the line's
/// preferred node and the other lines.
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

/// The same, but one of the nodes has a third node in its list.
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

/// Whether something runs that uses the resource that both need.
fn is_served(pair: &mut Pair) -> bool {
    [A, B].into_iter().any(|id| pair.node(id).running().concat().contains(&"first"))
}

#[test]
fn nodes_starting_together_with_different_lines_do_not_both_run_resource() {
    for files in FILES {
        let mut pair = Pair::of(nodes(&files));
        pair.watch("one of them runs it", is_served);
        pair.rest(10);
        assert!(is_served(&mut pair), "{files:?}");
    }
}

#[test]
fn node_starting_later_with_different_line_leaves_resource_to_owner() {
    for files in FILES {
        for first in [A, B] {
            let mut pair = Pair::of(nodes(&files));
            let second = NodeId(1 - first.0);
            pair.end(second);
            pair.until("it runs alone", |pair| pair.runs(first).len() == 2);
            // The clock of the new node is that of the pair, which has been running for a while.
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
fn node_starting_later_with_different_list_and_line_leaves_resource_to_owner() {
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

/// The node that runs it dies: nothing is in conflict any longer.
#[test]
fn survivor_with_different_line_runs_own_line_after_peer_dies() {
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

/// B runs a line that A's file lacks, and the line that both know loses a resource, on A first.
#[test]
fn line_losing_resource_beside_unknown_line_runs_in_new_form() {
    const BEFORE: [Line; 1] = [(A, &["first", "extra"])];
    let there: &[Line] = &[(A, &["first", "extra"]), (B, &["third"])];
    let mut pair = Pair::of(nodes(&[&BEFORE, there]));
    pair.watch("each runs its own", |pair| {
        pair.run(A, &["first", "extra"]) && pair.run(B, &["third"])
    });
    pair.rest(3);
    pair.change(A, Failback::On, &[(A, &["first"])]);
    pair.watch("it goes on", |pair| pair.run(A, &["first"]));
    pair.rest(10);
    assert!(pair.run(A, &["first"]) && pair.run(B, &["third"]));
}

#[test]
fn takeover_of_group_waiting_for_different_line_is_refused() {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(A, &["first", "extra"])]];
    let mut pair = Pair::of(nodes(&files));
    pair.watch("A runs it", |pair| pair.run(A, &["first"]));
    pair.rest(3);
    for order in [Order::TakeoverGroup(FIRST), Order::Takeover(GroupSet::All)] {
        let now = pair.now;
        pair.node(B).order(now, order);
        pair.rest(1);
        assert_eq!(pair.node(B).answers, [refused(Refusal::Differs)]);
        pair.node(B).answers.clear();
    }
    assert!(pair.run(A, &["first"]) && pair.runs(B).is_empty());
    let report = pair.node(B).snapshot().groups.swap_remove(0);
    let unable: Vec<_> = report.unable.into_iter().zip(report.unable_because).collect();
    let [alpha, beta] = ["alpha", "beta"].map(str::to_owned);
    let because = [(alpha, Inability::OtherLine), (beta, Inability::UnknownLine)];
    assert_eq!(unable, because);
}

/// B runs its line alone, and A may start with these settings, whose line is a part of B's line.
fn b_alone() -> (Pair, Settings) {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(B, &["first", "extra"])]];
    let mut pair = Pair::of(nodes(&files));
    pair.end(A);
    pair.until("B runs alone", |pair| pair.run(B, &["first", "extra"]));
    let patient =
        Settings { initdead: Duration::from_mins(1), ..with_groups(A, Failback::On, files[0]) };
    (pair, patient)
}

/// B can no longer tell whether services of its line still run, and has let its addresses go.
#[test]
fn executor_lost_by_node_with_unknown_line_lets_peer_run_own_line() {
    let (mut pair, patient) = b_alone();
    pair.nodes[A.index()] = Some(Node::with(patient, 1));
    pair.rest(5);
    pair.lose_executor();
    pair.until("the other node runs its own line", |pair| pair.run(A, &["first"]));
}

/// The other node was reloaded first, and its last table already says that it could run the line.
#[test]
fn line_of_peer_added_by_reload_can_be_offered_to_peer_at_once() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("given", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.rest(1);
    pair.change(A, Failback::Off, &CHANGED);
    pair.rest(2);
    pair.change(B, Failback::Off, &CHANGED);
    assert!(pair.run(B, CHANGED[0].1));
    let now = pair.now;
    let node = pair.node(B);
    node.order(now, Order::StandbyGroup(node.id_of(CHANGED[0].1)));
    node.turn(now);
    assert!(node.hands_over(), "{:?}", node.answers);
}

/// The last table of the other node already reports what was an unknown line until now.
#[test]
fn reload_to_lines_of_peer_makes_unknown_lines_known_at_once() {
    for files in FILES {
        let mut pair = Pair::of(nodes(&files));
        pair.watch("one of them runs it", is_served);
        pair.rest(3);
        let now = pair.now;
        let node = pair.node(B);
        // A line that only B has shows whether A still counts as running lines unknown to B.
        let lines = [files[0], &[(B, &["third"])]].concat();
        node.reload(with_groups(B, Failback::On, &lines)).expect("nothing speaks against it");
        node.turn(now);
        let first = node.group(node.id_of(files[0][0].1)).unable_because;
        assert!(!first.contains(&Inability::OtherLine), "{files:?} {first:?}");
        let third = node.group(node.id_of(&["third"])).unable_because;
        assert!(!third.contains(&Inability::UnknownLine), "{files:?} {third:?}");
        pair.rest(10);
        assert!(is_served(&mut pair), "{files:?}");
    }
}

/// On A, the line that both know gets a resource that B already runs by a line that A's file lacks.
#[test]
fn reload_growing_line_by_resource_of_unknown_line_is_refused() {
    let there: &[Line] = &[(A, &["first"]), (B, &["third"])];
    let mut pair = Pair::of(nodes(&[&[(A, &["first"])], there]));
    pair.watch("each runs its own", |pair| pair.run(A, &["first"]) && pair.run(B, &["third"]));
    pair.rest(3);
    let grown: [Line; 1] = [(A, &["first", "third"])];
    let refused = pair.node(A).reload(with_groups(A, Failback::On, &grown));
    assert_eq!(refused, Err(ReloadRefusal::UnknownLine));
    pair.rest(10);
    assert!(pair.run(A, &["first"]) && pair.run(B, &["third"]), "nothing has changed");
    let same: [Line; 2] = [(A, &["first", "third"]), (B, &["third"])];
    assert_eq!(pair.node(A).reload(with_groups(A, Failback::On, &same)), Ok(()));
}

/// A's daemon died while B was alone, and what A's executor still holds is a part of A's line.
#[test]
fn start_resumed_beside_running_unknown_line_waits() {
    let (mut pair, patient) = b_alone();
    let mut node = Node::with(patient.clone(), 2);
    node.cluster = Cluster::new(patient, Boot { listed: vec![(FIRST, 1)], ..boot(2) });
    let now = pair.now;
    node.greet(now, &[FIRST], false);
    // The part that is held is a different one.
    node.runs.clear();
    node.sent.clear();
    pair.nodes[A.index()] = Some(node);
    for _ in 0..10_000 {
        pair.step();
        let both = pair.runs(A).contains(&FIRST) && pair.runs(B).contains(&FIRST);
        assert!(!both, "the start went on beside what runs at B");
    }
}

/// With a device, B is fenced before anything starts that may still run there.
#[test]
fn node_losing_executor_with_unknown_line_is_fenced_before_peer_starts_group() {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(B, &["first", "extra"])]];
    let with_device = |id: NodeId| Settings {
        fencing: Some(crate::FencingPolicy { delay: Duration::ZERO }),
        initdead: Duration::from_mins(1),
        ..with_groups(id, Failback::On, files[id.index()])
    };
    let short = |id| Settings { initdead: INITDEAD, ..with_device(id) };
    let mut pair = Pair::of([A, B].map(|id| Some(Node::with(short(id), 1))));
    pair.end(A);
    pair.pass(Duration::from_secs(3));
    let (now, node) = (pair.now, pair.node(B));
    for (fenced, attempt) in node.fences.clone() {
        let outcome = crate::FenceOutcome::Done;
        node.cluster.handle(now, &Input::Fenced { node: fenced, attempt, outcome });
    }
    pair.until("B runs alone", |pair| pair.run(B, &["first", "extra"]));
    pair.nodes[A.index()] = Some(Node::with(with_device(A), 1));
    pair.rest(5);
    assert!(pair.runs(A).is_empty());
    pair.lose_executor();
    pair.until("it runs, or B is fenced", |pair| {
        !pair.runs(A).is_empty() || !pair.node(A).fences.is_empty()
    });
    assert!(pair.runs(A).is_empty(), "services of B may run on, and it was not fenced");
}

/// B says goodbye: what waited for its line starts at once, as after every goodbye.
#[test]
fn goodbye_of_node_with_unknown_line_lets_waiting_line_start_at_once() {
    let files: [&[Line]; 2] = [&[(A, &["first"])], &[(B, &["first", "extra"])]];
    let deadtime = Duration::from_secs(10);
    for (runs, waits) in [(A, B), (B, A)] {
        let node = |id: NodeId, initdead| Settings {
            deadtime,
            warntime: deadtime / 2,
            initdead,
            ..with_groups(id, Failback::On, files[id.index()])
        };
        let mut pair = Pair::of([A, B].map(|id| Some(Node::with(node(id, INITDEAD), 1))));
        pair.end(waits);
        pair.until("one runs alone", |pair| pair.runs(runs) == [FIRST]);
        let patient = node(waits, Duration::from_mins(1));
        pair.nodes[waits.index()] = Some(Node::with(patient, 1));
        pair.rest(3);
        assert!(pair.runs(waits).is_empty());
        let now = pair.now;
        pair.node(runs).order(now, Order::Stop);
        let has_ended = |pair: &mut Pair| pair.node(runs).has_ended;
        pair.until("it has ended", has_ended);
        pair.end(runs);
        let took = pair.until("the other one runs its line", |pair| pair.runs(waits) == [FIRST]);
        assert!(took < Duration::from_secs(1), "{took:?} {runs:?}");
    }
}

/// A's line grows by what B runs, and waits; then B's line for it changes to a line that A does not
/// know.
#[test]
fn line_grown_and_waiting_does_not_start_beside_unknown_line() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(A, Failback::Off, &[(A, &["first", "second"])]);
    pair.rest(3);
    assert!(pair.run(B, &["second"]));
    pair.change(B, Failback::Off, &[(A, &["first"]), (B, &["second", "extra"])]);
    pair.rest(10);
}

/// Each node has had the other's line before, so that each waits for the other to get its new file,
/// and neither runs anything. One of the two lines is run in the end.
#[test]
fn lines_replacing_each_other_on_two_nodes_end_with_one_running() {
    const ONE: [Line; 1] = [(A, &["first", "extra"])];
    const OTHER: [Line; 1] = [(A, &["other", "extra"])];
    for files in [[&ONE, &OTHER], [&OTHER, &ONE]] {
        let [mine, theirs] = files;
        let node = |id, lines: &[Line], retired: &[Line]| {
            let mut settings = with_groups(id, Failback::Off, lines);
            settings.retire(&groups(retired));
            Some(Node::with(settings, 1))
        };
        let mut pair = Pair::of([node(A, mine, theirs), node(B, theirs, mine)]);
        let runs = |pair: &mut Pair| {
            [A, B].into_iter().any(|id| pair.node(id).running().concat().contains(&"extra"))
        };
        pair.watch("one of them runs", runs);
        pair.rest(25);
        assert!(runs(&mut pair));
    }
}

/// Each node whose file differs is news, and so are its death and its return.
#[test]
fn change_of_line_differences_is_reported_once_per_change() {
    let reports = |pair: &mut Pair| {
        let said = std::mem::take(&mut pair.node(A).said);
        said.iter().filter(|event| **event == Event::OtherLines).count()
    };
    let mut pair = Pair::settled(Failback::Off);
    assert_eq!(reports(&mut pair), 0);
    pair.change(A, Failback::Off, &reload::ADDED);
    pair.pass(Duration::from_secs(1));
    assert_eq!(reports(&mut pair), 1, "B lacks the line");
    pair.end(B);
    pair.until("B is dead", |pair| pair.node(A).counts_dead(B));
    assert_eq!(reports(&mut pair), 1, "its file is not known");
    pair.nodes[B.index()] = Some(Node::new(B, Failback::Off, 2));
    pair.until("B is back", |pair| pair.node(B).cluster.status() == NodeStatus::Active);
    pair.pass(Duration::from_secs(1));
    assert_eq!(reports(&mut pair), 1, "B lacks the line again");
}
