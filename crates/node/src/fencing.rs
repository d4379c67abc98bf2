//! The daemon's side of fencing: a small process runs the programs that drive fencing devices.
//!
//! This process exists because the daemon must not fork, and because a device may take a minute: neither
//! the beat, nor the executor, nor an order waits for it. When the daemon ends, the program that is running
//! is not interrupted, because then it would be unknown whether the node is off.

mod process;
#[cfg(test)]
mod tests;
mod tool;

pub(crate) use process::run;
pub(crate) use tool::Tool;

use crate::log::{Level, Line};
use crate::options::Role;
use crate::role_process::{self, Group};
use rustix::event::{PollFd, PollFlags};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::AsFd as _;
use std::process::Child;
use std::time::Duration;
use systole_config::Fencing;
use systole_core::FenceOutcome;
use systole_sys::seqpacket::{Connection, PACKET_MAX, Receive};

/// Maximum number of reports read at once.
const AT_ONCE: usize = 64;

/// A request of the daemon to the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The name of the node to be reset.
    pub(crate) node: String,
    /// The number of the attempt, which the answer repeats.
    pub(crate) attempt: u32,
    /// The program to run.
    pub(crate) tool: Tool,
    /// The time limit.
    pub(crate) limit: Duration,
}

/// A report of the process to the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// A line for the log.
    Line {
        /// The severity.
        level: Level,
        /// The text.
        text: String,
    },
    /// The result of an attempt.
    Outcome(Answer),
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The node.
    pub(crate) node: String,
    /// The number of the attempt.
    pub(crate) attempt: u32,
    /// The outcome.
    pub(crate) outcome: FenceOutcome,
    /// The device that succeeded, or what it said.
    pub(crate) detail: String,
}

/// The devices, and the process that drives them.
#[derive(Debug)]
pub(crate) struct Fencer {
    fencing: Option<Fencing>,
    nodes: Vec<String>,
    process: Option<(Child, Connection)>,
    /// The process has never been started.
    is_owed: bool,
    /// The attempt without an answer, which fails if the process ends.
    running: Option<Running>,
}

/// An attempt in progress.
#[derive(Debug)]
struct Running {
    node: String,
    attempt: u32,
    /// Whether the node has another device in case this one fails.
    has_next: bool,
}

impl Fencer {
    /// Takes the devices of a configuration. Their process is [started](Self::tend) if there are any.
    pub(crate) fn new(fencing: Option<Fencing>, nodes: Vec<String>) -> Self {
        let is_owed = fencing.is_some();
        Self { fencing, nodes, process: None, is_owed, running: None }
    }

    /// Starts the process if there are devices and the process was never started. Preferably called before
    /// memory is locked.
    ///
    /// # Errors
    ///
    /// When the process cannot be started. The call can be repeated.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        if self.is_owed && self.process.is_none() {
            self.process = Some(role_process::start(Role::Fencer, Group::Own, &[])?);
        }
        self.is_owed = false;
        Ok(())
    }

    /// Whether a device is at work.
    pub(crate) const fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Has a device of a node, given by its index, reset the node. If the process is gone, it is started
    /// again.
    ///
    /// # Errors
    ///
    /// `NotFound` when the node has no such device: the attempt has failed. Other errors say nothing about
    /// the device, and the call can be repeated.
    pub(crate) fn fence(&mut self, node: &str, attempt: u32, device: usize) -> io::Result<()> {
        let Some(fencing) = &self.fencing else { return Err(io::ErrorKind::NotFound.into()) };
        let mut devices = fencing.devices_for(node).skip(device);
        let device = devices.next().ok_or(io::ErrorKind::NotFound)?;
        let has_next = devices.next().is_some();
        let (tool, limit) = (Tool::of(device, node, &self.nodes), fencing.timeout);
        let request = Request { node: node.to_owned(), attempt, tool, limit };
        let packet = serde_json::to_vec(&request)?;
        if self.process.is_none() {
            self.process = Some(role_process::start(Role::Fencer, Group::Own, &[])?);
        }
        if let Some((_, connection)) = &self.process {
            connection.send(&packet)?;
        }
        self.running = Some(Running { node: request.node, attempt, has_next });
        Ok(())
    }

    /// Reads the reports of the process.
    pub(crate) fn read(&mut self) -> (Vec<Line>, Vec<Answer>) {
        let (mut lines, mut answers) = (Vec::new(), Vec::new());
        let mut packet = vec![0; PACKET_MAX];
        for _ in 0..AT_ONCE {
            let Some((_, connection)) = &self.process else { break };
            match connection.receive(&mut packet) {
                Ok(Receive::Packet(length)) => match serde_json::from_slice(&packet[..length]) {
                    Ok(Report::Line { level, text }) => lines.push(Line::new(level, text)),
                    Ok(Report::Outcome(answer)) => answers.push(self.finish(answer)),
                    Err(_) => {}
                },
                Ok(Receive::Empty) => break,
                Ok(Receive::Closed) | Err(_) => self.record_end(&mut lines, &mut answers),
            }
        }
        (lines, answers)
    }

    /// The descriptor that becomes readable when there is something to [`read`](Self::read).
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let connection = self.process.iter().map(|(_, connection)| connection.as_fd());
        connection.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
    }

    /// Handles the end of the process: the attempt in progress is not known to have succeeded.
    fn record_end(&mut self, lines: &mut Vec<Line>, answers: &mut Vec<Answer>) {
        let Some((mut child, connection)) = self.process.take() else { return };
        drop(connection);
        // The process has closed its side, and so it has ended or is about to.
        let _ = child.wait();
        lines.push(Line::new(Level::Error, "The process that drives fencing devices is gone."));
        if let Some(Running { node, attempt, .. }) = &self.running {
            let (node, attempt, outcome) = (node.clone(), *attempt, FenceOutcome::Failed);
            let detail = "the process that drives the devices is gone".to_owned();
            answers.push(self.finish(Answer { node, attempt, outcome, detail }));
        }
    }

    /// Finishes an attempt. If it failed, the core must know whether there is another device.
    fn finish(&mut self, answer: Answer) -> Answer {
        let has_next = self.running.take().is_some_and(|running| running.has_next);
        let outcome = match answer.outcome {
            FenceOutcome::Failed if has_next => FenceOutcome::Next,
            outcome @ (FenceOutcome::Done
            | FenceOutcome::Failed
            | FenceOutcome::Next
            | FenceOutcome::Busy) => outcome,
        };
        Answer { outcome, ..answer }
    }
}
