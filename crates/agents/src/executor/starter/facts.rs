//! What helpers do: they look for agents, ask the questions of checks, and start programs.

use super::News;
use crate::agent::ordered::Systemctl;
use crate::agent::{self, Agent, Invocation};
use crate::answer::{self, Answer};
use crate::executor::gate::Gate;
use crate::lookup::Directories;
use crate::outlet::Outlet;
use crate::probe;
use crate::process::Process;
use crate::protocol::{Action, Configuration, Outcome, Run, Unfinished};
use crate::records::{Record, Records};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use systole_core::{Resource, ResourceKind};
use systole_executor::{AgentName, NotBegun, RunId};
use systole_sys::process::{Limits, ProcessId, Spawn};

/// The exit code with which a shell reports that a program cannot be executed.
const NOT_EXECUTABLE: i32 = 126;

/// What every helper needs.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) directories: Directories,
    pub(super) limits: Option<Limits>,
    pub(super) records: Records,
}

impl Facts {
    /// Asks systemd for the main process of a unit.
    pub(super) fn main_process(&self, unit: &str) -> Option<ProcessId> {
        let mut systemctl = Systemctl::new(&self.directories.systemctl, self.limits.as_ref());
        let pid = systemctl.property(unit, "MainPID").ok()?;
        // A unit without a main process has the number 0.
        ProcessId::of(pid.trim().parse().ok().filter(|pid| *pid > 0)?)
    }

    /// Asks systemd whether the main process of a unit, which has just ended, has crashed, and whether nobody but
    /// this executor starts it again.
    pub(super) fn has_crashed(&self, unit: &str) -> bool {
        /// How often systemd is asked that does not know of the end yet, and how far apart.
        const TURNS: u32 = 10;
        const TURN: Duration = Duration::from_millis(20);
        let mut systemctl = Systemctl::new(&self.directories.systemctl, self.limits.as_ref());
        for _ in 0..TURNS {
            let Ok(told) = systemctl.properties(unit, "ActiveState,Result,Restart") else {
                return false;
            };
            if let Some(has_crashed) = crash_told(&told) {
                return has_crashed;
            }
            std::thread::sleep(TURN);
        }
        false
    }

    /// Returns the first agent that is missing.
    pub(super) fn missing(&self, resources: &[Resource]) -> io::Result<Option<String>> {
        for resource in resources {
            let ResourceKind::Agent { name, arguments } = &resource.kind else { continue };
            if self.directories.locate(name, arguments)?.is_none() {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Starts the program of a run.
    pub(super) fn start(
        &self,
        run: RunId,
        request: &Run,
        action: Action,
        configuration: &Configuration,
        gate: &Gate,
    ) -> News {
        let not_started =
            |error: io::Error| News::NotStarted { run, why: NotBegun::Error(error.to_string()) };
        let agent = match self.find(request) {
            Ok(Some(agent)) => Some(agent),
            Ok(None) | Err(_) if request.is_without_agent => None,
            Ok(None) => return News::NotStarted { run, why: NotBegun::Missing },
            Err(error) => return not_started(error),
        };
        let name = agent.as_ref().map(|agent| agent.describe(action, &self.directories));
        let (line, name) = name.unwrap_or_default();
        let name = AgentName { line, name };
        let limit = Duration::from_millis(request.timeout_ms);
        let execute = |program: &str, arguments: &[String], until: Instant| {
            self.execute((program, arguments), (request, configuration), until, gate)
        };
        let unasked = match probe::ask(&request.probes, limit, &execute) {
            Ok(()) => None,
            Err(probe::Fault::Probe(text)) => Some(text),
            Err(probe::Fault::Service(text)) => {
                let outcome = Outcome::Failed { code: probe::FAILED, text };
                return News::Answered { run, name, outcome, named: Vec::new() };
            }
        };
        let named = probe::named(&request.probes);
        let Some(agent) = agent.filter(|_| !request.is_without_agent) else {
            let outcome = unasked.map_or(Outcome::Running, |text| Outcome::NotAsked { text });
            return News::Answered { run, name, outcome, named };
        };
        match self.spawn(request, &agent, action, configuration, gate) {
            Ok(process) => {
                News::Started { run, agent, name, process: Box::new(process), unasked, named }
            }
            // A check that cannot be made says nothing about what runs.
            Err(Fault::Agent(error)) if action == Action::Monitor => not_started(error),
            Err(Fault::Agent(error)) => {
                let outcome = Outcome::Failed { code: NOT_EXECUTABLE, text: error.to_string() };
                News::Answered { run, name, outcome, named: Vec::new() }
            }
            Err(Fault::Ours(error)) => not_started(error),
        }
    }

    /// Runs the program of a check, for as long as the check is wanted.
    fn execute(
        &self,
        (program, arguments): (&str, &[String]),
        (request, configuration): (&Run, &Configuration),
        until: Instant,
        gate: &Gate,
    ) -> io::Result<Answer> {
        let Run { group, action, resources, .. } = request.clone();
        // It lives as long as the program: an executor that follows this one ends what it finds on record.
        let record = self.records.begin(&Unfinished { group, action, resources })?;
        let mut spawn = Spawn::new(program);
        spawn.arguments = arguments.iter().map(Into::into).collect();
        spawn.environment = agent::environment(&self.directories, configuration);
        let working = &self.directories.working;
        spawn.directory = working.is_dir().then(|| working.clone());
        spawn.limits = self.limits.as_ref();
        spawn.record = Some(record.file.as_fd());
        answer::hear(spawn.start()?, until, &|| !gate.is_closed())
    }

    fn find(&self, request: &Run) -> io::Result<Option<Agent>> {
        match request.resources.first().map(|resource| &resource.kind) {
            Some(ResourceKind::Agent { name, arguments }) => {
                Agent::find(name, arguments, &self.directories)
            }
            Some(ResourceKind::Address(_)) | None => Ok(None),
        }
    }

    fn spawn(
        &self,
        request: &Run,
        agent: &Agent,
        action: Action,
        configuration: &Configuration,
        gate: &Gate,
    ) -> Result<Process, Fault> {
        let Invocation { program, arguments, environment } =
            agent.invocation(action, &self.directories, configuration, &request.environment)?;
        agent.prepare(action, &self.directories, self.limits.as_ref())?;
        let Run { group, action, resources, .. } = request.clone();
        let record = self.records.begin(&Unfinished { group, action, resources })?;
        let mut spawn = Spawn::new(program);
        spawn.arguments = arguments.into_iter().map(Into::into).collect();
        spawn.environment = environment;
        let working = &self.directories.working;
        spawn.directory = working.is_dir().then(|| working.clone());
        spawn.limits = self.limits.as_ref();
        spawn.record = Some(record.file.as_fd());
        let [(out, out_end), (err, err_end)] = outlets(&record, request.action)?;
        spawn.outputs = Some([out_end.as_fd(), err_end.as_fd()]);
        let started = if gate.pass(&record) {
            spawn.start()
        } else {
            Err(io::Error::other("it was given up before it started"))
        };
        match started {
            Ok(child) => Ok(Process::new(child, record, [out, err])),
            Err(error) => {
                out.remove();
                err.remove();
                Err(if is_of_the_agent(&error) { Fault::Agent(error) } else { Fault::Ours(error) })
            }
        }
    }
}

/// Returns whether a unit has failed and systemd leaves it so; `None` while it is active, because systemd has not
/// noticed the end of its main process, or the unit has another one.
fn crash_told(properties: &str) -> Option<bool> {
    let value = |name: &str| {
        let mut values = properties.lines().filter_map(|line| line.strip_prefix(name));
        values.find_map(|rest| rest.strip_prefix('=')).unwrap_or_default()
    };
    if value("ActiveState") == "active" {
        return None;
    }
    Some(!matches!(value("Result"), "success" | "") && value("Restart") == "no")
}

/// The destinations of a run's output. A stop must not fail for lack of a name.
fn outlets(record: &Record, action: Action) -> io::Result<[(Outlet, OwnedFd); 2]> {
    let named = record.path.as_deref().map(Outlet::pair);
    match named.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())) {
        Err(_) if action == Action::Stop => Outlet::unnamed_pair(),
        outlets => outlets,
    }
}

/// The reason why a program was not started.
#[derive(Debug)]
enum Fault {
    /// A fault of the executor's or the machine's.
    Ours(io::Error),
    /// The program's file cannot be executed.
    Agent(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Ours(error)
    }
}

/// Whether a program could not be executed because of a fault of its own, such as a script whose
/// interpreter does not exist. Any other error (no process, memory, descriptor or space is left) is not the
/// agent's.
fn is_of_the_agent(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let faults = [
        Errno::NOENT,
        Errno::ACCESS,
        Errno::NOEXEC,
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::LIBBAD,
        Errno::ISDIR,
        Errno::PERM,
    ];
    Errno::from_io_error(error).is_some_and(|errno| faults.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_that_failed_has_crashed_unless_systemd_starts_it_again() {
        for (state, result, restart, expected) in [
            ("active", "success", "no", None),
            ("failed", "signal", "no", Some(true)),
            ("deactivating", "exit-code", "no", Some(true)),
            ("activating", "signal", "on-failure", Some(false)),
            ("failed", "signal", "on-failure", Some(false)),
            ("inactive", "success", "no", Some(false)),
            ("deactivating", "success", "no", Some(false)),
        ] {
            let told = format!("Restart={restart}\nResult={result}\nActiveState={state}\n");
            assert_eq!(crash_told(&told), expected, "{told}");
        }
        assert_eq!(crash_told(""), Some(false), "there is no systemd");
    }
}
