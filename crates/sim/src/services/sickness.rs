//! What is wrong with a resource, and how it shows.

use systole_core::{Random, Time};

/// What is wrong with a resource on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ailment {
    /// It does not start.
    Start,
    /// It does not stop, and says so.
    Stop,
    /// It does not stop, and nobody knows whether it runs.
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
    /// Its agent hangs in the kernel, and does not even end when it is killed.
    Stuck,
    /// Its agent does what it is told, and takes long for it.
    Slow,
    /// Its agent says of a resource that it runs, or that it does not, whatever is true. What it says
    /// is what counts: nobody can know better.
    Lies,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Start,
    Stop,
    /// It is asked how it is.
    Ask,
}

/// An ailment that lasts until a moment, or until somebody mends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sickness {
    pub(super) ailment: Ailment,
    pub(super) manner: Manner,
    pub(super) until: Option<Time>,
}

impl Manner {
    /// Whether an agent does not do what it is told to.
    pub(crate) const fn fails(self) -> bool {
        match self {
            Self::Fails | Self::Hangs | Self::Stubborn | Self::Stuck => true,
            Self::Slow | Self::Lies => false,
        }
    }

    /// One that makes an agent fail, soon or late.
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
    /// One that is there from the beginning.
    pub(super) fn of_birth(random: &mut Random) -> Self {
        Self { ailment: Ailment::Start, manner: Manner::draw(random), until: None }
    }
}
