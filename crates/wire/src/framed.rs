//! The framed form: counted strings between two markers.
//!
//! ```text
//! message  = "###" LF *field "%%%" LF [ trailer ]
//! field    = count ":" "(" type ")" name "=" value ","
//! trailer  = count ":" keyid SP digest ","
//! ```

use crate::error::{DecodeError, FieldError};
use crate::fields::{self, Field, Fields, Kind};
use crate::limits::{DEPTH_MAX, FIELDS_MAX, UNPACKED_MAX};
use crate::number;

/// The start of a framed message.
pub(crate) const START: &[u8] = b"###\n";
/// The end of a framed message, before its trailer.
pub(crate) const END: &[u8] = b"%%%\n";

/// The digits of the largest count in the largest message.
const COUNT_DIGITS_MAX: usize = number::decimal_length(UNPACKED_MAX);

/// Returns the first counted string of `bytes`, and what follows its comma.
pub(crate) fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let window = &bytes[..bytes.len().min(COUNT_DIGITS_MAX + 1)];
    let colon = window.iter().position(|&byte| byte == b':');
    let colon = colon.ok_or(DecodeError::Malformed)?;
    let count = number::decimal(&bytes[..colon])
        .and_then(|count| usize::try_from(count).ok())
        .ok_or(DecodeError::Malformed)?;
    let rest = &bytes[colon + 1..];
    match (rest.get(..count), rest.get(count)) {
        (Some(string), Some(b',')) => Ok((string, &rest[count + 1..])),
        _ => Err(DecodeError::Malformed),
    }
}

/// Returns where the body of a framed message ends: after the newline of its end marker.
///
/// Follows the counts and reads nothing else, so that it may be used before the signature is checked.
pub(crate) fn skim(message: &[u8]) -> Result<usize, DecodeError> {
    let mut rest = message.strip_prefix(START).ok_or(DecodeError::Malformed)?;
    let mut count = 0;
    loop {
        if let Some(behind) = rest.strip_prefix(END) {
            return Ok(message.len() - behind.len());
        }
        count += 1;
        if count > FIELDS_MAX {
            return Err(DecodeError::TooManyFields);
        }
        (_, rest) = counted(rest)?;
    }
}

/// Appends the fields of a body, which ends with its end marker, to `fields`.
pub(crate) fn read(body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    each(body, |kind, name, value| {
        fields.push_received(kind, name, value)?;
        Ok(())
    })
}

/// Checks a nested message of this level with everything in it. Its strings have newlines as they are; the
/// byte 0x13 is refused, because no node puts it there.
pub(crate) fn check(body: &[u8], depth: usize) -> Result<(), DecodeError> {
    if depth > DEPTH_MAX {
        return Err(DecodeError::TooDeep);
    }
    each(body, |kind, name, value| {
        fields::check_inner(kind, name, value)?;
        if kind == Kind::Nested {
            check(value, depth + 1)?;
        }
        Ok(())
    })
}

fn each(
    body: &[u8],
    mut take: impl FnMut(Kind, &[u8], &[u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut rest = body.strip_prefix(START).ok_or(DecodeError::Malformed)?;
    let mut count = 0;
    loop {
        if let Some(behind) = rest.strip_prefix(END) {
            return behind.is_empty().then_some(()).ok_or(DecodeError::Malformed);
        }
        count += 1;
        if count > FIELDS_MAX {
            return Err(DecodeError::TooManyFields);
        }
        let field;
        (field, rest) = counted(rest)?;
        let [b'(', digit, b')', named @ ..] = field else {
            return Err(FieldError::Kind.into());
        };
        let kind = Kind::of_digit(*digit).ok_or(FieldError::Kind)?;
        let equals = named.iter().position(|&byte| byte == b'=');
        let (name, value) = named.split_at(equals.ok_or(FieldError::Name)?);
        take(kind, name, &value[1..])?;
    }
}

/// Appends a message without a trailer.
pub(crate) fn push(out: &mut Vec<u8>, message: &Fields) {
    out.extend_from_slice(START);
    for field in message.iter() {
        push_field(out, field);
    }
    out.extend_from_slice(END);
}

/// Appends one field.
pub(crate) fn push_field(out: &mut Vec<u8>, field: Field<'_>) {
    let length = fields::framed_length(field);
    out.reserve(fields::counted_length(length));
    push_count(out, length);
    out.extend_from_slice(&[b'(', field.kind.digit(), b')']);
    out.extend_from_slice(field.name.as_bytes());
    out.push(b'=');
    out.extend_from_slice(field.value);
    out.push(b',');
}

/// Appends a counted string.
pub(crate) fn push_counted(out: &mut Vec<u8>, string: &[u8]) {
    push_count(out, string.len());
    out.extend_from_slice(string);
    out.push(b',');
}

fn push_count(out: &mut Vec<u8>, count: usize) {
    number::push_decimal(out, u64::try_from(count).unwrap_or(u64::MAX));
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of(body: &[u8]) -> Result<Fields, DecodeError> {
        let mut fields = Fields::default();
        read(body, &mut fields).map(|()| fields)
    }

    #[test]
    fn framed_message_round_trips_unchanged() {
        let mut message = Fields::default();
        message.push_text("t", "customnl").unwrap();
        message.push_text("text", "line1\nline2,=(0)").unwrap();
        message.push(Kind::Binary, "bin", b"\0%%%\n").unwrap();
        let mut bytes = Vec::new();
        push(&mut bytes, &message);
        assert_eq!(skim(&bytes), Ok(bytes.len()));
        assert_eq!(fields_of(&bytes), Ok(message));
    }

    #[test]
    fn newline_placeholder_in_framed_message_becomes_newline() {
        let fields = fields_of(b"###\n7:(0)a=\x13b,%%%\n").unwrap();
        assert_eq!(fields.get("a").unwrap().value, b"\nb");
    }

    #[test]
    fn framed_count_that_is_malformed_or_does_not_fit_is_refused() {
        for text in ["", ":", "3", "3:", "3:ab,", "3:abcd", "+1:a,", "01:a,", "99999999:a,"] {
            let refused = counted(text.as_bytes());
            assert_eq!(refused, Err(DecodeError::Malformed), "{text:?}");
        }
        assert_eq!(counted(b"0:,"), Ok((&b""[..], &b""[..])));
        assert_eq!(counted(b"3:a,b,c"), Ok((&b"a,b"[..], &b"c"[..])));
    }

    #[test]
    fn framed_message_harmful_to_c_node_is_refused() {
        let kind = Err(DecodeError::Field(FieldError::Kind));
        let name = Err(DecodeError::Field(FieldError::Name));
        for (body, right) in [
            (&b"###\n3:abc,%%%\n"[..], kind.clone()),
            (b"###\n6:(7)a=b,%%%\n", kind.clone()),
            (b"###\n6:(5)a=b,%%%\n", kind),
            (b"###\n5:(0)=b,%%%\n", name.clone()),
            (b"###\n5:(0)ab,%%%\n", name),
            (b"###\n6:(0)a=\0,%%%\n", Err(DecodeError::Field(FieldError::Text))),
            (b"###\n6:(0)a=b,%%%\nx", Err(DecodeError::Malformed)),
            (b"###\n6:(0)a=b,", Err(DecodeError::Malformed)),
        ] {
            assert_eq!(fields_of(body), right, "{}", body.escape_ascii());
        }
    }
}
