//! Messages that end a C daemon, or that no node should ever send. They are signed with `crc` under number 1
//! where a row says so, because a checksum is easily made by hand.

/// A harmful message.
#[derive(Debug, Clone)]
pub(crate) struct Harmful {
    pub(crate) what: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The text of the `authkeys` with which these are signed.
pub(crate) const KEYS: &str = "auth 1\n1 crc\n";

/// Bodies of framed messages. Those marked with a star were observed to end the C daemon that receives them:
/// the first two of these unsigned, the third signed.
const BODIES: [(&str, &[u8]); 17] = [
    ("* a field without a bracket", b"3:abc,"),
    ("* a type that is none", b"9:(7)t=stat,"),
    ("* a string with a NUL", b"8:(0)t=s\0t,"),
    ("* a field without a name", b"8:(0)=stat,"),
    ("a field without a value", b"8:(0)stats,"),
    ("a field with nothing in it", b"0:,"),
    ("a type without its end", b"4:(0t=,"),
    ("a count that says too much", b"80:(0)t=st,"),
    ("a count that says too little", b"3:(0)t=st,"),
    ("a count beyond all numbers", b"99999999999999999999999:(0)t=st,"),
    ("a negative count", b"-8:(0)t=st,"),
    ("a count with a sign", b"+8:(0)t=st,"),
    ("a nested message that is none", b"13:(2)child=nest,"),
    ("a list that is none", b"11:(3)l=9:abc,,"),
    ("a list with an empty element", b"8:(3)l=0:,,"),
    (
        "an envelope with nothing in it",
        b"24:(1)_compressed_payload=x,30:(0)_compression_algorithm=zlib,",
    ),
    ("a name beyond ASCII", b"8:(0)t\xff=st,"),
];

/// Returns all of them: each body signed and unsigned, and a good message cut short at every length.
pub(crate) fn harmful() -> Vec<Harmful> {
    let mut all = Vec::new();
    for (what, fields) in BODIES {
        let body = [b"###\n", fields, b"%%%\n"].concat();
        all.push(Harmful { what, bytes: signed(&body) });
        all.push(Harmful { what, bytes: body });
    }
    let good = signed(b"###\n11:(0)t=status,11:(0)src=web2,7:(0)ts=1,%%%\n");
    for length in 0..good.len() {
        all.push(Harmful { what: "a message that is cut short", bytes: good[..length].to_vec() });
    }
    for (what, bytes) in [
        ("a text without a signature", &b">>>\nt=status\nsrc=web2\n<<<\n"[..]),
        ("a text without an end", b">>>\nt=status\nsrc=web2\nauth=1 0\n"),
        ("a line without a name", b">>>\n=status\nauth=1 0\n<<<\n"),
        ("a line that names the type of a string", b">>>\n(0)t=status\nauth=1 0\n<<<\n"),
        ("a beginning without an end", b"###\n"),
        ("noise", &[0xff; 1400]),
    ] {
        all.push(Harmful { what, bytes: bytes.to_vec() });
    }
    all
}

/// Returns a framed message with its trailer.
fn signed(body: &[u8]) -> Vec<u8> {
    let signature = format!("1 {:x}", crc(body));
    [body, format!("{}:{signature},", signature.len()).as_bytes()].concat()
}

/// CRC-32 with the polynomial 0x04C11DB7, highest bit first, from 0, complemented at the end.
fn crc(bytes: &[u8]) -> u32 {
    let shifted = |sum: u32, _| if sum >> 31 == 1 { (sum << 1) ^ 0x04C1_1DB7 } else { sum << 1 };
    !bytes.iter().fold(0, |sum, byte| (0..8).fold(sum ^ (u32::from(*byte) << 24), shifted))
}
