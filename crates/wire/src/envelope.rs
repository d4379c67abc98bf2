//! Compressed messages in their envelope.

use crate::error::{DecodeError, EncodeError};
use crate::fields::{Fields, Kind};
use crate::limits::UNPACKED_MAX;
use std::io::{Read as _, Write as _};

/// The name of the field that holds the compressed message.
const PAYLOAD: &str = "_compressed_payload";
/// The name of the field that names the algorithm.
const ALGORITHM: &str = "_compression_algorithm";

/// Unpacking stops here: one byte more than allowed distinguishes a message that is too long from one that
/// just fits.
const READ_MAX: u64 = UNPACKED_MAX as u64 + 1;

/// How a message is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// A zlib stream (RFC 1950).
    #[default]
    Zlib,
    /// A bzip2 stream with blocks of 100 kB.
    Bzip2,
}

impl Algorithm {
    /// Returns the word in messages and in `ha.cf`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Bzip2 => "bz2",
        }
    }

    fn of_word(word: &[u8]) -> Option<Self> {
        [Self::Zlib, Self::Bzip2].into_iter().find(|algorithm| algorithm.word().as_bytes() == word)
    }
}

/// Unpacks an envelope into `out`; returns `None` for a message that is not an envelope.
pub(crate) fn unpack(fields: &Fields, out: &mut Vec<u8>) -> Result<Option<Algorithm>, DecodeError> {
    let Some(payload) = fields.get(PAYLOAD) else {
        return Ok(None);
    };
    let algorithm = fields
        .get(ALGORITHM)
        .filter(|_| payload.kind == Kind::Binary)
        .and_then(|field| Algorithm::of_word(field.value))
        .ok_or(DecodeError::Envelope)?;
    out.clear();
    match algorithm {
        Algorithm::Zlib => {
            flate2::bufread::ZlibDecoder::new(payload.value).take(READ_MAX).read_to_end(out)
        }
        Algorithm::Bzip2 => {
            bzip2::bufread::BzDecoder::new(payload.value).take(READ_MAX).read_to_end(out)
        }
    }
    .map_err(|_| DecodeError::Envelope)?;
    if out.len() > UNPACKED_MAX {
        return Err(DecodeError::UnpackedTooLarge);
    }
    Ok(Some(algorithm))
}

/// Makes the envelope of a message.
pub(crate) fn pack(message: &[u8], algorithm: Algorithm) -> Result<Fields, EncodeError> {
    let room = Vec::with_capacity(message.len() / 2);
    let packed = match algorithm {
        Algorithm::Zlib => {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::ZlibEncoder::new(room, level);
            encoder.write_all(message).and_then(|()| encoder.finish())
        }
        Algorithm::Bzip2 => {
            // Block size 1, as in a C node: the receiver needs the least memory.
            let level = bzip2::Compression::fast();
            let mut encoder = bzip2::write::BzEncoder::new(room, level);
            encoder.write_all(message).and_then(|()| encoder.finish())
        }
    }
    .map_err(|_| EncodeError::Compression)?;
    let mut fields = Fields::default();
    fields.push(Kind::Binary, PAYLOAD, &packed)?;
    fields.push_text(ALGORITHM, algorithm.word())?;
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_message_unpacks_unchanged() {
        for (algorithm, magic) in [(Algorithm::Zlib, &b"\x78\x9c"[..]), (Algorithm::Bzip2, b"BZh1")]
        {
            let fields = pack(b"message", algorithm).unwrap();
            assert!(fields.get(PAYLOAD).unwrap().value.starts_with(magic));
            let mut out = Vec::new();
            assert_eq!(unpack(&fields, &mut out), Ok(Some(algorithm)));
            assert_eq!(out, b"message");
        }
    }

    #[test]
    fn compression_bomb_is_not_unpacked_beyond_limit() {
        for algorithm in [Algorithm::Zlib, Algorithm::Bzip2] {
            for (size, right) in [
                (UNPACKED_MAX, Ok(Some(algorithm))),
                (UNPACKED_MAX + 1, Err(DecodeError::UnpackedTooLarge)),
                (4 * UNPACKED_MAX, Err(DecodeError::UnpackedTooLarge)),
            ] {
                let fields = pack(&vec![0; size], algorithm).unwrap();
                let mut out = Vec::new();
                assert_eq!(unpack(&fields, &mut out), right);
                assert!(out.len() <= UNPACKED_MAX + 1);
                assert!(out.capacity() <= 2 * (UNPACKED_MAX + 1));
            }
        }
    }

    #[test]
    fn payload_that_cannot_be_unpacked_is_refused() {
        for (payload, word) in [
            (&b"garbage"[..], "zlib"),
            (b"", "zlib"),
            (b"\x78\x9c", "zlib"),
            (b"BZh1", "bz2"),
            (b"", "lzma"),
        ] {
            let mut fields = Fields::default();
            fields.push(Kind::Binary, PAYLOAD, payload).unwrap();
            fields.push_text(ALGORITHM, word).unwrap();
            let refused = unpack(&fields, &mut Vec::new());
            assert_eq!(refused, Err(DecodeError::Envelope));
        }
    }
}
