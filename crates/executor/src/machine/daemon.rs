//! The one daemon that the executor serves.

use super::jobs::Whose;
use super::{Machine, Shutdown};
use crate::Output;
use crate::protocol::{Action, Level, Report, Unfinished, VERSION};
use std::time::Duration;
use systole_core::{Resource, Time};

/// Longest time that a daemon waits for its greeting, which is due once the kernel has reported which of
/// the adopted addresses are present.
const GREETING_LIMIT: Duration = Duration::from_millis(500);

/// A connected daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    since: Time,
    pub(super) is_greeted: bool,
    /// Reports that are sent after the greeting.
    pub(super) early: Vec<Report>,
}

impl Machine {
    /// Accepts a daemon.
    pub(super) fn connect(&mut self) {
        if self.daemon.is_some() {
            self.lose_daemon();
        }
        self.daemon = Some(Daemon { since: self.now, is_greeted: false, early: Vec::new() });
        if self.farewell == Shutdown::Release {
            // An earlier daemon ordered this shutdown, and its order does not concern this one.
            self.farewell = Shutdown::None;
        }
    }

    /// Forgets a daemon that is gone. Waiting runs are not begun. Active runs continue, because a start
    /// that continues may end well, and a stop that is left half done is of no use.
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
        self.end_checks(|_| true);
        self.looks.forget();
    }

    /// The time at which a daemon is greeted even if it is not known which addresses are present.
    pub(super) fn deadline_of_greeting(&self) -> Option<Time> {
        let daemon = self.daemon.as_ref().filter(|daemon| !daemon.is_greeted)?;
        Some(daemon.since + GREETING_LIMIT)
    }

    /// Sends the greeting, with what is held and what still runs.
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
        // Resources whose run failed or had not begun are not reported as held, whatever the ledger says: a
        // daemon that takes up their group checks them first. Starts in progress are reported to the daemon
        // separately.
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

    /// Treats lost addresses as resources that may or may not run. The daemon is sent only a part of their
    /// group as held and starts the group again from its first resource, which may be a service. Such a
    /// start would be refused for as long as an address is known to be away.
    fn forget_lost(&mut self) {
        let mut changed = false;
        for (group, addresses) in self.addresses.take_lost() {
            changed |= self.books.doubt(group, &addresses);
        }
        if changed {
            self.write();
        }
    }

    /// The runs that are active or about to begin and that the daemon does not wait for. A check says
    /// nothing about what it leaves behind.
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
        // These addresses end with their lifetime, so nothing may rely on them.
        let left = self.addresses.left().map(|(group, address)| Unfinished {
            group,
            action: Action::Stop,
            resources: vec![address.clone()],
        });
        let abandoned = self.abandoned.iter().map(|run| run.unfinished.clone());
        let all = jobs.chain(removals).chain(left).chain(abandoned);
        all.filter(|run| run.action != Action::Monitor).collect()
    }
}
