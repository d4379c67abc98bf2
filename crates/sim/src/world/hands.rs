//! What a test can see in a world and do to it.

use super::{Happening, World};
use crate::host::Host;
use crate::laws::Broken;
use std::time::Duration;
use systole_core::{GroupId, NodeId};

impl World {
    /// Returns whether a machine runs something of a group.
    #[must_use]
    pub fn runs(&self, node: NodeId, group: GroupId) -> bool {
        self.machines[node.index()].services.runs(group)
    }

    /// Returns whether a machine has an address of a group, or runs something of it that no agent is
    /// stopping.
    #[must_use]
    pub fn keeps(&self, node: NodeId, group: GroupId) -> bool {
        let services = &self.machines[node.index()].services;
        services.has_address(&self.settings, group)
            || services.runs(group) && !services.is_at_work(group)
    }

    /// Returns the machine that runs all of a group, if exactly one does.
    #[must_use]
    pub fn owner(&self, group: GroupId) -> Option<NodeId> {
        let mut owners = self.machines.iter().filter(|m| m.services.runs_whole(group));
        let owner = owners.next()?;
        owners.next().is_none().then_some(owner.id)
    }

    /// Removes the power of a machine at once.
    pub fn power_off(&mut self, node: NodeId) {
        let machine = self.machine(node);
        machine.has_power = false;
        machine.cluster = None;
        machine.paused_until = None;
        machine.socket.clear();
        machine.waiting.clear();
        machine.services.power_off();
        self.hosts[node.index()].power_off();
        self.network.forget(node);
    }

    /// From now on the network loses nothing.
    pub fn calm_network(&mut self) {
        self.network.calm(self.now);
    }

    /// Kills the daemon of a machine, whose executor continues under its permit.
    ///
    /// # Errors
    ///
    /// The law that the executor breaks when it notices.
    pub fn kill_daemon(&mut self, node: NodeId) -> Result<(), Broken> {
        self.machine(node).cluster = None;
        self.network.forget(node);
        self.with_host(node, Host::disconnect)
    }

    /// Restores the power of a machine.
    pub fn power_on(&mut self, node: NodeId) {
        self.after(Duration::ZERO, Happening::PowerOn(node));
    }
}
