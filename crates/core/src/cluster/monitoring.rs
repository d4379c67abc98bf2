//! The checks of groups that run here, and what follows from a resource that has failed: it is
//! restarted in place, and at last the group moves, by the same way as a group that cannot be
//! started.

use super::Cluster;
use super::classic::ClassicInput;
use super::hand_over::Asker;
use crate::monitoring::{End, Verdict};
use crate::mutation::Mutation;
use crate::{
    Action, AfterCheck, Cause, Event, Failure, GroupId, GroupSet, JobId, LastResort, Outcome,
    Output, Phase, Resource, Scope, Time,
};

/// The most checks that run at the same time; the others wait for their turn.
const CHECKS_MAX: usize = 16;

impl Cluster {
    /// Gives every group the monitors that the settings have for it.
    pub(super) fn configure_monitoring(&mut self) {
        for group in self.settings.group_ids() {
            let monitors = self.settings.monitors_of(group);
            let is_address = |resource: usize| {
                let known = self.settings.groups[group.index()].resources.get(resource);
                known.is_none_or(Resource::is_address)
            };
            let monitors = monitors.filter(|(resource, _)| !is_address(*resource));
            self.groups[group].monitoring.configure(monitors);
        }
    }

    /// Begins the checks that are due, and ends those of groups that no longer run here.
    pub(super) fn elapse_monitoring(&mut self) {
        for group in self.settings.group_ids() {
            if self.groups[group].monitoring.is_empty() {
                continue;
            }
            if !self.may_monitor(group) {
                self.end_checks(group);
                continue;
            }
            let now = self.now;
            self.groups[group].monitoring.begin(now, group);
            while self.has_room_for_check()
                && let Some(job) =
                    self.groups[group].monitoring.poll(now, group, &mut self.next_job)
            {
                self.outbox.push_back(Output::Run(job));
            }
        }
    }

    pub(super) fn monitoring_deadline(&self) -> Option<Time> {
        let is_open = self.has_room_for_check();
        self.groups.iter().filter_map(|group| group.monitoring.deadline()).min().filter(|_| is_open)
    }

    /// Whether another check may begin.
    fn has_room_for_check(&self) -> bool {
        self.groups.iter().map(|group| group.monitoring.running()).sum::<usize>() < CHECKS_MAX
    }

    /// Whether a group runs here, and nothing is being done with it.
    fn may_monitor(&self, group: GroupId) -> bool {
        let state = &self.groups[group];
        self.is_ours(group)
            && state.row.phase() == Phase::Active
            && state.runner.is_active()
            && self.is_configured(group)
            && self.has_executor()
    }

    fn end_checks(&mut self, group: GroupId) {
        let jobs = self.groups[group].monitoring.end();
        if self.has_executor() {
            self.outbox.extend(jobs.into_iter().map(Output::Cancel));
        }
    }

    /// Processes the end of a check. Returns whether the job was one.
    pub(super) fn monitor_done(&mut self, job: JobId, outcome: Outcome) -> bool {
        let now = self.now;
        let groups = self.settings.group_ids();
        let found = groups.into_iter().find_map(|group| {
            let may_act = self.may_restart(group);
            let end = self.groups[group].monitoring.done(now, job, outcome, may_act)?;
            Some((group, end))
        });
        let Some((group, end)) = found else { return false };
        self.follow(group, outcome, end);
        true
    }

    /// Whether a failed resource of a group may be restarted, or the group moved: no one holds the
    /// group, and it is not being handed over.
    fn may_restart(&self, group: GroupId) -> bool {
        !self.is_held(group) && !self.is_moved(group)
    }

    fn follow(&mut self, group: GroupId, outcome: Outcome, end: End) {
        let End { resource, monitor, words, verdict } = end;
        if self.is_mutated(Mutation::IgnoreChecks) {
            return;
        }
        let follows = match verdict {
            Verdict::None => return,
            Verdict::Recovered => return self.report(Event::CheckRecovered { group, resource }),
            Verdict::Unknown => AfterCheck::Unknown,
            Verdict::Failing { failures } => {
                AfterCheck::Waits { failures, allowed: monitor.failures }
            }
            Verdict::Withheld => AfterCheck::Held,
            Verdict::Restart { used } => AfterCheck::Restarts { used, allowed: monitor.restarts },
            Verdict::Exhausted => match monitor.then {
                LastResort::Move => AfterCheck::Moves,
                LastResort::Block => AfterCheck::Blocks,
                LastResort::Ignore => AfterCheck::Ignores,
            },
        };
        self.report(Event::CheckFailed { group, resource, outcome, words, follows });
        match follows {
            AfterCheck::Restarts { .. } => {
                self.groups[group].runner.restart(resource);
                self.change_phase(group, Phase::Starting, Cause::CheckFailed);
                self.end_checks(group);
            }
            AfterCheck::Moves => {
                self.move_away(group, Failure::new(Action::Monitor, resource, outcome, words));
            }
            AfterCheck::Waits { .. }
            | AfterCheck::Held
            | AfterCheck::Unknown
            | AfterCheck::Blocks
            | AfterCheck::Ignores => {}
        }
    }

    /// A C node takes only whole sets, which are handed over. If that is refused, the next check
    /// that fails asks again.
    fn move_away(&mut self, group: GroupId, failure: Failure) {
        let peer = self.classic_peer().filter(|peer| self.peer(*peer).is_present());
        let Some(peer) = peer else { return self.stop_and_fail(group, failure) };
        let is_local = self.preferred(group) == self.settings.me;
        let set = GroupSet::of(is_local, !is_local);
        // A refusal is reported by the hand-over itself.
        let _ = self.order_standby(Scope::Set(set), Some(peer), Asker::Failed);
    }

    /// Stops a group that does not work here. Another node may take it once it is stopped.
    fn stop_and_fail(&mut self, group: GroupId, failure: Failure) {
        let me = self.settings.me;
        self.record_ability(group, me, false);
        self.groups[group].record_failure(me, failure);
        self.groups[group].runner.give_up();
        self.set_phase(group, Phase::Stopping, Cause::CheckFailed);
        self.beat_soon();
        self.tell_classic(ClassicInput::StartFailed(group));
        self.end_checks(group);
    }
}
