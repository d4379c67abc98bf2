//! Lines that changed, on a node that loses its executor for good.

use super::pair::Pair;
use super::reload::CHANGED;
use super::*;

/// The executor of A dies with everything that it runs, and does not come back.
fn lose_executor_of_a(pair: &mut Pair) {
    let now = pair.now;
    pair.node(A).held.clear();
    pair.node(A).runs.clear();
    pair.node(A).cluster.handle(now, &Input::ExecutorGone);
    pair.pass(Duration::from_secs(25));
}

/// The executor dies between the reload and the start of the changed line, and does not come back.
#[test]
fn line_changed_on_both_nodes_starts_on_peer_when_executor_is_lost() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    pair.change(A, Failback::Off, &CHANGED);
    pair.change(B, Failback::Off, &CHANGED);
    pair.pass(Duration::from_millis(300));
    lose_executor_of_a(&mut pair);
    assert!(
        pair.node(B).running().contains(&vec!["first", "extra"]),
        "{:?}",
        pair.node(B).running()
    );
}

/// A's line has changed, and B still has the old line; A's executor dies before the new line
/// starts.
#[test]
fn old_line_starts_on_peer_when_executor_is_lost_before_new_line_starts() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    pair.change(A, Failback::Off, &CHANGED);
    pair.pass(Duration::from_millis(300));
    lose_executor_of_a(&mut pair);
    assert!(pair.node(B).running().contains(&vec!["first"]), "{:?}", pair.node(B).running());
}

/// The same after the reload is over: the executor dies while the new line runs.
#[test]
fn old_line_starts_on_peer_when_executor_is_lost_well_after_reload() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(A, Failback::Off, &CHANGED);
    pair.pass(Duration::from_secs(2));
    lose_executor_of_a(&mut pair);
    assert!(pair.node(B).running().contains(&vec!["first"]), "{:?}", pair.node(B).running());
}
