//! One Systole node beside a C node, whose messages are given here as a capture of two C nodes
//! shows them.

use super::*;

mod contested;
mod course;
mod killed;
mod lost_words;
mod meanwhile;
mod monitoring;
mod network;
mod reports;
mod returns;
mod start;

/// The Systole node is A; the C node is B.
struct Beside {
    node: Node,
    now: Time,
    sequence: u64,
    generation: u64,
}

impl Beside {
    fn new(failback: Failback) -> Self {
        Self { node: Node::new(A, failback, 1), now: Time::START, sequence: 0, generation: 1 }
    }

    fn say(&mut self, message: Message) {
        let sequence = message.is_sequenced().then(|| {
            self.sequence += 1;
            self.sequence
        });
        let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made: self.now };
        self.node.hear(self.now, "beta", self.generation, &(outgoing, None));
        self.node.turn(self.now);
    }

    fn status(&mut self, status: NodeStatus) {
        self.say(Message::Status { status, deadtime: DEADTIME, flow_control: true });
    }

    fn resource(&mut self, hold: GroupSet, stable: bool, occasion: Occasion) {
        self.say(Message::Resource { hold, full: true, stable: Some(stable), occasion });
    }

    /// Lets time pass; the C node beats.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + KEEPALIVE / 2;
            self.status(NodeStatus::Active);
        }
    }

    /// Lets time pass without any message of the C node.
    fn silence(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now = self.now + Duration::from_millis(10);
            self.node.turn(self.now);
        }
    }

    fn sent(&mut self) -> Vec<Message> {
        let sent = std::mem::take(&mut self.node.sent);
        let message = |(outgoing, _): (Outgoing, _)| outgoing.message;
        let is_talk =
            |message: &Message| !matches!(message, Message::Status { .. } | Message::Ack { .. });
        sent.into_iter().map(message).filter(is_talk).collect()
    }

    /// The C node's daemon restarts, and says so.
    fn starts_anew(&mut self) {
        (self.generation, self.sequence) = (2, 0);
        self.status(NodeStatus::Init);
        self.status(NodeStatus::Up);
        self.status(NodeStatus::Active);
        self.say(Message::Starting);
    }

    /// Both have started, and each holds its own set.
    fn joint() -> Self {
        Self::joint_with(Failback::On)
    }

    fn joint_with(failback: Failback) -> Self {
        Self::joint_of(settings(A, failback))
    }

    fn joint_of(settings: Settings) -> Self {
        let node = Node::with(settings, 1);
        let mut beside = Self { node, now: Time::START, sequence: 0, generation: 1 };
        beside.status(NodeStatus::Init);
        beside.status(NodeStatus::Up);
        beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        beside.say(Message::Starting);
        beside.resource(GroupSet::None, false, Occasion::Report);
        beside.pass(Duration::from_secs(11));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.pass(Duration::from_secs(1));
        beside.sent();
        beside
    }
}

fn ask(hold: GroupSet, step: Step) -> Message {
    Message::AskResources { hold, step, ipfail: false, by_order: false }
}

fn report(hold: GroupSet, stable: bool, occasion: Occasion) -> Message {
    Message::Resource { hold, full: true, stable: Some(stable), occasion }
}

/// The report of the takeover script.
fn taken_over() -> Message {
    let occasion = Occasion::MachDown;
    Message::Resource { hold: GroupSet::Foreign, full: false, stable: None, occasion }
}

#[test]
fn standby_order_beside_c_node_follows_classic_steps() {
    let mut beside = Beside::joint();
    assert_eq!(beside.node.runs, [FIRST]);
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    let step = |step| Message::AskResources {
        hold: GroupSet::Local,
        step,
        ipfail: false,
        by_order: false,
    };
    assert_eq!(beside.sent(), [step(Step::Me)]);
    beside.say(step(Step::Other));
    beside.pass(Duration::from_millis(100));
    assert_eq!(beside.sent(), [report(GroupSet::None, false, Occasion::Standby), step(Step::Done)]);
    assert_eq!(beside.node.runs, []);
    beside.say(step(Step::Done));
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.answers, [Ok(())]);
    assert_eq!(beside.node.runs, [], "the peer has it");
}

#[test]
fn c_node_found_dead_is_taken_over_and_offered_its_group_on_return() {
    let mut beside = Beside::joint();
    beside.silence(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    let notice = Message::Stonith { node: "beta".into(), result: Fencing::NotConfigured };
    let said = [notice, report(GroupSet::All, true, Occasion::Acquired), taken_over()];
    let sent = beside.sent();
    assert!(sent.ends_with(&said), "{sent:?}");
    (beside.generation, beside.sequence) = (2, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    assert!(beside.sent().contains(&report(GroupSet::All, true, Occasion::Report)));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    let me = Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Me,
        ipfail: false,
        by_order: false,
    };
    assert!(beside.sent().contains(&me));
}

#[test]
fn c_node_stopping_is_taken_over_at_shutdone_and_not_at_announcement() {
    let mut beside = Beside::joint();
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.pass(Duration::from_millis(500));
    assert_eq!(beside.node.runs, [FIRST]);
    beside.sent();
    beside.say(Message::Shutdone);
    beside.node.turn(beside.now);
    beside.pass(Duration::from_millis(100));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    let done = Message::AskResources {
        hold: GroupSet::All,
        step: Step::Done,
        ipfail: false,
        by_order: false,
    };
    let [report, acquired] =
        [Occasion::Report, Occasion::Acquired].map(|o| report(GroupSet::All, true, o));
    assert_eq!(beside.sent(), [report, done, acquired, taken_over()]);
}

#[test]
fn node_list_is_sent_on_request_of_c_node() {
    let mut beside = Beside::new(Failback::On);
    beside.status(NodeStatus::Init);
    beside.sent();
    beside.say(Message::RequestNodes);
    let list = Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() };
    assert_eq!(beside.sent(), [list]);
}

#[test]
fn legacy_failback_requests_and_grants_groups_singly() {
    let mut beside = Beside::new(Failback::Legacy);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    let request = Message::GroupRequest { key: "first".into() };
    assert!(beside.sent().contains(&request));
    assert_eq!(beside.node.runs, []);
    beside.pass(Duration::from_millis(1100));
    assert!(beside.sent().contains(&request), "asked again");
    assert_eq!(beside.node.runs, []);
    beside.say(Message::GroupGrant { key: "first".into(), owned: true, granted: true });
    beside.pass(Duration::from_millis(200));
    assert_eq!(beside.node.runs, [FIRST]);
    beside.say(Message::GroupRequest { key: "second".into() });
    let grant = Message::GroupGrant { key: "second".into(), owned: false, granted: true };
    assert!(beside.sent().contains(&grant));
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.pass(Duration::from_millis(1200));
    assert!(beside.sent().contains(&request), "what was let go of is asked for again");
}

#[test]
fn group_request_repeated_while_group_stops_is_kept_and_granted_once() {
    let mut beside = Beside::new(Failback::Legacy);
    beside.silence(INITDEAD + Duration::from_millis(100));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    beside.node.holds_jobs = true;
    beside.status(NodeStatus::Active);
    for _ in 0..1_000 {
        beside.say(Message::GroupRequest { key: "second".into() });
    }
    beside.sent();
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_millis(200));
    let grant = Message::GroupGrant { key: "second".into(), owned: true, granted: true };
    assert_eq!(beside.sent(), [grant]);
}

#[test]
fn node_beside_c_node_acknowledges_one_in_ten_of_its_own_messages() {
    let mut beside = Beside::joint();
    beside.pass(KEEPALIVE * 20);
    let sent = std::mem::take(&mut beside.node.sent);
    let own = |(outgoing, _): &&(Outgoing, _)| outgoing.dest == Some(A);
    let own: Vec<_> = sent.iter().filter(own).map(|(outgoing, _)| outgoing).collect();
    assert_eq!(own.len(), 2, "one in ten: {own:?}");
    assert!(
        own.iter()
            .all(|own| matches!(own.message, Message::Ack { sequence } if sequence % 10 == 0))
    );
}

#[test]
fn group_of_c_node_failing_to_start_is_offered_back_after_30_s() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.node.fails = Some(SECOND);
    let step = |step| Message::AskResources {
        hold: GroupSet::Local,
        step,
        ipfail: false,
        by_order: false,
    };
    beside.say(step(Step::Me));
    beside.resource(GroupSet::None, false, Occasion::Standby);
    beside.say(step(Step::Done));
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::None, true, Occasion::Report);
    let sent = beside.sent();
    assert!(sent.contains(&report(GroupSet::All, true, Occasion::Report)), "as a C node: {sent:?}");
    beside.pass(Duration::from_secs(29));
    assert!(beside.sent().is_empty(), "a C node waits for 30 s");
    beside.pass(Duration::from_secs(1));
    let back = Message::AskResources {
        hold: GroupSet::Foreign,
        step: Step::Me,
        ipfail: false,
        by_order: false,
    };
    assert_eq!(beside.sent(), [back]);
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn own_group_failing_to_start_beside_c_node_begins_no_hand_over() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.node.fails = Some(FIRST);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::LetGo(FIRST));
    beside.pass(Duration::from_secs(40));
    assert_eq!(beside.node.failed_starts(), 1);
    let asked = |message: &Message| matches!(message, Message::AskResources { .. });
    assert!(!beside.sent().iter().any(asked));
}

#[test]
fn hold_beside_c_node_delays_takeover_until_release() {
    let mut beside = Beside::joint();
    let now = beside.now;
    beside.node.order(now, Order::Hold(None, Duration::from_mins(1)));
    beside.silence(Duration::from_secs(3));
    assert_eq!(beside.node.runs, [FIRST]);
    let ours = report(GroupSet::Local, true, Occasion::Report);
    let all = report(GroupSet::All, true, Occasion::Report);
    let sent = beside.sent();
    let acquired = report(GroupSet::All, true, Occasion::Acquired);
    let is_told = sent.contains(&all) || sent.contains(&acquired);
    assert!(!is_told, "what is not taken is not told: {sent:?}");
    // A node that comes back meanwhile takes its own groups.
    beside.generation = 2;
    beside.sequence = 0;
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Up);
    beside.say(Message::Starting);
    assert!(beside.sent().contains(&ours));
    beside.silence(Duration::from_secs(3));
    let now = beside.now;
    beside.node.order(now, Order::Release(None));
    beside.silence(Duration::from_millis(50));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
}
