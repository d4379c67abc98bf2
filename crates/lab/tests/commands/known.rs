//! The intended differences, each with its reason. `docs/differences.md` tells them to people.

use crate::compare::Seen;
use crate::table::State;

/// A difference.
pub(crate) struct Known {
    /// The beginning of the command.
    command: &'static str,
    /// The states in which it differs; everywhere if empty.
    states: &'static [State],
    /// Words of `docs/differences.md` that tell the difference.
    pub(crate) told: &'static str,
}

impl Known {
    /// Returns whether a difference of this command is meant.
    pub(crate) fn is_about(&self, seen: &Seen) -> bool {
        let is_there = self.states.is_empty() || self.states.contains(&seen.state);
        is_there && seen.command.starts_with(self.command)
    }
}

/// The version is not the only difference that these commands could have: the rest of what they print is
/// compared by `listnodes`.
const VERSION: &str = "`cl_status hbstatus -v` prints the version of heartbeat and of Systole.";
const NOISE: &str = "The lookup failure is one line.";
const ADMINISTRATION: &str = "They are refused";

const fn known(command: &'static str, told: &'static str) -> Known {
    Known { command, states: &[], told }
}

/// All intended differences.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        command: "cl_status hbstatus -v",
        states: &[State::Up, State::Holding, State::Alone],
        told: VERSION,
    },
    known("cl_status hbstatus -m -v", VERSION),
    known("cl_status clientstatus web2", "Only clients of this node are known."),
    known("su nobody", "For root and the group `haclient`."),
    known("ResourceManager status nosuchagent", NOISE),
    known("ResourceManager status ''", NOISE),
    known("req_resource", "`req_resource` does nothing"),
    known("hb_standby ''", NOISE),
    known("timeout 2 hb_", "Without a daemon they exit with 3."),
    Known {
        command: "ResourceManager takegroup agent::C",
        states: &[State::Stopped],
        told: "Without a daemon they are refused.",
    },
    Known {
        command: "/usr/libexec/heartbeat/heartbeat -s",
        states: &[State::Stopped],
        told: "The pid file and the control socket are removed; `-s` exits with 3.",
    },
    known("hb_setweight web2", ADMINISTRATION),
    known("hb_setsite web2", ADMINISTRATION),
    known("hb_delnode nosuch", ADMINISTRATION),
    Known {
        command: "ResourceManager status 192.168.122.101",
        states: &[State::Holding, State::Alone],
        told: "The kernel is asked for an address",
    },
];

/// Returns why a command may answer differently.
pub(crate) fn reason(seen: &Seen) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.is_about(seen)).map(|known| known.told)
}
