//! What happens to this node or to a C node while a hand-over between them is in progress.

use super::*;

/// The C node gives everything away, of which it has only its own set, and takes its time. This
/// node's executor lets go of this node's own group, which the C node never had.
#[test]
fn group_let_go_by_executor_is_started_again_while_c_node_gives() {
    for hold in [GroupSet::Local, GroupSet::All] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(hold, Step::Me));
        beside.resource(GroupSet::None, false, Occasion::Standby);
        beside.pass(Duration::from_secs(1));
        let now = beside.now;
        beside.node.runs.retain(|it| *it != FIRST);
        beside.node.cluster.handle(now, &Input::LetGo(FIRST));
        beside.pass(Duration::from_mins(30));
        assert_eq!(beside.node.runs, [FIRST], "{hold:?}: nobody has it for half an hour");
    }
}

/// The C node says that it is done while no daemon is running here; the next daemon stands still
/// for a moment.
#[test]
fn group_given_to_killed_taker_is_taken_despite_pause_of_next_daemon() {
    for paused in [false, true] {
        let mut beside = Beside::being_given();
        beside.kill();
        beside.comes_back_beside(GroupSet::None);
        beside.pass(Duration::from_secs(5));
        if paused {
            beside.stands_still();
        }
        for _ in 0..40 * 60 {
            beside.pass(Duration::from_secs(1));
            if beside.sent().contains(&Message::Starting) {
                beside.resource(GroupSet::None, true, Occasion::Report);
            }
        }
        assert_eq!(beside.node.runs, [FIRST, SECOND], "paused {paused}: nobody for 40 minutes");
    }
}

/// A person at the C node repeats the order that is in progress; the C node refuses that, but has
/// sent the request all the same.
#[test]
fn hand_over_from_c_node_survives_second_request_refused_by_c_node() {
    for (again, stable) in
        [(GroupSet::Local, false), (GroupSet::All, false), (GroupSet::Foreign, false)]
    {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(GroupSet::Local, Step::Me));
        beside.resource(GroupSet::None, stable, Occasion::Standby);
        beside.pass(Duration::from_secs(5));
        beside.say(ask(again, Step::Me));
        beside.pass(Duration::from_secs(5));
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.pass(Duration::from_mins(30));
        assert_eq!(beside.node.runs, [FIRST, SECOND], "{again:?}: nobody for half an hour");
    }
}

/// The C node takes two minutes to let go of its set, and a person there repeats the order, which
/// the C node refuses although it sends the request all the same. This node, which is not killed,
/// stood still for a moment before.
#[test]
fn taker_after_pause_waits_for_done_of_c_node_despite_repeated_request() {
    for twice in [false, true] {
        let mut beside = Beside::being_given();
        beside.stands_still();
        for second in 0..120 {
            beside.pass(Duration::from_secs(1));
            if beside.sent().contains(&Message::Starting) {
                beside.resource(GroupSet::None, true, Occasion::Report);
            }
            if twice && second == 10 {
                beside.say(ask(GroupSet::Local, Step::Me));
            }
            let runs = &beside.node.runs;
            assert_eq!(*runs, [FIRST], "the peer is at work, {second} s, twice {twice}");
        }
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.pass(Duration::from_secs(1));
        assert_eq!(beside.node.runs, [FIRST, SECOND], "twice {twice}");
    }
}

/// The C node gives two groups, one of which has failed here before.
#[test]
fn group_given_again_after_failed_start_is_handed_back_to_c_node() {
    let mut beside = Beside::new(Failback::Off);
    let mut settings = settings(A, Failback::Off);
    let mut third = settings.groups[1].clone();
    third.key = GroupKey::of(["third"]);
    third.resources = vec![agent("third")];
    settings.groups.push(third);
    beside.node = Node::with(settings, 1);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Up);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_secs(11));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    beside.node.fails = Some(SECOND);
    for round in 0..2 {
        beside.sent();
        beside.say(ask(GroupSet::Local, Step::Me));
        beside.resource(GroupSet::None, false, Occasion::Standby);
        beside.pass(Duration::from_secs(1));
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.resource(GroupSet::None, true, Occasion::Report);
        beside.pass(Duration::from_mins(1));
        let sent = beside.sent();
        let wants = sent.contains(&ask(GroupSet::Foreign, Step::Me));
        assert!(
            wants,
            "round {round}: {:?} {:?} {sent:?}",
            beside.node.runs,
            beside.node.row(SECOND)
        );
        beside.say(ask(GroupSet::Foreign, Step::Other));
        beside.pass(Duration::from_secs(1));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.say(ask(GroupSet::Foreign, Step::Done));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.pass(Duration::from_secs(40));
        assert_eq!(beside.node.runs, [FIRST]);
        assert!(!beside.node.hands_over());
    }
}

/// A person at the C node orders something else while the C node gives; no node stood still, and no
/// daemon was killed.
#[test]
fn promise_to_c_node_survives_further_request() {
    let mut beside = Beside::being_given();
    beside.pass(Duration::from_secs(5));
    beside.say(ask(GroupSet::Local, Step::Me));
    beside.pass(Duration::from_millis(100));
    assert!(beside.node.hands_over(), "the promise was dropped");
}

/// The C node has given its set, which takes its time to start here. Then the link from this node
/// is cut for a moment, and the C node declares this node dead, takes everything, and says so.
#[test]
fn group_held_on_both_sides_is_stopped_while_given_group_still_starts() {
    let mut beside = Beside::being_given();
    beside.node.holds_jobs = true;
    beside.say(ask(GroupSet::Local, Step::Done));
    assert!(beside.node.held.iter().any(|job| job.group == SECOND), "it starts");
    // Only that start takes its time.
    beside.node.holds_jobs = false;
    beside.pass(Duration::from_secs(5));
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.pass(Duration::from_mins(2));
    assert_eq!(beside.node.runs, [], "both have the first for two minutes");
}

/// This node gives the C node its set back, the stop takes its time, and the C node declares this
/// node dead as above.
#[test]
fn group_held_on_both_sides_is_stopped_while_given_group_still_stops() {
    let mut beside = Beside::being_given();
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Foreign));
    beside.node.turn(now);
    beside.node.holds_jobs = true;
    beside.say(ask(GroupSet::Foreign, Step::Other));
    assert!(beside.node.held.iter().any(|job| job.group == SECOND), "it stops");
    beside.node.holds_jobs = false;
    beside.pass(Duration::from_secs(5));
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.pass(Duration::from_mins(2));
    assert!(!beside.node.runs.contains(&FIRST), "both have the first for two minutes");
}
