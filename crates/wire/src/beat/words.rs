//! Why something failed, in words.
//!
//! Bytes that are separators in a beat, and all bytes that are not printable ASCII, are written as `%` and
//! two hexadecimal digits. Words that the core would not have produced itself are refused, so that the mark
//! of a table means the same at both ends.

use super::holds;
use crate::error::EncodeError;
use systole_core::{Beat, Claim, Words};

/// Appends the words of the failure of a claim.
pub(super) fn push(out: &mut Vec<u8>, claim: u16, words: &Words) -> Result<(), EncodeError> {
    holds::push_place(out, claim)?;
    for byte in words.as_str().bytes() {
        if Words::is_plain(byte) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend(
                [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]),
            );
        }
    }
    Ok(())
}

/// Returns the words of all claims whose failures have some, with the index of the claim.
pub(super) fn all(claims: &[Claim]) -> impl Iterator<Item = (u16, &Words)> {
    let failures = (0..).zip(claims);
    let failures = failures.filter_map(|(place, claim)| Some((place, claim.failure.as_ref()?)));
    failures.map(|(place, failure)| (place, &failure.words)).filter(|(_, words)| !words.is_empty())
}

/// Reads the words of a claim that was read before.
pub(super) fn read(text: &[u8], out: &mut Beat) -> Option<()> {
    let (claim, text) = holds::read_place(text)?;
    let failure = out.claims.get_mut(usize::from(claim))?.failure.as_mut()?;
    if !failure.words.is_empty() {
        return None;
    }
    failure.words = decode(text)?;
    Some(())
}

fn decode(text: &[u8]) -> Option<Words> {
    let mut bytes = [0; Words::TEXT_MAX];
    let (mut length, mut rest) = (0, text);
    while let [byte, behind @ ..] = rest {
        let slot = bytes.get_mut(length)?;
        (*slot, rest) = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => (digit(*high)? << 4 | digit(*low)?, behind),
            (byte, _) if Words::is_plain(*byte) => (*byte, behind),
            _ => return None,
        };
        length += 1;
    }
    let text = str::from_utf8(&bytes[..length]).ok()?;
    let words = Words::new(text);
    (!words.is_empty() && words.as_str() == text).then_some(words)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
