//! The fencing of a node as it is recorded in the journal.

use super::milliseconds;
use systole_core::FencingEvent;
use systole_ipc::journal::JournalEvent;

pub(super) fn event(node: String, step: FencingEvent) -> JournalEvent {
    let (word, attempt, evidence) = match step {
        FencingEvent::Wanted { delay } if delay.is_zero() => ("wanted", None, String::new()),
        FencingEvent::Wanted { delay } => {
            let wait = milliseconds(delay);
            ("wanted", None, format!("it may fence us first, so this node waits {wait} ms"))
        }
        FencingEvent::Begins { attempt } => ("begins", Some(attempt), String::new()),
        FencingEvent::Done { attempt, is_heard } => {
            let heard = if is_heard { "it was heard meanwhile" } else { "" };
            ("done", Some(attempt), heard.to_owned())
        }
        FencingEvent::Failed { attempt, retry, is_heard: _ } => {
            let next = match retry {
                Some(wait) => format!("it is tried again in {} ms", milliseconds(wait)),
                None => "it is heard again, and not tried again".to_owned(),
            };
            ("failed", Some(attempt), next)
        }
        FencingEvent::Cancelled { is_heard } => {
            let why = if is_heard { "it is heard again" } else { "fencing is no longer needed" };
            ("cancelled", None, why.to_owned())
        }
        FencingEvent::Confirmed => ("confirmed", None, "by hand".to_owned()),
    };
    JournalEvent::Fencing { node, step: word.into(), attempt, evidence }
}
