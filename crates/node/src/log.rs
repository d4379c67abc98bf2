//! The log: lines in the form of heartbeat, written to files, to syslog, or to standard error.
//!
//! Everything here may wait for a disk, and so belongs to the control thread alone.

mod file;
mod format;
mod limit;
mod syslog;
#[cfg(test)]
mod tests;

use file::LogFile;
use format::Format;
use jiff::Zoned;
use limit::{Limiter, Verdict};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use syslog::Syslog;
use systole_config::Logging;

/// Longest text of a line in bytes; what an outsider sends can make a line long.
const TEXT_MAX: usize = 4096;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The machine goes down.
    Emergency,
    /// Data or services are in danger.
    Critical,
    /// Something is broken.
    Error,
    /// Unusual, and dealt with.
    Warning,
    /// Normal, and worth a look.
    Notice,
    /// A state that an operator cares about changed.
    Info,
    /// For whoever follows a decision.
    Debug,
}

impl Level {
    /// The word in a line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Emergency => "EMERG",
            Self::Critical => "CRIT",
            Self::Error => "ERROR",
            Self::Warning => "WARN",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The severity of syslog (RFC 3164, section 4.1.1).
    const fn severity(self) -> u8 {
        match self {
            Self::Emergency => 0,
            Self::Critical => 2,
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }
}

impl From<systole_agents::protocol::Level> for Level {
    fn from(level: systole_agents::protocol::Level) -> Self {
        use systole_agents::protocol::Level as Agents;
        match level {
            Agents::Debug => Self::Debug,
            Agents::Info => Self::Info,
            Agents::Warning => Self::Warning,
            Agents::Error => Self::Error,
        }
    }
}

/// Who speaks in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The daemon.
    Daemon,
    /// The built-in ipfail.
    Ipfail,
    /// A script of heartbeat whose work the daemon does itself, by its name.
    Script(&'static str),
    /// An agent, by its whole tag: `IPaddr(192.168.122.100)[110]`.
    Agent(String),
}

/// Lines that an outsider can cause as often as he likes: at most one of a kind in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repeating {
    /// A packet that cannot be read or is not authentic.
    BadPacket,
    /// A message from a node that is not configured.
    Stranger,
    /// A message of an older run of a node.
    Replay,
    /// Missing messages, and requests for messages.
    Loss,
    /// The end of such a loss.
    LossEnded,
    /// A beat that came late.
    LateBeat,
    /// A packet that could not be sent.
    SendFailure,
    /// A serial line that takes nothing.
    StuckLine,
    /// A step of a hand-over that was refused.
    RefusedStep,
    /// Connections to the control socket.
    Control,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How grave it is.
    pub level: Level,
    /// Who says it.
    pub source: Source,
    /// The kind of which at most one is written in a second, if there is one.
    pub repeating: Option<Repeating>,
    /// What is said; control characters are replaced when it is written.
    pub text: String,
}

impl Line {
    /// A line of the daemon.
    #[must_use]
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, source: Source::Daemon, repeating: None, text: text.into() }
    }

    /// The same line said by another source.
    #[must_use]
    pub fn said_by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same line as one of a kind that may repeat.
    #[must_use]
    pub fn repeating(self, kind: Repeating) -> Self {
        Self { repeating: Some(kind), ..self }
    }
}

/// Where and how the log is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// File for everything but debug lines.
    pub logfile: Option<PathBuf>,
    /// File for everything.
    pub debugfile: Option<PathBuf>,
    /// Facility of syslog, by its name in lower case.
    pub facility: Option<String>,
    /// Whether lines begin with date and host as in syslog.
    pub syslog_format: bool,
    /// Level of the daemon's own debug lines; 0 writes none.
    pub debug: u8,
    /// This node, as lines name it.
    pub node: String,
    /// Owner and group of files that are made.
    pub owner: Option<(u32, u32)>,
}

impl LogSettings {
    /// What `ha.cf` says; files that are made belong to `hacluster:haclient` where those exist.
    #[must_use]
    pub fn new(logging: &Logging, node: &str) -> Self {
        let user = systole_sys::identity::Identity::of_user("hacluster").ok();
        let group = systole_sys::identity::group_id("haclient").ok();
        Self {
            logfile: logging.logfile.as_ref().map(PathBuf::from),
            debugfile: logging.debugfile.as_ref().map(PathBuf::from),
            facility: logging.facility.clone(),
            syslog_format: logging.syslog_format,
            debug: logging.debug,
            node: node.to_owned(),
            owner: user.zip(group).map(|(user, group)| (user.user, group)),
        }
    }
}

/// The log of the daemon.
#[derive(Debug)]
pub struct Log {
    format: Format,
    debug: u8,
    logfile: Option<LogFile>,
    debugfile: Option<LogFile>,
    syslog: Option<Syslog>,
    is_on_stderr: bool,
    limiter: Limiter,
}

impl Log {
    /// A log on standard error, for the time before the configuration is read.
    #[must_use]
    pub fn on_stderr(node: &str) -> Self {
        Self {
            format: Format { node: node.to_owned(), pid: std::process::id(), is_syslog: true },
            debug: 0,
            logfile: None,
            debugfile: None,
            syslog: None,
            is_on_stderr: true,
            limiter: Limiter::default(),
        }
    }

    /// Opens files and syslog. What cannot be opened is tried again later; what is wrong is told to
    /// the sinks that work. Without any, `in_foreground` keeps the log on standard error.
    #[must_use]
    pub fn open(settings: &LogSettings, in_foreground: bool) -> Self {
        let mut log = Self::on_stderr(&settings.node);
        log.format.is_syslog = settings.syslog_format;
        log.debug = settings.debug;
        let file = |path: &PathBuf| LogFile::new(path.clone(), settings.owner);
        log.debugfile = settings.debugfile.as_ref().map(file);
        let is_twice = settings.debugfile == settings.logfile;
        log.logfile = settings.logfile.as_ref().filter(|_| !is_twice).map(file);
        log.syslog = settings.facility.as_deref().and_then(Syslog::of_facility);
        let has_sink = log.logfile.is_some() || log.debugfile.is_some() || log.syslog.is_some();
        log.is_on_stderr = in_foreground && !has_sink;
        log.reopen();
        log
    }

    /// Takes the process id anew, after going to the background.
    pub fn renew_pid(&mut self) {
        self.format.pid = std::process::id();
    }

    /// Writes a line, unless it is one too many of its kind.
    pub fn write(&mut self, line: &Line) {
        let own = matches!(line.source, Source::Daemon);
        if own && line.level == Level::Debug && self.debug == 0 {
            return;
        }
        let Some(kind) = line.repeating else { return self.put(line) };
        match self.limiter.admit(kind, line, monotonic()) {
            Verdict::Write { suppressed } => self.put_counted(line, suppressed),
            Verdict::Suppress => {}
        }
    }

    /// Says how many lines were left out, looks for rotated files, connects to syslog again. To be
    /// called about once a second.
    pub fn tick(&mut self) {
        let now = monotonic();
        for (line, suppressed) in self.limiter.expired(now) {
            self.put_counted(&line, suppressed);
        }
        let files = [&mut self.logfile, &mut self.debugfile];
        let rotated = files.into_iter().flatten().filter_map(|file| file.check_rotation(now));
        let rotated: Vec<PathBuf> = rotated.collect();
        for path in rotated {
            let text = format!("log-rotate detected on logfile {}", path.display());
            self.put(&Line::new(Level::Info, text));
        }
    }

    /// Opens the files again, as after SIGHUP.
    pub fn reopen(&mut self) {
        let mut failures = Vec::new();
        for file in [&mut self.logfile, &mut self.debugfile].into_iter().flatten() {
            if let Err(error) = file.reopen() {
                failures.push(format!("Cannot open logfile {}: {error}", file.path().display()));
            }
        }
        for text in failures {
            self.put(&Line::new(Level::Error, text));
        }
    }

    /// The level of the daemon's own debug lines.
    #[must_use]
    pub fn debug(&self) -> u8 {
        self.debug
    }

    /// Changes the level of the daemon's own debug lines, and says so.
    pub fn change_debug(&mut self, level: u8) {
        self.debug = level;
        let text = format!("debug now set to {level} [pid {}]", self.format.pid);
        self.put(&Line::new(Level::Info, text));
    }

    /// One line with the count in it, because two would be one too many in this second.
    fn put_counted(&mut self, line: &Line, suppressed: u64) {
        if suppressed == 0 {
            return self.put(line);
        }
        let text = format!("{} ({suppressed} more suppressed)", line.text);
        self.put(&Line { text, ..line.clone() });
    }

    fn put(&mut self, line: &Line) {
        let now = Zoned::now();
        let text = clean(&line.text);
        if let Some(file) = self.logfile.as_mut().filter(|_| line.level != Level::Debug) {
            file.write(&self.format.for_logfile(line, &text, &now));
        }
        if let Some(file) = &mut self.debugfile {
            file.write(&self.format.for_debugfile(line, &text, &now));
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.send(line.level, &self.format.for_syslog(line, &text), &now);
        }
        if self.is_on_stderr {
            // Nobody is left to tell when standard error is closed.
            let _ =
                std::io::stderr().write_all(self.format.for_logfile(line, &text, &now).as_bytes());
        }
    }
}

/// The text as it may be written: one line of bounded length, whatever an outsider put into it.
fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_MAX);
    text[..end].chars().map(|sign| if sign.is_control() { '?' } else { sign }).collect()
}

fn monotonic() -> Duration {
    Duration::from_nanos(systole_sys::clock::boot_time())
}
