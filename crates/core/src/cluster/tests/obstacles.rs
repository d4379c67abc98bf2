//! What is reported of groups that no node runs.

use super::pair::Pair;
use super::reload::CHANGED;
use super::*;

fn reports(node: &Node) -> Vec<&Event> {
    node.said.iter().filter(|it| matches!(it, Event::NotTaken { .. })).collect()
}

#[test]
fn reload_of_a_running_line_reports_no_obstacle() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).said.clear();
    pair.change(A, Failback::Off, &CHANGED);
    pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
    assert_eq!(reports(pair.node(A)), [] as [&Event; 0]);
}

#[test]
fn executor_dying_repeatedly_during_hold_reports_no_obstacle_again() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::Hold(None, Duration::from_mins(10)));
    pair.pass(Duration::from_millis(20));
    pair.end(A);
    pair.pass(Duration::from_secs(5));
    assert_eq!(reports(pair.node(B)).len(), 1, "that it is held");
    pair.node(B).said.clear();
    for _ in 0..5 {
        pair.lose_executor();
        pair.pass(Duration::from_millis(300));
        let now = pair.now;
        pair.node(B).greet(now, &[SECOND], true);
        pair.pass(Duration::from_millis(700));
    }
    assert_eq!(reports(pair.node(B)), [] as [&Event; 0]);
}

#[test]
fn executor_absent_for_seconds_is_reported_as_obstacle() {
    let mut pair = Pair::settled(Failback::On);
    pair.lose_executor();
    pair.pass(Duration::from_secs(2));
    pair.end(A);
    pair.until("reported", |pair| !reports(pair.node(B)).is_empty());
    let told = |event: &&Event| {
        matches!(event, Event::NotTaken { group: FIRST, obstacle: Obstacle::NoExecutor, .. })
    };
    assert!(reports(pair.node(B)).iter().all(told), "{:?}", reports(pair.node(B)));
}

#[test]
fn line_changed_before_peer_reloads_shows_obstacle_conflicting_elsewhere() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(B, Failback::Off, &CHANGED);
    pair.pass(Duration::from_secs(2));
    let obstacles = pair.node(B).snapshot().groups.remove(0).obstacles;
    assert_eq!(obstacles, [Obstacle::ConflictingElsewhere, Obstacle::Unreserved]);
}
