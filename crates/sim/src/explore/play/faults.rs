//! What may happen to an executor, a carrier, and a machine that stands still.

use super::Play;
use crate::laws::Broken;
use systole_core::{GroupId, Input, NodeId, Outcome};

impl Play {
    pub(super) fn kill_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.left.executor_crashes -= 1;
        self.without_executor[node.index()] = true;
        let machine = &mut self.machines[node.index()];
        machine.executor.lose_daemon(self.now);
        self.jobs.retain(|job| job.0 != node);
        self.tell(node, &Input::ExecutorGone)
    }

    pub(super) fn bring_executor(&mut self, node: NodeId) -> Result<(), Broken> {
        self.without_executor[node.index()] = false;
        let greeting = self.machines[node.index()].greeting(&self.settings);
        self.tell(node, &greeting)
    }

    pub(super) fn plug(&mut self, node: NodeId, is_there: bool) -> Result<(), Broken> {
        self.unplugged[node.index()] = !is_there;
        self.tell(node, &Input::Carrier { group: GroupId(0), is_there })
    }

    /// A machine goes on: what waits in its socket is read before anything is decided.
    pub(super) fn resume(&mut self, node: NodeId, executor_first: bool) -> Result<(), Broken> {
        self.machines[node.index()].paused_until = None;
        if executor_first {
            self.let_go(node)?;
        }
        while self.first(node, false).is_some() {
            self.hear(node, false);
        }
        self.network.interrupt(node);
        self.turn(node)?;
        self.let_go(node)
    }

    /// The executor looks at its permit.
    pub(super) fn let_go(&mut self, node: NodeId) -> Result<(), Broken> {
        let (jobs, groups) = self.machines[node.index()].executor.let_go(self.now);
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
