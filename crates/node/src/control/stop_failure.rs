//! What a stop that keeps failing leads to: `stop_failure` of `ha.cf`.
//!
//! A resource that cannot be stopped here must not be started elsewhere. heartbeat 3.0.6 kills
//! itself and restarts the machine, so that the other node may take over; that is the default. With
//! `block` the group stays here, owned and broken, until somebody looks at it; `release-address`
//! is the same without the group's addresses, which the core has stopped by itself.

use crate::log::{Level, Line, Log, Source};
use crate::state::Happening;
use systole_core::StopFailure;
use systole_sys::power;

/// Who speaks in the original.
const SPEAKER: Source = Source::Script("ResourceManager");

/// What the journal keeps of it: before anything is done, since the machine may restart.
pub(super) fn happening(policy: StopFailure, group: &str, resource: &str) -> Happening {
    let measure = match policy {
        StopFailure::Reboot => "reboot",
        StopFailure::ReleaseAddress => "release-address",
        StopFailure::Block => "block",
    };
    let (group, resource) = (group.to_owned(), resource.to_owned());
    Happening::StopFailure { group, resource, measure: measure.into() }
}

/// Does what is configured. Returns when the machine goes on.
pub(super) fn act(log: &mut Log, policy: StopFailure, group: &str, resource: &str) {
    let mut say = |text: &str| log.write(&Line::new(Level::Critical, text).said_by(SPEAKER));
    match policy {
        StopFailure::Block | StopFailure::ReleaseAddress => {
            let what = match policy {
                StopFailure::ReleaseAddress => "blocked here and loses its addresses",
                StopFailure::Block | StopFailure::Reboot => "blocked here",
            };
            say("Resource STOP failure.");
            say(&format!("Group {group} is {what}: {resource} could not be stopped."));
            say(&format!("Nobody starts it. When {resource} is mended: hb retry {group}"));
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
