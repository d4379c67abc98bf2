//! Which hold prevails: of two nodes, after a partition, a restart or a replay.

use super::*;

/// The last owner has said that its hold is over, and has not heard that it is over on the other
/// node too. The other node decides as if nothing were held: it may take the group.
#[test]
fn last_owner_with_own_hold_expired_leaves_group_to_preferred_node() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::StandbyGroup(SECOND));
    pair.until("given", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.hold(A, None, SPAN);
    let over = Event::Hold(HoldEvent::Expired { group: None });
    pair.until("it is over at the owner", |pair| pair.node(A).has_said(&over));
    assert!(!pair.node(B).has_said(&over), "it learned of it later");
    pair.mute = Some(B);
    pair.node(A).runs.retain(|group| *group != SECOND);
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::LetGo(SECOND));
    pair.until("its home takes it", |pair| {
        assert_eq!(pair.runs(A), [FIRST], "who does not come first waits for the other one");
        pair.runs(B) == [SECOND]
    });
    pair.mute = None;
    pair.pass(Duration::from_secs(2));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
}

/// A release outlives a partition, and an earlier beat does not restore the hold.
#[test]
fn release_during_partition_prevails_over_older_hold_of_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(A, None, SPAN);
    pair.cut = true;
    pair.pass(Duration::from_millis(100));
    pair.release(A, None);
    pair.pass(Duration::from_millis(100));
    assert!(pair.held(B).is_some());
    pair.cut = false;
    pair.pass(KEEPALIVE * 2);
    assert_eq!((pair.held(A), pair.held(B)), (None, None));
    pair.hold(B, None, SPAN);
    assert_eq!(pair.held(A).map(|(by, _)| by).as_deref(), Some("beta"), "and is beaten itself");
}

/// The number of the new hold is lower than that of the earlier hold, which the other node
/// remembers.
#[test]
fn hold_from_restarted_node_counts_on_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(B, None, Duration::from_millis(100));
    pair.hold(B, None, Duration::from_millis(100));
    pair.end(A);
    pair.until("dead", |pair| pair.node(B).counts_dead(A));
    pair.restart(A, Failback::Off);
    pair.pass(Duration::from_secs(2));
    assert_eq!(pair.held(B), None);
    pair.hold(A, None, SPAN);
    for id in [A, B] {
        assert_eq!(pair.held(id).map(|(by, _)| by).as_deref(), Some("alpha"));
    }
}

/// The two nodes were apart when the hold was ordered, and what the other node remembers is over.
#[test]
fn hold_during_partition_prevails_over_expired_hold_of_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.hold(B, None, Duration::from_millis(50));
    pair.hold(B, None, Duration::from_millis(50));
    pair.hold(A, None, SPAN);
    pair.pass(Duration::from_millis(100));
    assert_eq!(pair.held(B), None);
    pair.cut = false;
    pair.pass(KEEPALIVE * 3);
    for id in [A, B] {
        assert_eq!(pair.held(id).map(|(by, _)| by).as_deref(), Some("alpha"));
    }
}

#[test]
fn hold_in_replayed_beat_is_ignored() {
    let mut pair = Pair::settled(Failback::Off);
    pair.hold(B, None, SPAN);
    let held = |sent: &&(Outgoing, Option<Beat>)| {
        sent.1.as_ref().is_some_and(|beat| !beat.holds.is_empty())
    };
    let recorded = pair.node(B).kept.iter().rev().find(held).cloned().expect("it was told");
    let mut alone = Node::new(A, Failback::Off, 2);
    alone.turn(at(1));
    alone.hear(at(2), "beta", 1, &recorded);
    alone.turn(at(3));
    let snapshot = alone.snapshot();
    assert_eq!((snapshot.hold, snapshot.nodes[1].silence_ms), (None, Some(1)));
}
