//! What a story asks of an entry.

use jiff::Timestamp;
use systole_core::Phase;
use systole_node::state::{Entry, Happening, Wish};

/// The group that an entry is about; none for what befell a node, or concerns a set of groups.
pub(super) fn group_of(entry: &Entry) -> Option<&str> {
    match &entry.happening {
        Happening::Ownership { group, .. }
        | Happening::Failure { group, .. }
        | Happening::Reach { group, .. }
        | Happening::AddressBack { group, .. }
        | Happening::Alarm { group, .. }
        | Happening::LetGo { group, .. }
        | Happening::StopFailure { group, .. } => Some(group),
        Happening::Job(job) => Some(&job.group),
        Happening::HandOver(stage) => stage.group.as_deref(),
        Happening::Hold { group, .. } => group.as_deref(),
        Happening::Death { .. }
        | Happening::Late { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Keys { .. }
        | Happening::Order { .. }
        | Happening::Denied { .. }
        | Happening::Answer { .. }
        | Happening::Refusal { .. }
        | Happening::Pings(_)
        | Happening::Executor { .. }
        | Happening::Start { .. }
        | Happening::Reload { .. }
        | Happening::Stop
        | Happening::Pause { .. } => None,
    }
}

/// Whether something that is about no group alone may have to do with this one: what befell nodes, and
/// what was ordered for it or for several.
pub(super) fn concerns(entry: &Entry, group: &str) -> bool {
    match &entry.happening {
        Happening::Order { order, .. } | Happening::Answer { order, .. } => {
            wished(order).is_none_or(|of| of == group)
        }
        // Neither moves anything.
        Happening::Denied { .. } | Happening::Keys { .. } => false,
        Happening::Ownership { .. }
        | Happening::Failure { .. }
        | Happening::Reach { .. }
        | Happening::AddressBack { .. }
        | Happening::Alarm { .. }
        | Happening::LetGo { .. }
        | Happening::StopFailure { .. }
        | Happening::Job(_)
        | Happening::Death { .. }
        | Happening::Late { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Hold { .. }
        | Happening::HandOver(_)
        | Happening::Refusal { .. }
        | Happening::Pings(_)
        | Happening::Executor { .. }
        | Happening::Start { .. }
        | Happening::Reload { .. }
        | Happening::Stop
        | Happening::Pause { .. } => group_of(entry).is_none(),
    }
}

/// The group that an order names, if it names one.
fn wished(wish: &Wish) -> Option<&str> {
    match wish {
        Wish::StandbyGroup(group) | Wish::TakeoverGroup(group) => Some(group),
        Wish::Hold(group, _) | Wish::Release(group) | Wish::Retry(group) => group.as_deref(),
        Wish::Standby(_)
        | Wish::Takeover(_)
        | Wish::ForgetPeer(_)
        | Wish::ConfirmDead(_)
        | Wish::Stop
        | Wish::Restart
        | Wish::Reload => None,
    }
}

/// Whose a group is after this entry.
pub(super) fn ownership(entry: &Entry) -> Option<(&str, u64)> {
    if let Happening::Ownership { owner, term, .. } = &entry.happening {
        Some((owner, *term))
    } else {
        None
    }
}

/// Whether a group runs since this entry.
pub(super) fn is_active(entry: &Entry) -> bool {
    matches!(entry.happening, Happening::Ownership { phase: Phase::Active, .. })
}

/// Whether something new begins with an entry: what ends later is its end.
pub(super) fn is_beginning(entry: &Entry) -> bool {
    match &entry.happening {
        Happening::HandOver(stage) => begins(&stage.stage),
        Happening::Order { .. } | Happening::Death { .. } | Happening::Departure { .. } => true,
        Happening::Ownership { .. }
        | Happening::Failure { .. }
        | Happening::Reach { .. }
        | Happening::AddressBack { .. }
        | Happening::Alarm { .. }
        | Happening::LetGo { .. }
        | Happening::StopFailure { .. }
        | Happening::Job(_)
        | Happening::Late { .. }
        | Happening::Return { .. }
        | Happening::Keys { .. }
        | Happening::Hold { .. }
        | Happening::Fencing { .. }
        | Happening::Denied { .. }
        | Happening::Answer { .. }
        | Happening::Refusal { .. }
        | Happening::Pings(_)
        | Happening::Executor { .. }
        | Happening::Start { .. }
        | Happening::Reload { .. }
        | Happening::Stop
        | Happening::Pause { .. } => false,
    }
}

/// Whether an entry ends what was begun for a set of groups: it comes behind what it did to each.
pub(super) fn is_conclusion(entry: &Entry) -> bool {
    match &entry.happening {
        Happening::HandOver(stage) => !begins(&stage.stage),
        Happening::Answer { .. } => true,
        Happening::Ownership { .. }
        | Happening::Failure { .. }
        | Happening::Reach { .. }
        | Happening::AddressBack { .. }
        | Happening::Alarm { .. }
        | Happening::LetGo { .. }
        | Happening::StopFailure { .. }
        | Happening::Job(_)
        | Happening::Death { .. }
        | Happening::Late { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Keys { .. }
        | Happening::Hold { .. }
        | Happening::Order { .. }
        | Happening::Denied { .. }
        | Happening::Refusal { .. }
        | Happening::Pings(_)
        | Happening::Executor { .. }
        | Happening::Start { .. }
        | Happening::Reload { .. }
        | Happening::Stop
        | Happening::Pause { .. } => false,
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
