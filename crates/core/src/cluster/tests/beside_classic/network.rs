//! Both nodes lose their network, one after the other.

use super::*;

impl Beside {
    /// Lets time pass while the ping node answers this node, or does not.
    fn pass_seeing(&mut self, span: Duration, answers: bool) {
        let end = self.now + span;
        while self.now < end {
            if answers {
                self.node.cluster.handle(self.now, &Input::PingReply(PingId(0)));
            }
            self.pass(KEEPALIVE / 2);
        }
    }

    /// This node's group loses its carrier, and the peer is asked to take it.
    fn gives_what_lost_its_carrier(&mut self) {
        let now = self.now;
        self.node.cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
        self.node.turn(now);
        self.pass_seeing(Duration::from_mins(1), true);
        assert!(self.has_said(&ask(GroupSet::Local, Step::Me)), "nobody reaches it for a minute");
    }
}

#[test]
fn group_without_carrier_is_not_given_to_c_node_without_network() {
    for is_peer_blind in [false, true] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(Message::IpfailPresence { joined: true });
        beside.pass_seeing(Duration::from_secs(2), true);
        beside.say(Message::PingCount { count: u32::from(!is_peer_blind) });
        beside.pass_seeing(Duration::from_secs(2), true);
        beside.sent();
        let now = beside.now;
        beside.node.cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
        beside.node.turn(now);
        beside.pass_seeing(Duration::from_secs(20), false);
        let gives = beside.has_said(&ask(GroupSet::Local, Step::Me));
        assert_eq!(gives, !is_peer_blind, "the peer sees no ping node: {is_peer_blind}");
    }
}

/// Of two ping nodes one dies for good: the peer notices that a moment before this node, and
/// reports it. From then on both nodes see the same one, and the peer has nothing more to report.
#[test]
fn group_without_carrier_is_given_to_c_node_with_equal_ping_count() {
    let mut own = settings(A, Failback::Off);
    own.ping_nodes.push("router".to_owned());
    let mut beside = Beside::joint_of(own);
    beside.say(Message::IpfailPresence { joined: true });
    for _ in 0..20 {
        beside.node.cluster.handle(beside.now, &Input::PingReply(PingId(1)));
        beside.pass_seeing(KEEPALIVE / 2, true);
    }
    beside.say(Message::PingCount { count: 2 });
    beside.pass_seeing(Duration::from_millis(100), true);
    beside.say(Message::PingCount { count: 1 });
    beside.pass_seeing(Duration::from_secs(5), true);
    let told = beside.sent();
    assert!(told.contains(&Message::PingCount { count: 1 }), "we see the same: {told:?}");
    beside.say(Message::AbortGiveup);
    beside.gives_what_lost_its_carrier();
}

/// The peer had lost its network for a moment; then this node's ipfail is switched off, and the
/// peer's network is back.
#[test]
fn group_without_carrier_is_given_to_c_node_after_ipfail_is_switched_off() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(Message::IpfailPresence { joined: true });
    beside.pass_seeing(Duration::from_secs(2), true);
    beside.say(Message::PingCount { count: 0 });
    beside.pass_seeing(Duration::from_secs(2), true);
    let without = Settings { ipfail: false, ..settings(A, Failback::Off) };
    beside.node.reload(without).expect("nothing speaks against it");
    beside.pass_seeing(Duration::from_secs(2), true);
    beside.say(Message::PingCount { count: 1 });
    beside.pass_seeing(Duration::from_secs(2), true);
    beside.gives_what_lost_its_carrier();
}

/// This node has lost its network. The peer, which stood still for a moment and has taken everything,
/// reports whenever it is asked that this node sees fewer ping nodes. It answers this node's wish
/// 20 ms later.
#[test]
fn group_held_on_both_sides_is_stopped_in_time_despite_ipfail() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(Message::IpfailPresence { joined: true });
    beside.pass_seeing(Duration::from_secs(2), true);
    beside.pass_seeing(Duration::from_secs(2), false);
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.sent();
    beside.say(Message::YouAreDead);
    let mut asked = 0;
    let begin = beside.now;
    while beside.now.since(begin) < Duration::from_mins(1) && beside.node.runs.contains(&FIRST) {
        beside.pass(Duration::from_millis(100));
        let sent = beside.sent();
        if sent.iter().any(|it| matches!(it, Message::PingCount { .. })) {
            beside.say(Message::YouAreDead);
        }
        let is_asked = |it: &&Message| matches!(it, Message::AskResources { step: Step::Me, .. });
        let asks = sent.iter().filter(is_asked).count();
        asked += asks;
        if asks > 0 && asked == 1 {
            beside.silence(Duration::from_millis(20));
            beside.say(ask(GroupSet::All, Step::Other));
        }
    }
    let both = beside.now.since(begin);
    assert!(both <= Duration::from_secs(5), "both have it for {both:?}, asked {asked} times");
}

/// The same, and a person wants to give what both have. The peer answers, and waits for this node's
/// "done" for an hour.
#[test]
fn standby_of_group_held_on_both_sides_leaves_no_request_without_done() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.pass(Duration::from_millis(500));
    beside.sent();
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.pass(Duration::from_millis(100));
    let is_asked = beside.has_said(&ask(GroupSet::Local, Step::Me));
    if is_asked {
        beside.say(ask(GroupSet::Local, Step::Other));
    }
    let mut is_done = false;
    for _ in 0..60 {
        beside.pass(Duration::from_secs(1));
        is_done |= beside.has_said(&ask(GroupSet::Local, Step::Done));
    }
    assert!(!is_asked || is_done, "the peer waits for an hour: {:?}", beside.node.answers);
}
