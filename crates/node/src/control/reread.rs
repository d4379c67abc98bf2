//! Handles a reading of the files: whoever asked for it is answered, whatever the result.

use super::Control;
use super::reading::job::{Job, Purpose};
use super::reading::{LIMIT, Outcome};
use super::server::ClientId;
use crate::log::Level;
use std::sync::Arc;
use std::time::Instant;
use systole_core::Refusal;
use systole_ipc::protocol::Response;

/// The reason for reading the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// `hb reload`, or SIGHUP, for which no client waits.
    Reload(Option<ClientId>),
    /// `hb restart`.
    Restart(ClientId),
}

impl Control {
    /// Has a helper read the files.
    pub(super) fn read_files(&mut self, asker: Asker, may_be_empty: bool) {
        let job = Job {
            purpose: match asker {
                Asker::Reload(_) => Purpose::Reload,
                Asker::Restart(_) => Purpose::Restart,
            },
            may_be_empty,
            paths: self.paths.clone(),
            has_executor: self.executor.idle_for().is_none(),
            state: self.state.clone(),
            settings: Arc::clone(&self.settings),
            files: self.files.clone(),
            config: self.config.clone(),
            media: self.media.iter().map(|medium| medium.spec.clone()).collect(),
        };
        let shared = Arc::clone(&self.beat.shared);
        let work = move |steps: &_| job.work(steps);
        let begun =
            self.reading.begin(asker, Instant::now() + LIMIT, work, move || shared.control.raise());
        if let Err((asker, error)) = begun {
            self.fail_reading(asker, &format!("the files cannot be read: {error}"));
        }
    }

    /// Returns why neither a reload nor a restart can begin now, if one is in progress.
    pub(super) fn is_rereading(&self) -> Option<String> {
        if let Some(step) = self.reading.step() {
            return Some(format!("the files are being read already ({step})"));
        }
        self.reload.is_some().then(|| "a reload is in progress".to_owned())
    }

    /// Handles SIGHUP. A signal that comes while the files are read is not lost, because they may have
    /// changed since. If the files could not be read in time, the signal waits until what hangs has ended.
    pub(super) fn hang_up(&mut self) {
        if let Some(text) = self.is_rereading() {
            self.is_reload_wanted = true;
            return self.say(Level::Info, format!("Reload again afterwards: {text}."));
        }
        self.reload(None, false);
    }

    /// Continues with what was read.
    pub(super) fn tend_reading(&mut self) {
        if let Some((asker, outcome)) = self.reading.look(Instant::now()) {
            self.reading_over(asker, outcome);
        }
        if self.is_reload_wanted && self.is_rereading().is_none() && self.reading.hangs().is_none()
        {
            self.is_reload_wanted = false;
            // A successor reads the files anyway.
            if !self.is_restarting {
                self.reload(None, false);
            }
        }
    }

    fn reading_over(&mut self, asker: Asker, outcome: Outcome) {
        let found = match outcome {
            Outcome::Found(found) => *found,
            Outcome::Late(step) => {
                let limit = LIMIT.as_secs();
                let text = format!(
                    "the files could not be read in time: {step} has not ended within {limit} s"
                );
                return self.fail_reading(asker, &text);
            }
        };
        for line in found.lines {
            self.log.write(&line);
        }
        match asker {
            Asker::Reload(client) => self.files_read(client, found.result),
            Asker::Restart(client) => self.restart_foreseen(client, found.result),
        }
    }

    /// Gives up the reading, because the daemon ends.
    pub(super) fn end_reading(&mut self) {
        self.is_reload_wanted = false;
        match self.reading.give_up() {
            Some((Asker::Reload(client), _)) => self.refuse_reload_while_stopping(client),
            Some((Asker::Restart(client), _)) => self.refuse_restart(client),
            None => {}
        }
    }

    fn fail_reading(&mut self, asker: Asker, text: &str) {
        match asker {
            Asker::Reload(client) => self.fail_reload(client, text),
            Asker::Restart(client) => self.fail_restart(client, text),
        }
    }

    /// Refuses an order until the previous one is finished.
    pub(super) fn refuse_busy(&mut self, client: ClientId, text: String) {
        let reason = Refusal::Busy.into();
        self.server.answer(client, &Response::Refused { reason, text });
    }
}
