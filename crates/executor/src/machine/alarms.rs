//! The alarms of groups, as the daemon is told them: one text for a group, whatever the causes are.

use super::Machine;
use crate::protocol::Report;
use std::collections::BTreeMap;
use std::time::Duration;
use systole_core::{GroupKey, Time};

/// The span in which the text of a group may change [`CHANGES_MAX`] times. Each text is a line in the log, and what
/// it says may change as often as somebody likes: claims of addresses can be forged.
const SPAN: Duration = Duration::from_mins(1);
const CHANGES_MAX: u8 = 4;

/// The alarms in progress.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    told: BTreeMap<GroupKey, Told>,
    /// Something has happened that may have changed an alarm.
    pub(super) is_stale: bool,
}

/// What the daemon was told of a group.
#[derive(Debug)]
struct Told {
    text: String,
    /// When the present span began, and how often the text has changed in it.
    since: Time,
    changes: u8,
    /// The text has changed meanwhile.
    is_behind: bool,
}

impl Told {
    fn new(text: String, now: Time) -> Self {
        Self { text, since: now, changes: 0, is_behind: false }
    }

    /// When another text may be told, if the present span has had all its changes.
    fn until(&self) -> Time {
        self.since + SPAN
    }

    /// Another text is told, if it may be.
    fn change(&mut self, now: Time, text: &str) -> bool {
        self.is_behind = text != self.text;
        if now >= self.until() {
            (self.since, self.changes) = (now, 0);
        }
        let is_told = self.is_behind && self.changes < CHANGES_MAX;
        if is_told {
            text.clone_into(&mut self.text);
            self.changes += 1;
            self.is_behind = false;
        }
        is_told
    }
}

impl Alarms {
    /// Compares the alarms that there are with what was told, and returns what is to be told. The beginning
    /// and the end of an alarm are told at once.
    fn review(&mut self, now: Time, mut present: BTreeMap<GroupKey, String>) -> Vec<Report> {
        let mut reports = Vec::new();
        self.told.retain(|group, told| {
            let Some(text) = present.remove(group) else {
                reports.push(Report::Alarm { group: *group, text: None });
                return false;
            };
            if told.change(now, &text) {
                reports.push(Report::Alarm { group: *group, text: Some(text) });
            }
            true
        });
        for (group, text) in present {
            reports.push(Report::Alarm { group, text: Some(text.clone()) });
            self.told.insert(group, Told::new(text, now));
        }
        reports
    }

    /// When a text that has changed may be told.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.told.values().filter(|told| told.is_behind).map(Told::until).min()
    }
}

impl Machine {
    /// Lets alarms that may have changed with the time be looked at.
    pub(super) fn elapse_alarms(&mut self) {
        self.alarms.is_stale |= !self.alarms.told.is_empty();
    }

    /// Reports alarms that begin, change or end.
    pub(super) fn review_alarms(&mut self) {
        if !std::mem::take(&mut self.alarms.is_stale) {
            return;
        }
        let mut present: BTreeMap<GroupKey, String> = BTreeMap::new();
        for (group, text) in self.addresses.alarm_texts().chain(self.conflict_texts()) {
            let all = present.entry(group).or_default();
            if !all.is_empty() {
                all.push_str("; ");
            }
            all.push_str(&text);
        }
        for report in self.alarms.review(self.now, present) {
            self.report(report);
        }
    }

    /// Reports the alarms in progress to a new daemon.
    pub(super) fn tell_alarms(&mut self) {
        let told = self.alarms.told.iter();
        let reports = told.map(|(group, told)| {
            let text = Some(told.text.clone());
            Report::Alarm { group: *group, text }
        });
        for report in reports.collect::<Vec<_>>() {
            self.report(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: GroupKey = GroupKey(1);
    const DB: GroupKey = GroupKey(2);

    type Present<'a> = &'a [(GroupKey, &'a str)];

    #[test]
    fn alarm_begins_and_ends_at_once_and_its_text_changes_four_times_a_minute() {
        let mut alarms = Alarms::default();
        let alarm =
            |group, text: Option<&str>| Report::Alarm { group, text: text.map(str::to_owned) };
        let present = |list: &[(GroupKey, &str)]| {
            list.iter().map(|(group, text)| (*group, (*text).to_owned())).collect()
        };
        // Seconds, what there is, what is told.
        let rows: [(u64, Present<'_>, &[Report]); 11] = [
            (0, &[], &[]),
            (1, &[(WEB, "a")], &[alarm(WEB, Some("a"))]),
            (2, &[(WEB, "a")], &[]),
            (3, &[(WEB, "b"), (DB, "c")], &[alarm(WEB, Some("b")), alarm(DB, Some("c"))]),
            (4, &[(WEB, "d"), (DB, "c")], &[alarm(WEB, Some("d"))]),
            (5, &[(WEB, "e"), (DB, "c")], &[alarm(WEB, Some("e"))]),
            (6, &[(WEB, "f"), (DB, "c")], &[alarm(WEB, Some("f"))]),
            (60, &[(WEB, "g"), (DB, "c")], &[]),
            (61, &[(WEB, "g"), (DB, "c")], &[alarm(WEB, Some("g"))]),
            (62, &[(WEB, "h")], &[alarm(WEB, Some("h")), alarm(DB, None)]),
            (63, &[], &[alarm(WEB, None)]),
        ];
        for (second, there, told) in rows {
            let now = Time::START + Duration::from_secs(second);
            assert_eq!(alarms.review(now, present(there)), told, "at {second} s");
            let due = alarms.deadline();
            let is_behind = second == 60;
            assert_eq!(due.is_some(), is_behind, "at {second} s");
            assert!(due.is_none_or(|due| due > now), "at {second} s");
        }
    }
}
