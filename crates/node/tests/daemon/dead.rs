//! Storage that accepts every request and answers none, and a name server of the same kind.

use super::Node;
use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;
use std::fs;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The address of the name server that never answers.
const NAME_SERVER: &str = "127.0.0.77";

/// Runs a program that must succeed.
pub(super) fn run(program: &str, words: &[&str]) {
    assert!(Command::new(program).args(words).status().unwrap().success(), "{program} {words:?}");
}

/// Gives the calling thread, and every program that it starts, mounts of its own.
pub(super) fn own_mounts() {
    systole_sys::namespace::make_mounts().unwrap();
    run("mount", &["--make-rprivate", "/"]);
}

/// A file system in user space that never reads a request, so that looking for a file on it waits forever.
/// When this is dropped, the requests fail with errors.
pub(super) struct DeadStorage {
    connection: Option<OwnedFd>,
    place: PathBuf,
}

impl DeadStorage {
    /// Mounts one on a directory or file, for processes with the mounts of the test.
    pub(super) fn mount(place: &Path) -> Self {
        let mode = if place.is_dir() { "40000" } else { "100000" };
        // The program that mounts inherits the descriptor, and the daemon must not.
        let connection = rustix::fs::open("/dev/fuse", OFlags::RDWR, Mode::empty()).unwrap();
        let number = connection.as_raw_fd();
        let options = format!("fd={number},rootmode={mode},user_id=0,group_id=0,allow_other");
        run("mount", &["-i", "-t", "fuse", "-o", &options, "dead", place.to_str().unwrap()]);
        rustix::io::fcntl_setfd(&connection, FdFlags::CLOEXEC).unwrap();
        Self { connection: Some(connection), place: place.to_owned() }
    }
}

impl Drop for DeadStorage {
    fn drop(&mut self) {
        drop(self.connection.take());
        let _ = Command::new("umount").args(["-l", "-i"]).arg(&self.place).status();
    }
}

/// Has every host looked up at a name server that does not answer, for minutes.
pub(super) fn silence_name_servers(node: &Node) -> UdpSocket {
    let silent = UdpSocket::bind((NAME_SERVER, 53)).unwrap();
    for (name, text) in [
        ("resolv.conf", format!("nameserver {NAME_SERVER}\noptions timeout:30 attempts:5\n")),
        ("nsswitch.conf", "hosts: files dns\n".to_owned()),
    ] {
        let (ours, path) = (node.path(name), Path::new("/etc").join(name));
        fs::write(&ours, text).unwrap();
        // The mount is in a mount namespace of this test only.
        run("mount", &["--bind", ours.to_str().unwrap(), path.to_str().unwrap()]);
    }
    silent
}
