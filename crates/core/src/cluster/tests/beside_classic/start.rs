//! A Systole node that starts beside a C node.

use super::*;

#[test]
fn start_beside_c_node_asks_for_node_list_and_then_says_starting() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Up);
    assert_eq!(beside.sent(), [Message::RequestNodes]);
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.sent(), [Message::RequestNodes], "asked again");
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    let sent = beside.sent();
    assert!(sent.contains(&Message::Starting), "{sent:?}");
}

/// The request no longer belongs to anyone, whichever node ends: each turn checks whether this node
/// comes to rest.
#[test]
fn c_node_dying_before_reply_with_node_list_ends_the_request() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Up);
    assert_eq!(beside.sent(), [Message::RequestNodes]);
    beside.silence(INITDEAD + Duration::from_secs(2));
    assert!(beside.node.counts_dead(B));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.sent();
    beside.silence(Duration::from_secs(2));
    assert_eq!(beside.sent(), []);
}

#[test]
fn stop_order_while_node_list_is_requested_ends_node() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Up);
    let now = beside.now;
    beside.node.order(now, Order::Stop);
    beside.silence(Duration::from_secs(6));
    assert!(beside.node.has_ended);
}

#[test]
fn joint_start_runs_own_group_once_c_node_reports_no_groups() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Up);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.say(Message::Starting);
    assert!(beside.sent().contains(&report(GroupSet::None, false, Occasion::Report)));
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [], "nobody knows yet what it has");
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST]);
    let order = Message::GroupGrant { key: "first".into(), owned: true, granted: true };
    let acquired = report(GroupSet::Local, true, Occasion::Acquired);
    let said = [report(GroupSet::Local, true, Occasion::Report), order, acquired];
    let sent = beside.sent();
    assert!(sent.ends_with(&said), "{sent:?}");
}

#[test]
fn start_beside_stopping_c_node_waits_for_shutdone() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: " ".into() });
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.pass(Duration::from_secs(9));
    assert_eq!(beside.node.runs, [], "it still stops what it has");
    beside.pass(Duration::from_mins(1));
    assert_eq!(beside.node.runs, [], "however long that takes");
    beside.say(Message::Shutdone);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}

#[test]
fn node_joining_c_node_with_all_groups_waits_for_its_hand_over() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [], "the peer holds it");
    assert!(beside.sent().contains(&report(GroupSet::None, true, Occasion::Report)));
    beside.say(Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Me,
        ipfail: false,
        by_order: false,
    });
    let other = Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Other,
        ipfail: false,
        by_order: false,
    };
    assert!(beside.sent().contains(&other));
    beside.resource(GroupSet::Local, false, Occasion::Standby);
    assert_eq!(beside.node.runs, [], "an announced intent is not a stop");
    beside.say(Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Done,
        ipfail: false,
        by_order: false,
    });
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [FIRST]);
    let done = Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Done,
        ipfail: false,
        by_order: false,
    };
    assert!(beside.sent().contains(&done));
}
