//! Two nodes, one of which has one more node in its list.

use super::pair::Pair;
use super::*;

fn longer(generation: u64, initdead: Duration) -> Node {
    let settings = Settings {
        initdead,
        nodes: NAMES.map(str::to_owned).to_vec(),
        node_order: vec![A, B, NodeId(2)],
        ..settings(B, Failback::Off)
    };
    Node::with(settings, generation)
}

/// Each node has taken everything while neither heard the other.
fn cut() -> Pair {
    let mut pair = Pair::of([Some(Node::new(A, Failback::Off, 1)), Some(longer(1, INITDEAD))]);
    pair.pass(Duration::from_secs(1));
    for id in [A, B] {
        assert!(pair.node(id).has_said(&Event::NodeListsDiffer(if id == A { B } else { A })));
    }
    pair.cut = true;
    pair.until("both have all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    pair
}

#[test]
fn partition_healed_with_different_node_lists_leaves_one_owner_per_group() {
    let mut pair = cut();
    pair.cut = false;
    pair.until("one has yielded", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    let end = pair.now + Duration::from_secs(20);
    while pair.now < end {
        pair.step();
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]), "{:?}", pair.now);
    }
}

#[test]
fn node_restarting_with_longer_node_list_starts_no_group_running_on_peer() {
    let mut pair = cut();
    pair.end(B);
    pair.pass(DEADTIME * 2);
    // The clock of the new node is that of the pair.
    pair.nodes[1] = Some(longer(2, pair.now.since(Time::START) + INITDEAD));
    pair.cut = false;
    let end = pair.now + INITDEAD * 3;
    while pair.now < end {
        pair.step();
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST, SECOND], vec![]), "{:?}", pair.now);
    }
    // The group is free when it is reported as stopped, or its node is dead.
    pair.end(A);
    pair.until("the other one has all", |pair| pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn node_pausing_beside_peer_with_longer_node_list_gets_permits_again() {
    let mut pair = cut();
    pair.cut = false;
    pair.pass(DEADTIME * 3);
    pair.stand_still(A, DEADTIME.saturating_sub(KEEPALIVE / 2), false);
    pair.pass(Duration::from_secs(10));
    assert!(pair.node(A).permit.is_some_and(|until| until > pair.now), "it gets permits again");
}
