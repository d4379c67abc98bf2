//! The process that runs event scripts, one at a time and in order.

use super::script::Places;
use super::{About, Call, Report, Request};
use crate::log::Level;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use systole_ipc::paths::Paths;
use systole_sys::process::{Child, Exit, Limits, Output, Spawn};
use systole_sys::seqpacket::PACKET_MAX;
use systole_sys::signals::Signal;

/// Time that a script may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How long a script may continue after it was asked to end.
const KILL_AFTER: Duration = Duration::from_secs(5);
/// Maximum number of calls that wait.
const WAITING_MAX: usize = 64;
/// Maximum number of reasons that are remembered, so that each is reported once.
const TOLD_MAX: usize = 256;
/// Longest sleep. Nothing depends on it, and it bounds the cost of a lost wake-up.
const SLEEP_MAX: Duration = Duration::from_secs(10);
/// The directories of heartbeat's programs, now and in older versions; `pkg/compatible` makes links in them.
const PROGRAMS: [&str; 3] = ["/usr/share/heartbeat", "/usr/lib/heartbeat", "/usr/lib64/heartbeat"];
/// The directory in which scripts are started, if it exists.
const WORKING: &str = "/var/lib/heartbeat/cores/root";

/// Runs scripts until the daemon, on the other side of standard input, is gone. The script that is running then
/// may finish.
///
/// # Errors
///
/// When standard input is not such a socket, or waiting fails.
pub(crate) fn run(paths: &Paths) -> io::Result<()> {
    let daemon = rustix::stdio::stdin().try_clone_to_owned()?;
    let programs = PROGRAMS.map(PathBuf::from).to_vec();
    let places = Places { configuration: paths.configuration.clone(), programs };
    Runner::new(daemon, places, LIMIT).run()
}

/// The calls that wait, and the script that runs.
///
/// ```text
///            call                  ended
///   Idle ──────────▶ Running ──────────────▶ Idle, or the next call
///                       │ limit: TERM           ▲
///                       └──▶ Ending ────────────┘ ended (KILL after 5 s)
/// ```
pub(super) struct Runner {
    daemon: OwnedFd,
    is_connected: bool,
    places: Places,
    limit: Duration,
    limits: Limits,
    environment: Vec<(String, String)>,
    waiting: VecDeque<Call>,
    running: Option<Running>,
    told: BTreeSet<String>,
}

struct Running {
    child: Child,
    script: PathBuf,
    /// When the next signal is due.
    due: Instant,
    /// The signals that are still to be sent, the last one first.
    signals: Vec<Signal>,
}

impl Runner {
    pub(super) fn new(daemon: OwnedFd, places: Places, limit: Duration) -> Self {
        Self {
            daemon,
            is_connected: true,
            places,
            limit,
            limits: Limits::remember(),
            environment: Vec::new(),
            waiting: VecDeque::new(),
            running: None,
            told: BTreeSet::new(),
        }
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        while self.is_connected || self.running.is_some() {
            self.wait()?;
            self.read()?;
            self.elapse(Instant::now());
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<()> {
        let due = self.running.as_ref().map(|running| running.due);
        let due = due.map(|due| due.saturating_duration_since(Instant::now()));
        let sleep = due.map_or(SLEEP_MAX, |due| due.min(SLEEP_MAX));
        let timeout = Timespec {
            tv_sec: i64::try_from(sleep.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: sleep.subsec_nanos().into(),
        };
        let child = self.running.iter().map(|running| running.child.as_fd());
        let daemon = self.is_connected.then(|| self.daemon.as_fd());
        let fds = child.chain(daemon).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut fds.collect::<Vec<_>>(), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut packet = vec![0; PACKET_MAX];
        while self.is_connected {
            match recv(&self.daemon, &mut packet[..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => {
                    self.is_connected = false;
                    // What happened to a daemon that is gone concerns nobody.
                    self.waiting.clear();
                }
                Ok((_, length)) => self.handle(&packet[..length]),
                Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn handle(&mut self, packet: &[u8]) {
        match serde_json::from_slice(packet) {
            Ok(Request::Environment(variables)) => self.environment = variables,
            Ok(Request::Run(call)) if self.waiting.len() < WAITING_MAX => {
                self.waiting.push_back(call);
            }
            Ok(Request::Run(call)) => {
                let text = format!(
                    "Event script {} is not run: {WAITING_MAX} calls wait already.",
                    call.script
                );
                self.report(Level::Warning, text, About::Lost);
            }
            Err(error) => self.tell(Level::Error, format!("Cannot read an event: {error}")),
        }
    }

    /// Handles the end of the script that runs, ends it when its time is over, and starts the next one.
    fn elapse(&mut self, now: Instant) {
        self.look_after(now);
        while self.running.is_none() {
            let Some(call) = self.waiting.pop_front() else { return };
            self.start(&call, now);
        }
    }

    fn look_after(&mut self, now: Instant) {
        let Some(running) = &mut self.running else { return };
        // Only this code reaps the child, so an error means no more than "not yet".
        if let Ok(Some(exit)) = running.child.exit() {
            let (script, pid) = (running.script.clone(), running.child.id().pid);
            self.running = None;
            return self.tell_exit(&script, pid, exit);
        }
        if now < running.due {
            return;
        }
        let Some(signal) = running.signals.pop() else {
            // It waits in the kernel, and ends when the kernel lets it. The other scripts do not wait for it.
            let text = format!("Event script {} does not end.", running.script.display());
            self.running = None;
            return self.tell(Level::Error, text);
        };
        running.due = now + KILL_AFTER;
        let text = format!(
            "Event script {} (process group {}) has taken {} s: signal {}.",
            running.script.display(),
            running.child.id().pid,
            self.limit.as_secs(),
            signal.number(),
        );
        // This fails only for lack of rights over a child.
        let _ = running.child.kill_group(signal);
        self.tell(Level::Warning, text);
    }

    fn start(&mut self, call: &Call, now: Instant) {
        let run = match self.places.find(&call.script, &self.environment) {
            Ok(Some(run)) => run,
            Ok(None) => return,
            Err(why) => return self.tell_once(why),
        };
        let variables = call.environment(&self.environment).into_iter();
        let mut spawn = Spawn::new(&run.program);
        spawn.arguments = vec![run.argument.into()];
        spawn.environment = variables.map(|(name, value)| (name.into(), value.into())).collect();
        spawn.directory = Path::new(WORKING).is_dir().then(|| WORKING.into());
        spawn.limits = Some(&self.limits);
        spawn.output = Output::Discarded;
        match spawn.start() {
            Ok(child) => {
                if !run.is_by_harc {
                    let text = format!("Running {} {}", run.script.display(), call.script);
                    self.report(Level::Info, text, About::Harc);
                }
                let signals = vec![Signal::Kill, Signal::Terminate];
                let due = now + self.limit;
                self.running = Some(Running { child, script: run.script, due, signals });
            }
            Err(error) => {
                let text = format!("Cannot run {}: {error}", run.program.display());
                self.report(Level::Error, text, About::End);
            }
        }
    }

    /// heartbeat ignores how scripts end. A line helps the author of the script.
    fn tell_exit(&mut self, script: &Path, pid: i32, exit: Exit) {
        let script = script.display();
        let text = match exit {
            Exit::Code(0) => return,
            Exit::Code(code) => {
                format!("Event script {script} (pid {pid}) exited with return code {code}.")
            }
            Exit::Signal(number) => {
                format!("Event script {script} (pid {pid}) killed by signal {number}.")
            }
        };
        self.report(Level::Info, text, About::End);
    }

    fn tell_once(&mut self, text: String) {
        if self.told.len() < TOLD_MAX && self.told.insert(text.clone()) {
            self.tell(Level::Warning, text);
        }
    }

    fn tell(&self, level: Level, text: String) {
        self.report(level, text, About::Other);
    }

    /// A line that the daemon does not read is lost, because scripts do not wait for a log.
    fn report(&self, level: Level, text: String, about: About) {
        if let Ok(packet) = serde_json::to_vec(&Report { level, text, about }) {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = send(&self.daemon, &packet, flags);
        }
    }
}
