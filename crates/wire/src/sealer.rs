//! Turns any message into signed bytes.

use crate::envelope::{self, Algorithm};
use crate::error::EncodeError;
use crate::fields::{Field, Fields, Kind};
use crate::keys::Keys;
use crate::limits::{DATAGRAM_MAX, MESSAGE_MAX};
use crate::words::field::AUTH;
use crate::{classic, framed};

/// The form of a message in transit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Counted strings and a trailer, for datagrams.
    Framed,
    /// Lines of text, for serial lines.
    Classic,
}

/// The choices of `msgfmt` for datagrams. Both are framed and have a trailer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageFormat {
    /// With a second signature inside, which older nodes require.
    #[default]
    Classic,
    /// Without one.
    Netstring,
}

/// When and how datagrams are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compression {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The highest number of bytes that stay uncompressed (`traditional_compression on`). Messages of 256 KiB
    /// or more are always compressed.
    pub threshold: Option<usize>,
}

impl Compression {
    /// The size from which a C node compresses a message whatever the configuration says.
    const ALWAYS: usize = 256 * 1024;

    fn wants(&self, length: usize) -> bool {
        length >= Self::ALWAYS || self.threshold.is_some_and(|threshold| length > threshold)
    }
}

/// How a node writes its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// The choice of `msgfmt`.
    pub format: MessageFormat,
    /// Which datagrams are compressed.
    pub compression: Compression,
}

/// Writes and signs messages; keeps its buffer.
#[derive(Debug)]
pub struct Sealer {
    style: Style,
    out: Vec<u8>,
    /// The classic lines that the inner signature covers.
    lines: Vec<u8>,
    signature: Vec<u8>,
}

impl Sealer {
    /// Makes a sealer with empty buffers.
    #[must_use]
    pub const fn new(style: Style) -> Self {
        Self { style, out: Vec::new(), lines: Vec::new(), signature: Vec::new() }
    }

    /// Returns the bytes of a message, signed with the sending key. An existing `auth` field is left out.
    ///
    /// # Errors
    ///
    /// A message too large for a datagram, or one that the classic form cannot express where that form is
    /// used.
    pub fn seal(
        &mut self,
        message: &Fields,
        form: Form,
        keys: &Keys,
    ) -> Result<&[u8], EncodeError> {
        match form {
            Form::Classic => {
                self.write_classic(message, keys)?;
                if self.out.len() > MESSAGE_MAX {
                    return Err(EncodeError::TooLarge);
                }
            }
            Form::Framed => {
                self.write_framed(message, self.signs_inside(message), keys)?;
                let compression = self.style.compression;
                if compression.wants(self.out.len()) {
                    self.write_envelope(message, compression.algorithm, keys)?;
                }
                if self.out.len() > DATAGRAM_MAX {
                    return Err(EncodeError::TooLarge);
                }
            }
        }
        Ok(&self.out)
    }

    fn signs_inside(&self, message: &Fields) -> bool {
        match self.style.format {
            MessageFormat::Classic => !message.has_messages(),
            MessageFormat::Netstring => false,
        }
    }

    fn write_classic(&mut self, message: &Fields, keys: &Keys) -> Result<(), EncodeError> {
        self.out.clear();
        self.out.extend_from_slice(classic::START);
        self.out.push(b'\n');
        let start = self.out.len();
        classic::push_signed(&mut self.out, message)?;
        self.signature.clear();
        keys.sign(&self.out[start..], &mut self.signature);
        self.out.extend_from_slice(AUTH.as_bytes());
        self.out.push(b'=');
        self.out.extend_from_slice(&self.signature);
        self.out.push(b'\n');
        self.out.extend_from_slice(classic::END);
        self.out.push(b'\n');
        Ok(())
    }

    fn write_framed(
        &mut self,
        message: &Fields,
        signs_inside: bool,
        keys: &Keys,
    ) -> Result<(), EncodeError> {
        self.out.clear();
        self.out.extend_from_slice(framed::START);
        for field in message.iter() {
            if field.name != AUTH {
                framed::push_field(&mut self.out, field);
            }
        }
        if signs_inside {
            self.lines.clear();
            classic::push_signed(&mut self.lines, message)?;
            self.signature.clear();
            keys.sign(&self.lines, &mut self.signature);
            let field = Field { kind: Kind::String, name: AUTH, value: &self.signature };
            framed::push_field(&mut self.out, field);
        }
        self.out.extend_from_slice(framed::END);
        self.signature.clear();
        keys.sign(&self.out, &mut self.signature);
        framed::push_counted(&mut self.out, &self.signature);
        Ok(())
    }

    /// Writes a message in an envelope. The message inside has its own signature, because older nodes check
    /// it. A classic message keeps the NUL that ends a text in C.
    fn write_envelope(
        &mut self,
        message: &Fields,
        algorithm: Algorithm,
        keys: &Keys,
    ) -> Result<(), EncodeError> {
        if self.signs_inside(message) {
            self.write_classic(message, keys)?;
            self.out.push(0);
        }
        let packed = envelope::pack(&self.out, algorithm)?;
        self.write_framed(&packed, false, keys)
    }
}
