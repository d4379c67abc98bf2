//! The outcomes of jobs, and what is kept of those that failed.

use crate::{Action, Words};
use serde::{Deserialize, Serialize};

/// The outcome of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// A status found it running.
    Running,
    /// A status found it not running.
    NotRunning,
    /// It failed with this exit code; as in a shell, 128 plus its number for a signal. Zero for a question that was
    /// asked without a program.
    Failed(i32),
    /// It took too long and was killed.
    TimedOut,
    /// There is no such agent.
    Missing,
    /// It was ended, or never begun, for a reason that says nothing about the agent.
    Cancelled,
    /// The agent could not be asked, because something failed on this node. Says nothing about the
    /// agent.
    NotAsked,
}

/// The code with which other nodes are told of a question that has no exit code: `OCF_ERR_GENERIC`.
const GENERIC: i32 = 1;
/// The code with which other nodes are told that a resource does not run: `OCF_NOT_RUNNING`.
const NOT_RUNNING: i32 = 7;

/// Why a node cannot start or cannot stop a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Whether the start or the stop failed.
    pub action: Action,
    /// The resource, by its index in the group; 255 stands for 255 and above.
    pub resource: u8,
    /// What came of it.
    pub outcome: Outcome,
    /// What was said about it, if anything.
    pub words: Words,
}

impl Failure {
    /// The failure as other nodes are told: they know failed starts and stops. A resource that
    /// failed while it ran cannot be run here, like one that could not be started.
    pub(crate) fn as_told(self) -> Self {
        match self.action {
            Action::Start | Action::Stop => self,
            Action::Status | Action::Monitor => {
                let outcome = if self.outcome == Outcome::NotRunning {
                    Outcome::Failed(NOT_RUNNING)
                } else if self.outcome == Outcome::Failed(0) {
                    Outcome::Failed(GENERIC)
                } else {
                    self.outcome
                };
                Self { action: Action::Start, outcome, ..self }
            }
        }
    }

    /// A failure with what was said about it, where that says more than the outcome.
    pub(crate) fn new(action: Action, resource: usize, outcome: Outcome, words: Words) -> Self {
        let words = match outcome {
            Outcome::Failed(_) | Outcome::NotAsked | Outcome::NotRunning => words,
            Outcome::Success
            | Outcome::Running
            | Outcome::TimedOut
            | Outcome::Missing
            | Outcome::Cancelled => Words::NONE,
        };
        Self { action, resource: u8::try_from(resource).unwrap_or(u8::MAX), outcome, words }
    }
}
