//! Numbers as C's `atoi` reads them; heartbeat 3.0.6 reads most numbers with it.

use crate::finding::Finding;
use crate::lexer::Word;
use crate::rule;
use crate::source::File;

/// Returns what `atoi` makes of a text: the number with which the text begins, or else 0.
///
/// `None` for numbers below zero or too large, where heartbeat 3.0.6 continues with the low 32 bits.
pub(crate) fn leading(text: &str) -> Option<u32> {
    match prefix(text) {
        "" => Some(0),
        digits => digits.parse().ok(),
    }
}

/// Returns the sign and the digits with which a text begins; empty if there is no digit.
fn prefix(text: &str) -> &str {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { "" } else { &text[..sign + digits] }
}

/// Reports a word that is read as another number than it appears to be.
pub(crate) fn odd(word: Word<'_>, number: u32) -> Option<Finding> {
    let digits = prefix(word.text);
    if digits == word.text {
        return None;
    }
    let message = format!("`{}` is read as {number}", word.text);
    let label =
        if digits.is_empty() { "not a number" } else { "what follows the number is ignored" };
    let finding = Finding::new(&rule::TRAILING_TEXT, File::HaCf, word.span(), message);
    Some(finding.label(label).fix("the number alone", word.span(), number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_number_is_parsed_and_odd_text_is_flagged() {
        for (text, number, is_odd) in [
            ("694", Some(694), false),
            ("0694", Some(694), false),
            ("+694", Some(694), false),
            ("694x", Some(694), true),
            ("1.5", Some(1), true),
            ("0x10", Some(0), true),
            ("x", Some(0), true),
            ("\"1\"", Some(0), true),
            ("", Some(0), false),
            ("-1", None, false),
            ("4294967296", None, false),
        ] {
            assert_eq!(leading(text), number, "{text}");
            let word = Word { text, start: 0 };
            assert_eq!(odd(word, 0).is_some(), is_odd, "{text}");
        }
    }
}
