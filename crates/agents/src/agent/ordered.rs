//! The order of a machine's shutdown: systemd units that groups of this node run must stop after the
//! daemon.
//!
//! A shutdown asks every unit to stop at once, and only units with an order wait. Without an order, a
//! service that a group runs is stopped while the executor still stops what needs that service. So each
//! such unit is ordered to start before the daemon's unit, which at a stop means the reverse, by a drop-in
//! below `/run`, as Pacemaker does it (`50-pacemaker.conf`).
//!
//! The same order would make the executor's own stop of the unit wait for the end of the daemon's unit. So
//! before a stop while the daemon's unit is ending, the drop-in is removed. A stop that already waits is
//! then free to run.
//!
//! ```text
//!   shutdown ─▶ stop heartbeat.service   stop web.service (waits for it)
//!                 └ group: stop web ── drop-in away, daemon-reload ─▶ web.service stops
//! ```
//!
//! A unit that an administrator ordered after the daemon's unit (`After=heartbeat.service`) gets no
//! drop-in: it would have to wait for the daemon's unit at a start and at a stop, and systemd breaks such a
//! cycle by leaving one of the two out.
//!
//! A drop-in takes effect when systemd has read all its unit files again, which takes a good part of a
//! second. So `heartbeat --role units` writes all drop-ins before the daemon starts, and the start of a
//! unit finds its own in place.

mod systemctl;

pub(crate) use systemctl::Systemctl;

use crate::lookup::{Directories, Located};
use crate::protocol::Action;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file name of the drop-in in the directory `<unit>.d`.
pub const FILE: &str = "50-heartbeat.conf";
/// The contents of the drop-in.
pub const TEXT: &str = "\
# A group of heartbeat runs this unit: at a shutdown it is stopped by heartbeat, not beside it.
[Unit]
Before=heartbeat.service
";

/// The name of the daemon's own unit.
const OURS: &str = "heartbeat.service";

/// Returns the unit that systemd has for a resource. It has one for every script in `/etc/init.d`, made by
/// its generator where no package provides one, and on Debian such a script calls systemctl itself
/// (`/lib/lsb/init-functions.d/40-systemd`).
#[must_use]
pub fn unit(located: &Located, directories: &Directories) -> Option<String> {
    match located {
        Located::Unit { name } => Some(name.clone()),
        Located::Script { path } if path.parent() == Some(&directories.init) => {
            let name = path.file_name()?.to_str()?;
            let name = name.strip_suffix(".sh").unwrap_or(name);
            Some(format!("{name}.service"))
        }
        Located::Script { .. } | Located::Ocf { .. } => None,
    }
}

/// Returns the directory of a unit's drop-in.
#[must_use]
pub fn folder(unit: &str, directories: &Directories) -> PathBuf {
    directories.runtime_units.join(format!("{unit}.d"))
}

/// Prepares the call of an agent of `unit`. May take seconds, so call it where that does no harm.
///
/// # Errors
///
/// When systemctl cannot be started or does not answer in time, and before a stop also when the drop-in
/// cannot be removed, because the stop would wait for the daemon's unit. A drop-in that cannot be written
/// does not prevent a start.
pub(super) fn prepare(
    unit: &str,
    action: Action,
    directories: &Directories,
    systemctl: &mut Systemctl<'_>,
) -> io::Result<()> {
    let folder = folder(unit, directories);
    let file = folder.join(FILE);
    if !directories.runtime_units.is_dir() {
        return Ok(());
    }
    match action {
        Action::Start if !file.exists() => {
            let ours = systemctl.property(OURS, "ActiveState")?;
            let after = systemctl.property(unit, "After")?;
            let is_behind = after.split_whitespace().any(|name| name == OURS);
            let is_up = matches!(ours.trim(), "active" | "activating" | "reloading");
            if is_up && !is_behind && write(&folder, &file).is_ok() {
                systemctl.run(&["daemon-reload"])?;
            }
        }
        Action::Stop if file.exists() => {
            if systemctl.property(OURS, "ActiveState")?.trim() == "deactivating" {
                fs::remove_file(&file)?;
                systemctl.run(&["daemon-reload"])?;
            }
        }
        Action::Start | Action::Stop | Action::Status | Action::Monitor => {}
    }
    Ok(())
}

fn write(folder: &Path, file: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(file, TEXT).inspect_err(|_| {
        // A partial file orders nothing, and would be taken for a complete one.
        let _ = fs::remove_file(file);
    })
}

#[cfg(test)]
mod tests {
    use crate::agent::Agent;
    use crate::lookup::Directories;
    use crate::protocol::{Action, Configuration};
    use crate::tests::{Scratch, write_script};
    use std::fs;
    use std::process::Command;

    /// Calls the agent `web` for real, with a systemctl that records its calls and says that the daemon's
    /// unit is `state`. Returns the calls of systemctl in their order.
    fn asked(directories: &Directories, action: Action, state: &str) -> Vec<String> {
        let log = directories.systemctl.with_extension("log");
        let _ = fs::remove_file(&log);
        // A second word names the unit that the unit is ordered after.
        let (state, after) = state.split_once(' ').unwrap_or((state, "basic.target"));
        let answer =
            format!("case $2 in *=After) echo a.service {after} ;; *) echo {state} ;; esac");
        let body = format!("echo \"$@\" >>'{}'\n{answer}", log.display());
        write_script(&directories.systemctl, &body);
        let agent = Agent::find("web", &[], directories).unwrap().unwrap();
        let call = agent.invocation(action, directories, &Configuration::default(), &[]).unwrap();
        agent.prepare(action, directories, None).unwrap();
        assert!(Command::new(&call.program).args(&call.arguments).status().unwrap().success());
        let told = fs::read_to_string(&log).unwrap_or_default();
        told.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    fn unit() -> (Scratch, Directories) {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        fs::write(directories.units[0].join("web.service"), "").unwrap();
        (scratch, directories)
    }

    #[test]
    fn unit_started_twice_gets_its_drop_in_once() {
        let (_scratch, directories) = unit();
        let file = super::folder("web.service", &directories).join(super::FILE);
        assert_eq!(
            asked(&directories, Action::Start, "active"),
            ["show", "show", "daemon-reload", "start"]
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), super::TEXT);
        assert_eq!(asked(&directories, Action::Start, "active"), ["start"]);
        assert_eq!(asked(&directories, Action::Stop, "active"), ["show", "stop"]);
        assert!(file.exists(), "a stop alone keeps it for the next start");
    }

    #[test]
    fn unit_stopped_or_started_while_daemon_unit_ends_has_no_drop_in() {
        let (_scratch, directories) = unit();
        let file = super::folder("web.service", &directories).join(super::FILE);
        asked(&directories, Action::Start, "activating");
        let stop = asked(&directories, Action::Stop, "deactivating");
        assert_eq!(stop, ["show", "daemon-reload", "stop"]);
        assert!(!file.exists());
        // A daemon that is deactivating starts nothing; one that systemd does not know orders nothing; and
        // a unit that an administrator ordered after the daemon's unit would make a cycle.
        for state in ["deactivating", "inactive", "active heartbeat.service"] {
            assert_eq!(asked(&directories, Action::Start, state), ["show", "show", "start"]);
            assert!(!file.exists(), "{state}");
        }
    }

    #[test]
    fn unit_start_and_stop_invoke_systemctl_directly() {
        let (_scratch, directories) = unit();
        let agent = Agent::find("web", &[], &directories).unwrap().unwrap();
        for (action, verb) in [(Action::Start, "start"), (Action::Stop, "stop")] {
            let configuration = Configuration::default();
            let call = agent.invocation(action, &directories, &configuration, &[]).unwrap();
            assert_eq!(call.program, directories.systemctl);
            assert_eq!(call.arguments, [verb, "web.service"]);
        }
    }

    #[test]
    fn unit_stop_whose_drop_in_cannot_be_removed_fails_to_prepare() {
        let (_scratch, directories) = unit();
        asked(&directories, Action::Start, "active");
        // This simulates a file system that has become read-only.
        let file = super::folder("web.service", &directories).join(super::FILE);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        write_script(&directories.systemctl, "echo deactivating");
        let agent = Agent::find("web", &[], &directories).unwrap().unwrap();
        assert!(agent.prepare(Action::Stop, &directories, None).is_err());
    }

    #[test]
    fn unit_start_without_systemd_only_calls_the_agent() {
        let (_scratch, directories) = unit();
        fs::remove_dir(&directories.runtime_units).unwrap();
        assert_eq!(asked(&directories, Action::Start, "active"), ["start"]);
        assert!(!directories.runtime_units.exists());
    }

    #[test]
    fn init_script_is_ordered_as_its_unit_and_resource_script_is_not() {
        let (_scratch, directories) = unit();
        write_script(&directories.init.join("web"), "exit 0");
        let file = super::folder("web.service", &directories).join(super::FILE);
        assert_eq!(asked(&directories, Action::Start, "active"), ["show", "show", "daemon-reload"]);
        assert!(file.exists());
        write_script(&directories.resource().join("web"), "exit 0");
        assert!(asked(&directories, Action::Stop, "deactivating").is_empty());
        assert!(file.exists(), "a script of resource.d has no unit");
    }
}
