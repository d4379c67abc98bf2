//! Holds, and groups that are kept where they are, as they are recorded in the journal.

use super::name_of;
use systole_core::{GroupId, HoldEvent, NodeId, Settings};
use systole_ipc::journal::JournalEvent;

pub(super) fn event(settings: &Settings, step: HoldEvent) -> JournalEvent {
    let name = |group: GroupId| name_of(settings, group);
    let by = |by: NodeId| format!("ordered on {}", settings.name(by));
    let (group, step, evidence) = match step {
        HoldEvent::Begins { group, by: node, left } => {
            let evidence = format!("{}, for {} s", by(node), left.as_secs());
            (group.map(name), "held", evidence)
        }
        HoldEvent::Released { group, by: node } => (group.map(name), "released", by(node)),
        HoldEvent::Expired { group } => (group.map(name), "expired", "its time is over".to_owned()),
        HoldEvent::Down { group, moves, span } => {
            let times = if moves == 1 { "once".to_owned() } else { format!("{moves} times") };
            let evidence =
                format!("it moved automatically {times} recently; kept for {} s", span.as_secs());
            (Some(name(group)), "kept", evidence)
        }
        HoldEvent::DownOver { group } => {
            (Some(name(group)), "kept_no_longer", "its time is over".to_owned())
        }
    };
    JournalEvent::Hold { group, step: step.into(), evidence }
}
