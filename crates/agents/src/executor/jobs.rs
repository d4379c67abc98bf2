//! Runs of agents, from the queue to their report.

use super::Executor;
use crate::agent::{Agent, Invocation};
use crate::process::{Process, Remains, Why, lines};
use crate::protocol::{Action, Ended, Held, Level, Outcome, Report, Run};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;
use systole_core::{Resource, ResourceKind, Time};
use systole_sys::process::Spawn;

/// What a shell says when a program cannot be executed.
const NOT_EXECUTABLE: i32 = 126;

/// A run that waits or goes on.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) run: Run,
    /// Whether the present daemon asked for it and waits for the answer. Otherwise it is a stop of
    /// our own, or its daemon is gone.
    pub(super) is_from_daemon: bool,
}

/// A run of an agent that goes on.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) job: Job,
    agent: Agent,
    /// What the process does now: a start asks for the status first.
    action: Action,
    limit: Option<Time>,
    pub(super) process: Process,
}

impl Executor {
    /// Lets a run wait for its turn.
    pub(super) fn enqueue(&mut self, run: Run) {
        let job = Job { is_from_daemon: true, run };
        if !self.may_begin(&job.run) || !is_sensible(&job.run.resources) {
            return self.answer(&job, Outcome::Refused);
        }
        if let Err(job) = self.queues.push(job.run.group, job) {
            self.answer(&job, Outcome::Refused);
        }
    }

    /// Whether a run is allowed: nothing is started without a permit, or while everything is let
    /// go.
    fn may_begin(&self, run: &Run) -> bool {
        let may_start = self.lease.is_valid(self.now) && self.letting_go.is_none();
        run.action != Action::Start || may_start
    }

    /// Begins every run whose turn it is.
    pub(super) fn begin_jobs(&mut self) {
        if !self.adoption.is_over() {
            return;
        }
        while let Some(job) = self.queues.begin() {
            self.begin(job);
        }
    }

    fn begin(&mut self, job: Job) {
        // Looked at again: it may have waited for long.
        if !self.may_begin(&job.run) {
            return self.finish(&job, Outcome::Refused);
        }
        let kind = job.run.resources.first().map(|resource| resource.kind.clone());
        let Some(ResourceKind::Agent { name, arguments }) = kind else {
            return self.run_addresses(&job);
        };
        let Some(agent) = Agent::find(&name, &arguments, &self.options.directories) else {
            self.log(Level::Error, format!("Cannot locate resource script {name}"));
            // What cannot be found cannot be running either, as far as anybody can know.
            if job.run.action == Action::Stop {
                self.strike(&job.run);
            }
            return self.finish(&job, Outcome::Missing);
        };
        let limit =
            (job.run.timeout_ms > 0).then(|| self.now + Duration::from_millis(job.run.timeout_ms));
        let first = match job.run.action {
            Action::Start => {
                self.enter(&job.run);
                Action::Status
            }
            action @ (Action::Status | Action::Stop | Action::Monitor) => action,
        };
        self.launch(job, agent, first, limit);
    }

    /// Starts the agent's program for one action.
    fn launch(&mut self, job: Job, agent: Agent, action: Action, limit: Option<Time>) {
        if matches!(action, Action::Start | Action::Stop) {
            let (line, _) = agent.describe(action, &self.options.directories);
            self.log(Level::Info, line);
        }
        match self.spawn(&job.run, &agent, action, limit) {
            Ok(process) => self.active.push(Active { job, agent, action, limit, process }),
            Err(error) => {
                let outcome = Outcome::Failed { code: NOT_EXECUTABLE, text: error.to_string() };
                self.conclude(&job, &agent, outcome);
            }
        }
    }

    fn spawn(
        &mut self,
        run: &Run,
        agent: &Agent,
        action: Action,
        limit: Option<Time>,
    ) -> io::Result<Process> {
        let directories = &self.options.directories;
        let Invocation { program, arguments, environment } =
            agent.invocation(action, directories, &self.configuration, &run.environment)?;
        let record = self.records.begin(&ended(run))?;
        let mut spawn = Spawn::new(program);
        spawn.arguments = arguments.into_iter().map(Into::into).collect();
        spawn.environment = environment;
        spawn.directory = directories.working.is_dir().then(|| directories.working.clone());
        spawn.limits = self.options.limits.as_ref();
        spawn.record = Some(record.file.as_fd());
        let child = spawn.start()?;
        Ok(Process::new(child, record, limit))
    }

    /// Looks at every process that runs.
    pub(super) fn check_processes(&mut self) {
        let mut at = 0;
        while let Some(active) = self.active.get_mut(at) {
            match active.process.check() {
                Ok(None) => at += 1,
                Ok(Some(remains)) => {
                    let active = self.active.swap_remove(at);
                    self.end(active, remains);
                }
                Err(error) => {
                    let active = self.active.swap_remove(at);
                    let outcome = Outcome::Failed { code: NOT_EXECUTABLE, text: error.to_string() };
                    self.conclude(&active.job, &active.agent, outcome);
                }
            }
        }
    }

    fn end(&mut self, active: Active, remains: Remains) {
        let Active { job, agent, action, limit, process } = active;
        drop(process);
        self.lingering.extend(remains.pipes.into_iter().flatten());
        if matches!(action, Action::Start | Action::Stop) {
            let name = agent_name(&job.run);
            for line in lines(&remains.stdout).chain(lines(&remains.stderr)) {
                self.log_as(&name, "default", Level::Debug, line);
            }
            if remains.dropped > 0 {
                let text = format!("{} more bytes of output", remains.dropped);
                self.log_as(&name, "default", Level::Debug, text);
            }
        }
        let outcome = match remains.why {
            Some(Why::TimedOut) => Outcome::TimedOut,
            Some(Why::Cancelled) => Outcome::Cancelled,
            None => agent.judge(action, remains.exit, &remains.stdout),
        };
        let was_asked = job.run.action == Action::Start && action == Action::Status;
        // Only a start that is still wanted goes on from its status.
        if was_asked && matches!(outcome, Outcome::NotRunning | Outcome::Failed { .. }) {
            self.launch(job, agent, Action::Start, limit);
        } else if was_asked && outcome == Outcome::Running {
            self.conclude(&job, &agent, Outcome::Success);
        } else {
            self.conclude(&job, &agent, outcome);
        }
    }

    fn conclude(&mut self, job: &Job, agent: &Agent, outcome: Outcome) {
        let (_, name) = agent.describe(job.run.action, &self.options.directories);
        match &outcome {
            Outcome::Failed { code, .. }
                if matches!(job.run.action, Action::Start | Action::Stop) =>
            {
                self.log(Level::Error, format!("Return code {code} from {name}"));
            }
            Outcome::TimedOut => {
                self.log(Level::Error, format!("{name} did not finish in time and was killed"));
            }
            Outcome::Success if job.run.action == Action::Stop => self.strike(&job.run),
            Outcome::Failed { .. }
            | Outcome::Success
            | Outcome::Running
            | Outcome::NotRunning
            | Outcome::Missing
            | Outcome::Cancelled
            | Outcome::Refused => {}
        }
        self.finish(job, outcome);
    }

    fn run_addresses(&mut self, job: &Job) {
        let resources = &job.run.resources;
        let outcome = match job.run.action {
            Action::Start => {
                self.enter(&job.run);
                let started = self.agent.start(self.now, resources);
                if self.next_renewal <= self.now {
                    self.next_renewal = self.now + super::RENEWAL;
                }
                for (interface, line) in started.lines {
                    self.log_as("IPaddr", &interface, Level::Info, line);
                }
                let group = job.run.group;
                if started.announced > 0 {
                    self.report(&Report::Announced { group, addresses: started.announced });
                }
                started.outcome
            }
            Action::Stop => {
                let outcome = self.agent.stop(resources);
                if outcome.is_success() {
                    self.strike(&job.run);
                }
                outcome
            }
            Action::Status => self.agent.status(resources),
            Action::Monitor => self.agent.monitor(resources),
        };
        if let Outcome::Failed { text, .. } = &outcome {
            self.log_as("IPaddr", "default", Level::Error, text.clone());
        }
        self.finish(job, outcome);
    }

    /// The turn of a group goes to its next run.
    fn finish(&mut self, job: &Job, outcome: Outcome) {
        self.queues.finish(job.run.group);
        self.answer(job, outcome);
        self.note_own_stop(job);
    }

    /// Answers a run that has ended or will not begin.
    pub(super) fn answer(&mut self, job: &Job, outcome: Outcome) {
        if job.is_from_daemon {
            self.report(&Report::Done { job: job.run.job, outcome });
        }
    }

    /// Ends the daemon's runs that `is_chosen` chooses.
    pub(super) fn cancel(&mut self, is_chosen: impl Fn(&Run) -> bool) {
        let waiting = self.queues.remove(|job| job.is_from_daemon && is_chosen(&job.run));
        for job in waiting {
            self.answer(&job, Outcome::Cancelled);
        }
        for active in &mut self.active {
            if active.job.is_from_daemon && is_chosen(&active.job.run) {
                active.process.end(self.now, Why::Cancelled);
            }
        }
    }

    /// Ends what a former daemon left running, for the next one to know.
    pub(super) fn cut_short(&mut self) {
        for active in self.active.iter_mut().filter(|active| active.job.is_from_daemon) {
            active.job.is_from_daemon = false;
            self.ended.push(ended(&active.job.run));
            active.process.end(self.now, Why::Cancelled);
        }
    }

    /// Enters the resources into the ledger, before they are started.
    fn enter(&mut self, run: &Run) {
        let Run { group, group_name, term, resources, .. } = run.clone();
        self.lost.retain(|address| !resources.contains(address));
        let result = self.ledger.enter(&Held { group, group_name, term, resources });
        self.complain(result);
    }

    /// Strikes the resources out of the ledger, after they were stopped.
    pub(super) fn strike(&mut self, run: &Run) {
        self.lost.retain(|address| !run.resources.contains(address));
        let result = self.ledger.strike(run.group, &run.resources);
        self.complain(result);
    }

    /// A ledger that cannot be written endangers only a restart of ours: said, and gone on.
    fn complain(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            let path = self.options.ledger.display();
            let text = format!("Cannot write {path}: {error}");
            self.log(Level::Error, text);
        }
    }
}

/// Whether resources are one agent, or addresses only.
fn is_sensible(resources: &[Resource]) -> bool {
    let mut kinds = resources.iter().map(|resource| &resource.kind);
    let addresses = kinds.all(|kind| matches!(kind, ResourceKind::Address(_)));
    !resources.is_empty() && (addresses || resources.len() == 1)
}

fn agent_name(run: &Run) -> String {
    match run.resources.first().map(|resource| &resource.kind) {
        Some(ResourceKind::Agent { name, .. }) => name.clone(),
        Some(ResourceKind::Address(_)) | None => "IPaddr".to_owned(),
    }
}

fn ended(run: &Run) -> Ended {
    Ended { group: run.group, action: run.action, resources: run.resources.clone() }
}
