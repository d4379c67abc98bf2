//! The formats of a line.
//!
//! ```text
//! Nov 22 10:52:21 web2 heartbeat: [12]: WARN: node web1: is dead           syslogmsgfmt true
//! heartbeat[12]: 2026/11/22_10:52:21 WARN: node web1: is dead              syslogmsgfmt false
//! 2026/11/22_10:53:31<TAB> ResourceManager(default)[110]:    info: …       a script, in the log file
//! ResourceManager(default)[110]:<TAB>2026/11/22_10:53:31<TAB>info: …       a script, in the debug file
//! ```

use super::{Line, Source};
use jiff::Zoned;

/// What all lines have in common.
#[derive(Debug, Clone)]
pub(super) struct Format {
    pub(super) node: String,
    pub(super) pid: u32,
    /// `syslogmsgfmt`.
    pub(super) is_syslog: bool,
}

impl Format {
    /// Returns a line of the log file, with its newline.
    pub(super) fn for_logfile(&self, line: &Line, text: &str, now: &Zoned) -> String {
        match self.tag(&line.source) {
            Tag::Program(program) => self.of_program(program, line, text, now),
            Tag::Script(tag) => {
                format!("{}\t {tag}:    {}: {text}\n", script_date(now), line.level.word())
            }
        }
    }

    /// Returns a line of the debug file, with its newline.
    pub(super) fn for_debugfile(&self, line: &Line, text: &str, now: &Zoned) -> String {
        match self.tag(&line.source) {
            Tag::Program(program) => self.of_program(program, line, text, now),
            Tag::Script(tag) => {
                format!("{tag}:\t{}\t{}: {text}\n", script_date(now), line.level.word())
            }
        }
    }

    /// Returns the content of a message to syslog, which adds date and host itself.
    pub(super) fn for_syslog(&self, line: &Line, text: &str) -> String {
        let level = line.level.word();
        match self.tag(&line.source) {
            Tag::Program(program) => format!("{program}: [{}]: {level}: {text}", self.pid),
            Tag::Script(tag) => format!("{tag}: {level}: {text}"),
        }
    }

    fn of_program(&self, program: &str, line: &Line, text: &str, now: &Zoned) -> String {
        let (pid, level) = (self.pid, line.level.word());
        if self.is_syslog {
            let date = now.strftime("%b %d %H:%M:%S");
            format!("{date} {} {program}: [{pid}]: {level}: {text}\n", self.node)
        } else {
            format!("{program}[{pid}]: {} {level}: {text}\n", script_date(now))
        }
    }

    fn tag<'a>(&self, source: &'a Source) -> Tag<'a> {
        match source {
            Source::Daemon => Tag::Program("heartbeat"),
            Source::Ipfail => Tag::Program("ipfail"),
            Source::Script(name) => Tag::Script(format!("{name}(default)[{}]", self.pid)),
            Source::Agent(tag) => Tag::Script(super::clean(tag)),
        }
    }
}

/// The tag of a line. Programs and scripts have their own formats.
enum Tag<'a> {
    Program(&'a str),
    Script(String),
}

/// The date in the format of `HA_DATEFMT`.
fn script_date(now: &Zoned) -> impl std::fmt::Display {
    now.strftime("%Y/%m/%d_%H:%M:%S")
}
