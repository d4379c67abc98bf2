//! The network of the floating addresses: it is asked who has an address, and answers for the kernels of machines.
//!
//! It is the same medium as the last link. In some worlds it also carries questions while beats do not pass, as behind a
//! firewall.

use super::{Happening, World};
use crate::laws::Broken;
use std::time::Duration;
use systole_core::{
    GroupId, Guard, Input, Job, LinkId, Mac, NodeId, ResourceKind, ServiceAddresses,
};

/// How long a path must have carried packets for a node to know whether a machine answers.
const ASKED: Duration = Duration::from_secs(5);

/// How many of a thousand questions cannot be sent.
const NOT_SENT_PER_MILLE: u64 = 20;

/// The Ethernet address of a machine.
fn mac_of(node: NodeId) -> Mac {
    Mac([2, 0, 0, 0, 0, node.0])
}

impl World {
    /// Tells a daemon that starts where its machine can be reached.
    pub(super) fn tell_service_addresses(&mut self, node: NodeId) {
        if !self.options.guard {
            return;
        }
        let mut own: ServiceAddresses = std::iter::once([198, 51, 100, node.0].into()).collect();
        let _ = own.add_mac(mac_of(node));
        let now = self.now;
        let machine = self.machine(node);
        let local = machine.local(now);
        if let Some(cluster) = &mut machine.cluster {
            cluster.handle(local, &Input::ServiceAddresses(own));
        }
    }

    /// Asks every other machine whether it has an address of a group, whose number is that of the daemon.
    pub(super) fn ask_network(&mut self, node: NodeId, daemons: GroupId) {
        let group = self.machines[node.index()].group_of(&self.settings, daemons);
        self.note(|| format!("{node:?} asks about {group:?}"));
        if self.random.chance(NOT_SENT_PER_MILLE) {
            let now = self.now;
            let machine = self.machine(node);
            let local = machine.local(now);
            if let Some(cluster) = &mut machine.cluster {
                cluster.handle(local, &Input::NotAsked(daemons));
            }
            return;
        }
        for other in self.settings.node_ids().filter(|other| *other != node) {
            let there = self.passes(node, other) && self.passes(other, node);
            if there && self.answers_for(other, group) {
                let answer = Duration::from_micros(100 + self.random.below(2_000));
                self.after(answer, Happening::Answered(node, daemons, mac_of(other)));
            }
        }
    }

    /// A machine has answered.
    pub(super) fn answered(
        &mut self,
        node: NodeId,
        (group, mac): (GroupId, Mac),
    ) -> Result<(), Broken> {
        self.tell(node, Input::Answered { group, mac })
    }

    fn passes(&mut self, from: NodeId, to: NodeId) -> bool {
        let link = self.service_link();
        self.arp_passes || !self.network.loses(self.now, &mut self.random, (from, to, link))
    }

    fn service_link(&self) -> LinkId {
        LinkId(u8::try_from(self.settings.links.len() - 1).unwrap_or(0))
    }

    /// Whether the kernel of a machine answers for an address of a group.
    fn answers_for(&self, node: NodeId, group: GroupId) -> bool {
        let machine = &self.machines[node.index()];
        let resources = &self.settings.groups[group.index()].resources;
        let mut places = resources.iter().zip(machine.services.running(group));
        let is_address = |kind: &ResourceKind| matches!(kind, ResourceKind::Address(_));
        machine.has_power
            && machine.paused_until.is_none()
            && places.any(|(resource, runs)| is_address(&resource.kind) && *runs)
    }

    /// SINGLE OWNER: a node takes no group that is not its own as long as another machine, which it does not hear, answers
    /// for an address of it.
    pub(super) fn check_guard(&self, node: NodeId, job: Job) -> Result<(), Broken> {
        let is_guarded = self.options.guard && self.settings.guard == Guard::Strict;
        if !is_guarded || job.first > 0 || job.is_restart {
            return Ok(());
        }
        let may_ask = |other: NodeId| {
            let way =
                |from, to| self.network.is_open(self.now, ASKED, (from, to, self.service_link()));
            self.arp_passes || way(node, other) && way(other, node)
        };
        let is_unheard = |other: NodeId| self.network.newest(other, node).is_none();
        let answers = |other: &NodeId| {
            let services = &self.machines[other.index()].services;
            let has_long =
                services.runs_since(job.group).is_some_and(|since| self.now.since(since) >= ASKED);
            *other != node
                && self.network.is_awake(self.now, ASKED, *other)
                && self.answers_for(*other, job.group)
                && !services.is_unstoppable(job.group)
                && has_long
                && is_unheard(*other)
                && may_ask(*other)
        };
        let Some(other) = self.settings.node_ids().find(answers) else { return Ok(()) };
        let what = format!("{node:?} starts {:?}, for which {other:?} answers", job.group);
        Err(Broken { law: "SINGLE OWNER", what, at: self.now })
    }
}
