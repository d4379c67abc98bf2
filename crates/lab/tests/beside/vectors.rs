//! What a C daemon was captured to send, ours sends too, field for field.
//!
//! Each test brings a daemon of ours into situations beside a C one, records what it sends, and
//! looks in the recording for every captured message that belongs there.

#[path = "../../../wire/tests/vectors/table.rs"]
mod captured;
mod dialects;
mod fences;
mod pings;
mod shape;
mod story;
mod table;

use captured::{Carrier as By, Origin, VECTORS, Vector};
use shape::Shape;
use std::collections::BTreeSet;
use systole_lab::{Capture, Packet};
use systole_wire::{Keys, Method};
use table::{Shown, Situation, TABLE};

/// Bytes before the payload of an ICMP echo.
const ICMP_HEADER: usize = 8;

/// The keys of a captured message, which are those of the labs here too.
fn keys(method: Method, id: u8) -> Keys {
    let text: &[u8] = match method {
        Method::Sha1 | Method::Sha256 => b"TestKeySha1",
        Method::Md5 => b"TestKeyMd5",
        Method::Crc => b"",
    };
    Keys::new(id, [(id, method, text)]).expect("they are good keys")
}

fn vector(number: &str) -> &'static Vector {
    let found = VECTORS.iter().find(|vector| vector.name.starts_with(number));
    found.unwrap_or_else(|| panic!("no vector {number}"))
}

fn shape_of(vector: &Vector) -> Shape {
    let bytes = match vector.carrier {
        By::Icmp => &vector.captured[ICMP_HEADER..],
        By::Datagram | By::Serial => vector.captured,
    };
    let shape = Shape::of(bytes, &keys(vector.method, vector.key));
    shape.unwrap_or_else(|| panic!("{} cannot be read", vector.name))
}

/// A recording that is looked at a piece at a time.
struct Recording<'a> {
    capture: &'a Capture,
    keys: Keys,
    done: usize,
    missing: Vec<String>,
}

impl<'a> Recording<'a> {
    fn new(capture: &'a Capture, keys: Keys) -> Self {
        Self { capture, keys, done: 0, missing: Vec::new() }
    }

    /// Looks in what was sent since the last time for what belongs to a situation.
    fn judge(&mut self, situation: Situation) {
        let packets: Vec<Packet> = self.capture.packets().split_off(self.done);
        self.done += packets.len();
        self.judge_packets(situation, &packets);
    }

    /// Looks in some packets for what belongs to a situation.
    fn judge_packets(&mut self, situation: Situation, packets: &[Packet]) {
        let sent: BTreeSet<Shape> =
            packets.iter().filter_map(|packet| Shape::of(&packet.payload, &self.keys)).collect();
        let largest = packets.iter().map(|packet| packet.payload.len()).max().unwrap_or_default();
        println!(
            "{situation:?}: {} packets of {} forms, the largest of {largest} bytes",
            packets.len(),
            sent.len()
        );
        for (number, _) in TABLE.iter().filter(|(_, shown)| *shown == Shown::Here(situation)) {
            let wanted = vector(number);
            let shape = shape_of(wanted);
            if !sent.contains(&shape) {
                self.missing
                    .push(format!("{situation:?}: nothing like {}:\n  {shape}", wanted.name));
            }
        }
        if !self.missing.is_empty() {
            let sent: Vec<String> = sent.iter().map(|shape| format!("  {shape}\n")).collect();
            self.missing.push(format!("{situation:?}: sent was\n{}", sent.concat()));
        }
    }

    /// Whether nothing was missing.
    fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Fails if anything was missing.
    fn finish(self) {
        assert!(self.missing.is_empty(), "{}", self.missing.join("\n"));
    }
}

#[test]
fn every_vector_has_a_row() {
    let rows: Vec<&str> = TABLE.iter().map(|(number, _)| *number).collect();
    let all: Vec<&str> = VECTORS.iter().map(|vector| &vector.name[..2]).collect();
    assert_eq!(rows, all);
    for (number, shown) in TABLE {
        let by_program = vector(number).origin == Origin::Program;
        assert!(!(by_program && matches!(shown, Shown::Here(_))), "{number} is not a daemon's");
    }
}
