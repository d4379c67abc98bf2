//! Lines of haresources that differ between the nodes, for log and journal.
//!
//! The core reports that other lines differ than before. The state, which says which ones, is asked for at the
//! next tick, so that the same lines that change on two nodes within a moment are no news.

use super::Control;
use super::alarms::{self, FILE};
use crate::beat::channel::Command;
use crate::log::Level;
use systole_core::Snapshot;
use systole_ipc::journal::JournalEvent;
use systole_ipc::protocol::AlarmReport;

/// What was last told of such lines.
#[derive(Debug, Default)]
pub(super) struct OtherLines {
    told: Vec<AlarmReport>,
    /// Whether the state must be asked for.
    is_due: bool,
    /// Whether the state was asked for and has not come yet.
    is_awaited: bool,
}

impl OtherLines {
    /// Records that other lines differ than before.
    pub(super) const fn record_change(&mut self) {
        self.is_due = true;
    }

    /// Returns the alarms that are new, and the groups that no longer have any.
    fn take(&mut self, alarms: Vec<AlarmReport>) -> (Vec<AlarmReport>, Vec<String>) {
        let told = std::mem::take(&mut self.told);
        let fresh = alarms.iter().filter(|alarm| !told.contains(alarm)).cloned().collect();
        let mut over: Vec<String> = told.into_iter().map(|alarm| alarm.group).collect();
        over.sort_unstable();
        over.dedup();
        over.retain(|group| alarms.iter().all(|alarm| alarm.group != *group));
        self.told = alarms;
        (fresh, over)
    }
}

impl Control {
    /// Asks for the state when other lines differ than before. It is asked for again later if there is no room.
    pub(super) fn tend_other_lines(&mut self) {
        if self.other_lines.is_due && self.beat.command(Command::Snapshot).is_ok() {
            (self.other_lines.is_due, self.other_lines.is_awaited) = (false, true);
        }
    }

    /// Logs which lines differ now and did not before, and which no longer do.
    pub(super) fn tell_other_lines(&mut self, snapshot: &Snapshot) {
        if !std::mem::take(&mut self.other_lines.is_awaited) {
            return;
        }
        let alarms = alarms::of_other_lines(&snapshot.nodes, &snapshot.groups);
        let (fresh, over) = self.other_lines.take(alarms);
        for AlarmReport { group, text } in fresh {
            let what = if group == FILE { "" } else { "group " };
            self.say(Level::Warning, format!("Alarm of {what}{group}: {text}"));
            self.note(JournalEvent::Alarm { group, text: Some(text), lines: true });
        }
        for group in over {
            let about = if group == FILE { "" } else { &format!(" about group {group}") };
            self.say(Level::Info, format!("haresources no longer differs{about}."));
            self.note(JournalEvent::Alarm { group, text: None, lines: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_difference_is_reported_once_and_its_end_once() {
        let alarm = |group: &str, text: &str| AlarmReport {
            group: group.to_owned(),
            text: text.to_owned(),
        };
        let [two, three] = ["web2", "web3"].map(|node| alarm("nginx", node));
        let other = alarm("10.0.0.9", "web2");
        let mut lines = OtherLines::default();
        let mut take = |alarms: &[&AlarmReport]| {
            let (fresh, over) = lines.take(alarms.iter().copied().cloned().collect());
            (fresh.into_iter().map(|it| it.group + " " + &it.text).collect::<Vec<_>>(), over)
        };
        let none = (Vec::new(), Vec::new());
        assert_eq!(take(&[]), none);
        assert_eq!(take(&[&two, &other]).0, ["nginx web2", "10.0.0.9 web2"]);
        assert_eq!(take(&[&two, &other]), none);
        assert_eq!(take(&[&two, &three, &other]).0, ["nginx web3"]);
        assert_eq!(take(&[&three]), (Vec::new(), vec!["10.0.0.9".to_owned()]));
        assert_eq!(take(&[]).1, ["nginx"]);
        assert_eq!(take(&[]), none);
    }
}
