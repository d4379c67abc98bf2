//! The daemon becomes its program anew, e.g. after an upgrade, and keeps everything that runs.

use super::people::Person;
use super::protocol::Response;
use super::server::Asked;
use super::{Control, NOBODY};
use crate::configuration::Files;
use crate::daemon::names::Names;
use crate::daemon::recalled::with_cause;
use crate::log::Level;
use crate::program;
use crate::state::Wish;
use systole_config::Config;
use systole_core::Refusal;

/// Why nothing is restarted or reloaded any more: a successor would know nothing of the stop, and start
/// everything again.
pub(super) const STOPPING: &str = "the daemon is being stopped";
/// Why nothing is ordered until the successor is there.
pub(super) const RESTARTING: &str = "the daemon is restarting";

impl Control {
    /// Restarts the daemon, unless its successor would not come up.
    pub(super) fn restart(&mut self, asked: &Asked) {
        let (uid, pid) = (asked.credentials.user, asked.credentials.pid);
        self.note(Person::of(uid, pid).orders(Wish::Restart, NOBODY));
        if self.is_stopping {
            self.say(Level::Warning, format!("Not restarted: {STOPPING}."));
            let (reason, text) = (Refusal::NotReady, STOPPING.to_owned());
            return self.server.answer(asked.client, &Response::Refused { reason, text });
        }
        if let Err(text) = self.foresee_restart() {
            self.say(Level::Error, format!("Not restarted: {text}"));
            return self.fail(asked.client, &text);
        }
        self.say(Level::Info, "Heartbeat restart triggered.");
        self.server.answer(asked.client, &Response::Done);
        self.begin_restart();
    }

    /// Ends the programs that the successor will start anew. Everything is served meanwhile.
    pub(super) fn begin_restart(&mut self) {
        self.is_restarting = true;
        self.parts.clients.begin_stop();
    }

    /// Looks at what the successor will need: sound files, what it is to remember, and a program.
    fn foresee_restart(&mut self) -> Result<(), String> {
        let directory = &self.parts.paths.configuration;
        let files = Files::read(directory);
        let loaded = files.check(directory);
        for line in crate::daemon::findings::lines(&loaded.findings, &files) {
            self.parts.log.write(&line);
        }
        let Some(config) = loaded.config else {
            let text = "the files have mistakes, and nothing was done; `hb check` shows them";
            return Err(text.to_owned());
        };
        self.check_state()?;
        self.resolve_names(&config)?;
        let program = program::path().map_err(|error| error.to_string())?;
        program::check(&program)?;
        // Last: what is refused gives nothing up.
        self.store_retired(&config)
    }

    /// Sees that the successor can read what it is to remember: it would start without it.
    pub(super) fn check_state(&self) -> Result<(), String> {
        let checked = self.parts.state.check(&self.parts.settings);
        checked.map_err(|error| format!("{}: repair or remove the file", with_cause(&error)))
    }

    /// Resolves the hosts that the successor needs, while the beat goes on.
    pub(super) fn resolve_names(&mut self, config: &Config) -> Result<(), String> {
        self.names = Names::of(config).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// What the successor will find resolved.
    pub(crate) fn take_names(&mut self) -> Names {
        std::mem::take(&mut self.names)
    }
}
