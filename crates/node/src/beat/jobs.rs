//! The communication of the beat thread with its executor.

use super::channel::News;
use super::executor::{Arrival, Executor, check_of, durations, request_of};
use super::{BeatLoop, REPORTS_PER_TURN};
use systole_agents::meaning::{self, Meaning};
use systole_agents::protocol::Request;
use systole_agents::standstill::patience;
use systole_core::{GroupId, Input, Job, JobId, Time};
use systole_sys::process::ProcessId;

impl BeatLoop {
    pub(super) fn take_executor(&mut self, now: Time, mut executor: Executor) {
        let greeting = executor.greeting.take();
        self.executor = Some(executor);
        if let Some(greeting) = greeting {
            self.follow(now, meaning::of_greeting(&self.cluster, &greeting));
        }
    }

    /// Records whether the executor has read the requests of earlier turns. An executor that has not read
    /// for too long does not renew addresses either, and counts as gone.
    pub(super) fn watch_executor(&mut self, now: Time) {
        let at = self.origin.saturating_add(now.as_nanos());
        let settings = self.cluster.settings();
        let (keepalive, patience) = (settings.keepalive, patience(settings.deadtime));
        let Some(executor) = &mut self.executor else { return };
        let makes_progress = executor.makes_progress(at);
        if executor.still_for(at, makes_progress, keepalive) >= patience {
            let hung = executor.process();
            return self.lose_executor(now, hung);
        }
        if makes_progress {
            self.control.record_executor_turn();
        }
    }

    pub(super) fn read_executor(&mut self, now: Time) {
        for _ in 0..REPORTS_PER_TURN {
            let Some(executor) = &mut self.executor else { return };
            match executor.receive() {
                Arrival::Report(report) => {
                    self.follow(now, meaning::of_report(&self.cluster, report));
                }
                Arrival::Nothing => return,
                Arrival::Gone => self.lose_executor(now, None),
            }
            self.rest.record_work();
        }
    }

    /// Handles the loss of the executor. `hung` is its process if that stands still.
    fn lose_executor(&mut self, now: Time, hung: Option<ProcessId>) {
        self.executor = None;
        self.cluster.handle(now, &Input::ExecutorGone);
        self.control.send_queued(News::ExecutorGone { hung });
    }

    /// Does what follows from a report.
    fn follow(&mut self, now: Time, meanings: Vec<Meaning>) {
        for meaning in meanings {
            match meaning {
                Meaning::OtherVersion => return self.lose_executor(now, None),
                Meaning::Core(input) => self.cluster.handle(now, &input),
                Meaning::CleanUp(held) => {
                    if let Some(executor) = &mut self.executor {
                        executor.clean_up(&held, self.timeouts);
                    }
                }
                Meaning::Tell(told) => self.control.send_lossy(News::Executor(told)),
            }
        }
    }

    pub(super) fn run_job(&mut self, now: Time, job: &Job) {
        let settings = self.cluster.settings();
        let key = settings.groups[job.group.index()].key;
        let mut terms = self.cluster.terms();
        let term = terms.find(|(group, _, _)| *group == key).map_or(0, |(_, _, term)| term);
        let request = request_of(settings, job, term, durations(self.timeouts));
        drop(terms);
        self.request(now, &request);
    }

    pub(super) fn check(&mut self, now: Time, job: JobId, group: GroupId) {
        let request = check_of(self.cluster.settings(), job, group);
        self.request(now, &request);
    }

    /// Sends a request. An executor that takes no more requests counts as gone.
    pub(super) fn request(&mut self, now: Time, request: &Request) {
        let sent = self.executor.as_ref().is_some_and(|executor| executor.send(request).is_ok());
        if !sent && self.executor.is_some() {
            self.lose_executor(now, None);
        }
    }
}
