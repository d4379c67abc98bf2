//! Keys and signatures.

mod crc;
mod renew;

pub use renew::Signer;

use crate::error::DecodeError;
use crate::number;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use std::fmt;
use thiserror::Error;

/// The number of key ids: 0 to 15.
const IDS: usize = 16;
/// The length of the longest digest, SHA-256, in bytes.
const DIGEST_MAX: usize = 32;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A CRC-32 without a key: it detects accidents, not attackers.
    Crc,
    /// HMAC-MD5 (RFC 2104).
    Md5,
    /// HMAC-SHA1 (RFC 2104).
    Sha1,
    /// HMAC-SHA256 (RFC 4231), which C nodes do not know.
    Sha256,
}

/// Why keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeysError {
    /// An id is above 15.
    #[error("key id {0} is above 15")]
    Id(u8),
    /// A key of a method that needs one is empty.
    #[error("key {0} is empty")]
    Empty(u8),
    /// The sending id has no key.
    #[error("no key {0} to send with")]
    NoSendingKey(u8),
}

/// The keys of a cluster, one of which signs what this node sends.
///
/// Every id is verified with its own method and its own key, in both forms. (For the framed form a C node
/// combines the method of the message's id with the key of its own sending entry, which is the same as long
/// as both nodes send with the same id.) A checksum is accepted only where this node sends one itself;
/// otherwise one forgotten `crc` line would let anyone in.
///
/// The text of a key is not kept: only the state of a hash that has absorbed it, which is wiped when dropped.
pub struct Keys {
    sending: u8,
    sending_method: Method,
    table: [Option<Key>; IDS],
    /// The keys before these, during a renewal; those have no former keys.
    former: Option<Box<Self>>,
}

#[derive(Clone)]
enum Key {
    Crc,
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

impl Keys {
    /// Makes the keys of `entries` (id, method, key text); of two entries with the same id the later one
    /// counts.
    ///
    /// # Errors
    ///
    /// An id above 15, an empty key of a method that needs one, no key for the `sending` id.
    pub fn new<'a>(
        sending: u8,
        entries: impl IntoIterator<Item = (u8, Method, &'a [u8])>,
    ) -> Result<Self, KeysError> {
        let mut table = [const { None }; IDS];
        let mut methods = [None; IDS];
        for (id, method, text) in entries {
            let place = usize::from(id);
            if place >= IDS {
                return Err(KeysError::Id(id));
            }
            table[place] = Some(Key::new(method, text).ok_or(KeysError::Empty(id))?);
            methods[place] = Some(method);
        }
        let sending_method = methods
            .get(usize::from(sending))
            .copied()
            .flatten()
            .ok_or(KeysError::NoSendingKey(sending))?;
        Ok(Self { sending, sending_method, table, former: None })
    }

    /// Returns the id of the key that signs what this node sends.
    #[must_use]
    pub const fn sending(&self) -> u8 {
        self.sending
    }

    /// Returns the method of the sending key.
    #[must_use]
    pub const fn sending_method(&self) -> Method {
        self.sending_method
    }

    /// Appends the signature of `signed`: the sending id, a blank, the digest in hex.
    pub(crate) fn sign(&self, signed: &[u8], out: &mut Vec<u8>) {
        number::push_decimal(out, u64::from(self.sending));
        out.push(b' ');
        match &self.table[usize::from(self.sending)] {
            Some(Key::Md5(mac)) => {
                let digest = mac.clone().chain_update(signed).finalize().into_bytes();
                number::push_hex_bytes(out, &digest);
            }
            Some(Key::Sha1(mac)) => {
                let digest = mac.clone().chain_update(signed).finalize().into_bytes();
                number::push_hex_bytes(out, &digest);
            }
            Some(Key::Sha256(mac)) => {
                let digest = mac.clone().chain_update(signed).finalize().into_bytes();
                number::push_hex_bytes(out, &digest);
            }
            // `new` found the sending key, so that only a checksum is left.
            Some(Key::Crc) | None => number::push_hex(out, u64::from(crc::checksum(signed))),
        }
    }

    /// Checks in constant time whether `signature` is a signature of `signed`. Returns the id of the key.
    fn verify(&self, signature: &[u8], signed: &[u8]) -> Result<u8, DecodeError> {
        let blank = signature.iter().position(|&byte| byte == b' ');
        let (id, digest) = signature.split_at(blank.ok_or(DecodeError::Unsigned)?);
        let digest = &digest[1..];
        let id = number::decimal(id).ok_or(DecodeError::Unsigned)?;
        let id = u8::try_from(id).map_err(|_| DecodeError::UnknownKey)?;
        let key = self.table.get(usize::from(id)).and_then(Option::as_ref);
        let key = key.ok_or(DecodeError::UnknownKey)?;
        let mut room = [0; DIGEST_MAX];
        match key {
            Key::Crc => {
                if self.sending_method != Method::Crc {
                    return Err(DecodeError::Checksum);
                }
                crc_matches(digest, signed)
            }
            Key::Md5(mac) => number::hex_bytes(digest, &mut room).is_some_and(|digest| {
                let mac = mac.clone().chain_update(signed);
                mac.verify_slice(digest).is_ok()
            }),
            Key::Sha1(mac) => number::hex_bytes(digest, &mut room).is_some_and(|digest| {
                let mac = mac.clone().chain_update(signed);
                mac.verify_slice(digest).is_ok()
            }),
            Key::Sha256(mac) => number::hex_bytes(digest, &mut room).is_some_and(|digest| {
                let mac = mac.clone().chain_update(signed);
                mac.verify_slice(digest).is_ok()
            }),
        }
        .then_some(id)
        .ok_or(DecodeError::Signature)
    }
}

/// Compares the text, not the number, so that there is one valid form, without leading zeros.
fn crc_matches(digest: &[u8], signed: &[u8]) -> bool {
    let right = crc::checksum(signed);
    let is_spelled_right =
        !digest.iter().any(u8::is_ascii_uppercase) && (digest == b"0" || !digest.starts_with(b"0"));
    is_spelled_right && number::hex(digest) == Some(u64::from(right))
}

impl Key {
    fn new(method: Method, text: &[u8]) -> Option<Self> {
        if matches!(method, Method::Crc) {
            return Some(Self::Crc);
        }
        if text.is_empty() {
            return None;
        }
        match method {
            Method::Crc => Some(Self::Crc),
            Method::Md5 => Hmac::new_from_slice(text).ok().map(Self::Md5),
            Method::Sha1 => Hmac::new_from_slice(text).ok().map(Self::Sha1),
            Method::Sha256 => Hmac::new_from_slice(text).ok().map(Self::Sha256),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Keys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(sending: u8) -> Keys {
        Keys::new(
            sending,
            [
                (1, Method::Sha1, &b"TestKeySha1"[..]),
                (2, Method::Md5, &b"TestKeyMd5"[..]),
                (3, Method::Crc, &b""[..]),
                (4, Method::Sha256, &b"TestKeySha256"[..]),
            ],
        )
        .unwrap()
    }

    fn signature(keys: &Keys, signed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        keys.sign(signed, &mut out);
        out
    }

    #[test]
    fn signature_is_verified_with_the_key_of_its_id() {
        for sending in 1..=4 {
            let text = signature(&keys(sending), b"body");
            for receiving in 1..=4 {
                let right = if sending == 3 && receiving != 3 {
                    Err(DecodeError::Checksum)
                } else {
                    Ok(sending)
                };
                assert_eq!(keys(receiving).verify(&text, b"body"), right);
                assert!(keys(receiving).verify(&text, b"Body").is_err());
            }
        }
    }

    #[test]
    fn md5_signature_matches_rfc_2202() {
        let keys = Keys::new(0, [(0, Method::Md5, &b"Jefe"[..])]).unwrap();
        let text = signature(&keys, b"what do ya want for nothing?");
        assert_eq!(text, b"0 750c783e6ab0b503eaa86e310a5db738");
    }

    #[test]
    fn sha1_signature_with_long_key_matches_rfc_2202() {
        let keys = Keys::new(15, [(15, Method::Sha1, &[0xaa; 80][..])]).unwrap();
        let text = signature(&keys, b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(text, b"15 aa4ae5e15272d00e95705637ce8a3b55ed402112");
    }

    #[test]
    fn sha256_signature_with_short_and_long_key_matches_rfc_4231() {
        let keys = Keys::new(2, [(2, Method::Sha256, &b"Jefe"[..])]).unwrap();
        let text = signature(&keys, b"what do ya want for nothing?");
        let right = b"2 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(text, right);
        let keys = Keys::new(2, [(2, Method::Sha256, &[0xaa; 131][..])]).unwrap();
        let text = signature(&keys, b"Test Using Larger Than Block-Size Key - Hash Key First");
        let right = b"2 60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(text, right);
    }

    #[test]
    fn signature_of_other_method_with_same_key_is_refused() {
        let methods = [Method::Md5, Method::Sha1, Method::Sha256];
        for (made, signs) in methods.iter().enumerate() {
            for (wanted, verifies) in methods.iter().enumerate() {
                let key = |method| Keys::new(1, [(1, method, &b"k"[..])]).unwrap();
                let verdict = key(*verifies).verify(&signature(&key(*signs), b"body"), b"body");
                assert_eq!(verdict.is_ok(), made == wanted, "{signs:?} as {verifies:?}");
            }
        }
    }

    #[test]
    fn signature_in_other_spelling_is_refused() {
        let keys = keys(1);
        let text = String::from_utf8(signature(&keys, b"body")).unwrap();
        for other in [
            text.to_uppercase(),
            format!("0{text}"),
            format!("{text} "),
            format!(" {text}"),
            text.replace(' ', ""),
            text[..text.len() - 2].to_owned(),
        ] {
            assert!(keys.verify(other.as_bytes(), b"body").is_err(), "{other:?}");
        }
        assert_eq!(keys.verify(b"9 00", b"body"), Err(DecodeError::UnknownKey));
        assert_eq!(keys.verify(b"16 00", b"body"), Err(DecodeError::UnknownKey));
    }

    #[test]
    fn crc_signature_with_leading_zero_is_neither_written_nor_accepted() {
        let keys = keys(3);
        let body = (0_u32..).map(|n| n.to_string());
        let short =
            body.map(String::into_bytes).find(|body| crc::checksum(body) < 0x1000_0000).unwrap();
        let text = String::from_utf8(signature(&keys, &short)).unwrap();
        assert!(text.len() < 10);
        assert_eq!(keys.verify(text.as_bytes(), &short), Ok(3));
        let padded = text.replace("3 ", "3 0");
        assert!(keys.verify(padded.as_bytes(), &short).is_err());
    }

    #[test]
    fn unusable_keys_are_refused() {
        let key = &b"k"[..];
        assert!(matches!(Keys::new(16, [(16, Method::Md5, key)]), Err(KeysError::Id(16))));
        assert!(matches!(Keys::new(1, [(1, Method::Md5, &b""[..])]), Err(KeysError::Empty(1))));
        assert!(matches!(Keys::new(2, [(1, Method::Md5, key)]), Err(KeysError::NoSendingKey(2))));
        assert!(matches!(
            Keys::new(200, [(1, Method::Md5, key)]),
            Err(KeysError::NoSendingKey(200))
        ));
    }

    #[test]
    fn keys_in_debug_output_hide_secrets() {
        assert_eq!(format!("{:?}", keys(1)), "Keys(..)");
    }
}
