//! Orders with names, as users and the journal know them, and with ids, as the core knows them.

mod names;

pub(crate) use names::UnknownName;

use std::time::Duration;
use systole_core::{Group, GroupId, NodeId, Order as CoreOrder, Settings};
use systole_ipc::order::{DaemonOrder, JournalOrder, Order};

/// Returns the core's order for an order of a user.
///
/// # Errors
///
/// When the order names a node that is not another node of the cluster, or no group, or several groups.
pub(crate) fn with_ids(order: &Order, settings: &Settings) -> Result<CoreOrder, UnknownName> {
    let group = |name: &str| names::group(settings, name);
    let some_group = |name: &Option<String>| name.as_deref().map(group).transpose();
    Ok(match order {
        Order::Standby(set) => CoreOrder::Standby(*set),
        Order::Takeover(set) => CoreOrder::Takeover(*set),
        Order::StandbyGroup(name) => CoreOrder::StandbyGroup(group(name)?),
        Order::TakeoverGroup(name) => CoreOrder::TakeoverGroup(group(name)?),
        Order::ForgetPeer(node) => CoreOrder::ForgetPeer(other(settings, node)?),
        Order::ConfirmDead(node) => CoreOrder::ConfirmDead(other(settings, node)?),
        Order::Retry(name) => CoreOrder::Retry(some_group(name)?),
        Order::Hold(name, milliseconds) => {
            CoreOrder::Hold(some_group(name)?, Duration::from_millis(*milliseconds))
        }
        Order::Release(name) => CoreOrder::Release(some_group(name)?),
    })
}

/// Returns an order of the core as the journal records it, with the names of `settings`.
#[must_use]
pub(crate) fn with_names(order: CoreOrder, settings: &Settings) -> JournalOrder {
    let group = |id: GroupId| settings.groups.get(id.index()).map_or("?", Group::name).to_owned();
    let some_group = |id: Option<GroupId>| id.map(group);
    let node = |id: NodeId| settings.name(id).to_owned();
    let order = match order {
        CoreOrder::Standby(set) => Order::Standby(set),
        CoreOrder::Takeover(set) => Order::Takeover(set),
        CoreOrder::StandbyGroup(id) => Order::StandbyGroup(group(id)),
        CoreOrder::TakeoverGroup(id) => Order::TakeoverGroup(group(id)),
        CoreOrder::ForgetPeer(id) => Order::ForgetPeer(node(id)),
        CoreOrder::ConfirmDead(id) => Order::ConfirmDead(node(id)),
        CoreOrder::Retry(id) => Order::Retry(some_group(id)),
        CoreOrder::Hold(id, span) => {
            Order::Hold(some_group(id), u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
        }
        CoreOrder::Release(id) => Order::Release(some_group(id)),
        CoreOrder::Stop => return DaemonOrder::Stop.into(),
    };
    order.into()
}

fn other(settings: &Settings, node: &str) -> Result<NodeId, UnknownName> {
    let found = settings.node(node).filter(|node| *node != settings.me);
    found.ok_or_else(|| UnknownName::Node(node.to_owned()))
}
