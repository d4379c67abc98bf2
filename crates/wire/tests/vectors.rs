//! Messages of real daemons are understood, and can be written again byte for byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

#[path = "vectors/table.rs"]
mod table;

use std::time::Duration;
use systole_core::{
    Fencing, GroupSet, Heard, LinkId, Message, NodeId, NodeStatus, Occasion, Outgoing, Step, Time,
};
use systole_wire::{
    Algorithm, Compression, DecodeError, Decoder, EncodeError, Encoder, Fields, Form, Identity,
    Keys, MessageFormat, Method, Ping, PingMedium, Sealer, Style,
};
use table::{Carrier, Origin, VECTORS, Vector};

const REFUSED: &str = "77-x-accepted-framed-keyid2-wrongkey";
const ICMP_HEADER: usize = 8;
const LINK: LinkId = LinkId(0);
/// In alphabetical order, as node ids are.
const NODES: [&str; 3] = ["alpha", "beta", "gamma"];

fn vector(number: &str) -> &'static Vector {
    VECTORS.iter().find(|vector| vector.name.starts_with(number)).unwrap()
}

impl Vector {
    fn message(&self) -> &'static [u8] {
        match self.carrier {
            Carrier::Icmp => &self.captured[ICMP_HEADER..],
            Carrier::Datagram | Carrier::Serial => self.captured,
        }
    }

    fn keys(&self) -> Keys {
        let md5 = &b"TestKeyMd5"[..];
        let sha1 = &b"TestKeySha1"[..];
        match (self.origin, self.method) {
            (Origin::Program, _) => Keys::new(1, [(1, Method::Sha1, sha1), (2, Method::Md5, md5)]),
            (Origin::Daemon, Method::Crc) => Keys::new(self.key, [(self.key, Method::Crc, md5)]),
            (Origin::Daemon, Method::Md5) => Keys::new(self.key, [(self.key, Method::Md5, md5)]),
            (Origin::Daemon, Method::Sha256) => panic!("no daemon of 3.0.6 signs so"),
            (Origin::Daemon, Method::Sha1) => Keys::new(self.key, [(self.key, Method::Sha1, sha1)]),
        }
        .unwrap()
    }

    fn style(&self) -> Style {
        let mut style = Style::default();
        if self.name.contains("netstring") {
            style.format = MessageFormat::Netstring;
        }
        style
    }

    fn fields(&self) -> Fields {
        let mut decoder = Decoder::default();
        let opened = decoder.open(self.message(), &self.keys());
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        opened.fields().clone()
    }
}

#[test]
fn every_vector_is_verified_and_read() {
    assert_eq!(VECTORS.len(), 77);
    let mut decoder = Decoder::default();
    for vector in VECTORS {
        let opened = decoder.open(vector.message(), &vector.keys());
        if vector.name == REFUSED {
            assert_eq!(opened.map(|_| ()), Err(DecodeError::Signature));
            continue;
        }
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let form = if vector.message().starts_with(b">>>") { Form::Classic } else { Form::Framed };
        assert_eq!(opened.form(), form, "{}", vector.name);
        assert_eq!(opened.packed().is_some(), vector.name.contains("compressed"));
        match vector.carrier {
            Carrier::Icmp => assert!(opened.ping().is_ok(), "{}", vector.name),
            Carrier::Datagram | Carrier::Serial => {
                assert!(opened.ping().is_err(), "{}", vector.name);
                if let Err(error) = opened.heard(LINK) {
                    panic!("{}: {error}", vector.name);
                }
            }
        }
    }
}

#[test]
fn vector_fields_are_sealed_byte_for_byte() {
    for vector in VECTORS {
        if vector.origin == Origin::Program || vector.name.contains("compressed") {
            continue;
        }
        let form = match vector.carrier {
            Carrier::Serial => Form::Classic,
            Carrier::Datagram | Carrier::Icmp => Form::Framed,
        };
        let mut sealer = Sealer::new(vector.style());
        let written = sealer.seal(&vector.fields(), form, &vector.keys()).unwrap();
        assert_eq!(written, vector.message(), "{}", vector.name);
    }
}

#[test]
fn vector_message_is_encoded_again_byte_for_byte() {
    let mut said = 0;
    for vector in VECTORS {
        let is_plain = vector.carrier == Carrier::Datagram && !vector.name.contains("compressed");
        if vector.origin == Origin::Program || !is_plain {
            continue;
        }
        let fields = vector.fields();
        let mut decoder = Decoder::default();
        let opened = decoder.open(vector.message(), &vector.keys()).unwrap();
        let heard = opened.heard(LINK).unwrap();
        let text = |name| fields.get(name).and_then(|field| field.text());
        let mut encoder = Encoder::new(
            Identity {
                name: heard.source.into(),
                uuid: heard.source_uuid.unwrap(),
                generation: heard.generation,
                ttl: text("ttl").unwrap().parse().unwrap(),
                nodes: NODES.map(Into::into).to_vec(),
            },
            vector.style(),
        );
        let load = text("ld").unwrap_or_default();
        let outgoing = outgoing(&heard);
        let time = heard.unix_time;
        let written = encoder.encode(&outgoing, None, load, time, &vector.keys(), Form::Framed);
        if matches!(heard.message, Message::Unknown { .. } | Message::QueryClient { .. }) {
            assert_eq!(written, Err(EncodeError::NotSendable), "{}", vector.name);
        } else {
            assert_eq!(written, Ok(vector.message()), "{}", vector.name);
            said += 1;
        }
    }
    assert_eq!(said, 48);
}

fn outgoing(heard: &Heard<'_>) -> Outgoing {
    let place = |name| NODES.iter().position(|node| *node == name).unwrap();
    Outgoing {
        message: heard.message.clone(),
        dest: heard.dest.map(|name| NodeId(u8::try_from(place(name)).unwrap())),
        dest_uuid: heard.dest_uuid,
        sequence: heard.sequence,
        made: Time::START,
    }
}

#[test]
fn vector_message_is_decoded_to_expected_meaning() {
    let ask = |hold, step, ipfail| Message::AskResources { hold, step, ipfail, by_order: false };
    for (number, right) in [
        (
            "08",
            Message::Status {
                status: NodeStatus::Active,
                deadtime: Duration::from_secs(6),
                flow_control: true,
            },
        ),
        ("03", Message::Ack { sequence: 3 }),
        ("28", Message::Rexmit { first: 21, last: 21 }),
        ("30", Message::Nak { sequence: 10, too_low: true }),
        ("32", Message::ReplyNodes { nodes: "alpha beta gamma".into(), deleted: "".into() }),
        (
            "17",
            Message::Resource {
                hold: GroupSet::Foreign,
                full: false,
                stable: None,
                occasion: Occasion::MachDown,
            },
        ),
        ("22", ask(GroupSet::Foreign, Step::Other, false)),
        ("56", ask(GroupSet::All, Step::Me, true)),
        ("26", Message::Stonith { node: "beta".into(), result: Fencing::Done }),
        ("49", Message::IpfailPresence { joined: true }),
        ("50", Message::Unknown { unsequenced: false }),
        ("43", Message::Unknown { unsequenced: true }),
        ("53", Message::PingCount { count: 3 }),
    ] {
        let vector = vector(number);
        let mut decoder = Decoder::default();
        let opened = decoder.open(vector.message(), &vector.keys()).unwrap();
        let heard = opened.heard(LINK).unwrap();
        assert_eq!(heard.message, &right, "{number}");
        assert_eq!(heard.sequence.is_some(), right.is_sequenced(), "{number}");
        assert!(heard.generation > 0x6b02_0000 && heard.unix_time > 0x6b02_0000);
    }
}

#[test]
fn compressed_vector_fields_survive_repacking() {
    for (number, algorithm) in [("61", Algorithm::Zlib), ("62", Algorithm::Bzip2)] {
        let vector = vector(number);
        let fields = vector.fields();
        let style = Style {
            format: MessageFormat::Classic,
            compression: Compression { algorithm, threshold: Some(2048) },
        };
        let mut sealer = Sealer::new(style);
        let written = sealer.seal(&fields, Form::Framed, &vector.keys()).unwrap();
        assert!(written.len() < 400);
        let mut decoder = Decoder::default();
        let opened = decoder.open(written, &vector.keys()).unwrap();
        assert_eq!(opened.packed(), Some(algorithm));
        assert_eq!(opened.fields(), &fields);
    }
}

#[test]
fn ping_vector_is_encoded_byte_for_byte() {
    for (number, medium) in
        [("57", PingMedium::Ping), ("59", PingMedium::Group), ("60", PingMedium::Ping6)]
    {
        let vector = vector(number);
        let mut decoder = Decoder::default();
        let opened = decoder.open(vector.message(), &vector.keys()).unwrap();
        let ping = opened.ping().unwrap();
        assert_eq!(ping.medium, medium);
        let identity = Identity {
            name: "alpha".into(),
            uuid: systole_core::Uuid::default(),
            generation: 1,
            ttl: 3,
            nodes: Vec::new(),
        };
        let mut encoder = Encoder::new(identity, Style::default());
        let payload = encoder.encode_ping(&ping, &vector.keys());
        assert_eq!(payload, Ok(vector.message()));
        let long = Ping { node: &"x".repeat(systole_wire::PING_MAX), ..ping };
        let refused = encoder.encode_ping(&long, &vector.keys());
        assert_eq!(refused, Err(EncodeError::TooLarge));
    }
}

#[test]
fn vector_with_flipped_bit_is_refused() {
    let mut decoder = Decoder::default();
    for vector in VECTORS {
        let message = without_nul(vector.message());
        if vector.name == REFUSED || message.len() > 1000 {
            continue;
        }
        let keys = vector.keys();
        let mut flipped = message.to_vec();
        for place in 0..message.len() {
            for bit in 0..8 {
                flipped[place] ^= 1 << bit;
                let opened = decoder.open(&flipped, &keys);
                assert!(opened.is_err(), "{} byte {place} bit {bit}", vector.name);
                flipped[place] ^= 1 << bit;
            }
        }
        assert!(decoder.open(&flipped, &keys).is_ok());
    }
}

#[test]
fn vector_cut_short_is_refused() {
    let mut decoder = Decoder::default();
    for vector in VECTORS {
        let message = without_nul(vector.message());
        let keys = vector.keys();
        for length in (0..message.len()).step_by(message.len() / 300 + 1) {
            let opened = decoder.open(&message[..length], &keys);
            assert!(opened.is_err(), "{} cut to {length}", vector.name);
        }
    }
}

/// Bytes after the end of a message belong to nothing.
fn without_nul(message: &[u8]) -> &[u8] {
    message.strip_suffix(b"\0").unwrap_or(message)
}
