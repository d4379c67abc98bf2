//! A second name of a socket, in the abstract namespace (unix(7)), which cannot be removed.
//!
//! The name is made of the path, and of what makes a path unique on a machine: the mount namespace and the
//! root directory of the process. Any process can listen at such a name, so the process that listens is
//! checked.

use rustix::net::SocketAddrUnix;
use std::fs::metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Returns the abstract name that belongs to a path.
///
/// # Errors
///
/// When it would be too long, or `/proc` is not mounted.
pub(super) fn of(path: &Path) -> io::Result<SocketAddrUnix> {
    let (space, root) = (metadata("/proc/self/ns/mnt")?, metadata("/")?);
    let mut name = format!("systole/{:x}/{:x}.{:x}", space.ino(), root.dev(), root.ino());
    name.push(':');
    let name = [name.as_bytes(), path.as_os_str().as_bytes()].concat();
    Ok(SocketAddrUnix::new_abstract_name(&name)?)
}

#[cfg(test)]
mod tests {
    use crate::seqpacket::{Connection, Listener};
    use std::io;
    use std::path::{Path, PathBuf};

    fn path(name: &str) -> PathBuf {
        format!("/nonexistent/{name}.{}", std::process::id()).into()
    }

    #[test]
    fn abstract_listener_is_found_by_its_path_until_dropped() {
        let (path, other) = (path("found"), path("other"));
        let listener = Listener::bind_abstract(&path).unwrap();
        let client = Connection::connect_abstract(&path).unwrap();
        let server = listener.accept().unwrap().unwrap();
        assert_eq!(server.peer().unwrap().pid, std::process::id().cast_signed());
        let kind = |error: io::Error| error.kind();
        let refused = Connection::connect_abstract(&other).map_err(kind).unwrap_err();
        assert_eq!(refused, io::ErrorKind::ConnectionRefused);
        let taken = Listener::bind_abstract(&path).map_err(kind).unwrap_err();
        assert_eq!(taken, io::ErrorKind::AddrInUse);
        drop((listener, client, server));
        Listener::bind_abstract(&path).unwrap();
    }

    #[test]
    fn abstract_name_of_a_path_too_long_is_refused() {
        let path = Path::new("/").join("long".repeat(30));
        assert!(Listener::bind_abstract(&path).is_err());
        assert!(Connection::connect_abstract(&path).is_err());
    }
}
