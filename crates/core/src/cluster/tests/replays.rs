//! Recordings of what a node once sent, replayed to a node that has heard them, or could have.

use super::*;
use crate::{Claim, Echo, Mark, Phase};

/// Beta's generation, and the record of Beta that an earlier run of this node has stored.
const GENERATION: u64 = 7;
const STORED: PeerRecord =
    PeerRecord { node: B, generation: GENERATION, sequence: 400, unfinished: None };

fn after_a_restart(peers: Vec<PeerRecord>) -> Node {
    let mut node = Node::new(A, Failback::On, 2);
    node.cluster = Cluster::new(settings(A, Failback::On), Boot { peers, ..boot(2) });
    node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
    node.turn(Time::START);
    node
}

/// A message that Beta sends, with a sequence if it has one.
fn said(message: Message, sequence: u64) -> (Outgoing, Option<Beat>) {
    let sequence = message.is_sequenced().then_some(sequence);
    (Outgoing { message, dest: None, dest_uuid: None, sequence, made: Time::START }, None)
}

fn status(sequence: u64) -> (Outgoing, Option<Beat>) {
    let status = NodeStatus::Active;
    said(Message::Status { status, deadtime: DEADTIME, flow_control: true }, sequence)
}

/// A beat of a Systole node that owns everything and has heard the run of this node with this
/// session.
fn beat(sequence: u64, session: u64) -> (Outgoing, Option<Beat>) {
    let claim = |name: &str| Claim {
        group: GroupKey::of([name]),
        owner: B,
        term: 3,
        phase: Phase::Active,
        unable: false,
        failure: None,
        runs_here: true,
    };
    let mut beat = Beat {
        session: 99,
        nodes: GroupKey::of(["alpha", "beta"]).0,
        ready: true,
        echoes: vec![Echo::of(A, LinkId(0), session, 1)],
        claims: vec![claim("first"), claim("second")],
        ..Beat::default()
    };
    beat.table = Mark::of(&beat);
    (status(sequence).0, Some(beat))
}

/// One message of every kind that could move something.
fn orders() -> Vec<Message> {
    let hold = GroupSet::All;
    vec![
        Message::AskResources { hold, step: Step::Me, ipfail: false, by_order: false },
        Message::AskResources { hold, step: Step::Other, ipfail: false, by_order: false },
        Message::AskResources { hold, step: Step::Done, ipfail: false, by_order: false },
        Message::TakeoverOrder { hold },
        Message::Resource { hold, full: true, stable: Some(true), occasion: Occasion::Report },
        Message::Starting,
        Message::Shutdone,
        Message::GroupRequest { key: "first".into() },
        Message::GroupGrant { key: "first".into(), owned: true, granted: true },
        Message::IpfailPresence { joined: true },
        Message::PingCount { count: 9 },
        Message::AbortGiveup,
        Message::YouAreDead,
        Message::RequestNodes,
        Message::ReplyNodes { nodes: "alpha".into(), deleted: "beta".into() },
        Message::Stonith { node: "alpha".into(), result: Fencing::Done },
    ]
}

fn requests() -> [Message; 3] {
    [
        Message::Ack { sequence: 1 },
        Message::Rexmit { first: 1, last: 1 },
        Message::Nak { sequence: 1, too_low: true },
    ]
}

/// Everything that a message could change, except the time when a replay was reported.
fn state(node: &Node) -> String {
    let it = &node.cluster;
    let tables = format!("{:?} {:?}", it.groups, it.pings);
    let talks = format!("{:?} {:?} {:?} {:?}", it.hand_over, it.ipfail, it.classic, it.shutdown);
    let voice = format!("{:?} {:?} {:?}", it.status, it.history, it.unverified);
    let mut peers = format!("{:?}", it.peers);
    for node in [A, B] {
        peers = peers.replace(&format!("{:?}", it.peer(node).replays), "told");
    }
    format!("{tables}\n{talks}\n{voice}\n{peers}")
}

/// Replays a recording; nothing may change, and nothing may be reported except that it is a replay.
fn changes_nothing(node: &mut Node, generation: u64, recording: &(Outgoing, Option<Beat>)) {
    let now = node.now;
    let before = state(node);
    node.hear(now, "beta", generation, recording);
    assert_eq!(state(node), before, "{recording:?}");
    while let Some(output) = node.cluster.poll() {
        let is_report = matches!(output, Output::Report(Event::Replay { .. }));
        assert!(is_report, "{recording:?} led to {output:?}");
    }
}

#[test]
fn message_of_older_generation_changes_nothing_after_restart() {
    let mut node = after_a_restart(vec![STORED]);
    let recordings = orders().into_iter().chain(requests()).map(|message| said(message, 900));
    for recording in recordings.chain([status(900), beat(900, 2), beat(901, 1)]) {
        changes_nothing(&mut node, GENERATION - 1, &recording);
    }
}

#[test]
fn beats_replayed_during_start_do_not_prolong_start() {
    let mut node = after_a_restart(Vec::new());
    let (mut active_at, mut runs_at) = (None, None);
    for now in 1..10_000 {
        if now <= 1_900 && now % 100 == 0 {
            node.hear(at(now), "beta", GENERATION, &beat(now, 1));
        }
        node.turn(at(now));
        if node.cluster.status() == NodeStatus::Active {
            active_at.get_or_insert(Duration::from_millis(now));
        }
        if node.runs == [FIRST, SECOND] {
            runs_at.get_or_insert(Duration::from_millis(now));
        }
    }
    assert_eq!(active_at, Some(INITDEAD), "it waits as for a node that says nothing");
    let last = Duration::from_millis(1_900);
    assert_eq!(runs_at, Some(last + DEADTIME), "somebody may run it who does not hear us");
}

#[test]
fn message_within_stored_sequence_changes_nothing() {
    for sequence in [1, 399, 400] {
        let mut node = after_a_restart(vec![STORED]);
        changes_nothing(&mut node, GENERATION, &status(sequence));
        changes_nothing(&mut node, GENERATION, &beat(sequence, 1));
        for order in orders().into_iter().chain(requests()) {
            changes_nothing(&mut node, GENERATION, &said(order, sequence));
        }
        node.hear(at(5), "beta", GENERATION, &status(401));
        node.turn(at(5));
        assert!(node.cluster.hears(B), "what is new counts");
        for order in orders() {
            changes_nothing(&mut node, GENERATION, &said(order, sequence));
        }
    }
}

#[test]
fn replay_without_stored_peer_record_is_believed() {
    let mut node = after_a_restart(Vec::new());
    node.hear(at(5), "beta", GENERATION - 1, &status(900));
    assert!(node.cluster.hears(B));
}

#[test]
fn orders_of_systole_peer_count_only_after_beat_that_answers_this_run() {
    for order in orders() {
        let mut node = after_a_restart(vec![STORED]);
        // The beat was recorded after the last record was stored, and its sender heard the run
        // before this one.
        node.hear(at(5), "beta", GENERATION, &beat(450, 1));
        node.turn(at(5));
        changes_nothing(&mut node, GENERATION, &said(order.clone(), 451));
        let before = state(&node);
        node.hear(at(5), "beta", GENERATION, &beat(500, 2));
        node.turn(at(5));
        assert_ne!(state(&node), before, "an answer is no recording");
        assert_eq!(node.cluster.peer(B).receiver.deadline(), None, "nothing older is asked for");
        changes_nothing(&mut node, GENERATION, &said(order.clone(), 451));
        let before = state(&node);
        node.hear(at(5), "beta", GENERATION, &said(order, 501));
        assert_ne!(state(&node), before, "and neither is what follows it");
    }
}

#[test]
fn message_without_sequence_changes_nothing_when_repeated() {
    for request in requests() {
        let mut node = after_a_restart(vec![STORED]);
        node.hear(at(5), "beta", GENERATION, &beat(450, 1));
        node.turn(at(5));
        changes_nothing(&mut node, GENERATION, &said(request.clone(), 0));
        node.hear(at(5), "beta", GENERATION, &beat(500, 2));
        node.hear(at(5), "beta", GENERATION, &said(request.clone(), 0));
        node.turn(at(5));
        changes_nothing(&mut node, GENERATION, &said(request, 0));
    }
}

#[test]
fn replay_neither_ends_start_nor_makes_peer_able_to_negotiate() {
    let mut node = after_a_restart(vec![STORED]);
    for sequence in 401..420 {
        node.hear(at(sequence), "beta", GENERATION, &beat(sequence, 1));
        node.turn(at(sequence));
    }
    assert_eq!(node.cluster.status(), NodeStatus::Up);
    assert!(!node.cluster.peer(B).can_negotiate());
    node.hear(at(450), "beta", GENERATION, &beat(450, 2));
    node.turn(at(450));
    assert_eq!(node.cluster.status(), NodeStatus::Active);
}

#[test]
fn replay_is_reported_once_and_stranger_once_a_second() {
    let mut node = after_a_restart(vec![STORED]);
    for milliseconds in 1..=2500 {
        node.hear(at(milliseconds), "beta", 1, &status(5));
        node.hear(at(milliseconds), "mallory", 1, &status(5));
        while let Some(output) = node.cluster.poll() {
            if let Output::Report(event) = output {
                node.said.push(event);
            }
        }
    }
    let replay = Event::Replay { node: B, generation: 1, current: GENERATION, count: 1 };
    let told = |is_it: &dyn Fn(&Event) -> bool| node.said.iter().filter(|it| is_it(it)).count();
    assert_eq!(told(&|it| *it == replay), 1);
    assert_eq!(told(&|it| matches!(it, Event::Replay { .. })), 1);
    assert_eq!(told(&|it| *it == Event::Stranger("mallory".into())), 3);
}

#[test]
fn peer_record_is_stored_for_new_generation_and_once_a_minute() {
    let mut node = after_a_restart(Vec::new());
    let mut stored = Vec::new();
    for beat in 1..=1500 {
        let now = Time::START + KEEPALIVE / 2 * u32::try_from(beat).expect("few");
        let generation = if beat <= 1000 { GENERATION } else { GENERATION + 1 };
        node.hear(now, "beta", generation, &status(beat));
        node.cluster.elapse(now);
        while let Some(output) = node.cluster.poll() {
            if let Output::StorePeer(record) = output {
                stored.push(record);
            }
        }
    }
    let record =
        |generation, sequence| PeerRecord { node: B, generation, sequence, unfinished: None };
    // The first status of a generation is on its way in when its record is stored.
    let right = [record(GENERATION, 0), record(GENERATION, 601), record(GENERATION + 1, 0)];
    assert_eq!(stored, right);
}

#[test]
fn forget_order_resets_silent_peer_and_is_refused_for_live_node() {
    let mut node = after_a_restart(vec![STORED]);
    let order = Order::ForgetPeer(B);
    changes_nothing(&mut node, 3, &status(1));
    node.order(at(5), order);
    node.turn(at(5));
    assert_eq!(node.answers.pop(), Some(Ok(())));
    assert_eq!(node.cluster.peer(B).generation, 0);
    node.hear(at(6), "beta", 3, &status(1));
    node.order(at(6), order);
    node.turn(at(6));
    assert!(node.cluster.hears(B));
    assert_eq!(node.answers.pop(), Some(Err(OrderRefusal::PeerAlive)));
    node.order(at(6), Order::ForgetPeer(A));
    node.turn(at(6));
    assert_eq!(node.answers.pop(), Some(Err(OrderRefusal::PeerAlive)), "nor are we ourselves");
}

#[test]
fn snapshot_shows_older_generation_until_newer_generation_is_heard() {
    let mut node = after_a_restart(vec![PeerRecord {
        node: B,
        generation: 7,
        sequence: 500,
        unfinished: None,
    }]);
    for second in 1..=3 {
        node.hear(at(second * 1000), "beta", 6, &status(second));
    }
    node.turn(at(3500));
    let older = node.snapshot().nodes[B.index()].older.clone().expect("it is told");
    assert_eq!((older.generation, older.known, older.count, older.last_ms), (6, 7, 3, 500));
    node.hear(at(4000), "beta", 8, &status(1));
    assert_eq!(node.snapshot().nodes[B.index()].older, None);
}
