//! What happens to this node or to a C node while a hand-over between them is in progress.

use super::*;

/// The C node gives everything away, of which it has only its own set, and takes its time. This
/// node's executor lets go of this node's own group, which the C node never had.
#[test]
fn what_we_let_go_of_does_not_wait_for_a_peer_that_gives_everything() {
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
fn what_a_peer_let_go_of_is_taken_though_the_next_daemon_stood_still() {
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
fn an_order_that_a_peer_refuses_while_it_gives_ends_nothing() {
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
fn what_a_peer_lets_go_of_slowly_is_not_taken_though_it_was_asked_twice() {
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
fn what_has_failed_here_before_and_is_given_again_is_handed_back() {
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
            beside.node.runs, beside.node.cluster.groups[SECOND].row
        );
        beside.say(ask(GroupSet::Foreign, Step::Other));
        beside.pass(Duration::from_secs(1));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.say(ask(GroupSet::Foreign, Step::Done));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.pass(Duration::from_secs(40));
        assert_eq!(beside.node.runs, [FIRST]);
        assert!(!beside.node.cluster.hand_over.runs());
    }
}

/// A person at the C node orders something else while the C node gives; no node stood still, and no
/// daemon was killed.
#[test]
fn what_was_promised_is_kept_though_the_peer_asks_for_something_else() {
    let mut beside = Beside::being_given();
    beside.pass(Duration::from_secs(5));
    beside.say(ask(GroupSet::Local, Step::Me));
    beside.pass(Duration::from_millis(100));
    assert!(beside.node.cluster.hand_over.runs(), "the promise was dropped");
}

/// The C node has given its set, which takes its time to start here. Then the link from this node
/// is cut for a moment, and the C node declares this node dead, takes everything, and says so.
#[test]
fn what_a_peer_has_too_is_let_go_of_though_we_still_start_what_it_gave() {
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
fn what_a_peer_has_too_is_let_go_of_though_we_still_stop_what_we_give() {
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
