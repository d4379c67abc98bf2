//! The directives of `ha.cf`: one row for each, from which everything about a directive is derived, in tables
//! by topic.

mod kind;
mod media;
mod others;
mod process;
mod resources;
#[cfg(test)]
mod tests;
mod times;

use crate::config::RecordedOption;
use crate::difference::Effect;
use crate::hacf::Draft;
use crate::medium::Medium;
use crate::values::Parsed;
pub(crate) use kind::{FACILITIES, Kind, MediumKind, Role, Zero};

/// What Systole does with a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// The same as heartbeat 3.0.6, or better.
    Served,
    /// Nothing, because there is nothing left to do; the text says why.
    Inert(&'static str),
    /// Something that only Systole does: heartbeat 3.0.6 refuses the directive.
    New,
}

/// The value of a directive that no line sets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DefaultValue {
    /// Nothing.
    None,
    /// The value that a line with this text would set.
    Text(&'static str),
    /// A value computed from the other lines.
    Computed(fn(&Draft) -> Option<Parsed>),
    /// No value, although `heartbeat -v` shows this text.
    Shown(fn(&Draft) -> Option<String>),
}

/// The heading under which a change of a directive is reported; changes are reported in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One line for each directive, with both values: `deadtime: 30 s -> 20 s`.
    Times,
    /// The same, for scripts and agents.
    Agents,
    /// `logging: changed`, for all of them together.
    Logging,
    /// `process settings: changed`, likewise.
    Process,
    /// `form of messages: changed`, likewise.
    Messages,
    /// `cluster: changed`, one line for each directive.
    Identity,
    /// The same, for floating addresses.
    Addresses,
}

/// What a change of a directive requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A running daemon applies it.
    Live,
    /// The same, unless there is a serial line: the times are set when the line is opened, and say when the
    /// line is too slow.
    LiveUnlessSerial,
    /// The daemon executes itself again.
    Restart,
}

impl Takes {
    pub(crate) const fn effect(self, has_serial: bool) -> Effect {
        match self {
            Self::Live => Effect::Live,
            Self::LiveUnlessSerial if !has_serial => Effect::Live,
            Self::LiveUnlessSerial | Self::Restart => Effect::Restart,
        }
    }
}

/// How a change of a directive is reported, and what it requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Together with the other directives of its subject.
    As(Subject, Takes),
    /// By the code of [`difference`](crate::difference()) that compares what the value becomes, for example
    /// the medium that uses a port; or never, because only one value is allowed.
    Elsewhere,
    /// As a change that only scripts see.
    Nowhere,
}

/// Where the line of a directive must be placed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// Anywhere.
    Anywhere,
    /// Above the media that use the directive, with the name that heartbeat 3.0.6 has for it.
    AboveMedia(&'static str, fn(&Medium) -> bool),
    /// Above `pacemaker`.
    AbovePacemaker,
    /// Below `pacemaker`.
    BelowPacemaker,
}

/// A position in the output of `heartbeat -v`, and the description there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed(pub(crate) u8, pub(crate) &'static str);

/// One directive.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test compares the columns with the document"))]
pub(crate) struct Directive {
    pub(crate) name: &'static str,
    /// How its words are read, and what they mean.
    pub(crate) role: Role,
    pub(crate) support: Support,
    pub(crate) default: DefaultValue,
    /// Whether heartbeat 3.0.6 has no default to list, so that `heartbeat -D` and `-v` list none.
    pub(crate) hides_default: bool,
    /// How a change of its value is reported.
    pub(crate) change: Told,
    /// Its line in `heartbeat -v`, which scripts see as `HA_<name>`; absent for directives that are not
    /// recorded.
    pub(crate) listed: Option<Listed>,
    /// What heartbeat 3.0.6 logs about a bad value, with `{}` for the value; empty where it logs nothing.
    pub(crate) complaint: &'static str,
    /// How heartbeat 3.0.6 names the directive when it refuses a second value; empty where the last value
    /// counts.
    pub(crate) once: &'static str,
    pub(crate) order: Order,
    /// The column "meaning" of its line in `docs/ha.cf.md`.
    pub(crate) meaning: &'static str,
    /// The column "default" there, if [`default`](Self::default) is not a text.
    pub(crate) default_words: &'static str,
    /// The column "a C heartbeat" there.
    pub(crate) classic: &'static str,
    /// The column "Systole" there.
    pub(crate) ours: &'static str,
}

/// A table of directives and its heading in `docs/ha.cf.md`.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test looks for the heading in the document"))]
pub(crate) struct Topic {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Directive],
}

static TOPICS: [&Topic; 5] =
    [&times::TOPIC, &media::TOPIC, &resources::TOPIC, &process::TOPIC, &others::TOPIC];

/// The defaults of the rows for directives of heartbeat 3.0.6.
const SERVED: Directive = Directive {
    name: "",
    role: Role::NotBuilt,
    support: Support::Served,
    default: DefaultValue::None,
    hides_default: false,
    change: Told::Nowhere,
    listed: None,
    complaint: "",
    once: "",
    order: Order::Anywhere,
    meaning: "",
    default_words: "",
    classic: "",
    ours: "as heartbeat",
};
/// The same for directives that only Systole has.
const NEW: Directive =
    Directive { support: Support::New, classic: "refused", ours: "new", ..SERVED };
/// The same for directives that cannot be used.
const NOT_BUILT: Directive = Directive { classic: "refused", ours: "refused", ..SERVED };

/// The same for directives that do nothing, for the given reason.
const fn inert(reason: &'static str) -> Directive {
    Directive { support: Support::Inert(reason), ours: "does nothing", ..SERVED }
}

const POSITIVE_TIME: Role = setting(Kind::Time(Zero::Refused));
const ANY_TIME: Role = setting(Kind::Time(Zero::Taken));
const BOOLEAN: Role = setting(Kind::Boolean);

const fn setting(kind: Kind) -> Role {
    Role::Setting(kind)
}

const fn number(least: u32, most: u32) -> Role {
    setting(Kind::Number { least, most })
}

impl Directive {
    /// Returns the value when no line sets the directive.
    pub(crate) fn default_value(&self, draft: &Draft) -> Option<Parsed> {
        match (self.default, self.role) {
            (DefaultValue::Text(text), Role::Setting(kind)) => kind.read(text),
            (DefaultValue::Computed(compute), _) => compute(draft),
            _ => None,
        }
    }

    /// Returns what `heartbeat -v` shows when no line sets the directive.
    pub(crate) fn default_shown(&self, draft: &Draft) -> Option<String> {
        if self.hides_default {
            return None;
        }
        match self.default {
            DefaultValue::None => None,
            DefaultValue::Text(text) => Some(text.to_owned()),
            DefaultValue::Computed(compute) => Some(compute(draft)?.recorded()),
            DefaultValue::Shown(show) => show(draft),
        }
    }

    /// Returns what heartbeat 3.0.6 logs about a bad value.
    pub(crate) fn complaint(&self, value: &str) -> Option<String> {
        (!self.complaint.is_empty()).then(|| self.complaint.replace("{}", value))
    }
}

/// Returns all directives, by topic.
pub(crate) fn all() -> impl Iterator<Item = &'static Directive> {
    TOPICS.iter().flat_map(|topic| topic.rows)
}

/// Returns the recorded directives in the order of `heartbeat -v`.
pub(crate) fn recorded() -> Vec<(&'static Directive, &'static str)> {
    let mut recorded: Vec<_> = all().filter_map(|row| Some((row.listed?, row))).collect();
    recorded.sort_unstable_by_key(|(Listed(place, _), _)| *place);
    recorded.into_iter().map(|(Listed(_, words), row)| (row, words)).collect()
}

/// Finds the directive of this name; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Directive> {
    all().find(|directive| directive.name == name)
}

/// Returns the names that a mistyped directive may have meant, the most likely first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let mut others: Vec<&str> = all()
        .filter(|row| row.listed.is_none() && row.role != Role::NotBuilt)
        .map(|row| row.name)
        .collect();
    others.sort_unstable();
    recorded().into_iter().map(|(row, _)| row.name).chain(others)
}

/// Returns the directives that have a default before any file is read, as `heartbeat -D` lists them.
#[must_use]
pub fn default_options() -> Vec<RecordedOption> {
    let with_default = recorded().into_iter().filter_map(|(row, explanation)| {
        let DefaultValue::Text(text) = row.default else { return None };
        (!row.hides_default).then(|| RecordedOption {
            directive: row.name,
            value: text.to_owned(),
            explanation,
        })
    });
    with_default.collect()
}
