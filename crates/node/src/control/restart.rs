//! The daemon executes its program again, e.g. after an upgrade, and keeps everything that runs.

use super::reading::job::{Next, Read, Trouble};
use super::requester::Requester;
use super::reread::Asker;
use super::server::{Asked, ClientId};
use super::{Control, NOBODY};
use crate::daemon::host_names::Names;
use crate::log::Level;
use systole_core::Refusal;
use systole_ipc::order::DaemonOrder;
use systole_ipc::protocol::{Reason, Response};

/// Why nothing can be restarted or reloaded any longer: a successor would not know about the stop, and
/// would start everything again.
pub(super) const STOPPING: &str = "the daemon is being stopped";
/// Why no orders are accepted until the successor is running.
pub(super) const RESTARTING: &str = "the daemon is restarting";

impl Control {
    /// Restarts the daemon, unless its successor would not start.
    pub(super) fn restart(&mut self, asked: &Asked) {
        let (uid, pid) = (asked.credentials.user, asked.credentials.pid);
        self.note(Requester::of(uid, pid).orders(DaemonOrder::Restart, NOBODY));
        if self.is_stopping {
            return self.refuse_restart(asked.client);
        }
        self.read_files(Asker::Restart(asked.client), false);
    }

    /// Refuses a restart during a stop, because a successor would not know about the stop.
    pub(super) fn refuse_restart(&mut self, client: ClientId) {
        self.say(Level::Warning, format!("Not restarted: {STOPPING}."));
        let (reason, text) = (Reason::from(Refusal::NotReady), STOPPING.to_owned());
        self.record_answer(DaemonOrder::Restart, Some(reason), None, NOBODY);
        self.server.answer(client, &Response::Refused { reason, text });
    }

    /// Continues a restart once it is known whether a successor would start.
    pub(super) fn restart_foreseen(&mut self, client: ClientId, result: Result<Next, Trouble>) {
        let prepared = match result {
            Ok(Next::Anew(read, names)) => self.prepare_successor(&read, names),
            // A reading for a restart has no other result.
            Ok(Next::Same | Next::Unchanged(_) | Next::Live(..)) => return,
            Err(Trouble::Failed(text)) => Err(text),
            Err(Trouble::Mistakes(_)) => {
                let text = "the files have mistakes, and nothing was done; `hb check` shows them";
                Err(text.to_owned())
            }
        };
        if let Err(text) = prepared {
            return self.fail_restart(client, &text);
        }
        self.say(Level::Info, "Heartbeat restart triggered.");
        self.server.answer(client, &Response::Done);
        self.begin_restart();
    }

    pub(super) fn fail_restart(&mut self, client: ClientId, text: &str) {
        self.say(Level::Error, format!("Not restarted: {text}"));
        self.record_answer(DaemonOrder::Restart, None, Some(text), NOBODY);
        self.fail(client, text);
    }

    /// Ends the programs that the successor will start again. Everything is served meanwhile.
    pub(super) fn begin_restart(&mut self) {
        self.is_restarting = true;
        self.clients.begin_stop();
    }

    /// Stores what the successor will need. A refusal leaves everything as it is.
    pub(super) fn prepare_successor(&mut self, read: &Read, names: Names) -> Result<(), String> {
        if let Some(step) = self.reading.hangs() {
            // The kernel would end that thread first, and there would be no beats while it cannot.
            return Err(format!("{step} has not ended since an earlier order"));
        }
        if self.moves_groups {
            // The successor would start again what is being given away, and the order would get no answer.
            return Err("a hand-over is in progress: try again when it is over".to_owned());
        }
        if let Some(text) = self.running.stopped_in_vain(&read.hindrances) {
            return Err(text);
        }
        self.store_retired(&read.config)?;
        self.names = names;
        Ok(())
    }

    /// Takes the resolved hosts for the successor.
    pub(crate) fn take_names(&mut self) -> Names {
        std::mem::take(&mut self.names)
    }
}
