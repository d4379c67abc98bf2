//! Words that were lost on the way come late, in any order, or are asked for when they are void.

use super::*;
use crate::HandOverEvent;

fn ask(hold: Hold, step: Step) -> Message {
    Message::AskResources { hold, step, ipfail: false, by_order: false }
}

impl Beside {
    /// Says something under the number that it had when it was lost.
    fn say_late(&mut self, sequence: u64, message: Message) {
        let newest = std::mem::replace(&mut self.sequence, sequence - 1);
        self.say(message);
        self.sequence = newest;
    }

    /// Asks for a message of ours again. Whether it is sent.
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

/// The number under which something was said last.
fn number_of(beside: &Beside, wanted: &Message) -> u64 {
    let found = beside.node.sent.iter().rev().find(|(outgoing, _)| outgoing.message == *wanted);
    found.and_then(|(outgoing, _)| outgoing.sequence).expect("it was said")
}

/// The peer gives its set away, calls us dead while the way is cut, and takes the set again.
#[test]
fn a_done_counts_when_nothing_is_missing_of_what_was_said_with_it() {
    for takes_again in [false, true] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(Hold::Local, Step::Me));
        beside.resource(Hold::None, false, Occasion::Standby);
        beside.pass(KEEPALIVE);
        let (done, later) = (beside.sequence + 1, beside.sequence + 2);
        beside.sequence = later;
        beside.status(NodeStatus::Active);
        beside.say_late(done, ask(Hold::Local, Step::Done));
        assert_eq!(beside.node.runs, [FIRST], "something is missing");
        let status =
            Message::Status { status: NodeStatus::Active, deadtime: DEADTIME, flow_control: true };
        let lost = if takes_again { report(Hold::All, true, Occasion::Acquired) } else { status };
        beside.say_late(later, lost);
        beside.pass(Duration::from_millis(300));
        let takes = if takes_again { vec![FIRST] } else { vec![FIRST, SECOND] };
        assert_eq!(beside.node.runs, takes, "{takes_again}");
    }
}

/// A report that was said before the hand-over, in which the peer had nothing.
#[test]
fn a_report_from_before_a_done_undoes_nothing() {
    let mut beside = Beside::joint_with(Failback::Off);
    let late = beside.sequence + 1;
    beside.sequence = late;
    let now = beside.now;
    beside.node.order(now, Order::Standby(Hold::Local));
    beside.say(ask(Hold::Local, Step::Other));
    beside.pass(Duration::from_millis(100));
    beside.say(ask(Hold::Local, Step::Done));
    beside.say_late(late, report(Hold::Local, true, Occasion::Report));
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [], "the peer has it");
    let row = *beside.node.cluster.ownership.row(FIRST);
    assert_eq!(row.owner, Some(B));
}

#[test]
fn a_wish_that_has_ended_is_not_said_again() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    let wish = ask(Hold::Local, Step::Me);
    beside.node.order(now, Order::Standby(Hold::Local));
    beside.pass(Duration::from_millis(100));
    let number = number_of(&beside, &wish);
    beside.pass(Duration::from_secs(11));
    let is_over = |event: &Event| matches!(event, Event::HandOver(HandOverEvent::NoReply));
    assert!(beside.node.said.iter().any(is_over), "{:?}", beside.node.said);
    assert!(!beside.gets_again(number));
}

#[test]
fn a_question_is_void_when_it_is_answered_or_its_addressee_has_died() {
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
            beside.resource(Hold::None, true, Occasion::Report);
        }
        assert!(!beside.gets_again(number), "{dies}");
    }
}
