//! What an ipfail that waits, or is about to give up, hears about ping nodes.

use super::*;

impl Facing {
    /// A sees no ping node, B does, and A cannot give its group away because the group restarts: the
    /// standby waits for that.
    fn waiting() -> Self {
        let mut facing = Self::giving_up();
        facing.node.holds_jobs = true;
        facing.node.cluster.handle(facing.now, &Input::LetGo(FIRST));
        facing.until("the time is over", |it| it.has_said(IpfailEvent::Expired));
        assert!(!facing.node.hands_over(), "it has to wait");
        facing.node.said.clear();
        facing
    }

    /// A sees no ping node, and B does.
    fn giving_up() -> Self {
        let mut facing = Self::settled();
        facing.answers = false;
        let dead = Event::PingDead(PingId(0));
        facing.until("A sees none", |it| it.node.has_said(&dead));
        facing.say(Message::PingCount { count: 1 });
        facing.turn();
        assert!(facing.gives_up());
        facing
    }

    fn has_said(&self, event: IpfailEvent) -> bool {
        self.node.has_said(&Event::Ipfail(event))
    }

    /// Whether A has begun to give up.
    fn gives_up(&self) -> bool {
        self.node.said.iter().any(|it| matches!(it, Event::Ipfail(IpfailEvent::Delayed(_))))
    }
}

/// A waits with its standby, or is about to give up, and hears something about ping nodes.
#[test]
pub(super) fn ipfail_at_rare_message_gives_up_or_stays_as_listed() {
    // The ping node answers A again meanwhile.
    for (message, gives_up, event) in [
        (Message::PingCount { count: 2 }, true, IpfailEvent::GivingUpFewer),
        (Message::PingCount { count: 0 }, false, IpfailEvent::TellingMore),
        (Message::YouAreDead, true, IpfailEvent::GivingUpTold),
        // Equal counts, and the other node's message about them, begin nothing anew.
        (Message::PingCount { count: 1 }, false, IpfailEvent::Balanced),
        (Message::AbortGiveup, false, IpfailEvent::NothingToAbort),
    ] {
        let mut facing = Facing::waiting();
        facing.answers = true;
        let alive = Event::PingAlive(PingId(0));
        facing.until("the ping node counts", |it| it.node.has_said(&alive));
        facing.node.said.clear();
        facing.say(message.clone());
        facing.turn();
        assert!(facing.has_said(event), "{message:?} {:?}", facing.node.said);
        assert_eq!(facing.gives_up(), gives_up, "{message:?}");
    }
    // The ping node is on its way back to A: that B sees more is no reason to give up.
    for waits in [true, false] {
        let mut facing = if waits { Facing::waiting() } else { Facing::giving_up() };
        facing.node.said.clear();
        facing.node.cluster.handle(facing.now, &Input::PingReply(PingId(0)));
        facing.say(Message::PingCount { count: 1 });
        facing.turn();
        assert!(facing.has_said(IpfailEvent::Rising));
        assert!(!facing.gives_up());
    }
}
