//! Turns received bytes into verified messages.

use crate::envelope::{self, Algorithm};
use crate::error::{DecodeError, HearError};
use crate::fields::{Fields, Kind};
use crate::keys::{Keys, Signer};
use crate::limits::MESSAGE_MAX;
use crate::ping::Ping;
use crate::sealer::Form;
use crate::words::field::AUTH;
use crate::{classic, framed, hear};
use systole_core::{Beat, Heard, LinkId, Message};

/// The number of bytes that distinguish the two forms.
const MARKER_LENGTH: usize = 4;
const CLASSIC_MARKER: &[u8] = b">>>\n";

/// Opens datagrams and serial messages; keeps its buffers.
#[derive(Debug)]
pub struct Decoder {
    fields: Fields,
    /// The lines that the signature of a classic message covers.
    lines: Vec<u8>,
    unpacked: Vec<u8>,
    message: Message,
    beat: Beat,
}

/// A message with a valid signature.
#[derive(Debug)]
pub struct Opened<'a> {
    form: Form,
    signer: Signer,
    packed: Option<Algorithm>,
    fields: &'a Fields,
    message: &'a mut Message,
    beat: &'a mut Beat,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            lines: Vec::new(),
            unpacked: Vec::new(),
            message: Message::Starting,
            beat: Beat::default(),
        }
    }
}

impl Decoder {
    /// Verifies a received message, and only then reads it.
    ///
    /// A classic signature covers the meaning of the lines, not their bytes; such a message is split into
    /// lines first, and nothing else is done with the lines before the signature is verified.
    ///
    /// # Errors
    ///
    /// Bytes that are not a message, are not signed with one of `keys` or of the keys that they replace, or
    /// contain something that no node sends.
    pub fn open(&mut self, bytes: &[u8], keys: &Keys) -> Result<Opened<'_>, DecodeError> {
        let marker = bytes.get(..MARKER_LENGTH).ok_or(DecodeError::Short)?;
        if bytes.len() > MESSAGE_MAX {
            return Err(DecodeError::TooLarge);
        }
        self.fields.clear();
        let (form, signer) = if marker == framed::START {
            (Form::Framed, self.read_framed(bytes, keys)?)
        } else if marker == CLASSIC_MARKER {
            (Form::Classic, self.read_classic(bytes, keys)?)
        } else {
            return Err(DecodeError::NotAMessage);
        };
        let packed = envelope::unpack(&self.fields, &mut self.unpacked)?;
        if packed.is_some() {
            self.read_unpacked()?;
        }
        Ok(Opened {
            form,
            signer,
            packed,
            fields: &self.fields,
            message: &mut self.message,
            beat: &mut self.beat,
        })
    }

    fn read_framed(&mut self, bytes: &[u8], keys: &Keys) -> Result<Signer, DecodeError> {
        let (body, trailer) = bytes.split_at(framed::skim(bytes)?);
        let (signature, _) = framed::counted(trailer).map_err(|_| DecodeError::Unsigned)?;
        let signer = keys.judge(signature, body)?;
        framed::read(body, &mut self.fields)?;
        Ok(signer)
    }

    fn read_classic(&mut self, bytes: &[u8], keys: &Keys) -> Result<Signer, DecodeError> {
        classic::read(bytes, &mut self.fields)?;
        self.lines.clear();
        classic::push_signed(&mut self.lines, &self.fields).map_err(|_| DecodeError::Malformed)?;
        let signature = self.fields.iter().rfind(|field| field.name == AUTH);
        let signature =
            signature.filter(|field| field.kind == Kind::String).ok_or(DecodeError::Unsigned)?;
        keys.judge(signature.value, &self.lines)
    }

    /// Reads an unpacked message. The signature of the envelope covers it, so its own signature is not
    /// checked.
    fn read_unpacked(&mut self) -> Result<(), DecodeError> {
        self.fields.clear();
        if self.unpacked.starts_with(framed::START) {
            let end = framed::skim(&self.unpacked)?;
            framed::read(&self.unpacked[..end], &mut self.fields)
        } else if self.unpacked.starts_with(CLASSIC_MARKER) {
            classic::read(&self.unpacked, &mut self.fields)
        } else {
            Err(DecodeError::Envelope)
        }
    }
}

impl<'a> Opened<'a> {
    /// Returns the form in which the message came.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Returns which key of this node signed the message.
    #[must_use]
    pub const fn signer(&self) -> Signer {
        self.signer
    }

    /// Returns how the message was compressed, if it was.
    #[must_use]
    pub const fn packed(&self) -> Option<Algorithm> {
        self.packed
    }

    /// Returns the fields of the message.
    #[must_use]
    pub const fn fields(&self) -> &'a Fields {
        self.fields
    }

    /// Returns what the message says to the core, heard over `link`.
    ///
    /// # Errors
    ///
    /// A field is missing or has a value that cannot be read.
    pub fn heard(self, link: LinkId) -> Result<Heard<'a>, HearError> {
        *self.message = hear::message(self.fields)?;
        let has_beat = hear::beat(self.fields, self.beat);
        let message = &*self.message;
        let header = hear::header(self.fields, message)?;
        Ok(Heard {
            link,
            source: header.source,
            source_uuid: header.source_uuid,
            dest: header.dest,
            dest_uuid: header.dest_uuid,
            generation: header.generation,
            sequence: header.sequence,
            unix_time: header.unix_time,
            message,
            beat: has_beat.then_some(&*self.beat),
        })
    }

    /// Returns what the message says as the payload of an echo reply.
    ///
    /// # Errors
    ///
    /// The message is not one of a ping medium.
    pub fn ping(&self) -> Result<Ping<'a>, HearError> {
        Ping::read(self.fields)
    }
}
