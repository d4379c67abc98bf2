//! Steps with a resource that runs here although its group does not.

use crate::Outcome;

/// What has happened to a resource that runs here although its group does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignStep {
    /// It was found.
    Runs {
        /// Whether it is stopped now.
        is_stopped: bool,
    },
    /// It was stopped.
    Stopped,
    /// It could not be stopped, and is left alone.
    NotStopped(Outcome),
    /// It does not run any longer.
    Gone,
}
