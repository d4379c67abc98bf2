//! Faults of an executor, a carrier, and a paused machine.

use super::{Play, stand_in};
use crate::laws::Broken;
use systole_core::{Cluster, GroupId, Input, NodeId, Outcome};
use systole_executor::translation::{Greeting, holdings};

impl Play {
    pub(super) fn kill_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.left.executor_crashes -= 1;
        self.without_executor[node.index()] = true;
        let machine = &mut self.machines[node.index()];
        self.stand_ins[node.index()].lose_daemon(&mut machine.services);
        self.jobs.retain(|job| job.0 != node);
        self.tell(node, &Input::ExecutorGone)
    }

    pub(super) fn bring_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.without_executor[node.index()] = false;
        self.greet(node)
    }

    /// The executor reports to its daemon what it holds.
    pub(super) fn greet(&mut self, node: NodeId) -> Result<(), Broken> {
        let machine = &self.machines[node.index()];
        let greeting = Greeting { held: stand_in::ledger(machine), unfinished: Vec::new() };
        let settings = machine.cluster.as_ref().map_or(&machine.settings, Cluster::settings);
        self.tell(node, &Input::ExecutorReady(holdings(settings, &greeting)))
    }

    pub(super) fn plug(&mut self, node: NodeId, is_there: bool) -> Result<(), Broken> {
        self.unplugged[node.index()] = !is_there;
        self.tell(node, &Input::Carrier { group: GroupId(0), is_there })
    }

    /// A machine continues after a pause: what waits in its socket is read before anything is decided.
    pub(super) fn resume(&mut self, node: NodeId, executor_first: bool) -> Result<(), Broken> {
        self.machines[node.index()].paused_until = None;
        if executor_first {
            self.let_go(node)?;
        }
        while self.first(node, false).is_some() {
            self.hear(node, false);
        }
        self.network.interrupt(self.now, node);
        self.turn(node)?;
        self.let_go(node)
    }

    /// The executor checks its permit.
    pub(super) fn let_go(&mut self, node: NodeId) -> Result<(), Broken> {
        let services = &mut self.machines[node.index()].services;
        let groups = self.settings.group_ids();
        let (jobs, groups) = self.stand_ins[node.index()].let_go(self.now, groups, services);
        self.jobs.retain(|job| job.0 != node || !jobs.contains(&job.1));
        for job in jobs {
            let outcome = Outcome::Cancelled;
            self.tell(node, &Input::JobDone { job, outcome })?;
        }
        for group in groups {
            self.tell(node, &Input::LetGo(group))?;
        }
        Ok(())
    }
}
