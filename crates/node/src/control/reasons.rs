//! Why jobs of this node failed, in the words of the agent or the executor, for the journal. The core keeps
//! only the first words of a failure, which it sends to the other nodes.

use super::Control;
use std::collections::VecDeque;
use systole_core::{Action, Event, GROUPS_MAX, Job, JobId, Outcome, Settings, printable};
use systole_ipc::journal::JournalEvent;
use systole_ipc::texts;

/// Maximum number of reasons that wait for the core to say which job they belong to.
const WAITING_MAX: usize = 64;
/// Maximum number of failures whose reasons are kept: a start and a stop of each group.
const KEPT_MAX: usize = 2 * GROUPS_MAX;
/// Maximum length of a reason in bytes.
const LENGTH_MAX: usize = 120;

/// What is known about a failed job.
#[derive(Debug)]
struct Reason {
    group: String,
    action: Action,
    resource: String,
    outcome: Outcome,
    /// The reason in words, with the exit code if there is one.
    words: String,
}

/// The reasons of failed jobs.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    waiting: VecDeque<(JobId, String)>,
    kept: VecDeque<Reason>,
}

impl Reasons {
    /// Records what was said about a job that has ended.
    pub(super) fn note(&mut self, job: JobId, text: &str) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back((job, sanitised(text)));
    }

    /// Records which job that was, and its outcome, as reported by the core.
    pub(super) fn ended(&mut self, settings: &Settings, job: Job, outcome: Outcome) {
        let place = self.waiting.iter().position(|(id, _)| *id == job.id);
        let text = place.and_then(|place| self.waiting.remove(place)).map(|(_, text)| text);
        let Some(group) = settings.groups.get(job.group.index()) else { return };
        let Some(resource) = group.resources.get(job.first) else { return };
        let (name, action) = (group.name(), job.action);
        self.kept.retain(|it| {
            (it.group.as_str(), it.action, &it.resource) != (name, action, &resource.word)
        });
        let is_address = resource.is_address();
        let is_told = matches!(outcome, Outcome::Failed(_) | Outcome::NotAsked);
        let Some(text) = text.filter(|text| is_told && !text.is_empty()) else { return };
        let words = texts::explained(outcome, &text, is_address);
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        let (group, resource) = (name.to_owned(), resource.word.clone());
        self.kept.push_back(Reason { group, action, resource, outcome, words });
    }

    /// Returns the reason of a failure, if there is one for this very failure.
    fn of(&self, group: &str, action: Action, resource: &str, outcome: &str) -> Option<&str> {
        let is_it = |it: &&Reason| {
            (it.group.as_str(), it.action, it.resource.as_str()) == (group, action, resource)
                && texts::outcome(it.outcome) == outcome
        };
        self.kept.iter().find(is_it).map(|it| it.words.as_str())
    }

    /// Returns the reason of the failure in an event, if the log has no line of its own for the reason.
    pub(super) fn of_event(&self, settings: &Settings, event: &Event) -> Option<&str> {
        let Event::StopFailed { group, resource, outcome } = event else { return None };
        let group = settings.groups.get(group.index())?;
        let resource = group.resources.get(*resource)?;
        self.of(group.name(), Action::Stop, &resource.word, &texts::outcome(*outcome))
    }

    /// Adds the reason to a journal entry.
    pub(super) fn add_to(&self, me: &str, entry: &mut JournalEvent) {
        if let JournalEvent::Failure { group, node, action, resource, outcome } = entry
            && node == me
            && let Some(words) = self.of(group, *action, resource, outcome)
        {
            words.clone_into(outcome);
        }
        if let JournalEvent::Job(end) = entry {
            let first = end.resources.first().map_or("", String::as_str);
            let outcome = texts::outcome(end.outcome);
            end.reason = self.of(&end.group, end.action, first, &outcome).map(str::to_owned);
        }
    }
}

impl Control {
    /// Adds the reason of a job's failure to its journal entry.
    pub(super) fn with_reason(&self, mut entry: JournalEvent) -> JournalEvent {
        let settings = &self.settings;
        self.reasons.add_to(settings.name(settings.me), &mut entry);
        entry
    }
}

/// Returns one line without control characters, and of a bounded length.
fn sanitised(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut clean = String::new();
    for letter in line.chars().map(printable) {
        if clean.len() + letter.len_utf8() > LENGTH_MAX {
            break;
        }
        clean.push(letter);
    }
    clean.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::journal;
    use crate::state::tests::settings;
    use systole_core::GroupId;

    const JOB: Job = Job {
        id: JobId(7),
        group: GroupId(0),
        first: 0,
        count: 1,
        action: Action::Start,
        is_restart: false,
        is_look: false,
    };

    fn failure(outcome: Outcome) -> JournalEvent {
        let settings = settings();
        let (group, resource) = (JOB.group, JOB.first);
        let event = Event::StartFailed { group, resource, outcome };
        journal::of_event(&settings, &event).expect("it is kept")
    }

    fn outcome_of(reasons: &Reasons, mut entry: JournalEvent) -> String {
        let settings = settings();
        reasons.add_to(settings.name(settings.me), &mut entry);
        let JournalEvent::Failure { outcome, .. } = entry else { panic!("it is a failure") };
        outcome
    }

    #[test]
    fn failure_words_stay_in_entry_until_job_succeeds() {
        let (settings, failed) = (settings(), Outcome::Failed(1));
        let mut reasons = Reasons::default();
        reasons.note(JOB.id, "interface eth1.10 does not exist");
        reasons.ended(&settings, JOB, failed);
        let told = outcome_of(&reasons, failure(failed));
        assert!(told.starts_with("interface eth1.10 does not exist"), "{told}");
        assert_eq!(
            outcome_of(&reasons, failure(Outcome::TimedOut)),
            texts::outcome(Outcome::TimedOut)
        );
        reasons.ended(&settings, JOB, Outcome::Success);
        assert_eq!(outcome_of(&reasons, failure(failed)), "exit code 1");
    }

    #[test]
    fn failed_stop_is_logged_with_its_words_despite_later_status() {
        let (settings, failed) = (settings(), Outcome::Failed(1));
        let mut reasons = Reasons::default();
        let stop = Job { action: Action::Stop, ..JOB };
        reasons.note(stop.id, "Operation not permitted");
        reasons.ended(&settings, stop, failed);
        // The last status after it reports that the resource still runs.
        let look = Job { id: JobId(8), action: Action::Status, ..JOB };
        reasons.ended(&settings, look, Outcome::Running);
        let event = |outcome| Event::StopFailed { group: JOB.group, resource: JOB.first, outcome };
        let told = reasons.of_event(&settings, &event(failed)).expect("they are known");
        assert!(told.starts_with("Operation not permitted"), "{told}");
        assert_eq!(reasons.of_event(&settings, &event(Outcome::TimedOut)), None);
    }

    #[test]
    fn words_of_another_job_or_node_are_not_added_to_failure() {
        let (settings, failed) = (settings(), Outcome::Failed(1));
        let mut reasons = Reasons::default();
        reasons.note(JobId(8), "Operation not permitted");
        reasons.ended(&settings, JOB, failed);
        assert_eq!(outcome_of(&reasons, failure(failed)), "exit code 1");
        reasons.note(JOB.id, "Operation not permitted");
        reasons.ended(&settings, JOB, failed);
        let mut entry = failure(failed);
        reasons.add_to("another", &mut entry);
        assert_eq!(outcome_of(&Reasons::default(), entry), "exit code 1");
    }

    #[test]
    fn failure_words_are_sanitised_and_bounded() {
        assert_eq!(sanitised("\n  a\u{1b}[31mb\tc \nd"), "a [31mb c");
        let long = "é".repeat(LENGTH_MAX);
        assert_eq!(sanitised(&long), "é".repeat(LENGTH_MAX / 2));
        let mut reasons = Reasons::default();
        for job in 0..1000 {
            reasons.note(JobId(job), "x");
        }
        assert_eq!(reasons.waiting.len(), WAITING_MAX);
    }
}
