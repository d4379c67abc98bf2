//! Letting go of groups: without a permit, another node may be about to own them.

use super::jobs::{Job, Whose};
use super::{Machine, Shutdown};
use crate::protocol::{Action, Held, LetGoReason, Level, Outcome, Report, Run};
use crate::{Output, RunId};
use std::time::Duration;
use systole_core::{GroupKey, JobId, Resource, ResourceKind, Time};

/// Milliseconds for one stop, because no daemon is there to give another limit.
pub(super) const STOP_TIMEOUT: u64 = 60_000;
/// How long to wait before a failed stop is tried again; the wait doubles each time.
const RETRY: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// The groups that are being let go, each independently of the others.
///
/// ```text
///                         all answered, nothing held
///            ┌─ Stopping ─────────────────────────────────▶ over
///   let go ──┤    ▲  │ all answered, something held           ▲
///            └────┘  ▼                                        │
///          due └─ Waiting ────────────────────────────────────┘
///                           there is a permit again
/// ```
#[derive(Debug, Default)]
pub(super) struct LettingGo {
    groups: Vec<Release>,
    /// Addresses that are being removed, by the change that removes them.
    removals: Vec<(RunId, Vec<(GroupKey, Resource)>)>,
}

/// A group that is being let go.
#[derive(Debug)]
struct Release {
    group: GroupKey,
    reason: LetGoReason,
    /// The number of the executor's own stops that have not ended.
    stops: usize,
    /// The number of retries.
    retries: u32,
    retry_at: Option<Time>,
}

impl LettingGo {
    /// Whether a group is being let go.
    pub(super) fn has(&self, group: GroupKey) -> bool {
        self.groups.iter().any(|release| release.group == group)
    }

    /// The addresses that are being removed.
    pub(super) fn removals(&self) -> impl Iterator<Item = &(GroupKey, Resource)> {
        self.removals.iter().flat_map(|(_, addresses)| addresses)
    }

    /// The time of the next retry.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.groups.iter().filter_map(|release| release.retry_at).min()
    }

    /// Whether everything that was requested to let go of a group has been answered.
    fn is_answered(&self, release: &Release) -> bool {
        release.stops == 0 && self.removals().all(|(group, _)| *group != release.group)
    }

    /// The groups that are being let go, each with the reason.
    pub(super) fn groups(&self) -> impl Iterator<Item = (LetGoReason, GroupKey)> {
        self.groups.iter().map(|release| (release.reason, release.group))
    }
}

impl Machine {
    /// Whether any group is held that is not being let go.
    pub(super) fn keeps_something(&self) -> bool {
        self.held().iter().any(|held| !self.letting_go.has(held.group))
    }

    /// Lets go when the permit has expired, and retries failed stops.
    pub(super) fn check_permit(&mut self) {
        if self.keeps_something() && !self.lease.is_valid(self.now) {
            self.log(Level::Error, "Permit expired: releasing all resources".to_owned());
            self.let_go(LetGoReason::PermitExpired);
        }
        let now = self.now;
        let mut due = Vec::new();
        for release in &mut self.letting_go.groups {
            if release.retry_at.take_if(|at| now >= *at).is_some() {
                due.push(release.group);
            }
        }
        self.release(&due);
    }

    /// Ends every run except stops that are in progress, removes all addresses at once, then stops the
    /// rest, each group from right to left and all groups at the same time. The daemon is told before
    /// anything is done, because it must not claim what it is about to lose.
    ///
    /// Addresses go first even if they stand to the left in their group, because an address must never be
    /// on two nodes.
    pub(super) fn let_go(&mut self, reason: LetGoReason) {
        self.cancel_but_stops();
        self.end_unawaited(|_| true);
        let kept = self.held().iter().map(|held| held.group);
        let groups: Vec<_> = kept.filter(|group| !self.letting_go.has(*group)).collect();
        let releases = groups.iter().map(|group| Release {
            group: *group,
            reason,
            stops: 0,
            retries: 0,
            retry_at: None,
        });
        self.letting_go.groups.extend(releases);
        if self.daemon.as_ref().is_some_and(|daemon| daemon.is_greeted) {
            // A daemon that has not been greeted yet is sent this right after the greeting.
            self.report(Report::LettingGo { reason, groups: groups.clone() });
        }
        self.release(&groups);
    }

    /// Stops what is held of groups that are being let go.
    fn release(&mut self, groups: &[GroupKey]) {
        self.remove_addresses(groups);
        for held in self.held().to_vec() {
            if !groups.contains(&held.group) {
                continue;
            }
            // A resource that is already being stopped is not stopped a second time.
            let is_meant = |it: &&Resource| {
                let is_agent = matches!(it.kind, ResourceKind::Agent { .. });
                is_agent && !self.is_being_stopped(held.group, it)
            };
            let meant: Vec<_> = held.resources.iter().rev().filter(is_meant).collect();
            let mut stops = 0;
            for resource in meant {
                let job = Job::new(stop(&held, vec![resource.clone()]), Whose::Executor);
                stops += usize::from(self.queues.push(held.group, job).is_ok());
            }
            let mut releases = self.letting_go.groups.iter_mut();
            if let Some(release) = releases.find(|release| release.group == held.group) {
                release.stops += stops;
            }
        }
    }

    fn remove_addresses(&mut self, groups: &[GroupKey]) {
        let held = self.books.ledger.addresses().filter(|(group, _)| groups.contains(group));
        let held: Vec<_> = held.map(|(group, held)| (group, held.clone())).collect();
        if held.is_empty() {
            return;
        }
        let resources = held.iter().map(|(_, held)| held.clone()).collect();
        let (run, lifetime) = (self.new_run(), self.lifetime());
        self.outbox.push_back(Output::Change { run, action: Action::Stop, resources, lifetime });
        self.letting_go.removals.push((run, held));
    }

    /// Handles the answer to a removal of addresses. Returns whether the run was one.
    pub(super) fn record_removed(&mut self, run: RunId, outcome: &Outcome) -> bool {
        let mut removals = self.letting_go.removals.iter();
        let Some(at) = removals.position(|(removal, _)| *removal == run) else { return false };
        let (_, addresses) = self.letting_go.removals.swap_remove(at);
        if outcome.is_success() {
            let each = addresses.iter().map(|(group, it)| (*group, std::slice::from_ref(it)));
            self.strike_all(each);
        } else {
            // The addresses stay on record and end with their lifetime, which is no longer renewed.
            for (group, address) in &addresses {
                self.addresses.leave(*group, std::slice::from_ref(address));
            }
            let text = format!("Cannot remove addresses: {}", outcome.text());
            self.log(Level::Error, text);
        }
        true
    }

    /// Counts one of the executor's own stops that has ended. A stop that could not be run keeps the
    /// resources to its left from being stopped before it; all of them are tried again later.
    pub(super) fn record_own_stop(&mut self, job: &Job, was_asked: bool) {
        let Run { group, action, .. } = job.run;
        let is_ours = |other: &Job| other.whose == Whose::Executor && other.run.group == group;
        let was_ours = usize::from(is_ours(job));
        // A stop that was in progress for the daemon when everything was let go counts likewise.
        if action != Action::Stop || !self.letting_go.has(group) {
            return;
        }
        let waiting = if was_asked { Vec::new() } else { self.queues.remove(is_ours) };
        let mut releases = self.letting_go.groups.iter_mut();
        if let Some(release) = releases.find(|release| release.group == group) {
            release.stops = release.stops.saturating_sub(was_ours + waiting.len());
        }
    }

    /// Ends the letting go of each group for which everything was answered, and reports the result. What
    /// could not be stopped is left to the daemon that gives a permit. Without a permit it is tried again,
    /// because another node may have the group by now.
    pub(super) fn finish_letting_go(&mut self) {
        let is_given_back = self.lease.is_valid(self.now) && self.farewell != Shutdown::Release;
        let mut letting_go = std::mem::take(&mut self.letting_go);
        let mut over = Vec::new();
        for mut release in std::mem::take(&mut letting_go.groups) {
            if !letting_go.is_answered(&release) || self.stops_something_of(release.group) {
                letting_go.groups.push(release);
            } else if is_given_back || !self.holds(release.group) {
                over.push((release.reason, release.group));
            } else {
                if release.retry_at.is_none() {
                    let wait = RETRY.saturating_mul(1 << release.retries.min(10)).min(RETRY_MAX);
                    release.retry_at = Some(self.now + wait);
                    release.retries += 1;
                }
                letting_go.groups.push(release);
            }
        }
        self.letting_go = letting_go;
        for (reason, groups) in by_reason(over) {
            let failed = self.held().iter().filter(|held| groups.contains(&held.group));
            let failed = failed.cloned().collect();
            self.report(Report::LetGo { reason, groups, failed });
        }
    }

    /// Whether an agent is stopping something of a group, and that stop was not ended early.
    fn stops_something_of(&self, group: GroupKey) -> bool {
        self.active.iter().any(|active| active.job.run.group == group && active.is_wanted_stop())
    }

    fn is_being_stopped(&self, group: GroupKey, resource: &Resource) -> bool {
        self.active.iter().any(|active| {
            let Run { group: of, resources, .. } = &active.job.run;
            *of == group && active.is_wanted_stop() && resources.contains(resource)
        })
    }

    fn holds(&self, group: GroupKey) -> bool {
        self.held().iter().any(|held| held.group == group)
    }

    /// The reports for a daemon that connects while groups are being let go.
    pub(super) fn letting_go_reports(&self) -> Vec<Report> {
        let groups = by_reason(self.letting_go.groups());
        groups.map(|(reason, groups)| Report::LettingGo { reason, groups }).collect()
    }
}

/// Sorts groups by reason.
fn by_reason(
    found: impl IntoIterator<Item = (LetGoReason, GroupKey)>,
) -> impl Iterator<Item = (LetGoReason, Vec<GroupKey>)> {
    let found: Vec<_> = found.into_iter().collect();
    let reasons = [LetGoReason::PermitExpired, LetGoReason::Ordered].into_iter();
    let groups = reasons.map(move |reason| {
        let of_it = found.iter().filter(|(it, _)| *it == reason);
        (reason, of_it.map(|(_, group)| *group).collect::<Vec<_>>())
    });
    groups.filter(|(_, groups)| !groups.is_empty())
}

/// Stands for no job of the daemon.
const OWN: JobId = JobId(u64::MAX);

fn stop(held: &Held, resources: Vec<Resource>) -> Run {
    Run {
        job: OWN,
        group: held.group,
        group_name: held.group_name.clone(),
        term: held.term,
        action: Action::Stop,
        resources,
        timeout_ms: STOP_TIMEOUT,
        environment: Vec::new(),
        is_restart: false,
        probes: Vec::new(),
        is_without_agent: false,
    }
}
