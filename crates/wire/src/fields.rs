//! A message as an ordered list of named, typed fields.

use crate::error::FieldError;
use crate::limits::{FIELDS_MAX, LIST_MAX, NAME_MAX};
use crate::{framed, number};
use std::fmt;

/// The byte that is sent instead of a newline in a classic string, and can therefore never be part of one.
pub(crate) const NEWLINE_STAND_IN: u8 = 0x13;

/// The kind of value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text without NUL bytes; not always UTF-8.
    String,
    /// Any bytes; a uuid has 16 of them.
    Binary,
    /// A message, kept in its framed form without a trailer.
    Nested,
    /// A packed list of strings.
    List,
    /// A compressed message, kept as it is.
    Compressed,
}

impl Kind {
    /// Returns the digit of the kind in messages.
    #[must_use]
    pub const fn digit(self) -> u8 {
        match self {
            Self::String => b'0',
            Self::Binary => b'1',
            Self::Nested => b'2',
            Self::List => b'3',
            Self::Compressed => b'4',
        }
    }

    /// Returns the kind of a digit that may be received.
    pub(crate) const fn of_digit(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::String),
            b'1' => Some(Self::Binary),
            b'2' => Some(Self::Nested),
            b'3' => Some(Self::List),
            b'4' => Some(Self::Compressed),
            _ => None,
        }
    }
}

/// A field of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The kind of the value.
    pub kind: Kind,
    /// The name.
    pub name: &'a str,
    /// The bytes of the value, in the form described at [`Kind`].
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Returns the value of a string that is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        match self.kind {
            Kind::String => str::from_utf8(self.value).ok(),
            Kind::Binary | Kind::Nested | Kind::List | Kind::Compressed => None,
        }
    }

    /// Returns the fields of a nested message; empty for another kind.
    #[must_use]
    pub fn nested(&self) -> Fields {
        let mut fields = Fields::default();
        if self.kind == Kind::Nested && framed::read(self.value, &mut fields).is_err() {
            // Cannot happen: the value was read in full when the field was made.
            fields.clear();
        }
        fields
    }

    /// Returns the elements of a list; none for another kind.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        Elements {
            rest: match self.kind {
                Kind::List => self.value,
                Kind::String | Kind::Binary | Kind::Nested | Kind::Compressed => &[],
            },
        }
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.escape_ascii();
        write!(out, "({:?}){}={value}", self.kind, self.name)
    }
}

/// The elements of a packed list, in order.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (element, rest) = framed::counted(self.rest).ok()?;
        self.rest = rest;
        Some(element)
    }
}

/// A message as an ordered list of fields, in two buffers that are kept when it is cleared.
///
/// Every field was checked when it was pushed, so that the whole list can be sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    arena: Vec<u8>,
    entries: Vec<Entry>,
}

/// A name and the value after it, as places in the arena.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    start: usize,
    name_end: usize,
    end: usize,
}

impl Fields {
    /// Removes all fields and keeps the allocated memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.entries.clear();
    }

    /// Returns the number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all fields in order.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Field<'_>> {
        self.entries.iter().map(|entry| self.field(*entry))
    }

    /// Returns the first field of this name, which is the one that counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Field<'_>> {
        self.iter().find(|field| field.name == name)
    }

    /// Returns whether a field holds a message, so that the message is framed without an inner signature.
    #[must_use]
    pub fn has_messages(&self) -> bool {
        let mut kinds = self.entries.iter().map(|entry| entry.kind);
        kinds.any(|kind| matches!(kind, Kind::Nested | Kind::Compressed))
    }

    /// Appends a field whose value is in the form described at [`Kind`].
    ///
    /// # Errors
    ///
    /// A name, a value or a number of fields that cannot be sent; in this case nothing is appended.
    pub fn push(&mut self, kind: Kind, name: &str, value: &[u8]) -> Result<(), FieldError> {
        self.push_with(kind, name, |arena| arena.extend_from_slice(value))
    }

    /// Appends a string.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_text(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        self.push(Kind::String, name, value.as_bytes())
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), and when it nests deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    pub fn push_nested(&mut self, name: &str, message: &Self) -> Result<(), FieldError> {
        self.push_with(Kind::Nested, name, |arena| framed::push(arena, message))
    }

    /// Appends a list of strings.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); no element may be empty.
    pub fn push_list<'a>(
        &mut self,
        name: &str,
        elements: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), FieldError> {
        self.push_with(Kind::List, name, |arena| {
            for element in elements {
                framed::push_counted(arena, element);
            }
        })
    }

    /// Appends a field whose value `write` appends to the given buffer.
    pub(crate) fn push_with(
        &mut self,
        kind: Kind,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), FieldError> {
        self.push_checked(kind, name.as_bytes(), |arena| {
            write(arena);
            Ok(())
        })
    }

    /// Appends a field as it was received, with newlines restored.
    pub(crate) fn push_received(
        &mut self,
        kind: Kind,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), FieldError> {
        self.push_checked(kind, name, |arena| {
            let start = arena.len();
            arena.extend_from_slice(value);
            if kind == Kind::String {
                for byte in &mut arena[start..] {
                    if *byte == NEWLINE_STAND_IN {
                        *byte = b'\n';
                    }
                }
            }
            Ok(())
        })
    }

    /// Appends a field, or removes what `write` wrote.
    pub(crate) fn push_checked<E: From<FieldError>>(
        &mut self,
        kind: Kind,
        name: &[u8],
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.entries.len() >= FIELDS_MAX {
            return Err(FieldError::Full.into());
        }
        check_name(name)?;
        let start = self.arena.len();
        self.arena.extend_from_slice(name);
        let name_end = self.arena.len();
        let written = write(&mut self.arena)
            .and_then(|()| check_value(kind, &self.arena[name_end..]).map_err(E::from));
        if let Err(error) = written {
            self.arena.truncate(start);
            return Err(error);
        }
        self.entries.push(Entry { kind, start, name_end, end: self.arena.len() });
        Ok(())
    }

    fn field(&self, entry: Entry) -> Field<'_> {
        let name = &self.arena[entry.start..entry.name_end];
        Field {
            kind: entry.kind,
            // A checked name is ASCII.
            name: str::from_utf8(name).unwrap_or_default(),
            value: &self.arena[entry.name_end..entry.end],
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

/// Checks that a name is printable ASCII, has no `=`, and does not look like a type in front of a name.
fn check_name(name: &[u8]) -> Result<(), FieldError> {
    let readable = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'=';
    if name.is_empty() || name.len() > NAME_MAX || name[0] == b'(' || !name.iter().all(readable) {
        return Err(FieldError::Name);
    }
    Ok(())
}

fn check_value(kind: Kind, value: &[u8]) -> Result<(), FieldError> {
    match kind {
        Kind::String => {
            if value.iter().any(|&byte| byte == 0 || byte == NEWLINE_STAND_IN) {
                return Err(FieldError::Text);
            }
            Ok(())
        }
        Kind::List => check_list(value),
        Kind::Nested => framed::check(value, 1).map_err(|_| FieldError::Nested),
        Kind::Binary | Kind::Compressed => Ok(()),
    }
}

/// Checks a field of a nested message, but not messages nested in it: the caller counts the levels.
pub(crate) fn check_inner(kind: Kind, name: &[u8], value: &[u8]) -> Result<(), FieldError> {
    check_name(name)?;
    match kind {
        Kind::Nested => Ok(()),
        Kind::String | Kind::Binary | Kind::List | Kind::Compressed => check_value(kind, value),
    }
}

fn check_list(mut list: &[u8]) -> Result<(), FieldError> {
    if list.len() > LIST_MAX {
        return Err(FieldError::List);
    }
    while !list.is_empty() {
        let (element, rest) = framed::counted(list).map_err(|_| FieldError::List)?;
        if element.is_empty() || element.contains(&0) {
            return Err(FieldError::List);
        }
        list = rest;
    }
    Ok(())
}

/// Returns the length of a field in the framed form in bytes, from the `(` through its value.
pub(crate) fn framed_length(field: Field<'_>) -> usize {
    field.name.len() + field.value.len() + "(0)=".len()
}

/// Returns the length of a framed field in bytes, including its count and its comma.
pub(crate) fn counted_length(length: usize) -> usize {
    number::decimal_length(length) + length + ":,".len()
}

#[cfg(test)]
mod tests;
