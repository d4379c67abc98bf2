//! Event scripts: the programs of an administrator in `rc.d` that the daemon calls when something happens.
//!
//! ```text
//!   event of the core ─┐
//!                      ├─▶ Call ─▶ process of the scripts ─▶ harc, rc.d/<type>
//!   message of a node ─┘   (call.rs, pure)   (process.rs)
//! ```
//!
//! A process of its own runs the scripts, one at a time, because a script may take as long as it likes and the
//! daemon must not fork. It is started if there is anything in `rc.d` when the daemon starts.

mod call;
pub(crate) mod fields;
mod process;
mod script;
#[cfg(test)]
mod tests;

pub(crate) use call::{Call, Events};
pub(crate) use process::run;

use crate::log::{Level, Line, Repeating, Source};
use crate::options::Role;
use crate::role_process::{self, Group};
use rustix::event::{PollFd, PollFlags};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};
use systole_agents::protocol::Configuration;
use systole_ipc::paths::Paths;
use systole_sys::seqpacket::{Connection, PACKET_MAX, Receive};

/// Maximum number of reports read at once.
const AT_ONCE: usize = 64;
/// Least time between two starts of the process, in case it ends at once.
const START_GAP: Duration = Duration::from_secs(10);
/// How long the end of a process without a running script is waited for.
const END_LIMIT: Duration = Duration::from_millis(500);
/// Time between two checks whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// The script under whose name heartbeat logs that it runs a script.
const HARC: Source = Source::Script("harc");

/// A request of the daemon to the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// From now on, scripts get these variables. Sent before the first call.
    Environment(Vec<(String, String)>),
    /// Run the script for this.
    Run(Call),
}

/// A report of the process to the daemon: a log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    level: Level,
    text: String,
    about: About,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum About {
    /// A start that `harc` would log.
    Harc,
    /// A call that found no room.
    Lost,
    /// A script that has ended, or did not start.
    End,
    /// Something that happens rarely.
    Other,
}

/// The daemon's side of the event scripts.
#[derive(Debug)]
pub(crate) struct Hooks {
    directory: PathBuf,
    environment: Vec<(String, String)>,
    process: Option<(Child, Connection)>,
    /// There is something in `rc.d`, so the process must run.
    is_owed: bool,
    /// The process is not started before this time.
    not_before: Option<Instant>,
    /// How many calls were lost since this was logged last.
    lost: u64,
}

impl Hooks {
    /// Looks whether there is any script. The process is [started](Self::tend) if there is.
    pub(crate) fn new(paths: &Paths, configuration: &Configuration) -> Self {
        let directory = paths.configuration.clone();
        let is_owed = has_entry(&directory.join(script::RC_D));
        let environment = environment(paths, configuration);
        Self { directory, environment, process: None, is_owed, not_before: None, lost: 0 }
    }

    /// Starts the process if there are scripts and it does not run. Preferably called before memory is locked.
    ///
    /// # Errors
    ///
    /// When the process cannot be started. The call can be repeated.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let is_early = self.not_before.is_some_and(|time| now < time);
        if !self.is_owed || self.process.is_some() || is_early {
            return Ok(());
        }
        let arguments = [OsStr::new("--config-dir"), self.directory.as_os_str()];
        let process = role_process::start(Role::Hooks, Group::Own, &arguments)?;
        let packet = serde_json::to_vec(&Request::Environment(self.environment.clone()))?;
        process.1.send(&packet)?;
        self.process = Some(process);
        self.not_before = Some(now + START_GAP);
        Ok(())
    }

    /// Gives the scripts the variables of another configuration.
    pub(crate) fn configure(&mut self, paths: &Paths, configuration: &Configuration) {
        self.environment = environment(paths, configuration);
        let request = Request::Environment(self.environment.clone());
        // If the process is gone, the next one gets them.
        let _ = self.send(&request);
    }

    /// Has the script for something called, if there is one. What finds no room is lost and counted.
    pub(crate) fn call(&mut self, call: Call) {
        if self.is_owed && self.send(&Request::Run(call)).is_err() {
            self.lost += 1;
        }
    }

    fn send(&self, request: &Request) -> io::Result<()> {
        let Some((_, connection)) = &self.process else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        connection.send(&serde_json::to_vec(request)?)
    }

    /// Lets the process end, and waits for that, unless a script is running: the process then ends with it.
    /// A daemon that executes itself again would otherwise keep the dead process as its child.
    pub(crate) fn end(&mut self) {
        let Some((mut child, connection)) = self.process.take() else { return };
        self.is_owed = false;
        drop(connection);
        let limit = Instant::now() + END_LIMIT;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < limit {
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Reads the lines of the process.
    pub(crate) fn read(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut packet = vec![0; PACKET_MAX];
        for _ in 0..AT_ONCE {
            let Some((_, connection)) = &self.process else { break };
            match connection.receive(&mut packet) {
                Ok(Receive::Packet(length)) => {
                    lines.extend(serde_json::from_slice(&packet[..length]).ok().map(line));
                }
                Ok(Receive::Empty) => break,
                Ok(Receive::Closed) | Err(_) => lines.extend(self.record_end()),
            }
        }
        lines
    }

    /// Returns the number of calls that were lost since the last call of this.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The descriptor that becomes readable when there is something to [`read`](Self::read).
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let connection = self.process.iter().map(|(_, connection)| connection.as_fd());
        connection.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
    }

    /// Handles the end of the process, which the next [`tend`](Self::tend) starts again.
    fn record_end(&mut self) -> Option<Line> {
        let (mut child, connection) = self.process.take()?;
        drop(connection);
        // The process has closed its side, and so it has ended or is about to.
        let _ = child.wait();
        let text = "The process that runs event scripts is gone; it is started again.";
        Some(Line::new(Level::Error, text))
    }
}

fn line(report: Report) -> Line {
    let line = Line::new(report.level, report.text);
    match report.about {
        About::Harc => line.said_by(HARC),
        About::Lost => line.repeating(Repeating::Script),
        About::End => line.repeating(Repeating::ScriptEnd),
        About::Other => line,
    }
}

fn has_entry(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

/// The variables of every script, apart from those of the event.
fn environment(paths: &Paths, configuration: &Configuration) -> Vec<(String, String)> {
    let directories = systole_agents::lookup::Directories {
        configuration: paths.configuration.clone(),
        ..Default::default()
    };
    let mut variables = systole_agents::agent::script_variables(&directories, configuration);
    let fifo = paths.fifo().display().to_string();
    variables.push(("HA_FIFO".to_owned(), fifo));
    variables
}
