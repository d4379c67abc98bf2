//! Connects the core, which wants a node fenced, with the process that drives the devices.

use super::Control;
use crate::beat::channel::Command;
use crate::fencing::Answer;
use std::io::{self, ErrorKind};
use systole_core::{FenceOutcome, NodeId};
use systole_ipc::journal::JournalEvent;

/// The task for which there may be no room.
const DEVICE: &str = "start the program of a fencing device";
/// Maximum number of attempts whose end the core has yet to report.
const DETAILS_MAX: usize = 64;

impl Control {
    /// Has a device of a node reset the node. While another device is at work, this is reported to the core
    /// instead, which asks again if it still wants the reset: no attempt waits that may no longer be wanted.
    pub(super) fn fence(&mut self, node: NodeId, attempt: u32, device: u8) {
        let name = self.settings.name(node).to_owned();
        let (outcome, detail) = if self.fencer.is_busy() {
            (FenceOutcome::Busy, "the device of another node is at work".to_owned())
        } else {
            match self.fencer.fence(&name, attempt, device.into()) {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    (FenceOutcome::Failed, format!("no device can be asked: {error}"))
                }
                // This says nothing about the device: the core asks again in a second.
                Err(error) => {
                    self.record_lacking(DEVICE, Err(error));
                    (FenceOutcome::Busy, "no device can be asked yet".to_owned())
                }
            }
        };
        self.answers.push_back(Answer { node: name, attempt, outcome, detail });
    }

    /// Reads the results of the devices and reports them to the core, some of them later if there is no
    /// room now.
    pub(super) fn tend_fencer(&mut self) {
        let (lines, answers) = self.fencer.read();
        for line in lines {
            self.log.write(&line);
        }
        for answer in &answers {
            let result = match answer.outcome {
                FenceOutcome::Busy => Err(io::Error::other(answer.detail.clone())),
                FenceOutcome::Done | FenceOutcome::Failed | FenceOutcome::Next => Ok(()),
            };
            self.record_lacking(DEVICE, result);
        }
        self.answers.extend(answers);
        while let Some(Answer { node, attempt, outcome, detail }) = self.answers.pop_front() {
            let Some(id) = self.settings.node(&node) else { continue };
            let command = Command::Fenced { node: id, attempt, outcome };
            if self.beat.command(command).is_err() {
                self.answers.push_front(Answer { node, attempt, outcome, detail });
                return;
            }
            if self.details.len() >= DETAILS_MAX {
                // The core's reports about these attempts were lost.
                self.details.clear();
            }
            self.details.insert((node, attempt), detail);
        }
    }

    /// Adds what the devices said to the journal's event.
    pub(super) fn with_detail(&mut self, event: JournalEvent) -> JournalEvent {
        let JournalEvent::Fencing { node, step, attempt: Some(attempt), evidence } = event else {
            return event;
        };
        let detail = self.details.remove(&(node.clone(), attempt));
        let evidence = detail.map_or(evidence.clone(), |detail| {
            if evidence.is_empty() { detail } else { format!("{detail}; {evidence}") }
        });
        JournalEvent::Fencing { node, step, attempt: Some(attempt), evidence }
    }
}
