//! Turns entries of the journal into sentences.

mod evidence;
mod hand_over;
mod jobs;

use super::entries::{is_only_claimed, time};
use super::span::span;
use crate::order;
use jiff::Timestamp;
use systole_core::{Obstacle, Phase};
use systole_ipc::journal::{Entry, JobEnd, JournalEvent};
use systole_ipc::order::JournalOrder;
use systole_ipc::protocol::Reason;
use systole_ipc::texts;

/// Puts the entries of a move into words, one after the other, and keeps what later sentences refer to.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// When the work in progress began.
    began: Option<Timestamp>,
    /// Whether it was already said who wants the hand-over.
    is_asked: bool,
}

impl Teller {
    /// Returns the sentence, without its full stop, about one entry or about consecutive jobs.
    pub(super) fn sentence(&mut self, run: &[&Entry]) -> String {
        let jobs: Vec<&JobEnd> = run.iter().filter_map(|entry| job(entry)).collect();
        match run {
            [] => String::new(),
            [entry, ..] if !jobs.is_empty() => jobs::sentence(teller(entry), &jobs),
            [entry, ..] => self.of(entry),
        }
    }

    fn of(&mut self, entry: &Entry) -> String {
        match &entry.event {
            JournalEvent::Ownership { owner, term, evidence, .. } if is_only_claimed(entry) => {
                self.began = None;
                format!("{owner} claims it (term {term}), so that no node starts it: {evidence}")
            }
            JournalEvent::Ownership { owner, term, phase, cause, evidence, .. } => {
                let took = self.record_phase(entry, *phase);
                ownership(owner, *term, *phase, (cause, evidence), took)
            }
            JournalEvent::Guard { mac, node, news, .. } => {
                texts::answer_news(mac, node.as_deref(), *news)
            }
            JournalEvent::NotTaken { obstacle, evidence, .. } => not_taken(*obstacle, evidence),
            JournalEvent::Reach { fault, .. } => reach(fault.as_deref()),
            JournalEvent::AddressBack { addresses, cause, .. } => back(addresses, cause),
            JournalEvent::Alarm { text, lines, .. } => alarm(text.as_deref(), *lines),
            JournalEvent::Death { node, evidence, silence_ms, limit_ms, links } => {
                let proof = evidence::silence(*silence_ms, *limit_ms, links);
                format!("{node} is dead: {}", proof.as_deref().unwrap_or(evidence))
            }
            JournalEvent::Late { node, milliseconds } => {
                format!("a beat of {node} was late: it came after {}", span(*milliseconds))
            }
            JournalEvent::Departure { node } => format!("{node} said goodbye"),
            JournalEvent::Return { node, evidence } => format!("{node} is back: {evidence}"),
            JournalEvent::Fencing { node, step, attempt, evidence } => {
                fencing(node, step, *attempt, evidence)
            }
            JournalEvent::Keys { step, waiting } => keys(step, waiting),
            JournalEvent::Hold { group, step, evidence } => hold(group.as_deref(), step, evidence),
            JournalEvent::Order { order, uid, pid, user, login, ticket: _ } => {
                let who = evidence::person(*uid, *pid, user.as_deref(), login.as_deref());
                format!("{who} ordered: {}", order::words(order))
            }
            JournalEvent::Denied { uid, pid, user } => {
                let who = evidence::person(*uid, *pid, user.as_deref(), None);
                format!("{who} gave an order without permission")
            }
            JournalEvent::Answer { order, refused, failed, ticket: _ } => {
                answer(order, *refused, failed.as_deref())
            }
            JournalEvent::HandOver(stage) => {
                let is_asked = std::mem::replace(&mut self.is_asked, true);
                hand_over::sentence(stage, teller(entry), is_asked)
            }
            JournalEvent::Refusal { node, step, refused } => {
                hand_over::refusal(node, *step, *refused, teller(entry))
            }
            JournalEvent::Pings(counts) => evidence::pings(counts, teller(entry)),
            JournalEvent::Job(job) => jobs::sentence(teller(entry), &[job]),
            JournalEvent::LetGo { why, .. } => {
                format!("the executor of {} released it: {why}", teller(entry))
            }
            JournalEvent::Executor { there } => {
                let state = if *there { "running again" } else { "gone" };
                format!("the executor of {} is {state}", teller(entry))
            }
            JournalEvent::Check { resource, follows, outcome, count, .. } => {
                on(entry, &texts::check(resource, outcome, follows, *count))
            }
            JournalEvent::Foreign { resource, owner, step, outcome, .. } => {
                on(entry, &texts::foreign(resource, owner.as_deref(), step, outcome))
            }
            JournalEvent::StopFailure { resource, measure, .. } => {
                let (node, what) = (teller(entry), done_about(measure));
                format!("{resource} cannot be stopped on {node}: {what}")
            }
            JournalEvent::Start { version, generation } => {
                format!("heartbeat {version} started on this node, generation {generation}")
            }
            JournalEvent::Reload { changes, restarts } => {
                let how = if *restarts { " and restarted itself" } else { "" };
                format!("this node loaded another configuration{how}: {}", changes.join("; "))
            }
            JournalEvent::Stop => "this node was told to stop".to_owned(),
            JournalEvent::Pause { milliseconds } => stall(teller(entry), *milliseconds),
            JournalEvent::Failure { node, action, resource, outcome, .. } => {
                format!("{}: {outcome}", texts::failed(node, *action, resource))
            }
        }
    }

    /// Records a phase. Returns how long the work took that this phase ends, if it ends any.
    fn record_phase(&mut self, entry: &Entry, phase: Phase) -> Option<u64> {
        let now = time(entry);
        let begins = match phase {
            Phase::Starting | Phase::Stopping => true,
            Phase::Stopped | Phase::Active | Phase::Failed | Phase::Blocked => false,
        };
        let began = std::mem::replace(&mut self.began, now.filter(|_| begins));
        let took = began.zip(now).map(|(began, now)| now.duration_since(began));
        took.and_then(|took| u64::try_from(took.as_millis()).ok())
    }
}

fn job(entry: &Entry) -> Option<&JobEnd> {
    if let JournalEvent::Job(job) = &entry.event { Some(job) } else { None }
}

/// Returns the node that wrote an entry. Entries of earlier versions do not name it.
fn teller(entry: &Entry) -> &str {
    if entry.from.is_empty() { "this node" } else { &entry.from }
}

/// Says where something has happened that a node tells of itself.
fn on(entry: &Entry, what: &str) -> String {
    format!("on {}, {what}", teller(entry))
}

fn not_taken(obstacle: Obstacle, evidence: &str) -> String {
    format!("this node does not take it although {evidence}: {}", texts::obstacle(obstacle))
}

fn back(addresses: &str, cause: &str) -> String {
    format!("{addresses} was missing and added again; nothing else changed: {cause}")
}

fn done_about(measure: &str) -> String {
    match measure {
        "reboot" => "the machine is restarted".to_owned(),
        "release-address" => "the group is blocked there, and its addresses are removed".to_owned(),
        "block" => "the group is blocked there".to_owned(),
        other => other.to_owned(),
    }
}

fn keys(step: &str, waiting: &[String]) -> String {
    let waiting = waiting.join(", ");
    match step {
        "begins" => "the keys are being renewed".to_owned(),
        "renewed" => "another node was heard with the new key".to_owned(),
        "complete" => "every node was heard with the new key".to_owned(),
        "waiting" => format!("{waiting} was still not heard with the new key"),
        "over" => "the old keys are no longer accepted".to_owned(),
        "expired" => format!(
            "the old keys are no longer accepted, and {waiting} was not heard with the new one"
        ),
        other => format!("keys: {other}"),
    }
}

fn hold(group: Option<&str>, step: &str, evidence: &str) -> String {
    let what = if group.is_some() { "it" } else { "everything" };
    match step {
        "held" => format!("{what} is held: {evidence}"),
        "released" => format!("{what} is no longer held: released, {evidence}"),
        "expired" => format!("{what} is no longer held: {evidence}"),
        "withheld" => format!("it is not taken, because it is held: {evidence}"),
        "kept" => format!("it stays where it is: {evidence}"),
        "kept_no_longer" => format!("it may move automatically again: {evidence}"),
        other => format!("{what}: {other}: {evidence}"),
    }
}

fn fencing(node: &str, step: &str, attempt: Option<u32>, evidence: &str) -> String {
    let attempt = attempt.map_or(String::new(), |attempt| format!(" (attempt {attempt})"));
    let what = match step {
        "wanted" => format!("no group of {node} is taken over before {node} is fenced"),
        "begins" => format!("a device is asked to reset {node}{attempt}"),
        "done" => format!("{node} was reset{attempt}"),
        "failed" => format!("{node} could not be reset{attempt}"),
        "cancelled" => format!("{node} is not fenced"),
        "confirmed" => format!("{node} was confirmed dead"),
        other => format!("{node}: {other}{attempt}"),
    };
    if evidence.is_empty() { what } else { format!("{what}: {evidence}") }
}

fn stall(node: &str, milliseconds: u64) -> String {
    format!("{node} was stalled for {}", span(milliseconds))
}

fn ownership(
    owner: &str,
    term: u64,
    phase: Phase,
    (cause, evidence): (&str, &str),
    took: Option<u64>,
) -> String {
    let took = took.map_or(String::new(), |took| format!(", after {}", span(took)));
    match phase {
        // It runs, as far as is known.
        Phase::Starting if cause == "unsure" => {
            format!("{owner} checks it (term {term}): {evidence}")
        }
        Phase::Starting => format!("{owner} starts it (term {term}): {evidence}"),
        Phase::Active => format!("{owner} runs it (term {term}){took}: {evidence}"),
        Phase::Stopping => format!("{owner} stops it (term {term}): {evidence}"),
        Phase::Stopped => format!("stopped on {owner} (term {term}){took}: {evidence}"),
        Phase::Failed => format!("{owner} could not start it (term {term}){took}: {evidence}"),
        Phase::Blocked => format!("blocked on {owner} (term {term}){took}: {evidence}"),
    }
}

/// Returns the sentence about the result of an order.
fn answer(order: &JournalOrder, refused: Option<Reason>, failed: Option<&str>) -> String {
    let order = order::words(order);
    match (failed, refused) {
        (Some(text), _) => format!("the order failed: {order}: {text}"),
        (None, Some(reason)) => {
            let what = if reason.is_failure() { "failed" } else { "was refused" };
            format!("the order {what}: {order}: {}", texts::reason(reason))
        }
        (None, None) => format!("the order was carried out: {order}"),
    }
}

/// Returns whether this node can reach its clients.
fn reach(fault: Option<&str>) -> String {
    match fault {
        Some(fault) => format!("this node cannot reach its clients: {fault}"),
        None => "this node can reach its clients again".to_owned(),
    }
}

/// Returns the sentence about a condition that an administrator should look at, or about its end.
fn alarm(text: Option<&str>, is_of_lines: bool) -> String {
    match (text, is_of_lines) {
        (Some(text), _) => format!("alarm: {text}"),
        (None, false) => "the alarm is over".to_owned(),
        (None, true) => "haresources no longer differs between the nodes here".to_owned(),
    }
}

#[cfg(test)]
mod tests;
