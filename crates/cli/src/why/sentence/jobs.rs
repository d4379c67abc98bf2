//! Sentences about the jobs of a group's resources, with how long each took.

use super::evidence::list;
use crate::why::span::span;
use systole_core::{Action, Outcome};
use systole_ipc::journal::JobEnd;
use systole_ipc::texts;

/// Maximum number of a job's resources that are named.
const NAMED_MAX: usize = 3;

/// Returns the sentence about consecutive jobs on a node.
pub(super) fn sentence(node: &str, jobs: &[&JobEnd]) -> String {
    format!("{node} {}", list(jobs.iter().map(|job| one(job))))
}

fn one(job: &JobEnd) -> String {
    let (what, took) = (names(&job.resources), span(job.took_ms));
    let (past, verb) = match (job.action, job.addresses) {
        (Action::Start, false) => ("started", "start"),
        (Action::Start, true) => ("took", "take"),
        (Action::Stop, false) => ("stopped", "stop"),
        (Action::Stop, true) => ("released", "release"),
        (Action::Status | Action::Monitor, _) => {
            return format!(
                "queried the status of {what} for {took}: {}",
                texts::outcome(job.outcome)
            );
        }
    };
    match job.outcome {
        Outcome::Success | Outcome::Running => format!("{past} {what} in {took}"),
        Outcome::NotRunning
        | Outcome::Failed(_)
        | Outcome::TimedOut
        | Outcome::Missing
        | Outcome::Cancelled
        | Outcome::NotAsked => {
            let why = job.reason.clone().unwrap_or_else(|| texts::outcome(job.outcome));
            format!("tried to {verb} {what} for {took} ({why})")
        }
    }
}

/// Returns the first resources of a job, and the number of the others.
fn names(words: &[String]) -> String {
    let named = words[..words.len().min(NAMED_MAX)].join(" ");
    match words.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
