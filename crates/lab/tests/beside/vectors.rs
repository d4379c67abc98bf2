//! Messages that a C daemon was captured to send are also sent by Systole, field for field.
//!
//! Each test brings a Systole daemon into situations next to a C daemon, records what it sends, and searches
//! the recording for every captured message that belongs there.

#[path = "../../../wire/tests/vectors/table.rs"]
mod captured;
mod dialects;
mod fences;
mod pings;
mod shape;
mod story;
mod table;

use crate::LIMIT;
use captured::{Carrier as By, Origin, VECTORS, Vector};
use shape::Shape;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Capture, Carrier, Packet};
use systole_wire::{Keys, Method};
use table::{Shown, Situation, TABLE};

/// The bytes before the payload of an ICMP echo.
const ICMP_HEADER: usize = 8;

/// How often a recording that does not contain everything yet is checked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Returns the keys of a captured message, which are also those of the labs here.
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

/// Returns the messages of a situation that were not sent.
fn absent(situation: Situation, sent: &BTreeSet<Shape>) -> Vec<(&'static Vector, Shape)> {
    let here = TABLE.iter().filter(|(_, shown)| *shown == Shown::Here(situation));
    let wanted = here.map(|(number, _)| vector(number)).map(|vector| (vector, shape_of(vector)));
    wanted.filter(|(_, shape)| !sent.contains(shape)).collect()
}

/// A recording that is examined piece by piece.
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

    /// Searches what was sent since the last call for the messages of a situation.
    fn judge(&mut self, situation: Situation) {
        let done = self.done;
        let packets = self.await_all(situation, |capture| capture.packets().split_off(done));
        self.done += packets.len();
        self.judge_packets(situation, &packets);
    }

    /// Searches everything that was sent over a carrier for the messages of a situation.
    fn judge_carrier(&mut self, situation: Situation, is_it: fn(Carrier) -> bool) {
        let packets = self.await_all(situation, |capture| {
            let mut packets = capture.packets();
            packets.retain(|packet| is_it(packet.carrier));
            packets
        });
        self.judge_packets(situation, &packets);
    }

    /// Returns packets of the recording when no message of a situation is missing from them, or when the
    /// limit is reached: a message that a node has already logged may be recorded a moment later.
    fn await_all(
        &self,
        situation: Situation,
        packets: impl Fn(&Capture) -> Vec<Packet>,
    ) -> Vec<Packet> {
        let give_up = Instant::now() + LIMIT;
        loop {
            let sent = packets(self.capture);
            if absent(situation, &self.shapes(&sent)).is_empty() || Instant::now() >= give_up {
                return sent;
            }
            sleep(LOOK_EVERY);
        }
    }

    /// Searches some packets for the messages of a situation.
    fn judge_packets(&mut self, situation: Situation, packets: &[Packet]) {
        let sent = self.shapes(packets);
        let largest = packets.iter().map(|packet| packet.payload.len()).max().unwrap_or_default();
        println!(
            "{situation:?}: {} packets of {} forms, the largest of {largest} bytes",
            packets.len(),
            sent.len()
        );
        for (wanted, shape) in absent(situation, &sent) {
            self.missing.push(format!("{situation:?}: nothing like {}:\n  {shape}", wanted.name));
        }
        if !self.missing.is_empty() {
            let sent: Vec<String> = sent.iter().map(|shape| format!("  {shape}\n")).collect();
            self.missing.push(format!("{situation:?}: sent was\n{}", sent.concat()));
        }
    }

    /// Returns the forms of some packets.
    fn shapes(&self, packets: &[Packet]) -> BTreeSet<Shape> {
        packets.iter().filter_map(|packet| Shape::of(&packet.payload, &self.keys)).collect()
    }

    /// Returns whether nothing was missing.
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
