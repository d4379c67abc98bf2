//! Which node has a group when both have, or had, a reason to: heals, pauses, stops and starts.

use super::*;

#[test]
fn node_at_heal_with_c_node_gives_up_taken_group_and_keeps_own_group() {
    let mut beside = Beside::joint();
    beside.silence(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.sent();
    beside.status(NodeStatus::Active);
    beside.pass(Duration::from_millis(100));
    assert_eq!(beside.node.runs, [FIRST], "the peer has the second, too");
    assert!(!beside.sent().iter().any(|message| matches!(message, Message::Resource { .. })));
    beside.pass(Duration::from_secs(2));
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    assert_eq!(beside.node.runs, [FIRST]);
    beside.say(Message::Shutdone);
    beside.pass(Duration::from_millis(100));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}

#[test]
fn group_taken_by_c_node_during_pause_is_not_started_until_shutdone() {
    let mut beside = Beside::joint();
    beside.now = beside.now + Duration::from_secs(5);
    beside.resource(GroupSet::All, true, Occasion::Report);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [], "the peer has everything");
    beside.say(Message::Shutdone);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}

#[test]
fn group_taken_by_c_node_is_not_started_until_announced_stop_is_done() {
    let mut beside = Beside::joint();
    beside.now = beside.now + Duration::from_secs(5);
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    // B restarts because of A, whose own agent has needed as long for its stop.
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(15));
    assert_eq!(beside.node.runs, [], "the peer stops everything still");
    beside.say(Message::Shutdone);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}

#[test]
fn group_that_c_node_keeps_too_is_stopped_here() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_millis(2900));
    assert_eq!(beside.node.runs, [FIRST], "it may be about to restart");
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, []);
    let sent = beside.sent();
    let unstable = report(GroupSet::None, false, Occasion::Standby);
    let stable = report(GroupSet::None, true, Occasion::Report);
    let place = |message: &Message| sent.iter().position(|said| said == message);
    let told = place(&unstable);
    assert!(told.is_some() && told < place(&stable), "{sent:?}");
}

#[test]
fn group_handed_back_by_thawed_c_node_with_all_groups_is_started() {
    let mut beside = Beside::joint();
    beside.silence(Duration::from_secs(1));
    beside.status(NodeStatus::Active);
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.pass(Duration::from_millis(3300));
    assert_eq!(beside.node.runs, [], "the peer has everything, and does not restart");
    beside.sent();
    let step = |step| Message::AskResources {
        hold: GroupSet::Foreign,
        step,
        ipfail: false,
        by_order: false,
    };
    beside.say(step(Step::Me));
    assert!(beside.sent().contains(&step(Step::Other)));
    beside.resource(GroupSet::Local, false, Occasion::Standby);
    beside.say(step(Step::Done));
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn group_held_on_both_sides_is_kept_here_when_c_node_announces_stop() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn leaving_node_does_not_end_before_c_node_has_taken_over() {
    let mut beside = Beside::joint();
    let now = beside.now;
    beside.node.order(now, Order::Stop);
    beside.pass(Duration::from_millis(300));
    assert!(beside.sent().contains(&Message::Shutdone));
    let sequence = beside.node.last_sequence();
    beside.say(Message::Ack { sequence });
    beside.pass(Duration::from_secs(3));
    assert!(!beside.node.has_ended, "it still starts what was ours");
    let done = Message::AskResources {
        hold: GroupSet::All,
        step: Step::Done,
        ipfail: false,
        by_order: false,
    };
    beside.say(done);
    beside.pass(Duration::from_millis(100));
    assert!(beside.node.has_ended);
}

#[test]
fn stable_report_waits_for_stop_of_group_left_by_earlier_run() {
    let mut beside = Beside::new(Failback::On);
    beside.node.holds_jobs = true;
    beside.node.cluster.handle(Time::START, &Input::LetGo(FIRST));
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: " ".into() });
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    let stable = report(GroupSet::None, true, Occasion::Report);
    assert!(!beside.sent().contains(&stable), "what an earlier run left is not stopped");
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_millis(100));
    assert!(beside.sent().contains(&stable));
}

/// The C node comes back with a higher generation and without groups.
fn restart(beside: &mut Beside) {
    (beside.generation, beside.sequence) = (beside.generation + 1, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
}

#[test]
fn c_node_restarting_after_heal_is_offered_its_group_despite_failback_off() {
    let mut beside = Beside::joint_with(Failback::Off);
    let offer = Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Me,
        ipfail: false,
        by_order: false,
    };
    beside.say(Message::Shutdone);
    beside.silence(Duration::from_secs(1));
    restart(&mut beside);
    assert!(!beside.sent().contains(&offer), "there is no failback");
    beside.silence(Duration::from_secs(1));
    beside.status(NodeStatus::Active);
    beside.say(Message::Shutdone);
    beside.silence(Duration::from_secs(1));
    restart(&mut beside);
    assert!(beside.sent().contains(&offer), "it restarts because it saw us return");
}

/// After a cut in which this node's daemon was restarted, the peer has everything too, and gives
/// this node's set back as soon as it hears that this node is settled.
#[test]
fn c_node_offer_of_group_held_on_both_sides_is_accepted() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.sent();
    beside.say(ask(GroupSet::Foreign, Step::Me));
    beside.pass(Duration::from_millis(100));
    assert!(beside.has_said(&ask(GroupSet::Foreign, Step::Other)), "it gives once, and only then");
}
