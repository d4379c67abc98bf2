//! What two messages of one kind have in common: everything except the values that must differ.

use std::fmt;
use systole_wire::{Algorithm, Decoder, Fields, Form, Keys, Kind};

/// The one extra field of Systole, which a C node skips.
const EXTRA: &str = "systole";
/// Fields whose values are words of the protocol.
const WORDS: [&str; 14] = [
    "t",
    "st",
    "protocol",
    "rsc_hold",
    "rtype",
    "isstable",
    "info",
    "result",
    "weown",
    "ok",
    "from_id",
    "to_id",
    "client_gen",
    "ttl",
];
/// Fields whose values are hexadecimal numbers without leading zeros.
const NUMBERS: [&str; 5] = ["seq", "hg", "ts", "dt", "ackseq"];

/// The form of a message: how it is written, and its fields in their order, each with its type, its name, and
/// the part of its value that does not depend on the sender and the time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    text: String,
}

impl Shape {
    /// Returns the form of a signed message; `None` if it is not signed with these keys.
    pub(crate) fn of(bytes: &[u8], keys: &Keys) -> Option<Self> {
        let mut decoder = Decoder::default();
        let opened = decoder.open(bytes, keys).ok()?;
        let form = match (opened.form(), opened.packed()) {
            (Form::Classic, _) => "classic",
            (Form::Framed, None) => "framed",
            (Form::Framed, Some(Algorithm::Zlib)) => return Some(Self::packed(bytes, "zlib")),
            (Form::Framed, Some(Algorithm::Bzip2)) => return Some(Self::packed(bytes, "bz2")),
        };
        let mut text = form.to_owned();
        for field in opened.fields().iter().filter(|field| field.name != EXTRA) {
            let value = value(field.name, field.text(), opened.fields());
            text += &format!(" ({}){}={value}", char::from(field.kind.digit()), field.name);
            assert!(field.kind == Kind::String || field.text().is_none());
        }
        Some(Self { text })
    }

    /// Of a message in an envelope only the envelope is compared: the content of the captured envelopes came
    /// from a client.
    fn packed(bytes: &[u8], algorithm: &str) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut names = ["(1)_compressed_payload=", "(0)_compression_algorithm=", "(0)auth="];
        names.sort_by_key(|name| text.find(name));
        let found: String = names.into_iter().filter(|name| text.contains(name)).collect();
        Self { text: format!("framed {found} {algorithm}") }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Returns the part of a value that is the same for every sender.
fn value(name: &str, text: Option<&str>, fields: &Fields) -> String {
    let Some(text) = text else { return "BYTES".to_owned() };
    let source = fields.get("src").and_then(|field| field.text());
    if WORDS.contains(&name) {
        return text.to_owned();
    }
    if NUMBERS.contains(&name) {
        let is_plain = u64::from_str_radix(text, 16).is_ok_and(|n| format!("{n:x}") == text);
        return if is_plain { "HEX".to_owned() } else { text.to_owned() };
    }
    match name {
        "dest" if Some(text) == source => "SELF".to_owned(),
        "nodelist" | "delnodelist" => words(text),
        "ld" => digits(text),
        "auth" => signature(text),
        // Node, group, number: these differ.
        _ => {
            if text.is_empty() {
                String::new()
            } else {
                "VALUE".to_owned()
            }
        }
    }
}

/// Returns a list of names with its blanks.
fn words(text: &str) -> String {
    text.split(' ')
        .map(|name| if name.is_empty() { "" } else { "NAME" })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Replaces each run of digits in a text by one digit.
fn digits(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        let letter = if letter.is_ascii_digit() { '9' } else { letter };
        if letter != '9' || !out.ends_with('9') {
            out.push(letter);
        }
    }
    out
}

/// Returns the form of a signature: the number of the key, and the length of the digest. (The digest of `crc`
/// is as long as its number happens to be.)
fn signature(text: &str) -> String {
    let digest = text.split_once(' ').map_or(text, |(_, digest)| digest);
    if digest.len() > 8 { format!("ID {}", digest.len()) } else { "ID CRC".to_owned() }
}
