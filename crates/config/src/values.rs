//! The values of the directives with one value, as written or by default.

use crate::directive::{self, Kind, Role, Zero};
use crate::hacf::Draft;
use crate::time::milliseconds;
use std::collections::BTreeMap;
use std::time::Duration;

/// The meaning of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parsed {
    Time(Duration),
    Boolean(bool),
    Number(u32),
    Word(String),
    /// The same as without the line.
    Nothing,
}

impl Parsed {
    /// Returns the value as `heartbeat -v` shows a value that no line sets.
    pub(crate) fn recorded(&self) -> String {
        match self {
            Self::Time(time) => format!("{}ms", milliseconds(*time)),
            Self::Boolean(is_on) => is_on.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word.clone(),
            Self::Nothing => String::new(),
        }
    }

    /// Returns the value as it is shown in a change of the configuration.
    pub(crate) fn told(&self, role: Role) -> String {
        match self {
            Self::Time(time) => {
                if let Role::Setting(Kind::Time(Zero::Means(words))) = role
                    && time.is_zero()
                {
                    return words.to_owned();
                }
                span(*time)
            }
            Self::Boolean(is_on) => if *is_on { "on" } else { "off" }.to_owned(),
            Self::Number(_) | Self::Word(_) | Self::Nothing => self.recorded(),
        }
    }
}

/// Formats a time in whole seconds, or in milliseconds if it is not a whole number of seconds.
pub(crate) fn span(span: Duration) -> String {
    let milliseconds = milliseconds(span);
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

/// Reads a boolean as heartbeat 3.0.6 does, in any case.
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

/// The value of every directive that has one, written or by default.
///
/// Asking for a directive that has no value, or a value of another kind, is a bug in the code and panics:
/// reading any file reveals it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values(BTreeMap<&'static str, Option<Parsed>>);

impl Values {
    /// Returns the values after all lines have been read.
    pub(crate) fn of(draft: &Draft) -> Self {
        let settings = directive::all().filter(|row| matches!(row.role, Role::Setting(_)));
        let value = |row| draft.value(row).filter(|value| *value != Parsed::Nothing);
        Self(settings.map(|row| (row.name, value(row))).collect())
    }

    /// Returns the value; absent where there is neither a line nor a default.
    pub(crate) fn get(&self, directive: &str) -> Option<&Parsed> {
        let value = self.0.get(directive);
        value.unwrap_or_else(|| panic!("`{directive}` has no value")).as_ref()
    }

    /// Returns a time; every directive that takes a time has a default.
    pub(crate) fn time(&self, directive: &str) -> Duration {
        let Some(Parsed::Time(time)) = self.get(directive) else {
            panic!("`{directive}` is not a time");
        };
        *time
    }

    /// Returns a boolean.
    pub(crate) fn boolean(&self, directive: &str) -> bool {
        let Some(Parsed::Boolean(is_on)) = self.get(directive) else {
            panic!("`{directive}` is neither yes nor no");
        };
        *is_on
    }

    /// Returns a number.
    pub(crate) fn number(&self, directive: &str) -> Option<u32> {
        self.get(directive).map(|value| {
            let Parsed::Number(number) = value else { panic!("`{directive}` is not a number") };
            *number
        })
    }

    /// Returns a number that its row limits to 255.
    pub(crate) fn small(&self, directive: &str) -> Option<u8> {
        let number = self.number(directive)?;
        Some(u8::try_from(number).unwrap_or_else(|_| panic!("`{directive}` may be above 255")))
    }

    /// Returns a word.
    pub(crate) fn word(&self, directive: &str) -> Option<&str> {
        self.get(directive).map(|value| {
            let Parsed::Word(word) = value else { panic!("`{directive}` is not a word") };
            word.as_str()
        })
    }
}
