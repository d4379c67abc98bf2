//! Two nodes, one of which loses the carrier of a service interface but not its links.

use super::pair::Pair;
use super::*;

impl Pair {
    fn carrier(&mut self, id: NodeId, group: GroupId, is_there: bool) {
        let now = self.now;
        self.node(id).cluster.handle(now, &Input::Carrier { group, is_there });
    }
}

#[test]
fn group_without_carrier_moves_at_once_alone_and_comes_home_with_carrier() {
    let mut pair = Pair::settled(Failback::On);
    pair.carrier(A, FIRST, false);
    let took = pair.until("moved", |pair| pair.runs(A).is_empty() && pair.runs(B).len() == 2);
    assert!(took < DEADTIME / 4, "{took:?}");
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [FIRST, SECOND]);
    pair.carrier(A, FIRST, true);
    pair.until("home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

#[test]
fn carrier_returning_at_once_does_not_make_group_run_twice() {
    for gone in 1..8 {
        let mut pair = Pair::settled(Failback::Off);
        pair.carrier(A, FIRST, false);
        let now = pair.now;
        pair.node(A).let_go(now);
        pair.pass(Duration::from_millis(gone));
        pair.carrier(A, FIRST, true);
        for _ in 0..500 {
            pair.step();
            let runs = [A, B].map(|id| pair.runs(id).contains(&FIRST));
            assert_ne!(runs, [true, true], "gone for {gone} ms");
        }
    }
}

#[test]
fn group_moved_for_lost_carrier_stays_without_failback() {
    let mut pair = Pair::settled(Failback::Off);
    pair.carrier(A, FIRST, false);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.carrier(A, FIRST, true);
    pair.pass(Duration::from_secs(15));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
}

#[test]
fn group_without_carrier_on_both_nodes_stays_until_peer_has_carrier() {
    let mut pair = Pair::settled(Failback::Off);
    pair.carrier(B, FIRST, false);
    pair.pass(Duration::from_secs(1));
    pair.carrier(A, FIRST, false);
    pair.pass(Duration::from_secs(15));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    pair.carrier(B, FIRST, true);
    pair.until("moved", |pair| pair.runs(A).is_empty() && pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn last_node_takes_over_group_despite_lost_carrier() {
    let mut pair = Pair::settled(Failback::On);
    pair.carrier(B, FIRST, false);
    pair.pass(Duration::from_secs(1));
    pair.end(A);
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
}

/// The first group was taken long ago, and the second is still being stopped. A node that says
/// "done" waits for what the taker decides, which takes the group although it has just lost the
/// carrier.
#[test]
fn group_losing_carrier_at_taker_during_hand_over_is_not_started_twice() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("B has all", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(2));
    let now = pair.now;
    pair.node(B).holds_jobs = true;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.until("both are being stopped", |pair| pair.node(B).held.len() == 2);
    let now = pair.now;
    let node = pair.node(B);
    let first = node.held.iter().position(|job| job.group == FIRST).unwrap();
    let job = node.held.remove(first);
    node.holds_jobs = false;
    node.run(now, job);
    pair.until("A has the first", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(2));
    pair.carrier(A, SECOND, false);
    pair.pass(Duration::from_millis(500));
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    for id in [A, B] {
        pair.node(id).said.clear();
    }
    pair.pass(Duration::from_millis(100));
    let beaten =
        |event: &Event| matches!(event, Event::Ownership { cause: Cause::Outranked(_), .. });
    assert!(!pair.node(A).said.iter().any(beaten), "both began to start it");
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [SECOND], "it has the carrier");
}
