//! The administrator changes haresources, or the times in ha.cf, on one machine, and some time later on the
//! others.
//!
//! Each daemon has its own ids for its groups. A world has one list of every group that ever existed, to
//! which groups are only added; services and laws use the places in that list.

use super::make::{group_of, monitors};
use super::times::Times;
use super::{Happening, World};
use crate::host::configuration;
use crate::laws::Broken;
use std::time::Duration;
use systole_core::{Cluster, Failback, Group, GroupId, GroupReport, NodeId, Settings, Snapshot};
use systole_executor::protocol::Request;

/// The most groups that ever exist in a world.
const EVER_MAX: usize = 12;
/// How long an administrator waits when the daemon is busy, or when no daemon was found.
const RETRY: Duration = Duration::from_millis(700);

/// One state of the files.
#[derive(Debug, Clone)]
pub(super) struct Edition {
    /// The number of the edition; an edition never replaces a later one.
    pub(super) number: u64,
    pub(super) groups: Vec<Group>,
    pub(super) times: Times,
}

impl World {
    /// Adds, removes, changes or restores a line, or changes the times, first on one machine.
    pub(super) fn edit(&mut self, first: NodeId) {
        // Only on a machine with the latest edition, so that no machine loads a file that the machine with
        // the latest edition has never seen.
        if self.machine(first).edition != self.edition.number {
            return;
        }
        let before = self.edition.groups.clone();
        let mut groups = before.clone();
        let place = usize::try_from(self.random.below(groups.len() as u64)).unwrap_or(0);
        let has_room = self.settings.groups.len() < EVER_MAX;
        let mut times = self.edition.times;
        // Where times change, two of six edits change the times.
        let kind = if self.options.times { self.random.below(6) } else { self.random.below(4) + 2 };
        match kind {
            0 | 1 => {
                times = Times::draw(&mut self.random);
                self.expect_times(times);
                self.summary.count("times changed");
            }
            2 if groups.len() > 1 => drop(groups.remove(place)),
            3 if has_room => groups.push(self.new_group(None)),
            4 if has_room => groups[place] = self.new_group(Some(&before[place])),
            _ => groups.clone_from(&self.earlier),
        }
        self.earlier = before;
        self.edition = Edition { number: self.edition.number + 1, groups, times };
        self.publish(Some(first), 20_000);
    }

    /// Publishes the latest edition to every machine, within some time.
    pub(super) fn publish(&mut self, first: Option<NodeId>, within: u64) {
        for node in self.settings.node_ids() {
            let wait = if first == Some(node) { 0 } else { self.random.below(within) };
            let edition = self.edition.clone();
            self.after(Duration::from_millis(wait), Happening::Reload(node, edition));
        }
    }

    /// Returns a group that has never existed, or an existing group with one more service or another
    /// preferred node.
    fn new_group(&mut self, changed: Option<&Group>) -> Group {
        let number = u64::try_from(self.settings.groups.len()).unwrap_or(0) + 100;
        let nodes = u64::try_from(self.settings.nodes.len()).unwrap_or(1);
        let preferred = NodeId(u8::try_from(self.random.below(nodes)).unwrap_or(0));
        let services = self.random.below(3);
        let mut group = group_of(number, preferred, 1, services);
        if let Some(changed) = changed {
            group.resources[0] = changed.resources[0].clone();
            if self.random.chance(700) {
                group.preferred = changed.preferred;
            }
        }
        self.settings.groups.push(group.clone());
        self.nobody_since.push(None);
        for machine in &mut self.machines {
            machine.services.add(&group);
        }
        self.find_rivals();
        group
    }

    pub(super) fn find_rivals(&mut self) {
        let groups = &self.settings.groups;
        let ids = || self.settings.group_ids();
        let pairs = ids().flat_map(|one| ids().map(move |two| (one, two)));
        let shares = |(one, two): &(GroupId, GroupId)| {
            one == two || groups[one.index()].shares_with(&groups[two.index()])
        };
        self.rivals = pairs.filter(|(one, two)| one <= two).filter(shares).collect();
    }

    /// Gives a machine an edition, if its daemon accepts it now.
    pub(super) fn reload(&mut self, node: NodeId, edition: Edition) -> Result<(), Broken> {
        // A daemon that reloads has just had a turn: what it reports before and after belongs to one moment.
        self.turn(node)?;
        let group_failback = self.failback_of(&edition.groups);
        let monitors = monitors(&edition.groups, self.monitor);
        let now = self.now;
        let machine = self.machine(node);
        if machine.edition >= edition.number {
            return Ok(());
        }
        let groups = edition.groups.clone();
        let settings = Settings { groups, group_failback, monitors, ..machine.settings.clone() };
        let settings = edition.times.put_into(settings);
        let (is_awake, local) = (machine.is_awake(), machine.local(now));
        let Some(cluster) = machine.cluster.as_mut().filter(|_| is_awake) else {
            self.after(RETRY, Happening::Reload(node, edition));
            return Ok(());
        };
        let before = cluster.snapshot(&systole_core::Wording::FACTS);
        let old: Vec<Group> = known(cluster.settings()).cloned().collect();
        if cluster.reconfigure(local, settings.clone()).is_err() {
            self.after(RETRY, Happening::Reload(node, edition));
            return Ok(());
        }
        let touched = touched(&old, &before, cluster);
        let configuration = configuration(&settings);
        let former = std::mem::replace(&mut machine.settings, settings);
        machine.edition = edition.number;
        machine.disk.retired = given_up(&old, &machine.settings);
        self.record_former(former.deadtime);
        self.alone = None;
        self.nobody_since.fill(None);
        self.summary.reloads += 1;
        self.note(|| format!("{node:?} reloads edition {}", edition.number));
        self.ask_executor(node, Request::Configure(configuration))?;
        if let Some(what) = touched {
            return Err(Broken { law: "STABLE", what, at: self.now });
        }
        self.turn(node)
    }
}

impl World {
    /// Returns the failback of single groups of a file, by their places in it.
    fn failback_of(&self, groups: &[Group]) -> Vec<(GroupId, Failback)> {
        let own = self.settings.group_failback.iter().filter_map(|(group, failback)| {
            let key = self.settings.groups[group.index()].key;
            let place = groups.iter().position(|other| other.key == key)?;
            Some((GroupId(u16::try_from(place).ok()?), *failback))
        });
        own.collect()
    }
}

/// Returns the groups of a daemon, in the order of its status.
fn known(settings: &Settings) -> impl Iterator<Item = &Group> {
    settings.known_groups().map(|(_, group)| group)
}

/// Returns the groups that a new file no longer has, as a daemon stores them for its successor.
fn given_up(old: &[Group], settings: &Settings) -> Vec<Group> {
    let is_gone = |group: &&Group| settings.groups.iter().all(|other| other.key != group.key);
    old.iter().filter(is_gone).cloned().collect()
}

/// STABLE: a reload touches nothing that has not changed.
fn touched(old: &[Group], before: &Snapshot, cluster: &Cluster) -> Option<String> {
    let after = cluster.snapshot(&systole_core::Wording::FACTS);
    let now = cluster.settings();
    for (group, was) in old.iter().zip(&before.groups).filter(|(group, _)| !group.is_retired) {
        let mut reported = known(now).zip(&after.groups);
        let found = reported.find(|(other, _)| other.key == group.key && !other.is_retired);
        // Other lines may conflict with the group from now on, or no longer.
        let differs = |is: &GroupReport| {
            GroupReport { obstacles: was.obstacles.clone(), ..is.clone() } != *was
        };
        if let Some((_, is)) = found.filter(|(_, is)| differs(is)) {
            return Some(format!("a reload made {is:?} of {was:?}"));
        }
    }
    None
}
