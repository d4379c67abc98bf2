//! The claims whose groups still run, at least in part, at the sender: one bit each, four in a digit.

use systole_core::{Beat, Claim};

/// The number of claims in one digit.
const CLAIMS_PER_DIGIT: usize = 4;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends one digit for every four claims, the first of them in the lowest bit, up to the last digit that
/// has a bit set.
pub(super) fn push(out: &mut Vec<u8>, claims: &[Claim]) {
    let length = claims.iter().rposition(|claim| claim.runs_here).map_or(0, |last| last + 1);
    for four in claims[..length].chunks(CLAIMS_PER_DIGIT) {
        let bits =
            four.iter().rev().fold(0, |bits, claim| bits << 1 | usize::from(claim.runs_here));
        out.push(DIGITS[bits]);
    }
}

/// Reads the bits into the claims of the same beat, which come before. The last digit is not 0.
pub(super) fn read(digits: &[u8], out: &mut Beat) -> Option<()> {
    digits.last().filter(|last| **last != b'0')?;
    for (place, digit) in digits.iter().enumerate() {
        let bits = DIGITS.iter().position(|known| known == digit)?;
        for bit in (0..CLAIMS_PER_DIGIT).filter(|bit| bits >> bit & 1 == 1) {
            out.claims.get_mut(place * CLAIMS_PER_DIGIT + bit)?.runs_here = true;
        }
    }
    Some(())
}
