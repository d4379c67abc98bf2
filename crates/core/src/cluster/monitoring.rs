//! The checks of groups that run here, and what follows from a resource that has failed: it is
//! restarted in place, and at last the group moves, by the same way as a group that cannot be
//! started.

use super::Cluster;
use super::classic::ClassicInput;
use super::gate::Purpose;
use super::hand_over::Asker;
use crate::monitoring::{End, Verdict, Watch};
use crate::mutation::Mutation;
use crate::{
    Action, AfterCheck, Cause, Event, Failure, GroupId, GroupSet, JobId, LastResort, Outcome,
    Output, Phase, Resource, Scope, Time,
};
use std::time::Duration;

/// The most checks that run at the same time; the others wait for their turn.
const CHECKS_MAX: usize = 16;
/// How long a main process that ends in good order may be replaced, as by an upgrade or by systemd, before its
/// resource is checked.
const GRACE: Duration = Duration::from_secs(2);
/// How long a C node has for a set that it is asked to take, before something else is tried.
const ASK_AGAIN: Duration = Duration::from_mins(1);

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
            let dropped = self.groups[group].monitoring.configure(monitors);
            self.cancel_checks(dropped);
        }
    }

    /// Begins the checks that are due, those that have waited longest first, and ends those of groups that
    /// no longer run here.
    pub(super) fn elapse_monitoring(&mut self) {
        if self.settings.monitors.is_empty() {
            return;
        }
        let now = self.now;
        for group in self.settings.group_ids() {
            if self.groups[group].monitoring.is_empty() {
                continue;
            }
            if self.may_monitor(group) {
                self.groups[group].monitoring.begin(now, group);
                if self.groups[group].monitoring.has_withheld() && self.may_restart(group) {
                    self.groups[group].monitoring.recheck_withheld(now);
                }
            } else {
                self.end_checks(group);
            }
        }
        for _ in self.count_checks()..CHECKS_MAX {
            let groups = self.settings.group_ids();
            let due =
                groups.filter_map(|group| Some((self.groups[group].monitoring.deadline()?, group)));
            let Some((_, group)) = due.filter(|(at, _)| *at <= now).min() else { return };
            let next = &mut self.next_job;
            if let Some(job) = self.groups[group].monitoring.poll(now, group, next) {
                self.outbox.push_back(Output::Run(job));
            }
        }
    }

    pub(super) fn monitoring_deadline(&self) -> Option<Time> {
        if self.settings.monitors.is_empty() {
            return None;
        }
        let next = self.groups.iter().filter_map(|group| group.monitoring.deadline()).min();
        next.filter(|_| self.count_checks() < CHECKS_MAX)
    }

    fn count_checks(&self) -> usize {
        self.groups.iter().map(|group| group.monitoring.running()).sum()
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

    /// Ends the checks of a group that runs no longer, or cannot be checked.
    fn end_checks(&mut self, group: GroupId) {
        let is_over = self.groups[group].runner.is_idle();
        if let Some((_, failure)) = self.groups[group].move_asked {
            let state = &mut self.groups[group];
            if state.monitoring.is_well(failure.resource.into()) {
                // The group leaves for another reason.
                state.move_asked = None;
            } else if is_over {
                state.move_asked = None;
                self.cannot_run(group, failure);
            }
        }
        let state = &mut self.groups[group];
        let jobs = if is_over { state.monitoring.end() } else { state.monitoring.suspend() };
        self.cancel_checks(jobs);
    }

    fn cancel_checks(&mut self, jobs: Vec<JobId>) {
        if self.has_executor() {
            self.outbox.extend(jobs.into_iter().map(Output::Cancel));
        }
    }

    /// Checks a resource at once, because a main process of it has ended.
    pub(super) fn handle_process_end(&mut self, group: GroupId, resource: usize, is_crash: bool) {
        if self.is_configured(group) {
            let now = self.now;
            let due = if is_crash { now } else { now + GRACE };
            self.groups[group].monitoring.suspect(due, resource);
        }
    }

    /// Processes the end of a check. Returns whether the job was one.
    pub(super) fn monitor_done(&mut self, job: JobId, outcome: Outcome) -> bool {
        let mut groups = self.settings.group_ids();
        let found = groups.find(|group| self.groups[*group].monitoring.has(job));
        let Some(group) = found else { return false };
        // In the turn in which a group is lost, the end of a check of it may be heard too.
        let outcome = if self.may_monitor(group) { outcome } else { Outcome::Cancelled };
        let (now, may_act) = (self.now, self.may_restart(group));
        if let Some(end) = self.groups[group].monitoring.done(now, job, outcome, may_act) {
            self.follow(group, outcome, end);
        }
        true
    }

    /// Whether a failed resource of a group may be restarted, or the group moved: no one holds the
    /// group, it is not being handed over, and what is stopped may be started again.
    fn may_restart(&self, group: GroupId) -> bool {
        let is_free = self.first_obstacle(group, Purpose::GoOn).is_none();
        is_free && !self.is_held(group) && !self.is_moved(group)
    }

    fn follow(&mut self, group: GroupId, outcome: Outcome, end: End) {
        let End { resource, monitor, words, verdict } = end;
        if self.is_mutated(Mutation::IgnoreChecks) {
            return;
        }
        let follows = match verdict {
            Verdict::None => return,
            Verdict::Recovered => {
                self.groups[group].move_asked = None;
                return self.report(Event::CheckRecovered { group, resource });
            }
            Verdict::Unknown => AfterCheck::Unknown,
            Verdict::Failing { failures } => {
                AfterCheck::Waits { failures, allowed: monitor.failures }
            }
            Verdict::Withheld => AfterCheck::Held,
            Verdict::Restart { used } => AfterCheck::Restarts { used, allowed: monitor.restarts },
            Verdict::Exhausted { .. } => match monitor.then {
                LastResort::Move => AfterCheck::Moves,
                LastResort::Block => AfterCheck::Blocks,
                LastResort::Ignore => AfterCheck::Ignores,
            },
        };
        if verdict != (Verdict::Exhausted { is_news: false }) {
            self.report(Event::CheckFailed { group, resource, outcome, words, follows });
        }
        match follows {
            AfterCheck::Restarts { .. } => self.restart_in_place(group, resource),
            AfterCheck::Moves => {
                let failure = Failure::new(Action::Monitor, resource, outcome, words);
                self.move_away(group, resource, failure);
            }
            AfterCheck::Waits { .. }
            | AfterCheck::Held
            | AfterCheck::Unknown
            | AfterCheck::Blocks
            | AfterCheck::Ignores => {}
        }
    }

    fn restart_in_place(&mut self, group: GroupId, resource: usize) {
        self.groups[group].move_asked = None;
        self.groups[group].runner.restart(resource);
        self.change_phase(group, Phase::Starting, Cause::CheckFailed);
        let jobs = self.groups[group].monitoring.restart(resource);
        self.cancel_checks(jobs);
    }

    /// A C node takes only whole sets, which are handed over. Where that is refused or not answered, the
    /// resource is restarted after a while, and then the C node is asked again.
    fn move_away(&mut self, group: GroupId, resource: usize, failure: Failure) {
        let peer = self.classic_peer().filter(|peer| self.peer(*peer).is_present());
        let Some(peer) = peer else { return self.hand_away(group, failure) };
        match self.groups[group].move_asked {
            Some((at, _)) if self.now.since(at) < ASK_AGAIN => return,
            Some(_) => return self.restart_in_place(group, resource),
            None => self.groups[group].move_asked = Some((self.now, failure)),
        }
        let is_local = self.preferred(group) == self.settings.me;
        let set = GroupSet::of(is_local, !is_local);
        if !self.hand_over.runs() && !self.is_everything_held() && self.may_all_leave(set) {
            // A refusal is reported by the hand-over itself.
            let _ = self.order_standby(Scope::Set(set), Some(peer), Asker::Failed);
        }
    }

    /// Hands a group that does not work here to a node that can run it, and that says so before anything
    /// stops. Without such a node, or if it refuses, the group rests. While another hand-over is in
    /// progress, the next check asks again, for a while.
    fn hand_away(&mut self, group: GroupId, failure: Failure) {
        if self.hand_over.runs() {
            let watch = self.groups[group].monitoring.watch_of(failure.resource.into());
            let since = watch.and_then(Watch::failing_since);
            if since.is_some_and(|since| self.now.since(since) < ASK_AGAIN) {
                return;
            }
        } else if self.groups[group].move_asked.is_none() {
            let taker = self.others().find(|node| {
                let peer = self.peer(*node);
                peer.can_negotiate() && self.could_take(group, *node)
            });
            let asked = taker.is_some_and(|taker| {
                // A refusal is reported by the hand-over itself.
                self.order_standby(Scope::Group(group), Some(taker), Asker::Failed).is_ok()
            });
            if asked {
                self.groups[group].move_asked = Some((self.now, failure));
                return;
            }
        }
        self.groups[group].move_asked = None;
        self.stop_and_fail(group, failure);
    }

    /// Stops a group that does not work here. Another node may take it once it is stopped.
    fn stop_and_fail(&mut self, group: GroupId, failure: Failure) {
        self.cannot_run(group, failure);
        self.groups[group].runner.give_up();
        self.set_phase(group, Phase::Stopping, Cause::CheckFailed);
        self.beat_soon();
        self.tell_classic(ClassicInput::StartFailed(group));
        self.end_checks(group);
    }

    /// This node does not take the group again until a person says so.
    fn cannot_run(&mut self, group: GroupId, failure: Failure) {
        let me = self.settings.me;
        self.record_ability(group, me, false);
        self.groups[group].record_failure(me, failure);
        self.beat_soon();
    }
}
