//! The text of messages in the FIFO: `>>>`, a line `name=value` for each field, `<<<`.

use super::Fields;

/// Maximum length of a message in bytes.
pub(super) const MESSAGE_MAX: usize = 8 << 10;
/// Maximum number of fields.
pub(super) const FIELDS_MAX: usize = 30;
/// Maximum length of a value in bytes.
pub(super) const VALUE_MAX: usize = 1024;
/// Maximum length of a name in bytes.
const NAME_MAX: usize = 64;

const START: &[u8] = b">>>";
const END: &[u8] = b"<<<";

/// Splits what is written into messages. A message may come in several pieces; one that is not finished when
/// the next one begins is dropped.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The beginning of a line.
    line: Vec<u8>,
    /// The lines of the message that has begun.
    message: Option<Vec<Vec<u8>>>,
    /// The length of what is kept in bytes.
    length: usize,
    /// What was kept is too long, and more has come.
    is_too_long: bool,
}

impl Splitter {
    /// Takes a piece, and returns the messages that it finishes.
    pub(super) fn split(&mut self, bytes: &[u8]) -> Vec<Result<Fields, String>> {
        let mut finished = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                finished.extend(self.take_line(line));
            } else if self.length >= MESSAGE_MAX {
                self.is_too_long = true;
            } else {
                self.length += 1;
                self.line.push(byte);
            }
        }
        finished
    }

    /// Whether the end of a message is missing.
    pub(super) fn has_begun(&self) -> bool {
        self.message.is_some()
    }

    fn take_line(&mut self, line: Vec<u8>) -> Option<Result<Fields, String>> {
        if std::mem::take(&mut self.is_too_long) {
            // The rest is text outside a message.
            (self.message, self.length) = (None, 0);
            return Some(Err(format!("a message is longer than {MESSAGE_MAX} bytes")));
        }
        if line == START {
            (self.message, self.length) = (Some(Vec::new()), 0);
            return None;
        }
        if line == END {
            self.length = 0;
            return self.message.take().map(|lines| fields(&lines));
        }
        match &mut self.message {
            Some(lines) if !line.is_empty() => lines.push(line),
            Some(_) => {}
            // Text outside a message means nothing, as in heartbeat.
            None => self.length = 0,
        }
        None
    }
}

/// Reads the lines of a message.
fn fields(lines: &[Vec<u8>]) -> Result<Fields, String> {
    let fields: Fields = lines.iter().map(|line| field(line)).collect::<Result<_, _>>()?;
    if fields.len() > FIELDS_MAX {
        return Err(format!("a message has more than {FIELDS_MAX} fields"));
    }
    Ok(fields)
}

fn field(line: &[u8]) -> Result<(String, String), String> {
    let line = str::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned())?;
    let no_field = || "a line lacks the form name=value".to_owned();
    let (name, value) = line.split_once('=').ok_or_else(no_field)?;
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || name.len() > NAME_MAX || !is_word {
        let what = "the name of a field has letters, digits and `_`, and at most";
        return Err(format!("{what} {NAME_MAX} of them: {name:.NAME_MAX$?}"));
    }
    if value.len() > VALUE_MAX {
        return Err(format!("the value of {name} is longer than {VALUE_MAX} bytes"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of {name} has a control character"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
