//! Recordings of what a node once sent, replayed to a node that has heard them, or could have.

use super::*;
use crate::{Claim, Echo, Mark, Phase};

/// Beta's generation, and the record of Beta that an earlier run of this node has stored.
const GENERATION: u64 = 7;
const STORED: PeerRecord = PeerRecord::of(B, GENERATION, 400);

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

/// A node, and its twin, which hears the same except for the recordings: both always do the same.
struct Twins {
    node: Node,
    twin: Node,
}

impl Twins {
    fn after_a_restart(peers: &[PeerRecord]) -> Self {
        let [node, twin] = [(); 2].map(|()| after_a_restart(peers.to_vec()));
        Self { node, twin }
    }

    fn each(&mut self, mut action: impl FnMut(&mut Node)) {
        action(&mut self.node);
        action(&mut self.twin);
    }

    fn hear(&mut self, now: Time, message: &(Outgoing, Option<Beat>)) {
        self.each(|node| {
            node.hear(now, "beta", GENERATION, message);
            node.turn(now);
        });
    }

    fn pass(&mut self, span: Duration) {
        let end = self.node.now + span;
        while self.node.now < end {
            let now = self.node.now + Duration::from_millis(20);
            self.each(|node| node.turn(now));
        }
    }

    /// Replays a recording to one of them; nothing may change there, and nothing may be reported
    /// except that it is a replay.
    fn changes_nothing(&mut self, generation: u64, recording: &(Outgoing, Option<Beat>)) {
        let now = self.node.now;
        self.node.hear(now, "beta", generation, recording);
        while let Some(output) = self.node.cluster.poll() {
            let is_report = matches!(output, Output::Report(Event::Replay { .. }));
            assert!(is_report, "{recording:?} led to {output:?}");
        }
        let state = |node: &Node| {
            let mut shown = node.snapshot();
            shown.nodes.iter_mut().for_each(|node| node.older = None);
            let cluster = &node.cluster;
            let terms: Vec<_> = cluster.terms().collect();
            (shown, cluster.deadline(), cluster.beat().clone(), terms)
        };
        assert_eq!(state(&self.node), state(&self.twin), "{recording:?}");
    }

    /// Both go on for a while, and do the same.
    fn stay_alike(mut self) -> Node {
        self.pass(Duration::from_secs(5));
        let Self { node, twin } = self;
        assert_eq!(node.said, twin.said);
        assert_eq!(node.sent, twin.sent);
        assert_eq!((&node.answers, &node.runs), (&twin.answers, &twin.runs));
        assert_eq!((&node.stored, &node.stored_terms), (&twin.stored, &twin.stored_terms));
        node
    }

    /// The highest sequence of Beta that both say they have heard.
    fn echoed(&mut self) -> Option<u64> {
        self.pass(KEEPALIVE);
        self.node.cluster.beat().echoes.first().map(|echo| echo.sequence)
    }
}

#[test]
fn message_of_older_generation_changes_nothing_after_restart() {
    let mut twins = Twins::after_a_restart(&[STORED]);
    let recordings = orders().into_iter().chain(requests()).map(|message| said(message, 900));
    for recording in recordings.chain([status(900), beat(900, 2), beat(901, 1)]) {
        twins.changes_nothing(GENERATION - 1, &recording);
    }
    twins.stay_alike();
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
        let mut twins = Twins::after_a_restart(&[STORED]);
        twins.changes_nothing(GENERATION, &status(sequence));
        twins.changes_nothing(GENERATION, &beat(sequence, 1));
        for order in orders().into_iter().chain(requests()) {
            twins.changes_nothing(GENERATION, &said(order, sequence));
        }
        twins.hear(at(5), &status(401));
        assert!(twins.node.cluster.hears(B), "what is new counts");
        for order in orders() {
            twins.changes_nothing(GENERATION, &said(order, sequence));
        }
        twins.stay_alike();
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
        let mut twins = Twins::after_a_restart(&[STORED]);
        // The beat was recorded after the last record was stored, and its sender heard the run
        // before this one.
        twins.hear(at(5), &beat(450, 1));
        twins.changes_nothing(GENERATION, &said(order.clone(), 451));
        assert_eq!(twins.echoed(), Some(450));
        twins.hear(twins.node.now, &beat(500, 2));
        assert_eq!(twins.echoed(), Some(500), "an answer is no recording");
        twins.changes_nothing(GENERATION, &said(order.clone(), 451));
        twins.hear(twins.node.now, &said(order, 501));
        assert_eq!(twins.echoed(), Some(501), "and neither is what follows it");
        let node = twins.stay_alike();
        let asks =
            |(outgoing, _): &(Outgoing, _)| matches!(outgoing.message, Message::Rexmit { .. });
        assert!(!node.sent.iter().any(asks), "nothing older is asked for");
    }
}

#[test]
fn message_without_sequence_changes_nothing_when_repeated() {
    for request in requests() {
        let mut twins = Twins::after_a_restart(&[STORED]);
        twins.hear(at(5), &beat(450, 1));
        twins.changes_nothing(GENERATION, &said(request.clone(), 0));
        twins.hear(at(5), &beat(500, 2));
        twins.hear(at(5), &said(request.clone(), 0));
        twins.changes_nothing(GENERATION, &said(request, 0));
        twins.stay_alike();
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
    let take = |node: &mut Node, now| {
        node.order(now, Order::Takeover(GroupSet::All));
        node.turn(now);
        node.hands_over()
    };
    assert!(!take(&mut node, at(430)));
    assert_eq!(node.answers, [refused(Refusal::NotReady)]);
    node.hear(at(450), "beta", GENERATION, &beat(450, 2));
    node.turn(at(450));
    assert_eq!(node.cluster.status(), NodeStatus::Active);
    assert!(take(&mut node, at(460)), "the peer can negotiate now: {:?}", node.answers);
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
    let record = |generation, sequence| PeerRecord::of(B, generation, sequence);
    // The first status of a generation is on its way in when its record is stored.
    let right = [record(GENERATION, 0), record(GENERATION, 601), record(GENERATION + 1, 0)];
    assert_eq!(stored, right);
}

#[test]
fn forget_order_resets_silent_peer_and_is_refused_for_live_node() {
    let order = Order::ForgetPeer(B);
    let mut twins = Twins::after_a_restart(&[STORED]);
    twins.changes_nothing(3, &status(1));
    let mut node = twins.node;
    node.order(at(5), order);
    node.turn(at(5));
    assert_eq!(node.answers.pop(), Some(Ok(())));
    assert_eq!(node.stored, Some(PeerRecord { generation: 0, sequence: 0, ..STORED }));
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
    let mut node = after_a_restart(vec![PeerRecord::of(B, 7, 500)]);
    for second in 1..=3 {
        node.hear(at(second * 1000), "beta", 6, &status(second));
    }
    node.turn(at(3500));
    let older = node.snapshot().nodes[B.index()].older.clone().expect("it is told");
    assert_eq!((older.generation, older.known, older.count, older.last_ms), (6, 7, 3, 500));
    node.hear(at(4000), "beta", 8, &status(1));
    assert_eq!(node.snapshot().nodes[B.index()].older, None);
}
