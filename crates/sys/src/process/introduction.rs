//! How a child introduces itself to its parent before it becomes its program.
//!
//! A process that starts a program needs the start time of the child and a descriptor of it. If the parent
//! asked for them afterwards, both could fail for lack of descriptors or memory while the program already
//! runs. Therefore the child gets them itself and sends them. When that fails, it does not become the
//! program.

use super::ProcessId;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::PidfdFlags;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

const ROOM: usize = rustix::cmsg_space!(ScmRights(1));

/// The end of the child.
pub(super) struct Introducer(OwnedFd);

/// The end of the parent.
pub(super) struct Listener {
    socket: OwnedFd,
    /// Keeps room for the child's descriptor in the table of this process.
    spare: OwnedFd,
}

/// Makes both ends.
pub(super) fn pair() -> io::Result<(Listener, Introducer)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let spare = ours.try_clone()?;
    Ok((Listener { socket: ours, spare }, Introducer(theirs)))
}

impl Introducer {
    /// Sends start time and descriptor of the calling process, whose id is `id`. Allocates no memory, because
    /// it is called between fork and exec.
    pub(super) fn introduce(&self, id: ProcessId) -> io::Result<()> {
        let fd = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
        let fds = [fd.as_fd()];
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut control = SendAncillaryBuffer::new(&mut room);
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let start = id.start.to_ne_bytes();
        sendmsg(&self.0, &[IoSlice::new(&start)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl Listener {
    /// Receives start time and descriptor of a child that has introduced itself.
    pub(super) fn listen(self) -> io::Result<(u64, OwnedFd)> {
        let Self { socket, spare } = self;
        drop(spare);
        let mut start = [0; size_of::<u64>()];
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        recvmsg(&socket, &mut [IoSliceMut::new(&mut start)], &mut control, flags)?;
        let mut fd = None;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut fds) = message {
                fd = fds.next();
            }
        }
        // The kernel leaves out a descriptor for which there is no room.
        Ok((u64::from_ne_bytes(start), fd.ok_or(Errno::MFILE)?))
    }
}
