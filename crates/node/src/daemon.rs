//! The program `heartbeat`: its actions, and the start of the daemon.

mod beating;
pub(crate) mod findings;
pub(crate) mod host_names;
mod inherited;
mod leftover;
pub(crate) mod media;
mod only;
mod parts;
pub(crate) mod pid_file;
mod plan;
pub(crate) mod recalled;
mod retry;
mod start;
mod succession;
mod verbs;
pub(crate) mod wiring;

use crate::options::{Action, Options, Role, defaults, exit, help, version};
use crate::{clients, executor_process, fencing, hooks, units};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use systole_config::default_options;
use systole_ipc::paths::Paths;
use systole_sys::daemonize::Running;

/// Runs the program with its arguments (without its own name), and returns its exit code.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            complain(&format!("heartbeat: {error}\n{}", help()));
            return ExitCode::from(exit::USAGE);
        }
    };
    let paths = options.paths();
    let result = match options.action {
        Action::Version => Ok(answer(&format!("{}\n", version()))),
        Action::Help => Ok(answer(help())),
        Action::Defaults { wiki } => Ok(answer(&defaults(&default_options(), wiki))),
        Action::Role(role) => Ok(play(role, &paths)),
        Action::Status => verbs::tell_status(&paths),
        Action::Kill => verbs::stop(&paths),
        Action::Start => begin(&options, &paths),
        Action::Reload => reload(&options, &paths),
        Action::Restart(_) => succeed(&options, &paths),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&format!("ERROR: {error}\n"));
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::PermissionDenied { exit::PERMISSION } else { exit::REFUSED }
}

fn answer(text: &str) -> u8 {
    print(text);
    exit::OK
}

/// Runs as one of the helper processes.
fn play(role: Role, paths: &Paths) -> u8 {
    let result = match role {
        Role::Executor => {
            executor_process::run(paths).map_err(|error| recalled::with_cause(&error))
        }
        Role::Clients => clients::run().map_err(|error| error.to_string()),
        Role::Fencer => fencing::run().map_err(|error| error.to_string()),
        Role::Hooks => hooks::run(paths).map_err(|error| error.to_string()),
        Role::Units => units::run(paths).map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => exit::OK,
        Err(error) => {
            complain(&format!("heartbeat {}: {error}\n", role.word()));
            exit::REFUSED
        }
    }
}

fn begin(options: &Options, paths: &Paths) -> io::Result<u8> {
    match pid_file::running(paths)? {
        Running::Yes(pid) => return Ok(already_running(pid)),
        Running::Stale(pid) => pid_file::await_end(pid),
        Running::No => {}
    }
    start::start(options, paths, plan::Way::Fresh)
}

fn already_running(pid: i32) -> u8 {
    complain(&format!("info: heartbeat: already running [pid {pid}].\n"));
    exit::OK
}

fn reload(options: &Options, paths: &Paths) -> io::Result<u8> {
    match pid_file::running(paths)? {
        Running::Yes(pid) => Ok(verbs::reload(paths, pid)),
        Running::Stale(_) | Running::No => begin(options, paths),
    }
}

/// `-R`: only a daemon itself can have a successor, by executing the program again in its own process.
fn succeed(options: &Options, paths: &Paths) -> io::Result<u8> {
    if succession::is_successor() || pid_file::names_us(paths)? {
        return start::start(options, paths, plan::Way::Successor);
    }
    match pid_file::running(paths)? {
        Running::Yes(pid) => {
            complain(&format!("ERROR: Heartbeat already running [pid {pid}].\n"));
            Ok(exit::REFUSED)
        }
        Running::Stale(_) | Running::No => {
            complain("ERROR: heartbeat is not running.\n");
            Ok(exit::CONFIGURATION)
        }
    }
}

/// Writes to standard output. If that is closed, the error cannot be reported.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Writes to standard error, as above.
fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
