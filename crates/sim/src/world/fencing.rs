//! Devices that switch machines off, and the law about them.

use super::{Happening, World};
use crate::laws::Broken;
use std::time::Duration;
use systole_core::{FenceOutcome, GroupId, Input, NodeId, Order, Ticket};

/// For how many of a thousand failing machines the administrator confirms the death.
const CONFIRM_PER_MILLE: u64 = 300;
/// How many of a thousand orders to a device fail, in trouble.
const FAILS_PER_MILLE: u64 = 400;
/// How many of a thousand failed orders have switched the machine off nevertheless.
const HITS_AND_FAILS_PER_MILLE: u64 = 200;
/// For how many of a thousand failed orders there is another device to try, or another order that must end
/// first.
const NEXT_PER_MILLE: u64 = 300;
const BUSY_PER_MILLE: u64 = 200;
/// How many of a thousand devices answer long after they have switched.
const LATE_PER_MILLE: u64 = 300;

/// Whether there are devices that switch machines off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fences {
    /// There are none.
    None,
    /// There are devices, and the daemons know about them.
    Used,
    /// The law is the same as with devices, but no daemon knows about one: this proves that the law can fail.
    Ignored,
}

/// An order to a device, in progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    by: NodeId,
    /// The run of the daemon that gave the order: another run does not know about it.
    generation: u64,
    target: NodeId,
    attempt: u32,
    hits: bool,
    outcome: FenceOutcome,
}

impl World {
    /// Lets a daemon order a device to switch a machine off.
    pub(super) fn ask_device(&mut self, by: NodeId, target: NodeId, attempt: u32) {
        let span = if self.random.chance(200) { 15_000 } else { 2_000 };
        let fails = self.troubled && self.random.chance(FAILS_PER_MILLE);
        let hits = !fails || self.random.chance(HITS_AND_FAILS_PER_MILLE);
        let outcome = if fails { self.draw_failure() } else { FenceOutcome::Done };
        let hits = hits && outcome != FenceOutcome::Busy;
        let generation = self.machine(by).generation();
        let shot = Shot { by, generation, target, attempt, hits, outcome };
        let wait = Duration::from_millis(50 + self.random.below(span));
        self.after(wait, Happening::Shot(shot));
    }

    fn draw_failure(&mut self) -> FenceOutcome {
        if self.random.chance(BUSY_PER_MILLE) {
            FenceOutcome::Busy
        } else if self.random.chance(NEXT_PER_MILLE) {
            FenceOutcome::Next
        } else {
            FenceOutcome::Failed
        }
    }

    /// Lets the device carry out the order, or not. If the ordering node lost power meanwhile, the device may
    /// or may not have received the order.
    pub(super) fn shoot(&mut self, shot: Shot) {
        let Shot { by, target, hits, .. } = shot;
        if !self.machine(by).has_power && self.random.chance(500) {
            return;
        }
        if hits && self.machine(target).has_power {
            self.note(|| format!("{target:?} is switched off by {by:?}"));
            self.summary.fences += 1;
            self.power_off(target);
            let reboot = Duration::from_millis(500 + self.random.below(8_000));
            self.after(reboot, Happening::PowerOn(target));
        }
        let span = if self.random.chance(LATE_PER_MILLE) { 20_000 } else { 50 };
        let wait = Duration::from_millis(self.random.below(span));
        self.after(wait, Happening::ShotAnswered(shot));
    }

    /// Reports the result to the daemon, if it is the one that gave the order.
    pub(super) fn answer_shot(&mut self, shot: Shot) -> Result<(), Broken> {
        let Shot { by, generation, target, attempt, outcome, .. } = shot;
        let machine = self.machine(by);
        if machine.cluster.is_none() || machine.generation() != generation {
            return Ok(());
        }
        self.tell(by, Input::Fenced { node: target, attempt, outcome })
    }

    /// Lets the administrator notice that a machine has no power, and tell the other nodes.
    pub(super) fn may_confirm(&mut self, dead: NodeId) -> Result<(), Broken> {
        if self.options.fences == Fences::None || !self.random.chance(CONFIRM_PER_MILLE) {
            return Ok(());
        }
        for node in self.settings.node_ids().filter(|node| *node != dead) {
            let order = Order::ConfirmDead(dead);
            self.tell(node, Input::Order { ticket: Ticket(3), order })?;
        }
        Ok(())
    }

    /// ORDER, where machines can be fenced: nothing is started while its owner is only silent.
    pub(super) fn check_fenced(&self, node: NodeId, group: GroupId) -> Result<(), Broken> {
        if self.options.fences == Fences::None {
            return Ok(());
        }
        let Some(cluster) = &self.machines[node.index()].cluster else { return Ok(()) };
        let snapshot = cluster.snapshot(&systole_core::Wording::FACTS);
        let beside = self.machines.iter().find(|machine| {
            let is_dead = snapshot.nodes[machine.id.index()].status == "dead";
            machine.id != node && is_dead && machine.has_power && machine.services.runs(group)
        });
        match beside {
            Some(machine) => {
                let other = machine.id;
                let what = format!("{node:?} starts {group:?}, which silent {other:?} runs");
                Err(Broken { law: "ORDER", what, at: self.now })
            }
            None => Ok(()),
        }
    }
}
