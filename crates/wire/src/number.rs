//! Numbers as digits.

/// The most digits of a `u64` in base ten.
const DECIMAL_DIGITS_MAX: usize = 20;
/// The most digits of a `u64` in base sixteen.
const HEX_DIGITS_MAX: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The digits of base 64, as in a URL (RFC 4648, section 5).
const DENSE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The digits of a `u64` in base 64.
const DENSE_DIGITS: usize = 11;

/// Reads a decimal number; no sign, no blank, no leading zero.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads a hexadecimal number with digits of either case; no sign, no prefix.
pub(crate) fn hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > HEX_DIGITS_MAX {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(number << 4 | u64::from(digit))
    })
}

/// Reads a number of eleven digits of base 64.
pub(crate) fn dense(text: &[u8]) -> Option<u64> {
    if text.len() != DENSE_DIGITS {
        return None;
    }
    let number = text.iter().try_fold(0_u128, |number, byte| {
        let digit = DENSE.iter().position(|digit| digit == byte)?;
        u128::try_from(digit).ok().map(|digit| number << 6 | digit)
    })?;
    u64::try_from(number).ok()
}

/// Appends a number in eleven digits of base 64, the fewest that can express every value.
pub(crate) fn push_dense(out: &mut Vec<u8>, number: u64) {
    for place in (0..DENSE_DIGITS).rev() {
        let digit = number.checked_shr(u32::try_from(6 * place).unwrap_or(u32::MAX)).unwrap_or(0);
        out.push(DENSE[usize::try_from(digit & 63).unwrap_or_default()]);
    }
}

/// Reads pairs of lower-case digits as bytes into `out`; returns the part that was filled.
pub(crate) fn hex_bytes<'a>(text: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > out.len() {
        return None;
    }
    for (byte, &[high, low]) in out.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    out.get(..pairs.len())
}

/// Accepts lower case only; otherwise a flipped bit in a digest would go unnoticed.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Appends decimal digits.
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    push_digits::<DECIMAL_DIGITS_MAX>(out, number, 10);
}

/// Appends lower-case hexadecimal digits without leading zeros.
pub(crate) fn push_hex(out: &mut Vec<u8>, number: u64) {
    push_digits::<HEX_DIGITS_MAX>(out, number, 16);
}

/// Appends two lower-case digits for each byte.
pub(crate) fn push_hex_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Returns how many decimal digits a number has.
pub(crate) const fn decimal_length(number: usize) -> usize {
    match number.checked_ilog10() {
        Some(tens) => tens as usize + 1,
        None => 1,
    }
}

fn push_digits<const MOST: usize>(out: &mut Vec<u8>, mut number: u64, base: u64) {
    let mut digits = [b'0'; MOST];
    let mut first = MOST;
    loop {
        first -= 1;
        let digit = usize::try_from(number % base).unwrap_or_default();
        digits[first] = DIGITS[digit];
        number /= base;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_round_trips_in_decimal_hex_and_dense_form() {
        for number in [0, 1, 9, 10, 15, 16, 0x6b02_ca06, u64::MAX] {
            let mut text = Vec::new();
            push_decimal(&mut text, number);
            assert_eq!(text, number.to_string().as_bytes());
            assert_eq!(decimal(&text), Some(number));
            text.clear();
            push_hex(&mut text, number);
            assert_eq!(text, format!("{number:x}").as_bytes());
            assert_eq!(hex(&text), Some(number));
            text.clear();
            push_dense(&mut text, number);
            assert_eq!(text.len(), DENSE_DIGITS);
            assert_eq!(dense(&text), Some(number));
        }
        for text in [&b""[..], b"AAAAAAAAAA", b"AAAAAAAAAAAA", b"AAAAAAAAAA=", b"QAAAAAAAAAA"] {
            assert_eq!(dense(text), None, "too short, too long, no digit, too large");
        }
    }

    #[test]
    fn malformed_decimal_or_hex_number_is_refused() {
        for text in ["", "-1", "+1", " 1", "1 ", "01", "1x", "18446744073709551616"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text:?}");
        }
        for text in ["", "-1", "0x1", "g", "11112222333344445"] {
            assert_eq!(hex(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(hex(b"FF"), Some(255));
    }

    #[test]
    fn hex_digest_with_upper_case_or_wrong_length_is_refused() {
        let mut room = [0; 4];
        assert_eq!(hex_bytes(b"00ff7a", &mut room), Some(&[0, 255, 0x7a][..]));
        for text in ["0", "0F", "0g", "0000000000"] {
            assert_eq!(hex_bytes(text.as_bytes(), &mut room), None, "{text:?}");
        }
    }

    #[test]
    fn decimal_length_counts_digits() {
        for number in [0, 9, 10, 99, 100, 262_143] {
            assert_eq!(decimal_length(number), number.to_string().len());
        }
    }
}
