//! The daemon's side of the programs that it keeps running.

use crate::log::{Level, Line};
use crate::options::Role;
use crate::respawn::{Program, Report, Request};
use crate::role_process::{self, Group};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd as _;
use std::process::Child;
use std::time::{Duration, Instant};
use systole_config::Config;
use systole_sys::seqpacket::{Connection, Receive};

pub(crate) use crate::respawn::run;

/// Maximum length of a line from the process. Commands are lines of `ha.cf`, which are below 5 KiB.
const REPORT_MAX: usize = 16 << 10;

/// Maximum number of lines read at once.
const AT_ONCE: usize = 64;

/// Time within which one program must end, including the kill and the line about it.
const END_LIMIT: Duration = Duration::from_secs(31);

/// The programs of `respawn` and `failfast`, and the process that keeps them running.
#[derive(Debug)]
pub(crate) struct Clients {
    /// Absent if there are no programs, or the process is gone.
    process: Option<(Child, Connection)>,
    /// The programs that were not yet sent to the process.
    programs: Vec<Program>,
    environment: Vec<(String, String)>,
    /// Communication is up, so the programs must run.
    is_due: bool,
    /// While the programs are being ended: the time until which the next line about their end is awaited.
    end_limit: Option<Instant>,
}

impl Clients {
    /// Takes the programs of a configuration. Their process is [started](Self::tend) if there are any.
    pub(crate) fn new(config: &Config, environment: Vec<(String, String)>) -> Self {
        let programs: Vec<Program> = config.clients.iter().map(Program::from).collect();
        Self { process: None, programs, environment, is_due: false, end_limit: None }
    }

    /// Starts the process, unless it runs already, and sends it the programs to run. Preferably called
    /// before memory is locked.
    ///
    /// # Errors
    ///
    /// When the process cannot be started. The call can be repeated.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        if self.process.is_none() && !self.programs.is_empty() {
            self.process = Some(role_process::start(Role::Clients, Group::Shared, &[])?);
        }
        self.hand_over();
        Ok(())
    }

    /// Starts the programs. Call it once, when communication is up.
    pub(crate) fn start(&mut self) {
        self.is_due = true;
        self.hand_over();
    }

    fn hand_over(&mut self) {
        if !self.is_due || self.process.is_none() || self.programs.is_empty() {
            return;
        }
        let (programs, environment) = (self.programs.clone(), self.environment.clone());
        if self.send(&Request::Start { programs, environment }) {
            self.programs.clear();
        }
    }

    /// Reads the lines of the process.
    pub(crate) fn read(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut packet = vec![0; REPORT_MAX];
        while let Some((_, connection)) = self.process.as_mut().filter(|_| lines.len() < AT_ONCE) {
            match connection.receive(&mut packet) {
                Ok(Receive::Packet(length)) => {
                    let report = serde_json::from_slice::<Report>(&packet[..length]);
                    lines.extend(report.ok().map(Line::from));
                }
                Ok(Receive::Empty) => break,
                Ok(Receive::Closed) | Err(_) => lines.extend(self.record_end()),
            }
        }
        if let (Some(limit), false) = (&mut self.end_limit, lines.is_empty()) {
            *limit = Instant::now() + END_LIMIT;
        }
        lines
    }

    /// Begins to end the programs, the last one first, and the process. They [have ended](Self::have_ended)
    /// when their lines have been read to the end.
    pub(crate) fn begin_stop(&mut self) {
        self.programs.clear();
        self.end_limit = Some(Instant::now() + END_LIMIT);
        self.send(&Request::Stop);
    }

    /// Whether no program and no process is left, or the time limit for the next line about their end is
    /// over.
    pub(crate) fn have_ended(&mut self) -> bool {
        if self.end_limit.is_some_and(|limit| Instant::now() >= limit) {
            self.abandon();
        }
        self.process.is_none()
    }

    /// Ends the programs, and waits for that.
    pub(crate) fn stop(&mut self) -> Vec<Line> {
        if self.end_limit.is_none() {
            self.begin_stop();
        }
        let mut lines = Vec::new();
        while !self.have_ended() {
            let Some((_, connection)) = &self.process else { break };
            let limit = self.end_limit.unwrap_or_else(Instant::now);
            let left = limit.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::IN)];
            let waited = poll(&mut fds, Some(&timeout));
            if waited.is_err_and(|error| error != rustix::io::Errno::INTR) {
                self.abandon();
                break;
            }
            lines.extend(self.read());
        }
        lines
    }

    /// The descriptors that become readable when there is something to [`read`](Self::read).
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let connection = self.process.iter().map(|(_, connection)| connection.as_fd());
        connection.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
    }

    fn send(&mut self, request: &Request) -> bool {
        let Some((_, connection)) = &self.process else { return false };
        let sent = serde_json::to_vec(request).map(|packet| connection.send(&packet));
        let is_sent = matches!(sent, Ok(Ok(())));
        if !is_sent {
            self.abandon();
        }
        is_sent
    }

    /// Handles the end of the connection: the process exits, or was killed.
    fn record_end(&mut self) -> Option<Line> {
        let (mut child, _) = self.process.take()?;
        let status = child.wait().ok().filter(|status| !status.success())?;
        let text = format!("The process that keeps clients running is gone: {status}");
        Some(Line::new(Level::Error, text))
    }

    /// Closes the connection: the process ends its programs when it notices.
    fn abandon(&mut self) {
        self.process = None;
    }
}
