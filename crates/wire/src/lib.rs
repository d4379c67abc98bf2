//! Heartbeat messages as bytes: framed and classic forms, signatures, compression.
//!
//! Bytes become a message in three steps, and no step reads further than the step before it allows:
//!
//! ```text
//! datagram --skim--> body + trailer --verify--> Fields --translate--> systole_core::Heard
//!          (counts)                  (Keys)    (Opened)
//! ```
//!
//! A [`Decoder`] and an [`Encoder`] keep their buffers, so that a beat needs no allocation once the buffers
//! have grown.

mod base64;
mod beat;
mod classic;
mod compose;
mod decoder;
mod encoder;
mod envelope;
mod error;
mod fields;
mod framed;
mod hear;
mod keys;
mod limits;
mod number;
mod ping;
mod rotation;
mod sealer;
mod words;

pub use decoder::{Decoder, Opened};
pub use encoder::{Encoder, Identity};
pub use envelope::Algorithm;
pub use error::{DecodeError, EncodeError, FieldError, HearError};
pub use fields::{Elements, Field, Fields, Kind};
pub use keys::{Keys, KeysError, Method, Signer};
pub use limits::{
    DATAGRAM_MAX, DEPTH_MAX, FIELDS_MAX, LIST_MAX, MESSAGE_MAX, PING_MAX, UNPACKED_MAX,
};
pub use ping::{Ping, PingMedium};
pub use rotation::{Listener, Progress, Rotation, Signing};
pub use sealer::{Compression, Form, MessageFormat, Sealer, Style};
pub use words::{is_of_envelope, is_of_every_message, is_of_protocol};
