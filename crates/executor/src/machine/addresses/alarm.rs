//! How often addresses had to be put back: once is an accident, again and again a fault.

use crate::protocol::Report;
use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{GroupKey, Time};

/// The time in which repeats count, and after which an alarm is over.
const WINDOW: Duration = Duration::from_mins(1);
/// As many in this time are an alarm.
const ALARM: usize = 3;
/// From so many on they are put back at the next renewal only: somebody fights us, and what is
/// done a hundred times a second helps nobody.
const FLOOD: usize = 100;

/// The groups whose addresses were put back of late.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    times: VecDeque<Time>,
    text: Option<String>,
}

impl Alarms {
    /// Notes that addresses of a group were put back. Gives an alarm when it is time for one.
    pub(super) fn note(
        &mut self,
        now: Time,
        key: GroupKey,
        words: &str,
        why: &str,
    ) -> Option<Report> {
        let at = self.groups.iter().position(|group| group.key == key);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Group { key, times: VecDeque::new(), text: None });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        group.times.retain(|time| now.since(*time) < WINDOW);
        if group.times.len() > FLOOD {
            group.times.pop_front();
        }
        group.times.push_back(now);
        if group.times.len() < ALARM || group.text.is_some() {
            return None;
        }
        group.text = Some(format!("{words} is removed again and again; last time {why}"));
        Some(group.report())
    }

    /// Whether so many were put back that more of them wait for the next renewal.
    pub(super) fn is_flooded(&self, now: Time, key: GroupKey) -> bool {
        let mut groups = self.groups.iter().filter(|group| group.key == key);
        groups.any(|group| {
            group.times.iter().filter(|time| now.since(**time) < WINDOW).count() >= FLOOD
        })
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let last = self.groups.iter().filter_map(|group| group.times.back());
        last.min().map(|last| *last + WINDOW)
    }

    /// Ends alarms that are over, and gives what is to be told of it.
    pub(super) fn elapse(&mut self, now: Time) -> Vec<Report> {
        let mut over = Vec::new();
        self.groups.retain(|group| {
            let goes_on = group.times.back().is_some_and(|last| now.since(*last) < WINDOW);
            if !goes_on && group.text.is_some() {
                over.push(Report::Alarm { group: group.key, text: None });
            }
            goes_on
        });
        over
    }

    /// Every alarm that there is.
    pub(super) fn reports(&self) -> Vec<Report> {
        let alarms = self.groups.iter().filter(|group| group.text.is_some());
        alarms.map(Group::report).collect()
    }
}

impl Group {
    fn report(&self) -> Report {
        Report::Alarm { group: self.key, text: self.text.clone() }
    }
}
