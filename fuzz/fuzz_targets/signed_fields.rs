//! Any content of a message with a correct signature.
//!
//! The input is cut into fields: a byte for the kind, a byte for the name, a byte for the length
//! of the value, the value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use systole_core::LinkId;
use systole_wire::{Decoder, Fields, Form, Keys, Kind, Method, Sealer, Style};

const KINDS: [Kind; 5] = [Kind::String, Kind::Binary, Kind::Nested, Kind::List, Kind::Compressed];
/// The names of fields that are read.
const NAMES: [&str; 24] = [
    "t",
    "src",
    "srcuuid",
    "dest",
    "destuuid",
    "seq",
    "hg",
    "ts",
    "st",
    "dt",
    "protocol",
    "systole",
    "ackseq",
    "firstseq",
    "lastseq",
    "info",
    "rsc_hold",
    "rtype",
    "isstable",
    "from_id",
    "num_ping",
    "nodelist",
    "_compressed_payload",
    "_compression_algorithm",
];

fn fields_of(mut bytes: &[u8]) -> Fields {
    let mut fields = Fields::default();
    while let [kind, name, length, rest @ ..] = bytes {
        let (value, behind) = rest.split_at(rest.len().min(usize::from(*length)));
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        let name = NAMES[usize::from(*name) % NAMES.len()];
        // An invalid field is left out; the others still make a message.
        let _ = fields.push(kind, name, value);
        bytes = behind;
    }
    fields
}

fuzz_target!(|bytes: &[u8]| {
    let keys = Keys::new(1, [(1, Method::Md5, &b"key"[..])]).expect("the key is usable");
    let fields = fields_of(bytes);
    let mut sealer = Sealer::new(Style::default());
    let mut decoder = Decoder::default();
    for form in [Form::Framed, Form::Classic] {
        let Ok(sealed) = sealer.seal(&fields, form, &keys) else {
            continue;
        };
        let Ok(opened) = decoder.open(sealed, &keys) else {
            continue;
        };
        if opened.packed().is_none() {
            let back = opened.fields().iter().filter(|field| field.name != "auth");
            assert!(back.eq(fields.iter()), "{fields:?}");
        }
        let _ = opened.ping();
        let _ = opened.heard(LinkId(0));
    }
});
