//! What follows from a check that did not find its resource well.

/// What follows from a check that did not find its resource well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCheck {
    /// Nothing: the check could not be made, which says nothing about the resource.
    Unknown,
    /// Nothing yet.
    Waits {
        /// How many checks have failed in a row.
        failures: u8,
        /// How many may.
        allowed: u8,
    },
    /// Nothing, because the group is held or is being handed over.
    Held,
    /// The resource is restarted, with everything that depends on it.
    Restarts {
        /// The number of restarts within the time that counts, this one included.
        used: u8,
        /// How many there may be.
        allowed: u8,
    },
    /// The group stops here, and may run elsewhere.
    Moves,
    /// The group stays as it is, and the resource is no longer checked.
    Blocks,
    /// The group stays as it is.
    Ignores,
}
