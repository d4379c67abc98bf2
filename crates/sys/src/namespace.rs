//! Network and mount namespaces (`namespaces(7)`) of the calling thread; for the laboratory and for tests.

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::io;
use std::os::fd::AsFd;

/// Moves the calling thread, and nothing else of this process, into the network namespace of `pid`.
///
/// Threads and processes that it starts from then on begin there too. Sockets stay in the network namespace
/// in which they were opened.
///
/// # Errors
///
/// `ENOENT` without such a process; `EPERM` without `CAP_SYS_ADMIN`.
pub fn enter_network(pid: i32) -> io::Result<()> {
    let path = format!("/proc/{pid}/ns/net");
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let kind = Some(LinkNameSpaceType::Network);
    Ok(rustix::thread::move_into_link_name_space(file.as_fd(), kind)?)
}

/// Moves the calling thread into a new network namespace, which has a loopback interface that is down and
/// disappears with the last thread, process and descriptor in it.
///
/// # Errors
///
/// `EPERM` without `CAP_SYS_ADMIN`.
pub fn make_network() -> io::Result<()> {
    // SAFETY: a new network changes neither memory nor descriptors of this process.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
    Ok(())
}

/// Gives the calling thread a mount namespace of its own: no other process sees what it mounts, and the
/// namespace disappears with the last thread and process in it. Its mounts begin as a copy of all others, and
/// follow their changes until that is switched off (`mount --make-rprivate /`).
///
/// # Errors
///
/// `EPERM` without `CAP_SYS_ADMIN`.
pub fn make_mounts() -> io::Result<()> {
    // SAFETY: other mounts, and a root and working directory of its own for this thread, change
    // neither memory nor descriptors of this process.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> std::path::PathBuf {
        std::fs::read_link("/proc/thread-self/ns/net").unwrap()
    }

    #[test]
    fn thread_changes_its_network_namespace_alone_and_comes_back() {
        let home = network();
        let inside = std::thread::spawn(|| {
            make_network().unwrap();
            let away = network();
            enter_network(std::process::id().cast_signed()).unwrap();
            (away, network())
        });
        let (away, back) = inside.join().unwrap();
        assert_ne!(away, home);
        assert_eq!(back, home);
        assert_eq!(network(), home);
        let error = enter_network(i32::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
