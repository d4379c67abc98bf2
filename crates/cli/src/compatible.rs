//! Heartbeat's commands under the names that scripts and users know: `hb_standby`, `hb_takeover`.
//!
//! The binary is `hb`; called by one of these names, it behaves as that command does. These commands give
//! their order without waiting for its end, and their exit status does not report the result.

use crate::arguments::Set;
use crate::order::{ask_daemon_within, refuse};
use crate::{complain_plainly, exit, print};
use clap::ValueEnum as _;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;
use systole_core::GroupSet;
use systole_ipc::client::Patience;
use systole_ipc::protocol::{Request, Response};

/// How long to wait for a refusal. A daemon that refuses at once does so in milliseconds.
const LOOK: Duration = Duration::from_secs(1);
/// The exit status of heartbeat's command when its arguments are invalid.
const WRONG_ARGUMENTS: u8 = 1;

/// A command of heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Hand groups over to the other node.
    Standby,
    /// Take groups over from the other node.
    Takeover,
}

impl Command {
    /// Returns the command whose name the program was called by, if it is one of heartbeat's.
    pub(crate) fn of(program: &OsStr) -> Option<Self> {
        match Path::new(program).file_name()?.to_str()? {
            "hb_standby" => Some(Self::Standby),
            "hb_takeover" => Some(Self::Takeover),
            _ => None,
        }
    }

    /// Runs the command, and returns its exit status.
    pub(crate) fn run(self, program: &OsStr, arguments: &[OsString], run: &Path) -> u8 {
        let set = match set_of(arguments) {
            Ok(set) => set,
            Err(word) => return misused(&program.to_string_lossy(), word.as_deref()),
        };
        let request = match self {
            Self::Standby => {
                let set = set.hold(GroupSet::Foreign);
                print(&format!("Going standby [{set}].\n"));
                Request::Standby { set }
            }
            Self::Takeover => Request::Takeover { set: set.hold(GroupSet::Local) },
        };
        match ask_daemon_within(run, &request, Patience::Limited(LOOK)) {
            // The order is in progress, or done.
            Ok(None | Some(Response::Done)) => exit::OK,
            Ok(Some(refused @ Response::Refused { .. })) => {
                // The refusal is printed, because silence would not help; the exit status is that of
                // heartbeat's command.
                refuse(&refused);
                exit::OK
            }
            Ok(Some(other)) => refuse(&other),
            Err(code) => code,
        }
    }
}

/// Returns the set that the arguments name. The error is the word that names none, or nothing for a request
/// for help.
fn set_of(arguments: &[OsString]) -> Result<Set, Option<String>> {
    match arguments {
        [] => Ok(Set::All),
        [word] if word == "--help" => Err(None),
        [word, ..] => {
            let word = word.to_string_lossy().into_owned();
            Set::from_str(&word, false).map_err(|_| Some(word))
        }
    }
}

fn misused(program: &str, word: Option<&str>) -> u8 {
    if let Some(word) = word {
        print(&format!("{program}: wrong resources({word}).\n"));
    }
    print("usage:\n");
    complain_plainly(&format!("{program} [all|foreign|local|failback]"));
    WRONG_ARGUMENTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_name_selects_compatible_command() {
        let of = |name: &str| Command::of(OsStr::new(name));
        assert_eq!(of("/usr/share/heartbeat/hb_standby"), Some(Command::Standby));
        assert_eq!(of("hb_takeover"), Some(Command::Takeover));
        assert_eq!(of("/usr/sbin/hb"), None);
    }

    #[test]
    fn compatible_command_takes_set_from_first_argument_and_refuses_unknown_word() {
        let set = |words: &[&str]| set_of(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(set(&[]), Ok(Set::All));
        assert_eq!(set(&["failback"]), Ok(Set::Failback));
        assert_eq!(set(&["local", "and more"]), Ok(Set::Local));
        assert_eq!(set(&["bogus"]), Err(Some("bogus".to_owned())));
        assert_eq!(set(&["--help"]), Err(None));
    }
}
