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

/// Longest text of a line in bytes; what an outsider sends can make a line long.
const TEXT_MAX: usize = 4096;
/// Most lines that wait for the writer.
const QUEUE: usize = 2048;
/// How long the end waits for the writer.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

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

/// What the writer is to do.
#[derive(Debug)]
enum Job {
    Write { line: Line, at: Zoned, pid: u32 },
    Reopen,
}

/// How lines get to the sinks.
#[derive(Debug)]
enum Way {
    /// At once, on the thread that says them: before there is a daemon.
    Direct(Arc<Mutex<Sinks>>),
    /// Lines wait until a process has its threads.
    Waiting(Arc<Mutex<Sinks>>, Vec<Job>),
    /// Through a thread of its own, which alone waits for disks.
    Writer(Worker<Job>),
    /// Not any more.
    Over,
}

/// The log of the daemon. Saying a line never waits for a disk once the log was
/// [started](Self::start).
#[derive(Debug)]
pub struct Log {
    pid: u32,
    debug: u8,
    way: Way,
    /// Lines that found no room on their way to the writer.
    lost: u64,
    limiter: Limiter,
}

impl Log {
    /// A log on standard error, for the time before the configuration is read.
    #[must_use]
    pub fn on_stderr(node: &str) -> Self {
        Self::new(0, Way::Direct(shared(Sinks::stderr(node))))
    }

    /// A log as the settings say, whose lines wait until it is [started](Self::start). Without any
    /// sink, `in_foreground` keeps it on standard error.
    #[must_use]
    pub fn open(settings: &LogSettings, in_foreground: bool) -> Self {
        let sinks = shared(Sinks::new(settings, in_foreground));
        Self::new(settings.debug, Way::Waiting(sinks, Vec::new()))
    }

    fn new(debug: u8, way: Way) -> Self {
        Self { pid: std::process::id(), debug, way, lost: 0, limiter: Limiter::default() }
    }

    /// Takes the process id anew, after going to the background. What was said before keeps the old
    /// one.
    pub fn renew_pid(&mut self) {
        self.pid = std::process::id();
    }

    /// Starts the thread that writes; what was said until now comes first. Without a thread lines
    /// are written by who says them. What cannot be opened is tried again at later lines, and told
    /// to the sinks that work.
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

    /// Says how many lines were left out. To be called about once a second.
    pub fn tick(&mut self) {
        let now = monotonic();
        for (line, suppressed) in self.limiter.expired(now) {
            self.put_counted(&line, suppressed);
        }
        self.tell_lost();
    }

    /// Opens the files again.
    pub fn reopen(&mut self) {
        self.hand(Job::Reopen);
    }

    /// The level of the daemon's own debug lines.
    #[must_use]
    pub fn debug(&self) -> u8 {
        self.debug
    }

    /// Changes the level of the daemon's own debug lines, and says so.
    pub fn change_debug(&mut self, level: u8) {
        self.debug = level;
        let text = format!("debug now set to {level} [pid {}]", self.pid);
        self.put(&Line::new(Level::Info, text));
    }

    /// Waits until what was said is written, for no longer than that.
    pub(crate) fn settle(&mut self, limit: Duration) {
        self.tell_lost();
        if let Way::Writer(writer) = &self.way {
            writer.settle(limit);
        }
    }

    /// Another way to the thread that writes, if there is one.
    pub(crate) fn voice(&self) -> Option<Voice> {
        match &self.way {
            Way::Writer(writer) => Some(Voice { way: writer.side_way(), pid: self.pid }),
            Way::Direct(_) | Way::Waiting(..) | Way::Over => None,
        }
    }

    /// Writes what waits, for no longer than a moment, and is over.
    pub fn finish(&mut self) {
        self.start();
        self.tell_lost();
        if let Way::Writer(writer) = std::mem::replace(&mut self.way, Way::Over) {
            // A disk that takes nothing keeps nobody from ending.
            writer.finish(FINISH_LIMIT);
        }
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

    /// Says how many lines found no room, as soon as one finds it.
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

/// A way to the log for a thread that must be heard when the owner of the log is stuck.
#[derive(Debug)]
pub(crate) struct Voice {
    way: SideWay<Job>,
    pid: u32,
}

impl Voice {
    /// Writes a line. One that finds no room is lost.
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
        // Whoever panicked with it has ended the daemon.
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

/// The text as it may be written: one line of bounded length, whatever an outsider put into it.
fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_MAX);
    text[..end].chars().map(|sign| if sign.is_control() { '?' } else { sign }).collect()
}

fn monotonic() -> Duration {
    Duration::from_nanos(systole_sys::clock::boot_time())
}
