//! How the resources of groups are checked while they run: `monitor`.

use super::{Placed, Reader};
use crate::directive::{Directive, Zero};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use crate::values::boolean;
use std::slice::Iter;
use systole_core::{LastResort, Monitor};

/// The form of a line.
const FORM: &str = "expected `monitor default`, a group or a resource, and then any of `every TIME`, \
                    `timeout TIME`, `failures N`, `restarts N in TIME`, `agent off` and `then move`, \
                    `block` or `ignore`; or `off`";
/// The words with which the parts of a line begin.
const PARTS: [&str; 7] = ["every", "timeout", "failures", "restarts", "agent", "then", "off"];
/// What may follow `then`.
const LAST_RESORTS: [(&str, LastResort); 3] =
    [("move", LastResort::Move), ("block", LastResort::Block), ("ignore", LastResort::Ignore)];

/// A `monitor` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MonitorLine {
    /// `default`, or the name of a group or of a resource.
    pub(crate) target: Placed<String>,
    /// How it is monitored; absent for `off`.
    pub(crate) monitor: Option<Monitor>,
}

impl Reader<'_> {
    /// Reads `monitor TARGET …`. A line with a mistake is left out.
    pub(super) fn monitor(
        &mut self,
        known: &'static Directive,
        name: Word<'_>,
        words: &[Word<'_>],
    ) {
        let Some((target, rest)) = words.split_first() else {
            return self.bad_monitor(name, "`monitor` lacks what it is to monitor".to_owned());
        };
        let monitor = match rest {
            [off] if off.text == "off" => None,
            _ => {
                let Some(monitor) = self.parts(known, rest) else { return };
                Some(monitor)
            }
        };
        let target = Placed { value: target.text.to_owned(), span: target.span() };
        self.draft.monitors.push(MonitorLine { target, monitor });
    }

    fn parts(&mut self, known: &'static Directive, words: &[Word<'_>]) -> Option<Monitor> {
        let mut monitor = Monitor::default();
        let mut seen: Vec<&str> = Vec::new();
        let mut words = words.iter();
        while let Some(part) = words.next() {
            if seen.contains(&part.text) {
                self.bad_monitor(*part, format!("`{}` was given already", part.text));
                return None;
            }
            seen.push(part.text);
            match part.text {
                "every" => monitor.every = self.time_of(known, *part, &mut words)?,
                "timeout" => monitor.timeout = self.time_of(known, *part, &mut words)?,
                "failures" => monitor.failures = self.count_of(known, *part, 1, &mut words)?,
                "restarts" => {
                    monitor.restarts = self.count_of(known, *part, 0, &mut words)?;
                    if words.as_slice().first().is_some_and(|word| word.text == "in") {
                        let within = words.next()?;
                        monitor.within = self.time_of(known, *within, &mut words)?;
                    }
                }
                "agent" => {
                    let value = self.value_of(*part, &mut words)?;
                    let Some(asks_agent) = boolean(value.text) else {
                        let message = format!("`{}` is neither `on` nor `off`", value.text);
                        self.bad_monitor(value, message);
                        return None;
                    };
                    monitor.asks_agent = asks_agent;
                }
                "then" => monitor.then = self.last_resort(*part, &mut words)?,
                "off" => {
                    self.bad_monitor(*part, "`off` stands alone".to_owned());
                    return None;
                }
                "in" => {
                    self.bad_monitor(*part, "`in TIME` follows `restarts N`".to_owned());
                    return None;
                }
                _ => {
                    let message = format!("`{}` is not a part of a `monitor` line", part.text);
                    let mut finding =
                        Finding::new(&rule::BAD_MONITOR, File::HaCf, part.span(), message)
                            .label(FORM);
                    if let Some(meant) = nearest(part.text, PARTS) {
                        finding =
                            finding.fix(format!("did you mean `{meant}`?"), part.span(), meant);
                    }
                    self.report(finding);
                    return None;
                }
            }
        }
        Some(monitor)
    }

    fn bad_monitor(&mut self, at: Word<'_>, message: String) {
        self.find(&rule::BAD_MONITOR, at.span(), message, FORM);
    }

    /// Returns the word behind a part of the line.
    fn value_of<'w>(&mut self, part: Word<'_>, words: &mut Iter<'_, Word<'w>>) -> Option<Word<'w>> {
        let value = words.next().copied();
        if value.is_none() {
            self.bad_monitor(part, format!("`{}` lacks its value", part.text));
        }
        value
    }

    fn time_of(
        &mut self,
        known: &'static Directive,
        part: Word<'_>,
        words: &mut Iter<'_, Word<'_>>,
    ) -> Option<std::time::Duration> {
        let value = self.value_of(part, words)?;
        self.time(known, Zero::Refused, value)
    }

    fn count_of(
        &mut self,
        known: &'static Directive,
        part: Word<'_>,
        least: u32,
        words: &mut Iter<'_, Word<'_>>,
    ) -> Option<u8> {
        let value = self.value_of(part, words)?;
        let count = self.number(known, least, Monitor::COUNT_MAX.into(), value)?;
        u8::try_from(count).ok()
    }

    fn last_resort(
        &mut self,
        part: Word<'_>,
        words: &mut Iter<'_, Word<'_>>,
    ) -> Option<LastResort> {
        let value = self.value_of(part, words)?;
        let found = LAST_RESORTS.iter().find(|(word, _)| *word == value.text);
        if found.is_none() {
            let message = format!("`{}` is not a value for `then`", value.text);
            let label = "expected `move`, `block` or `ignore`";
            self.find(&rule::BAD_MONITOR, value.span(), message, label);
        }
        found.map(|(_, last_resort)| *last_resort)
    }
}
