//! The processes of this program beside its daemon, each with a role of its own.

use crate::options::Role;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use systole_sys::seqpacket::Connection;

/// The process group of such a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// That of the daemon.
    Shared,
    /// One of its own, so that a signal that ends the daemon's group does not end it.
    Own,
}

/// Starts this program with another role. The other end of the connection is its standard input.
///
/// # Errors
///
/// When no process or descriptor is left.
pub(crate) fn start(
    role: Role,
    group: Group,
    arguments: &[&OsStr],
) -> io::Result<(Child, Connection)> {
    let (ours, theirs) = Connection::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command.args(["--role", role.word()]).args(arguments);
    if group == Group::Own {
        command.process_group(0);
    }
    command.stdin(Stdio::from(theirs.as_fd().try_clone_to_owned()?));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok((command.spawn()?, ours))
}
