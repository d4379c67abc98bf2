//! The progress of a node in what it sends, and in what it has heard.

use systole_lab::Capture;
use systole_wire::{Decoder, Keys};

/// Returns the highest sequence number of the beats in a recording.
pub(crate) fn spoken(capture: &Capture, keys: &Keys) -> u64 {
    highest(capture, keys, "status", "seq")
}

/// Returns the highest number that a node has acknowledged to the other one. A node acknowledges a number
/// only when nothing below it is missing.
pub(crate) fn acknowledged(capture: &Capture, keys: &Keys) -> u64 {
    highest(capture, keys, "NS_ackmsg", "ackseq")
}

/// Returns the highest number in a field of the messages of a type that are not for the sender itself.
fn highest(capture: &Capture, keys: &Keys, kind: &str, name: &str) -> u64 {
    let mut decoder = Decoder::default();
    let numbers = capture.packets().into_iter().filter_map(|packet| {
        let opened = decoder.open(&packet.payload, keys).ok()?;
        let text = |name| opened.fields().get(name).and_then(|field| field.text());
        let is_it = text("t") == Some(kind) && text("dest") != text("src");
        is_it.then(|| u64::from_str_radix(text(name)?, 16).ok()).flatten()
    });
    numbers.max().unwrap_or_default()
}
