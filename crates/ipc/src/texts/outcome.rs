//! The outcomes of jobs.

use systole_core::{Action, Failure, Outcome, Resource};

/// Returns the outcome of a job, as a clause about the agent.
#[must_use]
pub fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Success => "it succeeded".to_owned(),
        Outcome::Running => "it reports that it runs".to_owned(),
        Outcome::NotRunning => "it reports that it does not run".to_owned(),
        Outcome::Failed(code) => format!("exit code {code}"),
        Outcome::TimedOut => "it took too long and was killed".to_owned(),
        Outcome::Missing => "there is no such agent".to_owned(),
        Outcome::Cancelled => "it was cancelled".to_owned(),
        Outcome::NotAsked => "it could not be asked".to_owned(),
    }
}

/// Returns the outcome of a job with its reason, in the words of whatever ran the job. An address has
/// no exit code except one that Systole makes up.
#[must_use]
pub fn explained(what: Outcome, words: &str, is_address: bool) -> String {
    match what {
        _ if words.is_empty() => outcome(what),
        Outcome::Failed(code) if is_address || code == 0 => words.to_owned(),
        Outcome::Failed(code) => format!("{words} (exit code {code})"),
        Outcome::NotAsked => format!("{}: {words}", outcome(what)),
        Outcome::Success
        | Outcome::Running
        | Outcome::NotRunning
        | Outcome::TimedOut
        | Outcome::Missing
        | Outcome::Cancelled => outcome(what),
    }
}

/// Returns what came of a start or stop that failed, with its reason.
#[must_use]
pub fn failure(failure: &Failure, resource: Option<&Resource>) -> String {
    let is_address = resource.is_some_and(Resource::is_address);
    explained(failure.outcome, failure.words.as_str(), is_address)
}

/// Returns what failed on a node, as a clause that an outcome may follow.
#[must_use]
pub fn failed(node: &str, action: Action, resource: &str) -> String {
    match action {
        Action::Start => format!("{node} could not start {resource}"),
        Action::Monitor => format!("{resource} failed on {node} while it ran"),
        Action::Stop | Action::Status => format!("{node} cannot stop {resource}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_explained_with_its_words_and_no_made_up_exit_code() {
        for (what, words, is_address, text) in [
            (Outcome::Failed(3), "target is busy", false, "target is busy (exit code 3)"),
            (Outcome::Failed(0), "tcp [::1]:80: refused", false, "tcp [::1]:80: refused"),
            (Outcome::Failed(3), "", false, "exit code 3"),
            (Outcome::Failed(1), "no such device", true, "no such device"),
            (Outcome::NotAsked, "fork: EAGAIN", false, "it could not be asked: fork: EAGAIN"),
            (Outcome::TimedOut, "of no use", false, "it took too long and was killed"),
        ] {
            assert_eq!(explained(what, words, is_address), text, "{what:?}");
        }
    }
}
