//! The files are read again: what has changed is taken while the daemon runs, or by executing it
//! again.
//!
//! ```text
//!   asked ──▶ checked ──▶ compared ──▶ Command::Reconfigure ──▶ News::Reconfigured ──▶ told
//!                │            └──▶ what a running daemon cannot take: it executes itself
//!                └──▶ findings: nothing changes
//! ```
//!
//! The beat thread takes the new settings in one turn, and says so among its other news: what came
//! before means groups by their old numbers, what comes after by the new ones.

use super::people::Person;
use super::protocol::Response;
use super::restart::STOPPING;
use super::server::{Asked, ClientId};
use super::{Control, NOBODY};
use crate::beat::channel::{Command, Reconfiguration};
use crate::beat::pings::Pings;
use crate::configuration::Files;
use crate::daemon::names::Names;
use crate::daemon::recalled::with_cause;
use crate::daemon::{findings, wiring};
use crate::log::Level;
use crate::program;
use crate::state::{Happening, Wish};
use crate::words::Words;
use systole_config::{Authentication, Change, Config, Effect, difference};
use systole_core::{Refusal, Settings};

/// What is there when nothing has changed.
const UNCHANGED: &str = "Configuration unchanged.";

/// A reload under way.
pub(super) struct Reload {
    asker: Option<ClientId>,
    files: Files,
    config: Config,
    changes: Vec<String>,
}

impl Control {
    /// `hb reload`.
    pub(super) fn order_reload(&mut self, asked: &Asked) {
        let (uid, pid) = (asked.credentials.user, asked.credentials.pid);
        self.note(Person::of(uid, pid).orders(Wish::Reload, NOBODY));
        self.reload(Some(asked.client));
    }

    /// Reads the files again. A mistake in them changes nothing.
    pub(super) fn reload(&mut self, asker: Option<ClientId>) {
        if self.reload.is_some() || self.is_restarting {
            return self.refuse_reload(asker, Refusal::Busy);
        }
        self.parts.log.reopen();
        if self.is_stopping {
            self.say(Level::Warning, format!("Configuration kept: {STOPPING}."));
            let (reason, text) = (Refusal::NotReady, STOPPING.to_owned());
            return self.answer_reload(asker, &Response::Refused { reason, text });
        }
        let directory = self.parts.paths.configuration.clone();
        let files = Files::read(&directory);
        if files == self.parts.files {
            return self.tell_unchanged(asker);
        }
        let loaded = files.check(&directory);
        for line in findings::lines(&loaded.findings, &files) {
            self.parts.log.write(&line);
        }
        let Some(config) = loaded.config else {
            let text = "Configuration error: the configuration in force is kept.";
            self.say(Level::Error, text);
            let findings = findings::report(&loaded.findings, &files, false);
            return self.answer_reload(asker, &Response::Invalid { findings });
        };
        let changes = difference(&self.parts.config, &config);
        if changes.is_empty() {
            (self.parts.files, self.parts.config) = (files, config);
            return self.tell_unchanged(asker);
        }
        let is_live = |change: &Change| match change.effect {
            Effect::Live | Effect::Keys => true,
            Effect::Restart => false,
        };
        let is_live = changes.iter().all(is_live);
        let changes = changes.into_iter().map(|change| change.text).collect();
        let reload = Reload { asker, files, config, changes };
        if is_live { self.begin_reload(reload) } else { self.succeed(reload) }
    }

    /// Hands the new settings to the beat thread.
    fn begin_reload(&mut self, reload: Reload) {
        let settings = self.settings_of(&reload.config);
        let pings = match self.open_pings(&reload.config) {
            Ok(pings) => pings,
            Err(text) => return self.fail_reload(reload.asker, &text),
        };
        if let Err(text) = self.store_retired(&reload.config) {
            return self.fail_reload(reload.asker, &text);
        }
        let executor = wiring::executor(&reload.config, self.parts.debug, self.parts.is_realtime);
        let timeouts = reload.config.agent_timeouts;
        let next = executor.clone();
        let command = Reconfiguration { settings, timeouts, executor, pings };
        if self.parts.beat.command(Command::Reconfigure(Box::new(command))).is_err() {
            self.restore_retired();
            return self.fail_reload(reload.asker, "the daemon is too busy");
        }
        // Only now: an executor that is started next must not have what was refused.
        self.parts.executor.configure(next);
        self.reload = Some(reload);
    }

    /// Stores what other files have no more: another node may still have it, and a successor of ours
    /// must know that.
    pub(super) fn store_retired(&self, config: &Config) -> Result<(), String> {
        let next = self.settings_of(config);
        let stored = self.parts.state.store_retired(&self.parts.settings, &next);
        stored.map_err(|error| format!("cannot store what is given up: {}", with_cause(&error)))
    }

    /// Nothing is given up after all: stores again what the files in force have no more.
    fn restore_retired(&mut self) {
        if let Err(text) = self.store_retired(&self.parts.config) {
            self.say(Level::Error, text);
        }
    }

    fn settings_of(&self, config: &Config) -> Settings {
        let mut settings = config.settings();
        if self.parts.without_resources {
            settings.groups.clear();
            settings.ipfail = false;
        }
        settings
    }

    /// Sockets for the ping nodes, if those have changed or are judged by another time.
    fn open_pings(&self, config: &Config) -> Result<Option<Pings>, String> {
        let old = &self.parts.config;
        if old.ping_nodes == config.ping_nodes && old.times.deadping == config.times.deadping {
            return Ok(None);
        }
        let nodes =
            wiring::ping_nodes(config, &Names::default()).map_err(|error| error.to_string())?;
        let pings = Pings::open(nodes, self.parts.unix_time, config.times.deadping);
        pings.map(Some).map_err(|error| format!("cannot ask the ping nodes: {error}"))
    }

    /// The beat thread has taken the new settings, or has not.
    pub(super) fn reconfigured(&mut self, result: Result<Box<Settings>, Refusal>) {
        let Some(reload) = self.reload.take() else { return };
        let settings = match result {
            Ok(settings) => *settings,
            Err(refusal) => {
                let executor =
                    wiring::executor(&self.parts.config, self.parts.debug, self.parts.is_realtime);
                self.parts.executor.configure(executor);
                self.restore_retired();
                return self.refuse_reload(reload.asker, refusal);
            }
        };
        self.words = Words::new(settings.clone(), std::process::id());
        self.parts.settings = settings;
        let Reload { asker, files, config, changes } = reload;
        let before = std::mem::replace(&mut self.parts.config, config);
        if self.take_keys(before.authentication) {
            self.parts.files = files;
        }
        self.tell_reload(asker, changes, false);
    }

    /// Hands changed keys to the beat thread. Returns whether it has none to take, or takes them; else
    /// the old ones are those that the next reload compares with.
    fn take_keys(&mut self, before: Authentication) -> bool {
        let authentication = self.parts.config.authentication.clone();
        let is_taken = authentication == before || self.renew_keys(&authentication);
        if !is_taken {
            self.parts.config.authentication = before;
        }
        is_taken
    }

    /// What a running daemon cannot take is taken by a new one in the same process.
    fn succeed(&mut self, reload: Reload) {
        let program = program::path().map_err(|error| error.to_string());
        if let Err(text) = program.and_then(|program| program::check(&program)) {
            return self.fail_reload(reload.asker, &text);
        }
        let prepared = self.check_state().and_then(|()| self.resolve_names(&reload.config));
        if let Err(text) = prepared.and_then(|()| self.store_retired(&reload.config)) {
            return self.fail_reload(reload.asker, &text);
        }
        self.tell_reload(reload.asker, reload.changes, true);
        self.say(Level::Info, "Heartbeat restart triggered.");
        self.begin_restart();
    }

    fn tell_reload(&mut self, asker: Option<ClientId>, changes: Vec<String>, restarts: bool) {
        for change in &changes {
            self.say(Level::Info, format!("Reload: {change}"));
        }
        self.note(Happening::Reload { changes: changes.clone(), restarts });
        self.answer_reload(asker, &Response::Reloaded { changes, restarts });
    }

    fn tell_unchanged(&mut self, asker: Option<ClientId>) {
        self.say(Level::Info, UNCHANGED);
        let (changes, restarts) = (Vec::new(), false);
        self.answer_reload(asker, &Response::Reloaded { changes, restarts });
    }

    fn refuse_reload(&mut self, asker: Option<ClientId>, reason: Refusal) {
        let text = reason.to_string();
        self.say(Level::Warning, format!("Configuration kept, reload again later: {text}."));
        self.answer_reload(asker, &Response::Refused { reason, text });
    }

    fn fail_reload(&mut self, asker: Option<ClientId>, text: &str) {
        self.say(Level::Error, format!("Configuration kept: {text}"));
        self.answer_reload(asker, &Response::Failed { text: text.to_owned() });
    }

    fn answer_reload(&mut self, asker: Option<ClientId>, response: &Response) {
        if let Some(client) = asker {
            self.server.answer(client, response);
        }
    }
}
