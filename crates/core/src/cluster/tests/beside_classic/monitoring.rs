//! Services that fail while they run beside a C node, which takes whole sets only.

use super::*;
use crate::{AfterCheck, Monitor};

/// This node's own service is checked, and never restarted before its set is offered.
fn monitored() -> Beside {
    let monitor = Monitor { every: Duration::from_secs(1), restarts: 0, ..Monitor::default() };
    let monitors = vec![(FIRST, 0, monitor)];
    Beside::joint_of(Settings { monitors, ..settings(A, Failback::On) })
}

fn moves(beside: &Beside) -> usize {
    let is_it =
        |event: &&Event| matches!(event, Event::CheckFailed { follows: AfterCheck::Moves, .. });
    beside.node.said.iter().filter(is_it).count()
}

#[test]
fn failed_service_is_offered_to_c_node_with_its_set_and_moves() {
    let mut beside = monitored();
    assert_eq!(beside.node.runs, [FIRST]);
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(2));
    assert_eq!(beside.sent(), [ask(GroupSet::Local, Step::Me)]);
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    let told = beside.sent();
    assert!(told.contains(&ask(GroupSet::Local, Step::Done)), "{told:?}");
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(30));
    assert_eq!((&beside.node.runs[..], moves(&beside)), (&[][..], 1), "the peer has it");
}

#[test]
fn failed_service_that_c_node_gives_back_rests_until_clear() {
    let mut beside = monitored();
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(2));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    let failures = beside.node.group(FIRST).failures;
    let failures: Vec<_> = failures.iter().map(|it| (&*it.node, it.action)).collect();
    assert_eq!(failures, [("alpha", Action::Monitor)], "it is known why");
    beside.say(ask(GroupSet::Foreign, Step::Me));
    beside.pass(Duration::from_millis(100));
    beside.resource(GroupSet::Local, false, Occasion::Standby);
    beside.say(ask(GroupSet::Foreign, Step::Done));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_mins(2));
    assert_eq!((&beside.node.runs[..], moves(&beside)), (&[][..], 1), "it failed on both");
    let now = beside.now;
    beside.node.order(now, Order::Retry(Some(FIRST)));
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [FIRST]);
}

/// World 920671 of checked services: the C node never answers.
#[test]
fn failed_service_that_c_node_does_not_take_is_restarted_after_a_minute() {
    let mut beside = monitored();
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(50));
    assert_eq!((beside.sent(), moves(&beside)), (vec![ask(GroupSet::Local, Step::Me)], 1));
    assert_eq!(beside.node.runs, [], "the C node may still answer");
    beside.pass(Duration::from_secs(20));
    assert_eq!(beside.node.runs, [FIRST]);
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(3));
    assert_eq!(beside.sent(), [ask(GroupSet::Local, Step::Me)], "it is asked again");
}

#[test]
fn set_of_failed_service_is_not_offered_while_another_group_of_it_is_held() {
    let mut with_both = settings(A, Failback::On);
    with_both.groups[1].preferred = A;
    let monitor = Monitor { every: Duration::from_secs(1), restarts: 0, ..Monitor::default() };
    with_both.monitors = vec![(FIRST, 0, monitor)];
    let mut beside = Beside::joint_of(with_both);
    let now = beside.now;
    beside.node.order(now, Order::Hold(Some(SECOND), Duration::from_mins(10)));
    beside.node.runs.retain(|group| *group != FIRST);
    beside.pass(Duration::from_secs(30));
    assert_eq!(beside.sent(), [], "the other group would move too");
    beside.pass(Duration::from_secs(40));
    assert_eq!(beside.node.runs.len(), 2, "it is restarted instead");
}

#[test]
fn own_service_that_cannot_be_started_again_moves_to_c_node() {
    let monitor = Monitor { every: Duration::from_secs(1), ..Monitor::default() };
    let monitors = vec![(FIRST, 0, monitor)];
    let mut beside = Beside::joint_of(Settings { monitors, ..settings(A, Failback::On) });
    beside.node.fails = Some(FIRST);
    beside.node.runs.clear();
    beside.pass(Duration::from_secs(3));
    assert_eq!(moves(&beside), 0, "it had restarts left");
    assert_eq!(beside.sent(), [ask(GroupSet::Local, Step::Me)]);
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_mins(1));
    let asked = beside.sent().into_iter().filter(|it| *it == ask(GroupSet::Local, Step::Me));
    assert_eq!(asked.count(), 0, "the peer has it");
    assert!(beside.node.has_failed(FIRST), "it is known why");
}
