//! Between the core that wants a node fenced and the process that drives the devices.

use super::Control;
use crate::beat::channel::Command;
use crate::fencing::Answer;
use std::io::{self, ErrorKind};
use systole_core::{FenceOutcome, NodeId};
use systole_ipc::journal::JournalEvent;

/// What there may be no room for.
const DEVICE: &str = "start the program of a fencing device";
/// Most attempts whose end the core has still to tell.
const DETAILS_MAX: usize = 64;

impl Control {
    /// Has a device of a node reset it, unless one is at work: the core is told, and asks again if it
    /// still wants to. So nothing waits that may not be wanted any more.
    pub(super) fn fence(&mut self, node: NodeId, attempt: u32, device: u8) {
        let name = self.parts.settings.name(node).to_owned();
        let (outcome, detail) = if self.parts.fencer.is_busy() {
            (FenceOutcome::Busy, "the device of another node is at work".to_owned())
        } else {
            match self.parts.fencer.fence(&name, attempt, device.into()) {
                Ok(()) => return,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    (FenceOutcome::Failed, format!("no device can be asked: {error}"))
                }
                // That says nothing of the device: the core asks again in a second.
                Err(error) => {
                    self.record_lacking(DEVICE, Err(error));
                    (FenceOutcome::Busy, "no device can be asked yet".to_owned())
                }
            }
        };
        self.answers.push_back(Answer { node: name, attempt, outcome, detail });
    }

    /// Hears the devices, and tells the core. What it has no room for now it is told later.
    pub(super) fn tend_fencer(&mut self) {
        let (lines, answers) = self.parts.fencer.read();
        for line in lines {
            self.parts.log.write(&line);
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
            let Some(id) = self.parts.settings.node(&node) else { continue };
            let command = Command::Fenced { node: id, attempt, outcome };
            if self.parts.beat.command(command).is_err() {
                self.answers.push_front(Answer { node, attempt, outcome, detail });
                return;
            }
            if self.details.len() >= DETAILS_MAX {
                // The core's words about them were lost.
                self.details.clear();
            }
            self.details.insert((node, attempt), detail);
        }
    }

    /// Adds what the devices said to what the journal keeps.
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
