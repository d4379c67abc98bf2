//! Orders, as a user gives them and as the journal records them.

use serde::{Deserialize, Serialize};
use systole_core::GroupSet;

/// An order to the cluster. Groups and nodes are given by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Hand this set over to the other node. The set is seen from this node.
    Standby(GroupSet),
    /// Take this set over from the other node. The set is seen from this node.
    Takeover(GroupSet),
    /// Hand this group over to the other node.
    StandbyGroup(String),
    /// Take this group over from the other node.
    TakeoverGroup(String),
    /// Forget the generation of this node, which has lost it.
    ForgetPeer(String),
    /// Consider this silent node fenced.
    ConfirmDead(String),
    /// Keep every group, or this one, from moving automatically for this number of milliseconds.
    Hold(Option<String>, u64),
    /// End every hold, or the hold of this group.
    Release(Option<String>),
    /// Try again what failed in this group, or in every group, because its cause was repaired.
    Retry(Option<String>),
}

/// An order as it is recorded in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JournalOrder {
    /// An order to the cluster.
    Cluster(Order),
    /// An order to the daemon of this node.
    Daemon(DaemonOrder),
}

/// An order to the daemon of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaemonOrder {
    /// Stop.
    Stop,
    /// Execute the daemon's program again.
    Restart,
    /// Read the configuration files again.
    Reload,
}

impl From<Order> for JournalOrder {
    fn from(order: Order) -> Self {
        Self::Cluster(order)
    }
}

impl From<DaemonOrder> for JournalOrder {
    fn from(order: DaemonOrder) -> Self {
        Self::Daemon(order)
    }
}

impl JournalOrder {
    /// Returns the group that the order names, if any.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        let Self::Cluster(order) = self else { return None };
        match order {
            Order::StandbyGroup(group) | Order::TakeoverGroup(group) => Some(group),
            Order::Hold(group, _) | Order::Release(group) | Order::Retry(group) => group.as_deref(),
            Order::Standby(_)
            | Order::Takeover(_)
            | Order::ForgetPeer(_)
            | Order::ConfirmDead(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_order_json_round_trips_with_one_word_for_each_order() {
        let group = || "nginx".to_owned();
        let orders: [(JournalOrder, &str); 7] = [
            (Order::Standby(GroupSet::All).into(), r#"{"standby":"all"}"#),
            (Order::TakeoverGroup(group()).into(), r#"{"takeover_group":"nginx"}"#),
            (Order::Hold(None, 1000).into(), r#"{"hold":[null,1000]}"#),
            (Order::Retry(Some(group())).into(), r#"{"retry":"nginx"}"#),
            (DaemonOrder::Stop.into(), r#""stop""#),
            (DaemonOrder::Restart.into(), r#""restart""#),
            (DaemonOrder::Reload.into(), r#""reload""#),
        ];
        for (order, text) in orders {
            assert_eq!(serde_json::to_string(&order).unwrap(), text);
            assert_eq!(serde_json::from_str::<JournalOrder>(text).unwrap(), order);
        }
    }
}
