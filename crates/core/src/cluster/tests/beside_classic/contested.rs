//! Which node has a group when both have, or had, a reason to: heals, pauses, stops and starts.

use super::*;

#[test]
fn at_a_heal_what_was_taken_is_given_up_and_what_was_had_is_kept() {
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
fn what_a_peer_took_while_we_stood_still_is_its_own() {
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
fn what_a_peer_took_is_its_own_until_the_stop_that_it_announced_is_done() {
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
fn what_a_peer_does_not_let_go_of_is_let_go_of_here() {
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
fn a_thawed_peer_that_has_everything_hands_back_what_it_took() {
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
fn a_peer_that_restarts_by_itself_settles_what_both_have() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn who_leaves_is_heard_until_a_classic_peer_has_taken_over() {
    let mut beside = Beside::joint();
    let now = beside.now;
    beside.node.order(now, Order::Stop);
    beside.pass(Duration::from_millis(300));
    assert!(beside.sent().contains(&Message::Shutdone));
    let sequence = beside.node.cluster.history.next() - 1;
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
fn stable_is_said_when_nothing_is_being_stopped_any_more() {
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
fn a_restart_after_a_heal_costs_a_peer_nothing_and_any_other_one_its_groups() {
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
fn what_a_peer_has_too_and_gives_back_by_itself_is_not_refused() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.sent();
    beside.say(ask(GroupSet::Foreign, Step::Me));
    beside.pass(Duration::from_millis(100));
    assert!(beside.has_said(&ask(GroupSet::Foreign, Step::Other)), "it gives once, and only then");
}
