//! How often addresses had to be put back. Once is an accident; repeatedly is a fault.

use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{GroupKey, Time};

/// The time span within which repeats count, and after which an alarm is over.
const WINDOW: Duration = Duration::from_mins(1);
/// This number of repeats within the span raises an alarm.
const ALARM: usize = 3;
/// From this number on, addresses are put back only at the next renewal: another program keeps removing
/// them, and putting them back a hundred times a second helps nothing.
const FLOOD: usize = 100;

/// The groups whose addresses were put back recently.
#[derive(Debug, Default)]
pub(super) struct Removals {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    times: VecDeque<Time>,
    /// The alarm, once there is one.
    text: Option<String>,
}

impl Removals {
    /// Records that addresses of a group were put back. Returns whether that raises an alarm.
    pub(super) fn note(&mut self, now: Time, key: GroupKey, words: &str, why: &str) -> bool {
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
            return false;
        }
        group.text = Some(format!("{words} is removed again and again; last time {why}"));
        true
    }

    /// Whether so many addresses were put back that further ones wait for the next renewal.
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

    /// Ends alarms that are over. Returns whether there were any.
    pub(super) fn elapse(&mut self, now: Time) -> bool {
        let mut has_ended = false;
        self.groups.retain(|group| {
            let goes_on = group.times.back().is_some_and(|last| now.since(*last) < WINDOW);
            has_ended |= !goes_on && group.text.is_some();
            goes_on
        });
        has_ended
    }

    /// Every alarm in progress, in words.
    pub(super) fn texts(&self) -> impl Iterator<Item = (GroupKey, String)> {
        self.groups.iter().filter_map(|group| Some((group.key, group.text.clone()?)))
    }
}
