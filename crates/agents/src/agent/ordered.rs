//! The order of a machine's shutdown: units of systemd that our groups run stop after us.
//!
//! A shutdown asks every unit to stop at once, and only what is ordered waits. Without an order a
//! service that a group runs is stopped while we still stop what needs it. So each such unit is
//! told to start before ours, which at a stop is the other way round, by a drop-in below
//! `/run`, as Pacemaker does it (`50-pacemaker.conf`).
//!
//! The same order would let our own stop of the unit wait for our end. So before a stop while our
//! unit ends, the drop-in goes again. What waits already is then free to run.
//!
//! ```text
//!   shutdown ─▶ stop heartbeat.service   stop web.service (waits for it)
//!                 └ group: stop web ── drop-in away, daemon-reload ─▶ web.service stops
//! ```
//!
//! A unit that somebody ordered behind ours (`After=heartbeat.service`) gets none: it would have to
//! wait for us at a start and at a stop, and systemd breaks such a circle by leaving one of the two out.
//!
//! A drop-in counts when systemd has read all its unit files again, which takes a good part of a
//! second. So `heartbeat --role units` writes all of them before the daemon starts, and the start
//! of a unit finds its own in place.

use crate::lookup::{Directories, Located};
use std::path::{Path, PathBuf};

/// The name of the drop-in in the folder `<unit>.d`.
pub const FILE: &str = "50-heartbeat.conf";
/// What stands in it.
pub const TEXT: &str = "\
# A group of heartbeat runs this unit: at a shutdown it is stopped by heartbeat, not beside it.
[Unit]
Before=heartbeat.service
";

/// Runs before an agent (`$@` from the third word on) of the unit whose folder is `$0`; `$1` is systemctl, and `$2` the
/// action. Where systemd does not run us, nothing is to be done. A drop-in that cannot be
/// written is no reason not to start.
const SCRIPT: &str = "\
systemctl=$1 action=$2
shift 2
unit=${0##*/}
ours() { \"$systemctl\" show --property=ActiveState --value heartbeat.service; }
after() { \"$systemctl\" show --property=After --value \"${unit%.d}\"; }
if [ -d \"${0%/*}\" ]; then
    if [ $action = start ] && [ ! -e \"$0/50-heartbeat.conf\" ]; then
        case \"$(ours) $(after) \" in
        *' heartbeat.service '*) ;;
        active* | activating* | reloading*)
            mkdir -p \"$0\" && printf '%s' \"$TEXT\" >\"$0/50-heartbeat.conf\" && \"$systemctl\" daemon-reload
            ;;
        esac
    elif [ $action = stop ] && [ -e \"$0/50-heartbeat.conf\" ]; then
        case $(ours) in
        deactivating) rm -f \"$0/50-heartbeat.conf\" && \"$systemctl\" daemon-reload ;;
        esac
    fi
fi
exec \"$@\"
";

/// The unit that systemd has for a resource. It has one for every script in `/etc/init.d`, made
/// by its generator where no package brings one, and on Debian such a script calls systemctl
/// itself (`/lib/lsb/init-functions.d/40-systemd`).
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

/// Where the drop-in of a unit lies.
#[must_use]
pub fn folder(unit: &str, directories: &Directories) -> PathBuf {
    directories.runtime_units.join(format!("{unit}.d"))
}

/// The call that does what is needed before, and then becomes the agent.
pub(super) fn call(
    unit: &str,
    verb: &str,
    directories: &Directories,
    (program, arguments): (PathBuf, Vec<String>),
) -> (PathBuf, Vec<String>) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let script = SCRIPT.replace("\"$TEXT\"", &format!("'{TEXT}'"));
    let mut words = vec!["-c".to_owned(), script, text(&folder(unit, directories))];
    words.extend([text(&directories.systemctl), verb.to_owned(), text(&program)]);
    words.extend(arguments);
    ("/bin/sh".into(), words)
}

#[cfg(test)]
mod tests {
    use crate::agent::Agent;
    use crate::lookup::Directories;
    use crate::protocol::{Action, Configuration};
    use crate::tests::{Scratch, write_script};
    use std::fs;
    use std::process::Command;

    /// Calls the agent `web` for real, with a systemctl that writes down what it is asked and says
    /// that our unit is `state`; tells what systemctl was asked, in its order.
    fn asked(directories: &Directories, action: Action, state: &str) -> Vec<String> {
        let log = directories.systemctl.with_extension("log");
        let _ = fs::remove_file(&log);
        // A second word is what the unit stands behind.
        let (state, after) = state.split_once(' ').unwrap_or((state, "basic.target"));
        let answer =
            format!("case $2 in *=After) echo a.service {after} ;; *) echo {state} ;; esac");
        let body = format!("echo \"$@\" >>'{}'\n{answer}", log.display());
        write_script(&directories.systemctl, &body);
        let agent = Agent::find("web", &[], directories).unwrap().unwrap();
        let call = agent.invocation(action, directories, &Configuration::default(), &[]).unwrap();
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
    fn a_start_orders_the_unit_once() {
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
    fn a_stop_while_our_unit_ends_waits_for_nobody() {
        let (_scratch, directories) = unit();
        let file = super::folder("web.service", &directories).join(super::FILE);
        asked(&directories, Action::Start, "activating");
        let stop = asked(&directories, Action::Stop, "deactivating");
        assert_eq!(stop, ["show", "daemon-reload", "stop"]);
        assert!(!file.exists());
        // Such a daemon starts nothing any more; one that systemd does not know orders nothing; and
        // a unit that somebody ordered behind ours would make a circle.
        for state in ["deactivating", "inactive", "active heartbeat.service"] {
            assert_eq!(asked(&directories, Action::Start, state), ["show", "show", "start"]);
            assert!(!file.exists(), "{state}");
        }
    }

    #[test]
    fn without_systemd_the_agent_is_called_and_nothing_else() {
        let (_scratch, directories) = unit();
        fs::remove_dir(&directories.runtime_units).unwrap();
        assert_eq!(asked(&directories, Action::Start, "active"), ["start"]);
        assert!(!directories.runtime_units.exists());
    }

    #[test]
    fn a_script_of_init_d_stands_for_its_unit() {
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
