//! Questions to running services that need no agent: `check`.

use super::{Placed, Reader};
use crate::directive::Directive;
use crate::facts::FileKind;
use crate::finding::Finding;
use crate::lexer::{Line, Word};
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use systole_core::{Probe, ProcessName};

/// The form of a line.
const FORM: &str = "expected `check RESOURCE tcp HOST:PORT`, `check RESOURCE http URL [status CODE] [contains \
                    TEXT]`, `check RESOURCE process PIDFILE` (or the name of a process) or `check RESOURCE exec \
                    PROGRAM [ARGUMENT]…`";
/// What can be asked.
const KINDS: [&str; 4] = ["tcp", "http", "process", "exec"];
/// The schemes of URLs, with the port of a URL without one (RFC 9110, sections 4.2.1 and 4.2.2), and whether the
/// connection is encrypted.
const SCHEMES: [(&str, u16, bool); 2] = [("http://", 80, false), ("https://", 443, true)];
/// The form of a URL.
const URL_FORM: &str = "expected `http://HOST[:PORT]/PATH` or `https://HOST[:PORT]/PATH`";
/// The longest name of a process in the kernel (`comm` of proc(5)).
const COMMAND_MAX: usize = 15;

/// A `check` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProbeLine {
    /// The name of a resource.
    pub(crate) target: Placed<String>,
    pub(crate) probe: Probe,
}

impl Reader<'_> {
    /// Reads `check RESOURCE …`. `line` is the line behind the directive, for a text with blanks.
    pub(super) fn probe(
        &mut self,
        known: &'static Directive,
        name: Word<'_>,
        words: &[Word<'_>],
        line: Line<'_>,
    ) {
        let [target, kind, value, more @ ..] = words else {
            let message = "`check` lacks what it is to ask".to_owned();
            return self.bad_probe(name, message);
        };
        let probe = match kind.text {
            "tcp" => self.tcp(*value),
            "http" => self.http(known, *value, more, line),
            "process" => self.process(*value),
            "exec" => self.exec(*value, more),
            _ => {
                let message = format!("`{}` is not a kind of check", kind.text);
                let mut finding =
                    Finding::new(&rule::BAD_CHECK, File::HaCf, kind.span(), message).label(FORM);
                if let Some(meant) = nearest(kind.text, KINDS) {
                    finding = finding.fix(format!("did you mean `{meant}`?"), kind.span(), meant);
                }
                return self.report(finding);
            }
        };
        if !matches!(kind.text, "http" | "exec")
            && let Some(extra) = more.first()
        {
            let message = format!("`check … {}` ends before this word", kind.text);
            self.find(&rule::EXTRA_WORDS, extra.span(), message, "ignored");
        }
        let Some(probe) = probe else { return };
        let target = Placed { value: target.text.to_owned(), span: target.span() };
        self.draft.probes.push(ProbeLine { target, probe });
    }

    fn bad_probe(&mut self, at: Word<'_>, message: String) {
        self.find(&rule::BAD_CHECK, at.span(), message, FORM);
    }

    fn tcp(&mut self, word: Word<'_>) -> Option<Probe> {
        let found = host_and_port(word.text).and_then(|(host, port)| Some((host, port?)));
        let Some((host, port)) = found else {
            let label = "expected `HOST:PORT`, or `[ADDRESS]:PORT` for IPv6";
            let message = format!("`{}` is not a host with a port", word.text);
            self.find(&rule::BAD_CHECK, word.span(), message, label);
            return None;
        };
        Some(Probe::Tcp { host, port })
    }

    fn http(
        &mut self,
        known: &'static Directive,
        url: Word<'_>,
        more: &[Word<'_>],
        line: Line<'_>,
    ) -> Option<Probe> {
        let scheme = SCHEMES.iter().find(|(scheme, ..)| url.text.starts_with(scheme));
        let Some((scheme, default, is_tls)) = scheme else {
            let message = format!("`{}` is not a URL", url.text);
            self.find(&rule::BAD_CHECK, url.span(), message, URL_FORM);
            return None;
        };
        let rest = &url.text[scheme.len()..];
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let Some((host, port)) = host_and_port(authority) else {
            self.find(&rule::BAD_CHECK, url.span(), "this URL has no host", URL_FORM);
            return None;
        };
        let mut status = None;
        let mut contains = None;
        match more {
            [] => {}
            [word, code, rest @ ..] if word.text == "status" => {
                let code = self.number(known, 100, 599, *code)?;
                status = u16::try_from(code).ok();
                contains = self.contains(rest, line)?;
            }
            words => contains = self.contains(words, line)?,
        }
        let (port, path) = (port.unwrap_or(*default), path.to_owned());
        Some(Probe::Http { is_tls: *is_tls, host, port, path, status, contains })
    }

    /// Reads `contains TEXT`; the text is the rest of the line as it is. Returns `None` if the line is wrong.
    #[expect(clippy::option_option, reason = "the text may be absent, and the line may be wrong")]
    fn contains(&mut self, words: &[Word<'_>], line: Line<'_>) -> Option<Option<String>> {
        match words {
            [] => Some(None),
            [word, first, ..] if word.text == "contains" => {
                let text = line.text.get(first.start.saturating_sub(line.start)..)?;
                Some(Some(text.trim_end().to_owned()))
            }
            [word, ..] => {
                let message = format!("`{}` is not a part of a `check` line", word.text);
                self.bad_probe(*word, message);
                None
            }
        }
    }

    fn exec(&mut self, program: Word<'_>, arguments: &[Word<'_>]) -> Option<Probe> {
        if !program.text.starts_with('/') {
            let message = format!("`{}` is not an absolute path", program.text);
            self.find(&rule::BAD_CHECK, program.span(), message, "expected the path of a program");
            return None;
        }
        let kind = self.facts.file.map(|file| file(program.text));
        if kind.is_some_and(|kind| kind != Some(FileKind::Executable)) {
            let message = format!("`{}` cannot be executed", program.text);
            let label = if kind == Some(None) { "no such file" } else { "not an executable file" };
            self.find(&rule::CHECK_NOT_EXECUTABLE, program.span(), message, label);
        }
        let arguments = arguments.iter().map(|word| word.text.to_owned()).collect();
        Some(Probe::Exec { program: program.text.to_owned(), arguments })
    }

    fn process(&mut self, word: Word<'_>) -> Option<Probe> {
        let name = word.text.to_owned();
        if name.starts_with('/') {
            return Some(Probe::Process(ProcessName::PidFile(name)));
        }
        if name.contains('/') || name.len() > COMMAND_MAX {
            let label =
                "expected the path of a file with its number, or its name of at most 15 bytes";
            let message = format!("`{name}` names no process");
            self.find(&rule::BAD_CHECK, word.span(), message, label);
            return None;
        }
        Some(Probe::Process(ProcessName::Command(name)))
    }
}

/// Splits a host from its port, if there is one. An IPv6 address is in brackets.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let is_host =
        !host.is_empty() && !host.contains(|c: char| c.is_control() || "@?#/".contains(c));
    is_host.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_split_with_and_without_brackets() {
        let some = |host: &str, port| Some((host.to_owned(), port));
        for (text, expected) in [
            ("10.0.0.9:80", some("10.0.0.9", Some(80))),
            ("web.example.org", some("web.example.org", None)),
            ("[2001:db8::1]:5432", some("2001:db8::1", Some(5432))),
            ("[2001:db8::1]", some("2001:db8::1", None)),
            ("2001:db8::1", None),
            ("10.0.0.9:0", None),
            ("10.0.0.9:http", None),
            ("user@host:80", None),
            (":80", None),
            ("[::1", None),
        ] {
            assert_eq!(host_and_port(text), expected, "{text}");
        }
    }
}
