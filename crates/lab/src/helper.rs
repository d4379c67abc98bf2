//! The lab's own programs that run outside or inside the namespaces.
//!
//! They are in one executable: `hb` offers them as a hidden subcommand, and tests use the program
//! `systole-lab-helper`.

mod echo;
mod init;
mod janitor;
mod service;

pub(crate) use echo::PORT as ECHO_PORT;

use crate::LabError;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The name of the program next to a test.
const PROGRAM: &str = "systole-lab-helper";
/// Where every machine of the lab finds the program.
pub(crate) const INSIDE: &str = "/run/systole-lab/helper";

/// The executable that contains the lab's own programs.
#[derive(Debug, Clone)]
pub struct Helper {
    program: PathBuf,
    leading: Vec<String>,
}

impl Helper {
    /// Finds `systole-lab-helper` next to or above the running executable, where cargo puts it.
    ///
    /// # Errors
    ///
    /// [`LabError::HelperMissing`] when it was not built.
    pub fn find() -> Result<Self, LabError> {
        let me = std::env::current_exe().map_err(LabError::io("finding this program"))?;
        let found = me.ancestors().skip(1).take(2).map(|folder| folder.join(PROGRAM));
        match found.into_iter().find(|path| path.is_file()) {
            Some(program) => Ok(Self { program, leading: Vec::new() }),
            None => Err(LabError::HelperMissing { near: me }),
        }
    }

    /// Uses the running executable, which passes the arguments after `subcommand` to [`helper_main`].
    ///
    /// # Errors
    ///
    /// When the system does not report which executable runs.
    pub fn this_program(subcommand: &str) -> Result<Self, LabError> {
        let program = std::env::current_exe().map_err(LabError::io("finding this program"))?;
        Ok(Self { program, leading: vec![subcommand.to_owned()] })
    }

    /// Returns the executable.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the words that run a program inside a machine, for a shell.
    pub(crate) fn shell_words(&self, job: &str) -> String {
        let mut words = vec![INSIDE];
        words.extend(self.leading.iter().map(String::as_str));
        words.push(job);
        words.join(" ")
    }

    /// Returns a command that runs one of the programs on the host.
    pub(crate) fn command(&self, job: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.leading).arg(job);
        command
    }
}

/// Runs one of the lab's own programs; `arguments` begin with its name.
///
/// Only for `hb` and `systole-lab-helper`: the programs expect to be started by the lab.
#[must_use]
pub fn helper_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> =
        arguments.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let result = match words.split_first() {
        Some((job, rest)) if job == "init" => init::run(rest),
        Some((job, rest)) if job == "echo" => echo::run(rest),
        Some((job, rest)) if job == "janitor" => janitor::run(rest),
        Some((job, rest)) if job == "service" => service::run(rest),
        Some(_) | None => Err(io::Error::new(io::ErrorKind::InvalidInput, "no such program")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "lab helper: {error}");
            ExitCode::FAILURE
        }
    }
}
