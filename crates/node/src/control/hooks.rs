//! Event scripts: what is reported to their process, and what it says.

use super::Control;
use crate::daemon::wiring;
use crate::hooks::fields;
use crate::log::{Level, Line, Repeating};
use systole_core::Event;

impl Control {
    /// Calls the script for a message of another node, or of the FIFO, with these fields.
    pub(super) fn offer(&mut self, message: &[(String, String)]) {
        let pairs = message.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Some(call) = self.events.of_message(fields::select(pairs)) {
            self.hooks.call(call);
        }
    }

    /// Calls the scripts for an event of the core.
    pub(super) fn call_scripts(&mut self, event: &Event) {
        for call in self.events.of_event(&self.settings, event) {
            self.hooks.call(call);
        }
    }

    /// Reads what the process of the scripts says.
    pub(super) fn tend_hooks(&mut self) {
        for line in self.hooks.read() {
            self.log.write(&line);
        }
        let lost = self.hooks.take_lost();
        if lost > 0 {
            let text =
                format!("{lost} calls of event scripts were lost: their process is busy or gone.");
            self.log.write(&Line::new(Level::Warning, text).repeating(Repeating::Script));
        }
    }

    /// Gives the scripts the variables of the configuration in force.
    pub(super) fn configure_hooks(&mut self) {
        let configuration = wiring::executor(&self.config, self.debug, self.is_realtime);
        self.hooks.configure(&self.paths, &configuration);
    }
}
