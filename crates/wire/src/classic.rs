//! The classic form: lines of text between two markers.
//!
//! ```text
//! message = ">>>" LF *line "<<<" LF
//! line    = [ "(" type ")" ] name "=" value LF
//! ```
//!
//! A newline inside a string is sent as 0x13. A nested message is written in the same form, with another byte
//! instead of every LF; each level has its own byte.

use crate::base64;
use crate::error::{DecodeError, EncodeError, FieldError};
use crate::fields::{Field, Fields, Kind, NEWLINE_STAND_IN};
use crate::framed;
use crate::limits::{DEPTH_MAX, FIELDS_MAX};
use crate::words::field::AUTH;

/// The first line of a classic message, without its line end.
pub(crate) const START: &[u8] = b">>>";
/// The last line of a classic message, without its line end.
pub(crate) const END: &[u8] = b"<<<";

/// The byte that ends a line, by level.
const LINE_ENDS: [u8; DEPTH_MAX + 1] = [
    b'\n', 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x0f, 0x10,
    0x11, 0x12,
];

/// Appends the fields of a classic message; text after its end marker is ignored.
pub(crate) fn read(text: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    read_level(text, fields, 0).map(|_| ())
}

/// Reads one message of this level and returns the text after it.
fn read_level<'a>(
    text: &'a [u8],
    fields: &mut Fields,
    depth: usize,
) -> Result<&'a [u8], DecodeError> {
    let line_end = *LINE_ENDS.get(depth).ok_or(DecodeError::TooDeep)?;
    let (first, mut rest) = line(text, line_end)?;
    if first != START {
        return Err(DecodeError::Malformed);
    }
    loop {
        let next;
        (next, rest) = line(rest, line_end)?;
        if next == END {
            return Ok(rest);
        }
        if !next.is_empty() {
            if fields.len() >= FIELDS_MAX {
                return Err(DecodeError::TooManyFields);
            }
            read_line(next, fields, depth)?;
        }
    }
}

fn line(text: &[u8], line_end: u8) -> Result<(&[u8], &[u8]), DecodeError> {
    let end = text.iter().position(|&byte| byte == line_end);
    let (line, rest) = text.split_at(end.ok_or(DecodeError::Malformed)?);
    Ok((line, &rest[1..]))
}

fn read_line(line: &[u8], fields: &mut Fields, depth: usize) -> Result<(), DecodeError> {
    let (kind, named) = match line {
        [b'(', digit, b')', named @ ..] => (Kind::of_digit(*digit), named),
        _ => (Some(Kind::String), line),
    };
    let kind = kind
        .filter(|kind| *kind != Kind::String || named.len() == line.len())
        .ok_or(FieldError::Kind)?;
    let equals = named.iter().position(|&byte| byte == b'=');
    let (name, value) = named.split_at(equals.ok_or(DecodeError::Malformed)?);
    let value = &value[1..];
    match kind {
        Kind::String | Kind::List => fields.push_received(kind, name, value)?,
        Kind::Binary | Kind::Compressed => fields.push_checked(kind, name, |arena| {
            base64::decode(arena, value).ok_or(FieldError::Base64)
        })?,
        Kind::Nested => {
            let mut nested = Fields::default();
            if !read_level(value, &mut nested, depth + 1)?.is_empty() {
                return Err(DecodeError::Malformed);
            }
            fields.push_checked(kind, name, |arena| {
                framed::push(arena, &nested);
                Ok::<(), FieldError>(())
            })?;
        }
    }
    Ok(())
}

/// Appends all lines except the markers and the `auth` line: the text that a classic signature covers.
pub(crate) fn push_signed(out: &mut Vec<u8>, message: &Fields) -> Result<(), EncodeError> {
    for field in message.iter() {
        if field.name != AUTH {
            push_line(out, field, 0)?;
        }
    }
    Ok(())
}

fn push_nested(out: &mut Vec<u8>, message: &Fields, depth: usize) -> Result<(), EncodeError> {
    let line_end = *LINE_ENDS.get(depth).ok_or(EncodeError::NotClassic)?;
    out.extend_from_slice(START);
    out.push(line_end);
    for field in message.iter() {
        push_line(out, field, depth)?;
    }
    out.extend_from_slice(END);
    out.push(line_end);
    Ok(())
}

fn push_line(out: &mut Vec<u8>, field: Field<'_>, depth: usize) -> Result<(), EncodeError> {
    if field.kind != Kind::String {
        out.extend_from_slice(&[b'(', field.kind.digit(), b')']);
    }
    out.extend_from_slice(field.name.as_bytes());
    out.push(b'=');
    match field.kind {
        Kind::String => {
            check_expressible(field.value, depth)?;
            let start = out.len();
            out.extend_from_slice(field.value);
            for byte in &mut out[start..] {
                if *byte == b'\n' {
                    *byte = NEWLINE_STAND_IN;
                }
            }
        }
        Kind::List => {
            check_expressible(field.value, depth)?;
            if field.value.contains(&b'\n') {
                return Err(EncodeError::NotClassic);
            }
            out.extend_from_slice(field.value);
        }
        Kind::Binary | Kind::Compressed => base64::push(out, field.value),
        Kind::Nested => push_nested(out, &field.nested(), depth + 1)?,
    }
    out.push(LINE_ENDS[depth]);
    Ok(())
}

/// Refuses line ends of any level in a nested message, where they would be taken for line ends.
fn check_expressible(value: &[u8], depth: usize) -> Result<(), EncodeError> {
    if depth > 0 && value.iter().any(|byte| LINE_ENDS[1..].contains(byte)) {
        return Err(EncodeError::NotClassic);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of(text: &str) -> Result<Fields, DecodeError> {
        let mut fields = Fields::default();
        read(text.as_bytes(), &mut fields).map(|()| fields)
    }

    #[test]
    fn classic_message_round_trips_unchanged() {
        let text = "t=x\nempty=\n(1)bin=AAECAwQ=\n(3)lst=3:abc,\n\
            (2)child=>>>\x14name=v\x14(2)sub=>>>\x15a=b\x13c\x15<<<\x15\x14<<<\x14\nlast=a=b\n";
        let fields = fields_of(&format!(">>>\n\n{text}auth=1 00\n<<<\n\0")).unwrap();
        let mut out = Vec::new();
        push_signed(&mut out, &fields).unwrap();
        assert_eq!(out, text.as_bytes());
        let child = fields.get("child").unwrap().nested();
        let sub = child.get("sub").unwrap().nested();
        assert_eq!(sub.get("a").unwrap().value, b"b\nc");
    }

    #[test]
    fn malformed_classic_message_is_refused() {
        for body in [
            "",
            ">>>",
            ">>>\n",
            ">>>\na=b\n",
            ">>>\na=b\n<<<",
            ">>>\nab\n<<<\n",
            ">>>\n=b\n<<<\n",
            ">>>\n(0)a=b\n<<<\n",
            ">>>\n(5)a=b\n<<<\n",
            ">>>\n(1)a=b\n<<<\n",
            ">>>\n(2)a=>>>\x14b=c\x14\n<<<\n",
            ">>>\n(2)a=>>>\x14b=c\x14<<<\x14x\n<<<\n",
            ">>>\n(3)a=b\n<<<\n",
            ">>>\na=\0\n<<<\n",
        ] {
            assert!(fields_of(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn nested_classic_text_with_level_separator_is_refused() {
        let mut nested = Fields::default();
        nested.push_text("a", "\x1f").unwrap();
        let mut message = Fields::default();
        message.push_nested("child", &nested).unwrap();
        let written = push_signed(&mut Vec::new(), &message);
        assert_eq!(written, Err(EncodeError::NotClassic));
    }

    #[test]
    fn classic_message_nested_to_maximum_depth_round_trips() {
        let mut message = Fields::default();
        message.push_text("a", "b").unwrap();
        for _ in 0..DEPTH_MAX {
            let mut outer = Fields::default();
            outer.push_nested("child", &message).unwrap();
            message = outer;
        }
        let mut text = b">>>\n".to_vec();
        push_signed(&mut text, &message).unwrap();
        text.extend_from_slice(b"<<<\n");
        let mut back = Fields::default();
        assert_eq!(read(&text, &mut back), Ok(()));
        assert_eq!(back, message);
    }
}
