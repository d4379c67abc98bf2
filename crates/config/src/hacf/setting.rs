//! Directives with one value.

use super::{Reader, slash_comment};
use crate::directive::{Directive, FACILITIES, Kind, Order, Role, Zero};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::number;
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use crate::time;
use crate::values::{Parsed, boolean};
use std::ops::Range;
use std::time::Duration;

/// The value of a setting and the bytes in the file that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// As written.
    pub(crate) text: String,
    pub(crate) value: Parsed,
    pub(crate) span: Range<usize>,
}

impl Reader<'_> {
    pub(super) fn setting(
        &mut self,
        known: &'static Directive,
        kind: Kind,
        name: Word<'_>,
        words: &[Word<'_>],
    ) {
        self.order(known, name);
        let once_only = !known.once.is_empty();
        if self.draft.settings.contains_key(known.name) {
            if once_only {
                self.multiply_specified(known, name);
            } else {
                let message = format!("`{}` was set already", known.name);
                self.find(
                    &rule::GIVEN_TWICE,
                    name.span(),
                    message,
                    "this line replaces the earlier one",
                );
            }
        }
        let may_be_after = matches!(kind, Kind::Failback | Kind::Guard);
        if may_be_after && self.setting_after(known, words) {
            return;
        }
        for (at, word) in words.iter().enumerate() {
            if word.text.starts_with("//") {
                let mut finding = slash_comment(&rule::SLASH_COMMENT, File::HaCf, *word);
                if kind == Kind::Text {
                    // Any word is a valid value here, so heartbeat 3.0.6 starts and uses the last one.
                    finding.severity = crate::finding::Severity::Warning;
                }
                self.report(finding);
                break;
            }
            if at == 1 && once_only {
                self.multiply_specified(known, *word);
            } else if at == 1 {
                let message = format!("`{}` takes one value", known.name);
                self.find(&rule::SEVERAL_VALUES, word.span(), message, "the last one counts");
            }
            if let Some(parsed) = self.value(known, kind, *word) {
                let setting =
                    Setting { text: word.text.to_owned(), value: parsed, span: word.span() };
                self.draft.settings.insert(known.name, setting);
            }
        }
    }

    fn multiply_specified(&mut self, known: &Directive, at: Word<'_>) {
        let message = format!("`{}` may be given only once", known.name);
        let finding = Finding::new(&rule::MULTIPLY_SPECIFIED, File::HaCf, at.span(), message)
            .label("given again")
            .original(format!("heartbeat: {} multiply specified.", known.once));
        self.report(finding);
    }

    /// Reports directives that come after the line they were meant for.
    fn order(&mut self, known: &Directive, name: Word<'_>) {
        let (what, uses_it) = match known.order {
            Order::Anywhere => return,
            Order::AboveMedia(what, uses_it) => (what, uses_it),
            Order::BelowPacemaker => return self.below_pacemaker(known, name),
            Order::AbovePacemaker => return self.above_pacemaker(known, name),
        };
        let Some(medium) = self.draft.media.iter().find(|medium| uses_it(&medium.value)) else {
            return;
        };
        let message = format!(
            "`{}` must come before the `{}` line it is meant for",
            known.name,
            medium.value.directive()
        );
        let finding = Finding::new(&rule::AFTER_MEDIUM, File::HaCf, name.span(), message)
            .label("has no effect on the media above")
            .original(format!("heartbeat: {what} setting must precede media statements"));
        self.report(finding);
    }

    fn below_pacemaker(&mut self, known: &Directive, name: Word<'_>) {
        // heartbeat 3.0.6 has this check the wrong way round.
        let finding = if self.draft.pacemaker_seen {
            let message = format!("heartbeat 3.0.6 complains about `{}` here", known.name);
            Finding::new(&rule::AFTER_PACEMAKER, File::HaCf, name.span(), message)
                .label("and starts")
                .original(must_precede_pacemaker(known))
        } else {
            let message = format!(
                "heartbeat 3.0.6 refuses `{}` without a `pacemaker` line above it",
                known.name
            );
            Finding::new(&rule::BEFORE_PACEMAKER, File::HaCf, name.span(), message)
                .label("refused")
                .help("remove it: it has no effect with haresources")
        };
        self.report(finding);
    }

    fn above_pacemaker(&mut self, known: &Directive, name: Word<'_>) {
        if !self.draft.pacemaker_seen {
            return;
        }
        let message = format!("heartbeat 3.0.6 refuses `{}` below a `pacemaker` line", known.name);
        let finding = Finding::new(&rule::BEFORE_PACEMAKER, File::HaCf, name.span(), message)
            .label("refused")
            .help("remove it: it has no effect with haresources")
            .original(must_precede_pacemaker(known));
        self.report(finding);
    }

    fn value(&mut self, known: &'static Directive, kind: Kind, word: Word<'_>) -> Option<Parsed> {
        match kind {
            Kind::Time(zero) => self.time(known, zero, word).map(Parsed::Time),
            Kind::Milliseconds { least, most } => self
                .number(known, least, most, word)
                .map(|number| Parsed::Time(Duration::from_millis(number.into()))),
            Kind::Boolean => self.boolean(known, word).map(Parsed::Boolean),
            Kind::Number { least, most } => {
                self.number(known, least, most, word).map(Parsed::Number)
            }
            Kind::Port => self.port(known, word).map(Parsed::Number),
            Kind::Rate(rates) => {
                let rates: Vec<String> = rates.iter().map(u32::to_string).collect();
                let rates: Vec<&str> = rates.iter().map(String::as_str).collect();
                let read = self.one_of(known, kind, &rates, word)?;
                if let Parsed::Number(rate) = read {
                    self.findings.extend(number::odd(word, rate));
                }
                Some(read)
            }
            Kind::Failback => self.failback(known, word),
            Kind::Guard => self.one_of(known, kind, &["strict", "off", "after"], word),
            Kind::Choice(words) | Kind::ChoiceInAnyCase(words) => {
                self.one_of(known, kind, words, word)
            }
            Kind::Facility => self.facility(known, word),
            Kind::Text => kind.read(word.text),
        }
    }

    pub(super) fn time(
        &mut self,
        known: &Directive,
        zero: Zero,
        word: Word<'_>,
    ) -> Option<Duration> {
        let Some(parsed) = time::parse(word.text) else {
            let message = format!("`{}` is not a time", word.text);
            let finding = Finding::new(&rule::BAD_TIME, File::HaCf, word.span(), message)
                .label("expected a number of seconds, or one with `ms`, `us`, `s`, `m` or `h`");
            let mut finding = complain(known, word, finding);
            let digits = word.text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            if digits != word.text && time::parse(digits).is_some() {
                finding = finding.fix("a number without a unit means seconds", word.span(), digits);
            }
            self.report(finding);
            return None;
        };
        if !zero.takes(parsed.value) {
            let message = format!("`{}` must be a millisecond at least", known.name);
            let finding =
                Finding::new(&rule::TIME_ZERO, File::HaCf, word.span(), message).label("too short");
            self.report(complain(known, word, finding));
            return None;
        }
        // Of a line with several times, which a C heartbeat refuses anyway, that is said once.
        if let Some(unit) = parsed.new_unit.filter(|_| known.role != Role::Monitor) {
            let plain = if parsed.value.subsec_nanos() == 0 {
                parsed.value.as_secs().to_string()
            } else {
                format!("{}ms", parsed.value.as_millis())
            };
            let finding = Finding::new(
                &rule::NEW_TIME_UNIT,
                File::HaCf,
                word.span(),
                format!("a C heartbeat refuses the unit `{unit}`"),
            )
            .label("fine here")
            .fix("for a file that both read", word.span(), plain);
            self.report(finding);
        }
        Some(parsed.value)
    }

    fn boolean(&mut self, known: &Directive, word: Word<'_>) -> Option<bool> {
        let parsed = boolean(word.text);
        if parsed.is_none() {
            let message = format!("`{}` is neither yes nor no", word.text);
            let finding = Finding::new(&rule::BAD_BOOLEAN, File::HaCf, word.span(), message)
                .label("expected `on` or `off`");
            self.report(complain(known, word, finding));
        }
        parsed
    }

    pub(super) fn number(
        &mut self,
        known: &Directive,
        least: u32,
        most: u32,
        word: Word<'_>,
    ) -> Option<u32> {
        let parsed = number::leading(word.text);
        if let Some(number) = parsed.filter(|number| (least..=most).contains(number)) {
            self.findings.extend(number::odd(word, number));
            return Some(number);
        }
        let message = format!("`{}` is not a value for `{}`", word.text, known.name);
        let finding = Finding::new(&rule::BAD_NUMBER, File::HaCf, word.span(), message)
            .label(format!("expected a number from {least} to {most}"));
        self.report(complain(known, word, finding));
        None
    }

    fn port(&mut self, known: &Directive, word: Word<'_>) -> Option<u32> {
        let number = self.number(known, 1, u32::MAX, word)?;
        let Ok(port) = u16::try_from(number) else {
            // The field in the message has 16 bits, and heartbeat 3.0.6 sends the low 16 bits.
            let wrapped = (number & 0xffff).max(1);
            let message = format!("there is no port {number}");
            let label = format!("read as {wrapped}; expected at most 65535");
            self.find(&rule::PORT_WRAPS, word.span(), message, label);
            return Some(wrapped);
        };
        let reserved = self.facts.service.and_then(|service| service(port));
        if let Some(service) = reserved.filter(|service| service != "ha-cluster") {
            let message = format!("UDP port {port} is reserved for service `{service}`");
            let finding = Finding::new(&rule::RESERVED_PORT, File::HaCf, word.span(), message)
                .label("may be in use")
                .original(format!(
                    "WARN: heartbeat: udp port {port} reserved for service \"{service}\"."
                ));
            self.report(finding);
        }
        Some(number)
    }

    /// Reads a value of a kind that has only these words.
    pub(super) fn one_of(
        &mut self,
        known: &Directive,
        kind: Kind,
        choices: &[&str],
        word: Word<'_>,
    ) -> Option<Parsed> {
        let read = kind.read(word.text);
        if read.is_none() {
            let expected: Vec<String> =
                choices.iter().map(|choice| format!("`{choice}`")).collect();
            let message = format!("`{}` is not a value for `{}`", word.text, known.name);
            let finding = Finding::new(&rule::BAD_CHOICE, File::HaCf, word.span(), message)
                .label(format!("expected {}", expected.join(" or ")));
            self.report(meant(known, choices, word, finding));
        }
        read
    }

    fn facility(&mut self, known: &Directive, word: Word<'_>) -> Option<Parsed> {
        let read = Kind::Facility.read(word.text);
        if read.is_none() {
            let message = format!("`{}` is not a syslog facility", word.text);
            let finding = Finding::new(&rule::BAD_FACILITY, File::HaCf, word.span(), message)
                .label("expected one as in syslog.conf(5), or `none`");
            self.report(meant(known, &FACILITIES, word, finding));
        }
        read
    }
}

/// Proposes the nearest of the valid words, and adds what heartbeat 3.0.6 logs.
fn meant(known: &Directive, words: &[&str], word: Word<'_>, finding: Finding) -> Finding {
    let mut finding = complain(known, word, finding);
    if let Some(meant) = nearest(word.text, words.iter().copied()) {
        finding = finding.fix(format!("did you mean `{meant}`?"), word.span(), meant);
    }
    finding
}

/// Adds what heartbeat 3.0.6 logs about a bad value.
fn complain(known: &Directive, word: Word<'_>, finding: Finding) -> Finding {
    match known.complaint(word.text) {
        Some(complaint) => finding.original(complaint),
        None => finding,
    }
}

fn must_precede_pacemaker(known: &Directive) -> String {
    format!("ERROR: If you specify {}, it must come before the pacemaker directive", known.name)
}
