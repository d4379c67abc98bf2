//! What a test may see of a world and do to it.

use super::{Happening, World};
use std::time::Duration;
use systole_core::{GroupId, NodeId};

impl World {
    /// How many machines run something of a group.
    #[must_use]
    pub fn holders(&self, group: GroupId) -> usize {
        self.machines.iter().filter(|machine| machine.executor.runs(group)).count()
    }

    /// The machine that runs all of a group, if exactly one does.
    #[must_use]
    pub fn owner(&self, group: GroupId) -> Option<NodeId> {
        let mut owners = self.machines.iter().filter(|m| m.executor.runs_whole(group));
        let owner = owners.next()?;
        owners.next().is_none().then_some(owner.id)
    }

    /// Takes the power of a machine away at once.
    pub fn power_off(&mut self, node: NodeId) {
        let machine = self.machine(node);
        machine.has_power = false;
        machine.cluster = None;
        machine.paused_until = None;
        machine.socket.clear();
        machine.waiting.clear();
        machine.executor.power_off();
        self.network.forget(node);
    }

    /// From now on the network loses nothing.
    pub fn calm_network(&mut self) {
        self.network.calm();
    }

    /// Kills the daemon of a machine, whose executor goes on under its permit.
    pub fn kill_daemon(&mut self, node: NodeId) {
        let now = self.now;
        let machine = self.machine(node);
        machine.cluster = None;
        machine.executor.lose_daemon(now);
        self.network.forget(node);
    }

    /// Gives a machine its power back.
    pub fn power_on(&mut self, node: NodeId) {
        self.after(Duration::ZERO, Happening::PowerOn(node));
    }
}
