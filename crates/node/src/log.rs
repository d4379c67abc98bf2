//! The log: lines in the form of heartbeat, written to files, to syslog, or to standard error.
//!
//! ```text
//!   said ──▶ Limiter ──▶ bounded queue ──▶ thread ──▶ Sinks: files, syslog, standard error
//!                             └── full: counted, and told when there is room again
//! ```

mod file;
mod format;
mod limit;
mod line;
mod sinks;
mod syslog;
#[cfg(test)]
mod tests;

pub use line::{Level, Line, Repeating, Source};

use crate::worker::{SideWay, Worker};
use jiff::Zoned;
use limit::{Limiter, Verdict};
use sinks::Sinks;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use systole_config::Logging;

/// Maximum length of a line's text in bytes. Input from outside can make a line long.
const TEXT_MAX: usize = 4096;
/// Maximum number of lines that wait for the writer.
const QUEUE: usize = 2048;
/// How long the daemon's end waits for the writer.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

/// Where and how the log is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// File for all lines but debug lines.
    pub logfile: Option<PathBuf>,
    /// File for all lines.
    pub debugfile: Option<PathBuf>,
    /// Syslog facility, by its name in lower case.
    pub facility: Option<String>,
    /// Whether lines begin with date and host as in syslog.
    pub syslog_format: bool,
    /// Level of the daemon's own debug lines; 0 writes none.
    pub debug: u8,
    /// The name of this node in log lines.
    pub node: String,
    /// Owner and group of files that are created.
    pub owner: Option<(u32, u32)>,
}

impl LogSettings {
    /// Takes the settings from `ha.cf`. Files that are created belong to `hacluster:haclient` if these
    /// exist.
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

/// A job for the writer.
#[derive(Debug)]
enum Job {
    Write { line: Line, at: Zoned, pid: u32 },
    Reopen,
}

/// The way of lines to the sinks.
#[derive(Debug)]
enum Way {
    /// At once, on the thread that writes the line: before there is a daemon.
    Direct(Arc<Mutex<Sinks>>),
    /// Lines wait until the process has started its threads.
    Waiting(Arc<Mutex<Sinks>>, Vec<Job>),
    /// Through a separate thread, the only one that waits for disks.
    Writer(Worker<Job>),
    /// Lines are no longer written.
    Over,
}

/// The log of the daemon. Once the log was [started](Self::start), writing a line never waits for a disk.
#[derive(Debug)]
pub struct Log {
    pid: u32,
    debug: u8,
    way: Way,
    /// Number of lines for which the queue to the writer had no room.
    lost: u64,
    limiter: Limiter,
}

impl Log {
    /// Creates a log on standard error, for the time before the configuration is read.
    #[must_use]
    pub fn on_stderr(node: &str) -> Self {
        Self::new(0, Way::Direct(shared(Sinks::stderr(node))))
    }

    /// Opens a log according to the settings, whose lines wait until it is [started](Self::start). If there
    /// is no sink, `in_foreground` keeps it on standard error.
    #[must_use]
    pub fn open(settings: &LogSettings, in_foreground: bool) -> Self {
        let sinks = shared(Sinks::new(settings, in_foreground));
        Self::new(settings.debug, Way::Waiting(sinks, Vec::new()))
    }

    fn new(debug: u8, way: Way) -> Self {
        Self { pid: std::process::id(), debug, way, lost: 0, limiter: Limiter::default() }
    }

    /// Updates the process id after going to the background. Earlier lines keep the old one.
    pub fn renew_pid(&mut self) {
        self.pid = std::process::id();
    }

    /// Starts the thread that writes; earlier lines come first. If no thread can be started, lines are
    /// written by the thread that logs them. Files that cannot be opened are tried again at later lines,
    /// and reported to the sinks that work.
    pub fn start(&mut self) {
        let Way::Waiting(sinks, said) = &mut self.way else { return };
        let (sinks, said) = (Arc::clone(sinks), std::mem::take(said));
        let of_writer = Arc::clone(&sinks);
        let writer = Worker::start("log", QUEUE, move |job: Job| job.done_by(&of_writer));
        self.way = writer.map_or(Way::Direct(sinks), Way::Writer);
        for job in said {
            self.hand(job);
        }
    }

    /// Writes a line, unless the limit for its kind is exceeded.
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

    /// Reports how many lines were suppressed. Call it about once a second.
    pub fn tick(&mut self) {
        let now = monotonic();
        for (line, suppressed) in self.limiter.expired(now) {
            self.put_counted(&line, suppressed);
        }
        self.tell_lost();
    }

    /// Reopens the files.
    pub fn reopen(&mut self) {
        self.hand(Job::Reopen);
    }

    /// Returns the level of the daemon's own debug lines.
    #[must_use]
    pub fn debug(&self) -> u8 {
        self.debug
    }

    /// Changes the level of the daemon's own debug lines, and logs the change.
    pub fn change_debug(&mut self, level: u8) {
        self.debug = level;
        let text = format!("debug now set to {level} [pid {}]", self.pid);
        self.put(&Line::new(Level::Info, text));
    }

    /// Waits until all earlier lines are written, at most for `limit`.
    pub(crate) fn settle(&mut self, limit: Duration) {
        self.tell_lost();
        if let Way::Writer(writer) = &self.way {
            writer.settle(limit);
        }
    }

    /// Returns a second channel to the thread that writes, if there is one.
    pub(crate) fn side_log(&self) -> Option<SideLog> {
        match &self.way {
            Way::Writer(writer) => Some(SideLog { way: writer.side_way(), pid: self.pid }),
            Way::Direct(_) | Way::Waiting(..) | Way::Over => None,
        }
    }

    /// Writes the lines that wait, at most for a moment, and ends the log.
    pub fn finish(&mut self) {
        self.start();
        self.tell_lost();
        if let Way::Writer(writer) = std::mem::replace(&mut self.way, Way::Over) {
            // A disk that does not take the lines must not prevent the daemon from ending.
            writer.finish(FINISH_LIMIT);
        }
    }

    /// Writes one line with the count in it, because a second line would exceed the limit of this second.
    fn put_counted(&mut self, line: &Line, suppressed: u64) {
        if suppressed == 0 {
            return self.put(line);
        }
        let text = format!("{} ({suppressed} more suppressed)", line.text);
        self.put(&Line { text, ..line.clone() });
    }

    fn put(&mut self, line: &Line) {
        self.tell_lost();
        self.hand(self.job(line.clone()));
    }

    fn job(&self, line: Line) -> Job {
        Job::Write { line, at: Zoned::now(), pid: self.pid }
    }

    fn hand(&mut self, job: Job) {
        match &mut self.way {
            Way::Direct(sinks) => job.done_by(sinks),
            Way::Waiting(_, said) if said.len() < QUEUE => said.push(job),
            Way::Writer(writer) => self.lost += u64::from(writer.hand(job).is_err()),
            Way::Waiting(..) | Way::Over => self.lost += 1,
        }
    }

    /// Reports how many lines had no room, as soon as there is room again.
    fn tell_lost(&mut self) {
        if let (Way::Writer(writer), 1..) = (&self.way, self.lost) {
            let lines = if self.lost == 1 { "line was" } else { "lines were" };
            let text = format!("{} {lines} lost because the log is too slow", self.lost);
            if writer.hand(self.job(Line::new(Level::Warning, text))).is_ok() {
                self.lost = 0;
            }
        }
    }
}

/// A channel to the log for a thread that must be heard even when the log's owner is stuck.
#[derive(Debug)]
pub(crate) struct SideLog {
    way: SideWay<Job>,
    pid: u32,
}

impl SideLog {
    /// Writes a line. It is lost if there is no room.
    pub(crate) fn say(&self, line: Line) {
        let _ = self.way.hand(Job::Write { line, at: Zoned::now(), pid: self.pid });
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Job {
    fn done_by(self, sinks: &Mutex<Sinks>) {
        // A thread that panicked while holding the lock has ended the daemon.
        let mut sinks = sinks.lock().unwrap_or_else(PoisonError::into_inner);
        match self {
            Self::Write { line, at, pid } => sinks.write(&line, &at, pid),
            Self::Reopen => sinks.reopen(),
        }
    }
}

fn shared(sinks: Sinks) -> Arc<Mutex<Sinks>> {
    Arc::new(Mutex::new(sinks))
}

/// Returns the text in writable form: one line of bounded length, whatever input from outside it contains.
fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_MAX);
    text[..end].chars().map(|sign| if sign.is_control() { '?' } else { sign }).collect()
}

fn monotonic() -> Duration {
    Duration::from_nanos(systole_sys::clock::boot_time())
}
