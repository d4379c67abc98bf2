//! Keys that replace others, while signatures made with the others are still accepted.

use super::Keys;
use crate::error::DecodeError;

/// Which key a signature was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The key that signs what this node sends.
    Sending,
    /// Another accepted key.
    Other,
}

impl Keys {
    /// Replaces these keys by `keys`. Signatures made with the replaced keys are accepted until
    /// [`Keys::forget_former`] is called; with `keeps_former`, signatures made with their own former keys are
    /// accepted instead.
    pub fn renew(&mut self, keys: Self, keeps_former: bool) {
        let mut before = std::mem::replace(self, keys);
        let former = before.former.take().filter(|_| keeps_former);
        self.former = Some(former.unwrap_or_else(|| Box::new(before)));
    }

    /// Returns the keys before these, as long as they are accepted.
    #[must_use]
    pub fn former(&self) -> Option<&Self> {
        self.former.as_deref()
    }

    /// Stops accepting the former keys.
    pub fn forget_former(&mut self) {
        self.former = None;
    }

    /// Returns whether `other` signs messages in the same way: id, method and key text.
    #[must_use]
    pub fn signs_like(&self, other: &Self) -> bool {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        self.sign(&[], &mut own);
        other.sign(&[], &mut others);
        own == others
    }

    /// Checks in constant time whether `signature` is a signature of `signed`, made with these keys or the
    /// former ones. Each set has its own rule for checksums.
    pub(crate) fn judge(&self, signature: &[u8], signed: &[u8]) -> Result<Signer, DecodeError> {
        match (self.verify(signature, signed), &self.former) {
            (Ok(id), _) if id == self.sending => Ok(Signer::Sending),
            (Ok(_), _) => Ok(Signer::Other),
            (Err(error), None) => Err(error),
            (Err(error), Some(former)) => {
                let judged = former.verify(signature, signed).map(|_| Signer::Other);
                // If only one of the two sets knows the id, the error of that set says more.
                judged.map_err(|other| match error {
                    DecodeError::UnknownKey => other,
                    DecodeError::Short
                    | DecodeError::NotAMessage
                    | DecodeError::TooLarge
                    | DecodeError::Malformed
                    | DecodeError::Unsigned
                    | DecodeError::Checksum
                    | DecodeError::Signature
                    | DecodeError::TooManyFields
                    | DecodeError::TooDeep
                    | DecodeError::Field(_)
                    | DecodeError::Envelope
                    | DecodeError::UnpackedTooLarge => error,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    const BODY: &[u8] = b"body";

    type Entry = (u8, Method, &'static [u8]);

    /// Keys of which the first one is the sending key.
    fn keys(entries: &[Entry]) -> Keys {
        Keys::new(entries[0].0, entries.iter().copied()).unwrap()
    }

    fn judge(keys: &Keys, signer: &Keys) -> Result<Signer, DecodeError> {
        let mut signature = Vec::new();
        signer.sign(BODY, &mut signature);
        assert!(keys.judge(&signature, b"Body").is_err());
        keys.judge(&signature, BODY)
    }

    #[test]
    fn old_and_new_key_are_believed_until_old_key_is_forgotten() {
        let crc = (3, Method::Crc, &b""[..]);
        // The old file, the new file, and how a signature of the old key is judged after the end.
        let rows: [(&[Entry], &[Entry], _); 6] = [
            (&[(3, Method::Md5, b"Hello!")], &[(1, Method::Sha1, b"x")], DecodeError::UnknownKey),
            (&[(1, Method::Sha1, b"a")], &[(1, Method::Sha1, b"b")], DecodeError::Signature),
            (&[(1, Method::Md5, b"a")], &[(1, Method::Sha256, b"a")], DecodeError::Signature),
            (&[crc], &[(1, Method::Sha1, b"x")], DecodeError::UnknownKey),
            (&[crc], &[(1, Method::Sha1, b"x"), crc], DecodeError::Checksum),
            (&[(1, Method::Sha1, b"x"), crc], &[crc], DecodeError::UnknownKey),
        ];
        for (old, new, end) in rows {
            let mut both = keys(old);
            both.renew(keys(new), false);
            assert_eq!(judge(&both, &keys(new)), Ok(Signer::Sending), "{old:?} {new:?}");
            assert_eq!(judge(&both, &keys(old)), Ok(Signer::Other), "{old:?} {new:?}");
            both.forget_former();
            assert_eq!(judge(&both, &keys(new)), Ok(Signer::Sending), "{old:?} {new:?}");
            assert_eq!(judge(&both, &keys(old)), Err(end), "{old:?} {new:?}");
        }
    }

    #[test]
    fn key_kept_in_file_is_believed_after_renewal_ends() {
        let (md5, sha1) = ((1, Method::Md5, &b"a"[..]), (2, Method::Sha1, &b"b"[..]));
        let mut both = keys(&[md5, sha1]);
        both.renew(keys(&[sha1, md5]), false);
        for _ in 0..2 {
            assert_eq!(judge(&both, &keys(&[md5])), Ok(Signer::Other));
            assert_eq!(judge(&both, &keys(&[sha1])), Ok(Signer::Sending));
            both.forget_former();
        }
    }

    #[test]
    fn second_renewal_believes_newest_key_and_exactly_one_former_key() {
        let [first, second, third] = [&b"1"[..], b"2", b"3"].map(|text| [(1, Method::Md5, text)]);
        for keeps in [false, true] {
            let mut both = keys(&first);
            both.renew(keys(&second), keeps);
            both.renew(keys(&third), keeps);
            assert_eq!(judge(&both, &keys(&third)), Ok(Signer::Sending));
            assert_eq!(judge(&both, &keys(&first)).is_ok(), keeps);
            assert_eq!(judge(&both, &keys(&second)).is_ok(), !keeps);
            assert!(both.former().is_some_and(|former| former.former().is_none()));
        }
    }

    #[test]
    fn unverified_signature_is_wrong_if_its_key_id_is_known_else_unknown() {
        let mut both = keys(&[(3, Method::Md5, b"a")]);
        both.renew(keys(&[(1, Method::Sha1, b"b")]), false);
        for (signer, right) in [
            ((3, Method::Md5, &b"x"[..]), DecodeError::Signature),
            ((1, Method::Sha1, b"x"), DecodeError::Signature),
            ((2, Method::Sha1, b"x"), DecodeError::UnknownKey),
        ] {
            assert_eq!(judge(&both, &keys(&[signer])), Err(right));
        }
    }

    #[test]
    fn keys_sign_alike_only_with_same_id_method_and_text() {
        let own = keys(&[(1, Method::Md5, b"a"), (2, Method::Crc, b"")]);
        for (other, alike) in [
            ((1, Method::Md5, &b"a"[..]), true),
            ((2, Method::Md5, b"a"), false),
            ((1, Method::Sha1, b"a"), false),
            ((1, Method::Md5, b"b"), false),
        ] {
            assert_eq!(own.signs_like(&keys(&[other])), alike, "{other:?}");
        }
    }
}
