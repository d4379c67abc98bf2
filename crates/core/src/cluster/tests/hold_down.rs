//! Groups that move again and again, and groups that wait before they go home.

use super::pair::Pair;
use super::*;
use crate::{HoldDown, HoldEvent};

const POLICY: HoldDown = HoldDown {
    moves: 3,
    window: Duration::from_mins(1),
    first: Duration::from_secs(20),
    longest: Duration::from_secs(50),
};

impl Pair {
    fn with(change: impl Fn(&mut Settings)) -> Self {
        let mut pair = Self::new(Failback::On);
        pair.nodes = [A, B].map(|id| {
            let mut settings = settings(id, Failback::On);
            change(&mut settings);
            Some(Node::with(settings, 1))
        });
        pair.until("all runs", |pair| pair.runs(A).len() + pair.runs(B).len() == 2);
        pair.pass(Duration::from_secs(1));
        pair
    }

    fn lose_carrier(&mut self, id: NodeId, is_there: bool) {
        let now = self.now;
        self.node(id).cluster.handle(now, &Input::Carrier { group: FIRST, is_there });
    }

    /// The carrier at home flaps once, and the group is back at home after that.
    fn flap(&mut self) {
        self.lose_carrier(A, false);
        self.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
        self.lose_carrier(A, true);
        self.until("home", |pair| pair.runs(A) == [FIRST]);
    }

    /// For how long a group is kept, for each time that this was reported.
    fn kept(&mut self, id: NodeId) -> Vec<Duration> {
        let mut spans = Vec::new();
        for event in &self.node(id).said {
            if let Event::Hold(HoldEvent::Down { group: FIRST, span, .. }) = event {
                spans.push(*span);
            }
        }
        spans
    }

    fn kept_for(&mut self, id: NodeId) -> Option<u64> {
        self.node(id).snapshot().groups[0].stay.held_down_ms
    }
}

#[test]
fn group_moving_too_often_is_held_down_and_both_nodes_show_remaining_time() {
    let mut pair = Pair::with(|settings| settings.hold_down = Some(POLICY));
    pair.flap();
    assert_eq!(pair.kept(A), []);
    pair.lose_carrier(A, false);
    pair.until("the third move", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.lose_carrier(A, true);
    pair.pass(Duration::from_secs(2));
    for id in [A, B] {
        let left = pair.kept_for(id).expect("it is kept");
        assert!(left > 15_000 && left < 20_000, "{left}");
    }
    assert_eq!(pair.kept(A), [POLICY.first]);
    let took = pair.until("home", |pair| pair.runs(A) == [FIRST]);
    assert!(took > Duration::from_secs(15), "{took:?}");
    // That was one more move within the window: the group is kept again, for twice as long.
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.kept(B).last(), Some(&(POLICY.first * 2)));
}

#[test]
fn group_held_down_may_leave_once_and_is_taken_from_dead_owner() {
    let mut pair = Pair::with(|settings| settings.hold_down = Some(POLICY));
    pair.flap();
    pair.lose_carrier(A, false);
    pair.until("the third move", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.lose_carrier(A, true);
    pair.pass(Duration::from_secs(1));
    pair.lose_carrier(B, false);
    pair.until("it leaves once", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(1));
    pair.lose_carrier(B, true);
    pair.lose_carrier(A, false);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [FIRST], "and not twice");
    assert!(pair.kept_for(A).is_some());
    pair.end(A);
    let took = pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(took <= DEADTIME + Duration::from_millis(5), "{took:?}");
}

#[test]
fn hold_down_grows_up_to_bound_and_is_forgotten_after_quiet_time() {
    let policy = HoldDown { moves: 1, ..POLICY };
    let mut pair = Pair::with(|settings| settings.hold_down = Some(policy));
    // The move there, then the moves home as soon as the group may.
    pair.lose_carrier(A, false);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.lose_carrier(A, true);
    pair.until("home", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.kept(A)[0], policy.first, "who gave it away decides");
    assert_eq!(pair.kept(B).last(), Some(&(policy.first * 2)));
    pair.pass(Duration::from_secs(29));
    pair.pass(Duration::from_secs(15));
    pair.lose_carrier(A, false);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_millis(50));
    assert_eq!(pair.kept(A).last(), Some(&policy.longest));
    pair.lose_carrier(A, true);
    for _ in 0..4 {
        pair.pass(Duration::from_secs(29));
    }
    assert!(pair.kept_for(A).is_none() || pair.runs(A) == [FIRST]);
    for _ in 0..8 {
        pair.pass(Duration::from_secs(29));
    }
    assert_eq!((pair.kept_for(A), pair.kept_for(B)), (None, None));
    pair.lose_carrier(A, false);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_millis(50));
    assert_eq!(pair.kept(A).last(), Some(&policy.first), "a new beginning");
}

#[test]
fn moves_by_order_do_not_count_for_hold_down() {
    let mut pair = Pair::with(|settings| settings.hold_down = Some(POLICY));
    for _ in 0..4 {
        let now = pair.now;
        pair.node(A).order(now, Order::StandbyGroup(FIRST));
        pair.until("given", |pair| pair.runs(B) == [FIRST, SECOND]);
        pair.pass(Duration::from_secs(1));
        let now = pair.now;
        pair.node(A).order(now, Order::TakeoverGroup(FIRST));
        pair.until("fetched", |pair| pair.runs(A) == [FIRST]);
        pair.pass(Duration::from_secs(1));
    }
    assert_eq!((pair.kept_for(A), pair.kept_for(B)), (None, None));
}

#[test]
fn group_without_hold_down_policy_is_never_held_down() {
    let mut pair = Pair::with(|settings| settings.hold_down = None);
    for _ in 0..4 {
        pair.flap();
    }
    assert_eq!(pair.kept(A), []);
}

#[test]
fn failback_delay_restarts_when_preferred_node_becomes_unable() {
    let after = Failback::After(Duration::from_secs(10));
    let mut pair = Pair::with(|settings| settings.failback = after);
    pair.lose_carrier(A, false);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.lose_carrier(A, true);
    pair.pass(Duration::from_secs(7));
    let left = pair.node(B).snapshot().groups[0].stay.home_in_ms;
    assert!(left.is_some_and(|left| left > 2_000 && left < 4_000), "{left:?}");
    pair.lose_carrier(A, false);
    pair.pass(Duration::from_secs(1));
    pair.lose_carrier(A, true);
    let took = pair.until("home", |pair| pair.runs(A) == [FIRST]);
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(11), "{took:?}");
}

#[test]
fn group_failback_setting_overrides_manual_failback_of_cluster() {
    let mut pair = Pair::with(|settings| {
        settings.failback = Failback::Manual;
        settings.groups[1].preferred = A;
        settings.group_failback = vec![(SECOND, Failback::On)];
    });
    drop(pair.nodes[0].take());
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    let mut settings = settings(A, Failback::Manual);
    settings.groups[1].preferred = A;
    settings.group_failback = vec![(SECOND, Failback::On)];
    pair.nodes[0] = Some(Node::with(settings, 2));
    pair.until("one is home", |pair| pair.runs(A) == [SECOND]);
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![SECOND], vec![FIRST]));
    for id in [A, B] {
        let waits = pair.node(id).snapshot().groups;
        let waits = waits.iter().map(|group| group.stay.waits_for_takeover);
        assert_eq!(waits.collect::<Vec<_>>(), [true, false]);
    }
}
