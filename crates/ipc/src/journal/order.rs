//! Orders as the journal tells them.

use serde::{Deserialize, Serialize};
use systole_core::GroupSet;

/// An order as the journal tells it: nodes by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalOrder {
    /// Give this set to the other node.
    Standby(GroupSet),
    /// Take this set from the other node.
    Takeover(GroupSet),
    /// Give this group to the other node.
    StandbyGroup(String),
    /// Take this group from the other node.
    TakeoverGroup(String),
    /// Forget the generation of this node.
    ForgetPeer(String),
    /// Take this node for dead.
    ConfirmDead(String),
    /// Let nothing, or not this group, move by itself for so many milliseconds.
    Hold(Option<String>, u64),
    /// End what is held of everything, or of this group.
    Release(Option<String>),
    /// Stop.
    Stop,
    /// Execute the daemon's program anew.
    Restart,
    /// Try again what failed of this group, or of every one.
    Retry(Option<String>),
    /// Read the files again.
    Reload,
}

impl JournalOrder {
    /// The group that the order names, if it names one.
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
