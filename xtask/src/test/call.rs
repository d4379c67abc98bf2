//! Calls of cargo.

use crate::{complain, tree};
use std::process::Command;

/// A call of cargo.
#[derive(Debug)]
pub(super) struct Call {
    arguments: Vec<String>,
    environment: Option<(&'static str, &'static str)>,
}

impl Call {
    /// Makes a call of `cargo` with these arguments.
    pub(super) fn cargo<T: AsRef<str>>(arguments: &[T]) -> Self {
        let arguments = arguments.iter().map(|word| word.as_ref().to_owned()).collect();
        Self { arguments, environment: None }
    }

    /// Adds an environment variable.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment = Some((name, value));
        self
    }

    /// Runs it, and shows its output while it runs.
    pub(super) fn run(&self) -> Result<(), String> {
        complain(&format!("==> {self}"));
        let mut command = Command::new("cargo");
        command.args(&self.arguments).envs(self.environment).current_dir(tree::root());
        let status = command.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
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
    fn failing_call_is_reported_with_its_command() {
        let error = Call::cargo(&["systole-no-such-command"]).run().unwrap_err();
        assert!(error.starts_with("cargo systole-no-such-command failed: "), "{error}");
    }
}
