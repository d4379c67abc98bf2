//! Signed messages whose content cannot be read.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use systole_core::{
    Custom, GroupKey, LinkId, Message, NodeId, Outgoing, Refusal, Step, Time, Uuid,
};
use systole_wire::{
    Decoder, Encoder, Fields, Form, HearError, Identity, Keys, Kind, Method, Sealer, Style,
    is_of_envelope, is_of_every_message, is_of_protocol,
};

const HEADER: [(&str, &str); 4] = [("src", "beta"), ("seq", "7"), ("hg", "5"), ("ts", "6b02ca06")];

/// Returns what a message says that has these fields, and a header where they lack one.
fn heard(fields: &[(&str, &str)]) -> Result<Message, HearError> {
    let keys = Keys::new(1, [(1, Method::Sha1, &b"a key"[..])]).unwrap();
    let mut message = Fields::default();
    let header = HEADER.iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
    for (name, value) in fields.iter().chain(header) {
        message.push(Kind::String, name, value.as_bytes()).unwrap();
    }
    let mut sealer = Sealer::new(Style::default());
    let written = sealer.seal(&message, Form::Framed, &keys).unwrap();
    let mut decoder = Decoder::default();
    let heard = decoder.open(written, &keys).unwrap().heard(LinkId(0))?;
    Ok(heard.message.clone())
}

#[test]
fn sequenced_message_with_unreadable_content_is_heard_as_unreadable() {
    let long = "x".repeat(300);
    for (fields, field) in [
        (&[("t", "status"), ("dt", "7d0")][..], "st"),
        (&[("t", "status"), ("st", "wonderful"), ("dt", "7d0")], "st"),
        (&[("t", "status"), ("st", "up")], "dt"),
        (&[("t", "status"), ("st", "up"), ("dt", "0x1")], "dt"),
        (&[("t", "resource")], "rsc_hold"),
        (&[("t", "resource"), ("rsc_hold", "some")], "rsc_hold"),
        (&[("t", "resource"), ("rsc_hold", "all"), ("isstable", "2")], "isstable"),
        (&[("t", "ask_resources"), ("rsc_hold", "all")], "info"),
        (&[("t", "ask_resources"), ("rsc_hold", "all"), ("info", "you")], "info"),
        (&[("t", "hb_takeover")], "rsc_hold"),
        (&[("t", "systole_step"), ("info", "me")], "group"),
        (&[("t", "systole_step"), ("group", "100000000"), ("info", "me")], "group"),
        (&[("t", "systole_step"), ("group", "cafe"), ("info", "you")], "info"),
        (&[("t", "systole_order"), ("group", "-1")], "group"),
        (&[("t", "systole_refuse"), ("info", "me")], "result"),
        (&[("t", "systole_refuse"), ("info", "me"), ("result", "mood")], "result"),
        (
            &[("t", "systole_refuse"), ("info", "me"), ("result", "busy"), ("stepseq", "")],
            "stepseq",
        ),
        (&[("t", "ip-request")], "ipaddr"),
        (&[("t", "ip-request-resp"), ("ipaddr", "a")], "weown"),
        (&[("t", "stonith"), ("node", "beta"), ("result", "maybe")], "result"),
        (&[("t", "repnodes")], "nodelist"),
        (&[("t", "query-cstatus"), ("cn", "ping")], "from_id"),
        (&[("t", "query-cstatus"), ("cn", &long), ("from_id", "1")], "cn"),
        (&[("t", "respond-cstatus"), ("cn", "ping"), ("to_id", "1"), ("cs", "?")], "cs"),
        (&[("t", "num_ping_nodes"), ("from_id", "ipfail"), ("num_ping", "-1")], "num_ping"),
    ] {
        assert_eq!(heard(fields), Ok(Message::Unreadable { field }), "{fields:?}");
    }
}

#[test]
fn message_with_missing_or_unreadable_numbering_is_refused() {
    use HearError::{Missing, Unreadable};
    for (fields, right) in [
        (&[("t", "NS_ackmsg")][..], Missing("ackseq")),
        (&[("t", "NS_ackmsg"), ("ackseq", "-1")], Unreadable("ackseq")),
        (&[("t", "NS_rexmit"), ("firstseq", "3")], Missing("lastseq")),
        (&[("t", "NS_rexmit"), ("firstseq", "0"), ("lastseq", "3")], Unreadable("firstseq")),
        (&[("t", "NS_rexmit"), ("firstseq", "4"), ("lastseq", "3")], Unreadable("lastseq")),
        (&[("t", "NS_rexmit"), ("firstseq", "a"), ("lastseq", "b")], Unreadable("firstseq")),
        (&[("t", "NS_nak_rexmit"), ("info", "seqno too low")], Missing("firstseq")),
        (&[("t", "resource"), ("seq", "0")], Unreadable("seq")),
        (&[("t", "resource"), ("seq", "")], Unreadable("seq")),
        (&[("t", "starting"), ("ts", "0")], Unreadable("ts")),
        (&[("t", "starting"), ("hg", "x")], Unreadable("hg")),
    ] {
        assert_eq!(heard(fields), Err(right), "{fields:?}");
    }
}

/// What Systole nodes say to each other about a hand-over is read as it was meant.
#[test]
fn hand_over_messages_between_systole_nodes_round_trip() {
    let identity = Identity {
        name: "alpha".into(),
        uuid: Uuid([7; 16]),
        generation: 5,
        ttl: 3,
        nodes: vec!["alpha".into(), "beta".into()],
    };
    let keys = Keys::new(1, [(1, Method::Sha1, &b"a key"[..])]).unwrap();
    let mut encoder = Encoder::new(identity, Style::default());
    let group = GroupKey(u32::MAX);
    for message in [
        Message::GroupStep { group, step: Step::Other, by_order: false },
        Message::GroupStep { group, step: Step::Me, by_order: true },
        Message::GroupOrder { group },
        Message::Refuse { step: Step::Me, why: Refusal::AgentMissing, number: None },
        Message::Refuse { step: Step::Me, why: Refusal::CannotLook, number: None },
        Message::Refuse { step: Step::Done, why: Refusal::NotReady, number: Some(0xcafe) },
    ] {
        let outgoing = Outgoing {
            message,
            dest: Some(NodeId(1)),
            dest_uuid: None,
            sequence: Some(9),
            made: Time::START,
        };
        let bytes = encoder.encode(&outgoing, None, "0 0 0 1/1 1", 1, &keys, Form::Framed).unwrap();
        let mut decoder = Decoder::default();
        let heard = decoder.open(bytes, &keys).unwrap().heard(LinkId(0)).unwrap();
        assert_eq!((heard.message, heard.dest), (&outgoing.message, Some("beta")));
    }
}

#[test]
fn custom_message_is_heard_as_unknown_with_its_fields() {
    let keys = Keys::new(1, [(1, Method::Sha1, &b"a key"[..])]).unwrap();
    let fields = vec![("text".into(), "a=b c".into()), ("info".into(), "".into())];
    let outgoing = Outgoing {
        message: Message::Custom(Box::new(Custom { kind: "mail".into(), fields })),
        dest: Some(NodeId(0)),
        dest_uuid: None,
        sequence: Some(9),
        made: Time::START,
    };
    let identity = Identity {
        name: "beta".into(),
        uuid: Uuid([1; 16]),
        generation: 5,
        ttl: 3,
        nodes: vec!["alpha".into(), "beta".into()],
    };
    let mut encoder = Encoder::new(identity, Style::default());
    for form in [Form::Framed, Form::Classic] {
        let bytes = encoder.encode(&outgoing, None, "n/a", 1, &keys, form).unwrap();
        let mut decoder = Decoder::default();
        let opened = decoder.open(bytes, &keys).unwrap();
        let read = opened.fields();
        let own = read.iter().take(4).map(|field| (field.name, field.text()));
        let expected = [("t", "mail"), ("dest", "alpha"), ("text", "a=b c"), ("info", "")];
        assert!(own.eq(expected.map(|(name, value)| (name, Some(value)))), "{read:?}");
        let heard = opened.heard(LinkId(0)).unwrap();
        assert_eq!(heard.message, &Message::Unknown { unsequenced: false });
        assert_eq!((heard.sequence, heard.dest), (Some(9), Some("alpha")));
    }
    for kind in ["status", "STATUS", "NS_x", "ns_x", "Systole_x", "HB_takeover"] {
        assert!(is_of_protocol(kind), "{kind}");
    }
    assert!(!is_of_protocol("mail") && !is_of_protocol("ns") && !is_of_protocol("n\u{e4}_"));
    assert!(is_of_envelope("_compressed_payload") && !is_of_envelope("compress"));
    assert!(is_of_every_message("srcuuid") && !is_of_every_message("text"));
}
