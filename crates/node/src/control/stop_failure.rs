//! What happens when a stop keeps failing: `stop_failure` of `ha.cf`.
//!
//! A resource that cannot be stopped here must not be started elsewhere. heartbeat 3.0.6 kills itself and
//! restarts the machine, so that the other node may take over; that is the default. With `block` the group
//! stays here, owned and broken, until an administrator looks at it; `release-address` is the same without
//! the group's addresses, which the core has stopped on its own initiative.

use crate::log::{Level, Line, Log, Source};
use crate::state::StateWriter;
use std::time::Duration;
use systole_core::StopFailure;
use systole_ipc::journal::JournalEvent;
use systole_sys::power;

/// The name under which heartbeat logs this.
const SPEAKER: Source = Source::Script("ResourceManager");

/// How long the writing of the log and of the journal may each take: the machine has to restart, and its
/// disk may be the reason.
const WRITE_LIMIT: Duration = Duration::from_millis(500);

/// Returns the journal's event, which is written before anything is done, because the machine may restart.
pub(super) fn event(policy: StopFailure, group: &str, resource: &str) -> JournalEvent {
    let measure = match policy {
        StopFailure::Reboot => "reboot",
        StopFailure::ReleaseAddress => "release-address",
        StopFailure::Block => "block",
    };
    let (group, resource) = (group.to_owned(), resource.to_owned());
    JournalEvent::StopFailure { group, resource, measure: measure.into() }
}

/// Does what is configured. Returns if the machine is to keep running.
pub(super) fn act(
    log: &mut Log,
    writer: &StateWriter,
    policy: StopFailure,
    group: &str,
    resource: &str,
) {
    let say =
        |log: &mut Log, text: &str| log.write(&Line::new(Level::Critical, text).said_by(SPEAKER));
    match policy {
        StopFailure::Block | StopFailure::ReleaseAddress => {
            let what = match policy {
                StopFailure::ReleaseAddress => "blocked here; its addresses are removed",
                StopFailure::Block | StopFailure::Reboot => "blocked here",
            };
            say(log, "Resource STOP failure.");
            say(log, &format!("Group {group} is {what}: {resource} could not be stopped."));
            say(log, &format!("No node will start it. After fixing {resource}: hb retry {group}"));
        }
        StopFailure::Reboot => {
            say(log, "Resource STOP failure. Reboot required!");
            say(log, "Killing heartbeat ungracefully!");
            log.settle(WRITE_LIMIT);
            writer.settle(WRITE_LIMIT);
            let reason = format!("{resource} of group {group} could not be stopped");
            let Err(error) = power::reboot(&reason);
            say(log, &format!("Unable to force reboot: {error}"));
        }
    }
}
