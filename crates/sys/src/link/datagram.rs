//! Links over UDP: a socket to send, and one to receive.

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

/// `IPTOS_LOWDELAY` (RFC 1349): what heartbeat marks its datagrams with, and firewalls may match.
const LOW_DELAY: u32 = 0x10;
/// Bytes that wait in a receiver until they are read. The kernel's usual 208 KiB are 160 messages:
/// a stranger who sends 5,000 a second fills them in 30 ms, and the peer's next beat is lost. This
/// holds a second of that.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Sockets of one link.
#[derive(Debug)]
pub(super) struct Datagrams {
    sender: Socket,
    receiver: Option<Socket>,
    target: SocketAddrV4,
    raw_target: SockAddr,
}

impl Datagrams {
    /// Opens the sockets of `ucast`; without a receiver if somebody else listens on this port.
    pub(super) fn unicast(
        device: &str,
        host: Ipv4Addr,
        port: u16,
        listens: bool,
    ) -> io::Result<Self> {
        let target = SocketAddrV4::new(host, port);
        Ok(Self {
            sender: open_sender(device)?,
            receiver: listens.then(|| open_receiver(device, port)).transpose()?,
            target,
            raw_target: target.into(),
        })
    }

    pub(super) fn reopen(&mut self, device: &str) -> io::Result<()> {
        let listens = self.receiver.is_some();
        *self = Self::unicast(device, *self.target.ip(), self.target.port(), listens)?;
        Ok(())
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        // UDP takes a datagram whole or not at all.
        self.sender.send_to(message, &self.raw_target).map(|_| ())
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::io::Errno;
        use rustix::net::{RecvFlags, recv};
        let Some(receiver) = &self.receiver else { return Ok(None) };
        let room = buffer.len();
        match recv(receiver, buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
            Ok((_, length)) if length > room => Err(io::ErrorKind::InvalidData.into()),
            Ok((_, length)) => Ok(Some(length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.receiver.as_ref().map(AsFd::as_fd)
    }
}

/// Its port is the kernel's choice: receivers of heartbeat do not look at it.
fn open_sender(device: &str) -> io::Result<Socket> {
    let socket = open_socket(device)?;
    socket.set_tos_v4(LOW_DELAY)?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

/// Any address of the device, so that the link survives a change of our own.
fn open_receiver(device: &str, port: u16) -> io::Result<Socket> {
    let socket = open_socket(device)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Beyond `net.core.rmem_max` only with CAP_NET_ADMIN; without it, as much as that allows.
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    }
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    socket.bind(&any.into())?;
    Ok(socket)
}

fn open_socket(device: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    socket.bind_device(Some(device.as_bytes()))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_carry_the_mark_of_heartbeat() {
        assert_eq!(open_sender("lo").unwrap().tos_v4().unwrap(), LOW_DELAY);
    }
}
