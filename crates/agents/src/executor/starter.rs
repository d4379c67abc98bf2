//! Helper threads for what may have to wait for a disk: looking for an agent, reading its parameters,
//! starting its program.
//!
//! A disk that does not answer delays only the helper. A helper that was given up no longer starts
//! anything: see [`Gate`].

use super::gate::Gate;
use super::mains::{Remains, ServiceId};
use super::workers;
use crate::agent::ordered::Systemctl;
use crate::agent::{Agent, Invocation};
use crate::lookup::Directories;
use crate::outlet::Outlet;
use crate::probe;
use crate::process::Process;
use crate::protocol::{Action, Configuration, Outcome, Run, Unfinished};
use crate::records::{Record, Records};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use systole_core::{Resource, ResourceKind};
use systole_executor::{AgentName, LookId, NotBegun, RunId};
use systole_sys::eventfd::Wake;
use systole_sys::process::{Limits, ProcessId, Spawn};

/// Maximum number of helpers at a time: more than the number of programs that run at the same time, plus
/// those that wait for a disk that does not answer.
const HELPERS_MAX: usize = 256;
/// Maximum number of those helpers that make checks, so that starts and stops always find one.
const CHECKS_MAX: usize = 64;
/// Stack size of a helper in bytes.
const STACK: usize = 256 << 10;
/// The exit code with which a shell reports that a program cannot be executed.
const NOT_EXECUTABLE: i32 = 126;

/// The result of a helper.
#[derive(Debug)]
pub(super) enum News {
    /// A program runs.
    Started {
        run: RunId,
        agent: Agent,
        name: AgentName,
        process: Box<Process>,
        /// A question of a check that could not be asked: the service is not known to be well.
        unasked: Option<String>,
        /// The main processes that the questions of a check name.
        named: Vec<ProcessId>,
    },
    /// Before a start, so many processes were ended that an earlier main process had left behind.
    Cleared { service: ServiceId, number: usize },
    /// The main process of a service, which systemd has named.
    Named { service: ServiceId, process: ProcessId },
    /// The program was not started.
    NotStarted { run: RunId, why: NotBegun },
    /// The agent exists but is not executed: it cannot be, which is its own fault, or a probe was not answered
    /// as expected.
    Unusable { run: RunId, name: AgentName, outcome: Outcome },
    /// The agents were looked for. `missing` is the first missing one, or why the search failed.
    Looked { look: LookId, resources: Vec<Resource>, missing: Result<Option<String>, String> },
}

/// Creates helpers and receives their results.
#[derive(Debug)]
pub(super) struct Starter {
    facts: Arc<Facts>,
    configuration: Arc<Configuration>,
    wake: Arc<Wake>,
    helpers: Arc<AtomicUsize>,
    checks: Arc<Mutex<Checks>>,
    tell: Sender<News>,
    news: Receiver<News>,
}

/// The resources whose checks have a helper, each once.
type Checks = BTreeSet<CheckOf>;

/// The resource that a check is about.
type CheckOf = ServiceId;

#[derive(Debug)]
struct Facts {
    directories: Directories,
    limits: Option<Limits>,
    records: Records,
}

/// The channel from a helper to the executor.
#[derive(Debug)]
struct Way {
    tell: Sender<News>,
    wake: Arc<Wake>,
    helpers: Arc<AtomicUsize>,
    /// The check that the helper makes, and where that is noted.
    check: Option<(Arc<Mutex<Checks>>, CheckOf)>,
}

impl Way {
    fn tell(&self, news: News) {
        // The receiver is gone only if the process is.
        let _ = self.tell.send(news);
        self.wake.raise();
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.helpers.fetch_sub(1, Ordering::Relaxed);
        if let Some((checks, check)) = self.check.take() {
            checks.lock().unwrap_or_else(PoisonError::into_inner).remove(&check);
        }
    }
}

impl Starter {
    pub(super) fn new(
        directories: Directories,
        limits: Option<Limits>,
        records: Records,
    ) -> io::Result<Self> {
        let (tell, news) = channel();
        Ok(Self {
            facts: Arc::new(Facts { directories, limits, records }),
            configuration: Arc::default(),
            wake: Arc::new(Wake::new()?),
            helpers: Arc::default(),
            checks: Arc::default(),
            tell,
            news,
        })
    }

    pub(super) fn configure(&mut self, configuration: Configuration) {
        self.configuration = Arc::new(configuration);
    }

    /// Has a helper start a program.
    pub(super) fn start(
        &self,
        run: RunId,
        request: Run,
        action: Action,
        remains: Vec<Remains>,
    ) -> Result<Arc<Gate>, String> {
        let gate = Arc::new(Gate::default());
        let (passage, facts) = (Arc::clone(&gate), Arc::clone(&self.facts));
        let configuration = Arc::clone(&self.configuration);
        let check = (action == Action::Monitor).then(|| service_of(&request));
        self.help("agent", check, move |way| {
            if !remains.is_empty() {
                let number = workers::end(&remains);
                way.tell(News::Cleared { service: service_of(&request), number });
            }
            way.tell(facts.start(run, &request, action, &configuration, &passage));
        })?;
        Ok(gate)
    }

    /// Has a helper ask systemd for the main process of a service that is a unit.
    pub(super) fn name_main(&self, service: ServiceId, unit: String) {
        let facts = Arc::clone(&self.facts);
        // Without an answer, the end of the process is found by the next check.
        let _ = self.help("unit", None, move |way| {
            if let Some(process) = facts.main_process(&unit) {
                way.tell(News::Named { service, process });
            }
        });
    }

    /// Has a helper look for agents.
    pub(super) fn look(&self, look: LookId, resources: Vec<Resource>) -> Result<(), String> {
        let facts = Arc::clone(&self.facts);
        self.help("look", None, move |way| {
            let missing = facts.missing(&resources).and_then(|missing| match missing {
                Some(name) => Ok(Some(name)),
                // A start is recorded before it begins, which needs space.
                None => facts.records.try_room().map(|()| None),
            });
            let missing = missing.map_err(|error| error.to_string());
            way.tell(News::Looked { look, resources, missing });
        })
    }

    /// Records that a helper makes a check. Refused while an earlier one has not returned from it, because it
    /// waits for a disk or a name server.
    fn record_check(&self, check: &CheckOf) -> Result<(), String> {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        if checks.len() >= CHECKS_MAX {
            return Err(format!("{CHECKS_MAX} checks wait for a disk or a name server"));
        }
        if !checks.insert(check.clone()) {
            return Err("an earlier check still waits for a disk or a name server".to_owned());
        }
        Ok(())
    }

    fn help(
        &self,
        name: &str,
        check: Option<CheckOf>,
        work: impl FnOnce(&Way) + Send + 'static,
    ) -> Result<(), String> {
        if self.helpers.load(Ordering::Relaxed) >= HELPERS_MAX {
            return Err(format!("{HELPERS_MAX} others wait for their disk"));
        }
        if let Some(check) = &check {
            self.record_check(check)?;
        }
        let check = check.map(|check| (Arc::clone(&self.checks), check));
        self.helpers.fetch_add(1, Ordering::Relaxed);
        let (tell, wake) = (self.tell.clone(), Arc::clone(&self.wake));
        let way = Way { tell, wake, helpers: Arc::clone(&self.helpers), check };
        let helper = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let helper = helper.spawn(move || work(&way));
        helper.map(drop).map_err(|error| error.to_string())
    }

    /// Returns the next result, if there is one.
    pub(super) fn news(&self) -> Option<News> {
        let news = self.news.try_recv().ok();
        if news.is_none() && self.wake.lower().unwrap_or(false) {
            // The wake-up was raised for a result that came just now, or for one that was taken before.
            return self.news.try_recv().ok();
        }
        news
    }
}

/// The resource that a run is about.
pub(super) fn service_of(request: &Run) -> CheckOf {
    let word = request.resources.first().map(|resource| resource.word.clone());
    (request.group, word.unwrap_or_default())
}

impl AsFd for Starter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Facts {
    /// Asks systemd for the main process of a unit.
    fn main_process(&self, unit: &str) -> Option<ProcessId> {
        let mut systemctl = Systemctl::new(&self.directories.systemctl, self.limits.as_ref());
        let pid = systemctl.property(unit, "MainPID").ok()?;
        // A unit without a main process has the number 0.
        ProcessId::of(pid.trim().parse().ok().filter(|pid| *pid > 0)?)
    }

    /// Returns the first agent that is missing.
    fn missing(&self, resources: &[Resource]) -> io::Result<Option<String>> {
        for resource in resources {
            let ResourceKind::Agent { name, arguments } = &resource.kind else { continue };
            if self.directories.locate(name, arguments)?.is_none() {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    fn start(
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
            Ok(Some(agent)) => agent,
            Ok(None) => return News::NotStarted { run, why: NotBegun::Missing },
            Err(error) => return not_started(error),
        };
        let (line, name) = agent.describe(action, &self.directories);
        let name = AgentName { line, name };
        let limit = Duration::from_millis(request.timeout_ms);
        let unasked = match probe::ask(&request.probes, limit) {
            Ok(()) => None,
            Err(probe::Fault::Probe(text)) => Some(text),
            Err(probe::Fault::Service(text)) => {
                let outcome = Outcome::Failed { code: probe::FAILED, text };
                return News::Unusable { run, name, outcome };
            }
        };
        match self.spawn(request, &agent, action, configuration, gate) {
            Ok(process) => {
                let named = probe::named(&request.probes);
                News::Started { run, agent, name, process: Box::new(process), unasked, named }
            }
            // A check that cannot be made says nothing about what runs.
            Err(Fault::Agent(error)) if action == Action::Monitor => not_started(error),
            Err(Fault::Agent(error)) => {
                let outcome = Outcome::Failed { code: NOT_EXECUTABLE, text: error.to_string() };
                News::Unusable { run, name, outcome }
            }
            Err(Fault::Ours(error)) => not_started(error),
        }
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
