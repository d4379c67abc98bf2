//! Helper threads for what may have to wait for a disk: looking for an agent, reading its parameters,
//! starting its program.
//!
//! A disk that does not answer delays only the helper. A helper that was given up no longer starts
//! anything: see [`Gate`].

mod facts;

use super::gate::Gate;
use super::mains::{Remains, ServiceId};
use super::workers;
use crate::agent::Agent;
use crate::lookup::Directories;
use crate::process::Process;
use crate::protocol::{Action, Configuration, Outcome, Run};
use crate::records::Records;
use facts::Facts;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use systole_core::Resource;
use systole_executor::{AgentName, LookId, NotBegun, RunId};
use systole_sys::eventfd::Wake;
use systole_sys::process::{Limits, ProcessId};

/// Maximum number of helpers at a time: more than the number of programs that run at the same time, plus
/// those that wait for a disk that does not answer.
const HELPERS_MAX: usize = 256;
/// Maximum number of those helpers that make checks, so that starts and stops always find one.
const CHECKS_MAX: usize = 64;
/// Stack size of a helper in bytes.
pub(crate) const STACK: usize = 256 << 10;

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
    Named { service: ServiceId, unit: String, process: ProcessId },
    /// The main process of a service that is a unit has ended.
    Ended { service: ServiceId, is_crash: bool },
    /// The program was not started.
    NotStarted { run: RunId, why: NotBegun },
    /// The run is over without a program: its agent cannot be executed, which is its own fault, or the questions of
    /// a check were enough. They name these main processes.
    Answered { run: RunId, name: AgentName, outcome: Outcome, named: Vec<ProcessId> },
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

    /// Sends the last result of a helper, which has ended before: a check that follows must not find this one
    /// still there.
    fn end(self, result: Option<News>) {
        let (tell, wake) = (self.tell.clone(), Arc::clone(&self.wake));
        drop(self);
        if let Some(news) = result {
            let _ = tell.send(news);
            wake.raise();
        }
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
            Some(facts.start(run, &request, action, &configuration, &passage))
        })?;
        Ok(gate)
    }

    /// Has a helper ask systemd for the main process of a service that is a unit.
    pub(super) fn name_main(&self, service: ServiceId, unit: String) {
        let facts = Arc::clone(&self.facts);
        // Without an answer, the end of the process is found by the next check.
        let _ = self.help("unit", None, move |_| {
            facts.main_process(&unit).map(|process| News::Named { service, unit, process })
        });
    }

    /// Has a helper ask systemd how the main process of a unit has ended.
    pub(super) fn ask_end(&self, service: ServiceId, unit: String) -> Result<(), String> {
        let facts = Arc::clone(&self.facts);
        self.help("unit", None, move |_| {
            let is_crash = facts.has_crashed(&unit);
            Some(News::Ended { service, is_crash })
        })
    }

    /// Has a helper look for agents.
    pub(super) fn look(&self, look: LookId, resources: Vec<Resource>) -> Result<(), String> {
        let facts = Arc::clone(&self.facts);
        self.help("look", None, move |_| {
            let missing = facts.missing(&resources).and_then(|missing| match missing {
                Some(name) => Ok(Some(name)),
                // A start is recorded before it begins, which needs space.
                None => facts.records.try_room().map(|()| None),
            });
            let missing = missing.map_err(|error| error.to_string());
            Some(News::Looked { look, resources, missing })
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

    /// Has a helper do some work, and sends what that returns.
    fn help(
        &self,
        name: &str,
        check: Option<CheckOf>,
        work: impl FnOnce(&Way) -> Option<News> + Send + 'static,
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
        let helper = helper.spawn(move || {
            let result = work(&way);
            way.end(result);
        });
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
