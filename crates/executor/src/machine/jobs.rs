//! Runs, from the queue to the program that carries them out.

use super::Machine;
use super::active::Why;
use crate::protocol::{Action, Level, Outcome, Report, Run, Unfinished};
use crate::{AgentName, NotBegun, Output, RunId, Signal};
use std::time::Duration;
use systole_core::{Resource, ResourceKind, Time};

/// How long a program may take to start. No working program needs so long: after this time the disk of the
/// program does not answer, or the machine has no room left for it.
pub(super) const BEGIN_LIMIT: Duration = Duration::from_secs(10);
/// How much longer a program may take to start for each other one that is starting, and at most: on a busy machine
/// a hundred that start at once share it.
const BEGIN_EACH: Duration = Duration::from_millis(500);
const BEGIN_MORE_MAX: Duration = Duration::from_secs(30);
/// How long a run counts towards the number of runs that are active at the same time. That number limits how
/// many start at once, but a run that hangs must not hold up other groups.
const SHARE: Duration = Duration::from_secs(10);
/// OCF exit code: the agent, or what the agent manages, is not installed (`OCF_ERR_INSTALLED`).
const NOT_INSTALLED: i32 = 5;

/// Who waits for the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The present daemon, which is sent an answer.
    Daemon,
    /// The executor itself, which is letting go of the group.
    Executor,
    /// A daemon or an executor that is gone.
    Nobody,
}

/// A run that waits or is active.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) run: Run,
    pub(super) whose: Whose,
    /// The resources that a start has newly entered into the ledger.
    pub(super) entered: Vec<Resource>,
    /// The run goes on beside another run of its group.
    pub(super) is_aside: bool,
}

/// An active run.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) id: RunId,
    pub(super) job: Job,
    /// The current action: the start of an agent begins with a status.
    pub(super) action: Action,
    pub(super) limit: Option<Time>,
    /// When the run's turn came.
    pub(super) since: Time,
    pub(super) state: State,
    pub(super) name: String,
}

/// ```text
///            written           started         limit, cancelled       5 s later
///  Entering ────────▶ Beginning ──────▶ Running ──────────────▶ Ending ──────▶ Killed
///                         │                │     (TERM)            │  (KILL)     │
///                         └─ not started ─▶└────────▶ over ◀───────┴─────────────┤
///                                                                       5 s later ▼
///                                                                            abandoned
/// ```
/// A change of addresses goes from entering to over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits until the ledger with this number is written.
    Entering { ledger: u64, until: Time },
    /// The shell looks for the agent and starts its program. The run may be unwanted by now.
    Beginning { since: Time, until: Time, unwanted: Option<Why> },
    /// The program runs.
    Running,
    /// The kernel's addresses are being changed.
    Changing { since: Time },
    /// The program was asked to end.
    Ending { why: Why, kill_at: Time },
    /// The program was killed.
    Killed { why: Why, give_up_at: Time, has_begun: bool },
}

/// A run that was killed but does not end, because its program waits in the kernel. For its group nothing
/// else is run but changes of addresses, which need no program, and the stops of a group that is let go.
#[derive(Debug)]
pub(super) struct Abandoned {
    pub(super) id: RunId,
    pub(super) unfinished: Unfinished,
    pub(super) has_begun: bool,
}

impl Job {
    pub(super) const fn new(run: Run, whose: Whose) -> Self {
        Self { run, whose, entered: Vec::new(), is_aside: false }
    }

    /// Whether the run is about addresses, which need no program.
    pub(super) fn is_of_addresses(&self) -> bool {
        let first = self.run.resources.first();
        first.is_some_and(Resource::is_address)
    }
}

impl Job {
    /// Whether the run looks whether a resource is healthy, which changes nothing.
    pub(super) fn is_check(&self) -> bool {
        self.run.action == Action::Monitor
    }
}

impl Machine {
    /// Queues a run.
    pub(super) fn enqueue(&mut self, run: Run) {
        let mut job = Job::new(run, Whose::Daemon);
        if !self.may_begin(&job) || !is_sensible(&job.run.resources) {
            return self.answer(&job, Outcome::Refused);
        }
        // Addresses that another node has do not wait for a service that is slow to stop, and a check
        // neither waits for anything nor is waited for.
        if job.is_check() || self.goes_aside(&job) {
            job.is_aside = true;
            return self.begin(job);
        }
        let (group, is_stop) = (job.run.group, job.run.action == Action::Stop);
        if let Err(job) = self.queues.push(group, job) {
            return self.answer(&job, Outcome::Refused);
        }
        self.end_checks(|other| other == group);
        if is_stop {
            // A start that nothing waits for would only delay the stop.
            self.end_unawaited(|active| active.group == group);
        }
    }

    /// Whether a run stops addresses while a service of its group is being stopped.
    fn goes_aside(&self, job: &Job) -> bool {
        let is_stop = |job: &Job| job.run.action == Action::Stop;
        let stops_service = |active: &Active| {
            active.job.run.group == job.run.group
                && is_stop(&active.job)
                && !active.job.is_of_addresses()
        };
        is_stop(job) && job.is_of_addresses() && self.active.iter().any(stops_service)
    }

    /// Whether a run is allowed. No start is allowed without a permit or while its group is being let go,
    /// and no start of a service while an address of its group is away.
    fn may_begin(&self, job: &Job) -> bool {
        let Run { group, action, .. } = job.run;
        let is_complete = job.is_of_addresses() || !self.addresses.is_incomplete(group);
        let may_start = self.lease.is_valid(self.now) && !self.letting_go.has(group);
        action != Action::Start || may_start && is_complete
    }

    /// For each active program that counts towards the limit, the time until which it counts.
    fn shares(&self) -> impl Iterator<Item = Time> {
        // The daemon bounds the number of checks, and a check that hangs must not delay a start.
        let is_counted = |job: &Job| !job.is_of_addresses() && !job.is_check();
        let programs = self.active.iter().filter(move |active| is_counted(&active.job));
        programs.map(|active| active.since + SHARE).filter(|until| *until > self.now)
    }

    /// The time at which there is room for another program, if there is none now.
    pub(super) fn deadline_of_room(&self) -> Option<Time> {
        let is_full = self.shares().count() >= self.parallel;
        self.shares().min().filter(|_| is_full)
    }

    /// Begins every run whose turn has come.
    pub(super) fn begin_jobs(&mut self) {
        loop {
            let has_room = self.shares().count() < self.parallel;
            let Some(job) = self.queues.begin(|job| has_room || job.is_of_addresses()) else {
                return;
            };
            self.begin(job);
        }
    }

    fn begin(&mut self, mut job: Job) {
        // This is checked again because the run may have waited for long.
        if !self.may_begin(&job) {
            return self.finish(&job, Outcome::Refused);
        }
        if let Some(outcome) = self.abandoned.iter().find_map(|run| run.hinders(&job)) {
            return self.finish(&job, outcome);
        }
        let limit = Duration::from_millis(job.run.timeout_ms);
        let limit = (job.run.timeout_ms > 0).then(|| self.now + limit);
        let (id, action) = (self.new_run(), first_action(&job));
        let mut ledger = None;
        if job.run.action == Action::Start {
            ledger = self.enter(&mut job);
        }
        let state = State::Entering { ledger: ledger.unwrap_or(0), until: self.begin_until(id) };
        let (since, name) = (self.now, String::new());
        self.active.push(Active { id, job, action, limit, since, state, name });
        if ledger.is_none() {
            self.go_on_entering(0);
        }
    }

    /// The time by which a program that is about to start must have started.
    fn begin_until(&self, run: RunId) -> Time {
        let is_starting = |active: &&Active| {
            let is_wanted = active.unwanted().is_none();
            let state = matches!(active.state, State::Entering { .. } | State::Beginning { .. });
            active.id != run && state && is_wanted && !active.job.is_of_addresses()
        };
        let others = self.active.iter().filter(is_starting).count();
        let longer = BEGIN_EACH.saturating_mul(u32::try_from(others).unwrap_or(u32::MAX));
        self.now + BEGIN_LIMIT + longer.min(BEGIN_MORE_MAX)
    }

    /// Continues the runs that waited for the ledger with this number.
    pub(super) fn go_on_entering(&mut self, written: u64) {
        for at in 0..self.active.len() {
            if let State::Entering { ledger, .. } = self.active[at].state
                && ledger <= written
            {
                self.launch(at);
            }
        }
    }

    /// Refuses the runs that wait for the ledger with this number.
    pub(super) fn refuse_entering(&mut self, number: u64, error: &str) {
        let waits = |active: &Active| matches!(active.state, State::Entering { ledger, .. } if ledger <= number);
        while let Some(at) = self.active.iter().position(waits) {
            let active = self.active.swap_remove(at);
            self.withdraw(&active.job);
            let text = format!("its start cannot be recorded: {error}");
            self.finish(&active.job, Outcome::NotAsked { text });
        }
    }

    /// Has the shell carry out a run.
    fn launch(&mut self, at: usize) {
        let (lifetime, until) = (self.lifetime(), self.begin_until(self.active[at].id));
        let active = &mut self.active[at];
        let (run, action) = (active.id, active.action);
        if active.job.is_of_addresses() {
            active.state = State::Changing { since: self.now };
            let resources = active.job.run.resources.clone();
            return self.outbox.push_back(Output::Change { run, action, resources, lifetime });
        }
        if matches!(active.state, State::Entering { .. }) {
            active.postpone(self.now.since(active.since));
        }
        let since = self.now;
        let until = active.limit.map_or(until, |limit| limit.min(until));
        active.state = State::Beginning { since, until, unwanted: None };
        let request = Box::new(active.job.run.clone());
        if active.stops_agents() {
            self.write();
        }
        self.outbox.push_back(Output::Begin { run, request, action });
    }

    /// Starts the agent after the status with which the start began.
    pub(super) fn launch_start(&mut self, active: Active) {
        if !self.may_begin(&active.job) {
            self.withdraw(&active.job);
            return self.finish(&active.job, Outcome::Refused);
        }
        // The status says that the resource does not run, although it may have been started before.
        self.record_doubt(&active.job.run);
        let id = self.new_run();
        self.active.push(Active { id, action: Action::Start, ..active });
        self.launch(self.active.len() - 1);
    }

    /// Records that the program of a run was started.
    pub(super) fn record_begun(&mut self, run: RunId, agent: AgentName) {
        let now = self.now;
        let Some(active) = self.active.iter_mut().find(|active| active.id == run) else { return };
        let AgentName { line, name } = agent;
        active.name = name;
        let is_step = matches!(active.action, Action::Start | Action::Stop);
        match active.state {
            State::Beginning { since, unwanted, .. } => {
                active.postpone(now.since(since));
                active.state = State::Running;
                if let Some(why) = unwanted {
                    active.terminate(now, why, &mut self.outbox);
                }
            }
            State::Killed { why, give_up_at, .. } => {
                active.state = State::Killed { why, give_up_at, has_begun: true };
                // The program started in the moment in which the run was given up.
                self.outbox.push_back(Output::Signal { run, signal: Signal::Kill });
            }
            State::Entering { .. }
            | State::Running
            | State::Changing { .. }
            | State::Ending { .. } => {}
        }
        if is_step {
            self.log(Level::Info, line);
        }
    }

    /// Records that the program of a run was not started.
    pub(super) fn record_not_begun(&mut self, run: RunId, why: NotBegun) {
        self.abandoned.retain(|abandoned| abandoned.id != run);
        let Some(at) = self.active.iter().position(|active| active.id == run) else { return };
        let active = self.active.swap_remove(at);
        let name = agent_name(&active.job.run);
        self.withdraw(&active.job);
        let outcome = match (active.unwanted(), why) {
            (Some(why), _) => why.outcome(&name, false),
            (None, NotBegun::Missing) if active.job.is_check() => Outcome::Missing,
            (None, NotBegun::Missing) => {
                self.log(Level::Error, format!("Cannot locate resource script {name}"));
                self.missing(&active.job)
            }
            (None, NotBegun::Error(text)) => Outcome::NotAsked { text },
        };
        self.conclude(active, outcome);
    }

    /// Returns the outcome of a missing agent. A resource that was started here keeps running without its
    /// agent.
    fn missing(&self, job: &Job) -> Outcome {
        let Run { group, action, resources, .. } = &job.run;
        let is_held = resources.iter().any(|it| self.books.ledger.has(*group, it));
        if *action == Action::Start || !is_held {
            return Outcome::Missing;
        }
        let text = "its agent is missing, but it was started here".to_owned();
        Outcome::Failed { code: NOT_INSTALLED, text }
    }

    /// Answers a run that has ended or will not begin.
    pub(super) fn answer(&mut self, job: &Job, outcome: Outcome) {
        // The daemon reports checks, and does not repeat itself.
        if let Outcome::NotAsked { text } = &outcome
            && !job.is_check()
        {
            let (name, verb) = (agent_name(&job.run), job.run.action.verb());
            self.log(Level::Error, format!("Cannot ask {name} to {verb}: {text}"));
        }
        if job.whose == Whose::Daemon {
            self.report(Report::Done { job: job.run.job, outcome });
        }
    }
}

/// The first action of a run: the start of an agent begins with a status.
fn first_action(job: &Job) -> Action {
    match job.run.action {
        Action::Start if !job.is_of_addresses() && !job.run.is_restart => Action::Status,
        action @ (Action::Start | Action::Status | Action::Stop | Action::Monitor) => action,
    }
}

/// Whether the resources are a single agent, or addresses only.
fn is_sensible(resources: &[Resource]) -> bool {
    let addresses = resources.iter().all(Resource::is_address);
    !resources.is_empty() && (addresses || resources.len() == 1)
}

/// The name of a run's agent in the log.
pub(super) fn agent_name(run: &Run) -> String {
    match run.resources.first().map(|resource| &resource.kind) {
        Some(ResourceKind::Agent { name, .. }) => name.clone(),
        Some(ResourceKind::Address(_)) | None => "IPaddr".to_owned(),
    }
}
