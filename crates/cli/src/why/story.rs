//! The last move of a group: what the journal has of it, and of the nodes shortly before.

use super::sentence;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use systole_core::Phase;
use systole_node::state::{Entry, Happening};

/// How far back something that befell a node counts as having to do with a move.
const PRELUDE: SignedDuration = SignedDuration::from_mins(1);

/// The last move of a group.
#[derive(Debug, Serialize)]
pub(super) struct Story<'a> {
    group: &'a str,
    entries: Vec<&'a Entry>,
}

/// The groups that the journal knows, in the order in which it met them.
pub(super) fn groups(entries: &[Entry]) -> Vec<&str> {
    let mut groups: Vec<&str> = Vec::new();
    for entry in entries {
        if let Some(group) = group_of(entry)
            && !groups.contains(&group)
        {
            groups.push(group);
        }
    }
    groups
}

impl<'a> Story<'a> {
    /// The last move of `group`: from the moment when it left the owner before, or as far back as
    /// the journal reaches.
    pub(super) fn of(entries: &'a [Entry], group: &'a str) -> Self {
        let own = |entry: &&Entry| group_of(entry) == Some(group);
        let last = entries.iter().rev().filter(own).find_map(ownership);
        let settled_elsewhere =
            |entry: &Entry| own(&entry) && is_active(entry) && ownership(entry) != last;
        let begin = entries.iter().rposition(settled_elsewhere).map_or(0, |place| place + 1);
        let first = entries[begin..].iter().position(|entry| own(&entry));
        let first = begin + first.unwrap_or(0);
        let end = entries.iter().rposition(|entry| own(&entry)).map_or(first, |place| place + 1);
        let since = time(&entries[first]).map(|time| time - PRELUDE);
        let prelude = |entry: &&Entry| time(entry) >= since;
        let before = entries[begin..first].iter().filter(prelude);
        let story = before.chain(&entries[first..end]);
        let told = |entry: &&Entry| own(entry) || group_of(entry).is_none();
        Self { group, entries: story.filter(told).collect() }
    }

    /// The story in sentences, with times of `zone`.
    pub(super) fn text(&self, zone: &TimeZone) -> String {
        let mut text = match self.entries.iter().rev().find_map(|entry| summary(entry, zone)) {
            Some(summary) => format!("{} {summary}\n", self.group),
            None => format!("{}\n", self.group),
        };
        let mut began: Option<Timestamp> = None;
        for entry in &self.entries {
            let clock =
                time(entry).map(|time| time.to_zoned(zone.clone()).strftime("%T%.3f").to_string());
            let took = began.zip(time(entry)).map(|(began, now)| now.duration_since(began));
            let sentence = sentence::of(&entry.happening, took);
            text += &format!("  {}  {sentence}\n", clock.as_deref().unwrap_or(&entry.time));
            if let Happening::Ownership { phase, .. } = &entry.happening {
                began = phase_begins(*phase).then(|| time(entry)).flatten();
            }
        }
        text
    }
}

/// Whether a phase is the beginning of work that a later entry ends.
fn phase_begins(phase: Phase) -> bool {
    match phase {
        Phase::Starting | Phase::Stopping => true,
        Phase::Stopped | Phase::Active | Phase::Failed | Phase::Blocked => false,
    }
}

fn summary(entry: &Entry, zone: &TimeZone) -> Option<String> {
    let Happening::Ownership { owner, phase, .. } = &entry.happening else { return None };
    let time = time(entry)?.to_zoned(zone.clone()).strftime("%F %T %Z").to_string();
    Some(match phase {
        Phase::Active => format!("runs on {owner} since {time}."),
        Phase::Starting => format!("is being started on {owner} since {time}."),
        Phase::Stopping => format!("is being stopped on {owner} since {time}."),
        Phase::Stopped => format!("is stopped since {time}; {owner} had it last."),
        Phase::Failed => format!("could not be started on {owner} at {time}."),
        Phase::Blocked => format!("is blocked on {owner} since {time}: it cannot be stopped."),
    })
}

fn group_of(entry: &Entry) -> Option<&str> {
    match &entry.happening {
        Happening::Ownership { group, .. }
        | Happening::Failure { group, .. }
        | Happening::Reach { group, .. } => Some(group),
        Happening::Death { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Order { .. }
        | Happening::Answer { .. }
        | Happening::Start { .. }
        | Happening::Stop
        | Happening::Pause { .. } => None,
    }
}

/// Whose a group is after this entry.
fn ownership(entry: &Entry) -> Option<(&str, u64)> {
    match &entry.happening {
        Happening::Ownership { owner, term, .. } => Some((owner, *term)),
        Happening::Failure { .. }
        | Happening::Reach { .. }
        | Happening::Death { .. }
        | Happening::Departure { .. }
        | Happening::Return { .. }
        | Happening::Fencing { .. }
        | Happening::Order { .. }
        | Happening::Answer { .. }
        | Happening::Start { .. }
        | Happening::Stop
        | Happening::Pause { .. } => None,
    }
}

fn is_active(entry: &Entry) -> bool {
    matches!(entry.happening, Happening::Ownership { phase: Phase::Active, .. })
}

fn time(entry: &Entry) -> Option<Timestamp> {
    entry.time.parse().ok()
}

#[cfg(test)]
mod tests;
