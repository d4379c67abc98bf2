//! Orders as the journal tells them.

use super::{milliseconds, name_of};
use serde::{Deserialize, Serialize};
use systole_core::{Hold, Order, Settings};

/// An order as the journal tells it: nodes by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Give this set to the other node.
    Standby(Hold),
    /// Take this set from the other node.
    Takeover(Hold),
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

impl Wish {
    /// The order, with names as `settings` has them.
    #[must_use]
    pub fn of(settings: &Settings, order: Order) -> Self {
        match order {
            Order::Standby(set) => Self::Standby(set),
            Order::Takeover(set) => Self::Takeover(set),
            Order::StandbyGroup(group) => Self::StandbyGroup(name_of(settings, group)),
            Order::TakeoverGroup(group) => Self::TakeoverGroup(name_of(settings, group)),
            Order::ForgetPeer(node) => Self::ForgetPeer(settings.name(node).to_owned()),
            Order::ConfirmDead(node) => Self::ConfirmDead(settings.name(node).to_owned()),
            Order::Hold(group, span) => {
                Self::Hold(group.map(|group| name_of(settings, group)), milliseconds(span))
            }
            Order::Release(group) => Self::Release(group.map(|group| name_of(settings, group))),
            Order::Stop => Self::Stop,
            Order::Retry(group) => Self::Retry(group.map(|group| name_of(settings, group))),
        }
    }
}
