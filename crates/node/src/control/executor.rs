//! Starts another executor when the executor's process is lost.

use super::Control;
use crate::beat::channel::Command;
use crate::executor_process::ExecutorProcess;
use crate::log::Level;
use systole_ipc::journal::JournalEvent;
use systole_sys::process::ProcessId;

impl Control {
    /// Handles the loss of the executor. An executor that stands still is killed, and the next one adopts
    /// what it holds before its addresses expire. If it does not even die, because it waits in the kernel,
    /// there is no next executor; the core releases what it held when its addresses have expired.
    pub(super) fn executor_gone(&mut self, hung: Option<ProcessId>) {
        self.executor.lost();
        let is_told = self.executor.is_worth_telling();
        let text = match hung {
            None => "The executor is gone. Starting a new one.",
            Some(_) => "The executor is stalled. Killing it and starting a new one.",
        };
        if is_told {
            self.say(Level::Error, text);
            self.note(JournalEvent::Executor { there: false });
            self.executor.record_told();
        }
        if let Some(process) = hung
            && let Err(error) = ExecutorProcess::end_hung(process)
            && is_told
        {
            self.say(Level::Error, format!("Cannot kill the executor: {error}"));
        }
        // The next executor reports again the alarms that are still in progress.
        self.alarms.clear();
    }

    pub(super) fn tend_executor(&mut self) {
        match self.executor.tend() {
            Ok(Some(executor)) => {
                if self.executor.take_told() {
                    self.say(Level::Info, "The executor is running again.");
                    self.note(JournalEvent::Executor { there: true });
                }
                if self.beat.command(Command::Executor(Box::new(executor))).is_err() {
                    self.executor.lost();
                }
            }
            Err(error) if self.executor.is_worth_telling() => {
                let tries = self.executor.failures();
                let text = format!("Cannot start the executor (attempt {tries}): {error}");
                self.say(Level::Error, text);
            }
            Ok(None) | Err(_) => {}
        }
    }
}
