//! The moves of a group: what the journal contains about each, and about the nodes shortly before.

mod moves;

use super::entries::{Member, group_of, time};
use super::sentence::Teller;
use super::state::{Present, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use systole_core::Phase;
use systole_ipc::journal::RETIRED;
use systole_ipc::journal::{Entry, JournalEvent};

/// The last moves of a group.
#[derive(Debug, Serialize)]
pub(super) struct Story<'a> {
    group: &'a str,
    /// The entries of every move, oldest first.
    entries: Vec<&'a Entry>,
    #[serde(skip)]
    moves: Vec<Vec<&'a Entry>>,
}

/// Returns the groups in the journal, in the order of their first entries.
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

/// Returns whether a resource that was started or stopped in a group has a word with this property.
pub(super) fn has_word(entries: &[Entry], group: &str, fits: impl Fn(&str) -> bool) -> bool {
    let tells = |entry: &Entry| {
        let JournalEvent::Job(job) = &entry.event else { return false };
        job.group == group && job.resources.iter().any(|word| fits(word))
    };
    entries.iter().any(tells)
}

/// Returns whether a group is a line that was replaced, and nothing of it is left.
pub(super) fn is_over(entries: &[Entry], group: &str) -> bool {
    let is_retired = group.ends_with(RETIRED);
    let last = entries.iter().rev().find_map(|entry| {
        let JournalEvent::Ownership { group: of, phase, .. } = &entry.event else {
            return None;
        };
        (of == group).then_some(*phase)
    });
    is_retired && last == Some(Phase::Stopped)
}

impl<'a> Story<'a> {
    /// Returns the last moves of `group`, as many as wanted or as the journal has. With its `home`, hand-overs
    /// of sets that do not contain it are left out.
    pub(super) fn of(
        entries: &'a [Entry],
        group: &'a str,
        home: Option<&str>,
        wanted: usize,
    ) -> Self {
        let all = moves::of(entries, Member { name: group, home });
        let moves = all[all.len().saturating_sub(wanted)..].to_vec();
        Self { group, entries: moves.concat(), moves }
    }

    /// Returns the name of the group in the journal.
    pub(super) const fn group(&self) -> &'a str {
        self.group
    }

    /// Returns the story in sentences, the last move first, with times in `zone`; `now` is for ages. Without
    /// the `present` state, the result of the last move may no longer be true.
    pub(super) fn text(
        &self,
        zone: &TimeZone,
        now: Timestamp,
        present: Option<Present<'_>>,
    ) -> String {
        let mut text = String::new();
        for (index, told) in self.moves.iter().rev().enumerate() {
            let recorded = State::recorded(told);
            let head = match present.filter(|_| index == 0) {
                Some(present) => Some(present.sentence(recorded, zone, now)),
                None => recorded.map(|state| state.sentence(zone, now, true)),
            };
            let name = if index == 0 { self.group } else { "Before that it" };
            text += &head.map_or_else(|| format!("{name}\n"), |told| format!("{name} {told}\n"));
            text += &lines(told, zone);
        }
        text
    }
}

/// Returns the entries of a move, one per line; consecutive jobs are one line.
fn lines(told: &[&Entry], zone: &TimeZone) -> String {
    let mut teller = Teller::default();
    let mut text = String::new();
    let mut day = None;
    for run in told.chunk_by(|left, right| is_job(left) && is_job(right)) {
        let Some(entry) = run.first() else { continue };
        let moment = time(entry).map(|time| time.to_zoned(zone.clone()));
        if let Some(moment) = &moment
            && day.replace(moment.date()).is_some_and(|day| day != moment.date())
        {
            text += &format!("  {}\n", moment.strftime("%F"));
        }
        let clock = moment.map(|moment| moment.strftime("%T%.3f").to_string());
        let sentence = teller.sentence(run);
        text += &format!("  {}  {sentence}\n", clock.as_deref().unwrap_or(&entry.time));
    }
    text
}

fn is_job(entry: &Entry) -> bool {
    matches!(entry.event, JournalEvent::Job(_))
}

#[cfg(test)]
mod tests;
