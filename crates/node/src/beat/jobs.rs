//! The communication of the beat thread with its executor.

use super::channel::News;
use super::executor::{
    Arrival, Executor, Greeting, check_of, differences, durations, group_of, holdings, is_of_core,
    outcome_of, request_of,
};
use super::{BeatLoop, REPORTS_PER_TURN};
use systole_agents::protocol::{self, LetGoReason, Report, Request};
use systole_agents::standstill::patience;
use systole_core::{GroupId, GroupKey, Input, Job, JobId, Resource, Time, Words};
use systole_sys::process::ProcessId;

/// The resources as they are written in haresources.
fn words(resources: &[Resource]) -> String {
    let words: Vec<_> = resources.iter().map(|resource| resource.word.as_str()).collect();
    words.join(", ")
}

impl BeatLoop {
    pub(super) fn take_executor(&mut self, now: Time, mut executor: Executor) {
        let greeting = executor.greeting.take();
        self.executor = Some(executor);
        if let Some(greeting) = greeting {
            self.compare(now, &greeting);
        }
    }

    /// Compares the executor's greeting with what the core expects. Unexpected resources are stopped.
    fn compare(&mut self, now: Time, greeting: &Greeting) {
        let settings = self.cluster.settings();
        let unknown = greeting.held.iter().filter(|it| group_of(settings, it.group).is_none());
        if let Some(executor) = &mut self.executor {
            for held in unknown {
                executor.clean_up(held, self.timeouts);
            }
        }
        let held = holdings(settings, greeting);
        // At the daemon's own start only the contents of the ledger are expected, and the core knows them.
        let different = if self.cluster.awaits_greeting() {
            Vec::new()
        } else {
            differences(settings, |group| self.cluster.own_phase(group), greeting)
        };
        for group in different {
            let why = "it holds something else of it than this node expected".to_owned();
            self.control.send_lossy(News::LetGo { group, why });
            self.cluster.handle(now, &Input::LetGo(group));
        }
        self.cluster.handle(now, &Input::ExecutorReady(held));
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
                Arrival::Report(report) => self.handle_report(now, report),
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

    fn handle_report(&mut self, now: Time, report: Report) {
        match report {
            Report::Hello { version, .. } if version != protocol::VERSION => {
                self.lose_executor(now, None);
            }
            Report::Hello { groups: held, unfinished, .. } => {
                self.compare(now, &Greeting { held, unfinished });
            }
            Report::Done { job, outcome } if is_of_core(job) => {
                if !outcome.text().is_empty() {
                    let words = Words::new(outcome.text());
                    self.cluster.handle(now, &Input::JobSaid { job, words });
                    // The report of a check has its words.
                    if !self.cluster.is_check(job) {
                        let text = outcome.text().to_owned();
                        self.control.send_lossy(News::Reason { job, text });
                    }
                }
                let outcome = outcome_of(&outcome);
                self.cluster.handle(now, &Input::JobDone { job, outcome });
            }
            // This was a stop of a group that is in no file. The executor's own lines report about it.
            Report::Done { .. } | Report::Announced { .. } => {}
            Report::Log { level, tag, text } => {
                self.control.send_lossy(News::Line { level, tag, text });
            }
            Report::Carrier { group, fault } => self.record_carrier(now, group, fault),
            Report::ProcessEnded { group, word, is_crash } => {
                let settings = self.cluster.settings();
                let found = group_of(settings, group).and_then(|group| {
                    let resources = &settings.groups[group.index()].resources;
                    let resource = resources.iter().position(|resource| resource.word == word)?;
                    Some(Input::ProcessEnded { group, resource, is_crash })
                });
                if let Some(input) = found {
                    self.cluster.handle(now, &input);
                }
            }
            Report::AddressLost { group, resources, why } => {
                let why = format!("{} is gone: {why}", words(&resources));
                self.let_go(now, &[group], &why);
            }
            Report::AddressBack { group, resources, why: cause } => {
                if let Some(group) = group_of(self.cluster.settings(), group) {
                    let addresses = words(&resources);
                    self.control.send_lossy(News::AddressBack { group, addresses, cause });
                }
            }
            Report::Alarm { group, text } => {
                if let Some(group) = group_of(self.cluster.settings(), group) {
                    self.control.send_lossy(News::Alarm { group, text });
                }
            }
            Report::LettingGo { reason, groups } => {
                let why = match reason {
                    LetGoReason::PermitExpired => "its permit was not renewed in time",
                    LetGoReason::Ordered => "it was told to",
                };
                self.let_go(now, &groups, why);
            }
            // The executor has already reported the groups that it was about to let go.
            Report::LetGo { failed, .. } => {
                let failed: Vec<_> = failed.iter().map(|held| held.group).collect();
                self.let_go(now, &failed, "a part of it could not be stopped");
            }
        }
    }

    fn record_carrier(&mut self, now: Time, key: GroupKey, fault: Option<String>) {
        let Some(group) = group_of(self.cluster.settings(), key) else { return };
        let is_there = fault.is_none();
        if is_there && !self.cluster.lacks_carrier(group) {
            // A new executor also reports working interfaces; the core knew of no fault.
            return;
        }
        self.cluster.handle(now, &Input::Carrier { group, is_there });
        self.control.send_lossy(News::Carrier { group, fault });
    }

    /// Makes the core stop what is left of these groups, which is how the core learns their state.
    fn let_go(&mut self, now: Time, groups: &[GroupKey], why: &str) {
        for key in groups {
            if let Some(group) = group_of(self.cluster.settings(), *key) {
                self.control.send_lossy(News::LetGo { group, why: why.to_owned() });
                self.cluster.handle(now, &Input::LetGo(group));
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
