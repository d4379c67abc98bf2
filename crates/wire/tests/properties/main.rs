//! Properties of any bytes, any fields and any message.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

mod messages;

use messages::{beats, messages, node_ids};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use systole_core::{
    Custom, GroupSet, LinkId, Message, NODES_MAX, NodeId, Occasion, Outgoing, Time, Uuid,
};
use systole_wire::{
    Algorithm, Compression, DATAGRAM_MAX, DecodeError, Decoder, EncodeError, Encoder, FIELDS_MAX,
    Fields, Form, Identity, Keys, Kind, MESSAGE_MAX, MessageFormat, Method, Sealer, Signer, Style,
};

const LINK: LinkId = LinkId(3);
const METHODS: [Method; 4] = [Method::Crc, Method::Md5, Method::Sha1, Method::Sha256];

fn keys(method: Method) -> Keys {
    Keys::new(5, [(5, method, &b"a key"[..])]).unwrap()
}

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Framed), Just(Form::Classic)]
}

fn styles() -> impl Strategy<Value = Style> {
    let formats = prop_oneof![Just(MessageFormat::Classic), Just(MessageFormat::Netstring)];
    let algorithms = prop_oneof![Just(Algorithm::Zlib), Just(Algorithm::Bzip2)];
    let compressions = (algorithms, option::of(0_usize..400))
        .prop_map(|(algorithm, threshold)| Compression { algorithm, threshold });
    (formats, compressions).prop_map(|(format, compression)| Style { format, compression })
}

/// Bytes that look like a message in some places.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(any::<u8>(), 0..20),
        1 => Just(b"###\n".to_vec()),
        1 => Just(b"%%%\n".to_vec()),
        1 => Just(b">>>\n".to_vec()),
        1 => Just(b"<<<\n".to_vec()),
        1 => Just(b"(2)a=>>>\x14(2)b=>>>\x15<<<\x15\x14<<<\x14\n".to_vec()),
        1 => Just(b"(1)_compressed_payload=eJwBAAA=\n".to_vec()),
        2 => "[0-9]{1,9}:\\([0-9]\\)[a-z]{0,5}=[a-z]{0,9},".prop_map(String::into_bytes),
        2 => "\\([0-9]\\)[a-z]{0,5}=[A-Za-z+/=]{0,9}\n".prop_map(String::into_bytes),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Strings without the bytes that no string can carry, and lists and binaries.
fn plain_fields() -> impl Strategy<Value = Fields> {
    let name = "[a-zA-Z_][a-zA-Z_0-9 .(){}-]{0,20}"
        .prop_filter("a signature is not a field", |name| name != "auth");
    let value = prop_oneof![
        vec(1_u8.., 0..60).prop_map(|mut text| {
            text.retain(|byte| !matches!(byte, 0x0e..=0x1f));
            (Kind::String, text)
        }),
        vec(any::<u8>(), 0..60).prop_map(|bytes| (Kind::Binary, bytes)),
        vec("[ -~]{1,9}", 0..5).prop_map(|elements| {
            let mut fields = Fields::default();
            let elements = elements.iter().map(String::as_bytes);
            fields.push_list("list", elements).unwrap();
            let list = fields.get("list").unwrap().value.to_vec();
            (Kind::List, list)
        }),
        vec(any::<u8>(), 0..60).prop_map(|bytes| (Kind::Compressed, bytes)),
    ];
    vec((name, value), 0..12).prop_map(|rows| {
        let mut fields = Fields::default();
        for (name, (kind, value)) in rows {
            fields.push(kind, &name, &value).unwrap();
        }
        fields
    })
}

fn any_fields() -> impl Strategy<Value = Fields> {
    plain_fields().prop_recursive(4, 24, 3, |inner| {
        (plain_fields(), vec(inner, 0..3)).prop_map(|(mut fields, messages)| {
            for message in messages {
                fields.push_nested("child", &message).unwrap();
            }
            fields
        })
    })
}

fn identity() -> Identity {
    Identity {
        name: "node-a".into(),
        uuid: Uuid([0xa5; 16]),
        generation: u64::MAX,
        ttl: 9,
        nodes: (0..NODES_MAX).map(|id| format!("node{id}").into()).collect(),
    }
}

/// Words that have a meaning as the name of a field or as a type.
fn reserved() -> impl Strategy<Value = String> {
    let words = [
        "_compressed_payload",
        "_compression_algorithm",
        "auth",
        "dest",
        "info",
        "rsc_hold",
        "seq",
        "src",
        "st",
        "status",
        "systole",
        "systole_step",
        "t",
        "ts",
    ];
    proptest::sample::select(words.map(str::to_owned).to_vec())
}

fn methods() -> impl Strategy<Value = Method> {
    proptest::sample::select(METHODS.to_vec())
}

/// Returns what a message says, if it is accepted; a signature inside is not part of that.
fn fields_of(decoder: &mut Decoder, bytes: &[u8], keys: &Keys) -> Option<String> {
    let opened = decoder.open(bytes, keys).ok()?;
    let fields = opened.fields().iter().filter(|field| field.name != "auth");
    Some(format!("{:?}", fields.collect::<Vec<_>>()))
}

/// Opens a message and reads everything from it that can be read.
fn open_all(decoder: &mut Decoder, bytes: &[u8], keys: &Keys) -> Result<(), DecodeError> {
    let opened = decoder.open(bytes, keys)?;
    for field in opened.fields().iter() {
        assert!(!field.name.is_empty() && field.nested().len() <= FIELDS_MAX);
        assert!(field.elements().all(|element| !element.is_empty()));
    }
    if opened.ping().is_err() {
        let heard = opened.heard(LINK);
        assert!(heard.is_err() || heard.is_ok_and(|heard| heard.link == LINK));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn unsigned_bytes_are_refused(bytes in soup(), start in 0_usize..4) {
        let start = [&b"###\n"[..], b">>>\n", b"", b"##"][start];
        let bytes = [start, &bytes].concat();
        for method in METHODS {
            prop_assert!(open_all(&mut Decoder::default(), &bytes, &keys(method)).is_err());
        }
    }

    #[test]
    fn signed_garbage_never_panics(rows in vec(("[a-z_]{1,24}", soup()), 0..9), form in forms()) {
        // A string can contain nearly anything, so that bytes that look like a message also get past the
        // signature, under the names that the translation reads.
        let mut fields = Fields::default();
        for (name, value) in rows {
            for name in [name.as_str(), "t", "_compressed_payload", "systole", "seq"] {
                for kind in [Kind::String, Kind::Binary, Kind::Nested, Kind::List] {
                    if fields.push(kind, name, &value).is_ok() {
                        break;
                    }
                }
            }
        }
        let keys = keys(Method::Md5);
        let mut sealer = Sealer::new(Style::default());
        let written = sealer.seal(&fields, form, &keys);
        if let Ok(written) = written {
            let opened = open_all(&mut Decoder::default(), written, &keys);
            prop_assert_ne!(opened, Err(DecodeError::Signature));
        }
    }

    #[test]
    fn fields_round_trip_in_every_form_and_style(fields in any_fields(), form in forms(), style in styles()) {
        for method in METHODS {
            let keys = keys(method);
            let mut sealer = Sealer::new(style);
            let written = sealer.seal(&fields, form, &keys).unwrap();
            let mut decoder = Decoder::default();
            let opened = decoder.open(written, &keys).unwrap();
            prop_assert_eq!(opened.form(), form);
            let back = opened.fields().iter().filter(|field| field.name != "auth");
            prop_assert!(back.eq(fields.iter()), "{:?}", opened.fields());
        }
    }

    #[test]
    fn message_signed_by_either_key_is_opened_during_key_renewal(
        fields in any_fields(),
        (form, style) in (forms(), styles()),
        (old, new) in (methods(), methods()),
        same_id in any::<bool>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let former = || Keys::new(5, [(5, old, &b"an old key"[..])]).unwrap();
        let id = if same_id { 5 } else { 7 };
        let current = || Keys::new(id, [(id, new, &b"a key"[..])]).unwrap();
        let mut both = former();
        both.renew(current(), false);
        let mut decoder = Decoder::default();
        for (keys, signer) in [(former(), Signer::Other), (current(), Signer::Sending)] {
            let mut sealer = Sealer::new(style);
            let mut bytes = sealer.seal(&fields, form, &keys).unwrap().to_vec();
            let is_same = same_id && old == Method::Crc && new == Method::Crc;
            let signer = if is_same { Signer::Sending } else { signer };
            prop_assert_eq!(decoder.open(&bytes, &both).unwrap().signer(), signer);
            let before = fields_of(&mut decoder, &bytes, &both);
            let place = flip.index(bytes.len() * 8);
            bytes[place / 8] ^= 1 << (place % 8);
            let after = fields_of(&mut decoder, &bytes, &both);
            prop_assert!(after.is_none() || after == before, "a flipped bit changed the meaning");
        }
        both.forget_former();
        let mut sealer = Sealer::new(style);
        let bytes = sealer.seal(&fields, form, &former()).unwrap();
        let is_believed = same_id && old == Method::Crc && new == Method::Crc;
        prop_assert_eq!(decoder.open(bytes, &both).is_ok(), is_believed);
    }

    #[test]
    fn messages_round_trip_through_encoder_and_decoder(
        message in messages(),
        beat in option::of(beats()),
        dest in option::of(node_ids()),
        uuid in any::<[u8; 16]>(),
        (sequence, unix_time) in (1_u64.., 1_u64..),
        form in forms(),
        style in styles(),
    ) {
        let is_status = matches!(message, Message::Status { .. });
        let outgoing = Outgoing {
            dest,
            dest_uuid: Some(Uuid(uuid)),
            sequence: message.is_sequenced().then_some(sequence),
            message,
            made: Time::START,
        };
        let keys = keys(Method::Sha1);
        let mut encoder = Encoder::new(identity(), style);
        let written = encoder
            .encode(&outgoing, beat.as_ref(), "n/a", unix_time, &keys, form)
            .unwrap();
        let mut decoder = Decoder::default();
        let opened = decoder.open(written, &keys).unwrap();
        if let Some(beat) = beat.as_ref().filter(|_| is_status) {
            let text = opened.fields().get("systole").unwrap().value.len();
            prop_assert!(text <= beat.text_max(), "{} of {}", text, beat.text_max());
        }
        let heard = opened.heard(LINK);
        let heard = heard.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(heard.message, &outgoing.message);
        prop_assert_eq!(heard.beat, beat.as_ref().filter(|_| is_status));
        prop_assert_eq!(heard.source, "node-a");
        prop_assert_eq!(heard.source_uuid, Some(Uuid([0xa5; 16])));
        let name = dest.map(|id| format!("node{}", id.0));
        prop_assert_eq!(heard.dest, name.as_deref());
        prop_assert_eq!(heard.dest_uuid, dest.and(outgoing.dest_uuid));
        prop_assert_eq!(heard.generation, u64::MAX);
        prop_assert_eq!(heard.sequence, outgoing.sequence);
        prop_assert_eq!(heard.unix_time, unix_time);
    }

    #[test]
    fn custom_message_that_is_accepted_can_be_read(
        kind in prop_oneof!["[A-Za-z0-9_.-]{1,12}", reserved()],
        fields in vec((prop_oneof![3 => "[A-Za-z0-9_]{1,20}", 1 => reserved()], "[ -~\u{e4}]{0,60}"), 0..8),
        form in forms(),
        style in styles(),
    ) {
        let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let boxed = pairs().map(|(name, value)| (name.into(), value.into())).collect();
        let outgoing = Outgoing {
            message: Message::Custom(Box::new(Custom { kind: kind.as_str().into(), fields: boxed })),
            dest: None,
            dest_uuid: None,
            sequence: Some(1),
            made: Time::START,
        };
        let keys = keys(Method::Sha1);
        let mut encoder = Encoder::new(identity(), style);
        let Ok(written) = encoder.encode(&outgoing, None, "n/a", 1, &keys, form) else {
            return Ok(());
        };
        let mut decoder = Decoder::default();
        let opened = decoder.open(written, &keys);
        let opened = opened.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let read = opened.fields().iter().map(|field| (field.name, field.text().unwrap_or("binary")));
        let read: Vec<_> = read.skip(1).take(fields.len()).collect();
        prop_assert_eq!(read, pairs().collect::<Vec<_>>());
        let heard = opened.heard(LINK);
        let heard = heard.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(heard.message, &Message::Unknown { unsequenced: false });
    }
}

#[test]
fn oversized_message_is_neither_sent_nor_read() {
    let keys = keys(Method::Sha1);
    let mut sealer = Sealer::new(Style::default());
    let mut fields = Fields::default();
    let half = vec![b'x'; DATAGRAM_MAX / 2];
    fields.push(Kind::String, "a", &half[200..]).unwrap();
    fields.push(Kind::String, "b", &half[200..]).unwrap();
    assert!(sealer.seal(&fields, Form::Framed, &keys).is_ok());
    fields.push(Kind::String, "c", &half[..400]).unwrap();
    let refused = sealer.seal(&fields, Form::Framed, &keys);
    assert_eq!(refused, Err(EncodeError::TooLarge));
    let classic = sealer.seal(&fields, Form::Classic, &keys).unwrap();
    assert!(Decoder::default().open(classic, &keys).is_ok());

    for _ in 0..7 {
        fields.push(Kind::String, "d", &half).unwrap();
    }
    let refused = sealer.seal(&fields, Form::Classic, &keys);
    assert_eq!(refused, Err(EncodeError::TooLarge));
    let mut bytes = vec![b'x'; MESSAGE_MAX + 1];
    bytes[..4].copy_from_slice(b">>>\n");
    let refused = Decoder::default().open(&bytes, &keys).map(|_| ());
    assert_eq!(refused, Err(DecodeError::TooLarge));
    bytes.pop();
    let refused = Decoder::default().open(&bytes, &keys).map(|_| ());
    assert_eq!(refused, Err(DecodeError::Malformed));
}

#[test]
fn message_with_too_many_fields_is_refused_in_both_forms() {
    let keys = keys(Method::Sha1);
    let mut decoder = Decoder::default();
    for field in ["6:(0)a=b,", "a=b\n"] {
        let start = if field.ends_with(',') { "###\n" } else { ">>>\n" };
        let bytes = [start, &field.repeat(FIELDS_MAX + 1)].concat();
        let refused = decoder.open(bytes.as_bytes(), &keys).map(|_| ());
        assert_eq!(refused, Err(DecodeError::TooManyFields));
    }
}

#[test]
fn unsendable_message_is_refused_by_encoder() {
    let keys = keys(Method::Sha1);
    let mut encoder = Encoder::new(identity(), Style::default());
    let outgoing = |message, dest, sequence| Outgoing {
        message,
        dest,
        dest_uuid: None,
        sequence,
        made: Time::START,
    };
    let unknown = Message::Unknown { unsequenced: false };
    let occasion = Message::Resource {
        hold: GroupSet::None,
        full: true,
        stable: None,
        occasion: Occasion::Unknown,
    };
    let custom = |name: &str| {
        let fields = vec![(name.into(), "1".into())];
        Message::Custom(Box::new(Custom { kind: "mail".into(), fields }))
    };
    for (outgoing, right) in [
        (outgoing(custom("seq"), None, Some(1)), EncodeError::NotSendable),
        (outgoing(custom("systole"), None, Some(1)), EncodeError::NotSendable),
        (outgoing(custom("_compressed_payload"), None, Some(1)), EncodeError::NotSendable),
        (outgoing(unknown, None, Some(1)), EncodeError::NotSendable),
        (outgoing(occasion, None, Some(1)), EncodeError::NotSendable),
        (outgoing(Message::Starting, None, None), EncodeError::NoSequence),
        (outgoing(Message::RequestNodes, Some(NodeId(16)), Some(1)), EncodeError::UnknownNode),
    ] {
        let refused = encoder.encode(&outgoing, None, "n/a", 1, &keys, Form::Framed);
        assert_eq!(refused, Err(right));
    }
}
