//! Calls of cargo, alone and beside others.

use crate::{complain, tree};
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The nice value of what runs beside the laboratory.
const NICE: &str = "10";

/// A call of cargo.
#[derive(Debug)]
pub(super) struct Call {
    arguments: Vec<String>,
    environment: Option<(&'static str, &'static str)>,
}

impl Call {
    /// `cargo` and these words.
    pub(super) fn cargo<T: AsRef<str>>(arguments: &[T]) -> Self {
        let arguments = arguments.iter().map(|word| word.as_ref().to_owned()).collect();
        Self { arguments, environment: None }
    }

    /// With one more variable.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment = Some((name, value));
        self
    }

    /// With two more words, of which the second is a path.
    pub(super) fn file(mut self, option: &str, path: &Path) -> Self {
        self.arguments.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
        self
    }

    /// Runs it, and shows what it says as it does.
    pub(super) fn run(&self) -> Result<(), String> {
        complain(&format!("==> {self}"));
        let status = self.command("cargo").status();
        self.judge(status.map_err(|error| format!("cargo cannot be run: {error}"))?)
    }

    /// Runs it, and puts what it prints into a file.
    pub(super) fn write_to(&self, path: &Path) -> Result<(), String> {
        complain(&format!("==> {self}"));
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let status = self.command("cargo").stdout(file).status();
        self.judge(status.map_err(|error| format!("cargo cannot be run: {error}"))?)
    }

    /// Runs it with what processor time is left over, and shows what it said when it has ended.
    pub(super) fn run_aside(&self) -> Result<(), String> {
        let mut command = self.command("nice");
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("nice cannot be run: {error}"))?;
        let text = [output.stdout, output.stderr].concat();
        complain(&format!("==> {self}\n{}", String::from_utf8_lossy(&text)));
        self.judge(output.status)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if program == "nice" {
            command.args(["-n", NICE, "cargo"]);
        }
        command.args(&self.arguments).envs(self.environment).current_dir(tree::root());
        command
    }

    fn judge(&self, status: ExitStatus) -> Result<(), String> {
        if status.success() { Ok(()) } else { Err(format!("{self} failed: {status}")) }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "cargo {}", self.arguments.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_fails_is_named() {
        let call = Call::cargo(&["systole-no-such-command"]);
        for result in [call.run(), call.run_aside()] {
            let error = result.unwrap_err();
            assert!(error.starts_with("cargo systole-no-such-command failed: "), "{error}");
        }
    }

    #[test]
    fn what_a_call_prints_is_written() {
        let path = std::env::temp_dir().join(format!("systole-xtask-{}", std::process::id()));
        Call::cargo(&["--version"]).write_to(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("cargo "));
        std::fs::remove_file(&path).unwrap();
    }
}
