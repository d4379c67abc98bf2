//! The part that each kind of event plays in the story of a group: one row per event.

use super::JournalEvent;
use systole_core::GroupSet;

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

impl JournalEvent {
    /// Returns the subject of the event, its place in the story of that subject, and whether the event may
    /// repeat without end, so that one entry is enough for some time.
    #[must_use]
    pub fn story(&self) -> (Subject<'_>, Place, bool) {
        use Place::{Beginning, Conclusion, Middle};
        use Subject::{Aside, Every, Group, Ordered, Set};
        match self {
            Self::Ownership { group, .. }
            | Self::Failure { group, .. }
            | Self::Reach { group, .. }
            | Self::AddressBack { group, .. }
            | Self::Alarm { group, .. }
            | Self::LetGo { group, .. }
            | Self::StopFailure { group, .. }
            | Self::Check { group, .. }
            | Self::Foreign { group, .. } => (Group(group), Middle, false),
            Self::NotTaken { group, .. } => (Group(group), Middle, true),
            Self::Job(job) => (Group(&job.group), Middle, false),
            Self::HandOver(stage) => {
                let place = if begins(&stage.stage) { Beginning } else { Conclusion };
                let subject = match (&stage.group, stage.set) {
                    (Some(group), _) => Group(group),
                    (None, Some(set)) => Set(set, &stage.giver),
                    (None, None) => Every,
                };
                (subject, place, stage.ticket.is_none())
            }
            Self::Hold { group, .. } => (group.as_deref().map_or(Every, Group), Middle, false),
            Self::Death { .. } | Self::Departure { .. } => (Every, Beginning, false),
            Self::Late { .. } | Self::Refusal { .. } | Self::Pings(_) => (Every, Middle, true),
            Self::Order { order, .. } => (Ordered(order.group()), Beginning, false),
            Self::Answer { order, .. } => (Ordered(order.group()), Conclusion, false),
            Self::Denied { .. } => (Aside, Middle, true),
            Self::Keys { .. } => (Aside, Middle, false),
            Self::Return { .. }
            | Self::Fencing { .. }
            | Self::Executor { .. }
            | Self::Start { .. }
            | Self::Reload { .. }
            | Self::Stop
            | Self::Pause { .. } => (Every, Middle, false),
        }
    }

    /// Returns what two events have in common when one merely repeats the other, or `None` for events that
    /// do not repeat without end.
    #[must_use]
    pub fn essence(&self) -> Option<Self> {
        let (_, _, may_repeat) = self.story();
        let mut essence = self.clone();
        if let Self::HandOver(stage) = &mut essence {
            (stage.took_ms, stage.total_ms) = (0, 0);
        } else if let Self::Denied { pid, .. } = &mut essence {
            *pid = 0;
        } else if let Self::NotTaken { evidence, .. } = &mut essence {
            evidence.clear();
        } else if let Self::Late { milliseconds, .. } = &mut essence {
            *milliseconds = 0;
        }
        may_repeat.then_some(essence)
    }
}

/// Returns whether a stage of a hand-over begins the hand-over.
#[must_use]
pub fn begins(stage: &str) -> bool {
    matches!(stage, "wanted" | "asked" | "unasked")
}
