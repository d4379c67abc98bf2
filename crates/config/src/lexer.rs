//! Lines and words with their places in the file.

use std::ops::Range;

/// A word and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

impl Word<'_> {
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// A physical line without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

impl<'a> Line<'a> {
    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Returns the line up to the first `#`, which cannot be quoted.
    pub(crate) fn without_comment(self) -> Self {
        let end = self.text.find('#').unwrap_or(self.text.len());
        Self { text: &self.text[..end], start: self.start }
    }

    /// Returns the words between characters that `separates` accepts.
    pub(crate) fn words(self, separates: fn(char) -> bool) -> impl Iterator<Item = Word<'a>> {
        let mut at = 0;
        self.text.split(separates).filter_map(move |text| {
            let start = self.start + at;
            at += text.len() + 1; // every separator is one byte
            (!text.is_empty()).then_some(Word { text, start })
        })
    }
}

/// Returns all lines of a text. A line ends at a NUL: heartbeat 3.0.6 does not see what follows.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |raw| {
        let text = raw.strip_suffix('\n').unwrap_or(raw);
        let line = Line { text: text.split('\0').next().unwrap_or(text), start };
        start += raw.len();
        line
    })
}

/// The byte order mark that some editors put at the beginning of a text, and none of them shows.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the message about a line whose first word begins with a byte order mark.
pub(crate) fn byte_order_mark(first: Word<'_>) -> Option<&'static str> {
    let is_marked = first.text.starts_with(BYTE_ORDER_MARK);
    is_marked.then_some(match first.start {
        0 => "the file begins with a byte order mark (U+FEFF)",
        _ => "the line begins with a byte order mark (U+FEFF)",
    })
}

/// The advice on removing a byte order mark.
pub(crate) const WITHOUT_MARK: &str = "save the file as UTF-8 without a byte order mark";

/// Returns whether a character separates words everywhere.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\u{c}')
}

/// Returns whether a character separates words where heartbeat 3.0.6 uses C's `scanf`.
pub(crate) fn is_space(c: char) -> bool {
    is_blank(c) || c == '\u{b}'
}

/// Returns whether a character separates the words of an option, or of a medium that takes one word.
pub(crate) fn is_blank_or_comma(c: char) -> bool {
    is_blank(c) || c == ','
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lexer_words_carry_their_span_in_the_text() {
        let text = "node a,b # c\n\n deadtime\t5\r\n\0 keepalive 1\n";
        let found: Vec<_> =
            lines(text).flat_map(|line| line.without_comment().words(is_blank_or_comma)).collect();
        let words: Vec<_> = found.iter().map(|word| word.text).collect();
        assert_eq!(words, ["node", "a", "b", "deadtime", "5"]);
        assert!(found.iter().all(|word| &text[word.span()] == word.text));
    }
}
