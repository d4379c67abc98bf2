//! Packets between processes of this machine: Unix sockets of kind `SOCK_SEQPACKET` (unix(7)).
//!
//! Such a socket preserves the boundaries of packets and their order, and reports when the other side is
//! gone.

use crate::identity::Credentials;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with,
    bind, connect, listen, recv, send, socket_with, socketpair,
};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

mod abstract_name;

/// The longest packet in bytes; it limits what one process can make the other store.
pub const PACKET_MAX: usize = 1 << 20;

/// The number of connections that may wait to be accepted; there is one daemon, and rarely its successor.
const BACKLOG: i32 = 8;

/// The buffer of a socket for packets in transit, in bytes. The kernel doubles it for its own overhead.
const BUFFER: usize = PACKET_MAX + (1 << 16);

/// The result of [`Connection::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receive {
    /// A packet of this many bytes.
    Packet(usize),
    /// Nothing for now.
    Empty,
    /// The other side is gone, and everything that it sent has been read.
    Closed,
}

/// One end of a connection. Never blocks.
#[derive(Debug)]
pub struct Connection(OwnedFd);

impl Connection {
    /// Connects to a listener of the same user, or of root.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when another user listens there; `ENOENT` without such a path, `ECONNREFUSED` when
    /// no process listens any longer, `EAGAIN` when too many connections already wait.
    pub fn connect(path: &Path) -> io::Result<Self> {
        Self::connect_to(&SocketAddrUnix::new(path)?)
    }

    /// Connects to a listener that [`Listener::bind_abstract`] made with the same path.
    ///
    /// # Errors
    ///
    /// As for [`Self::connect`], and when the path has no abstract name.
    pub fn connect_abstract(path: &Path) -> io::Result<Self> {
        Self::connect_to(&abstract_name::of(path)?)
    }

    fn connect_to(address: &SocketAddrUnix) -> io::Result<Self> {
        let fd = open_socket()?;
        connect(&fd, address)?;
        if !is_trusted(&fd) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens"));
        }
        Ok(Self(fd))
    }

    /// Makes two connected ends.
    ///
    /// # Errors
    ///
    /// When no descriptors are left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (one, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        grow_buffer(&one)?;
        grow_buffer(&other)?;
        Ok((Self(one), Self(other)))
    }

    /// Sends one packet as a whole, or not at all.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the other side does not read; `InvalidInput` for an empty packet, which could not be
    /// distinguished from the end of the connection, and for a packet longer than [`PACKET_MAX`]; `EPIPE`
    /// when the other side is gone; `EMSGSIZE` for large packets where neither the rights of root nor
    /// `net.core.wmem_max` allow the buffer.
    pub fn send(&self, packet: &[u8]) -> io::Result<()> {
        if packet.is_empty() || packet.len() > PACKET_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        loop {
            match send(&self.0, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads one packet into `buffer`.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a packet longer than `buffer`, which is lost; the connection stays usable. Otherwise
    /// those of recv(2).
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Receive> {
        let room = buffer.len();
        match recv(&self.0, buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => Ok(Receive::Closed),
            Ok((_, length)) if length > room => Err(io::ErrorKind::InvalidData.into()),
            Ok((_, length)) => Ok(Receive::Packet(length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Receive::Empty),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the bytes of memory taken by packets that the other side has not read (`SIOCOUTQ` of unix(7));
    /// 0 once it has read all.
    #[must_use]
    pub fn unread(&self) -> usize {
        let mut count: libc::c_int = 0;
        // SAFETY: the request writes one int to the address of `count`, which is a live int.
        let code = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
        if code == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
    }

    /// Returns the process on the other side.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn peer(&self) -> io::Result<Credentials> {
        Credentials::of_peer(self)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A path at which other processes of the same user (or root) connect. Never blocks.
///
/// The path is removed when the listener is dropped, unless it names another socket by then.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    /// The path, unless the name is abstract, with device and inode of the file at the path.
    file: Option<(PathBuf, (u64, u64))>,
}

impl Listener {
    /// Listens at `path`, which gets the mode 0600.
    ///
    /// A socket that a dead process left there is replaced; a socket at which a process listens is not.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when a process listens there or it is not a socket; otherwise those of bind(2).
    pub fn bind(path: &Path) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let fd = open_socket()?;
        // The file takes its mode from the socket: no process can connect before the mode is narrowed.
        rustix::fs::fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
        match bind(&fd, &address) {
            Err(Errno::ADDRINUSE) if is_stale(path) => {
                std::fs::remove_file(path)?;
                bind(&fd, &address)?;
            }
            result => result?,
        }
        listen(&fd, BACKLOG)?;
        Ok(Self { fd, file: Some((path.to_owned(), file_at(path)?)) })
    }

    /// Listens at the abstract name that belongs to `path` in this mount namespace. The name needs no file,
    /// so it cannot be removed, and it ends with the listener. Every process in this network namespace can
    /// connect; [`Self::accept`] closes connections of other users.
    ///
    /// # Errors
    ///
    /// `AddrInUse` when any process listens there; otherwise when the path has no such name, and those of
    /// bind(2).
    pub fn bind_abstract(path: &Path) -> io::Result<Self> {
        let fd = open_socket()?;
        bind(&fd, &abstract_name::of(path)?)?;
        listen(&fd, BACKLOG)?;
        Ok(Self { fd, file: None })
    }

    /// Returns the next connection that waits, if any.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for a connection of a user other than this process's user or root, which is closed;
    /// those of accept(2), except those that mean "not now".
    pub fn accept(&self) -> io::Result<Option<Connection>> {
        match accept_with(&self.fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(fd) if !is_trusted(&fd) => Err(io::ErrorKind::PermissionDenied.into()),
            Ok(fd) => {
                grow_buffer(&fd)?;
                Ok(Some(Connection(fd)))
            }
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some((path, own)) = &self.file else { return };
        // The process that listens there now has replaced this one.
        if file_at(path).is_ok_and(|file| file == *own) {
            // Best effort: a file that stays is recognised as stale by the next listener.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Returns device and inode of the file at the path.
fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

fn open_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    grow_buffer(&fd)?;
    Ok(fd)
}

/// Enlarges the buffer. Only root may exceed `net.core.wmem_max`; other users get as much as it allows.
fn grow_buffer(fd: &OwnedFd) -> io::Result<()> {
    match rustix::net::sockopt::set_socket_send_buffer_size_force(fd, BUFFER) {
        Err(Errno::PERM) => Ok(rustix::net::sockopt::set_socket_send_buffer_size(fd, BUFFER)?),
        result => Ok(result?),
    }
}

/// Returns whether the other side is a process of this process's user, or of root.
fn is_trusted(fd: &OwnedFd) -> bool {
    Credentials::of_peer(fd).is_ok_and(|peer| peer.is_own_or_root())
}

/// Returns whether `path` is a socket at which no process listens.
fn is_stale(path: &Path) -> bool {
    match Connection::connect(path) {
        Err(error) => error.raw_os_error() == Some(libc::ECONNREFUSED) && is_socket(path),
        Ok(_) => false,
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("systole-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn packets_keep_their_boundaries_and_the_end_is_reported() {
        let (one, other) = Connection::pair().unwrap();
        let mut buffer = [0; 16];
        assert_eq!(other.receive(&mut buffer).unwrap(), Receive::Empty);
        one.send(b"first").unwrap();
        one.send(b"second").unwrap();
        assert!(one.unread() > 0 && other.unread() == 0);
        assert_eq!(other.receive(&mut buffer).unwrap(), Receive::Packet(5));
        assert_eq!(other.receive(&mut buffer).unwrap(), Receive::Packet(6));
        assert_eq!(&buffer[..6], b"second");
        assert_eq!(one.unread(), 0);
        drop(one);
        assert_eq!(other.receive(&mut buffer).unwrap(), Receive::Closed);
        assert_eq!(other.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn packet_empty_or_over_the_maximum_is_refused() {
        let (one, other) = Connection::pair().unwrap();
        for packet in [vec![], vec![1; PACKET_MAX + 1]] {
            assert_eq!(one.send(&packet).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        one.send(&vec![7; PACKET_MAX]).unwrap();
        let mut buffer = vec![0; PACKET_MAX];
        assert_eq!(other.receive(&mut buffer).unwrap(), Receive::Packet(PACKET_MAX));
        assert!(buffer.iter().all(|&byte| byte == 7));

        one.send(b"too long for the buffer").unwrap();
        one.send(b"fits").unwrap();
        let mut small = [0; 8];
        assert_eq!(other.receive(&mut small).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(other.receive(&mut small).unwrap(), Receive::Packet(4));
    }

    #[test]
    fn sender_without_a_reader_gets_would_block_in_the_end() {
        let (one, _other) = Connection::pair().unwrap();
        let packet = [0; 1024];
        let refused = (0..100_000).find_map(|_| one.send(&packet).err()).unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn listener_socket_is_private_and_knows_its_peer() {
        let path = scratch("private");
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(listener.accept().unwrap().is_none());
        let client = Connection::connect(&path).unwrap();
        let server = listener.accept().unwrap().unwrap();
        assert_eq!(server.peer().unwrap().pid, std::process::id().cast_signed());
        client.send(b"hello").unwrap();
        assert_eq!(server.receive(&mut [0; 8]).unwrap(), Receive::Packet(5));
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn listener_replaces_only_a_stale_socket() {
        let path = scratch("stale");
        let first = Listener::bind(&path).unwrap();
        let kind = Listener::bind(&path).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::AddrInUse);
        // What a killed process leaves behind: the path without its listener.
        let Listener { fd, .. } = &first;
        rustix::net::shutdown(fd, rustix::net::Shutdown::Both).unwrap();
        let second = Listener::bind(&path).unwrap();
        drop(second);

        std::fs::write(&path, "not a socket").unwrap();
        assert_eq!(Listener::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        std::fs::remove_file(&path).unwrap();
    }
}
