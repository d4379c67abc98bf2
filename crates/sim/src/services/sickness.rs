//! What is wrong with a resource, and how it shows.

use systole_core::{Random, Time};

/// What is wrong with a resource on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ailment {
    /// The resource does not start.
    Start,
    /// The resource does not stop, and its agent says so.
    Stop,
    /// The resource does not stop, and its agent cannot say whether it runs.
    StopAndStatus,
}

/// How an ailment shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Its agent fails at once.
    Fails,
    /// Its agent hangs until it is told to end.
    Hangs,
    /// Its agent hangs, and does not end before it is killed.
    Stubborn,
    /// Its agent hangs in the kernel, and does not end even when it is killed.
    Stuck,
    /// Its agent does what it is told to, but slowly.
    Slow,
    /// Its agent says that a resource runs, or that it does not, whatever is true. Its answer is what counts,
    /// because no node can know better.
    Lies,
}

/// An action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Start,
    Stop,
    /// Its state is checked.
    Ask,
}

/// An ailment that lasts until a time, or until the administrator repairs the resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sickness {
    pub(super) ailment: Ailment,
    pub(super) manner: Manner,
    pub(super) until: Option<Time>,
}

impl Manner {
    /// Returns whether an agent does not do what it is told to.
    pub(crate) const fn fails(self) -> bool {
        match self {
            Self::Fails | Self::Hangs | Self::Stubborn | Self::Stuck => true,
            Self::Slow | Self::Lies => false,
        }
    }

    /// Draws a manner in which an agent fails, sooner or later.
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(6) {
            0 | 1 => Self::Fails,
            2 | 3 => Self::Hangs,
            4 => Self::Stubborn,
            _ => Self::Stuck,
        }
    }
}

impl Sickness {
    /// Draws an ailment that exists from the beginning.
    pub(super) fn of_birth(random: &mut Random) -> Self {
        Self { ailment: Ailment::Start, manner: Manner::draw(random), until: None }
    }
}
