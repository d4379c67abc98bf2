//! Why bytes are not a message, or a message cannot be turned into bytes.

use thiserror::Error;

/// Why a datagram was refused; a value for counting, without any content of the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// It has fewer bytes than a start marker.
    #[error("too short")]
    Short,
    /// It begins with neither of the two start markers.
    #[error("not a message")]
    NotAMessage,
    /// It is longer than any message.
    #[error("too large")]
    TooLarge,
    /// Its counts, lines or markers do not fit together.
    #[error("malformed")]
    Malformed,
    /// It has no readable signature.
    #[error("no signature")]
    Unsigned,
    /// It is signed with a key id that is not configured.
    #[error("unknown key id")]
    UnknownKey,
    /// It is signed with a checksum, while this node sends with a real key.
    #[error("checksum in place of a signature")]
    Checksum,
    /// Its signature does not match.
    #[error("wrong signature")]
    Signature,
    /// It has more fields than [`FIELDS_MAX`](crate::FIELDS_MAX).
    #[error("too many fields")]
    TooManyFields,
    /// Messages are nested deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("nested too deep")]
    TooDeep,
    /// One of its fields is invalid.
    #[error("unreadable field")]
    Field(#[from] FieldError),
    /// Its envelope cannot be unpacked, or names an unknown algorithm.
    #[error("unreadable envelope")]
    Envelope,
    /// Its envelope holds more than [`UNPACKED_MAX`](crate::UNPACKED_MAX) bytes.
    #[error("envelope too large")]
    UnpackedTooLarge,
}

/// Why a value cannot be a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum FieldError {
    /// The name is empty, too long, or has a byte that a name cannot have.
    #[error("bad field name")]
    Name,
    /// The type digit is one that is never sent.
    #[error("bad field type")]
    Kind,
    /// A string has a NUL byte, or the byte 0x13, which is sent instead of a newline.
    #[error("bad string")]
    Text,
    /// The value is not base64.
    #[error("bad base64")]
    Base64,
    /// A packed list is malformed, has an empty element, or is too long.
    #[error("bad list")]
    List,
    /// A nested message is malformed.
    #[error("bad nested message")]
    Nested,
    /// The message has no room for another field.
    #[error("too many fields")]
    Full,
}

/// Why a verified message has no meaning for the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum HearError {
    /// A field that its type requires is absent.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A field has a value that cannot be read.
    #[error("field {0} is unreadable")]
    Unreadable(&'static str),
}

/// Why a message cannot be sent. No bytes were produced that could be sent by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum EncodeError {
    /// Its kind only exists for received messages.
    #[error("not a message to send")]
    NotSendable,
    /// Its kind has a sequence number, and none was given.
    #[error("sequence number is missing")]
    NoSequence,
    /// Its addressee has no name.
    #[error("addressee is unknown")]
    UnknownNode,
    /// A table of the beat is larger than any cluster.
    #[error("beat too large")]
    BeatTooLarge,
    /// The encoded message is too large for its medium.
    #[error("too large")]
    TooLarge,
    /// One of its fields is invalid.
    #[error("bad field")]
    Field(#[from] FieldError),
    /// A value has bytes that the classic form cannot express.
    #[error("not expressible in the classic form")]
    NotClassic,
    /// The compressor failed.
    #[error("compression failed")]
    Compression,
}
