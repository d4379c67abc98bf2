//! Turns messages of the core into signed bytes.

use crate::compose::Compose;
use crate::error::EncodeError;
use crate::fields::Fields;
use crate::keys::Keys;
use crate::limits::PING_MAX;
use crate::ping::Ping;
use crate::sealer::{Form, Sealer, Style};
use systole_core::{Beat, Outgoing, Uuid};

/// The identity of a node in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name, in lower case.
    pub name: Box<str>,
    /// Its uuid.
    pub uuid: Uuid,
    /// The number of this run of its daemon.
    pub generation: u64,
    /// `hopfudge` plus the number of nodes, including ping nodes.
    pub ttl: u32,
    /// The names of all normal nodes, each at the index given by its `NodeId`.
    pub nodes: Vec<Box<str>>,
}

/// Writes and signs the messages of one node; keeps its buffers.
#[derive(Debug)]
pub struct Encoder {
    identity: Identity,
    fields: Fields,
    sealer: Sealer,
}

impl Encoder {
    /// Makes an encoder with empty buffers.
    #[must_use]
    pub fn new(identity: Identity, style: Style) -> Self {
        Self { identity, fields: Fields::default(), sealer: Sealer::new(style) }
    }

    /// Returns the bytes of a message. `beat` is added to a `status`, `load` (the first line of
    /// `/proc/loadavg`) to every message that has a sequence number; `unix_time` is in seconds since 1970.
    ///
    /// Sending a message again with the same `load` and `unix_time` as the first time gives the same bytes,
    /// which is what other nodes expect of a retransmission.
    ///
    /// # Errors
    ///
    /// A message that is not for sending, or is too large for its form.
    pub fn encode(
        &mut self,
        outgoing: &Outgoing,
        beat: Option<&Beat>,
        load: &str,
        unix_time: u64,
        keys: &Keys,
        form: Form,
    ) -> Result<&[u8], EncodeError> {
        self.fields.clear();
        Compose::new(&mut self.fields, &self.identity, outgoing).write(beat, load, unix_time)?;
        self.sealer.seal(&self.fields, form, keys)
    }

    /// Returns the payload of an echo request.
    ///
    /// # Errors
    ///
    /// A name that cannot be sent, or is too long.
    pub fn encode_ping(&mut self, ping: &Ping<'_>, keys: &Keys) -> Result<&[u8], EncodeError> {
        self.fields.clear();
        ping.write(&mut self.fields)?;
        let payload = self.sealer.seal(&self.fields, Form::Framed, keys)?;
        if payload.len() > PING_MAX {
            return Err(EncodeError::TooLarge);
        }
        Ok(payload)
    }
}
