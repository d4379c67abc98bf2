//! Requests for messages, answers to them, and what a flood of either costs.

use super::pair::Pair;
use super::*;

/// A message that Beta sends, independent of any scenario.
fn hear(node: &mut Node, now: Time, message: Message, sequence: Option<u64>) {
    let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made: now };
    node.hear(now, "beta", 1, &(outgoing, None));
    node.turn(now);
}

fn status() -> Message {
    Message::Status { status: NodeStatus::Active, deadtime: DEADTIME, flow_control: true }
}

/// This node after `beats` beats of both sides, none of which was acknowledged.
fn after(beats: u64) -> (Node, Time) {
    let mut node = Node::new(A, Failback::On, 1);
    let mut now = Time::START;
    for beat in 1..=beats {
        now = Time::START + KEEPALIVE * u32::try_from(beat).expect("a few beats");
        hear(&mut node, now, status(), Some(beat));
    }
    node.sent.clear();
    node.said.clear();
    (node, now)
}

/// What was sent again since the node was asked.
fn again(node: &mut Node) -> Vec<u64> {
    let sent = std::mem::take(&mut node.sent);
    let numbers = sent.iter().filter_map(|(outgoing, _)| outgoing.sequence);
    let newest = node.last_sequence();
    numbers.filter(|number| *number + 5 < newest).collect()
}

fn naks(node: &mut Node) -> usize {
    let sent = std::mem::take(&mut node.sent);
    sent.iter().filter(|(outgoing, _)| matches!(outgoing.message, Message::Nak { .. })).count()
}

#[test]
fn request_is_answered_with_fifty_messages_despite_acknowledgement() {
    let (mut node, now) = after(100);
    hear(&mut node, now, Message::Ack { sequence: 90 }, None);
    hear(&mut node, now, Message::Rexmit { first: 1, last: 80 }, None);
    assert_eq!(again(&mut node), (1..=50).collect::<Vec<u64>>());
    hear(&mut node, now, Message::Rexmit { first: 1, last: 60 }, None);
    assert_eq!(again(&mut node), Vec::<u64>::new(), "those were sent a moment ago");
    let later = now + Duration::from_millis(240);
    hear(&mut node, later, Message::Rexmit { first: 7, last: 7 }, None);
    assert_eq!(again(&mut node), [7]);
}

#[test]
fn request_for_dropped_message_is_refused_and_for_unsent_message_unanswered() {
    let (mut node, now) = after(600);
    hear(&mut node, now, Message::Rexmit { first: 10, last: 10 }, None);
    let refusal = |(outgoing, _): &(Outgoing, _)| {
        let nak = Message::Nak { sequence: 10, too_low: true };
        outgoing.message == nak && outgoing.dest == Some(B)
    };
    assert!(node.sent.iter().any(refusal));
    assert!(node.has_said(&Event::CannotResend(B, 10)));
    node.sent.clear();
    let sent = node.last_sequence();
    hear(&mut node, now, Message::Rexmit { first: sent + 3, last: sent + 4 }, None);
    assert!(node.has_said(&Event::NeverSent { node: B, sequence: sent + 4, sent }));
    assert_eq!(naks(&mut node), 0);
    assert_eq!(again(&mut node), Vec::<u64>::new());
}

#[test]
fn request_flood_is_answered_within_bounds() {
    let (mut node, now) = after(600);
    for _ in 0..10_000 {
        hear(&mut node, now, Message::Rexmit { first: 1, last: u64::MAX }, None);
    }
    assert_eq!(naks(&mut node), 250);
    hear(&mut node, now, Message::Rexmit { first: 400, last: 420 }, None);
    assert_eq!(again(&mut node), Vec::<u64>::new(), "nor is anything else, for a moment");
    let later = now + Duration::from_millis(250);
    hear(&mut node, later, Message::Rexmit { first: 400, last: 420 }, None);
    assert_eq!(again(&mut node).len(), 21);
}

/// How many messages of the node are acknowledged: a node with many that are not says how many wait
/// whenever it sends one more.
fn acknowledged(node: &mut Node, now: Time) -> u64 {
    let message = crate::Custom { kind: "test".into(), fields: Vec::new() };
    node.cluster.handle(now, &Input::Say { message: &message, dest: None });
    node.turn(now);
    let waiting = |event: &Event| {
        let Event::HistoryFilling(count) = event else { return None };
        u64::try_from(*count).ok()
    };
    let waiting = node.said.iter().rev().find_map(waiting).expect("many wait");
    node.last_sequence() - waiting
}

#[test]
fn acknowledgement_beyond_sent_messages_is_ignored_and_reported_once() {
    let (mut node, now) = after(400);
    assert_eq!(acknowledged(&mut node, now), 0);
    let sent = node.last_sequence();
    hear(&mut node, now, Message::Ack { sequence: sent + 1 }, None);
    assert!(node.has_said(&Event::AckBeyond { node: B, sequence: sent + 1, sent }));
    assert_eq!(acknowledged(&mut node, now), 0);
    for _ in 0..1000 {
        hear(&mut node, now, Message::Ack { sequence: u64::MAX }, None);
        hear(&mut node, now, Message::Rexmit { first: 1000, last: 1001 }, None);
    }
    let told = |event: &&Event| matches!(event, Event::AckBeyond { .. } | Event::NeverSent { .. });
    assert_eq!(node.said.iter().filter(told).count(), 1, "once in a second");
    assert_eq!(acknowledged(&mut node, now), 0);
    hear(&mut node, now, Message::Ack { sequence: 4 }, None);
    assert_eq!(acknowledged(&mut node, now), 4);
    hear(&mut node, now, Message::Ack { sequence: 3 }, None);
    assert_eq!(acknowledged(&mut node, now), 4, "an older one changes nothing");
}

#[test]
fn queue_filling_while_peer_is_heard_is_reported_repeatedly() {
    let (mut node, mut now) = after(200);
    let filling = |event: &&Event| matches!(event, Event::HistoryFilling(_));
    assert_eq!(node.said.iter().filter(filling).count(), 0);
    for beat in 201..=390 {
        now = now + KEEPALIVE;
        hear(&mut node, now, status(), Some(beat));
    }
    let told: Vec<&Event> = node.said.iter().filter(filling).collect();
    assert_eq!(told.first(), Some(&&Event::HistoryFilling(376)));
    assert!(told.len() >= 10, "{told:?}");
}

#[test]
fn queue_filling_while_no_peer_is_heard_is_not_reported() {
    let (mut node, mut now) = after(200);
    for _ in 0..1_000 {
        now = now + KEEPALIVE;
        node.turn(now);
    }
    assert!(node.last_sequence() > 376, "none of them was acknowledged");
    assert!(!node.said.iter().any(|event| matches!(event, Event::HistoryFilling(_))));
}

#[test]
fn refusal_to_any_addressee_ends_requests_for_message() {
    let (mut node, now) = after(10);
    hear(&mut node, now, status(), Some(13));
    let requests = |node: &mut Node, now| {
        node.turn(now);
        let sent = std::mem::take(&mut node.sent);
        let first = |(outgoing, _): &(Outgoing, _)| {
            let Message::Rexmit { first, .. } = outgoing.message else { return None };
            Some(first)
        };
        sent.iter().filter_map(first).collect::<Vec<u64>>()
    };
    let asked = now + Duration::from_millis(250);
    assert_eq!(requests(&mut node, asked), [11, 12]);
    let nak = Message::Nak { sequence: 11, too_low: true };
    let outgoing =
        Outgoing { message: nak, dest: Some(B), dest_uuid: None, sequence: None, made: now };
    node.hear(asked, "beta", 1, &(outgoing, None));
    assert!(!node.has_said(&Event::PacketLostForGood(B, 11)), "it was not told to us");
    assert_eq!(requests(&mut node, asked + Duration::from_millis(250)), [12]);
    hear(&mut node, asked, Message::Nak { sequence: 12, too_low: false }, None);
    assert!(node.has_said(&Event::PacketLostForGood(B, 12)));
    assert_eq!(requests(&mut node, asked + Duration::from_millis(500)), Vec::<u64>::new());
}

/// The link is cut for longer than an answer is awaited, but shorter than a dead time.
#[test]
fn order_answered_with_no_reply_is_not_followed_after_reconnection() {
    let orders = [
        (B, Order::TakeoverGroup(FIRST)),
        (B, Order::Takeover(GroupSet::Foreign)),
        (A, Order::StandbyGroup(FIRST)),
        (A, Order::Standby(GroupSet::Local)),
    ];
    for (node, order) in orders {
        let patient = |id| {
            let mut settings = settings(id, Failback::Off);
            settings.deadtime = Duration::from_secs(20);
            settings.ipfail = false;
            Some(Node::with(settings, 1))
        };
        let mut pair = Pair::of([patient(A), patient(B)]);
        pair.until("both are at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
        pair.pass(Duration::from_secs(2));
        pair.cut = true;
        let now = pair.now;
        pair.node(node).order(now, order);
        pair.until("answered", |pair| !pair.node(node).answers.is_empty());
        assert_eq!(pair.node(node).answers, [refused(Refusal::NoReply)], "{order:?}");
        pair.cut = false;
        pair.pass(Duration::from_secs(5));
        for id in [A, B] {
            let is_step = |event: &Event| matches!(event, Event::HandOverProgress(_));
            let plans = pair.node(id).said.iter().filter(|event| is_step(event)).count();
            assert!(id == node || plans == 0, "{order:?}: {:?}", pair.node(id).said);
        }
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]), "{order:?}");
        let now = pair.now;
        pair.node(node).answers.clear();
        pair.node(node).order(now, order);
        pair.until("answered", |pair| !pair.node(node).answers.is_empty());
        assert_eq!(pair.node(node).answers, [Ok(())], "{order:?}: a new order is another one");
    }
}
