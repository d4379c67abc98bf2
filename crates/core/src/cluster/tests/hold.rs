//! Two nodes, and a person who wants that nothing moves.

use super::pair::Pair;
use super::*;
use crate::{HOLD_MAX, HoldEvent, HoldRecord};

mod both_nodes;

const SPAN: Duration = Duration::from_secs(20);

impl Pair {
    fn hold(&mut self, id: NodeId, group: Option<GroupId>, span: Duration) {
        let now = self.now;
        self.node(id).order(now, Order::Hold(group, span));
        self.pass(Duration::from_millis(10));
    }

    fn release(&mut self, id: NodeId, group: Option<GroupId>) {
        let now = self.now;
        self.node(id).order(now, Order::Release(group));
        self.step();
    }

    /// Restores power to a node that has forgotten everything but its terms.
    fn restart(&mut self, id: NodeId, failback: Failback) {
        let terms = vec![(GroupKey::of(["first"]), A, 1), (GroupKey::of(["second"]), B, 1)];
        let mut node = Node::new(id, failback, 2);
        node.cluster = Cluster::new(settings(id, failback), Boot { terms, ..boot(2) });
        node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        self.nodes[id.index()] = Some(node);
    }

    /// Starts a node again that remembers what its former run had stored.
    fn restart_with_disk(&mut self, id: NodeId, holds: Vec<HoldRecord>) {
        let terms = vec![(GroupKey::of(["first"]), A, 1), (GroupKey::of(["second"]), B, 1)];
        let mut node = Node::new(id, Failback::On, 2);
        node.cluster = Cluster::new(settings(id, Failback::On), Boot { terms, holds, ..boot(2) });
        node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        self.nodes[id.index()] = Some(node);
    }

    fn held(&mut self, id: NodeId) -> Option<(String, u64)> {
        let hold = self.node(id).snapshot().hold;
        hold.map(|hold| (hold.by, hold.left_ms))
    }
}

#[test]
fn hold_is_shown_on_both_nodes_and_expires() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(A, None, SPAN);
    for id in [A, B] {
        let (by, left) = pair.held(id).expect("it is held");
        assert_eq!(by, "alpha");
        assert!(left > 19_000 && left <= 20_000, "{left}");
        let said = |event: &Event| {
            matches!(event, Event::Hold(HoldEvent::Begins { group: None, by: A, .. }))
        };
        assert_eq!(pair.node(id).said.iter().filter(|event| said(event)).count(), 1);
    }
    pair.pass(SPAN * 99 / 100);
    assert!(pair.held(A).is_some() && pair.held(B).is_some());
    pair.pass(SPAN / 100 + Duration::from_millis(20));
    for id in [A, B] {
        assert_eq!(pair.held(id), None);
        assert!(pair.node(id).has_said(&Event::Hold(HoldEvent::Expired { group: None })));
    }
}

#[test]
fn hold_keeps_groups_of_dead_node_until_release() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(A, None, SPAN);
    pair.end(A);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [SECOND]);
    let snapshot = pair.node(B).snapshot();
    let why = snapshot.groups[0].stay.withheld.as_deref();
    assert!(why.is_some_and(|why| why.starts_with("OwnerDead { owner: NodeId(0)")), "{why:?}");
    let told = |event: &&Event| {
        matches!(event, Event::NotTaken { group: FIRST, obstacle: Obstacle::Held, .. })
    };
    assert_eq!(pair.node(B).said.iter().filter(told).count(), 1);
    assert!(!pair.node(B).has_said(&Event::TakeoverBegins(A)));
    pair.release(B, None);
    let took = pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(took <= Duration::from_millis(5), "{took:?}");
    assert!(pair.node(B).has_said(&Event::TakeoverBegins(A)));
}

/// A hold of its own keeps the only group of the dead node where it was.
#[test]
fn takeover_is_not_reported_while_hold_keeps_only_group_of_dead_node() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(A, Some(FIRST), SPAN);
    pair.end(A);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [SECOND]);
    for event in [Event::TakeoverBegins(A), Event::TakeoverDone(A)] {
        assert!(!pair.node(B).has_said(&event), "{event:?}");
    }
    pair.release(B, Some(FIRST));
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.until("reported", |pair| pair.node(B).has_said(&Event::TakeoverDone(A)));
}

#[test]
fn hold_keeps_groups_of_stopped_node_until_hold_expires() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(B, None, SPAN);
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    pair.until("ended", |pair| pair.node(A).has_ended);
    pair.end(A);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [SECOND]);
    let took = pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(took > Duration::from_secs(10), "{took:?}");
}

#[test]
fn node_restarting_during_hold_learns_hold_and_starts_own_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(A, None, SPAN);
    pair.end(A);
    // The clock of the new node starts with that of the pair, so that it may not wait until it
    // thinks it is alone.
    pair.until("dead", |pair| pair.node(B).counts_dead(A));
    pair.restart(A, Failback::Off);
    pair.until("its own runs again", |pair| pair.runs(A) == [FIRST]);
    let (by, left) = pair.held(A).expect("it is held");
    assert_eq!(by, "alpha");
    assert!(left < 19_500, "{left}");
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
}

#[test]
fn failback_waits_until_hold_is_released_on_other_node() {
    let mut pair = Pair::settled(Failback::On);
    pair.end(A);
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.hold(B, None, SPAN);
    pair.restart(A, Failback::On);
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
    pair.release(A, None);
    pair.until("home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    assert_eq!((pair.held(A), pair.held(B)), (None, None));
    assert!(pair.node(B).has_said(&Event::Hold(HoldEvent::Released { group: None, by: A })));
}

#[test]
fn group_held_does_not_move_for_ipfail_or_lost_carrier() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(A, None, SPAN);
    pair.answers[0] = false;
    let now = pair.now;
    let lost = Input::Carrier { group: FIRST, is_there: false };
    pair.node(A).cluster.handle(now, &lost);
    pair.pass(Duration::from_secs(10));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    assert!(pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Held)));
    pair.release(A, None);
    pair.until("moved", |pair| pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn group_held_despite_lost_ping_node_moves_when_hold_ends() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(A, None, Duration::from_secs(8));
    pair.answers[0] = false;
    pair.pass(Duration::from_secs(7));
    assert_eq!(pair.runs(A), [FIRST]);
    pair.until("ipfail thinks again", |pair| pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn order_during_hold_is_obeyed() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(A, None, SPAN);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("given", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.until("answered", |pair| pair.node(A).answers == [Ok(()), Ok(())]);
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(A).order(now, Order::TakeoverGroup(FIRST));
    pair.until("fetched", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    // This holds even for a group that no node runs any longer.
    pair.end(A);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.runs(B), [SECOND]);
    let now = pair.now;
    pair.node(B).order(now, Order::TakeoverGroup(FIRST));
    pair.until("taken by order", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(pair.held(B).is_some());
}

#[test]
fn hand_over_failing_during_hold_is_taken_back() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(B, None, SPAN);
    pair.node(B).fails = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("answered", |pair| pair.node(A).answers == [refused(Refusal::Failed)]);
    pair.until("taken back", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
}

#[test]
fn group_lost_by_executor_during_hold_restarts_on_same_node() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("given", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.hold(A, None, SPAN);
    pair.node(B).runs.retain(|group| *group != FIRST);
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::LetGo(FIRST));
    pair.until("it runs there again", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.runs(A), [], "though it prefers this node");
}

#[test]
fn hold_of_single_group_leaves_other_group_unheld() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(B, Some(FIRST), SPAN);
    for id in [A, B] {
        let groups = pair.node(id).snapshot().groups;
        let held = groups.iter().map(|group| group.stay.hold.as_ref().map(|hold| &*hold.by));
        assert_eq!(held.collect::<Vec<_>>(), [Some("beta"), None]);
    }
    pair.release(A, Some(SECOND));
    assert_eq!(pair.node(A).answers, [Err(OrderRefusal::NotHeld)]);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Foreign));
    pair.pass(Duration::from_secs(1));
    pair.end(A);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [SECOND]);
    pair.release(B, None);
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
}

#[test]
fn hold_is_bounded_and_release_without_hold_is_refused() {
    let mut pair = Pair::settled(Failback::Off);
    pair.release(A, None);
    assert_eq!(pair.node(A).answers, [Err(OrderRefusal::NotHeld)]);
    pair.hold(A, None, HOLD_MAX * 3);
    let day = u64::try_from(HOLD_MAX.as_millis()).unwrap();
    assert!(pair.held(A).is_some_and(|(_, left)| left <= day));
    let mut early = Pair::new(Failback::Off);
    early.hold(A, None, SPAN);
    assert_eq!(early.node(A).answers, [refused(Refusal::NotReady)]);
}

#[test]
fn node_restarting_alone_obeys_stored_holds_until_release() {
    let mut pair = Pair::settled(Failback::On);
    pair.hold(A, None, SPAN);
    pair.hold(B, Some(SECOND), SPAN);
    pair.pass(KEEPALIVE);
    let stored: Vec<_> = pair.node(B).cluster.holds().collect();
    assert_eq!(stored.iter().map(|hold| hold.group).collect::<Vec<_>>().len(), 2);
    pair.end(A);
    pair.end(B);
    // The clock of the new node starts with that of the pair, and so does the remaining time.
    pair.restart_with_disk(B, stored);
    pair.until("it takes part", |pair| pair.node(B).cluster.status() == NodeStatus::Active);
    assert!(pair.held(B).is_some());
    pair.pass(SPAN / 4);
    assert_eq!(pair.runs(B), [SECOND], "its own alone");
    let now = pair.now;
    pair.node(B).order(now, Order::Release(None));
    pair.until("it takes the other one's", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(pair.node(B).cluster.holds().all(|hold| hold.is_release));
}

/// A person takes over while a line is in no file. The line comes back while everything is held.
#[test]
fn line_returning_during_hold_is_not_taken_by_earlier_takeover_order() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(A, None, SPAN);
    for id in [A, B] {
        pair.change(id, Failback::Off, &[(B, &["second"])]);
    }
    pair.until("the line has gone", |pair| pair.runs(A).is_empty());
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(B).order(now, Order::Takeover(GroupSet::All));
    pair.pass(Duration::from_secs(1));
    pair.end(A);
    pair.pass(Duration::from_secs(3));
    pair.change(B, Failback::Off, &[(B, &["first"]), (B, &["second"])]);
    pair.pass(Duration::from_secs(3));
    assert_eq!(pair.node(B).running(), [["second"]]);
}

/// B has said goodbye while everything was held: its report of the hold ends with that.
#[test]
fn group_withheld_by_hold_is_taken_at_once_on_release_after_goodbye() {
    let deadtime = Duration::from_secs(20);
    let mut pair = Pair::settled_with(|it| (it.deadtime, it.warntime) = (deadtime, deadtime / 2));
    let now = pair.now;
    pair.node(A).order(now, Order::Hold(None, Duration::from_mins(30)));
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    pair.until("B has ended", |pair| pair.node(B).has_ended);
    pair.end(B);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.runs(A), [FIRST]);
    let now = pair.now;
    pair.node(A).order(now, Order::Release(None));
    let took = pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}
