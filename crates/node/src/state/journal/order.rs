//! Orders as they are recorded in the journal.

use super::{milliseconds, name_of};
use systole_core::{Order, Settings};
use systole_ipc::journal::JournalOrder;

/// Translates an order, with the names of `settings`.
#[must_use]
pub(crate) fn of_order(settings: &Settings, order: Order) -> JournalOrder {
    match order {
        Order::Standby(set) => JournalOrder::Standby(set),
        Order::Takeover(set) => JournalOrder::Takeover(set),
        Order::StandbyGroup(group) => JournalOrder::StandbyGroup(name_of(settings, group)),
        Order::TakeoverGroup(group) => JournalOrder::TakeoverGroup(name_of(settings, group)),
        Order::ForgetPeer(node) => JournalOrder::ForgetPeer(settings.name(node).to_owned()),
        Order::ConfirmDead(node) => JournalOrder::ConfirmDead(settings.name(node).to_owned()),
        Order::Hold(group, span) => {
            JournalOrder::Hold(group.map(|group| name_of(settings, group)), milliseconds(span))
        }
        Order::Release(group) => JournalOrder::Release(group.map(|group| name_of(settings, group))),
        Order::Stop => JournalOrder::Stop,
        Order::Retry(group) => JournalOrder::Retry(group.map(|group| name_of(settings, group))),
    }
}
