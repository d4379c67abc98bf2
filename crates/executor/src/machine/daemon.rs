//! The one daemon that is served.

use super::jobs::Whose;
use super::{Machine, Shutdown};
use crate::Output;
use crate::protocol::{Action, Level, Report, Unfinished, VERSION};
use std::time::Duration;
use systole_core::{Resource, Time};

/// Longest time that a daemon waits for its greeting: until the kernel has told which of the
/// adopted addresses are there.
const GREETING_LIMIT: Duration = Duration::from_millis(500);

/// A connected daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    since: Time,
    pub(super) is_greeted: bool,
    /// What comes after the greeting.
    pub(super) early: Vec<Report>,
}

impl Machine {
    /// Takes a daemon.
    pub(super) fn connect(&mut self) {
        if self.daemon.is_some() {
            self.lose_daemon();
        }
        self.daemon = Some(Daemon { since: self.now, is_greeted: false, early: Vec::new() });
        if self.farewell == Shutdown::Release {
            // That was the order of another one, which had nothing more to do with us.
            self.farewell = Shutdown::None;
        }
    }

    /// Forgets a daemon that is gone. What waits is not begun; what runs goes on, because a start
    /// that goes on may end well, and a stop that is half done helps nobody.
    pub(super) fn lose_daemon(&mut self) {
        if self.daemon.take().is_none() {
            return;
        }
        self.alone_since = self.now;
        if self.configuration.restart_grace_ms > 0 {
            let grace = Duration::from_millis(self.configuration.restart_grace_ms);
            self.lease.limit(self.now + grace);
        }
        drop(self.queues.remove(|job| job.whose == Whose::Daemon));
        for active in &mut self.active {
            if active.job.whose == Whose::Daemon {
                active.job.whose = Whose::Nobody;
            }
        }
        self.looks.forget();
    }

    /// When a daemon is greeted though it is not known which addresses are there.
    pub(super) fn deadline_of_greeting(&self) -> Option<Time> {
        let daemon = self.daemon.as_ref().filter(|daemon| !daemon.is_greeted)?;
        Some(daemon.since + GREETING_LIMIT)
    }

    /// Says hello, with what is held and what still runs.
    pub(super) fn greet(&mut self) {
        if self.daemon.as_ref().is_none_or(|daemon| daemon.is_greeted) {
            return;
        }
        let is_late = self.deadline_of_greeting().is_some_and(|limit| self.now >= limit);
        let is_greeted = self.daemon.as_ref().is_none_or(|daemon| daemon.is_greeted);
        if is_greeted || !self.addresses.are_known() && !is_late {
            return;
        }
        self.forget_lost();
        let (mut groups, unfinished) = (self.held().to_vec(), self.unfinished());
        // What did not do as it was told, or had not begun, is not held, whatever the ledger says: a
        // daemon that takes up its group looks first. What is being started it hears of apart.
        for group in &mut groups {
            let key = group.group;
            let goes_on = |it: &Resource| {
                let mut runs = unfinished.iter().filter(|run| run.group == key);
                runs.any(|run| run.resources.contains(it))
            };
            let is_sure = |it: &Resource| !self.books.doubts(key, it) || goes_on(it);
            group.resources.retain(is_sure);
        }
        let letting_go = self.letting_go_reports();
        let Some(daemon) = &mut self.daemon else { return };
        daemon.is_greeted = true;
        let early = std::mem::take(&mut daemon.early);
        let hello = Report::Hello { version: VERSION, groups, unfinished };
        let reports = [hello].into_iter().chain(letting_go).chain(early);
        self.outbox.extend(reports.map(Output::Report));
        for address in std::mem::take(&mut self.orphans) {
            self.log(Level::Warning, format!("Removed orphaned address {address}"));
        }
        self.tell_alarms();
    }

    /// Takes addresses that are lost for what may run or not. The daemon hears of a part of their group
    /// and starts it again from its first resource, which may be a service: that would be refused for as
    /// long as an address is known to be away.
    fn forget_lost(&mut self) {
        let mut changed = false;
        for (group, addresses) in self.addresses.take_lost() {
            changed |= self.books.doubt(group, &addresses);
        }
        if changed {
            self.write();
        }
    }

    /// What runs, or is about to, and is not awaited by the daemon.
    fn unfinished(&self) -> Vec<Unfinished> {
        let active = self.active.iter().map(|active| &active.job);
        let waiting = self.queues.waiting();
        let jobs = active.chain(waiting).filter(|job| job.whose != Whose::Daemon);
        let jobs = jobs.map(|job| Unfinished {
            group: job.run.group,
            action: job.run.action,
            resources: job.run.resources.clone(),
        });
        let removals = self.letting_go.removals().map(|(group, address)| Unfinished {
            group: *group,
            action: Action::Stop,
            resources: vec![address.clone()],
        });
        // They end with their lifetime: nobody may count on them.
        let left = self.addresses.left().map(|(group, address)| Unfinished {
            group,
            action: Action::Stop,
            resources: vec![address.clone()],
        });
        let abandoned = self.abandoned.iter().map(|run| run.unfinished.clone());
        jobs.chain(removals).chain(left).chain(abandoned).collect()
    }
}
