//! `authkeys`: the secrets that sign messages.

mod key;

pub use key::{Authentication, Key, KeyBytes, Method};

use crate::finding::Finding;
use crate::lexer::{Line, WITHOUT_MARK, Word, byte_order_mark, is_blank, is_space, lines};
use crate::rule;
use crate::source::{Content, File, Sources};
use crate::suggest::nearest;
use std::collections::BTreeMap;

/// The highest number of a key.
const KEY_NUMBER_MAX: u8 = 15;

/// The permission bits that let other users read the keys; heartbeat 3.0.6 tests no others.
const READABLE_BY_OTHERS: u32 = 0o044;

/// Reads the whole file; returns `None` when heartbeat 3.0.6 would refuse the file.
pub(crate) fn parse(sources: &Sources<'_>, findings: &mut Vec<Finding>) -> Option<Authentication> {
    let mut reader = Reader {
        path: sources.authkeys.original_path(),
        wanted: None,
        sending: None,
        keys: BTreeMap::new(),
        listed: Vec::new(),
        findings,
        refused: false,
        is_latin1: sources.authkeys_is_latin1,
    };
    match sources.authkeys.content {
        Content::Text(text) => reader.read(text, sources.authkeys_mode),
        Content::Missing => reader.absent(&rule::AUTHKEYS_MISSING, "there is no authkeys file"),
        Content::Denied => reader.absent(&rule::AUTHKEYS_DENIED, "authkeys may not be read"),
        Content::Unreadable(why) => {
            reader.absent(&rule::AUTHKEYS_MISSING, &format!("authkeys cannot be read: {why}"));
        }
    }
    let sending = reader.sending.filter(|_| !reader.refused)?;
    Some(Authentication { sending, keys: reader.keys })
}

struct Reader<'f> {
    path: String,
    /// The number in the most recent `auth` line.
    wanted: Option<(u8, std::ops::Range<usize>)>,
    /// The number of the last key line that matches the `auth` line before it.
    sending: Option<u8>,
    keys: BTreeMap<u8, Key>,
    /// Number and place of every key line that was understood, fully or almost.
    listed: Vec<(u8, std::ops::Range<usize>)>,
    findings: &'f mut Vec<Finding>,
    refused: bool,
    /// Whether each character of the text stands for one byte of the file.
    is_latin1: bool,
}

impl Reader<'_> {
    fn refuse(&mut self, finding: Finding) {
        self.refused = true;
        self.findings.push(finding);
    }

    fn absent(&mut self, rule: &'static rule::Rule, message: &str) {
        let finding = Finding::new(rule, File::Authkeys, 0..0, message)
            .help("a file of mode 600 with the lines `auth 1` and `1 sha1 SECRET`, the same on all nodes")
            .original(format!("ERROR: Cannot open keyfile [{}].  Stop.", self.path));
        self.refuse(finding);
    }

    fn read(&mut self, text: &str, mode: Option<u32>) {
        if let Some(mode) = mode.filter(|mode| mode & READABLE_BY_OTHERS != 0) {
            let finding = Finding::new(
                &rule::AUTHKEYS_READABLE,
                File::Authkeys,
                0..0,
                format!("authkeys is readable by others: its mode is {:o}", mode & 0o7777),
            )
            .help("`chmod 600 authkeys`: whoever reads it can move every resource")
            .original(format!(
                "ERROR: Bad permissions on keyfile [{}], 600 recommended.",
                self.path
            ));
            self.refuse(finding);
        }
        for line in lines(text) {
            let first = line.text.trim_start_matches(is_blank).chars().next();
            match first {
                None | Some('#') => {}
                Some('a') => self.auth_line(line),
                Some(_) => self.key_line(line),
            }
        }
        self.finish();
    }

    fn auth_line(&mut self, line: Line<'_>) {
        let original = format!("ERROR: Invalid auth line [{}\n] in {}", line.text, self.path);
        let Some(first) = line.words(is_space).next() else { return };
        // The word need not be followed by a blank: tutorials write `auth1`.
        let behind = first.text.strip_prefix("auth").and_then(|_| {
            let start = first.start + "auth".len();
            integer(Line { text: &line.text[start - line.start..], start })
        });
        let Some((number, _)) = behind else {
            let number = line.words(is_space).nth(1);
            let (place, message) = match number {
                Some(number) if first.text == "auth" => {
                    (number, format!("`auth {}` does not name a key by its number", number.text))
                }
                Some(_) | None => {
                    (first, "a line that begins with `a` must be `auth NUMBER`".to_owned())
                }
            };
            let mut finding =
                Finding::new(&rule::BAD_AUTH_LINE, File::Authkeys, place.span(), message)
                    .label("expected `auth` and a number from 0 to 15")
                    .original(original);
            if !first.text.starts_with("auth") && nearest(first.text, ["auth"]).is_some() {
                finding = finding.fix("did you mean `auth`?", first.span(), "auth");
            }
            return self.refuse(finding);
        };
        let Some(parsed) = self.in_range(number) else { return };
        if self.wanted.is_some() {
            self.findings.push(
                Finding::new(
                    &rule::SECOND_AUTH_LINE,
                    File::Authkeys,
                    number.span(),
                    "there is an `auth` line already",
                )
                .label("the last one whose key follows it counts"),
            );
        }
        self.wanted = Some((parsed, number.span()));
    }

    fn in_range(&mut self, word: Word<'_>) -> Option<u8> {
        let number = word.text;
        let small = number.parse::<u8>().ok().filter(|number| *number <= KEY_NUMBER_MAX);
        if small.is_none() {
            let message = format!("a key cannot have the number {number}");
            let finding =
                Finding::new(&rule::KEY_NUMBER_RANGE, File::Authkeys, word.span(), message)
                    .label("expected a number from 0 to 15")
                    .original(format!("ERROR: Invalid authnum [{number}] in {}", self.path));
            self.refuse(finding);
        }
        small
    }

    fn key_line(&mut self, line: Line<'_>) {
        let Some(first) = line.words(is_space).next() else {
            // A vertical tab is the only blank that heartbeat 3.0.6 does not skip at the beginning of a line.
            return self.bad_key_line(line, line.span());
        };
        if first.text.starts_with("//") || first.text.starts_with(';') {
            let finding = Finding::new(
                &rule::AUTHKEYS_SLASH_COMMENT,
                File::Authkeys,
                first.span(),
                "a comment begins with `#`",
            )
            .label("this is not a comment")
            .fix("begin the comment with `#`", first.start..first.start, "# ")
            .original(format!("ERROR: Auth line [{}\n] is invalid.", line.text));
            return self.refuse(finding);
        }
        // The method need not be preceded by a blank: `1sha1 KEY`.
        let Some((first, rest)) = integer(line) else {
            return self.bad_key_line(line, first.span());
        };
        let words: Vec<Word<'_>> = rest.words(is_space).collect();
        let Some(method) = words.first().copied() else {
            return self.bad_key_line(line, first.span());
        };
        let Some(number) = self.in_range(first) else { return };
        if self.listed.iter().any(|(listed, _)| *listed == number) {
            let message = format!("key {number} is listed already");
            self.findings.push(
                Finding::new(&rule::DUPLICATE_KEY, File::Authkeys, first.span(), message)
                    .label("this line replaces the earlier one"),
            );
        }
        self.listed.push((number, first.span()));
        let Some(key) = self.key(method, &words[1..]) else { return };
        self.keys.insert(number, key);
        if self.wanted.as_ref().is_some_and(|(wanted, _)| *wanted == number) {
            self.sending = Some(number);
        }
    }

    fn bad_key_line(&mut self, line: Line<'_>, span: std::ops::Range<usize>) {
        let mark = line.words(is_space).next().and_then(byte_order_mark);
        let message = mark.unwrap_or("a line is `auth NUMBER` or `NUMBER METHOD KEY`");
        let mut finding = Finding::new(&rule::BAD_KEY_LINE, File::Authkeys, span, message)
            .label("neither of them")
            .original(format!("ERROR: Auth line [{}\n] is invalid.", line.text));
        if mark.is_some() {
            finding = finding.label("not a line of authkeys").help(WITHOUT_MARK);
        }
        self.refuse(finding);
    }

    fn key(&mut self, method: Word<'_>, rest: &[Word<'_>]) -> Option<Key> {
        let Some(kind) = Method::of(method.text) else {
            let message = format!("unknown signing method `{}`", method.text);
            let mut finding =
                Finding::new(&rule::UNKNOWN_METHOD, File::Authkeys, method.span(), message)
                    .label("expected `sha1`, `sha256`, `md5` or `crc`")
                    .original(format!("ERROR: Invalid authtype [{}]", method.text));
            if let Some(meant) = nearest(method.text, ["crc", "md5", "sha1", "sha256"]) {
                finding = finding.fix(format!("did you mean `{meant}`?"), method.span(), meant);
            }
            self.refuse(finding);
            return None;
        };
        match (kind, rest.first()) {
            (Method::Crc, Some(key)) => {
                let finding = Finding::new(
                    &rule::CRC_WITH_KEY,
                    File::Authkeys,
                    key.span(),
                    "`crc` is a checksum and takes no key",
                )
                .label("not expected here")
                .help("`sha1` signs with a key")
                .original("info: Auth method [crc] doesn't use a key");
                self.refuse(finding);
                return None;
            }
            (Method::Md5 | Method::Sha1 | Method::Sha256, None) => {
                let message = format!("`{}` needs a key", kind.name());
                let finding =
                    Finding::new(&rule::EMPTY_KEY, File::Authkeys, method.span(), message)
                        .label("no key follows")
                        .original(format!("ERROR: Auth method [{}] requires a key", kind.name()));
                self.refuse(finding);
                return None;
            }
            (Method::Crc, None) => {}
            (Method::Md5 | Method::Sha1 | Method::Sha256, Some(_)) => {
                if let Some(more) = rest.get(1).filter(|more| !more.text.starts_with('#')) {
                    self.findings.push(
                        Finding::new(
                            &rule::WORDS_AFTER_KEY,
                            File::Authkeys,
                            more.span(),
                            "a key is one word; what follows it is ignored",
                        )
                        .label("not part of the key"),
                    );
                }
            }
        }
        self.findings.extend(worth(kind, method));
        let bytes = rest.first().map_or(Vec::new(), |key| self.bytes(key.text));
        Some(Key { method: kind, bytes: KeyBytes(bytes) })
    }

    /// Returns the bytes of a key as they are in the file.
    fn bytes(&self, text: &str) -> Vec<u8> {
        if self.is_latin1 {
            text.chars().filter_map(|c| u8::try_from(c).ok()).collect()
        } else {
            text.as_bytes().to_vec()
        }
    }

    fn finish(&mut self) {
        if self.sending.is_some() {
            return;
        }
        let Some((wanted, span)) = self.wanted.clone() else {
            // A malformed `auth` line has already been reported as such.
            if !self.findings.iter().any(|finding| finding.rule == rule::BAD_AUTH_LINE.id) {
                let number = self.listed.first().map_or(1, |(number, _)| *number);
                let finding = Finding::new(
                    &rule::NO_AUTH_LINE,
                    File::Authkeys,
                    0..0,
                    "no `auth` line says which key signs",
                )
                .fix("add it before the key", 0..0, format!("auth {number}\n"))
                .original(format!("ERROR: Missing auth directive in keyfile [{}]", self.path));
                self.refuse(finding);
            }
            return;
        };
        let original = format!("ERROR: Auth Key [{wanted}] not found in keyfile [{}]", self.path);
        let earlier = self.listed.iter().find(|(number, _)| *number == wanted);
        let finding = match earlier {
            Some((_, key)) if key.start < span.start => Finding::new(
                &rule::KEY_BEFORE_AUTH,
                File::Authkeys,
                span,
                format!("`auth {wanted}` must come before the line of key {wanted}"),
            )
            .label("too late: the key came first")
            .help("move the `auth` line to the top of the file"),
            // The line of the key has already been reported.
            Some(_) => return,
            None => Finding::new(
                &rule::KEY_NOT_FOUND,
                File::Authkeys,
                span,
                format!("there is no key {wanted}"),
            )
            .label("no line begins with this number"),
        };
        self.refuse(finding.original(original));
    }
}

/// Returns the number with which a line begins, as C's `scanf` reads it, and the rest of the line.
fn integer(line: Line<'_>) -> Option<(Word<'_>, Line<'_>)> {
    let trimmed = line.text.trim_start_matches(is_space);
    let start = line.start + (line.text.len() - trimmed.len());
    let sign = usize::from(trimmed.starts_with(['+', '-']));
    let digits = trimmed[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = trimmed.split_at_checked(sign + digits).filter(|_| digits > 0)?;
    Some((Word { text: number, start }, Line { text: rest, start: start + number.len() }))
}

/// Returns a finding about the strength of a method, if there is something to report.
fn worth(method: Method, word: Word<'_>) -> Option<Finding> {
    let (rule, message, label, help) = match method {
        Method::Crc => (
            &rule::CRC_IS_NO_PROTECTION,
            "`crc` protects against line noise only",
            "whoever can send a packet can move every resource",
            "`sha1` with a key on all nodes, unless the links are cables between the nodes",
        ),
        Method::Md5 => (
            &rule::MD5_IS_OLD,
            "`md5` still keeps strangers out, and is the weakest method with a key",
            "its known collisions do not forge an HMAC-MD5",
            "`sha1` on all nodes; `sha256` where every node runs Systole",
        ),
        Method::Sha256 => (
            &rule::SHA256_IS_NEW,
            "`sha256` is new in Systole",
            "a C heartbeat refuses the file, also where the key is not used",
            "keep it out of a file that a C heartbeat reads; `sha1` is known to both",
        ),
        Method::Sha1 => return None,
    };
    Some(Finding::new(rule, File::Authkeys, word.span(), message).label(label).help(help))
}

#[cfg(test)]
mod tests;
