//! The fields of a message as variables of an event script: few, short, and without control characters.
//!
//! The message is signed, so another node of the cluster sent it. What is in it is bounded all the same: it
//! becomes the environment of a program that root runs.

use systole_wire::{Fields, Kind};

/// Maximum number of fields that a script gets.
pub(crate) const COUNT_MAX: usize = 30;
/// Maximum length of a name.
const NAME_MAX: usize = 64;
/// Maximum length of a value in bytes; a longer one is cut off.
pub(crate) const VALUE_MAX: usize = 1024;

/// Fields that no script can use: what Systole nodes tell each other, and the signature.
const NOT_FOR_SCRIPTS: [&str; 2] = ["systole", "auth"];

/// Returns the fields of a message that a script gets, in the order of the message.
pub(crate) fn of(fields: &Fields) -> Vec<(String, String)> {
    let texts = fields.iter().filter(|field| field.kind == Kind::String);
    let texts = texts.filter_map(|field| Some((field.name, field.text()?)));
    select(texts)
}

/// Returns those of some names and values that a script gets.
pub(crate) fn select<'a>(
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(String, String)> {
    let mut selected: Vec<(String, String)> = Vec::new();
    for (name, value) in fields {
        let is_new = selected.iter().all(|(known, _)| known != name);
        if is_new && is_name(name) && selected.len() < COUNT_MAX {
            selected.push((name.to_owned(), clean(value)));
        }
    }
    selected
}

/// Whether a field of this name becomes a variable. Names without a small letter do not: the settings on which
/// shell functions of scripts rely are written in capitals (`HA_BIN`, `HA_RSCTMP`), and no message may set
/// one.
fn is_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_short = name.len() <= NAME_MAX;
    let has_small_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    is_word && is_short && has_small_letter && !NOT_FOR_SCRIPTS.contains(&name)
}

/// Returns a value without control characters, and no longer than allowed.
fn clean(value: &str) -> String {
    let mut clean = String::new();
    for character in value.chars().filter(|character| !character.is_control()) {
        if clean.len() + character.len_utf8() > VALUE_MAX {
            break;
        }
        clean.push(character);
    }
    clean
}
