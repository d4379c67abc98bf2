//! Directives with one value.

use super::{Reader, slash_comment};
use crate::directive::{Directive, Value};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::medium::Medium;
use crate::number;
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use crate::time;
use std::ops::Range;
use std::time::Duration;

/// The facilities of syslog(3) by the names that syslog.conf(5) gives them.
const FACILITIES: [&str; 22] = [
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "mark", "news", "security",
    "syslog", "user", "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// The value of a setting and the bytes that said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// As written.
    pub(crate) text: String,
    pub(crate) value: Parsed,
    pub(crate) span: Range<usize>,
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    Time(Duration),
    Boolean(bool),
    Number(u32),
    /// The text says it.
    Word,
}

/// Reads a yes or no as heartbeat 3.0.6 does, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "on", "yes", "y", "1"]) {
        Some(true)
    } else if is(["false", "off", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

impl Reader<'_> {
    pub(super) fn setting(
        &mut self,
        known: &'static Directive,
        value: Value,
        name: Word<'_>,
        words: &[Word<'_>],
    ) {
        self.order(known, name);
        let once_only = matches!(known.name, "baud" | "watchdog");
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
        if value == Value::Failback && self.failback_after(known, words) {
            return;
        }
        for (at, word) in words.iter().enumerate() {
            if word.text.starts_with("//") {
                let mut finding = slash_comment(&rule::SLASH_COMMENT, File::HaCf, *word);
                if value == Value::Text {
                    // Any word is a value here, so heartbeat 3.0.6 starts with the last one.
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
            if let Some(parsed) = self.value(known, value, *word) {
                let setting =
                    Setting { text: word.text.to_owned(), value: parsed, span: word.span() };
                self.draft.settings.insert(known.name, setting);
            }
        }
    }

    fn multiply_specified(&mut self, known: &Directive, at: Word<'_>) {
        let what = if known.name == "baud" { "Baudrate" } else { "Watchdog device" };
        let message = format!("`{}` may be given only once", known.name);
        let finding = Finding::new(&rule::MULTIPLY_SPECIFIED, File::HaCf, at.span(), message)
            .label("once more")
            .original(format!("heartbeat: {what} multiply specified."));
        self.report(finding);
    }

    /// Finds directives that stand behind the line they were meant for.
    fn order(&mut self, known: &Directive, name: Word<'_>) {
        let too_late = match known.name {
            "udpport" => self.draft.media.iter().find(|medium| uses_udpport(&medium.value)),
            "baud" => {
                let is_serial = |medium: &Medium| matches!(medium, Medium::Serial { .. });
                self.draft.media.iter().find(|medium| is_serial(&medium.value))
            }
            "crm_daemon_dir" => return self.crm_daemon_dir(name),
            "crmd_spawns_pengine" => return self.crmd_spawns_pengine(name),
            _ => None,
        };
        let Some(medium) = too_late else { return };
        let message = format!(
            "`{}` must stand before the `{}` line it is meant for",
            known.name,
            medium.value.directive()
        );
        let what = if known.name == "baud" { "baudrate" } else { "udpport" };
        let finding = Finding::new(&rule::AFTER_MEDIUM, File::HaCf, name.span(), message)
            .label("has no effect on the media above")
            .original(format!("heartbeat: {what} setting must precede media statements"));
        self.report(finding);
    }

    fn crm_daemon_dir(&mut self, name: Word<'_>) {
        const MUST_PRECEDE: &str =
            "ERROR: If you specify crm_daemon_dir, it must come before the pacemaker directive";
        // The original has this check the wrong way round.
        let finding = if self.draft.pacemaker_seen {
            Finding::new(
                &rule::AFTER_PACEMAKER,
                File::HaCf,
                name.span(),
                "heartbeat 3.0.6 complains about `crm_daemon_dir` here",
            )
            .label("and starts")
            .original(MUST_PRECEDE)
        } else {
            Finding::new(
                &rule::BEFORE_PACEMAKER,
                File::HaCf,
                name.span(),
                "heartbeat 3.0.6 refuses `crm_daemon_dir` without a `pacemaker` line above it",
            )
            .label("refused")
            .help("leave it out: it does nothing beside haresources")
        };
        self.report(finding);
    }

    fn crmd_spawns_pengine(&mut self, name: Word<'_>) {
        if !self.draft.pacemaker_seen {
            return;
        }
        let finding = Finding::new(
            &rule::BEFORE_PACEMAKER,
            File::HaCf,
            name.span(),
            "heartbeat 3.0.6 refuses `crmd_spawns_pengine` below a `pacemaker` line",
        )
        .label("refused")
        .help("leave it out: it does nothing beside haresources")
        .original("ERROR: If you specify crmd_spawns_pengine, it must come before the pacemaker directive");
        self.report(finding);
    }

    fn value(&mut self, known: &'static Directive, value: Value, word: Word<'_>) -> Option<Parsed> {
        match value {
            Value::Time { zero } => self.time(known, zero, word).map(Parsed::Time),
            Value::Boolean => self.boolean(known, word).map(Parsed::Boolean),
            Value::Number { least, most } => {
                self.number(known, least, most, word).map(Parsed::Number)
            }
            Value::Port => self.port(known, word).map(Parsed::Number),
            Value::Failback => self.failback(known, word),
            Value::Choice(choices) => self.choice(known, choices, word),
            Value::Facility => self.facility(word),
            Value::Text => Some(Parsed::Word),
        }
    }

    pub(super) fn time(
        &mut self,
        known: &Directive,
        zero: bool,
        word: Word<'_>,
    ) -> Option<Duration> {
        let Some(parsed) = time::parse(word.text) else {
            let message = format!("`{}` is not a time", word.text);
            let mut finding = Finding::new(&rule::BAD_TIME, File::HaCf, word.span(), message)
                .label("expected a number of seconds, or one with `ms`, `us`, `s`, `m` or `h`");
            if known.name == "warntime" {
                finding = finding.original(format!("Warn time [{}] is invalid.", word.text));
            }
            let digits = word.text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            if digits != word.text && time::parse(digits).is_some() {
                finding = finding.fix("a number without a unit means seconds", word.span(), digits);
            }
            self.report(finding);
            return None;
        };
        // To heartbeat 3.0.6, which counts milliseconds, less is nothing.
        if parsed.value < Duration::from_millis(1) && !zero {
            let message = format!("`{}` must be a millisecond at least", known.name);
            let mut finding =
                Finding::new(&rule::TIME_ZERO, File::HaCf, word.span(), message).label("too short");
            if known.name == "warntime" {
                finding = finding.original(format!("Warn time [{}] is invalid.", word.text));
            }
            self.report(finding);
            return None;
        }
        if let Some(unit) = parsed.new_unit {
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
            let mut finding = Finding::new(&rule::BAD_BOOLEAN, File::HaCf, word.span(), message)
                .label("expected `on` or `off`");
            let checked_elsewhere = [
                "crmd_spawns_pengine",
                "record_config_changes",
                "record_pengine_inputs",
                "enable_config_writes",
            ];
            if known.name == "traditional_compression" {
                finding = finding.original(format!(
                    "ERROR: set_traditional_compression:Invalid directive value {}",
                    word.text
                ));
            } else if checked_elsewhere.contains(&known.name) {
                finding = finding.original(format!(
                    "ERROR: ha_config_check_boolean:Invalid directive value {}",
                    word.text
                ));
            }
            self.report(finding);
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
        let message = format!("`{}` is no value for `{}`", word.text, known.name);
        let finding = Finding::new(&rule::BAD_NUMBER, File::HaCf, word.span(), message)
            .label(format!("expected a number from {least} to {most}"));
        let original = match known.name {
            "udpport" => Some(format!("heartbeat: invalid port [{}] specified.", word.text)),
            "rtprio" => Some(format!("ERROR: Illegal realtime priority [{}]", word.text)),
            "compression_threshold" => Some(format!(
                "ERROR: set_compression_threshold: compress_threshhold({}) invalid",
                word.text
            )),
            "max_rexmit_delay" => {
                Some(format!("ERROR: Invalid max_rexmit_delay time({})", word.text))
            }
            _ => None,
        };
        self.report(Finding { original: original.into_iter().collect(), ..finding });
        None
    }

    fn port(&mut self, known: &Directive, word: Word<'_>) -> Option<u32> {
        let number = self.number(known, 1, u32::MAX, word)?;
        let Ok(port) = u16::try_from(number) else {
            // The field on the wire has 16 bits, and heartbeat 3.0.6 fills in what fits.
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

    pub(super) fn choice(
        &mut self,
        known: &Directive,
        choices: &'static [&'static str],
        word: Word<'_>,
    ) -> Option<Parsed> {
        let in_any_case = known.name == "autojoin";
        let rate = number::leading(word.text).filter(|_| known.name == "baud");
        let is_it = |choice: &&str| match rate {
            Some(rate) => choice.parse() == Ok(rate),
            None => *choice == word.text || in_any_case && choice.eq_ignore_ascii_case(word.text),
        };
        if choices.iter().any(is_it) {
            self.findings.extend(rate.and_then(|rate| number::odd(word, rate)));
            return Some(Parsed::Word);
        }
        let expected: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        let message = format!("`{}` is no value for `{}`", word.text, known.name);
        let mut finding = Finding::new(&rule::BAD_CHOICE, File::HaCf, word.span(), message)
            .label(format!("expected {}", expected.join(" or ")));
        if let Some(meant) = nearest(word.text, choices.iter().copied()) {
            finding = finding.fix(format!("did you mean `{meant}`?"), word.span(), meant);
        }
        let original = match known.name {
            "baud" => Some(format!("heartbeat: invalid baudrate [{}] specified.", word.text)),
            "hbgenmethod" => Some(format!("ERROR: Illegal hb generation method [{}]", word.text)),
            "uuidfrom" => Some(format!("ERROR: Invalid uuidfrom directive [{}]", word.text)),
            "autojoin" => Some(format!("ERROR: Invalid autojoin directive [{}]", word.text)),
            "compression" => Some(format!("ERROR: Compression module({}) not found", word.text)),
            _ => None,
        };
        self.report(Finding { original: original.into_iter().collect(), ..finding });
        None
    }

    fn facility(&mut self, word: Word<'_>) -> Option<Parsed> {
        if word.text == "none" || FACILITIES.contains(&word.text) {
            return Some(Parsed::Word);
        }
        let message = format!("`{}` is no syslog facility", word.text);
        let mut finding = Finding::new(&rule::BAD_FACILITY, File::HaCf, word.span(), message)
            .label("expected one as in syslog.conf(5), or `none`")
            .original(format!("ERROR: Log facility({}) not valid", word.text));
        if let Some(meant) = nearest(word.text, FACILITIES) {
            finding = finding.fix(format!("did you mean `{meant}`?"), word.span(), meant);
        }
        self.report(finding);
        None
    }
}

/// Whether `udpport` sets the port of this medium.
fn uses_udpport(medium: &Medium) -> bool {
    match medium {
        Medium::Ucast { .. } | Medium::Bcast { .. } | Medium::Ucast6 { .. } => true,
        Medium::Mcast { .. } | Medium::Mcast6 { .. } | Medium::Serial { .. } => false,
    }
}
