//! Messages that were lost on the way come late, in any order, or are requested when they are void.

use super::*;
use crate::HandOverEvent;
use crate::ProgressStage;

impl Beside {
    /// Sends a message under the sequence that it had when it was lost.
    fn say_late(&mut self, sequence: u64, message: Message) {
        let newest = std::mem::replace(&mut self.sequence, sequence - 1);
        self.say(message);
        self.sequence = newest;
    }

    /// Requests a message of this node again. Returns whether it is sent.
    fn gets_again(&mut self, number: u64) -> bool {
        self.pass(Duration::from_millis(300));
        self.node.sent.clear();
        self.say(Message::Rexmit { first: number, last: number });
        let is_it = |(outgoing, _): &(Outgoing, _)| outgoing.sequence == Some(number);
        let is_refusal = |message: &Message| matches!(message, Message::Nak { sequence, .. } if *sequence == number);
        let is_sent = self.node.sent.iter().any(is_it);
        assert!(is_sent || self.sent().iter().any(is_refusal), "it gets an answer");
        is_sent
    }
}

/// The sequence under which a message was last sent.
fn number_of(beside: &Beside, wanted: &Message) -> u64 {
    let found = beside.node.sent.iter().rev().find(|(outgoing, _)| outgoing.message == *wanted);
    found.and_then(|(outgoing, _)| outgoing.sequence).expect("it was said")
}

/// The peer gives its set away, declares this node dead while the link is cut, and takes the set
/// again.
#[test]
fn done_arriving_late_waits_for_missing_messages_of_c_node() {
    for takes_again in [false, true] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(GroupSet::Local, Step::Me));
        beside.resource(GroupSet::None, false, Occasion::Standby);
        beside.pass(KEEPALIVE);
        let (done, later) = (beside.sequence + 1, beside.sequence + 2);
        beside.sequence = later;
        beside.status(NodeStatus::Active);
        beside.say_late(done, ask(GroupSet::Local, Step::Done));
        assert_eq!(beside.node.runs, [FIRST], "something is missing");
        let status =
            Message::Status { status: NodeStatus::Active, deadtime: DEADTIME, flow_control: true };
        let lost =
            if takes_again { report(GroupSet::All, true, Occasion::Acquired) } else { status };
        beside.say_late(later, lost);
        beside.pass(Duration::from_millis(300));
        let takes = if takes_again { vec![FIRST] } else { vec![FIRST, SECOND] };
        assert_eq!(beside.node.runs, takes, "{takes_again}");
    }
}

/// A report that was sent before the hand-over, when the peer had nothing.
#[test]
fn report_from_before_done_arriving_late_does_not_change_owner() {
    let mut beside = Beside::joint_with(Failback::Off);
    let late = beside.sequence + 1;
    beside.sequence = late;
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.say_late(late, report(GroupSet::Local, true, Occasion::Report));
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [], "the peer has it");
    assert_eq!(beside.node.owner(FIRST), Some(B));
}

#[test]
fn hand_over_request_that_has_timed_out_is_not_resent() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    let wish = ask(GroupSet::Local, Step::Me);
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    let number = number_of(&beside, &wish);
    beside.pass(Duration::from_secs(11));
    let is_over = |event: &Event| matches!(event, Event::HandOver(HandOverEvent::NoReply));
    assert!(beside.node.said.iter().any(is_over), "{:?}", beside.node.said);
    assert!(!beside.gets_again(number));
}

#[test]
fn starting_message_answered_or_to_dead_c_node_is_not_resent() {
    for dies in [false, true] {
        let mut beside = Beside::new(Failback::Off);
        beside.silence(INITDEAD + Duration::from_secs(2));
        beside.sent();
        beside.status(NodeStatus::Active);
        beside.pass(Duration::from_secs(1));
        let number = number_of(&beside, &Message::Starting);
        if dies {
            beside.silence(DEADTIME + Duration::from_secs(1));
            assert!(beside.node.counts_dead(B));
        } else {
            beside.resource(GroupSet::None, true, Occasion::Report);
        }
        assert!(!beside.gets_again(number), "{dies}");
    }
}

/// The peer's first message is lost, and comes when the peer has long said that it is settled.
#[test]
fn starting_message_arriving_late_does_not_unsettle_c_node() {
    let mut beside = Beside::new(Failback::Off);
    beside.silence(INITDEAD + Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Up);
    beside.status(NodeStatus::Active);
    let late = beside.sequence + 1;
    beside.sequence = late;
    beside.pass(Duration::from_secs(1));
    assert!(beside.sent().contains(&Message::Starting), "it is asked");
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.say_late(late, Message::Starting);
    beside.pass(Duration::from_secs(2));
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(SECOND));
    beside.node.runs.retain(|group| *group != SECOND);
    beside.pass(Duration::from_mins(5));
    assert_eq!(beside.node.runs, [FIRST, SECOND], "nobody has the second");
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    assert_eq!(beside.node.answers, [], "an order is not refused at once");
}

/// The C node never says that it is done, nor what it holds.
#[test]
fn hand_over_that_c_node_never_completes_is_ended_after_an_hour() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_mins(59));
    assert!(beside.node.hands_over());
    beside.pass(Duration::from_mins(5));
    assert!(!beside.node.hands_over());
}

/// The link was cut while the C node started, for longer than its joint start and shorter than a
/// dead time; the lost messages are sent again, and come in either order.
#[test]
fn group_of_c_node_goes_home_in_any_order_of_its_start_messages() {
    for is_last in [false, true] {
        let mut beside = Beside::new(Failback::On);
        beside.silence(INITDEAD + Duration::from_secs(2));
        assert_eq!(beside.node.runs, [FIRST, SECOND]);
        beside.status(NodeStatus::Init);
        beside.status(NodeStatus::Up);
        let (starting, settled) = (beside.sequence + 2, beside.sequence + 3);
        beside.sequence = settled;
        beside.status(NodeStatus::Active);
        let lost = [
            (starting, Message::Starting),
            (settled, report(GroupSet::None, true, Occasion::Report)),
        ];
        let order = if is_last { [1, 0] } else { [0, 1] };
        // Both messages wait in the socket when this node wakes up.
        for place in order {
            let (number, message) = lost[place].clone();
            let (sequence, made) = (Some(number), beside.now);
            let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made };
            beside.node.hear(beside.now, "beta", 1, &(outgoing, None));
        }
        beside.say_late(starting - 1, Message::RequestNodes);
        beside.pass(Duration::from_mins(5));
        let asked = beside.sent().contains(&ask(GroupSet::Foreign, Step::Me));
        assert!(asked, "the second never goes home: {is_last}");
    }
}

/// A set of the peer has not started here, and is to go back while this node's own set is being
/// given to it. The control thread takes the last plan for the state of the hand-over, which makes
/// `hb restart` refuse.
#[test]
fn hand_over_in_progress_reports_no_progress_of_another_plan() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.node.fails = Some(SECOND);
    beside.say(ask(GroupSet::Local, Step::Me));
    beside.resource(GroupSet::None, false, Occasion::Standby);
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(20));
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(GroupSet::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    let last = beside.node.progress().last().map(|plan| plan.stage);
    assert_eq!(last, Some(ProgressStage::Released));
    beside.node.said.clear();
    beside.pass(Duration::from_mins(10));
    assert!(beside.node.hands_over());
    let is_plan = |event: &&Event| matches!(event, Event::HandOverProgress(_));
    let plans: Vec<_> = beside.node.said.iter().filter(is_plan).collect();
    assert!(plans.is_empty(), "{} plans, the first is {:?}", plans.len(), plans[0]);
}

/// This node stands still for longer than a permit, but not long enough to be dead to the peer,
/// while the peer gives this node its set.
#[test]
fn group_given_by_c_node_during_pause_of_taker_is_started() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(ask(GroupSet::Local, Step::Me));
    assert!(beside.sent().contains(&ask(GroupSet::Local, Step::Other)));
    beside.resource(GroupSet::None, false, Occasion::Standby);
    beside.now = beside.now + DEADTIME.saturating_sub(KEEPALIVE / 2);
    beside.status(NodeStatus::Active);
    beside.say(ask(GroupSet::Local, Step::Done));
    for _ in 0..60 {
        beside.pass(Duration::from_secs(1));
        if beside.sent().contains(&Message::Starting) {
            // The peer is in the middle of a hand-over, and waits for this node's "done".
            beside.resource(GroupSet::None, false, Occasion::Report);
        }
    }
    assert_eq!(beside.node.runs, [FIRST, SECOND], "nobody has the second for a minute");
}

/// The peer's first message is lost, this node asks the peer at once and it answers that it holds
/// nothing, and then the first message is sent again: a starting C node takes its own set after 10
/// s if it was not told which node has the set.
#[test]
fn starting_message_resent_after_report_of_c_node_is_answered() {
    let mut beside = Beside::new(Failback::Off);
    beside.silence(INITDEAD + Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Up);
    beside.say(Message::RequestNodes);
    beside.status(NodeStatus::Active);
    let lost = beside.sequence + 1;
    beside.sequence = lost;
    beside.pass(Duration::from_millis(500));
    assert!(beside.sent().contains(&Message::Starting), "it is asked");
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_millis(500));
    beside.say_late(lost, Message::Starting);
    beside.pass(Duration::from_secs(9));
    let sent = beside.sent();
    let told = report(GroupSet::All, true, Occasion::Report);
    let holds = beside.node.runs.clone();
    assert!(sent.contains(&told), "we run {holds:?}, and it is not told: {sent:?}");
}

/// The C node has this node's set too. The stop of a service fails while the executor, which stands
/// still, has not answered for the addresses that are stopped beside it. This node rests until the
/// executor answers.
#[test]
fn node_with_failed_stop_rests_while_addresses_are_being_stopped() {
    let mut settings = settings(A, Failback::Off);
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    let spec = crate::AddressSpec { address, prefix: None, interface: None, broadcast: None };
    let kind = ResourceKind::Address(spec);
    settings.groups[0].resources.insert(0, Resource { word: address.to_string(), kind });
    let mut beside = Beside::new(Failback::Off);
    beside.node = Node::with(settings, 1);
    beside.silence(INITDEAD + Duration::from_secs(2));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.node.holds_jobs = true;
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.node.turn(now);
    let slow = beside.node.held[0];
    assert_eq!(slow.first, 1, "the service is being stopped");
    beside.status(NodeStatus::Active);
    beside.pass(Duration::from_secs(4));
    beside.resource(GroupSet::Foreign, true, Occasion::Report);
    beside.pass(Duration::from_secs(10));
    assert_eq!(beside.node.owner(FIRST), Some(B));
    assert_eq!(beside.node.held.len(), 2, "the address goes beside it");
    let (now, outcome) = (beside.now, Outcome::Failed(1));
    beside.node.cluster.handle(now, &Input::JobDone { job: slow.id, outcome });
    beside.silence(Duration::from_secs(3));
}
