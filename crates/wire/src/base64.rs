//! Standard base64 with padding (RFC 4648 section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the base64 text of `bytes`.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let [a, b, c] = group;
        let indices = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        for (place, index) in indices.into_iter().enumerate() {
            out.push(if place <= chunk.len() { ALPHABET[usize::from(index)] } else { b'=' });
        }
    }
}

/// Appends the bytes that base64 text encodes. Returns `None` for invalid text, and may then have appended
/// some bytes.
pub(crate) fn decode(out: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    let (groups, rest) = text.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for (at, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|&&byte| byte == b'=').count();
        if padding > 2 || (padding > 0 && at + 1 != groups.len()) {
            return None;
        }
        let mut bits = 0_u32;
        for &byte in &group[..4 - padding] {
            bits = bits << 6 | u32::from(index(byte)?);
        }
        bits <<= 6 * padding;
        let bits = bits.to_be_bytes();
        let (bytes, rest) = bits.split_at(4 - padding);
        // The same bytes have only one encoding (RFC 4648 section 3.5), so that a flipped bit is detected.
        if rest.iter().any(|&byte| byte != 0) {
            return None;
        }
        out.extend_from_slice(&bytes[1..]);
    }
    Some(())
}

fn index(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_rfc_4648_examples() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            push(&mut out, plain.as_bytes());
            assert_eq!(out, text.as_bytes());
            out.clear();
            assert_eq!(decode(&mut out, text.as_bytes()), Some(()));
            assert_eq!(out, plain.as_bytes());
        }
    }

    #[test]
    fn malformed_base64_is_refused() {
        for text in ["Z", "Zg=", "Z===", "====", "Zg==Zg==", "Z=g=", "Zg\n=", "Zh==", "Zm9="] {
            assert_eq!(decode(&mut Vec::new(), text.as_bytes()), None, "{text:?}");
        }
    }
}
