//! What a C node says about what it holds, and what it does not say. Each case was found by a
//! simulated world with a scripted C node.

use super::*;

#[test]
fn c_node_heard_after_initdead_is_asked_and_groups_held_twice_are_stopped() {
    let mut beside = Beside::new(Failback::Off);
    beside.silence(INITDEAD + Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST, SECOND], "it was never heard");
    beside.sent();
    beside.status(NodeStatus::Active);
    beside.pass(Duration::from_secs(1));
    assert!(beside.sent().contains(&Message::Starting));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(4));
    assert_eq!(beside.node.runs, [], "it does not restart");
}

#[test]
fn node_after_pause_starts_nothing_before_c_node_reports_its_groups() {
    let mut beside = Beside::joint();
    beside.now = beside.now + Duration::from_secs(5);
    beside.status(NodeStatus::Active);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.node.runs.clear();
    beside.pass(Duration::from_millis(2_500));
    assert_eq!(beside.sent(), [], "it may be about to restart itself");
    beside.pass(Duration::from_secs(3));
    assert_eq!(beside.node.runs, []);
    assert!(beside.sent().contains(&Message::Starting));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn report_resent_by_c_node_does_not_override_later_report() {
    let mut beside = Beside::joint();
    let held = beside.sequence;
    beside.sequence += 1;
    beside.resource(GroupSet::Local, true, Occasion::Report);
    let newest = std::mem::replace(&mut beside.sequence, held);
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.sequence = newest;
    beside.pass(Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST], "the peer holds its own");
}

/// The message that announced the peer's stop was lost together with others.
#[test]
fn group_missing_in_report_of_unsettled_c_node_is_not_taken() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_secs(20));
    assert_eq!(beside.node.runs, [FIRST], "it may still stop its own");
    beside.say(Message::Shutdone);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}

#[test]
fn c_node_falling_silent_with_all_groups_is_conceded_nothing() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_millis(2_800));
    beside.silence(Duration::from_secs(3));
    assert!(beside.node.counts_dead(B));
    assert_eq!(beside.node.runs, [FIRST, SECOND], "the first was never stopped");
    let is_stop = |event: &Event| {
        matches!(event, Event::Ownership { group, phase, .. }
            if *group == FIRST && *phase == Phase::Stopping)
    };
    assert!(!beside.node.said.iter().any(is_stop), "{:?}", beside.node.said);
}

/// A person's order at the peer, which the peer itself refuses, is heard here all the same.
#[test]
fn promise_to_c_node_that_begins_nothing_ends() {
    let mut beside = Beside::joint();
    beside.say(ask(GroupSet::Local, Step::Me));
    assert!(beside.sent().contains(&ask(GroupSet::Local, Step::Other)));
    beside.pass(Duration::from_secs(16));
    let is_over = |event: &Event| matches!(event, Event::HandOver(HandOverEvent::NoReply));
    assert!(beside.node.said.iter().any(is_over), "{:?}", beside.node.said);
}

#[test]
fn set_not_held_by_settled_c_node_is_run_and_reported() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST, SECOND], "it looks only once whether it should");
    let told = report(GroupSet::All, true, Occasion::Report);
    assert!(beside.sent().contains(&told), "and is told");
}

/// The set that this node holds, as last reported to the peer.
fn last_report(sent: &[Message]) -> Option<GroupSet> {
    sent.iter().rev().find_map(|message| {
        if let Message::Resource { hold, full: true, .. } = message { Some(*hold) } else { None }
    })
}

/// The peer is restarted in the middle of a hand-over to it that a person ordered.
#[test]
fn group_never_taken_by_restarted_c_node_is_run_and_reported() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    assert_eq!(beside.node.runs, [], "given");
    (beside.generation, beside.sequence) = (2, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_mins(1));
    assert_eq!(beside.node.runs, [FIRST], "nobody else has it");
    let sent = beside.sent();
    assert_eq!(last_report(&sent), Some(GroupSet::Local), "{sent:?}");
}

/// The peer is restarted while it gives this node its set.
#[test]
fn set_that_c_node_was_giving_before_restart_is_left_to_c_node() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(ask(GroupSet::Local, Step::Me));
    beside.resource(GroupSet::None, false, Occasion::Standby);
    (beside.generation, beside.sequence) = (2, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_mins(1));
    assert_eq!(beside.node.runs, [FIRST]);
    assert!(!beside.node.hands_over());
}

/// This node's own set was given to the peer, and the peer says later that it has nothing of this
/// node.
#[test]
fn own_set_no_longer_held_by_settled_c_node_is_run_and_reported() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, []);
    beside.sent();
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_mins(1));
    assert_eq!(beside.node.runs, [FIRST], "nobody else has it");
    let sent = beside.sent();
    assert_eq!(last_report(&sent), Some(GroupSet::Local), "{sent:?}");
}
