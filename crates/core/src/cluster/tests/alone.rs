//! A node that is cut off, with its clients or from them.

use super::pair::Pair;
use super::*;

/// Someone pulls the only cable of the standby node and plugs it in again: the node that served its
/// clients all the time continues.
#[test]
fn cable_pulled_from_standby_node_stops_nothing_on_active_node() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.until("all at A", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(A).said.clear();
    let plug = |pair: &mut Pair, is_there: bool| {
        let now = pair.now;
        for group in [FIRST, SECOND] {
            pair.node(B).cluster.handle(now, &Input::Carrier { group, is_there });
        }
        pair.answers[B.index()] = is_there;
        pair.cut = !is_there;
    };
    plug(&mut pair, false);
    pair.pass(Duration::from_secs(5));
    plug(&mut pair, true);
    pair.pass(Duration::from_secs(10));
    let stops =
        |event: &&Event| matches!(event, Event::JobEnded { job, .. } if job.action == Action::Stop);
    let stops = pair.node(A).said.iter().filter(stops).count();
    assert_eq!(stops, 0, "A stopped what its clients used");
}

/// The same, but the cable is back on the links before the carrier of the service is.
#[test]
fn node_without_carrier_does_not_win_group_at_heal() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
    pair.pass(Duration::from_secs(1));
    pair.cut = true;
    pair.pass(Duration::from_secs(5));
    pair.node(A).said.clear();
    pair.cut = false;
    let mut without = Duration::ZERO;
    for _ in 0..10_000 {
        pair.step();
        without += Duration::from_millis(u64::from(!pair.runs(A).contains(&FIRST)));
    }
    assert!(without.is_zero(), "{without:?}");
}
