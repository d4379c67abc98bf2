//! Messages as real bytes: signed at the sender, and accepted at the receiver only if they are exactly what
//! was signed.

use crate::machine::uuid;
use crate::network::Frame;
use systole_core::{Heard, LinkId, Random, Settings};
use systole_wire::{Decoder, Encoder, Form, Identity, Keys, Method, Style};

/// The secret of every world.
const SECRET: &[u8] = b"as above, so below";
/// How many of a thousand datagrams arrive with a flipped bit.
const DAMAGE_PER_MILLE: u64 = 5;

/// The path of a message from one core to another.
#[derive(Debug)]
pub(crate) struct Codec {
    keys: Keys,
    decoder: Decoder,
}

impl Codec {
    pub(crate) fn new() -> Self {
        let keys = Keys::new(1, [(1, Method::Md5, SECRET)]);
        Self { keys: keys.expect("one key, which is the sending one"), decoder: Decoder::default() }
    }

    /// Returns the bytes of a frame.
    pub(crate) fn seal(&self, frame: &Frame, settings: &Settings) -> Vec<u8> {
        let identity = Identity {
            name: settings.name(frame.source).into(),
            uuid: uuid(frame.source),
            generation: frame.generation,
            ttl: 3,
            nodes: settings.nodes.iter().map(|name| name.as_str().into()).collect(),
        };
        let mut encoder = Encoder::new(identity, Style::default());
        let beat = frame.beat.as_ref();
        let load = "0.00 0.00 0.00 1/1 1";
        let bytes =
            encoder.encode(&frame.outgoing, beat, load, frame.date, &self.keys, Form::Framed);
        bytes.expect("the core says nothing that cannot be sent").to_vec()
    }

    /// Now and then flips a bit of a datagram in transit.
    pub(crate) fn damage(bytes: &mut [u8], random: &mut Random) {
        if !random.chance(DAMAGE_PER_MILLE) {
            return;
        }
        let bit = random.below(bytes.len() as u64 * 8);
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at)) {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// Opens received bytes; returns `None` for damaged ones.
    pub(crate) fn open(&mut self, link: LinkId, bytes: &[u8]) -> Option<Heard<'_>> {
        self.decoder.open(bytes, &self.keys).ok()?.heard(link).ok()
    }
}
