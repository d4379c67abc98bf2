//! The journal, which records why everything moved: one JSON object per line.

mod event;
mod evidence;
mod read;

pub use event::JournalEvent;
pub use evidence::{HandOverStage, JobEnd, LastBeat, PingCounts};
pub use read::{Reading, read};

use serde::{Deserialize, Serialize};
use systole_core::GroupSet;

/// File name of the journal in a state directory.
pub const NAME: &str = "journal.jsonl";
/// File name of the previous journal, renamed when it grew too long.
pub const OLD: &str = "journal.jsonl.1";

/// Size in bytes at which the journal is renamed to [`OLD`]: roughly ten thousand entries.
pub const SIZE_MAX: u64 = 4 << 20;

/// The suffix of the name of a group whose line was replaced.
pub const RETIRED: &str = " (retired)";

/// An event, with its time and its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The time in UTC, in the format of RFC 3339.
    pub time: String,
    /// The node that writes the entry.
    #[serde(default)]
    pub from: String,
    /// The generation of the daemon that writes the entry.
    #[serde(default)]
    pub run: u64,
    /// The number of the entry in that run, from 1 on. Entries whose numbers are missing were lost.
    #[serde(default)]
    pub number: u64,
    /// The event.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// One group, given by its first resource word.
    Group(&'a str),
    /// A node, or several groups: the event may concern every group.
    Every,
    /// A set of groups, as seen from the node that is named.
    Set(GroupSet, &'a str),
    /// An order for one group, or for several.
    Ordered(Option<&'a str>),
    /// Nothing that moves a group.
    Aside,
}

/// The position of an event among the others of its story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The event begins something, and a later event ends it.
    Beginning,
    /// The event follows from another event.
    Middle,
    /// The event ends something that was begun for a set of groups, and comes after its effects on each
    /// group.
    Conclusion,
}

/// Returns whether a stage of a hand-over begins the hand-over.
#[must_use]
pub fn begins(stage: &str) -> bool {
    matches!(stage, "wanted" | "asked" | "unasked")
}
