//! The words for facts: the core has none of its own.

use crate::{Cause, Failure, Resource, Scope, Settings};

/// How facts are put into words in a [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "three functions")]
pub struct Wording {
    /// Why a group is in its state.
    pub cause: fn(&Cause, &Settings) -> String,
    /// What a hand-over moves.
    pub scope: fn(Scope, &Settings) -> String,
    /// What came of the start or stop of a resource, if it is known which resource that was.
    pub failure: fn(&Failure, Option<&Resource>) -> String,
}

impl Wording {
    /// The facts as they are, for tests.
    pub const FACTS: Self = Self {
        cause: |cause, _| format!("{cause:?}"),
        scope: |scope, _| format!("{scope:?}"),
        failure: |failure, _| format!("{:?} {}", failure.outcome, failure.words),
    };
}
