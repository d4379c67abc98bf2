//! Messages that end a C daemon are refused here, and never written.

#![expect(clippy::unwrap_used, reason = "a panic is the report")]

#[path = "harmful/table.rs"]
mod table;

use systole_wire::{DecodeError, Decoder, Fields, Form, Keys, Kind, Method, Sealer, Style};
use table::{KEYS, harmful};

fn keys() -> Keys {
    assert_eq!(KEYS, "auth 1\n1 crc\n");
    Keys::new(1, [(1, Method::Crc, &b""[..])]).unwrap()
}

#[test]
fn harmful_messages_are_all_refused() {
    let mut decoder = Decoder::default();
    let mut behind_the_signature = 0;
    for row in harmful() {
        let refused = decoder.open(&row.bytes, &keys()).map(|_| ()).unwrap_err();
        let text = String::from_utf8_lossy(&row.bytes);
        assert_ne!(refused, DecodeError::Signature, "{}: {text}", row.what);
        behind_the_signature += usize::from(matches!(refused, DecodeError::Field(_)));
    }
    assert!(behind_the_signature > 5, "the signed ones get past the signature");
}

#[test]
fn harmful_message_restored_to_intact_form_is_accepted() {
    let longest = harmful().into_iter().filter(|row| row.what.contains("cut short"));
    let mut bytes = longest.max_by_key(|row| row.bytes.len()).unwrap().bytes;
    bytes.push(b',');
    assert!(Decoder::default().open(&bytes, &keys()).is_ok());
}

#[test]
fn harmful_field_cannot_be_written() {
    let mut fields = Fields::default();
    for (kind, name, value) in [
        (Kind::String, "", &b"stat"[..]),
        (Kind::String, "t", b"s\0t"),
        (Kind::String, "t=", b"st"),
        (Kind::String, "t\n", b"st"),
        (Kind::String, "\u{ff}", b"st"),
        (Kind::Nested, "child", b"nest"),
        (Kind::List, "l", b"9:abc,"),
        (Kind::List, "l", b"0:,"),
    ] {
        assert!(fields.push(kind, name, value).is_err(), "{name}={value:?}");
    }
    assert!(fields.is_empty());
    // Every kind has its digit, and no other digit can be requested.
    let digits = [Kind::String, Kind::Binary, Kind::Nested, Kind::List, Kind::Compressed];
    assert_eq!(digits.map(Kind::digit), *b"01234");
    let mut sealer = Sealer::new(Style::default());
    let empty = sealer.seal(&fields, Form::Framed, &keys()).unwrap();
    assert!(Decoder::default().open(empty, &keys()).is_ok());
}
