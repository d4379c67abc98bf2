//! What a peer says about itself and others: its status, its uuid, its node list, its clients.

use super::*;

/// Beta, heard independently of any scenario.
struct Beta {
    node: Node,
    now: Time,
}

impl Beta {
    fn new() -> Self {
        Self { node: Node::new(A, Failback::On, 1), now: Time::START }
    }

    fn hear(&mut self, sequence: u64, unix_time: u64, uuid: u8, message: &Message) {
        let heard = Heard {
            link: LinkId(0),
            source: "beta",
            source_uuid: Some(Uuid([uuid; 16])),
            dest: None,
            dest_uuid: None,
            generation: 1,
            sequence: message.is_sequenced().then_some(sequence),
            unix_time,
            message,
            beat: None,
        };
        self.now = self.now + Duration::from_millis(1);
        self.node.cluster.handle(self.now, &Input::Heard(heard));
        self.node.turn(self.now);
    }

    fn say(&mut self, sequence: u64, message: &Message) {
        self.hear(sequence, 1, 2, message);
    }

    fn sent(&mut self, wanted: impl Fn(&Message) -> bool) -> Vec<Message> {
        let sent = std::mem::take(&mut self.node.sent);
        let messages = sent.into_iter().map(|(outgoing, _)| outgoing.message);
        messages.filter(wanted).collect()
    }
}

fn status(status: NodeStatus, flow_control: bool) -> Message {
    Message::Status { status, deadtime: DEADTIME, flow_control }
}

#[test]
fn status_arriving_late_does_not_replace_later_status() {
    // Sequence and time of the late status, and whether it shows that its sender lives.
    for (sequence, unix_time, shows_life) in [(3, 100, true), (3, 101, true), (3, 99, false)] {
        let mut beta = Beta::new();
        beta.hear(1, 100, 2, &status(NodeStatus::Init, true));
        beta.hear(4, 100, 2, &status(NodeStatus::Active, true));
        beta.node.said.clear();
        beta.hear(sequence, unix_time, 2, &status(NodeStatus::Up, true));
        let peer = beta.node.peer(B);
        assert_eq!(peer.status, "active");
        assert_eq!(peer.silence_ms == Some(0), shows_life, "{sequence} {unix_time}");
        let told = |event: &Event| matches!(event, Event::PeerStatus(..));
        assert!(!beta.node.said.iter().any(told));
    }
}

#[test]
fn status_after_clock_is_set_back_is_accepted() {
    let mut beta = Beta::new();
    beta.hear(1, 1000, 2, &status(NodeStatus::Up, true));
    beta.hear(2, 10, 2, &status(NodeStatus::Active, true));
    assert_eq!(beta.node.peer(B).status, "active");
}

#[test]
fn peer_without_flow_control_switches_flow_control_off_for_good() {
    let mut beta = Beta::new();
    let is_status = |message: &Message| matches!(message, Message::Status { .. });
    beta.say(1, &status(NodeStatus::Up, true));
    assert!(!beta.sent(is_status).contains(&status(NodeStatus::Up, false)));
    assert!(!beta.node.has_said(&Event::FlowControlOff));
    for sequence in 2..40 {
        beta.say(sequence, &status(NodeStatus::Up, false));
        beta.now = beta.now + KEEPALIVE;
    }
    let told = beta.node.said.iter().filter(|event| **event == Event::FlowControlOff);
    assert_eq!(told.count(), 1);
    assert_eq!(beta.node.cluster.status(), NodeStatus::Active, "no node list was waited for");
    let sent = beta.sent(|_| true);
    assert!(!sent.iter().any(|message| matches!(message, Message::Ack { .. })), "{sent:?}");
    let without =
        |message: &Message| matches!(message, Message::Status { flow_control: false, .. });
    assert!(sent.iter().any(without));
    beta.say(40, &status(NodeStatus::Up, true));
    beta.now = beta.now + KEEPALIVE;
    beta.say(41, &status(NodeStatus::Up, true));
    assert!(beta.sent(is_status).iter().all(without), "until we restart");
}

#[test]
fn node_list_of_peer_that_differs_is_reported_and_ignored() {
    for (nodes, is_refused) in [
        ("alpha beta", false),
        ("beta  alpha ", false),
        ("alpha beta gamma", true),
        ("alpha", true),
        ("", true),
        ("alpha Beta", true),
    ] {
        let mut beta = Beta::new();
        beta.say(1, &status(NodeStatus::Up, true));
        beta.say(2, &Message::ReplyNodes { nodes: nodes.into(), deleted: "beta".into() });
        let refused = beta.node.has_said(&Event::NodeListRefused(B, nodes.into()));
        assert_eq!(refused, is_refused, "{nodes:?}");
        beta.say(3, &Message::RequestNodes);
        let list = Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() };
        assert!(beta.sent(|_| true).contains(&list));
    }
}

#[test]
fn client_query_is_answered_at_any_time_and_shows_ipfail_once_started() {
    let mut beta = Beta::new();
    beta.say(1, &status(NodeStatus::Init, true));
    let mut sequence = 1;
    let mut online = |beta: &mut Beta, client: &str| {
        sequence += 1;
        let query = Message::QueryClient { client: client.into(), asker: "637".into() };
        beta.say(sequence, &query);
        let answers = beta.sent(|message| matches!(message, Message::ReplyClient { .. }));
        let answer = |online| {
            let (client, asker) = (client.into(), "637".into());
            vec![Message::ReplyClient { client, asker, online }]
        };
        assert!(answers == answer(true) || answers == answer(false), "{answers:?}");
        answers == answer(true)
    };
    assert!(!online(&mut beta, "ping"));
    assert!(!online(&mut beta, "ipfail"), "ours has not begun");
    beta.say(100, &Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    let mut later = |client: &str| {
        let query = Message::QueryClient { client: client.into(), asker: "637".into() };
        beta.say(101 + client.len() as u64, &query);
        beta.sent(|message| matches!(message, Message::ReplyClient { online: true, .. })).len()
    };
    assert_eq!((later("ping"), later("ipfail")), (0, 1));
}

#[test]
fn unreadable_message_is_reported_and_not_requested_again() {
    let mut beta = Beta::new();
    beta.say(1, &status(NodeStatus::Active, true));
    beta.say(2, &Message::Unreadable { field: "st" });
    beta.say(3, &status(NodeStatus::Active, true));
    assert!(beta.node.has_said(&Event::Unreadable(B, "st")));
    for milliseconds in 4..5_000 {
        beta.node.turn(at(milliseconds));
    }
    assert!(beta.sent(|message| matches!(message, Message::Rexmit { .. })).is_empty());
}

#[test]
fn uuid_change_of_peer_is_accepted_and_reported() {
    let mut beta = Beta::new();
    beta.hear(1, 1, 2, &status(NodeStatus::Up, true));
    beta.hear(2, 1, 2, &status(NodeStatus::Up, true));
    let told = |beta: &Beta| {
        let is_told = |event: &&Event| matches!(event, Event::UuidChanged(..));
        beta.node.said.iter().filter(is_told).count()
    };
    assert_eq!(told(&beta), 0);
    beta.hear(3, 1, 5, &status(NodeStatus::Up, true));
    assert_eq!(told(&beta), 1);
    assert_eq!(beta.node.cluster.uuid(B), Some(Uuid([5; 16])));
}
