//! The kernel's addresses: each address exists for its lifetime, unless it is renewed.

use super::{LATE, Surroundings};
use crate::services::{Act, Manner};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupId, Resource, ResourceKind, Time};
use systole_executor::protocol::{Action, Held, Outcome};
use systole_executor::{Machine, Presence};

/// The addresses that were added to one machine.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    list: Vec<(Resource, Time)>,
}

impl Addresses {
    /// Returns when the first address expires unless it is renewed.
    pub(super) fn due(&self) -> Option<Time> {
        self.list.iter().map(|(_, until)| *until).min()
    }

    /// Removes addresses whose lifetime is over.
    pub(super) fn expire(&mut self, around: &mut Surroundings<'_>) {
        let now = around.now;
        while let Some(at) = self.list.iter().position(|(_, until)| *until <= now) {
            let (resource, _) = self.list.swap_remove(at);
            set_everywhere(around, &resource, false);
        }
    }

    /// Extends all lifetimes by a pause of the kernel, which does not count the time of the pause.
    pub(super) fn postpone(&mut self, span: Duration) {
        for (_, until) in &mut self.list {
            *until = *until + span;
        }
    }

    /// Removes the addresses of a group. Returns those that existed.
    pub(super) fn remove(&mut self, around: &mut Surroundings<'_>, group: GroupId) -> Vec<IpAddr> {
        let resources = &around.world.groups[group.index()].resources;
        let mut removed = Vec::new();
        for resource in resources {
            let Some(at) = self.list.iter().position(|(other, _)| other == resource) else {
                continue;
            };
            self.list.swap_remove(at);
            set_everywhere(around, resource, false);
            if let ResourceKind::Address(spec) = &resource.kind {
                removed.push(spec.address);
            }
        }
        removed
    }

    /// Removes addresses that no ledger lists.
    pub(super) fn remove_orphans(
        &mut self,
        ledger: &[Held],
        around: &mut Surroundings<'_>,
    ) -> Vec<IpAddr> {
        let is_held = |resource: &Resource| ledger.iter().any(|it| it.resources.contains(resource));
        let mut orphans = Vec::new();
        while let Some(at) = self.list.iter().position(|(resource, _)| !is_held(resource)) {
            let (resource, _) = self.list.swap_remove(at);
            set_everywhere(around, &resource, false);
            if let ResourceKind::Address(spec) = &resource.kind {
                orphans.push(spec.address);
            }
        }
        orphans
    }

    /// Adds, removes or looks for addresses.
    pub(super) fn change(
        &mut self,
        around: &mut Surroundings<'_>,
        machine: &Machine,
        (action, resources, lifetime): (Action, &[Resource], Duration),
    ) -> Result<Outcome, String> {
        let act = match action {
            Action::Start => Act::Start,
            Action::Stop => Act::Stop,
            Action::Status | Action::Monitor => Act::Ask,
        };
        let mut fails = false;
        for resource in resources {
            let places = places_of(around, machine.held(), resource);
            let is_sick = is_refused(around, &places, act);
            fails |= is_sick;
            match action {
                Action::Start if !is_sick => {
                    let late = Duration::from_micros(around.random.below(1 + micros(LATE)));
                    self.list.retain(|(other, _)| other != resource);
                    self.list.push((resource.clone(), around.now + lifetime + late));
                    for (group, place) in places {
                        around.services.set_running(group, place, true);
                    }
                }
                Action::Stop => {
                    check_order(around, machine, &places)?;
                    if !is_sick {
                        self.list.retain(|(other, _)| other != resource);
                        set_everywhere(around, resource, false);
                    }
                    for (group, _) in places {
                        around.services.record_stop(group, !is_sick);
                    }
                }
                Action::Start | Action::Status | Action::Monitor => {}
            }
        }
        if fails {
            return Ok(Outcome::Failed { code: 1, text: "the kernel says no".to_owned() });
        }
        let mut there = resources.iter().map(|resource| self.has(resource));
        Ok(match action {
            Action::Start | Action::Stop => Outcome::Success,
            // Several addresses are one job, and one remaining address is enough.
            Action::Status if there.any(|there| there) => Outcome::Running,
            Action::Monitor if there.all(|there| there) => Outcome::Running,
            Action::Status | Action::Monitor => Outcome::NotRunning,
        })
    }

    /// Renews lifetimes, and returns which addresses exist.
    pub(super) fn renew(
        &mut self,
        around: &mut Surroundings<'_>,
        resources: Vec<Resource>,
        lifetime: Duration,
    ) -> Vec<(Resource, Presence)> {
        let mut found = Vec::new();
        for resource in resources {
            let late = Duration::from_micros(around.random.below(1 + micros(LATE)));
            let known = self.list.iter_mut().find(|(other, _)| *other == resource);
            let presence = if let Some((_, until)) = known {
                *until = around.now + lifetime + late;
                Presence::Here
            } else {
                Presence::Absent
            };
            found.push((resource, presence));
        }
        found
    }

    /// Returns whether an address exists here.
    pub(super) fn is_present(&self, address: IpAddr) -> bool {
        self.list.iter().any(|(resource, _)| match &resource.kind {
            ResourceKind::Address(spec) => spec.address == address,
            ResourceKind::Agent { .. } => false,
        })
    }

    fn has(&self, resource: &Resource) -> bool {
        self.list.iter().any(|(other, _)| other == resource)
    }
}

/// Returns the places of a resource in the groups of the world for which it is held.
fn places_of(
    around: &Surroundings<'_>,
    held: &[Held],
    resource: &Resource,
) -> Vec<(GroupId, usize)> {
    let holds = |held: &&Held| held.resources.contains(resource);
    let groups = held.iter().filter(holds).filter_map(|held| around.place_of(held.group));
    let place = |group: GroupId| {
        let resources = &around.world.groups[group.index()].resources;
        Some((group, resources.iter().position(|other| other == resource)?))
    };
    groups.filter_map(place).collect()
}

/// Returns whether the kernel refuses a change. It is never slow, and never lies.
fn is_refused(around: &Surroundings<'_>, places: &[(GroupId, usize)], act: Act) -> bool {
    let symptom = |place: &(GroupId, usize)| around.services.symptom(around.now, *place, act);
    places.iter().filter_map(symptom).any(Manner::fails)
}

/// Records that an address exists or not, in every group for which it was added.
fn set_everywhere(around: &mut Surroundings<'_>, resource: &Resource, is_there: bool) {
    for group in around.world.group_ids() {
        let resources = &around.world.groups[group.index()].resources;
        if let Some(place) = resources.iter().position(|other| other == resource) {
            around.services.set_running(group, place, is_there);
        }
    }
}

/// ORDER: what comes after an address in its group is stopped before the address, unless it cannot be
/// stopped, the group is being let go, or another node has it.
fn check_order(
    around: &Surroundings<'_>,
    machine: &Machine,
    places: &[(GroupId, usize)],
) -> Result<(), String> {
    let is_let_go = |group: GroupId| {
        let key = around.world.groups[group.index()].key;
        machine.letting_go().any(|(_, other)| other == key)
    };
    let is_exempt = |group: GroupId| is_let_go(group) || around.services.yields(group);
    for (group, place) in places.iter().filter(|(group, _)| !is_exempt(*group)) {
        let running = around.services.running(*group);
        let resources = &around.world.groups[group.index()].resources;
        let is_agent = |at: usize| matches!(resources[at].kind, ResourceKind::Agent { .. });
        let is_early = (place + 1..running.len()).any(|at| running[at] && is_agent(at));
        if is_early && !around.services.is_unstoppable(*group) {
            return Err(format!("an address of {group:?} goes before its successors: {running:?}"));
        }
    }
    Ok(())
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
