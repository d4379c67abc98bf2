//! The core's order for a request.

use super::group_names::{self, UnknownName};
use std::time::Duration;
use systole_core::{GroupId, NodeId, Order, Settings};
use systole_ipc::protocol::Request;

/// Returns the order for a request, if it is one.
///
/// # Errors
///
/// When the request names a node that is not another node of the cluster, or no group, or several groups.
pub(super) fn of(request: &Request, settings: &Settings) -> Result<Option<Order>, UnknownName> {
    let group = |name: &str| group_names::group(settings, name);
    Ok(match request {
        Request::Status | Request::Parameters | Request::Restart | Request::Reload { .. } => None,
        Request::Standby { set } => Some(Order::Standby(*set)),
        Request::Takeover { set } => Some(Order::Takeover(*set)),
        Request::StandbyGroup { group: name } => Some(Order::StandbyGroup(group(name)?)),
        Request::TakeoverGroup { group: name } => Some(Order::TakeoverGroup(group(name)?)),
        Request::ForgetPeer { node } => Some(Order::ForgetPeer(other(settings, node)?)),
        Request::ConfirmDead { node } => Some(Order::ConfirmDead(other(settings, node)?)),
        Request::Retry { group } => Some(Order::Retry(some_group(settings, group.as_deref())?)),
        Request::Hold { group, milliseconds } => Some(Order::Hold(
            some_group(settings, group.as_deref())?,
            Duration::from_millis(*milliseconds),
        )),
        Request::Release { group } => Some(Order::Release(some_group(settings, group.as_deref())?)),
    })
}

fn some_group(settings: &Settings, name: Option<&str>) -> Result<Option<GroupId>, UnknownName> {
    name.map(|name| group_names::group(settings, name)).transpose()
}

fn other(settings: &Settings, node: &str) -> Result<NodeId, UnknownName> {
    let found = settings.node(node).filter(|node| *node != settings.me);
    found.ok_or_else(|| UnknownName::Node(node.to_owned()))
}
