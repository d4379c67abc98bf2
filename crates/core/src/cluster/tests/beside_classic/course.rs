//! What goes wrong during a hand-over beside a C node.

use super::*;

/// This node has given its own set away, and the peer is starting that set.
fn having_given() -> (Beside, Vec<(GroupKey, NodeId, u64)>) {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    let terms = beside.node.cluster.terms().collect();
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Done)) && beside.node.runs.is_empty());
    (beside, terms)
}

fn killed(beside: &mut Beside, terms: Vec<(GroupKey, NodeId, u64)>, has_executor: bool) {
    let before = &beside.node;
    let peers = before.stored.into_iter().collect();
    let generation = before.generation + 1;
    let settings = before.cluster.settings().clone();
    let mut node = Node::with(settings.clone(), generation);
    node.cluster = Cluster::new(settings, Boot { terms, peers, ..boot(generation) });
    beside.node = node;
    beside.now = Time::START;
    if has_executor {
        beside.node.greet(Time::START, &[], true);
    }
}

/// The stored hand-over is newer than the stored owners, because the disk had no room for the
/// owners.
#[test]
fn killed_giver_without_stored_owner_does_not_start_given_group() {
    let (mut beside, terms) = having_given();
    killed(&mut beside, terms, true);
    beside.comes_back_beside(GroupSet::Local);
    assert!(beside.node.hands_over(), "it is gone on with");
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [], "the peer is at work");
}

/// Daemon and executor are killed, and the person repeats the order before there is an executor.
#[test]
fn killed_giver_with_repeated_order_does_not_start_given_group() {
    let (mut beside, _) = having_given();
    let terms = beside.node.cluster.terms().collect();
    killed(&mut beside, terms, false);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    let answers = beside.node.answers.clone();
    beside.node.greet(now, &[], true);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [], "the peer is at work: {answers:?}");
}

/// The daemon of this node was killed. When it is back, it hears the peer's report, and after that a
/// request that the peer has sent although it refuses the order for it.
#[test]
fn killed_giver_hearing_request_right_after_report_does_not_start_given_group() {
    let (mut beside, _) = having_given();
    let terms = beside.node.cluster.terms().collect();
    killed(&mut beside, terms, true);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    for message in [report(GroupSet::Local, true, Occasion::Report), ask(GroupSet::Local, Step::Me)]
    {
        beside.sequence += 1;
        let (sequence, made) = (Some(beside.sequence), beside.now);
        let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made };
        beside.node.hear(beside.now, "beta", beside.generation, &(outgoing, None));
    }
    let now = beside.now;
    beside.node.turn(now);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [], "the peer is at work");
}

/// This node gives everything away, but one of two groups cannot be stopped: the peer is never told
/// that this node is done, and waits for an hour.
#[test]
fn hand_over_to_c_node_with_stuck_group_leaves_no_stopped_group_down() {
    let mut beside = Beside::having_all();
    beside.node.stuck = Some(SECOND);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::All));
    beside.node.turn(now);
    beside.sent();
    beside.say(ask(GroupSet::All, Step::Other));
    let mut nowhere = 0;
    for _ in 0..3_000 {
        beside.pass(Duration::from_secs(1));
        let is_done = beside.has_said(&ask(GroupSet::All, Step::Done));
        nowhere += usize::from(!is_done && !beside.node.runs.contains(&FIRST));
    }
    let answers = &beside.node.answers;
    assert!(nowhere < 60, "the first ran nowhere for {nowhere} s, {answers:?}");
}

/// This node took the peer's group while the peer was away, has conceded it since, and cannot stop
/// it. Then it gives everything away.
#[test]
fn hand_over_to_c_node_does_not_wait_for_stuck_group_already_conceded() {
    let mut beside = Beside::conceded_and_stuck();
    beside.node.answers.clear();
    beside.sent();
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::All));
    beside.node.turn(now);
    assert!(beside.has_said(&ask(GroupSet::All, Step::Me)), "{:?}", beside.node.answers);
    beside.say(ask(GroupSet::All, Step::Other));
    let mut seconds = 0;
    while seconds < 3_000 && !beside.has_said(&ask(GroupSet::All, Step::Done)) {
        beside.pass(Duration::from_secs(1));
        seconds += 1;
    }
    assert!(seconds < 60, "the first ran nowhere for {seconds} s: {:?}", beside.node.answers);
}

/// The peer stood still for a moment, has declared this node dead, and has taken everything.
/// Returns for how many seconds this node keeps what the peer has too, at most a minute.
fn keeps_both(mut beside: Beside) -> u32 {
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    let mut seconds = 0;
    while seconds < 60 && beside.node.runs.contains(&FIRST) {
        beside.pass(Duration::from_secs(1));
        seconds += 1;
    }
    seconds
}

#[test]
fn group_held_on_both_sides_is_stopped_in_time_despite_promise_to_c_node() {
    assert!(keeps_both(Beside::joint_with(Failback::Off)) <= 4, "without a hand-over");
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(ask(GroupSet::Local, Step::Me));
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Other)));
    let both = keeps_both(beside);
    assert!(both <= 4, "both have it for {both} s");
}

#[test]
fn group_held_on_both_sides_is_stopped_in_time_despite_request_to_c_node() {
    for order in [Order::Standby(GroupSet::Local), Order::Takeover(GroupSet::Foreign)] {
        let mut beside = Beside::joint_with(Failback::Off);
        let now = beside.now;
        beside.node.order(now, order);
        beside.node.turn(now);
        assert!(beside.node.hands_over());
        let both = keeps_both(beside);
        assert!(both <= 4, "both have it for {both} s, {order:?}");
    }
}

/// The message that the peer lets go is lost and comes late. Before that, a person at the peer
/// repeats an order, which the peer refuses although it sends this node the request all the same.
#[test]
fn group_given_by_c_node_is_taken_when_report_arrives_after_second_request() {
    for again in [GroupSet::Local, GroupSet::All, GroupSet::Foreign] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(GroupSet::Local, Step::Me));
        let lost = beside.sequence + 1;
        beside.sequence = lost;
        beside.say(ask(again, Step::Me));
        let newest = std::mem::replace(&mut beside.sequence, lost - 1);
        beside.resource(GroupSet::None, false, Occasion::Standby);
        beside.sequence = newest;
        beside.pass(Duration::from_secs(5));
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.pass(Duration::from_mins(30));
        assert_eq!(beside.node.runs, [FIRST, SECOND], "{again:?}: nobody for half an hour");
    }
}

/// For a quarter of a minute no process can be created to stop what this node gives; then it can.
#[test]
fn hand_over_to_c_node_completes_once_stop_can_be_asked_again() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    beside.node.holds_jobs = true;
    beside.say(ask(GroupSet::Local, Step::Other));
    let begin = beside.now;
    while beside.now.since(begin) < Duration::from_secs(12) {
        let now = beside.now;
        for job in std::mem::take(&mut beside.node.held) {
            assert_eq!(job.action, Action::Stop);
            let outcome = Outcome::NotAsked;
            beside.node.cluster.handle(now, &Input::JobDone { job: job.id, outcome });
        }
        beside.pass(Duration::from_millis(200));
    }
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_secs(20));
    let (runs, answers) = (beside.node.runs.clone(), beside.node.answers.clone());
    assert!(
        beside.has_said(&ask(GroupSet::Local, Step::Done)),
        "runs {runs:?}, {answers:?}: the peer waits for an hour"
    );
}

/// The same, but this node gives back the peer's own set, which the peer does not take on its own.
#[test]
fn hand_back_to_c_node_with_stop_not_asked_leaves_no_group_down() {
    let mut beside = Beside::having_all();
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Foreign));
    beside.node.turn(now);
    beside.node.holds_jobs = true;
    beside.sent();
    beside.say(ask(GroupSet::Foreign, Step::Other));
    let begin = beside.now;
    while beside.now.since(begin) < Duration::from_secs(12) {
        let now = beside.now;
        for job in std::mem::take(&mut beside.node.held) {
            let outcome = Outcome::NotAsked;
            beside.node.cluster.handle(now, &Input::JobDone { job: job.id, outcome });
        }
        beside.pass(Duration::from_millis(200));
    }
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_mins(1));
    let answers = beside.node.answers.clone();
    let is_done = beside.has_said(&ask(GroupSet::Foreign, Step::Done));
    assert!(is_done || beside.node.runs.contains(&SECOND), "nobody: {answers:?}");
}

#[test]
fn group_order_beside_classic_peer_becomes_set_order_or_is_refused() {
    let mut beside = Beside::joint_with(Failback::Off);
    for (order, spoken) in [
        (Order::StandbyGroup(FIRST), ask(GroupSet::Local, Step::Me)),
        (Order::TakeoverGroup(SECOND), Message::TakeoverOrder { hold: GroupSet::Foreign }),
    ] {
        let now = beside.now;
        beside.node.order(now, order);
        beside.node.turn(now);
        assert_eq!(beside.sent(), [spoken]);
        beside.pass(Duration::from_mins(1));
        beside.node.answers.clear();
        beside.sent();
    }
    let mut settings = settings(A, Failback::Off);
    settings.groups[SECOND.index()].preferred = A;
    let mut beside = Beside::joint_of(settings);
    let now = beside.now;
    beside.node.order(now, Order::StandbyGroup(FIRST));
    beside.node.turn(now);
    assert_eq!(beside.node.answers, [refused(Refusal::SetsOnly)]);
    assert_eq!(beside.sent(), []);
}
