//! The renewal of keys while the cluster beats.

use super::Control;
use crate::beat::channel::Command;
use crate::beat::keys::KeyStep;
use crate::daemon::wiring;
use crate::log::Level;
use systole_config::Authentication;
use systole_core::NodeId;
use systole_ipc::journal::JournalEvent;
use systole_ipc::protocol::KeyRenewal;
use systole_wire::Progress;

impl Control {
    /// Has the beat thread use other keys. Returns whether it will.
    pub(super) fn renew_keys(&mut self, authentication: &Authentication) -> bool {
        self.say(Level::Info, "Rereading authentication file.");
        let keys = match wiring::keys(authentication) {
            Ok(keys) => keys,
            Err(error) => {
                self.say(Level::Error, format!("The old keys are kept: {error}"));
                return false;
            }
        };
        let is_taken = self.beat.command(Command::Keys(Box::new(keys))).is_ok();
        if !is_taken {
            self.say(Level::Error, "The beat thread accepts no keys: reload again");
        }
        is_taken
    }

    /// Logs the progress of a renewal, and keeps it for the status.
    pub(super) fn keys_changed(&mut self, step: KeyStep, waiting: &[NodeId]) {
        let line = self.renderer.keys(step, waiting);
        self.log.write(&line);
        let name = |node: &NodeId| self.settings.name(*node).to_owned();
        let waiting: Vec<String> = waiting.iter().map(name).collect();
        let word = match step {
            KeyStep::Begins => "begins",
            KeyStep::Renewed(_) => "renewed",
            KeyStep::Progress(Progress::Complete) => "complete",
            KeyStep::Progress(Progress::Reminder) => "waiting",
            KeyStep::Progress(Progress::Over) => "over",
            KeyStep::Progress(Progress::Expired) => "expired",
        };
        self.note(JournalEvent::Keys { step: word.into(), waiting: waiting.clone() });
        self.key_renewal = match step {
            KeyStep::Begins
            | KeyStep::Renewed(_)
            | KeyStep::Progress(Progress::Complete | Progress::Reminder) => {
                Some(KeyRenewal { waiting })
            }
            KeyStep::Progress(Progress::Over | Progress::Expired) => None,
        };
    }
}
