//! HOLD: a held group moves only by order of the administrator.

use super::World;
use crate::laws::{self, Broken};
use std::time::Duration;
use systole_core::{GroupId, Input, Job, NodeId, Order, Ticket, Time};

/// How long after an order something may still move because of the order, or because it was already under
/// way.
const AFTERMATH: Duration = Duration::from_secs(30);

impl World {
    /// Records that the administrator gives an order.
    pub(super) fn record_order(&mut self, order: Order) {
        let moves_groups = matches!(
            order,
            Order::Standby(_)
                | Order::Takeover(_)
                | Order::StandbyGroup(_)
                | Order::TakeoverGroup(_)
                | Order::Hold(..)
        );
        if moves_groups {
            self.ordered = Some(self.now);
        }
    }

    /// Records which groups run as a whole on a machine.
    pub(super) fn record_runs(&mut self, node: NodeId) {
        let machine = &self.machines[node.index()];
        for group in self.settings.group_ids().filter(|group| machine.services.runs_whole(*group)) {
            self.ran_last.retain(|(other, _)| *other != group);
            self.ran_last.push((group, node));
        }
    }

    /// Checks the laws of starts.
    pub(super) fn check_start(&mut self, node: NodeId, job: Job) -> Result<(), Broken> {
        self.check_fenced(node, job.group)?;
        self.check_hold(node, job)?;
        self.check_guard(node, job)?;
        if job.first == 0 {
            self.summary.starts += 1;
            let (world, start) = ((&self.settings, &self.rivals[..]), (job.group, node));
            laws::known_stopped(self.now, world, start, &self.machines, &self.network)?;
        }
        Ok(())
    }

    /// HOLD: a daemon that says that a group is held starts the group only where it ran last, or where the
    /// daemon has known itself as its owner; on another node only by order.
    fn check_hold(&self, node: NodeId, job: Job) -> Result<(), Broken> {
        let machine = &self.machines[node.index()];
        let Some(cluster) = &machine.cluster else { return Ok(()) };
        let snapshot = cluster.snapshot_without_groups(&systole_core::Wording::FACTS);
        let Some(place) = machine.place_of(&self.settings, job.group) else { return Ok(()) };
        let stay = cluster.group_report(place, &systole_core::Wording::FACTS).stay;
        let is_held = snapshot.hold.is_some() || stay.hold.is_some();
        let key = self.settings.groups[job.group.index()].key;
        let was_elsewhere = machine.watch.owner(key).is_some_and(|owner| owner != node);
        let is_ordered =
            self.ordered.is_some_and(|ordered: Time| self.now.since(ordered) < AFTERMATH);
        if !is_held || !was_elsewhere || is_ordered || self.ran_last(job.group) == Some(node) {
            return Ok(());
        }
        let what = format!("{node:?} starts {:?}, which is held", job.group);
        Err(Broken { law: "HOLD", what, at: self.now })
    }

    fn ran_last(&self, group: GroupId) -> Option<NodeId> {
        self.ran_last.iter().find(|(other, _)| *other == group).map(|(_, node)| *node)
    }

    /// Lets the administrator release every hold, wherever it is known.
    pub(super) fn release_everything(&mut self) -> Result<(), Broken> {
        for node in self.settings.node_ids() {
            let order = Order::Release(None);
            self.tell(node, Input::Order { ticket: Ticket(4), order })?;
        }
        Ok(())
    }
}
