//! What a story asks of an entry.

use jiff::Timestamp;
use systole_core::Phase;
use systole_ipc::journal::{Entry, JournalEvent, JournalOrder};

/// The group that an entry is about; none for what befell a node, or concerns a set of groups.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    match &entry.event {
        JournalEvent::Ownership { group, .. }
        | JournalEvent::Failure { group, .. }
        | JournalEvent::Reach { group, .. }
        | JournalEvent::AddressBack { group, .. }
        | JournalEvent::Alarm { group, .. }
        | JournalEvent::LetGo { group, .. }
        | JournalEvent::StopFailure { group, .. } => Some(group),
        JournalEvent::Job(job) => Some(&job.group),
        JournalEvent::HandOver(stage) => stage.group.as_deref(),
        JournalEvent::Hold { group, .. } => group.as_deref(),
        JournalEvent::Death { .. }
        | JournalEvent::Late { .. }
        | JournalEvent::Departure { .. }
        | JournalEvent::Return { .. }
        | JournalEvent::Fencing { .. }
        | JournalEvent::Keys { .. }
        | JournalEvent::Order { .. }
        | JournalEvent::Denied { .. }
        | JournalEvent::Answer { .. }
        | JournalEvent::Refusal { .. }
        | JournalEvent::Pings(_)
        | JournalEvent::Executor { .. }
        | JournalEvent::Start { .. }
        | JournalEvent::Reload { .. }
        | JournalEvent::Stop
        | JournalEvent::Pause { .. } => None,
    }
}

/// Whether something that is about no group alone may have to do with this one: what befell nodes, and
/// what was ordered for it or for several.
pub(super) fn concerns(entry: &Entry, group: &str) -> bool {
    match &entry.event {
        JournalEvent::Order { order, .. } | JournalEvent::Answer { order, .. } => {
            ordered_group(order).is_none_or(|of| of == group)
        }
        // Neither moves anything.
        JournalEvent::Denied { .. } | JournalEvent::Keys { .. } => false,
        JournalEvent::Ownership { .. }
        | JournalEvent::Failure { .. }
        | JournalEvent::Reach { .. }
        | JournalEvent::AddressBack { .. }
        | JournalEvent::Alarm { .. }
        | JournalEvent::LetGo { .. }
        | JournalEvent::StopFailure { .. }
        | JournalEvent::Job(_)
        | JournalEvent::Death { .. }
        | JournalEvent::Late { .. }
        | JournalEvent::Departure { .. }
        | JournalEvent::Return { .. }
        | JournalEvent::Fencing { .. }
        | JournalEvent::Hold { .. }
        | JournalEvent::HandOver(_)
        | JournalEvent::Refusal { .. }
        | JournalEvent::Pings(_)
        | JournalEvent::Executor { .. }
        | JournalEvent::Start { .. }
        | JournalEvent::Reload { .. }
        | JournalEvent::Stop
        | JournalEvent::Pause { .. } => group_of(entry).is_none(),
    }
}

/// The group that an order names, if it names one.
fn ordered_group(order: &JournalOrder) -> Option<&str> {
    match order {
        JournalOrder::StandbyGroup(group) | JournalOrder::TakeoverGroup(group) => Some(group),
        JournalOrder::Hold(group, _)
        | JournalOrder::Release(group)
        | JournalOrder::Retry(group) => group.as_deref(),
        JournalOrder::Standby(_)
        | JournalOrder::Takeover(_)
        | JournalOrder::ForgetPeer(_)
        | JournalOrder::ConfirmDead(_)
        | JournalOrder::Stop
        | JournalOrder::Restart
        | JournalOrder::Reload => None,
    }
}

/// Whose a group is after this entry.
pub(super) fn ownership(entry: &Entry) -> Option<(&str, u64)> {
    if let JournalEvent::Ownership { owner, term, .. } = &entry.event {
        Some((owner, *term))
    } else {
        None
    }
}

/// Whether a group runs since this entry.
pub(super) fn is_active(entry: &Entry) -> bool {
    matches!(entry.event, JournalEvent::Ownership { phase: Phase::Active, .. })
}

/// Whether something new begins with an entry: what ends later is its end.
pub(super) fn is_beginning(entry: &Entry) -> bool {
    match &entry.event {
        JournalEvent::HandOver(stage) => begins(&stage.stage),
        JournalEvent::Order { .. }
        | JournalEvent::Death { .. }
        | JournalEvent::Departure { .. } => true,
        JournalEvent::Ownership { .. }
        | JournalEvent::Failure { .. }
        | JournalEvent::Reach { .. }
        | JournalEvent::AddressBack { .. }
        | JournalEvent::Alarm { .. }
        | JournalEvent::LetGo { .. }
        | JournalEvent::StopFailure { .. }
        | JournalEvent::Job(_)
        | JournalEvent::Late { .. }
        | JournalEvent::Return { .. }
        | JournalEvent::Keys { .. }
        | JournalEvent::Hold { .. }
        | JournalEvent::Fencing { .. }
        | JournalEvent::Denied { .. }
        | JournalEvent::Answer { .. }
        | JournalEvent::Refusal { .. }
        | JournalEvent::Pings(_)
        | JournalEvent::Executor { .. }
        | JournalEvent::Start { .. }
        | JournalEvent::Reload { .. }
        | JournalEvent::Stop
        | JournalEvent::Pause { .. } => false,
    }
}

/// Whether an entry ends what was begun for a set of groups: it comes behind what it did to each.
pub(super) fn is_conclusion(entry: &Entry) -> bool {
    match &entry.event {
        JournalEvent::HandOver(stage) => !begins(&stage.stage),
        JournalEvent::Answer { .. } => true,
        JournalEvent::Ownership { .. }
        | JournalEvent::Failure { .. }
        | JournalEvent::Reach { .. }
        | JournalEvent::AddressBack { .. }
        | JournalEvent::Alarm { .. }
        | JournalEvent::LetGo { .. }
        | JournalEvent::StopFailure { .. }
        | JournalEvent::Job(_)
        | JournalEvent::Death { .. }
        | JournalEvent::Late { .. }
        | JournalEvent::Departure { .. }
        | JournalEvent::Return { .. }
        | JournalEvent::Fencing { .. }
        | JournalEvent::Keys { .. }
        | JournalEvent::Hold { .. }
        | JournalEvent::Order { .. }
        | JournalEvent::Denied { .. }
        | JournalEvent::Refusal { .. }
        | JournalEvent::Pings(_)
        | JournalEvent::Executor { .. }
        | JournalEvent::Start { .. }
        | JournalEvent::Reload { .. }
        | JournalEvent::Stop
        | JournalEvent::Pause { .. } => false,
    }
}

/// Whether a stage of a hand-over is a beginning.
pub(super) fn begins(stage: &str) -> bool {
    matches!(stage, "wanted" | "asked" | "unasked")
}

/// When it happened.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    entry.time.parse().ok()
}
