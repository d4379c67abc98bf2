//! Messages for event scripts: which of those that are heard, and those that an administrator sends.

use super::*;
use crate::Custom;

fn heard<'a>(message: &'a Message, sequence: u64, dest: Option<&'a str>) -> Heard<'a> {
    Heard {
        link: LinkId(0),
        source: "beta",
        source_uuid: None,
        dest,
        dest_uuid: None,
        generation: 1,
        sequence: message.is_sequenced().then_some(sequence),
        unix_time: 1,
        message,
        beat: None,
    }
}

fn status(status: NodeStatus) -> Message {
    Message::Status { status, deadtime: DEADTIME, flow_control: true }
}

#[test]
fn scripts_are_called_for_new_status_and_messages_without_other_meaning() {
    let mut node = Node::new(A, Failback::On, 1);
    let unknown = |unsequenced| Message::Unknown { unsequenced };
    let grant = Message::GroupGrant { key: "first".into(), owned: true, granted: true };
    let result = Fencing::Unneeded;
    let table = [
        (status(NodeStatus::Init), None, true),
        (status(NodeStatus::Init), None, false),
        (status(NodeStatus::Active), None, true),
        (status(NodeStatus::Active), None, false),
        (unknown(false), None, true),
        (unknown(false), Some("alpha"), true),
        (unknown(false), Some("gamma"), false),
        // A recording of it would call the script again.
        (unknown(true), None, false),
        (Message::GroupRequest { key: "first".into() }, None, true),
        (grant, None, true),
        (Message::TakeoverOrder { hold: GroupSet::Local }, None, true),
        (Message::Stonith { node: "gamma".into(), result }, None, true),
        (Message::Starting, None, false),
        (Message::Unreadable { field: "st" }, None, false),
    ];
    for (sequence, (message, dest, calls)) in (1..).zip(table) {
        let now = Time::START + Duration::from_millis(sequence);
        node.cluster.handle(now, &Input::Heard(heard(&message, sequence, dest)));
        assert_eq!(node.cluster.calls_script(), calls, "{sequence}: {message:?}");
        let again = heard(&message, sequence, dest);
        node.cluster.handle(now, &Input::Heard(again));
        assert!(!node.cluster.calls_script(), "the second copy of {message:?}");
        node.turn(now);
    }
}

#[test]
fn message_of_administrator_is_sent_with_sequence_to_its_addressee() {
    let mut node = Node::new(A, Failback::On, 1);
    node.turn(Time::START);
    let custom = Custom { kind: "mail".into(), fields: vec![("text".into(), "hi".into())] };
    for dest in [None, Some(B)] {
        let say = Input::Say { message: &custom, dest };
        node.cluster.handle(Time::START, &say);
        node.turn(Time::START);
        let last = node.kept.iter().rev().map(|(outgoing, _)| outgoing);
        let sent = last.into_iter().find(|it| matches!(it.message, Message::Custom(_))).unwrap();
        assert_eq!(sent.message, Message::Custom(Box::new(custom.clone())));
        assert_eq!(sent.dest, dest);
        assert!(sent.sequence.is_some(), "it can be requested again");
    }
}
