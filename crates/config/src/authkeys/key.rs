//! Keys and their methods.

use std::collections::BTreeMap;
use std::fmt;

/// The keys that sign messages: a message signed with any of them is accepted, one key is used for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// The number of the key that signs the messages of this node.
    pub sending: u8,
    /// All keys, by number.
    pub keys: BTreeMap<u8, Key>,
}

/// One line of `authkeys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The method with which it signs.
    pub method: Method,
    /// The secret; empty for [`Method::Crc`].
    pub bytes: KeyBytes,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A checksum, which anyone can compute.
    Crc,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
    /// HMAC-SHA256, between Systole nodes only.
    Sha256,
}

impl Method {
    /// Returns the word for the method in `authkeys`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc => "crc",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Self::Crc, Self::Md5, Self::Sha1, Self::Sha256];
        all.into_iter().find(|method| method.name() == name)
    }
}

/// The bytes of a secret, which are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBytes(pub Vec<u8>);

impl fmt::Debug for KeyBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyBytes(..)")
    }
}
