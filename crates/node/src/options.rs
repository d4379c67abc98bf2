//! The command line of the daemon: the options of heartbeat and its exit codes.

#[cfg(test)]
mod tests;
mod text;

pub use text::{defaults, effective, help, status, version};

use std::ffi::OsString;
use std::path::PathBuf;
use systole_core::GroupSet;
use systole_ipc::paths::Paths;

/// Exit codes of the daemon, the same as heartbeat's.
pub mod exit {
    /// Done, or there was nothing to do.
    pub const OK: u8 = 0;
    /// Refused (`-r` with an invalid configuration, `-R` while a daemon runs), or stopped with a pid file
    /// left behind (`-s`).
    pub const REFUSED: u8 = 1;
    /// The command line is invalid.
    pub const USAGE: u8 = 2;
    /// Stopped (`-s`, as in the LSB).
    pub const STOPPED: u8 = 3;
    /// Permission is missing.
    pub const PERMISSION: u8 = 4;
    /// The configuration has an error.
    pub const CONFIGURATION: u8 = 6;
}

/// The purpose of a call of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Check the configuration and run.
    Start,
    /// `-s`: report whether the daemon runs.
    Status,
    /// `-k`: stop the daemon and wait for its end.
    Kill,
    /// `-r`: have the daemon read its configuration again.
    Reload,
    /// `-R`: take the place of a daemon that executes its successor; `-C` says which resources it holds.
    Restart(Option<GroupSet>),
    /// `-D`: print the directives that have a default; `-DW` prints them for a wiki.
    Defaults {
        /// As a table of a wiki.
        wiki: bool,
    },
    /// `-V`: print the version.
    Version,
    /// `--help`: print the options.
    Help,
    /// Be a helper process of the daemon.
    Role(Role),
}

/// The task of a helper process of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs agents and changes addresses.
    Executor,
    /// Keeps the programs of `respawn` and `failfast` running.
    Clients,
    /// Drives fencing devices.
    Fencer,
    /// Runs event scripts.
    Hooks,
    /// Before the daemon starts: order the units of the groups after the daemon's own unit, for a shutdown.
    Units,
}

impl Role {
    /// Returns the word after `--role`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Executor => "executor",
            Self::Clients => "clients",
            Self::Fencer => "fencer",
            Self::Hooks => "hooks",
            Self::Units => "units",
        }
    }
}

/// The command line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags of a command line")]
pub struct Options {
    /// The action.
    pub action: Action,
    /// `-f`: stay in the foreground.
    pub foreground: bool,
    /// How often `-d` was given; each one raises the level of debug lines.
    pub debug: u8,
    /// `-l`: neither real-time scheduling nor locked memory.
    pub without_realtime: bool,
    /// `-M`: do not manage resources.
    pub without_resources: bool,
    /// `-v`: print the effective configuration before starting.
    pub prints_configuration: bool,
    /// The directory of the three files, if not `/etc/ha.d`. For tests.
    pub configuration_directory: Option<PathBuf>,
    /// The state directory, if not `/var/lib/heartbeat`. For tests.
    pub state_directory: Option<PathBuf>,
    /// The directory of pid file and sockets, if not `/run`. For tests.
    pub run_directory: Option<PathBuf>,
}

impl Options {
    /// Returns the usual paths, except those that the command line names.
    #[must_use]
    pub fn paths(&self) -> Paths {
        let usual = Paths::default();
        Paths {
            configuration: self.configuration_directory.clone().unwrap_or(usual.configuration),
            state: self.state_directory.clone().unwrap_or(usual.state),
            run: self.run_directory.clone().unwrap_or(usual.run),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            action: Action::Start,
            foreground: false,
            debug: 0,
            without_realtime: false,
            without_resources: false,
            prints_configuration: false,
            configuration_directory: None,
            state_directory: None,
            run_directory: None,
        }
    }
}

/// An error in a command line. The daemon prints the error and then [`help`], and exits with
/// [`exit::USAGE`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// There is no such option.
    #[error("invalid option -- '{0}'")]
    Unknown(char),
    /// There is no such long option.
    #[error("unrecognized option '{0}'")]
    UnknownLong(String),
    /// The option needs an argument.
    #[error("option requires an argument -- '{0}'")]
    NoArgument(String),
    /// The argument of the option is invalid.
    #[error("invalid argument '{argument}' of option '{option}'")]
    BadArgument {
        /// The option.
        option: String,
        /// Its argument.
        argument: String,
    },
    /// `-C` without `-R`.
    #[error("-C only valid with -R")]
    ResourcesWithoutRestart,
    /// `-r` with `-R`.
    #[error("-r is mutually exclusive with -R")]
    ReloadWithRestart,
    /// A word that is not an option.
    #[error("unexpected argument '{0}'")]
    Unexpected(String),
}

impl Options {
    /// Parses a command line, without the program's own name.
    ///
    /// # Errors
    ///
    /// When the command line is invalid.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut parser = Parser::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            parser.word(&argument.to_string_lossy(), &mut arguments)?;
        }
        parser.finish()
    }
}

/// The options parsed so far; getopt(3) accepts them in any order.
#[derive(Debug, Default)]
struct Parser {
    options: Options,
    flags: Vec<char>,
    resources: Option<GroupSet>,
    role: Option<Role>,
    wants_help: bool,
}

impl Parser {
    fn word(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), UsageError> {
        if let Some(name) = word.strip_prefix("--") {
            return self.long(name, rest);
        }
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty());
        let Some(letters) = letters else { return Err(UsageError::Unexpected(word.to_owned())) };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'd' => self.options.debug = self.options.debug.saturating_add(1),
                'f' => self.options.foreground = true,
                'l' => self.options.without_realtime = true,
                'M' => self.options.without_resources = true,
                'v' => self.options.prints_configuration = true,
                'D' | 'W' | 'V' | 's' | 'k' | 'r' | 'R' => self.flags.push(letter),
                'C' => {
                    let attached: String = letters.by_ref().collect();
                    let next = || Some(rest.next()?.to_string_lossy().into_owned());
                    let argument = Some(attached).filter(|text| !text.is_empty()).or_else(next);
                    self.resources = Some(hold(argument)?);
                }
                unknown => return Err(UsageError::Unknown(unknown)),
            }
        }
        Ok(())
    }

    fn long(
        &mut self,
        name: &str,
        rest: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), UsageError> {
        let mut argument = || rest.next().ok_or_else(|| UsageError::NoArgument(name.to_owned()));
        match name {
            "help" => self.wants_help = true,
            "version" => self.flags.push('V'),
            "role" => self.role = Some(role(&argument()?.to_string_lossy())?),
            "config-dir" => self.options.configuration_directory = Some(argument()?.into()),
            "state-dir" => self.options.state_directory = Some(argument()?.into()),
            "run-dir" => self.options.run_directory = Some(argument()?.into()),
            unknown => return Err(UsageError::UnknownLong(format!("--{unknown}"))),
        }
        Ok(())
    }

    fn finish(self) -> Result<Options, UsageError> {
        let has = |letter| self.flags.contains(&letter);
        if self.resources.is_some() && !has('R') {
            return Err(UsageError::ResourcesWithoutRestart);
        }
        if has('r') && has('R') {
            return Err(UsageError::ReloadWithRestart);
        }
        let action = if let Some(role) = self.role {
            Action::Role(role)
        } else if self.wants_help {
            Action::Help
        } else if has('V') {
            Action::Version
        } else if has('D') || has('W') {
            Action::Defaults { wiki: has('W') }
        } else if has('s') {
            Action::Status
        } else if has('k') {
            Action::Kill
        } else if has('r') {
            Action::Reload
        } else if has('R') {
            Action::Restart(self.resources)
        } else {
            Action::Start
        };
        Ok(Options { action, ..self.options })
    }
}

fn hold(argument: Option<String>) -> Result<GroupSet, UsageError> {
    let argument = argument.ok_or_else(|| UsageError::NoArgument("C".into()))?;
    let all = [GroupSet::None, GroupSet::Local, GroupSet::Foreign, GroupSet::All];
    let known = all.into_iter().find(|hold| hold.word() == argument);
    known.ok_or_else(|| UsageError::BadArgument { option: "-C".into(), argument })
}

fn role(argument: &str) -> Result<Role, UsageError> {
    let all = [Role::Executor, Role::Clients, Role::Fencer, Role::Hooks, Role::Units];
    let known = all.into_iter().find(|role| role.word() == argument);
    known.ok_or_else(|| UsageError::BadArgument {
        option: "--role".into(),
        argument: argument.to_owned(),
    })
}
