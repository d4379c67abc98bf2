//! When groups fail back, and when they are kept where they are: `auto_failback after`, `failback` and
//! `hold_down`.

use super::{Placed, Reader, Setting};
use crate::directive::{self, Directive, Kind, Zero};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use crate::values::{Parsed, boolean};
use std::time::Duration;
use systole_core::Failback;

/// The most moves that `hold_down` can count: the times of only so many moves are kept.
const MOVES_MAX: u32 = 16;

/// A `hold_down` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldDownLine {
    /// Groups may move as often as they like.
    Off,
    /// This many moves within this time are too many.
    On(u8, Duration),
}

impl Reader<'_> {
    /// Reads `auto_failback after TIME` or `guard after TIME`. Returns whether the line has this form.
    pub(super) fn setting_after(&mut self, known: &'static Directive, words: &[Word<'_>]) -> bool {
        let Some((after, rest)) = words.split_first().filter(|(word, _)| word.text == "after")
        else {
            return false;
        };
        if known.name == "auto_failback" {
            self.new_value(known, *after);
        }
        if let Some(span) = self.after(known, *after, rest) {
            let text = format!("after {}", rest[0].text);
            let value = Parsed::Time(span);
            self.draft.settings.insert(known.name, Setting { text, value, span: after.span() });
        }
        true
    }

    /// Reads the time that follows `after`.
    fn after(&mut self, known: &Directive, after: Word<'_>, rest: &[Word<'_>]) -> Option<Duration> {
        let Some(time) = rest.first() else {
            let message = "`after` lacks its time";
            let label = "expected `after TIME`, as in `after 600`";
            self.find(&rule::BAD_FAILBACK, after.span(), message, label);
            return None;
        };
        self.too_many(known.name, rest.get(1));
        self.time(known, Zero::Refused, *time)
    }

    fn too_many(&mut self, name: &str, word: Option<&Word<'_>>) {
        if let Some(word) = word {
            let message = format!("`{name}` ends before this word");
            self.find(&rule::EXTRA_WORDS, word.span(), message, "ignored");
        }
    }

    /// Reports a value that a C node does not know.
    pub(super) fn new_value(&mut self, known: &Directive, word: Word<'_>) {
        let message = format!("`{}` is a new value of `{}`", word.text, known.name);
        self.find(&rule::NEW_VALUE, word.span(), message, "a C heartbeat refuses this file");
    }

    /// Reads the value of `auto_failback`, if it is one word.
    pub(super) fn failback(&mut self, known: &Directive, word: Word<'_>) -> Option<Parsed> {
        if word.text == "manual" {
            self.new_value(known, word);
        }
        self.one_of(known, Kind::Failback, &["on", "off", "legacy", "manual", "after"], word)
    }

    /// Reads `failback GROUP MODE`.
    pub(super) fn group_failback(&mut self, name: Word<'_>, words: &[Word<'_>]) {
        const FORM: &str = "expected `failback GROUP on`, `off`, `manual` or `after TIME`";
        let [group, mode, rest @ ..] = words else {
            let message = "`failback` lacks its group or its mode";
            return self.find(&rule::BAD_FAILBACK, name.span(), message, FORM);
        };
        let failback = match (boolean(mode.text), mode.text) {
            (Some(true), _) => Some(Failback::On),
            (Some(false), _) => Some(Failback::Off),
            (None, "manual") => Some(Failback::Manual),
            (None, "after") => {
                let Some(known) = directive::find(name.text) else { return };
                let Some(span) = self.after(known, *mode, rest) else { return };
                Some(Failback::After(span))
            }
            (None, _) => None,
        };
        let Some(failback) = failback else {
            let message = format!("`{}` is not a value for `failback`", mode.text);
            let mut finding =
                Finding::new(&rule::BAD_FAILBACK, File::HaCf, mode.span(), message).label(FORM);
            if let Some(meant) = nearest(mode.text, ["manual", "after"]) {
                finding = finding.fix(format!("did you mean `{meant}`?"), mode.span(), meant);
            }
            return self.report(finding);
        };
        if mode.text != "after" {
            self.too_many("failback", rest.first());
        }
        let group = Placed { value: group.text.to_owned(), span: group.span() };
        self.draft.group_failback.push((group, failback));
    }

    /// Reads `hold_down off` or `hold_down MOVES TIME`.
    pub(super) fn hold_down(&mut self, known: &'static Directive, words: &[Word<'_>]) {
        if self.draft.hold_down.is_some() {
            let at = words[0].span();
            let label = "this line replaces the earlier one";
            self.find(&rule::GIVEN_TWICE, at, "`hold_down` was set already", label);
        }
        let (value, text) = match words {
            [off, rest @ ..] if boolean(off.text) == Some(false) && off.text != "0" => {
                self.too_many(known.name, rest.first());
                (HoldDownLine::Off, off.text.to_owned())
            }
            [moves, window, rest @ ..] => {
                self.too_many(known.name, rest.first());
                let count = self.number(known, 1, MOVES_MAX, *moves);
                let span = self.time(known, Zero::Refused, *window);
                let (Some(count), Some(span)) = (count, span) else { return };
                let count = u8::try_from(count).unwrap_or(u8::MAX);
                (HoldDownLine::On(count, span), format!("{} {}", moves.text, window.text))
            }
            _ => {
                let label = "expected `hold_down MOVES TIME`, as in `hold_down 3 600`, or `off`";
                let message = "`hold_down` lacks its time";
                return self.find(&rule::BAD_FAILBACK, words[0].span(), message, label);
            }
        };
        self.draft.hold_down = Some(value);
        let setting = Setting { value: Parsed::Word(text.clone()), text, span: words[0].span() };
        self.draft.settings.insert(known.name, setting);
    }
}
