//! The places where others find the executor: its socket and its ledger, which somebody may remove.

use super::Executor;
use crate::place;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use systole_core::Time;
use systole_executor::Input;
use systole_sys::seqpacket::Listener;

/// How often it is looked for them, while the executor is awake: a daemon wakes it with every beat, and
/// makes the directory again.
const LOOK: Duration = Duration::from_secs(1);

/// Where others find the executor.
#[derive(Debug)]
pub(super) struct Places {
    socket: PathBuf,
    ledger: PathBuf,
    next_look: Time,
}

impl Places {
    pub(super) fn new(now: Time, socket: PathBuf, ledger: PathBuf) -> Self {
        Self { socket, ledger, next_look: now + LOOK }
    }
}

impl Executor {
    /// Makes again what is gone of them. A daemon that found no socket would start a second executor,
    /// which without the ledger would know nothing of what is held here.
    pub(super) fn tend_places(&mut self) {
        if self.now < self.places.next_look {
            return;
        }
        self.places.next_look = self.now + LOOK;
        if is_missing(&self.places.socket) {
            // What cannot be had now is tried again. What lies there is another executor's, and stays.
            if let Ok(listener) = Listener::bind(&self.places.socket) {
                self.listener = listener;
            }
        }
        if !self.machine.held().is_empty() && is_missing(&self.places.ledger) {
            self.tell(Input::LedgerGone);
        }
    }
}

/// Whether nothing lies there, though it could: in a directory that nobody else can write to.
fn is_missing(path: &Path) -> bool {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let is_gone = path.symlink_metadata().as_ref().is_err_and(is_gone);
    is_gone && path.parent().is_some_and(|parent| place::open_own(parent).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use systole_sys::seqpacket::Connection;

    #[test]
    fn a_listener_that_ends_leaves_the_socket_of_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.sock");
        let first = Listener::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = Listener::bind(&path).unwrap();
        drop(first);
        Connection::connect(&path).unwrap();
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn what_lies_there_or_cannot_lie_there_is_not_missing() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.sock");
        assert!(is_missing(&path));
        assert!(!is_missing(&directory.path().join("none/executor.sock")));
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_missing(&path), "somebody else could listen there");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("/nonexistent", &path).unwrap();
        assert!(!is_missing(&path));
    }
}
