//! One program: running, waiting to run again, or ended for good.

use super::signal_text::signal_text;
use super::{Policy, Program, Report, Verdict};
use crate::log::Level;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};
use systole_sys::identity::Identity;
use systole_sys::process::{Child, Exit, Limits, Output, Spawn};
use systole_sys::signals::Signal;

/// Time that a program has to end before it is killed.
pub(super) const END_LIMIT: Duration = Duration::from_secs(30);

/// Wait after a failed start, which doubles with each failure that follows.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest such wait.
const RETRY_LAST: Duration = Duration::from_mins(1);

/// A program and its state. A start that fails (no process, no memory) is tried again.
///
/// ```text
///             ended               pause is over
///   Running ─────────▶ Pausing ─────────────────▶ Running
///      │ │                │ stop
///      │ │ 100, too fast  └────────────┐
///      │ └──────────────────────────▶ Ended
///      │ stop: TERM                    ▲
///      └────────▶ Ending ──────────────┘ ended (KILL after 30 s)
/// ```
#[derive(Debug)]
pub(super) struct Kept {
    program: Program,
    policy: Policy,
    state: State,
    /// The wait after the next failed start.
    retry: Duration,
    /// A stop has reported that the program is ended, or is not running.
    is_stop_told: bool,
}

#[derive(Debug)]
enum State {
    Running { child: Child, since: Instant },
    Pausing { until: Instant },
    Ending { child: Child, kill_at: Option<Instant> },
    Ended,
}

/// What the end of a program demands, besides log lines. It is ignored once all programs are being ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Demand {
    Nothing,
    /// The machine must be restarted because of this command.
    Reboot(String),
}

impl Kept {
    /// Creates a program that runs as soon as [`Kept::elapse`] is called.
    pub(super) fn new(program: Program, now: Instant) -> Self {
        let policy = Policy::new(program.failfast);
        Self {
            program,
            policy,
            state: State::Pausing { until: now },
            retry: RETRY_FIRST,
            is_stop_told: false,
        }
    }

    pub(super) fn child(&self) -> Option<&Child> {
        match &self.state {
            State::Running { child, .. } | State::Ending { child, .. } => Some(child),
            State::Pausing { .. } | State::Ended => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// The time at which [`Kept::elapse`] next has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Pausing { until } => Some(until),
            State::Ending { kill_at, .. } => kill_at,
            State::Running { .. } | State::Ended => None,
        }
    }

    /// Handles an end, starts what is due, and kills what takes too long.
    pub(super) fn elapse(
        &mut self,
        now: Instant,
        start: &Start<'_>,
        reports: &mut Vec<Report>,
    ) -> Demand {
        let demand = self.record_end(now, reports);
        match &mut self.state {
            State::Pausing { until } if now >= *until => self.start(now, start, reports),
            State::Ending { child, kill_at } if kill_at.is_some_and(|at| now >= at) => {
                *kill_at = None;
                signal(child, Signal::Kill, &self.program.command, reports);
            }
            State::Running { .. } | State::Pausing { .. } | State::Ending { .. } | State::Ended => {
            }
        }
        demand
    }

    /// Ends the program: asks a running one to end, or does not start it again.
    pub(super) fn stop(&mut self, now: Instant, reports: &mut Vec<Report>) {
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Running { child, .. } => {
                signal(&child, Signal::Terminate, &self.program.command, reports);
                self.is_stop_told = true;
                State::Ending { child, kill_at: Some(now + END_LIMIT) }
            }
            ending @ State::Ending { .. } => ending,
            State::Pausing { .. } | State::Ended => State::Ended,
        };
    }

    /// Reports once, in its turn, that there is nothing to end.
    pub(super) fn tell_not_running(&mut self, reports: &mut Vec<Report>) {
        if !std::mem::replace(&mut self.is_stop_told, true) {
            let text = format!("client [{}] is not running.", self.program.command);
            reports.push(report(Level::Info, text));
        }
    }

    fn start(&mut self, now: Instant, start: &Start<'_>, reports: &mut Vec<Report>) {
        let command = &self.program.command;
        let failed = |error: io::Error| {
            report(Level::Error, format!("Cannot start client \"{command}\": {error}"))
        };
        let identity = match Identity::of_user(&self.program.user) {
            Ok(identity) => identity,
            Err(error) => {
                // Waiting does not help against a name that does not exist.
                reports.push(failed(error));
                self.state = State::Ended;
                return;
            }
        };
        self.state = match start.start(&self.program, &identity) {
            Ok(child) => {
                let Identity { user, group, .. } = identity;
                let pid = child.id().pid;
                let client = format!("Starting child client \"{command}\" ({user},{group})");
                let started =
                    format!("Starting \"{command}\" as uid {user}  gid {group} (pid {pid})");
                reports.extend([report(Level::Info, client), report(Level::Info, started)]);
                self.retry = RETRY_FIRST;
                State::Running { child, since: now }
            }
            Err(error) => {
                reports.push(failed(error));
                let until = now + self.retry;
                self.retry = (self.retry * 2).min(RETRY_LAST);
                State::Pausing { until }
            }
        };
    }

    fn record_end(&mut self, now: Instant, reports: &mut Vec<Report>) -> Demand {
        let Some(child) = self.child() else { return Demand::Nothing };
        // Only this code reaps the child, so an error means no more than "not yet".
        let Ok(Some(exit)) = child.exit() else { return Demand::Nothing };
        let command = self.program.command.clone();
        self.report_end(child.id().pid, exit, reports);
        let State::Running { since, .. } = self.state else {
            self.state = State::Ended;
            return Demand::Nothing;
        };
        match self.policy.judge(exit, now.saturating_duration_since(since)) {
            Verdict::Restart(pause) => {
                let text = format!("Respawning client \"{command}\":");
                reports.push(report(Level::Error, text));
                self.state = State::Pausing { until: now + pause };
            }
            Verdict::Leave => self.state = State::Ended,
            Verdict::TooFast => {
                let text = format!("Client {command} \"respawning too fast\"");
                reports.push(report(Level::Error, text));
                self.state = State::Ended;
            }
            Verdict::Reboot => {
                self.state = State::Ended;
                return Demand::Reboot(command);
            }
        }
        Demand::Nothing
    }

    fn report_end(&self, pid: i32, exit: Exit, reports: &mut Vec<Report>) {
        let command = &self.program.command;
        let managed = format!("Managed {command} process {pid}");
        match exit {
            Exit::Code(0) => {
                let text = format!("{managed} exited with return code 0.");
                reports.push(report(Level::Info, text));
            }
            Exit::Code(code) => {
                let text = format!("{managed} exited with return code {code}.");
                reports.push(report(Level::Warning, text));
            }
            Exit::Signal(number) => {
                let text = format!("{managed} killed by {}.", signal_text(number));
                let was_asked = matches!(self.state, State::Ending { .. });
                let level = if was_asked { Level::Info } else { Level::Warning };
                reports.push(report(level, text));
            }
        }
    }
}

/// What all programs have in common.
pub(super) struct Start<'a> {
    pub(super) environment: &'a [(String, String)],
    pub(super) limits: &'a Limits,
    /// The program that reads the command line.
    pub(super) shell: &'a str,
}

/// The shell of every program.
pub(super) const SHELL: &str = "/bin/sh";

impl Start<'_> {
    fn start(&self, program: &Program, identity: &Identity) -> io::Result<Child> {
        let pair = |(name, value): &(String, String)| (OsString::from(name), value.into());
        let mut spawn = Spawn::new(self.shell);
        spawn.arguments = vec!["-c".into(), format!("exec {}", program.command).into()];
        spawn.environment = self.environment.iter().map(pair).collect();
        spawn.identity = Some(identity);
        spawn.limits = Some(self.limits);
        spawn.output = Output::Discarded;
        spawn.start()
    }
}

fn signal(child: &Child, signal: Signal, command: &str, reports: &mut Vec<Report>) {
    let (group, number) = (child.id().pid, signal.number());
    let text = format!("killing {command} process group {group} with signal {number}");
    reports.push(report(Level::Info, text));
    if let Err(error) = child.kill_group(signal) {
        let text = format!("Cannot signal process group {group}: {error}");
        reports.push(report(Level::Error, text));
    }
}

pub(super) fn report(level: Level, text: String) -> Report {
    Report { level, text }
}
