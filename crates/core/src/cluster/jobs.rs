//! The jobs of groups: which may be begun, and what came of them.

use super::Cluster;
use super::gate::Purpose;
use crate::group::Progress;
use crate::mutation::Mutation;
use crate::{Action, Event, Failure, GroupId, JobId, Outcome, Output, Phase};

impl Cluster {
    /// Whether the next job of a group may begin. A start adds something, and passes the gate for
    /// each of its jobs; a stop needs only an executor.
    pub(super) fn may_run_job_of(&self, group: GroupId) -> bool {
        if !self.groups[group].runner.is_adding() {
            return self.has_executor();
        }
        self.first_obstacle(group, Purpose::GoOn).is_none()
    }

    pub(super) fn run_jobs(&mut self) {
        for group in self.settings.group_ids() {
            if !self.may_run_job_of(group) {
                continue;
            }
            let (now, next) = (self.now, &mut self.next_job);
            let runner = &mut self.groups[group].runner;
            let jobs = [runner.poll(now, next), runner.poll_aside(now, next)];
            self.outbox.extend(jobs.into_iter().flatten().map(Output::Run));
        }
    }

    /// Processes the end of a job.
    pub(super) fn job_done(&mut self, job: JobId, outcome: Outcome) {
        if self.check_done(job, outcome)
            || self.monitor_done(job, outcome)
            || self.foreign_done(job, outcome)
        {
            return;
        }
        let aside = self.groups.iter_mut().find_map(|group| group.runner.aside_done(job));
        if let Some((ran, since)) = aside {
            let took = self.now.since(since);
            return self.report(Event::JobEnded { job: ran, outcome, took });
        }
        let running = self.groups.iter().filter_map(|group| group.runner.running());
        let found = running.into_iter().find(|(running, _)| running.id == job);
        let Some((ran, since)) = found else { return };
        let group = ran.group;
        let now = self.now;
        let words = self.groups[group].runner.words();
        self.report(Event::JobEnded { job: ran, outcome, took: now.since(since) });
        let believed =
            self.is_mutated(Mutation::BelieveEveryStart) && self.groups[group].runner.is_adding();
        let outcome = if believed { Outcome::Success } else { outcome };
        match self.groups[group].runner.done(now, job, outcome) {
            Progress::None => {}
            Progress::Started => {
                if self.is_ours(group) {
                    self.set_phase(group, Phase::Active, self.groups[group].cause);
                    self.beat_soon();
                }
            }
            Progress::StartFailed { resource, outcome } => {
                let failure = Failure::new(Action::Start, resource, outcome, words);
                self.start_failed(group, resource, failure);
                if self.groups[group].runner.is_idle() {
                    self.stopped(group, true);
                }
            }
            Progress::Stopped { failed } => self.stopped(group, failed),
            Progress::StopRetried { resource, outcome } => {
                self.report(Event::StopRetried { group, resource, outcome });
            }
            Progress::StopDoubtful { resource, failed } => {
                self.report(Event::StopDoubtful { group, resource });
                if self.groups[group].runner.is_idle() {
                    self.stopped(group, failed);
                }
            }
            Progress::StopFailed { resource, outcome } => {
                let failure = Failure::new(Action::Stop, resource, outcome, words);
                self.stop_failed(group, resource, failure);
            }
        }
    }
}
