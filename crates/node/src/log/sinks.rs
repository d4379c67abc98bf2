//! The destinations of log lines. Everything in this module may wait for a disk.

use super::file::LogFile;
use super::format::Format;
use super::syslog::Syslog;
use super::{Level, Line, LogSettings, clean};
use jiff::Zoned;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The files, syslog, and standard error.
#[derive(Debug)]
pub(super) struct Sinks {
    format: Format,
    logfile: Option<LogFile>,
    debugfile: Option<LogFile>,
    syslog: Option<Syslog>,
    is_on_stderr: bool,
}

impl Sinks {
    /// Creates a log on standard error only.
    pub(super) fn stderr(node: &str) -> Self {
        Self {
            format: Format { node: node.to_owned(), pid: std::process::id(), is_syslog: true },
            logfile: None,
            debugfile: None,
            syslog: None,
            is_on_stderr: true,
        }
    }

    /// Creates the sinks of the settings. If there is no sink, `in_foreground` keeps the log on standard
    /// error. Nothing is opened before the first line.
    pub(super) fn new(settings: &LogSettings, in_foreground: bool) -> Self {
        let file = |path: &PathBuf| LogFile::new(path.clone(), settings.owner);
        let is_twice = settings.debugfile == settings.logfile;
        let logfile = settings.logfile.as_ref().filter(|_| !is_twice).map(file);
        let debugfile = settings.debugfile.as_ref().map(file);
        let syslog = settings.facility.as_deref().and_then(Syslog::of_facility);
        let has_sink = logfile.is_some() || debugfile.is_some() || syslog.is_some();
        let is_on_stderr = in_foreground && !has_sink;
        let mut format = Self::stderr(&settings.node).format;
        format.is_syslog = settings.syslog_format;
        Self { format, logfile, debugfile, syslog, is_on_stderr }
    }

    /// Writes a line that a process logged at that moment, after any reports about the files themselves:
    /// that they were rotated, or cannot be opened.
    pub(super) fn write(&mut self, line: &Line, at: &Zoned, pid: u32) {
        self.format.pid = pid;
        for line in self.tend_files() {
            self.put(&line, at);
        }
        self.put(line, at);
    }

    /// Reopens the files.
    pub(super) fn reopen(&mut self) {
        self.files().for_each(LogFile::close);
        let at = Zoned::now();
        for line in self.tend_files() {
            self.put(&line, &at);
        }
    }

    fn files(&mut self) -> impl Iterator<Item = &mut LogFile> {
        [&mut self.logfile, &mut self.debugfile].into_iter().flatten()
    }

    fn tend_files(&mut self) -> Vec<Line> {
        let now = Duration::from_nanos(systole_sys::clock::boot_time());
        let told = self.files().filter_map(|file| match file.tend(now) {
            Ok(false) => None,
            Ok(true) => {
                let text = format!("log-rotate detected on logfile {}", file.path().display());
                Some(Line::new(Level::Info, text))
            }
            Err(error) => {
                let text = format!("Cannot open logfile {}: {error}", file.path().display());
                Some(Line::new(Level::Error, text))
            }
        });
        told.collect()
    }

    fn put(&mut self, line: &Line, at: &Zoned) {
        let text = clean(&line.text);
        if let Some(file) = self.logfile.as_mut().filter(|_| line.level != Level::Debug) {
            file.write(&self.format.for_logfile(line, &text, at));
        }
        if let Some(file) = &mut self.debugfile {
            file.write(&self.format.for_debugfile(line, &text, at));
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.send(line.level, &self.format.for_syslog(line, &text), at);
        }
        if self.is_on_stderr {
            // If standard error is closed, there is nowhere left to report it.
            let _ =
                std::io::stderr().write_all(self.format.for_logfile(line, &text, at).as_bytes());
        }
    }
}
