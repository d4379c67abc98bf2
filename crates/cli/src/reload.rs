//! `hb reload`: the daemon reads its files again.

use crate::daemon::{Presence, ask_daemon, presence, refuse};
use crate::restart::await_successor;
use crate::{exit, print};
use std::path::Path;
use systole_ipc::protocol::{Request, Response};

/// Prints the changes, and waits until they are in force. The exit code is 2 when there are mistakes in the files.
pub(crate) fn run(run: &Path, empty: bool) -> u8 {
    let before = presence(run);
    match ask_daemon(run, &Request::Reload { empty }) {
        Ok(Response::Reloaded { changes, restarts, findings }) => {
            if !findings.is_empty() {
                print(&format!("{findings}\n"));
            }
            print(&text(&changes, restarts));
            match before {
                Presence::Runs(before) if restarts => {
                    let successor = await_successor(run, before.snapshot.generation);
                    successor.map_or_else(|code| code, |_| exit::OK)
                }
                Presence::Runs(_) | Presence::Absent | Presence::Unknown => exit::OK,
            }
        }
        Ok(Response::Invalid { findings }) => {
            print(&findings);
            print("\nnothing was changed\n");
            exit::USAGE
        }
        Ok(other) => refuse(&other),
        Err(code) => code,
    }
}

fn text(changes: &[String], restarts: bool) -> String {
    if changes.is_empty() {
        return "nothing changed\n".to_owned();
    }
    let mut text: String = changes.iter().map(|change| format!("{change}\n")).collect();
    if restarts {
        text += "the daemon restarts itself to apply the changes; resources stay as they are\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reload_answer_lists_changes_or_says_nothing_changed() {
        assert_eq!(text(&[], false), "nothing changed\n");
        let changes = ["deadtime: 30 s -> 20 s".to_owned()];
        assert_eq!(text(&changes, false), "deadtime: 30 s -> 20 s\n");
        assert!(text(&changes, true).ends_with("resources stay as they are\n"));
    }
}
