//! Runs the few programs of the system that the lab needs, by name.

use crate::LabError;
use std::io::{ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

/// The Debian package of each program that the lab calls.
const PACKAGES: [(&str, &str); 10] = [
    ("unshare", "util-linux"),
    ("flock", "util-linux"),
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("cp", "coreutils"),
    ("sh", "dash"),
];

/// Runs a program to its end and treats every exit code except 0 as an error.
///
/// # Errors
///
/// When the program is missing, or fails; with its own message.
pub(crate) fn succeed(program: &str, arguments: &[&str]) -> Result<Output, LabError> {
    feed(program, arguments, "")
}

/// The same as [`succeed`], with a text for its standard input.
///
/// # Errors
///
/// As [`succeed`].
pub(crate) fn feed(program: &str, arguments: &[&str], input: &str) -> Result<Output, LabError> {
    let mut child = command(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| spawn_failed(program, error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading its input gives the reason in its exit code.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output =
        child.wait_with_output().map_err(LabError::io(format!("waiting for {program}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let mut text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if text.is_empty() {
        text = output.status.to_string();
    }
    Err(LabError::ToolFailed {
        command: format!("{program} {}", arguments.join(" ")),
        output: text,
    })
}

/// Makes a command in its own process group, so that Ctrl-C at the terminal only reaches the lab, and the
/// other processes end in the lab's order.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.process_group(0);
    command
}

/// Returns the error for a program that could not be started.
pub(crate) fn spawn_failed(program: &str, error: std::io::Error) -> LabError {
    if error.kind() != ErrorKind::NotFound {
        return LabError::Io { what: format!("starting {program}"), source: error };
    }
    let known = PACKAGES.iter().find(|(tool, _)| *tool == program);
    let package = known.map_or("that provides it", |(_, package)| package);
    LabError::ToolMissing { tool: program.to_owned(), package }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_is_reported_as_missing_tool() {
        let error = succeed("systole-no-such-program", &[]).unwrap_err();
        assert!(matches!(error, LabError::ToolMissing { .. }), "{error}");
    }

    #[test]
    fn failing_program_error_contains_its_output() {
        let error = succeed("sh", &["-c", "echo no luck >&2; exit 3"]).unwrap_err();
        assert!(error.to_string().contains("no luck"), "{error}");
    }
}
