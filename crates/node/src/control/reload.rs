//! The files are read again, and the changes are applied while the daemon runs, or by executing it again.
//!
//! ```text
//!   asked ──▶ read, checked and compared ──▶ Command::Reconfigure ──▶ News::Reconfigured ──▶ told
//!             by a helper (reading.rs)  │
//!                │                      └──▶ what a running daemon cannot take: it executes itself
//!                └──▶ findings, or no answer in time: nothing changes
//! ```
//!
//! The beat thread applies the new settings in one turn, and reports that among its other news. Groups keep
//! their ids, so that news from before and after the reload mean the same groups.

use super::reading::job::{Next, Read, Trouble};
use super::requester::Requester;
use super::reread::Asker;
use super::restart::STOPPING;
use super::server::{Asked, ClientId};
use super::{Control, NOBODY};
use crate::beat::channel::{Command, Reconfiguration};
use crate::beat::pings::{PingNode, Pings};
use crate::daemon::host_names::Names;
use crate::daemon::recalled::with_cause;
use crate::daemon::wiring;
use crate::log::Level;
use crate::log_lines::LogRenderer;
use std::sync::Arc;
use systole_config::{Authentication, Config};
use systole_core::{ReloadRefusal, Settings};
use systole_ipc::journal::JournalEvent;
use systole_ipc::order::DaemonOrder;
use systole_ipc::protocol::{Reason, Response};
use systole_ipc::texts;

/// The answer when nothing has changed.
const UNCHANGED: &str = "Configuration unchanged.";
/// Why an order to read the files changes nothing.
const MISTAKES: &str = "the files have mistakes, and the configuration in force is kept";

/// A reload in progress.
pub(super) struct Reload {
    asker: Option<ClientId>,
    read: Read,
}

/// What came of a reload.
struct Reloaded {
    changes: Vec<String>,
    /// Whether a successor applies the changes.
    restarts: bool,
    /// Mistakes in the files with which the daemon runs.
    findings: String,
}

impl Control {
    /// Handles `hb reload`.
    pub(super) fn order_reload(&mut self, asked: &Asked, may_be_empty: bool) {
        let (uid, pid) = (asked.credentials.user, asked.credentials.pid);
        self.note(Requester::of(uid, pid).orders(DaemonOrder::Reload, NOBODY));
        self.reload(Some(asked.client), may_be_empty);
    }

    /// Has the files read again. A mistake in them changes nothing, nor does a haresources that no longer
    /// has any group, unless the order says that this is intended.
    pub(super) fn reload(&mut self, asker: Option<ClientId>, may_be_empty: bool) {
        if self.is_restarting {
            return self.refuse_reload(asker, ReloadRefusal::Busy);
        }
        self.log.reopen();
        if self.is_stopping {
            return self.refuse_reload_while_stopping(asker);
        }
        self.read_files(Asker::Reload(asker), may_be_empty);
    }

    /// Refuses a reload during a stop, because a successor would not know about the stop.
    pub(super) fn refuse_reload_while_stopping(&mut self, asker: Option<ClientId>) {
        self.say(Level::Warning, format!("Configuration kept: {STOPPING}."));
        let (reason, text) = (Reason::Reload(ReloadRefusal::NotReady), STOPPING.to_owned());
        self.answer_reload(asker, &Response::Refused { reason, text });
    }

    /// Applies what the files say, once they have been read.
    pub(super) fn files_read(&mut self, asker: Option<ClientId>, result: Result<Next, Trouble>) {
        match result {
            Ok(Next::Same) => self.tell_unchanged(asker, String::new()),
            Ok(Next::Unchanged(Read { files, config, findings, .. })) => {
                (self.files, self.config) = (files, config);
                self.tell_unchanged(asker, findings);
            }
            Ok(Next::Live(read, pings)) => self.begin_reload(Reload { asker, read }, pings),
            Ok(Next::Anew(read, names)) => self.succeed(Reload { asker, read }, names),
            Err(Trouble::Failed(text)) => self.fail_reload(asker, &text),
            Err(Trouble::Mistakes(findings)) => {
                let text = "Configuration error: the configuration in force is kept.";
                self.say(Level::Error, text);
                self.answer_reload(asker, &Response::Invalid { findings });
            }
        }
    }

    /// Sends the new settings to the beat thread.
    fn begin_reload(&mut self, reload: Reload, pings: Option<Vec<PingNode>>) {
        if let Some(text) = self.running.stopped_in_vain(&reload.read.hindrances) {
            return self.fail_reload(reload.asker, &text);
        }
        let config = &reload.read.config;
        let settings = self.settings_of(config);
        let open = |nodes| Pings::open(nodes, self.unix_time, settings.deadping);
        let pings = match pings.map(open).transpose() {
            Ok(pings) => pings,
            Err(error) => {
                let text = format!("cannot ask the ping nodes: {error}");
                return self.fail_reload(reload.asker, &text);
            }
        };
        if let Err(text) = self.store_retired(config) {
            return self.fail_reload(reload.asker, &text);
        }
        let executor = wiring::executor(config, self.debug, self.is_realtime);
        let timeouts = config.agent_timeouts;
        let next = executor.clone();
        let command = Reconfiguration { settings, timeouts, executor, pings };
        if self.beat.command(Command::Reconfigure(Box::new(command))).is_err() {
            self.restore_retired();
            return self.fail_reload(reload.asker, "the daemon is too busy");
        }
        // Not earlier, because an executor that is started next must not have a configuration that was
        // refused.
        self.executor.configure(next);
        self.reload = Some(reload);
    }

    /// Stores the groups that are no longer in the new files, because another node may still have them, and
    /// a successor must know that.
    pub(super) fn store_retired(&self, config: &Config) -> Result<(), String> {
        let next = self.settings_of(config);
        let stored = self.state.store_retired(&self.settings, &next);
        stored.map_err(|error| format!("cannot store what is given up: {}", with_cause(&error)))
    }

    /// Stores again the groups that are no longer in the files in force, because nothing is given up after
    /// all.
    fn restore_retired(&mut self) {
        if let Err(text) = self.store_retired(&self.config) {
            self.say(Level::Error, text);
        }
    }

    fn settings_of(&self, config: &Config) -> Settings {
        let mut settings = config.settings();
        if self.without_resources {
            settings.groups.clear();
            settings.ipfail = false;
        }
        settings
    }

    /// Handles the beat thread's report that it has applied the new settings, or has not.
    pub(super) fn reconfigured(&mut self, result: Result<Arc<Settings>, ReloadRefusal>) {
        let Some(reload) = self.reload.take() else { return };
        let settings = match result {
            Ok(settings) => settings,
            Err(refusal) => {
                let executor = wiring::executor(&self.config, self.debug, self.is_realtime);
                self.executor.configure(executor);
                self.restore_retired();
                return self.refuse_reload(reload.asker, refusal);
            }
        };
        self.renderer = LogRenderer::new(Arc::clone(&settings), std::process::id());
        self.settings = settings;
        self.groups_changed();
        let Reload { asker, read: Read { files, config, changes, hindrances: _, findings } } =
            reload;
        let before = std::mem::replace(&mut self.config, config);
        self.configure_hooks();
        if self.take_keys(before.authentication) {
            self.files = files;
        }
        self.tell_reload(asker, Reloaded { changes, restarts: false, findings });
    }

    /// Sends changed keys to the beat thread. Returns whether there are none, or the beat thread accepts
    /// them. Otherwise the next reload compares with the old keys.
    fn take_keys(&mut self, before: Authentication) -> bool {
        let authentication = self.config.authentication.clone();
        let is_taken = authentication == before || self.renew_keys(&authentication);
        if !is_taken {
            self.config.authentication = before;
        }
        is_taken
    }

    /// Has a successor in the same process apply what a running daemon cannot.
    fn succeed(&mut self, reload: Reload, names: Names) {
        let Reload { asker, read } = reload;
        if let Err(text) = self.prepare_successor(&read, names) {
            return self.fail_reload(asker, &text);
        }
        let Read { changes, findings, .. } = read;
        self.tell_reload(asker, Reloaded { changes, restarts: true, findings });
        self.say(Level::Info, "Heartbeat restart triggered.");
        self.begin_restart();
    }

    fn tell_reload(&mut self, asker: Option<ClientId>, reloaded: Reloaded) {
        let Reloaded { changes, restarts, findings } = reloaded;
        for change in &changes {
            self.say(Level::Info, format!("Reload: {change}"));
        }
        self.note(JournalEvent::Reload { changes: changes.clone(), restarts });
        self.answer_reload(asker, &Response::Reloaded { changes, restarts, findings });
    }

    fn tell_unchanged(&mut self, asker: Option<ClientId>, findings: String) {
        self.say(Level::Info, UNCHANGED);
        let (changes, restarts) = (Vec::new(), false);
        self.answer_reload(asker, &Response::Reloaded { changes, restarts, findings });
    }

    fn refuse_reload(&mut self, asker: Option<ClientId>, reason: ReloadRefusal) {
        let reason = Reason::Reload(reason);
        let text = texts::reason(reason).to_owned();
        self.say(Level::Warning, format!("Configuration kept, reload again later: {text}."));
        self.answer_reload(asker, &Response::Refused { reason, text });
    }

    pub(super) fn fail_reload(&mut self, asker: Option<ClientId>, text: &str) {
        self.say(Level::Error, format!("Configuration kept: {text}"));
        self.answer_reload(asker, &Response::Failed { text: text.to_owned() });
    }

    fn answer_reload(&mut self, asker: Option<ClientId>, response: &Response) {
        if let Some(client) = asker {
            let (refused, failed) = match response {
                Response::Refused { reason, text: _ } => (Some(*reason), None),
                Response::Invalid { findings: _ } => (None, Some(MISTAKES)),
                Response::Failed { text } => (None, Some(text.as_str())),
                Response::Denied
                | Response::Status(_)
                | Response::Done
                | Response::Parameters(_)
                | Response::Reloaded { .. } => (None, None),
            };
            self.record_answer(DaemonOrder::Reload, refused, failed, NOBODY);
            self.server.answer(client, response);
        }
    }
}
