//! One interface to every kind of agent that is a program: how the agent is called, and what its answer
//! means.

mod environment;
mod ocf;
pub mod ordered;

use crate::lookup::{Directories, Located};
use crate::protocol::{Action, Configuration, Outcome};
use std::ffi::OsString;
use std::path::PathBuf;
use systole_sys::process::{Exit, Limits};

/// LSB: the program is not running (status), as in the Linux Standard Base, section 22.2.
const LSB_NOT_RUNNING: i32 = 3;
/// systemctl(1): no such unit is loaded.
const NO_SUCH_UNIT: i32 = 4;
/// OCF: the resource is cleanly stopped (`OCF_NOT_RUNNING`).
const OCF_NOT_RUNNING: i32 = 7;
/// A shell reports a program that was ended by a signal as this value plus the number of the signal.
const SIGNAL_BASE: i32 = 128;

/// An agent that was found, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    located: Located,
    arguments: Vec<String>,
}

/// The call of an agent for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// Returns the variables of every script that is run for the daemon: those that heartbeat's shell functions
/// set, and those of the configuration.
#[must_use]
pub fn script_variables(
    directories: &Directories,
    configuration: &Configuration,
) -> Vec<(String, String)> {
    environment::common(directories, configuration)
}

impl Agent {
    /// Finds the agent of this name.
    ///
    /// # Errors
    ///
    /// As [`Directories::locate`].
    pub fn find(
        name: &str,
        arguments: &[String],
        directories: &Directories,
    ) -> std::io::Result<Option<Self>> {
        let located = directories.locate(name, arguments)?;
        Ok(located.map(|located| Self { located, arguments: arguments.to_vec() }))
    }

    /// Returns how the agent is called for `action`.
    ///
    /// # Errors
    ///
    /// When the parameters of an OCF instance cannot be read.
    pub fn invocation(
        &self,
        action: Action,
        directories: &Directories,
        configuration: &Configuration,
        more: &[(String, String)],
    ) -> std::io::Result<Invocation> {
        let mut variables = environment::common(directories, configuration);
        variables.extend(more.iter().cloned());
        let (program, arguments) = match &self.located {
            Located::Script { path } => {
                // Neither heartbeat's nor LSB scripts know "monitor".
                let verb = if action == Action::Monitor { Action::Status } else { action };
                let mut arguments = self.arguments.clone();
                arguments.push(verb.verb().to_owned());
                (path.clone(), arguments)
            }
            Located::Ocf { path, kind, parameters } => {
                variables.extend(match parameters {
                    Some(file) => ocf::read_instance(path, file)?,
                    None => ocf::from_arguments(kind, &self.arguments),
                });
                // OCF has no "status" of its own; its "monitor" serves for it.
                let verb = if action == Action::Status { Action::Monitor } else { action };
                (path.clone(), vec![verb.verb().to_owned()])
            }
            Located::Unit { name } => {
                let verb = match action {
                    Action::Start => "start",
                    Action::Stop => "stop",
                    Action::Status | Action::Monitor => "is-active",
                };
                (directories.systemctl.clone(), vec![verb.to_owned(), name.clone()])
            }
        };
        let environment = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Ok(Invocation { program, arguments, environment: environment.collect() })
    }

    /// Prepares the call of an agent: a systemd unit is ordered relative to the daemon's own unit
    /// ([`ordered`]). May take seconds.
    ///
    /// # Errors
    ///
    /// When that cannot be done. Such an error is never the agent's.
    pub fn prepare(
        &self,
        action: Action,
        directories: &Directories,
        limits: Option<&Limits>,
    ) -> std::io::Result<()> {
        let Some(unit) = self.unit(directories) else { return Ok(()) };
        let mut systemctl = ordered::Systemctl::new(&directories.systemctl, limits);
        ordered::prepare(&unit, action, directories, &mut systemctl)
    }

    /// Returns the systemd unit of the resource, if it is or has one.
    #[must_use]
    pub fn unit(&self, directories: &Directories) -> Option<String> {
        ordered::unit(&self.located, directories)
    }

    /// Returns the log line before a start or a stop, and the name of the agent when it fails.
    #[must_use]
    pub fn describe(&self, action: Action, directories: &Directories) -> (String, String) {
        let verb = action.verb();
        match &self.located {
            Located::Script { path } | Located::Ocf { path, .. } => {
                let path = path.display();
                let arguments = self.arguments.join(" ");
                (format!("Running {path} {arguments} {verb}"), path.to_string())
            }
            Located::Unit { name } => {
                let systemctl = directories.systemctl.display();
                (format!("Running {systemctl} {verb} {name}"), format!("{systemctl} {name}"))
            }
        }
    }

    /// Returns the outcome of a run that has ended.
    ///
    /// The status of a script is read from its standard output only, whatever its exit code, as heartbeat
    /// does: many old scripts say "running" and exit with a meaningless code. Everything else is judged by
    /// its exit code.
    #[must_use]
    pub fn judge(&self, action: Action, exit: Exit, stdout: &[u8]) -> Outcome {
        let code = match exit {
            Exit::Code(code) => code,
            Exit::Signal(signal) => SIGNAL_BASE + signal,
        };
        let failed = || {
            let text = match (&self.located, action) {
                (Located::Ocf { .. }, _) => ocf::meaning(code).to_owned(),
                (Located::Script { .. } | Located::Unit { .. }, _) => String::new(),
            };
            Outcome::Failed { code, text }
        };
        match (action, &self.located) {
            (Action::Start | Action::Stop, _) if code == 0 => Outcome::Success,
            // The stop of an OCF agent should not return this code, but many do; the resource is stopped.
            (Action::Stop, Located::Ocf { .. }) if code == OCF_NOT_RUNNING => Outcome::Success,
            (Action::Start | Action::Stop, _) => failed(),
            (Action::Status, Located::Script { .. }) => {
                let is_running = says_running(&String::from_utf8_lossy(stdout));
                if is_running { Outcome::Running } else { Outcome::NotRunning }
            }
            (Action::Monitor, located) if says_nothing(located, code) => {
                let text = match located {
                    Located::Ocf { .. } => ocf::meaning(code).to_owned(),
                    Located::Script { .. } | Located::Unit { .. } => {
                        format!("its status exits with {code}: the program cannot be run")
                    }
                };
                Outcome::NotAsked { text }
            }
            (Action::Monitor, Located::Unit { .. }) => judge_state(code, stdout),
            (Action::Monitor, Located::Script { .. }) => {
                let text = String::from_utf8_lossy(stdout);
                let is_down = code == 0 && says_stopped(&text);
                match code {
                    _ if is_down => Outcome::NotRunning,
                    0 => Outcome::Running,
                    OCF_NOT_RUNNING | LSB_NOT_RUNNING => Outcome::NotRunning,
                    _ if says_running(&text) => Outcome::Running,
                    _ => failed(),
                }
            }
            (Action::Status | Action::Monitor, located) => match (located, code) {
                (_, 0) => Outcome::Running,
                (Located::Script { .. } | Located::Ocf { .. }, OCF_NOT_RUNNING)
                | (Located::Script { .. }, LSB_NOT_RUNNING)
                | (Located::Unit { .. }, NO_SUCH_UNIT) => Outcome::NotRunning,
                (Located::Unit { .. }, LSB_NOT_RUNNING) => judge_unit(stdout),
                (Located::Script { .. } | Located::Ocf { .. } | Located::Unit { .. }, _) => {
                    failed()
                }
            },
        }
    }
}

/// Returns the environment of a program that is no agent: that of every agent.
pub(crate) fn environment(
    directories: &Directories,
    configuration: &Configuration,
) -> Vec<(OsString, OsString)> {
    let variables = environment::common(directories, configuration);
    variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Returns the outcome for a unit that is not active. A unit that is starting or stopping usually has
/// processes, but systemctl(1) gives the same exit code for it as for a stopped one.
fn judge_unit(stdout: &[u8]) -> Outcome {
    let state = String::from_utf8_lossy(stdout);
    match state.trim() {
        "inactive" | "failed" | "unknown" | "" => Outcome::NotRunning,
        state => Outcome::Failed { code: LSB_NOT_RUNNING, text: format!("the unit is {state}") },
    }
}

/// Returns whether an exit code of a check says that the check cannot be made, and nothing of the resource:
/// 126 and 127 of a shell (POSIX, 2.8.2), and of OCF agents wrong arguments, an action that is not
/// implemented, missing rights, missing programs, and a wrong configuration of the resource.
const fn says_nothing(located: &Located, code: i32) -> bool {
    match located {
        Located::Ocf { .. } => matches!(code, 2..=6),
        Located::Script { .. } => matches!(code, 126 | 127),
        Located::Unit { .. } => false,
    }
}

/// Returns whether a script says that its resource does not run, as some do and exit with 0. What follows the
/// first line may be about anything: `systemctl status`, to which Debian redirects scripts, prints the log.
fn says_stopped(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let lower = first.to_ascii_lowercase();
    let is_denied = lower.find("not ").is_some_and(|at| lower[at..].contains("running"));
    !says_running(first) && (is_denied || lower.contains("stopped") || lower.contains("is down"))
}

/// Returns the outcome of a check of a unit: systemctl(1) prints its state. Without a state it has not asked
/// the manager, which says nothing about the unit.
fn judge_state(code: i32, stdout: &[u8]) -> Outcome {
    let state = String::from_utf8_lossy(stdout);
    match state.trim() {
        _ if code == 0 => Outcome::Running,
        "inactive" | "failed" => Outcome::NotRunning,
        state @ ("activating" | "deactivating" | "maintenance" | "reloading" | "refreshing") => {
            Outcome::Failed { code, text: format!("the unit is {state}") }
        }
        state => {
            let text = format!("systemctl does not know the state of the unit ({code}): {state}");
            Outcome::NotAsked { text: text.trim_end_matches([' ', ':']).to_owned() }
        }
    }
}

/// The ownership test of heartbeat: "not" followed by "running" means no; else "running" or "OK"
/// means yes; anything else means no.
fn says_running(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let denied = lower.find("not ").is_some_and(|at| has_running(&text[at..]));
    !denied && (has_running(text) || text.contains("OK"))
}

fn has_running(text: &str) -> bool {
    text.contains("running") || text.contains("Running")
}

#[cfg(test)]
mod tests;
