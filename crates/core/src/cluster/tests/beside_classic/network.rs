//! Both nodes lose their network, one after the other.

use super::*;

impl Beside {
    /// Lets time pass while the ping node answers us, or does not.
    fn pass_seeing(&mut self, span: Duration, answers: bool) {
        let end = self.now + span;
        while self.now < end {
            if answers {
                self.node.cluster.handle(self.now, &Input::PingReply(PingId(0)));
            }
            self.pass(KEEPALIVE / 2);
        }
    }
}

#[test]
fn what_lost_its_carrier_does_not_go_to_a_peer_that_has_lost_its_network_before() {
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
        let gives = beside.has_said(&ask(Hold::Local, Step::Me));
        assert_eq!(gives, !is_peer_blind, "the peer sees no ping node: {is_peer_blind}");
    }
}
