//! Calls of systemctl other than those of an agent.

use crate::answer;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use systole_sys::process::{Limits, Spawn};

/// Time limit for all calls for one agent. The executor waits slightly longer for the agent's start
/// (`BEGIN_LIMIT`).
const LIMIT: Duration = Duration::from_secs(8);

/// The calls of systemctl that precede one agent.
#[derive(Debug)]
pub(crate) struct Systemctl<'a> {
    program: &'a Path,
    limits: Option<&'a Limits>,
    end_at: Instant,
}

impl<'a> Systemctl<'a> {
    /// Creates it from the program and the resource limits for the program.
    pub(crate) fn new(program: &'a Path, limits: Option<&'a Limits>) -> Self {
        Self { program, limits, end_at: Instant::now() + LIMIT }
    }

    /// Returns a property of a unit.
    pub(crate) fn property(&mut self, unit: &str, property: &str) -> io::Result<String> {
        self.run(&["show", &format!("--property={property}"), "--value", unit])
    }

    /// Returns properties of a unit, as lines `Name=value`.
    pub(crate) fn properties(&mut self, unit: &str, names: &str) -> io::Result<String> {
        self.run(&["show", &format!("--property={names}"), unit])
    }

    /// Calls systemctl and returns its output, which is empty if there is no systemctl. The exit code does
    /// not matter.
    pub(super) fn run(&mut self, words: &[&str]) -> io::Result<String> {
        let mut spawn = Spawn::new(self.program);
        spawn.arguments = words.iter().map(Into::into).collect();
        spawn.limits = self.limits;
        let child = match spawn.start() {
            Err(error) if is_missing(&error) => return Ok(String::new()),
            child => child?,
        };
        let heard = answer::hear(child, self.end_at, &|| true);
        heard.map(|answer| answer.text()).map_err(|error| {
            let program = self.program.display();
            io::Error::new(error.kind(), format!("{program} {}: {error}", words.join(" ")))
        })
    }
}

/// Whether there is no such program to call.
fn is_missing(error: &io::Error) -> bool {
    let faults = [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::NOTDIR];
    Errno::from_io_error(error).is_some_and(|errno| faults.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::write_script;

    #[test]
    fn systemctl_answer_is_its_output_and_empty_without_the_program() {
        let scratch = tempfile::tempdir().unwrap();
        let program = scratch.path().join("systemctl");
        let mut systemctl = Systemctl::new(&program, None);
        assert_eq!(systemctl.run(&["daemon-reload"]).unwrap(), "");
        write_script(&program, "echo $#: $3 of $4; echo trouble >&2; exit 1");
        let told = systemctl.property("web.service", "After").unwrap();
        assert_eq!(told, "4: --value of web.service\n");
    }

    #[test]
    fn systemctl_without_an_answer_times_out_and_is_killed() {
        let scratch = tempfile::tempdir().unwrap();
        let program = scratch.path().join("systemctl");
        write_script(
            &program,
            &format!("echo $$ >{}; exec sleep 600", scratch.path().join("pid").display()),
        );
        let end_at = Instant::now() + Duration::from_millis(500);
        let mut systemctl = Systemctl { end_at, ..Systemctl::new(&program, None) };
        let error = systemctl.run(&["show"]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let pid = std::fs::read_to_string(scratch.path().join("pid")).unwrap_or_default();
        // On a slow machine it was killed before it wrote its process number.
        let id = pid.trim().parse().ok().and_then(systole_sys::process::ProcessId::of);
        assert!(id.is_none_or(|id| !id.is_running()));
    }
}
