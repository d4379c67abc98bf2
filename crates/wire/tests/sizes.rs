//! How large messages get, and which of them are compressed.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use systole_core::{
    Action, Beat, Claim, Echo, Failure, Freeze, GROUPS_MAX, GroupKey, LINKS_MAX, LinkId, Message,
    Moves, NODES_MAX, NodeId, NodeStatus, Outcome, Outgoing, Phase, Time, Uuid,
};
use systole_wire::{
    Algorithm, Compression, DATAGRAM_MAX, Decoder, EncodeError, Encoder, Fields, Form, Identity,
    Keys, Kind, MessageFormat, Method, Sealer, Style,
};

const FORMATS: [MessageFormat; 2] = [MessageFormat::Classic, MessageFormat::Netstring];
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Zlib, Algorithm::Bzip2];
/// From here on everything is compressed.
const ALWAYS: usize = 256 * 1024;

fn keys() -> Keys {
    Keys::new(1, [(1, Method::Sha256, &b"a key"[..])]).unwrap()
}

/// A message whose text is easy, or impossible, to compress.
fn message(length: usize, is_easy: bool) -> Fields {
    let mut fields = Fields::default();
    fields.push(Kind::String, "t", b"custom").unwrap();
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        b'!' + u8::try_from(state >> 58).unwrap()
    });
    let text: Vec<u8> = if is_easy { vec![b'x'; length] } else { noise.take(length).collect() };
    fields.push(Kind::String, "text", &text).unwrap();
    fields
}

/// How a message travels: how it is compressed, or why it cannot be sent.
fn travels(style: Style, fields: &Fields) -> Result<Option<Algorithm>, EncodeError> {
    let mut sealer = Sealer::new(style);
    let written = sealer.seal(fields, Form::Framed, &keys())?;
    assert!(written.len() <= DATAGRAM_MAX);
    let mut decoder = Decoder::default();
    let opened = decoder.open(written, &keys()).unwrap();
    let back = opened.fields().iter().filter(|field| field.name != "auth");
    assert!(back.eq(fields.iter()), "{style:?}");
    Ok(opened.packed())
}

#[test]
fn messages_are_compressed_above_the_threshold_or_at_256_kib() {
    for format in FORMATS {
        for algorithm in ALGORITHMS {
            for (threshold, length, right) in [
                (None, 1000, Ok(None)),
                (None, 60_000, Ok(None)),
                (None, 70_000, Err(EncodeError::TooLarge)),
                (None, ALWAYS - 1000, Err(EncodeError::TooLarge)),
                (None, ALWAYS, Ok(Some(algorithm))),
                (Some(2048), 1000, Ok(None)),
                (Some(2048), 2048, Ok(Some(algorithm))),
                (Some(2048), 200_000, Ok(Some(algorithm))),
                (Some(2048), 1_900_000, Ok(Some(algorithm))),
                (Some(usize::MAX), 60_000, Ok(None)),
                (Some(usize::MAX), ALWAYS, Ok(Some(algorithm))),
            ] {
                let style = Style { format, compression: Compression { algorithm, threshold } };
                let travelled = travels(style, &message(length, true));
                assert_eq!(travelled, right, "{style:?} {length}");
            }
        }
    }
}

#[test]
fn what_stays_too_large_is_not_sent() {
    for algorithm in ALGORITHMS {
        let compression = Compression { algorithm, threshold: Some(2048) };
        let style = Style { compression, ..Style::default() };
        let refused = travels(style, &message(200_000, false));
        assert_eq!(refused, Err(EncodeError::TooLarge));
        assert_eq!(travels(style, &message(5_000, false)), Ok(Some(algorithm)));
    }
}

/// Nothing that the core says can be too large for a datagram, so that nobody asks for ever for
/// a message that was never sent.
#[test]
fn the_largest_beat_fits_into_a_datagram() {
    let name = "n".repeat(255);
    let claim = Claim {
        group: GroupKey(u32::MAX),
        owner: NodeId(15),
        term: u64::MAX,
        phase: Phase::Failed,
        unable: true,
        failure: Some(Failure {
            action: Action::Start,
            resource: u8::MAX,
            outcome: Outcome::Failed(255),
        }),
        runs_here: true,
    };
    let (node, link) = (NodeId(15), LinkId(15));
    let echo = Echo { node, link, session: u64::MAX, sequence: u64::MAX };
    let (place, left) = (u16::from(u8::MAX), 24 * 3_600_000);
    let freeze = Freeze { claim: Some(place), count: u32::MAX, by: node, is_release: true, left };
    let moves = Moves { claim: place, count: u32::MAX, level: u8::MAX, has_fled: true, left };
    let beat = Beat {
        capabilities: u32::MAX,
        session: u64::MAX,
        nodes: u32::MAX,
        ready: true,
        leaving: true,
        pings: Some(u16::MAX),
        echoes: vec![echo; NODES_MAX * LINKS_MAX],
        claims: vec![claim; GROUPS_MAX],
        freezes: vec![freeze; GROUPS_MAX + 1],
        moves: vec![moves; GROUPS_MAX],
    };
    let status = Message::Status {
        status: NodeStatus::Active,
        deadtime: std::time::Duration::from_hours(1000),
        flow_control: true,
    };
    let nodes = vec![name.as_str(); NODES_MAX].join(" ").into();
    let list = Message::ReplyNodes { nodes, deleted: "".into() };
    for (message, beat) in [(status, Some(&beat)), (list, None)] {
        let outgoing = Outgoing {
            message,
            dest: Some(NodeId(0)),
            dest_uuid: Some(Uuid([0xff; 16])),
            sequence: Some(u64::MAX),
            made: Time::START,
        };
        let identity = Identity {
            name: name.as_str().into(),
            uuid: Uuid([0xff; 16]),
            generation: u64::MAX,
            ttl: u32::MAX,
            nodes: vec![name.as_str().into()],
        };
        let mut encoder = Encoder::new(identity, Style::default());
        for form in [Form::Framed, Form::Classic] {
            let load = "0.00 0.00 0.00 1/1 1";
            let written = encoder.encode(&outgoing, beat, load, u64::MAX, &keys(), form).unwrap();
            println!("{form:?}: {} bytes", written.len());
            assert!(written.len() < DATAGRAM_MAX / 4 * 3);
        }
    }
}
