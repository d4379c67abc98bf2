//! Orders as they are recorded in the journal.

use serde::{Deserialize, Serialize};
use systole_core::GroupSet;

/// An order as it is recorded in the journal. Nodes are given by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalOrder {
    /// Hand this set over to the other node.
    Standby(GroupSet),
    /// Take this set over from the other node.
    Takeover(GroupSet),
    /// Hand this group over to the other node.
    StandbyGroup(String),
    /// Take this group over from the other node.
    TakeoverGroup(String),
    /// Forget the generation of this node.
    ForgetPeer(String),
    /// Consider this node dead.
    ConfirmDead(String),
    /// Keep every group, or this one, from moving automatically for this number of milliseconds.
    Hold(Option<String>, u64),
    /// End every hold, or the hold of this group.
    Release(Option<String>),
    /// Stop.
    Stop,
    /// Execute the daemon's program again.
    Restart,
    /// Try again what failed in this group, or in every group.
    Retry(Option<String>),
    /// Read the configuration files again.
    Reload,
}

impl JournalOrder {
    /// Returns the group that the order names, if any.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::StandbyGroup(group) | Self::TakeoverGroup(group) => Some(group),
            Self::Hold(group, _) | Self::Release(group) | Self::Retry(group) => group.as_deref(),
            Self::Standby(_)
            | Self::Takeover(_)
            | Self::ForgetPeer(_)
            | Self::ConfirmDead(_)
            | Self::Stop
            | Self::Restart
            | Self::Reload => None,
        }
    }
}
