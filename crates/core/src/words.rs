//! Short texts of a fixed size. They are carried in beats, so they are bounded, allocate nothing
//! and contain nothing that a terminal or a log would interpret.

use std::fmt;

/// A line of a few words, such as why an agent failed.
///
/// Equal words on two nodes have equal bytes: [`Words::new`] does not change a text that it has
/// made itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words {
    length: u8,
    bytes: [u8; Words::TEXT_MAX],
}

impl Words {
    /// Most bytes of the text in a beat, where each byte that is not [plain](Self::is_plain) takes
    /// three.
    pub const TEXT_MAX: usize = 64;
    /// No words.
    pub const NONE: Self = Self { length: 0, bytes: [0; Self::TEXT_MAX] };
    /// Stands in place of text that had no room.
    const MORE: &str = "...";

    /// Returns the first non-empty line of a text, without control characters. A line that is too
    /// long is cut between two characters and ends with three dots.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.trim_matches(|it| printable(it) == ' '));
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let mut words = Self::NONE;
        // How long the text was when the dots still had room after it.
        let (mut size, mut short) = (0, 0);
        for letter in line.chars().map(printable) {
            let mut buffer = [0; 4];
            let bytes = letter.encode_utf8(&mut buffer).as_bytes();
            size += bytes.iter().map(|byte| Self::text_of(*byte)).sum::<usize>();
            if size > Self::TEXT_MAX {
                words.length = short;
                words.cut_blanks();
                for dot in Self::MORE.bytes() {
                    words.push(dot);
                }
                return words;
            }
            for byte in bytes {
                words.push(*byte);
            }
            if size + Self::MORE.len() <= Self::TEXT_MAX {
                short = words.length;
            }
        }
        words
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    /// Whether there are no words.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether a byte is written as itself in the text of a beat; others are written as `%` and two
    /// hexadecimal digits.
    #[must_use]
    pub const fn is_plain(byte: u8) -> bool {
        (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b',' | b';' | b'%')
    }

    /// How many bytes of text the words take.
    pub(crate) fn text_len(&self) -> usize {
        self.as_str().bytes().map(Self::text_of).sum()
    }

    const fn text_of(byte: u8) -> usize {
        if Self::is_plain(byte) { 1 } else { 3 }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[usize::from(self.length)] = byte;
        self.length += 1;
    }

    /// Clears the bytes after the end, so that equal words have equal bytes, and removes blanks
    /// before it.
    fn cut_blanks(&mut self) {
        while self.length > 0 && self.bytes[usize::from(self.length) - 1] == b' ' {
            self.length -= 1;
        }
        self.bytes[usize::from(self.length)..].fill(0);
    }
}

impl Default for Words {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Replaces a character that a terminal or a log may interpret with a blank: the control characters
/// of ASCII and ISO 6429, and the Unicode characters that end a line, change the writing direction
/// or show nothing.
#[must_use]
pub const fn printable(letter: char) -> char {
    match letter {
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{a0}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{e0fff}' => ' ',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_first_line_with_visible_text() {
        for (text, words) in [
            ("", ""),
            (" \n\t\n", ""),
            ("\u{1b}\nit says", "it says"),
            ("Operation not permitted", "Operation not permitted"),
            (
                "\n  interface eth1.10 does not exist\r\nand more",
                "interface eth1.10 does not exist",
            ),
            ("a\u{1b}[31mb\tc \nd", "a [31mb c"),
            ("\u{9b}2J\u{202e}evil\u{2028}line\u{7f}", "2J evil line"),
            ("Gerät 100% belegt, Ende; ü", "Gerät 100% belegt, Ende; ü"),
        ] {
            assert_eq!(Words::new(text).as_str(), words, "{text:?}");
        }
    }

    #[test]
    fn words_of_long_text_are_cut_between_characters_and_marked() {
        let most = "x".repeat(Words::TEXT_MAX);
        assert_eq!(Words::new(&most).as_str(), most);
        for letter in ["x", ",", "é", "日", "🦀", "ab c"] {
            for count in 1..200 {
                let text = letter.repeat(count);
                let words = Words::new(&text);
                assert!(words.text_len() <= Words::TEXT_MAX, "{words}");
                match words.as_str().strip_suffix("...") {
                    Some(front) => assert!(text.starts_with(front) && !front.ends_with(' ')),
                    None => assert_eq!(words.as_str(), text),
                }
                assert_eq!(Words::new(words.as_str()), words, "what it made it leaves alone");
            }
        }
        assert_eq!(Words::new(&"é".repeat(99)).as_str(), format!("{}...", "é".repeat(10)));
    }
}
