//! The places where other processes find the executor: its socket and its ledger, which may be removed by
//! accident, and a second socket without a file.

use super::{Executor, ExecutorError};
use crate::place;
use std::io;
use std::iter;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_core::Time;
use systole_executor::Input;
use systole_sys::seqpacket::{Connection, Listener};

/// How often to check that they exist, while the executor is awake. A daemon wakes it with every beat, and
/// makes the directory again.
const LOOK: Duration = Duration::from_secs(1);

/// How long an executor that starts tries to find out who listens on a socket on which too many connections
/// wait.
const BUSY_LIMIT: Duration = Duration::from_secs(1);
/// Time between two attempts.
const BUSY_STEP: Duration = Duration::from_millis(10);
/// How long to ignore connections at the abstract name after a stranger's, because a stranger could keep
/// this thread busy.
const STRANGER_REST: Duration = Duration::from_millis(100);

/// The places where other processes find the executor.
#[derive(Debug)]
pub(super) struct Places {
    listener: Listener,
    /// The socket at the abstract name, where a daemon finds the executor if its socket's file was removed.
    /// Absent if another user listens there, or the name cannot be used.
    spare: Option<Listener>,
    /// When to accept connections there again.
    spare_from: Time,
    socket: PathBuf,
    ledger: PathBuf,
    next_look: Time,
}

impl Places {
    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// When another executor listens already.
    pub(super) fn open(now: Time, socket: PathBuf, ledger: PathBuf) -> Result<Self, ExecutorError> {
        let failed = |source| ExecutorError::Listen { path: socket.clone(), source };
        let spare = Listener::bind_abstract(&socket);
        if spare.is_err() && is_taken(&socket) {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
        let listener = Listener::bind(&socket).map_err(failed)?;
        let (spare, next_look) = (spare.ok(), now + LOOK);
        Ok(Self { listener, spare, spare_from: now, socket, ledger, next_look })
    }

    /// The sockets on which a daemon may connect now.
    pub(super) fn listeners(&self, now: Time) -> impl Iterator<Item = &Listener> {
        let spare = self.spare.as_ref().filter(|_| self.spare_from <= now);
        iter::once(&self.listener).chain(spare)
    }

    /// The time at which the abstract name is listened to again.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        Some(self.spare_from).filter(|from| self.spare.is_some() && *from > now)
    }

    /// Accepts a connection. An error concerns the client, which tries again.
    pub(super) fn accept(&mut self, now: Time) -> Option<Connection> {
        if let Ok(Some(connection)) = self.listener.accept() {
            return Some(connection);
        }
        let spare = self.spare.as_ref().filter(|_| self.spare_from <= now)?;
        match spare.accept() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.spare_from = now + STRANGER_REST;
                None
            }
            accepted => accepted.ok().flatten(),
        }
    }
}

impl Executor {
    /// Restores the places that are gone. A daemon that found no socket would start a second executor,
    /// which without the ledger would not know what is held here.
    pub(super) fn tend_places(&mut self) {
        if self.now < self.places.next_look {
            return;
        }
        self.places.next_look = self.now + LOOK;
        if is_missing(&self.places.socket) {
            // What cannot be restored now is tried again later. A socket that is there belongs to another
            // executor, and is kept.
            if let Ok(listener) = Listener::bind(&self.places.socket) {
                self.places.listener = listener;
            }
        }
        if !self.machine.held().is_empty() && is_missing(&self.places.ledger) {
            self.tell(Input::LedgerGone);
        }
    }
}

/// Whether an executor listens at the abstract name. If so many connections wait that this cannot be found
/// out, the listener may be another user's process, and must not prevent the start.
fn is_taken(socket: &Path) -> bool {
    let limit = Instant::now() + BUSY_LIMIT;
    loop {
        match Connection::connect_abstract(socket) {
            Ok(_) => return true,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return false,
            Err(_) if Instant::now() >= limit => return false,
            Err(_) => sleep(BUSY_STEP),
        }
    }
}

/// Whether the file is missing, although it could exist: in a directory that no other user can write to.
fn is_missing(path: &Path) -> bool {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let is_gone = path.symlink_metadata().as_ref().is_err_and(is_gone);
    is_gone && path.parent().is_some_and(|parent| place::open_own(parent).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn listener_dropped_after_its_replacement_leaves_the_new_socket() {
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
    fn second_executor_is_refused_although_the_first_socket_was_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let open = || Places::open(Time::START, path("executor.sock"), path("executor.json"));
        let first = open().unwrap();
        fs::remove_file(path("executor.sock")).unwrap();
        let error = open().unwrap_err();
        assert!(
            matches!(&error, ExecutorError::Listen { source, .. }
            if source.kind() == io::ErrorKind::AddrInUse),
            "{error}"
        );
        assert!(!path("executor.sock").exists());
        drop(first);
        open().unwrap();
    }

    /// Any process may connect to the abstract name.
    #[test]
    fn second_executor_finds_the_first_behind_a_full_connection_queue() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let open = || Places::open(Time::START, path("executor.sock"), path("executor.json"));
        let mut first = open().unwrap();
        let connect = || Connection::connect_abstract(&path("executor.sock"));
        let waiting: Vec<_> = iter::from_fn(|| connect().ok()).take(10_000).collect();
        assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        fs::remove_file(path("executor.sock")).unwrap();
        let served = std::thread::spawn(move || {
            sleep(BUSY_STEP * 3);
            (iter::from_fn(|| first.accept(Time::START)).count(), first)
        });
        assert!(open().is_err(), "a second one begins beside the first");
        assert!(served.join().unwrap().0 >= waiting.len());
    }

    #[test]
    fn socket_counts_as_missing_only_if_absent_from_a_private_directory() {
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
