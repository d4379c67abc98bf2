//! The programs of agents, from the order to start one to its remains.

use super::Executor;
use super::gate::Gate;
use super::kernel::Looked;
use super::mains::{End, Mains, ServiceId};
use super::starter::{News, Starter, service_of};
use crate::agent::Agent;
use crate::lingering::Lingering;
use crate::lookup::Directories;
use crate::process::{Process, Remains, lines};
use crate::protocol::{Action, Configuration, Level, Outcome, Run};
use crate::records::{Records, process_of};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;
use systole_core::{Resource, ResourceKind};
use systole_executor::{Input, LookId, NotBegun, RunId, Signal};
use systole_sys::process::{Exit, Limits, ProcessId, kill_group};
use systole_sys::signals;

/// How often to look for the process of a program that must not start.
const LOOK: Duration = Duration::from_millis(10);

/// Every program that runs or is about to run.
#[derive(Debug)]
pub(super) struct Programs {
    starter: Starter,
    all: Vec<Program>,
    lingering: Lingering,
    directories: Directories,
    /// The main processes of what was started.
    pub(super) mains: Mains,
}

#[derive(Debug)]
struct Program {
    run: RunId,
    /// The agent's name, for the log.
    name: String,
    service: ServiceId,
    action: Action,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A helper looks for the agent and starts its program.
    Starting { gate: Arc<Gate>, must_die: bool },
    /// The program runs.
    Running {
        agent: Agent,
        process: Box<Process>,
        /// A question of a check that could not be asked.
        unasked: Option<String>,
        /// The main processes that the questions of a check name.
        named: Vec<ProcessId>,
    },
}

impl Programs {
    pub(super) fn new(
        directories: Directories,
        limits: Option<Limits>,
        records: Records,
        mains: Mains,
    ) -> io::Result<Self> {
        let mut lingering = Lingering::new()?;
        lingering.extend(records.outlets()?);
        let starter = Starter::new(directories.clone(), limits, records)?;
        Ok(Self { starter, all: Vec::new(), lingering, directories, mains })
    }

    /// Sets the facts for all later runs.
    pub(super) fn configure(&mut self, configuration: Configuration) {
        self.starter.configure(configuration);
    }

    /// Begins to start a program. Returns the reason if that cannot even be attempted.
    pub(super) fn begin(
        &mut self,
        run: RunId,
        request: Run,
        action: Action,
    ) -> Result<(), NotBegun> {
        let Some(ResourceKind::Agent { name, .. }) = request.resources.first().map(|it| &it.kind)
        else {
            return Err(NotBegun::Error("it is not an agent".to_owned()));
        };
        let name = name.clone();
        let service = service_of(&request);
        // Not before the status with which a start begins: what it finds running stays.
        let remains = if action == Action::Start {
            self.mains.take_remains(&service, request.is_restart)
        } else {
            Vec::new()
        };
        if request.action == Action::Stop {
            self.mains.begin_stop(&service);
        }
        let gate = self.starter.start(run, request, action, remains).map_err(NotBegun::Error)?;
        let stage = Stage::Starting { gate, must_die: false };
        self.all.push(Program { run, name, service, action, stage });
        Ok(())
    }

    /// Begins to look for agents. Returns the reason in words if that cannot even be attempted.
    pub(super) fn look(&mut self, look: LookId, resources: Vec<Resource>) -> Result<(), String> {
        self.starter.look(look, resources)
    }

    /// Signals a program and everything that it started. Returns an answer if the program will never start.
    pub(super) fn signal(&mut self, run: RunId, signal: Signal) -> Option<Input> {
        let at = self.all.iter().position(|program| program.run == run)?;
        match &mut self.all[at].stage {
            Stage::Running { process, .. } => process.signal(raw(signal)),
            // The program is signalled once it runs.
            Stage::Starting { .. } if signal == Signal::Terminate => {}
            Stage::Starting { gate, must_die } => {
                if gate.close() {
                    self.all.swap_remove(at);
                    let text = "it was given up before it started".to_owned();
                    return Some(Input::NotBegun { run, why: NotBegun::Error(text) });
                }
                *must_die = true;
            }
        }
        None
    }

    /// The descriptors that wake up the executor for the programs.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let running = self.all.iter().filter_map(|program| match &program.stage {
            Stage::Running { process, .. } => Some(process.descriptors()),
            Stage::Starting { .. } => None,
        });
        running.flatten().chain([self.starter.as_fd()]).chain(self.mains.descriptors())
    }

    /// How long to wait until the next search for the process of a program that must not start, if there is
    /// one.
    pub(super) fn patience(&self) -> Option<Duration> {
        let mut dying = self.all.iter().filter_map(|program| match &program.stage {
            Stage::Starting { must_die, .. } => must_die.then_some(LOOK),
            Stage::Running { .. } => None,
        });
        dying.next()
    }

    /// Kills programs that hang between the fork and the exec and that must not start, even if their disk
    /// answers after all. Their processes are named in their records.
    fn kill_unstarted(&self) {
        for program in &self.all {
            if let Stage::Starting { gate, must_die: true } = &program.stage
                && let Some(process) =
                    gate.record().and_then(|record| process_of(&record).ok().flatten())
                && process.is_running()
            {
                let _ = kill_group(process.pid, signals::Signal::Kill);
            }
        }
    }

    /// Takes over a program that a helper has started.
    fn take(&mut self, run: RunId, mut stage: Stage) {
        let Stage::Running { process, .. } = &mut stage else { return };
        let Some(program) = self.all.iter_mut().find(|program| program.run == run) else {
            return process.signal(signals::Signal::Kill);
        };
        if matches!(program.stage, Stage::Starting { must_die: true, .. }) {
            process.signal(signals::Signal::Kill);
        }
        if program.action == Action::Start {
            self.mains.begin(program.service.clone(), process.id());
        }
        program.stage = stage;
    }

    /// Watches the main processes of a service that was started or found well.
    fn watch_mains(
        &mut self,
        action: Action,
        service: &ServiceId,
        agent: &Agent,
        named: &[ProcessId],
        outcome: &Outcome,
    ) {
        match (action, outcome) {
            (Action::Start, Outcome::Success) => {
                let starts = self.all.iter().filter(|program| program.action == Action::Start);
                let running: Vec<_> = starts.map(|program| program.service.clone()).collect();
                self.mains.end_of_start(service, &running);
            }
            (Action::Monitor, Outcome::Running) => {
                for process in named {
                    self.mains.record_named(service, *process, None);
                }
                self.mains.record_well(service);
            }
            (Action::Start, _) => return self.mains.forget(service),
            (Action::Stop, Outcome::Success) => return self.mains.end_stop(service),
            (Action::Monitor | Action::Status | Action::Stop, _) => return,
        }
        if !self.mains.has(service)
            && let Some(unit) = agent.unit(&self.directories)
        {
            self.starter.name_main(service.clone(), unit);
        }
    }

    /// A run is over without a program.
    fn record_answered(&mut self, run: RunId, outcome: &Outcome, named: &[ProcessId]) {
        let program = self.all.iter().find(|program| program.run == run);
        if let Some(program) = program.filter(|_| *outcome == Outcome::Running) {
            for process in named {
                self.mains.record_named(&program.service, *process, None);
            }
            self.mains.record_well(&program.service);
        }
        self.forget(run);
    }

    fn forget(&mut self, run: RunId) {
        self.all.retain(|program| program.run != run);
    }

    /// Returns the programs that have ended, with how they ended.
    fn ended(&mut self) -> Vec<(Program, io::Result<Remains>)> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(program) = self.all.get_mut(at) {
            let checked = match &mut program.stage {
                Stage::Starting { .. } => Ok(None),
                Stage::Running { process, .. } => process.check(),
            };
            match checked.transpose() {
                None => at += 1,
                Some(remains) => ended.push((self.all.swap_remove(at), remains)),
            }
        }
        ended
    }
}

/// Whether a process has crashed or was killed. A process that was told to end, by systemd for a restart or by its
/// successor in an upgrade, ends in good order.
const fn is_crash(exit: Exit) -> bool {
    const HUP: i32 = 1;
    const INT: i32 = 2;
    const QUIT: i32 = 3;
    const TERM: i32 = 15;
    !matches!(exit, Exit::Code(0) | Exit::Signal(HUP | INT | QUIT | TERM))
}

/// Returns the signal with its name in the kernel.
pub(super) const fn raw(signal: Signal) -> signals::Signal {
    match signal {
        Signal::Terminate => signals::Signal::Terminate,
        Signal::Kill => signals::Signal::Kill,
    }
}

impl Executor {
    /// Handles what the helpers have done, and checks every program that runs.
    pub(super) fn handle_programs(&mut self) {
        let mut looks = Vec::new();
        while let Some(news) = self.programs.starter.news() {
            match news {
                News::Started { run, agent, name, process, unasked, named } => {
                    let stage = Stage::Running { agent, process, unasked, named };
                    self.programs.take(run, stage);
                    self.tell(Input::Begun { run, agent: name });
                }
                News::Named { service, unit, process } => {
                    self.programs.mains.record_named(&service, process, Some(unit));
                }
                News::Ended { service: (group, word), is_crash } => {
                    self.tell(Input::ProcessEnded { group, word, is_crash });
                }
                News::Cleared { number: 0, .. } => {}
                News::Cleared { service: (_, word), number } => {
                    let processes = if number == 1 { "process" } else { "processes" };
                    let text = format!("Ended {number} {processes} that {word} had left behind");
                    self.log_as("ResourceManager", "default", Level::Warning, text);
                }
                News::NotStarted { run, why } => {
                    self.programs.forget(run);
                    self.tell(Input::NotBegun { run, why });
                }
                News::Answered { run, name, outcome, named } => {
                    self.programs.record_answered(run, &outcome, &named);
                    self.tell(Input::Begun { run, agent: name });
                    self.tell(Input::Ended { run, outcome });
                }
                News::Looked { look, resources, missing } => {
                    looks.push(Looked { look, resources, missing });
                }
            }
        }
        self.finish_looks(looks);
        self.programs.kill_unstarted();
        // First, because the end of a stop forgets what was watched.
        for End { service, exit, unit } in self.programs.mains.ended() {
            let asked = unit.filter(|_| exit.is_none());
            let asked = asked.map(|unit| self.programs.starter.ask_end(service.clone(), unit));
            if !matches!(asked, Some(Ok(()))) {
                let ((group, word), is_crash) = (service, exit.is_some_and(is_crash));
                self.tell(Input::ProcessEnded { group, word, is_crash });
            }
        }
        for (program, remains) in self.programs.ended() {
            self.end(program, remains);
        }
        if self.programs.lingering.is_waiting() {
            self.programs.lingering.tend();
        }
    }

    fn end(&mut self, program: Program, remains: io::Result<Remains>) {
        let Program { run, name, service, action, stage } = program;
        let Stage::Running { agent, process, unasked, named } = stage else { return };
        drop(process);
        let outcome = match remains {
            Ok(remains) => {
                if matches!(action, Action::Start | Action::Stop) {
                    self.log_output(&name, &remains);
                }
                let outcome = agent.judge(action, remains.exit, &remains.stdout);
                // What the agent calls well is not known to be well.
                let doubt = unasked.filter(|_| outcome == Outcome::Running);
                let outcome = doubt.map_or(outcome, |text| Outcome::NotAsked { text });
                self.programs.lingering.extend(remains.outlets.into_iter().flatten());
                self.programs.watch_mains(action, &service, &agent, &named, &outcome);
                outcome
            }
            Err(error) => Outcome::NotAsked { text: format!("its end is unknown: {error}") },
        };
        self.tell(Input::Ended { run, outcome });
    }

    fn log_output(&mut self, name: &str, remains: &Remains) {
        for line in lines(&remains.stdout).chain(lines(&remains.stderr)) {
            self.log_as(name, "default", Level::Debug, line);
        }
        if remains.dropped > 0 {
            let text = format!("{} more bytes of output", remains.dropped);
            self.log_as(name, "default", Level::Debug, text);
        }
    }
}
