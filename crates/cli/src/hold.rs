//! `hb hold`: nothing moves automatically for a while.

use crate::daemon::ask_daemon;
use crate::order::give;
use crate::{exit, print, show};
use std::path::Path;
use std::time::Duration;
use systole_core::Snapshot;
use systole_ipc::order::Order;
use systole_ipc::protocol::{Request, Response};

/// Has the daemon hold everything or one group, and prints the consequences.
pub(crate) fn run(run: &Path, group: Option<String>, span: Duration) -> u8 {
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let code = give(run, Order::Hold(group, milliseconds));
    if code != exit::OK {
        return code;
    }
    // The hold is in force; what cannot be shown now can be seen later with `hb status`.
    if let Ok(Response::Status(status)) = ask_daemon(run, &Request::Status) {
        print(&consequences(&status.snapshot));
    }
    code
}

/// Returns what is held, and which nodes the hold does not reach.
fn consequences(snapshot: &Snapshot) -> String {
    let mut text = show::holds(snapshot);
    for node in snapshot.nodes.iter().filter(|node| node.daemon == "heartbeat") {
        text += &format!(
            "Only this node observes the hold: {} runs heartbeat 3.0.6, which has no holds, and \
             still moves groups automatically.\n",
            node.name
        );
    }
    let is_unreached = |status: &str, name: &str| status == "dead" && name != snapshot.node;
    for node in snapshot.nodes.iter().filter(|node| is_unreached(&node.status, &node.name)) {
        text +=
            &format!("{} is not heard; it learns of the hold when it is heard again.\n", node.name);
    }
    text
}
