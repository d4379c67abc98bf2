//! What one hand-over moves.

use crate::{GroupId, GroupSet, Settings};
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

    /// The name for people: the word of the set, or the name of the group.
    #[must_use]
    pub fn describe(self, settings: &Settings) -> String {
        match self {
            Self::Set(hold) => hold.word().to_owned(),
            Self::Group(group) => {
                let group = settings.groups.get(group.index());
                format!("group {}", group.map_or("?", |group| group.name()))
            }
        }
    }
}
