//! The journal, which records why everything moved: one JSON object per line.

mod evidence;
mod fencing;
mod file;
mod hold;
mod repeats;
#[cfg(test)]
mod tests;

pub use file::Journal;
pub(super) use file::Scribe;

use std::time::Duration;
use systole_core::{
    Action, Cause, Event, Failure, ForeignStep, Group, GroupId, HandOverEvent, NodeId, Settings,
};
use systole_ipc::journal::{JournalEvent, RETIRED};
use systole_ipc::texts;

/// The group whose story an entry belongs to. A line that was replaced differs from the one that replaced
/// it, although both have the same name.
fn story_of(group: &Group) -> String {
    if group.is_retired { format!("{}{RETIRED}", group.name()) } else { group.name().to_owned() }
}

fn name_of(settings: &Settings, group: GroupId) -> String {
    settings.groups.get(group.index()).map_or("?", Group::name).to_owned()
}

/// Returns what the journal records about an event of the core, unless the event is only for the log.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "an event says itself whether it is kept")]
pub(crate) fn of_event(settings: &Settings, event: &Event) -> Option<JournalEvent> {
    let name = |node: &NodeId| settings.name(*node).to_owned();
    match event {
        Event::Ownership { group, owner, term, phase, cause } => Some(JournalEvent::Ownership {
            group: story_of(settings.groups.get(group.index())?),
            owner: name(owner),
            term: *term,
            phase: *phase,
            cause: cause_word(cause).into(),
            evidence: texts::cause(cause, settings),
        }),
        Event::PeerDead(node, silence) => Some(evidence::death(settings, name(node), silence)),
        Event::LateBeat { node, interval, deadly: true } => {
            Some(JournalEvent::Late { node: name(node), milliseconds: milliseconds(*interval) })
        }
        Event::JobEnded { job, outcome, took } => {
            evidence::job_end(settings, *job, *outcome, *took).map(JournalEvent::Job)
        }
        Event::HandOverProgress(plan) => {
            Some(JournalEvent::HandOver(evidence::stage_of(settings, plan)))
        }
        Event::PingsCounted(counts) => {
            Some(JournalEvent::Pings(evidence::counts_of(settings, counts)))
        }
        Event::HandOver(HandOverEvent::Refused { node, step, why, left: _ }) => {
            Some(JournalEvent::Refusal { node: name(node), step: *step, refused: *why })
        }
        Event::PeerLeft(node) => Some(JournalEvent::Departure { node: name(node) }),
        Event::PeerReturned(node) => Some(JournalEvent::Return {
            node: name(node),
            evidence: "beats of the same generation".into(),
        }),
        Event::PeerRestarted(node) => Some(JournalEvent::Return {
            node: name(node),
            evidence: "a message of a higher generation".into(),
        }),
        Event::StartFailed { group, resource, outcome } => failed(
            settings,
            settings.me,
            *group,
            Action::Start,
            *resource,
            texts::outcome(*outcome),
        ),
        Event::CheckFailed { group, resource, outcome, words, follows } => {
            let outcome = texts::explained(*outcome, words.as_str(), false);
            let word = texts::after_check_word(*follows);
            check(settings, (*group, *resource), word, outcome, texts::after_check_count(*follows))
        }
        Event::CheckRecovered { group, resource } => {
            check(settings, (*group, *resource), "recovered", String::new(), None)
        }
        Event::Foreign { group, resource, owner, step } => {
            foreign(settings, (*group, *resource), owner.as_ref().map(name), *step)
        }
        Event::AddressAnswers { .. } => guarded(settings, event),
        Event::StopFailed { group, resource, outcome } => {
            failed(settings, settings.me, *group, Action::Stop, *resource, texts::outcome(*outcome))
        }
        Event::PeerFailed { node, group, failure } => {
            let Failure { action, resource, outcome: _, words: _ } = *failure;
            let place = usize::from(resource);
            let resources = &settings.groups.get(group.index())?.resources;
            let outcome = texts::failure(failure, resources.get(place));
            failed(settings, *node, *group, action, place, outcome)
        }
        Event::Fencing(node, step) => Some(fencing::event(name(node), *step)),
        Event::Hold(step) => Some(hold::event(settings, *step)),
        Event::NotTaken { group, obstacle, cause } => Some(JournalEvent::NotTaken {
            group: name_of(settings, *group),
            obstacle: *obstacle,
            evidence: texts::cause(cause, settings),
        }),
        Event::StopBegins => Some(JournalEvent::Stop),
        Event::Paused(gap) => Some(JournalEvent::Pause { milliseconds: milliseconds(*gap) }),
        _ => {
            debug_assert!(event.is_for_log_only(), "the journal keeps no entry of {event:?}");
            None
        }
    }
}

fn foreign(
    settings: &Settings,
    (group, resource): (GroupId, usize),
    owner: Option<String>,
    step: ForeignStep,
) -> Option<JournalEvent> {
    let outcome = match step {
        ForeignStep::NotStopped(outcome) => texts::outcome(outcome),
        ForeignStep::Runs { .. } | ForeignStep::Stopped | ForeignStep::Gone => String::new(),
    };
    let resources = &settings.groups.get(group.index())?.resources;
    Some(JournalEvent::Foreign {
        group: name_of(settings, group),
        resource: resources.get(resource)?.word.clone(),
        owner,
        step: texts::foreign_word(step).into(),
        outcome,
    })
}

fn guarded(settings: &Settings, event: &Event) -> Option<JournalEvent> {
    let Event::AddressAnswers { group, mac, node, news } = *event else { return None };
    let node = node.map(|node| settings.name(node).to_owned());
    let group = settings.groups.get(group.index())?.name().to_owned();
    Some(JournalEvent::Guard { group, mac: mac.to_string(), node, news })
}

fn failed(
    settings: &Settings,
    node: NodeId,
    group: GroupId,
    action: Action,
    resource: usize,
    outcome: String,
) -> Option<JournalEvent> {
    let group = settings.groups.get(group.index())?;
    let resource = group.resources.get(resource).map_or("", |resource| &resource.word);
    Some(JournalEvent::Failure {
        group: group.name().to_owned(),
        node: settings.name(node).to_owned(),
        action,
        resource: resource.to_owned(),
        outcome,
    })
}

fn check(
    settings: &Settings,
    (group, resource): (GroupId, usize),
    follows: &'static str,
    outcome: String,
    count: Option<(u8, u8)>,
) -> Option<JournalEvent> {
    let group = settings.groups.get(group.index())?;
    let resource = group.resources.get(resource).map_or("", |resource| &resource.word);
    Some(JournalEvent::Check {
        group: group.name().to_owned(),
        resource: resource.to_owned(),
        follows: follows.into(),
        outcome,
        count,
    })
}

fn cause_word(cause: &Cause) -> &'static str {
    match cause {
        Cause::Unowned => "unowned",
        Cause::OwnerDead { .. } => "owner_dead",
        Cause::OwnerLeft(_) => "owner_left",
        Cause::OwnerUnheard(_) => "owner_unheard",
        Cause::OwnerFailed(_) => "owner_failed",
        Cause::OwnerInDoubt(_) => "owner_in_doubt",
        Cause::ExecutorLost => "executor_lost",
        Cause::HandOver { .. } => "hand_over",
        Cause::Listed => "listed",
        Cause::Adopted => "adopted",
        Cause::Unsure => "unsure",
        Cause::Claimed(_) => "claimed",
        Cause::Outranked(_) => "outranked",
        Cause::Reclaimed(_) => "reclaimed",
        Cause::Stopping => "stopping",
        Cause::StartFailed => "start_failed",
        Cause::CheckFailed => "check_failed",
        Cause::LetGo => "let_go",
        Cause::StopFailed => "stop_failed",
        Cause::Retry => "retry",
        Cause::Reload => "reload",
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
