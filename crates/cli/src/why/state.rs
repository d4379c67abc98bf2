//! The state of a group in a sentence: as the daemon reports it, or as the journal has it.

use super::entries::{is_only_claimed, ownership, time};
use super::span::span;
use crate::show;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use systole_core::{GroupReport, NodeReport, Phase};
use systole_ipc::journal::{Entry, JournalEvent};

/// How far the owner of a group has come, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct State<'a> {
    owner: &'a str,
    term: u64,
    phase: Phase,
    /// The cause as a word, where it is known.
    cause: Option<&'a str>,
    since: Timestamp,
    /// Whether the group may have been in this state for longer.
    at_least: bool,
    /// Whether the owner does not run the group, and only keeps others from it.
    is_only_claimed: bool,
}

/// What the daemon reports about a group at this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present<'a> {
    pub(super) group: &'a GroupReport,
    pub(super) nodes: &'a [NodeReport],
}

impl<'a> State<'a> {
    /// Returns the last state that is recorded in these entries of a move.
    pub(super) fn recorded(told: &[&'a Entry]) -> Option<Self> {
        told.iter().rev().find_map(|entry| {
            let JournalEvent::Ownership { owner, term, phase, cause, .. } = &entry.event else {
                return None;
            };
            let (term, phase) = (*term, *phase);
            let (since, at_least) = (time(entry)?, is_met(told, entry));
            let is_only_claimed = is_only_claimed(entry);
            Some(Self { owner, term, phase, cause: Some(cause), since, at_least, is_only_claimed })
        })
    }

    /// Returns the state that the daemon reports.
    fn reported(group: &'a GroupReport, now: Timestamp) -> Option<Self> {
        let owner = group.owner.as_deref()?;
        let age = i64::try_from(group.since_ms).map(SignedDuration::from_millis).ok()?;
        let since = now.checked_sub(age).ok()?;
        let (term, phase, at_least) = (group.term, group.phase, group.at_least);
        let is_only_claimed = false;
        Some(Self { owner, term, phase, cause: None, since, at_least, is_only_claimed })
    }

    /// Returns where the group is, and for how long it has been there.
    pub(super) fn sentence(&self, zone: &TimeZone, now: Timestamp, is_past: bool) -> String {
        let owner = self.owner;
        let moment = since(self.since, zone, now);
        let since = if self.at_least { format!("at least {moment}") } else { moment.clone() };
        let at = if self.at_least { format!("{moment}, or earlier") } else { moment };
        let (is, runs) = if is_past { ("was", "ran") } else { ("is", "runs") };
        match self.phase {
            Phase::Starting if self.cause == Some("listed") => {
                format!(
                    "{is} considered running on {owner} until its executor reports (since {since})."
                )
            }
            Phase::Starting if self.cause == Some("unsure") => {
                format!("{is} being checked on {owner} (since {since}).")
            }
            Phase::Failed if self.cause == Some("executor_lost") => {
                format!("was given up on {owner} at {at}: its executor did not come back.")
            }
            Phase::Active if self.is_only_claimed => {
                format!("{is} claimed by {owner} (since {since}), so that no node starts it.")
            }
            Phase::Active => format!("{runs} on {owner} (since {since})."),
            Phase::Starting => format!("{is} being started on {owner} (since {since})."),
            Phase::Stopping => format!("{is} being stopped on {owner} (since {since})."),
            Phase::Stopped => format!("{is} stopped (since {since}); {owner} ran it last."),
            Phase::Failed => format!("could not be started on {owner} at {at}."),
            Phase::Blocked => {
                format!("{is} blocked on {owner} (since {since}): it cannot be stopped.")
            }
        }
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (self.owner, self.term, self.phase) == (other.owner, other.term, other.phase)
    }
}

impl Present<'_> {
    /// Returns the state as `hb status` shows it. The journal knows its cause and its exact time, if the
    /// journal ends with this very state; only the daemon knows whether it may have been longer.
    pub(super) fn sentence(
        self,
        recorded: Option<State<'_>>,
        zone: &TimeZone,
        now: Timestamp,
    ) -> String {
        let Self { group, nodes } = self;
        if let Some(left) = show::left_of(group) {
            return format!("is no longer in haresources: {left}.");
        }
        if let Some(why) = show::run_by_nobody(group, nodes) {
            return format!("is run by no node: {why}.");
        }
        let Some(reported) = State::reported(group, now) else {
            return "has no owner yet.".to_owned();
        };
        let at_least = reported.at_least;
        let recorded = recorded.filter(|state| state.is_same_as(&reported));
        State { at_least, ..recorded.unwrap_or(reported) }.sentence(zone, now, false)
    }
}

/// Whether an entry reports another node's ownership, and no entry says when that ownership began: it
/// already existed when that node was first heard.
fn is_met(told: &[&Entry], entry: &Entry) -> bool {
    let owns = |other: &&&Entry| ownership(other).is_some() && ownership(other) == ownership(entry);
    let first = told.iter().find(owns);
    let is_claim = |entry: &Entry| matches!(&entry.event, JournalEvent::Ownership { cause, .. } if cause == "claimed");
    is_claim(entry) && first.is_some_and(|first| *first == entry)
}

/// Returns a moment, and how long ago it was.
pub(super) fn since(moment: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let clock = moment.to_zoned(zone.clone()).strftime("%F %T %Z");
    let age = now.duration_since(moment).max(SignedDuration::ZERO);
    format!("{clock}, {} ago", span(u64::try_from(age.as_millis()).unwrap_or(0)))
}

#[cfg(test)]
pub(super) mod tests;
