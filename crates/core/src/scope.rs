//! What one hand-over moves.

use crate::{GroupId, GroupSet};
use serde::{Deserialize, Serialize};

/// The groups that one hand-over moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A set, from the giver's view unless said otherwise.
    Set(GroupSet),
    /// One group, which only Systole nodes can hand over alone.
    Group(GroupId),
}

impl Scope {
    /// The same groups seen from the other node.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Set(hold) => Self::Set(hold.mirrored()),
            Self::Group(_) => self,
        }
    }
}
