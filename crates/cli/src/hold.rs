//! `hb hold` and `hb release`: nothing moves by itself for a while.

use crate::order::{ask_daemon, give};
use crate::{exit, print, show};
use std::path::Path;
use std::time::Duration;
use systole_core::Snapshot;
use systole_ipc::protocol::{Request, Response};

/// Has the daemon hold everything or a group, and shows what that means here.
pub(crate) fn hold(run: &Path, group: Option<String>, span: Duration) -> u8 {
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let code = give(run, &Request::Hold { group, milliseconds });
    if code != exit::OK {
        return code;
    }
    // It is held; what cannot be shown of it is told by `hb status` another time.
    if let Ok(Response::Status(status)) = ask_daemon(run, &Request::Status) {
        print(&consequences(&status.snapshot));
    }
    code
}

/// Has the daemon end what is held.
pub(crate) fn release(run: &Path, group: Option<String>) -> u8 {
    give(run, &Request::Release { group })
}

/// What is held, and whom it does not reach.
fn consequences(snapshot: &Snapshot) -> String {
    let mut text = show::holds(snapshot);
    for node in snapshot.nodes.iter().filter(|node| node.daemon == "heartbeat") {
        text += &format!(
            "Only this node holds: {} runs heartbeat 3.0.6, knows of no hold, and moves groups as \
             it likes.\n",
            node.name
        );
    }
    let is_unreached = |status: &str, name: &str| status == "dead" && name != snapshot.node;
    for node in snapshot.nodes.iter().filter(|node| is_unreached(&node.status, &node.name)) {
        text += &format!("{} is not heard; it learns of the hold when it is.\n", node.name);
    }
    text
}
