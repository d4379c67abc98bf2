//! Asks whether a resource runs, without an executor: the ownership test of heartbeat's scripts.
//!
//! Only for commands that end soon. Nothing is started, stopped or recorded.

use crate::agent::Agent;
use crate::answer;
use crate::lookup::Directories;
use crate::protocol::{Action, Configuration, Outcome};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};
use systole_core::{AddressSpec, Resource, ResourceKind};
use systole_sys::address::{Addresses, Wanted};
use systole_sys::process::Spawn;

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
    let answer = answer::hear(spawn.start()?, Instant::now() + LIMIT, &|| true)?;
    // Without a reader, what it says is lost.
    let _ = io::stderr().write_all(&answer.stderr);
    let is_running = agent.judge(Action::Status, answer.exit, &answer.stdout) == Outcome::Running;
    Ok(if is_running { Ownership::Owned } else { Ownership::NotOwned })
}

fn address(spec: &AddressSpec) -> io::Result<Ownership> {
    let AddressSpec { address, prefix, interface, broadcast } = spec.clone();
    let found = Addresses::open()?.find(&[Wanted { address, prefix, interface, broadcast }])?;
    Ok(if found.contains(&true) { Ownership::Owned } else { Ownership::NotOwned })
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
}
