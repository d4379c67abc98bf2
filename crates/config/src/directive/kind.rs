//! How the words of a directive are read.

use crate::number;
use crate::time;
use crate::values::{Parsed, boolean};
use std::time::Duration;

/// The facilities of syslog(3), under their names in syslog.conf(5).
pub(crate) const FACILITIES: [&str; 22] = [
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "mark", "news", "security",
    "syslog", "user", "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// What the words of a directive mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A setting with one value; of several values the last one counts.
    Setting(Kind),
    /// Node names.
    Nodes,
    /// `NAME=VALUE` entries.
    Environment,
    /// A medium, a ping node or a ping group.
    Medium(MediumKind),
    /// `stonith` and `stonith_host`.
    Stonith { host: bool },
    /// `fence`.
    Fence,
    /// `apiauth`.
    ApiAuthorization,
    /// `respawn` and `failfast`.
    Client { failfast: bool },
    /// `pacemaker` and `crm`.
    Pacemaker,
    /// `nice_failback`.
    NiceFailback,
    /// `failback`.
    GroupFailback,
    /// `hold_down`.
    HoldDown,
    /// `monitor`.
    Monitor,
    /// `check`.
    Probe,
    /// A directive whose component is not in any build of heartbeat 3.0.6 that Debian ships.
    NotBuilt,
}

/// The kind of value that a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A time.
    Time(Zero),
    /// A time as a whole number of milliseconds without a unit.
    Milliseconds { least: u32, most: u32 },
    /// A boolean.
    Boolean,
    /// A whole number.
    Number { least: u32, most: u32 },
    /// A UDP port.
    Port,
    /// One of a list of numbers.
    Rate(&'static [u32]),
    /// `on`, `off`, their synonyms, `legacy`, `manual`, or `after` and a time.
    Failback,
    /// `strict`, `off`, or `after` and a time.
    Guard,
    /// One of a list of words.
    Choice(&'static [&'static str]),
    /// One of a list of words, in any case.
    ChoiceInAnyCase(&'static [&'static str]),
    /// A syslog facility or `none`.
    Facility,
    /// Any word.
    Text,
}

/// How a time of less than a millisecond is handled, which heartbeat 3.0.6 counts as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    /// As an error.
    Refused,
    /// Like any other time.
    Taken,
    /// As the sign for other times, which a reported change describes with these words.
    Means(&'static str),
}

/// The media, by their directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediumKind {
    Ucast,
    Ucast6,
    Bcast,
    Mcast,
    Mcast6,
    Serial,
    Ping,
    Ping6,
    PingGroup,
}

impl Kind {
    /// Returns the meaning of a valid value; `None` for a value that is refused, and for `after`, which takes
    /// two words.
    pub(crate) fn read(self, text: &str) -> Option<Parsed> {
        let word = |is_sound: bool| is_sound.then(|| Parsed::Word(text.to_owned()));
        match self {
            Self::Time(zero) => {
                let time = time::parse(text)?.value;
                (zero.takes(time)).then_some(Parsed::Time(time))
            }
            Self::Milliseconds { least, most } => {
                let number = in_range(text, least, most)?;
                Some(Parsed::Time(Duration::from_millis(number.into())))
            }
            Self::Boolean => boolean(text).map(Parsed::Boolean),
            Self::Number { least, most } => in_range(text, least, most).map(Parsed::Number),
            Self::Port => in_range(text, 1, u16::MAX.into()).map(Parsed::Number),
            Self::Rate(rates) => {
                let rate = number::leading(text)?;
                rates.contains(&rate).then_some(Parsed::Number(rate))
            }
            Self::Failback => word(boolean(text).is_some() || text == "manual" || is_legacy(text)),
            Self::Guard => word(matches!(text, "strict" | "off")),
            Self::Choice(words) => word(words.contains(&text)),
            Self::ChoiceInAnyCase(words) => {
                word(words.iter().any(|it| it.eq_ignore_ascii_case(text)))
            }
            Self::Facility if text == "none" => Some(Parsed::Nothing),
            Self::Facility => word(FACILITIES.contains(&text)),
            Self::Text => word(true),
        }
    }
}

impl Zero {
    /// Returns whether a time is valid.
    pub(crate) fn takes(self, time: Duration) -> bool {
        self != Self::Refused || time >= Duration::from_millis(1)
    }
}

fn is_legacy(text: &str) -> bool {
    text.eq_ignore_ascii_case("legacy")
}

fn in_range(text: &str, least: u32, most: u32) -> Option<u32> {
    number::leading(text).filter(|number| (least..=most).contains(number))
}
