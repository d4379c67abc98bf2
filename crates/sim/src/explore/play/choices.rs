//! What may happen next in a scope.

use super::{JOB_MAX, NODES, Play};
use crate::explore::Step;
use systole_core::NodeId;

impl Play {
    /// Returns what may happen next, ordinary steps last.
    pub(in crate::explore) fn choices(&self) -> Vec<Step> {
        let is_over = self.now >= self.end;
        let left = self.left;
        let mut choices = Vec::new();
        let mut may = |step, possible| {
            if possible {
                choices.push(step);
            }
        };
        // At the beginning only: other scopes cover datagrams lost in transit.
        let is_first = self.now + self.scope.horizon == self.end && self.flying.is_empty();
        may(Step::Cut, is_first && left.cuts > 0 && !self.is_cut);
        may(Step::Heal, self.is_cut);
        for node in NODES {
            let machine = &self.machines[node.index()];
            if machine.paused_until.is_some() {
                may(Step::Resume(node), true);
                may(Step::ResumeExecutor(node), true);
                continue;
            }
            let runs = machine.cluster.is_some();
            let flies = self.first(node, false).is_some();
            let lacks_executor = self.without_executor[node.index()];
            let is_unplugged = self.unplugged[node.index()];
            let can_crash = left.executor_crashes > 0 && runs && !lacks_executor;
            may(Step::KillExecutor(node), !is_over && can_crash);
            may(Step::ExecutorBack(node), runs && lacks_executor);
            may(Step::Unplug(node), !is_over && left.unplugs > 0 && runs && !is_unplugged);
            may(Step::PlugIn(node), runs && is_unplugged);
            may(Step::Pause(node), !is_over && left.pauses > 0 && runs);
            may(Step::Kill(node), !is_over && left.crashes > 0 && runs);
            may(Step::PowerOff(node), !is_over && left.crashes > 0 && machine.has_power);
            may(Step::Start(node), !is_over && !runs);
            may(Step::Restart(node), !is_over && left.restarts > 0 && runs);
            may(Step::Stop(node), !is_over && left.orders > 0 && runs);
            may(Step::Standby(node), !is_over && left.orders > 0 && runs);
            may(Step::Takeover(node), !is_over && left.orders > 0 && runs);
            may(Step::Lose(node), !is_over && left.losses > 0 && flies);
            may(Step::Delay(node), !is_over && left.delays > 0 && flies);
            may(Step::DeliverLate(node), self.first(node, true).is_some());
            let works = self.job(node).is_some();
            may(Step::Fail(node), !is_over && left.failures > 0 && works);
            may(Step::Succeed(node), works);
            may(Step::Deliver(node), flies);
        }
        let rests = |node: NodeId| self.machines[node.index()].paused_until.is_some();
        let is_prompt = self.flying.iter().all(|flight| flight.is_delayed || rests(flight.to));
        let mut waited = self.jobs.iter().filter(|job| !rests(job.0));
        let is_quick = waited.all(|(_, _, since)| self.now.since(*since) < JOB_MAX);
        may(Step::Pass, !is_over && is_prompt && is_quick);
        choices
    }
}
