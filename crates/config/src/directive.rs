//! The directives of `ha.cf`: one row each, from which everything about a directive comes, in tables
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
    /// What heartbeat 3.0.6 does, or better.
    Served,
    /// Nothing, because there is nothing left to do; the text says why.
    Inert(&'static str),
    /// Something of its own: heartbeat 3.0.6 refuses the directive.
    New,
}

/// What holds where no line sets a directive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DefaultValue {
    /// Nothing.
    None,
    /// What a line with this text would set.
    Text(&'static str),
    /// What follows from the other lines.
    Computed(fn(&Draft) -> Option<Parsed>),
    /// Nothing, though `heartbeat -v` shows this text.
    Shown(fn(&Draft) -> Option<String>),
}

/// What a change of a directive is told as, in the order in which changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A line each, with both values: `deadtime: 30 s -> 20 s`.
    Times,
    /// The same, about scripts and agents.
    Agents,
    /// `logging: changed`, for all of them together.
    Logging,
    /// `process settings: changed`, likewise.
    Process,
    /// `form of messages: changed`, likewise.
    Messages,
    /// `cluster: changed`, a line each.
    Identity,
    /// The same, about floating addresses.
    Addresses,
}

/// What a change of a directive takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A running daemon takes it.
    Live,
    /// The same, unless there is a serial line: one is made for the times by which it is too slow.
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

/// How a change of a directive is told, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// With others of its subject.
    As(Subject, Takes),
    /// By code of [`difference`](crate::difference()) for what becomes of the value, as a medium of its
    /// port; or never, because only one value is taken.
    Elsewhere,
    /// Nothing but scripts see the value.
    Nowhere,
}

/// Where the line of a directive must stand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// Anywhere.
    Anywhere,
    /// Above the media that use it, under the name that heartbeat 3.0.6 has for it.
    AboveMedia(&'static str, fn(&Medium) -> bool),
    /// Above `pacemaker`.
    AbovePacemaker,
    /// Below `pacemaker`.
    BelowPacemaker,
}

/// A place in the list of `heartbeat -v`, and the words there.
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
    /// Heartbeat 3.0.6 has no default to list, so `heartbeat -D` and `-v` list none.
    pub(crate) hides_default: bool,
    /// How a change of its value is told.
    pub(crate) change: Told,
    /// Its line in `heartbeat -v`, which scripts see as `HA_<name>`; absent for what is not recorded.
    pub(crate) listed: Option<Listed>,
    /// What heartbeat 3.0.6 says of a bad value, which stands for `{}`; empty where it says nothing.
    pub(crate) complaint: &'static str,
    /// What heartbeat 3.0.6 calls it when it refuses a second value; empty where the last one counts.
    pub(crate) once: &'static str,
    pub(crate) order: Order,
    /// The column "meaning" of its line in `docs/ha.cf.md`.
    pub(crate) meaning: &'static str,
    /// The column "default" there, if [`default`](Self::default) is no text.
    pub(crate) default_words: &'static str,
    /// The column "a C heartbeat" there.
    pub(crate) classic: &'static str,
    /// The column "Systole" there.
    pub(crate) ours: &'static str,
}

/// A table of directives, and the heading above it in `docs/ha.cf.md`.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test looks for the heading in the document"))]
pub(crate) struct Topic {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Directive],
}

static TOPICS: [&Topic; 5] =
    [&times::TOPIC, &media::TOPIC, &resources::TOPIC, &process::TOPIC, &others::TOPIC];

/// What a row about a directive of heartbeat 3.0.6 has in common with others.
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
/// The same about a directive that only Systole has.
const NEW: Directive =
    Directive { support: Support::New, classic: "refused", ours: "new", ..SERVED };
/// The same about a directive that nobody can use.
const NOT_BUILT: Directive = Directive { classic: "refused", ours: "refused", ..SERVED };

/// The same about a directive that does nothing, for a reason.
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
    /// What it says where no line sets it.
    pub(crate) fn default_value(&self, draft: &Draft) -> Option<Parsed> {
        match (self.default, self.role) {
            (DefaultValue::Text(text), Role::Setting(kind)) => kind.read(text),
            (DefaultValue::Computed(compute), _) => compute(draft),
            _ => None,
        }
    }

    /// What `heartbeat -v` shows where no line sets it.
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

    /// What heartbeat 3.0.6 says of a bad value.
    pub(crate) fn complaint(&self, value: &str) -> Option<String> {
        (!self.complaint.is_empty()).then(|| self.complaint.replace("{}", value))
    }
}

/// All directives, by topic.
pub(crate) fn all() -> impl Iterator<Item = &'static Directive> {
    TOPICS.iter().flat_map(|topic| topic.rows)
}

/// The recorded directives in the order of `heartbeat -v`.
pub(crate) fn recorded() -> Vec<(&'static Directive, &'static str)> {
    let mut recorded: Vec<_> = all().filter_map(|row| Some((row.listed?, row))).collect();
    recorded.sort_unstable_by_key(|(Listed(place, _), _)| *place);
    recorded.into_iter().map(|(Listed(_, words), row)| (row, words)).collect()
}

/// The directive of this name; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Directive> {
    all().find(|directive| directive.name == name)
}

/// The names that a mistyped directive may have meant, the likeliest first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let mut others: Vec<&str> = all()
        .filter(|row| row.listed.is_none() && row.role != Role::NotBuilt)
        .map(|row| row.name)
        .collect();
    others.sort_unstable();
    recorded().into_iter().map(|(row, _)| row.name).chain(others)
}

/// The directives that have a default before any file is read, as `heartbeat -D` lists them.
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
