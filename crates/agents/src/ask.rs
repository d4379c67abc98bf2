//! Asks whether a resource runs, without an executor: the ownership test of heartbeat's scripts.
//!
//! Only for commands that end soon. Nothing is started, stopped or recorded.

use crate::agent::Agent;
use crate::lookup::Directories;
use crate::protocol::{Action, Configuration, Outcome};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};
use systole_core::{AddressSpec, Resource, ResourceKind};
use systole_sys::address::{Addresses, Wanted};
use systole_sys::process::{Exit, Spawn};
use systole_sys::signals::Signal;

/// Maximum number of bytes of an agent's answer that are read.
const ANSWER_MAX: usize = 64 << 10;
/// Longest time that an agent may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Whether a resource runs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// It runs.
    Owned,
    /// It does not run, or its agent does not say that it does.
    NotOwned,
    /// There is no agent of this name.
    NoAgent,
}

/// Asks the agent of a resource, or the kernel if it is an address. What the agent writes to its standard
/// error goes to that of this process.
///
/// # Errors
///
/// When the agent cannot be run, or has not answered after a minute; then it was killed.
pub fn ownership(
    resource: &Resource,
    directories: &Directories,
    configuration: &Configuration,
) -> io::Result<Ownership> {
    let (name, arguments) = match &resource.kind {
        ResourceKind::Address(spec) => return address(spec),
        ResourceKind::Agent { name, arguments } => (name, arguments),
    };
    let Some(agent) = Agent::find(name, arguments, directories)? else {
        return Ok(Ownership::NoAgent);
    };
    let call = agent.invocation(Action::Status, directories, configuration, &[])?;
    let mut spawn = Spawn::new(call.program);
    spawn.arguments = call.arguments.into_iter().map(Into::into).collect();
    spawn.environment = call.environment;
    let (exit, answer) = run(&spawn, LIMIT)?;
    let is_running = agent.judge(Action::Status, exit, &answer) == Outcome::Running;
    Ok(if is_running { Ownership::Owned } else { Ownership::NotOwned })
}

fn address(spec: &AddressSpec) -> io::Result<Ownership> {
    let AddressSpec { address, prefix, interface, broadcast } = spec.clone();
    let found = Addresses::open()?.find(&[Wanted { address, prefix, interface, broadcast }])?;
    Ok(if found.contains(&true) { Ownership::Owned } else { Ownership::NotOwned })
}

/// Runs a program to its end, and returns its standard output.
fn run(spawn: &Spawn<'_>, limit: Duration) -> io::Result<(Exit, Vec<u8>)> {
    let mut child = spawn.start()?;
    let (stdout, stderr) = (child.take_stdout(), child.take_stderr());
    let mut pipes = [stdout, stderr].map(|pipe| pipe.map(File::from));
    let mut answer = Vec::new();
    let end = Instant::now() + limit;
    loop {
        // The exit is checked first: then everything that was written before it is in the pipes.
        let exit = child.exit()?;
        for (place, pipe) in pipes.iter_mut().enumerate() {
            let read = pipe.as_mut().map(drain).transpose()?;
            let Some((bytes, is_open)) = read else { continue };
            if place == 0 {
                let room = ANSWER_MAX.saturating_sub(answer.len()).min(bytes.len());
                answer.extend_from_slice(&bytes[..room]);
            } else {
                let _ = io::stderr().write_all(&bytes);
            }
            if !is_open {
                *pipe = None;
            }
        }
        if let Some(exit) = exit {
            return Ok((exit, answer));
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let _ = child.kill_group(Signal::Kill);
            return Err(io::ErrorKind::TimedOut.into());
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let open = pipes.iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let mut fds: Vec<_> =
            open.chain([PollFd::from_borrowed_fd(child.as_fd(), PollFlags::IN)]).collect();
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads what a pipe contains, and returns whether more may come.
fn drain(pipe: &mut File) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = vec![0; 4096];
    match pipe.read(&mut bytes) {
        Ok(length) => {
            bytes.truncate(length);
            Ok((bytes, length > 0))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok((Vec::new(), true)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Scratch, write_script};

    fn ask(scratch: &Scratch, name: &str) -> Ownership {
        let kind = ResourceKind::Agent { name: name.to_owned(), arguments: vec!["A".to_owned()] };
        let resource = Resource { word: format!("{name}::A"), kind };
        ownership(&resource, &scratch.directories(), &Configuration::default()).unwrap()
    }

    #[test]
    fn ownership_is_read_from_standard_output_of_script() {
        let scratch = Scratch::new();
        let script = |name: &str, body: &str| {
            write_script(&scratch.directories().resource().join(name), body);
            ask(&scratch, name)
        };
        assert_eq!(
            script("up", "[ \"$*\" = 'A status' ] && echo running; exit 3"),
            Ownership::Owned
        );
        assert_eq!(script("down", "echo running >&2; exit 0"), Ownership::NotOwned);
        assert_eq!(script("denied", "echo it is not running"), Ownership::NotOwned);
        assert_eq!(ask(&scratch, "absent"), Ownership::NoAgent);
    }

    #[test]
    fn answer_longer_than_a_pipe_is_read_to_its_limit() {
        let mut spawn = Spawn::new("/bin/sh");
        spawn.arguments = vec!["-c".into(), "head -c 200000 /dev/zero; exit 4".into()];
        let (exit, answer) = run(&spawn, LIMIT).unwrap();
        assert_eq!((exit, answer.len()), (Exit::Code(4), ANSWER_MAX));
    }

    #[test]
    fn program_that_does_not_answer_is_killed() {
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arguments = vec!["1000".into()];
        let error = run(&spawn, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
