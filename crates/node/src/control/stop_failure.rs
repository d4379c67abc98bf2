//! What a stop that keeps failing leads to: `stop_failure reboot` or `stop_failure block`.
//!
//! A resource that cannot be stopped here must not be started elsewhere. heartbeat 3.0.6 kills
//! itself and restarts the machine, so that the other node may take over; that is the default. With
//! `block` the group stays here, owned and broken, until somebody looks at it.

use crate::log::{Level, Line, Log, Source};
use systole_config::StopFailure;
use systole_sys::power;

/// Who speaks in the original.
const SPEAKER: Source = Source::Script("ResourceManager");

/// Does what is configured. Returns when the machine goes on.
pub(super) fn act(log: &mut Log, policy: StopFailure, group: &str, resource: &str) {
    let mut say = |text: &str| log.write(&Line::new(Level::Critical, text).said_by(SPEAKER));
    match policy {
        StopFailure::Block => {
            say("Resource STOP failure.");
            say(&format!("Group {group} is blocked here: {resource} could not be stopped."));
        }
        StopFailure::Reboot => {
            say("Resource STOP failure. Reboot required!");
            say("Killing heartbeat ungracefully!");
            let reason = format!("{resource} of group {group} could not be stopped");
            let Err(error) = power::reboot(&reason);
            say(&format!("Unable to force reboot: {error}"));
        }
    }
}
