//! Links over UDP: a socket for sending, and one for receiving.

use super::{Received, socket};
use crate::address::Addresses;
use socket2::{SockAddr, Socket};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

/// The sockets of one link.
#[derive(Debug)]
pub(super) struct Datagrams {
    sender: Socket,
    receiver: Option<Socket>,
    target: SockAddr,
    /// The number of the interface: another interface may get its name, but never its number.
    interface: u32,
}

impl Datagrams {
    /// Opens the sockets of `ucast`; without a receiver if another link listens for it, as for the media
    /// below.
    pub(super) fn unicast(
        device: &str,
        host: Ipv4Addr,
        port: u16,
        listens: bool,
    ) -> io::Result<Self> {
        let sender = socket::unicast_sender(device)?;
        let receiver = listens.then(|| socket::any_receiver(device, port)).transpose()?;
        Self::new(device, sender, receiver, SocketAddrV4::new(host, port).into())
    }

    /// Opens the sockets of `bcast`, and asks the kernel for the broadcast address.
    pub(super) fn broadcast(device: &str, port: u16, listens: bool) -> io::Result<Self> {
        let sender = socket::broadcast_sender(device)?;
        let receiver = listens.then(|| socket::any_receiver(device, port)).transpose()?;
        let target = SocketAddrV4::new(broadcast_address(device)?, port);
        Self::new(device, sender, receiver, target.into())
    }

    /// Opens the sockets of `mcast`.
    pub(super) fn multicast(
        device: &str,
        target: SocketAddrV4,
        (ttl, loopback): (u8, bool),
        listens: bool,
    ) -> io::Result<Self> {
        let sender = socket::multicast_sender(device, ttl, loopback)?;
        let receiver = || socket::group_receiver(device, *target.ip(), target.port());
        Self::new(device, sender, listens.then(receiver).transpose()?, target.into())
    }

    /// Opens the sockets of `ucast6`.
    pub(super) fn unicast6(
        device: &str,
        address: Ipv6Addr,
        port: u16,
        listens: bool,
    ) -> io::Result<Self> {
        let sender = socket::unicast6_sender(device)?;
        let receiver = listens.then(|| socket::any6_receiver(device, port)).transpose()?;
        let target = SocketAddr::V6(socket::scoped(&sender, device, address, port)?);
        Self::new(device, sender, receiver, target.into())
    }

    /// Opens the sockets of `mcast6`.
    pub(super) fn multicast6(
        device: &str,
        (group, port): (Ipv6Addr, u16),
        (hops, loopback): (u8, bool),
        listens: bool,
    ) -> io::Result<Self> {
        let sender = socket::multicast6_sender(device, hops, loopback)?;
        let receiver = listens.then(|| socket::group6_receiver(device, group, port)).transpose()?;
        let target = SocketAddr::V6(socket::scoped(&sender, device, group, port)?);
        Self::new(device, sender, receiver, target.into())
    }

    fn new(
        device: &str,
        sender: Socket,
        receiver: Option<Socket>,
        target: SockAddr,
    ) -> io::Result<Self> {
        let interface = socket::index_of(&sender, device)?;
        Ok(Self { sender, receiver, target, interface })
    }

    /// Returns whether the interface is gone. Errors of sending do not show it: IPv6 reports a vanished
    /// interface as unreachable.
    pub(super) fn is_lost(&self, device: &str) -> bool {
        let name = rustix::net::netdevice::index_to_name_inlined(&self.sender, self.interface);
        name.map_or(true, |name| name.as_str() != device)
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        // UDP sends a datagram whole or not at all.
        self.sender.send_to(message, &self.target).map(|_| ())
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.receiver.as_ref().map_or(Ok(None), |receiver| receive(receiver, buffer))
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.receiver.as_ref().map(AsFd::as_fd)
    }
}

/// Reads the next datagram, without waiting.
pub(super) fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    use rustix::io::Errno;
    use rustix::net::{RecvFlags, recvfrom};
    let room = buffer.len();
    match recvfrom(socket, buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
        Ok((_, length, _)) if length > room => Err(io::ErrorKind::InvalidData.into()),
        Ok((_, length, source)) => {
            let source = source.and_then(|source| SocketAddr::try_from(source).ok());
            Ok(Some(Received { length, source: source.map(|source| source.ip()) }))
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the broadcast address of the interface's first address that is not a floating address, or the
/// address of all hosts on the network when none is set there: with 0.0.0.0, which heartbeat uses, no other
/// node would hear this node.
fn broadcast_address(device: &str) -> io::Result<Ipv4Addr> {
    let interfaces = Addresses::open()?.interfaces()?;
    let interface = interfaces.iter().find(|interface| interface.name == device);
    let interface = interface.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    let is_v4 = |ip: &IpAddr| ip.is_ipv4();
    let own = interface.addresses.iter().find(|address| is_v4(&address.ip) && !address.is_ours());
    Ok(own.and_then(|address| address.broadcast).unwrap_or(Ipv4Addr::BROADCAST))
}
