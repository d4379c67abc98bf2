//! The addresses that are held: their lifetimes, and what happens when one is gone.

mod kept;
mod removals;

use super::Machine;
use super::conflicts;
use super::jobs::Whose;
use crate::protocol::{Action, Level, Outcome, Report};
use crate::{Output, Presence, RunId};
use kept::{Kept, State};
use removals::Removals;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupKey, Resource, Time};

/// Number of renewals in one lifetime.
const RENEWALS: u32 = 3;
/// The kernel checks lifetimes about once a second, so an address that is gone may have expired up to this
/// much earlier than its lifetime says.
const GRAIN: Duration = Duration::from_secs(1);

/// Every held address that was added or adopted.
#[derive(Debug)]
pub(super) struct Addresses {
    kept: Vec<Kept>,
    next_renewal: Time,
    /// When the renewal was requested whose answer is awaited.
    asked: Option<Time>,
    /// Whether renewals fail. The first failure was logged.
    is_failing: bool,
    removals: Removals,
}

impl Addresses {
    pub(super) fn new<'a>(now: Time, held: impl Iterator<Item = (GroupKey, &'a Resource)>) -> Self {
        let kept =
            held.map(|(group, resource)| Kept::new(group, resource.clone(), now, State::Adopted));
        Self {
            kept: kept.collect(),
            next_renewal: now,
            asked: None,
            is_failing: false,
            removals: Removals::default(),
        }
    }

    /// Whether the kernel has reported for each address whether it is present.
    pub(super) fn are_known(&self) -> bool {
        self.kept.iter().all(|kept| kept.state != State::Adopted)
    }

    /// Forgets the addresses that are gone for good, and returns them with their group. Another group may
    /// have the same address and still hold it.
    pub(super) fn take_lost(&mut self) -> Vec<(GroupKey, Vec<Resource>)> {
        let lost = self.kept.extract_if(.., |kept| kept.state == State::Lost);
        by_group(lost.map(|kept| (kept.group, kept.resource)).collect())
    }

    /// Whether an address of a group is away, for good or until it is added again. Without it no service is
    /// started.
    pub(super) fn is_incomplete(&self, group: GroupKey) -> bool {
        self.kept.iter().any(|kept| kept.group == group && kept.is_away())
    }

    /// Makes the next renewal happen at this moment at the latest.
    pub(super) fn renew_at(&mut self, at: Time) {
        self.next_renewal = self.next_renewal.min(at);
    }

    /// Records addresses that were added. Their lifetime began at this moment or later.
    pub(super) fn record_added(
        &mut self,
        then: Time,
        lifetime: Duration,
        group: GroupKey,
        resources: &[Resource],
    ) {
        self.forget(group, resources);
        if self.renewable().next().is_none() {
            self.next_renewal = then + lifetime / RENEWALS;
        }
        let added = resources.iter();
        let added = added.map(|resource| Kept::new(group, resource.clone(), then, State::Here));
        self.kept.extend(added);
    }

    /// Gives up addresses that should be gone but could not be removed: they are no longer renewed, and not
    /// put back.
    pub(super) fn leave(&mut self, group: GroupKey, resources: &[Resource]) {
        let ours = |kept: &&mut Kept| kept.group == group && resources.contains(&kept.resource);
        for kept in self.kept.iter_mut().filter(ours) {
            kept.state = State::Left;
        }
    }

    /// The addresses that should be gone but could not be removed.
    pub(super) fn left(&self) -> impl Iterator<Item = (GroupKey, &Resource)> {
        let left = self.kept.iter().filter(|kept| kept.state == State::Left);
        left.map(|kept| (kept.group, &kept.resource))
    }

    /// Forgets addresses that are no longer held.
    pub(super) fn forget(&mut self, group: GroupKey, resources: &[Resource]) {
        self.kept.retain(|kept| kept.group != group || !resources.contains(&kept.resource));
    }

    /// The alarms about addresses that are removed again and again.
    pub(super) fn alarm_texts(&self) -> impl Iterator<Item = (GroupKey, String)> {
        self.removals.texts()
    }

    /// The addresses that are here, each with its group.
    pub(super) fn present_by_group(&self) -> impl Iterator<Item = (GroupKey, IpAddr)> {
        let present = self.kept.iter().filter(|kept| kept.is_present());
        present.filter_map(|kept| Some((kept.group, kept.address()?)))
    }

    /// The addresses that are here. Two groups may have the same one.
    pub(super) fn present(&self) -> impl Iterator<Item = IpAddr> {
        self.present_by_group().map(|(_, address)| address)
    }

    /// The groups that hold an address which is certain to be here.
    pub(super) fn holders(&self, address: IpAddr) -> impl Iterator<Item = GroupKey> {
        let here = self.kept.iter().filter(|kept| kept.is_present() && !kept.is_away());
        here.filter(move |kept| kept.address() == Some(address)).map(|kept| kept.group)
    }

    /// The moment from which an address is no longer new here.
    pub(super) fn settled_at(&self, address: IpAddr) -> Time {
        let ours = self.kept.iter().filter(|kept| kept.address() == Some(address));
        ours.map(|kept| kept.added + conflicts::NEW).max().unwrap_or(Time::START)
    }

    /// The addresses whose lifetime is to be renewed.
    fn renewable(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(|kept| kept.is_renewable())
    }
}

impl Machine {
    pub(super) fn deadline_of_addresses(&self) -> Option<Time> {
        let renewal = match self.addresses.asked {
            Some(asked) => Some(asked + self.lifetime()),
            None => self.renews().then_some(self.addresses.next_renewal),
        };
        renewal.into_iter().chain(self.addresses.removals.deadline()).min()
    }

    /// Whether there are addresses whose lifetime is to be renewed.
    fn renews(&self) -> bool {
        self.lease.is_valid(self.now) && self.renewable().next().is_some()
    }

    /// The addresses whose lifetime is to be renewed, without those of a group that is being let go.
    fn renewable(&self) -> impl Iterator<Item = &Kept> {
        self.addresses.renewable().filter(|kept| !self.letting_go.has(kept.group))
    }

    /// Renews what is due, and stops waiting for an answer that is late.
    pub(super) fn elapse_addresses(&mut self) {
        let lifetime = self.lifetime();
        if self.addresses.asked.is_some_and(|asked| self.now >= asked + lifetime) {
            self.record_not_renewed("the kernel does not answer");
        }
        self.renew_due();
        self.alarms.is_stale |= self.addresses.removals.elapse(self.now);
    }

    fn renew_due(&mut self) {
        let is_due = self.addresses.asked.is_none() && self.now >= self.addresses.next_renewal;
        if !is_due || !self.renews() {
            return;
        }
        let lifetime = self.lifetime();
        self.addresses.next_renewal = self.now + lifetime / RENEWALS;
        self.addresses.asked = Some(self.now);
        let resources = self.renewable().map(|kept| kept.resource.clone()).collect();
        self.outbox.push_back(Output::Renew { resources, lifetime });
    }

    /// Handles the findings of a renewal.
    pub(super) fn record_renewed(&mut self, found: &[(Resource, Presence)]) {
        let Some(asked) = self.addresses.asked.take() else { return };
        self.addresses.is_failing = false;
        let (now, lifetime) = (self.now, self.lifetime());
        let (mut removed, mut missing, mut present) = (Vec::new(), Vec::new(), Vec::new());
        // Two groups may have the same address; one finding answers for both.
        for kept in self.addresses.kept.iter_mut().filter(|kept| kept.is_asked(asked)) {
            let mut found = found.iter();
            let Some((_, presence)) = found.find(|(found, _)| *found == kept.resource) else {
                continue;
            };
            match (&kept.state, presence) {
                (_, Presence::Here) => {
                    if kept.state == State::Adopted {
                        present.push((kept.group, kept.resource.clone()));
                    }
                    (kept.state, kept.renewed, kept.by) = (State::Here, asked, None);
                    kept.is_in_doubt = false;
                }
                (State::Adopted, Presence::Absent) => {
                    kept.state = State::Lost;
                    missing.push((kept.group, kept.resource.clone()));
                }
                (_, Presence::Absent) => {
                    if now.since(kept.renewed) + GRAIN < lifetime {
                        removed.push((kept.group, kept.resource.clone()));
                    } else {
                        kept.state = State::Expired { since: now };
                    }
                }
            }
        }
        for (group, resources) in by_group(present) {
            self.record_running(group, &resources);
        }
        for (group, resources) in by_group(removed) {
            self.put_back(group, resources);
        }
        // A daemon that is greeted later is sent only what is present.
        if self.daemon.as_ref().is_some_and(|daemon| daemon.is_greeted) {
            for (group, resources) in by_group(missing) {
                self.lose(group, resources, "it was missing when the executor started".to_owned());
            }
        }
        self.renew_due();
    }

    /// Records that a renewal has failed. Addresses that were not renewed for a whole lifetime are lost.
    pub(super) fn record_not_renewed(&mut self, error: &str) {
        if self.addresses.asked.take().is_none() {
            return;
        }
        if !std::mem::replace(&mut self.addresses.is_failing, true) {
            self.log(Level::Error, format!("Cannot renew addresses: {error}"));
        }
        let (now, lifetime) = (self.now, self.lifetime());
        let over = |kept: &&mut Kept| kept.is_renewable() && now >= kept.renewed + lifetime;
        let mut lost = Vec::new();
        for kept in self.addresses.kept.iter_mut().filter(over) {
            kept.state = State::Lost;
            lost.push((kept.group, kept.resource.clone()));
        }
        for (group, resources) in by_group(lost) {
            let why = format!("it could not be renewed: {error}");
            self.report(Report::AddressLost { group, resources, why });
        }
    }

    /// Records that the kernel reported the removal of an address. A held address is looked for at once.
    pub(super) fn record_gone(&mut self, address: IpAddr, by: Option<&str>) {
        let ours = self.addresses.kept.iter_mut().filter(|kept| kept.address() == Some(address));
        let mut is_urgent = false;
        for kept in ours.filter(|kept| kept.state == State::Here) {
            kept.is_in_doubt = true;
            kept.by = by.map(str::to_owned);
            is_urgent |= !self.addresses.removals.is_flooded(self.now, kept.group);
        }
        if is_urgent {
            self.addresses.renew_at(self.now);
            self.renew_due();
        }
    }

    /// Adds addresses again that were removed. This node may act, so no other node has them. If the group
    /// is being stopped, the addresses are not put back.
    fn put_back(&mut self, group: GroupKey, resources: Vec<Resource>) {
        let now = self.now;
        if self.is_stopping(group) || !self.lease.is_valid(now) || self.letting_go.has(group) {
            let why = "it was removed while the group was being stopped".to_owned();
            return self.lose(group, resources, why);
        }
        let (run, lifetime) = (self.new_run(), self.lifetime());
        let ours = |kept: &&mut Kept| kept.group == group && resources.contains(&kept.resource);
        for kept in self.addresses.kept.iter_mut().filter(ours) {
            let why = match (&kept.state, kept.by.take()) {
                (State::Expired { .. }, _) => {
                    "its lifetime had expired: the executor was stalled".to_owned()
                }
                (_, Some(by)) => format!("it was removed by {by}"),
                (_, None) => "it was removed by an unknown program".to_owned(),
            };
            kept.state = State::Returning { run, since: now, why };
        }
        self.outbox.push_back(Output::Change { run, action: Action::Start, resources, lifetime });
    }

    pub(super) fn is_stopping(&self, group: GroupKey) -> bool {
        let active = self.active.iter().map(|active| &active.job);
        let mut jobs = active.chain(self.queues.waiting());
        jobs.any(|job| {
            let is_stop = job.run.action == Action::Stop && job.whose != Whose::Nobody;
            is_stop && job.run.group == group
        })
    }

    fn lose(&mut self, group: GroupKey, resources: Vec<Resource>, why: String) {
        let ours = |kept: &&mut Kept| kept.group == group && resources.contains(&kept.resource);
        for kept in self.addresses.kept.iter_mut().filter(ours) {
            kept.state = State::Lost;
        }
        self.report(Report::AddressLost { group, resources, why });
    }

    /// Handles the answer to putting addresses back. Returns whether the run was one.
    pub(super) fn record_put_back(&mut self, run: RunId, outcome: &Outcome) -> bool {
        let (now, mut back, mut why, mut is_known) = (self.now, Vec::new(), String::new(), false);
        let (was_asked, lifetime) = (!matches!(outcome, Outcome::NotAsked { .. }), self.lifetime());
        for kept in &mut self.addresses.kept {
            let State::Returning { run: known, since, why: cause } = &kept.state else { continue };
            if *known == run {
                is_known = true;
                // A change that could not be carried out is noticed at the next renewal, and lost after a
                // lifetime.
                if was_asked || now.since(kept.renewed) >= lifetime {
                    why.clone_from(cause);
                    back.push((kept.group, kept.resource.clone()));
                    kept.renewed = *since;
                }
                kept.state = State::Here;
                kept.is_in_doubt = !outcome.is_success();
            }
        }
        for (group, resources) in by_group(back) {
            if outcome.is_success() {
                let words: Vec<_> = resources.iter().map(|it| it.word.as_str()).collect();
                self.alarms.is_stale |=
                    self.addresses.removals.note(now, group, &words.join(", "), &why);
                self.report(Report::AddressBack { group, resources, why: why.clone() });
            } else {
                let why = format!("{why}, and cannot be put back: {}", outcome.text());
                self.lose(group, resources, why);
            }
        }
        is_known
    }

    /// Puts back the addresses that had expired before this moment, at which the daemon knew that it owns
    /// its groups.
    pub(super) fn put_back_verified(&mut self, issued: Time) {
        let is_verified =
            |kept: &&Kept| matches!(kept.state, State::Expired { since } if since <= issued);
        let verified = self.addresses.kept.iter().filter(is_verified);
        let verified = verified.map(|kept| (kept.group, kept.resource.clone())).collect();
        for (group, resources) in by_group(verified) {
            self.put_back(group, resources);
        }
    }
}

/// Sorts resources by group.
fn by_group(found: Vec<(GroupKey, Resource)>) -> Vec<(GroupKey, Vec<Resource>)> {
    let mut groups: Vec<(GroupKey, Vec<Resource>)> = Vec::new();
    for (group, resource) in found {
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, resources)) => resources.push(resource),
            None => groups.push((group, vec![resource])),
        }
    }
    groups
}
