//! Nothing is taken from a silent node before it is certain to be dead.

use super::pair::Pair;
use super::*;
use crate::{FenceOutcome, FenceState, FencingEvent, FencingPolicy, Guard};

const DELAY: Duration = Duration::from_secs(5);

/// Two nodes that each run their own group, with a fencing device each.
fn settled() -> Pair {
    let node = |id| {
        let mut settings = settings(id, Failback::Off);
        settings.fencing = Some(FencingPolicy { delay: DELAY });
        Some(Node::with(settings, 1))
    };
    let mut pair = Pair::of([node(A), node(B)]);
    pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    pair
}

impl Pair {
    fn answer(&mut self, id: NodeId, outcome: FenceOutcome) {
        let now = self.now;
        let (node, attempt) = self.node(id).fences.pop().expect("a device was asked");
        self.node(id).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
        self.node(id).turn(now);
    }

    fn has_asked(&mut self, id: NodeId) -> bool {
        !self.node(id).fences.is_empty()
    }

    fn said(&mut self, id: NodeId, event: FencingEvent) -> bool {
        let other = if id == A { B } else { A };
        self.node(id).has_said(&Event::Fencing(other, event))
    }
}

#[test]
fn takeover_from_silent_node_waits_for_fence_and_status_shows_fence() {
    let mut pair = settled();
    pair.nodes[1] = None;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    assert!(pair.said(A, FencingEvent::Wanted { delay: Duration::ZERO }));
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.runs(A), [FIRST]);
    let report = pair.node(A).snapshot().fencing.remove(0);
    assert_eq!((report.node.as_str(), report.state), ("beta", FenceState::Running));
    assert_eq!((report.attempt, report.next_ms), (1, None));
    assert!(report.since_ms >= 10_000 && report.groups == ["second"], "{report:?}");
    pair.answer(A, FenceOutcome::Done);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
    let snapshot = pair.node(A).snapshot();
    assert!(snapshot.fencing.is_empty());
    assert!(snapshot.groups[1].reason.contains("Fenced"), "{snapshot:?}");
    assert!(pair.node(A).has_said(&Event::TakeoverBegins(B)));
}

#[test]
fn fence_failed_is_retried_at_growing_intervals_and_blocks_takeover() {
    let mut pair = settled();
    pair.nodes[1] = None;
    let mut waits = Vec::new();
    for _ in 0..5 {
        waits.push(pair.until("a device is asked", |pair| pair.has_asked(A)).as_secs());
        pair.answer(A, FenceOutcome::Failed);
    }
    assert_eq!(waits, [0, 1, 2, 4, 8]);
    assert_eq!(pair.runs(A), [FIRST]);
    let bad = |(outgoing, _): &(Outgoing, _)| {
        let message = &outgoing.message;
        matches!(message, Message::Stonith { node, result: Fencing::Failed } if &**node == "beta")
    };
    assert_eq!(pair.node(A).kept.iter().filter(|sent| bad(sent)).count(), 5);
    pair.until("it is tried again", |pair| pair.has_asked(A));
    pair.answer(A, FenceOutcome::Done);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn mutual_fencing_makes_second_node_wait() {
    let mut pair = settled();
    pair.cut = true;
    pair.until("both are silent", |pair| {
        pair.said(A, FencingEvent::Wanted { delay: Duration::ZERO })
            && pair.said(B, FencingEvent::Wanted { delay: DELAY })
    });
    assert!(pair.has_asked(A) && !pair.has_asked(B));
    pair.pass(DELAY / 2);
    assert!(!pair.has_asked(B));
    pair.nodes[1] = None;
    pair.answer(A, FenceOutcome::Done);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn owner_of_all_groups_fences_no_node_and_idle_peer_fences_without_delay() {
    let mut pair = settled();
    pair.nodes[1] = None;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    pair.answer(A, FenceOutcome::Done);
    let mut settings = settings(B, Failback::Off);
    settings.fencing = Some(FencingPolicy { delay: DELAY });
    pair.nodes[1] = Some(Node::with(settings, 2));
    pair.pass(Duration::from_secs(3));
    pair.cut = true;
    pair.until("the one without groups asks", |pair| pair.has_asked(B));
    assert!(pair.said(B, FencingEvent::Wanted { delay: Duration::ZERO }));
    pair.pass(DELAY);
    assert!(!pair.has_asked(A));
    assert!(pair.node(A).has_said(&Event::PeerHadNothing(B)));
}

#[test]
fn fence_is_cancelled_or_not_retried_once_node_is_heard() {
    let mut pair = settled();
    pair.cut = true;
    pair.until("the second waits", |pair| pair.said(B, FencingEvent::Wanted { delay: DELAY }));
    pair.cut = false;
    pair.until("it is heard", |pair| pair.said(B, FencingEvent::Cancelled { is_heard: true }));
    pair.pass(2 * DELAY);
    assert!(!pair.has_asked(B));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    // A had already asked the device: the node lives if the device fails.
    pair.answer(A, FenceOutcome::Failed);
    assert!(pair.said(A, FencingEvent::Failed { attempt: 1, retry: None, is_heard: true }));
    pair.pass(2 * DELAY);
    assert!(!pair.has_asked(A));
}

#[test]
fn node_heard_while_fence_runs_is_dead_after_next_silence_without_new_fence() {
    let mut pair = settled();
    pair.cut = true;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    pair.cut = false;
    pair.until("it is heard", |pair| pair.node(A).has_said(&Event::PeerReturned(B)));
    pair.nodes[1] = None;
    pair.answer(A, FenceOutcome::Done);
    assert!(pair.said(A, FencingEvent::Done { attempt: 1, is_heard: true }));
    assert_eq!(pair.runs(A), [FIRST]);
    pair.until("it is taken", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(!pair.has_asked(A));
}

#[test]
fn next_fencing_device_is_asked_at_once_as_new_attempt() {
    let mut pair = settled();
    pair.nodes[1] = None;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    pair.answer(A, FenceOutcome::Next);
    assert_eq!(pair.node(A).fences, [(B, 2)], "at once");
    pair.answer(A, FenceOutcome::Done);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn fencing_device_is_not_asked_again_once_node_is_heard() {
    for outcome in [FenceOutcome::Next, FenceOutcome::Busy] {
        let mut pair = settled();
        pair.cut = true;
        pair.until("a device is asked", |pair| pair.has_asked(A));
        pair.cut = false;
        pair.until("it is heard", |pair| pair.node(A).has_said(&Event::PeerReturned(B)));
        pair.answer(A, outcome);
        pair.pass(2 * DELAY);
        assert!(!pair.has_asked(A), "{outcome:?}");
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    }
}

#[test]
fn fence_answered_busy_is_asked_again_after_one_second() {
    let mut pair = settled();
    pair.nodes[1] = None;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    pair.answer(A, FenceOutcome::Busy);
    let took = pair.until("it is asked again", |pair| pair.has_asked(A));
    assert_eq!(took.as_secs(), 1);
    pair.answer(A, FenceOutcome::Done);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn goodbye_needs_no_fence() {
    let mut pair = settled();
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    pair.until("it is taken", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.nodes[1] = None;
    pair.pass(Duration::from_secs(3));
    assert!(!pair.has_asked(A));
    assert!(pair.node(A).has_said(&Event::PeerHadNothing(B)));
}

#[test]
fn node_never_heard_is_fenced_after_initdead_and_delay() {
    let mut settings = settings(B, Failback::Off);
    settings.fencing = Some(FencingPolicy { delay: DELAY });
    let nodes = [None, Some(Node::with(settings, 1))];
    let mut pair = Pair::of(nodes);
    let waited = pair.until("a device is asked", |pair| pair.has_asked(B));
    assert!(waited >= INITDEAD + DELAY, "{waited:?}");
    assert!(pair.runs(B).is_empty());
    pair.answer(B, FenceOutcome::Done);
    assert_eq!(pair.runs(B), [FIRST, SECOND]);
}

#[test]
fn death_confirmed_by_order_replaces_fence_and_is_refused_for_live_node() {
    let mut pair = settled();
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.pass(Duration::from_millis(1));
    assert_eq!(pair.node(A).answers.pop(), Some(Err(OrderRefusal::NotDead)));
    pair.nodes[1] = None;
    pair.until("a device is asked", |pair| pair.has_asked(A));
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.node(A).turn(now);
    assert_eq!(pair.node(A).answers.pop(), Some(Ok(())));
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
    let reason = &pair.node(A).snapshot().groups[1].reason;
    assert!(reason.contains("Confirmed"), "{reason}");
    // What the device says after that changes nothing.
    let said = pair.node(A).said.len();
    pair.answer(A, FenceOutcome::Failed);
    let fencing = |event: &Event| matches!(event, Event::Fencing(..));
    assert!(!pair.node(A).said[said..].iter().any(fencing));
    let plain = Settings { guard: Guard::Off, ..settings(A, Failback::Off) };
    let mut plain = Node::with(plain, 1);
    plain.order(at(1), Order::ConfirmDead(B));
    plain.turn(at(1));
    assert_eq!(plain.answers, [Err(OrderRefusal::NoFencing)]);
}

/// A device takes long to answer. Meanwhile the node that it has reset boots, is heard, and runs
/// its group; then the link is cut. The late answer says nothing about that run.
#[test]
fn fence_done_late_does_not_prove_death_of_node_heard_since() {
    let node = |id, generation| {
        let mut settings = settings(id, Failback::On);
        settings.fencing = Some(FencingPolicy { delay: Duration::from_secs(5) });
        Some(Node::with(settings, generation))
    };
    let mut pair = Pair::of([node(A, 1), node(B, 1)]);
    pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.end(B);
    pair.until("a device is asked", |pair| !pair.node(A).fences.is_empty());
    let (target, attempt) = pair.node(A).fences.pop().expect("asked");
    pair.pass(Duration::from_secs(1));
    // The node was reset, and boots.
    pair.nodes[1] = node(B, 2);
    pair.until("it runs its own again", |pair| pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(3));
    pair.cut = true;
    pair.pass(DEADTIME * 2);
    assert_eq!(pair.runs(A), [FIRST], "waits");
    let now = pair.now;
    let outcome = FenceOutcome::Done;
    pair.node(A).cluster.handle(now, &Input::Fenced { node: target, attempt, outcome });
    pair.node(A).turn(now);
    pair.pass(Duration::from_secs(1));
    assert!(!(pair.runs(A).contains(&SECOND) && pair.runs(B).contains(&SECOND)), "two owners");
}
