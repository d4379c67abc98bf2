//! `hb_standby` and `hb_takeover`: orders about a set of groups.
//!
//! These commands give their order without waiting for its end, and their exit status does not report the
//! result.

use super::{Call, Command, line};
use crate::daemon::{ask_daemon_within, refuse};
use crate::order::Set;
use crate::{complain_plainly, exit, print};
use clap::ValueEnum as _;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;
use systole_core::GroupSet;
use systole_ipc::client::Patience;
use systole_ipc::order::Order;
use systole_ipc::protocol::Response;

/// How long to wait for a refusal. A daemon that refuses at once does so in milliseconds.
const LOOK: Duration = Duration::from_secs(1);
/// The exit status of heartbeat's command when its arguments are invalid.
const WRONG_ARGUMENTS: u8 = 1;

/// Runs the command, and returns its exit status.
pub(super) fn run(command: Command, call: &Call, run: &Path) -> u8 {
    let set = match set_of(command, &call.arguments) {
        Ok(set) => set,
        Err(word) => return misused(&call.program, word),
    };
    if is_repeated(command, env::var_os("HA_t").as_deref()) {
        return exit::OK;
    }
    let order = if command == Command::Takeover {
        Order::Takeover(set.hold(GroupSet::Local))
    } else {
        let set = set.hold(GroupSet::Foreign);
        line::log(format_args!("Going standby [{set}]."));
        Order::Standby(set)
    };
    match ask_daemon_within(run, &order.into(), Patience::Limited(LOOK)) {
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

/// Whether the daemon has handled the order already. The event script `hb_takeover` of the package heartbeat answers
/// the request of another node with `hb_standby`; the daemon of this node has answered it when the script runs.
fn is_repeated(command: Command, event: Option<&OsStr>) -> bool {
    command == Command::Standby && event.is_some_and(|event| event == "hb_takeover")
}

/// Returns the set that the arguments name. The error is the word that names none, or empty for a request
/// for help.
fn set_of(command: Command, arguments: &[String]) -> Result<Set, &str> {
    match arguments.first().map(String::as_str) {
        None => Ok(Set::All),
        // An empty word is no set to the one script, and no word to the other one.
        Some("") if command == Command::Takeover => Ok(Set::All),
        Some("" | "--help") => Err(""),
        Some(word) => Set::from_str(word, false).map_err(|_| word),
    }
}

fn misused(program: &str, word: &str) -> u8 {
    if !word.is_empty() {
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
    fn standby_of_event_script_for_takeover_is_not_ordered_again() {
        let is_repeated =
            |command, event: Option<&str>| is_repeated(command, event.map(OsStr::new));
        assert!(is_repeated(Command::Standby, Some("hb_takeover")));
        assert!(!is_repeated(Command::Standby, Some("status")));
        assert!(!is_repeated(Command::Standby, None));
        assert!(!is_repeated(Command::Takeover, Some("hb_takeover")));
    }

    #[test]
    fn compatible_command_takes_set_from_first_argument_and_refuses_unknown_word() {
        let words = |words: &[&str]| words.iter().map(|&word| word.into()).collect::<Vec<String>>();
        let set = |given: &[&str]| set_of(Command::Standby, &words(given)).map_err(str::to_owned);
        assert_eq!(set(&[]), Ok(Set::All));
        assert_eq!(set(&["failback"]), Ok(Set::Failback));
        assert_eq!(set(&["local", "and more"]), Ok(Set::Local));
        assert_eq!(set(&["bogus"]), Err("bogus".to_owned()));
        assert_eq!(set(&["--help"]), Err(String::new()));
        assert_eq!(set(&[""]), Err(String::new()));
        assert_eq!(set_of(Command::Takeover, &words(&[""])), Ok(Set::All));
    }
}
