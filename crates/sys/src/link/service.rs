//! Beats on the service network: one socket for all its interfaces, and targets that change.

use super::{Received, datagram, socket};
use rustix::io::Errno;
use socket2::Socket;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd as _, BorrowedFd};

/// The most targets: four addresses of each of fifteen nodes, and some broadcast addresses.
const TARGETS_MAX: usize = 64;

/// The socket, and where it sends to.
#[derive(Debug)]
pub(super) struct ServiceNetwork {
    socket: Socket,
    port: u16,
    /// Whether the socket speaks IPv6, and IPv4 in the form of IPv6.
    is_dual: bool,
    targets: Vec<IpAddr>,
}

impl ServiceNetwork {
    /// Opens the socket, for both families unless the kernel has no IPv6.
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let (socket, is_dual) = match socket::dual(port) {
            Ok(socket) => (socket, true),
            Err(error) if is_without_v6(&error) => (socket::all_v4(port)?, false),
            Err(error) => return Err(error),
        };
        Ok(Self { socket, port, is_dual, targets: Vec::with_capacity(TARGETS_MAX) })
    }

    /// Replaces the targets, without allocating memory.
    pub(super) fn aim(&mut self, targets: impl Iterator<Item = IpAddr>) {
        self.targets.clear();
        self.targets.extend(targets.take(TARGETS_MAX));
    }

    /// Sends to every target. Of several errors the last one is returned.
    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        let mut result = Ok(());
        for target in &self.targets {
            let Some(target) = self.reachable(*target) else { continue };
            if let Err(error) = self.socket.send_to(message, &target.into()) {
                result = Err(error);
            }
        }
        result
    }

    /// The address in the form that the socket wants, if the socket can send to it.
    fn reachable(&self, target: IpAddr) -> Option<SocketAddr> {
        let v6 = |address| SocketAddr::V6(SocketAddrV6::new(address, self.port, 0, 0));
        match target {
            IpAddr::V4(address) if self.is_dual => Some(v6(address.to_ipv6_mapped())),
            IpAddr::V4(_) => Some(SocketAddr::new(target, self.port)),
            IpAddr::V6(address) => self.is_dual.then(|| v6(address)),
        }
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let received = datagram::receive(&self.socket, buffer)?;
        Ok(received.map(|received| Received {
            source: received.source.map(|source| source.to_canonical()),
            ..received
        }))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn is_without_v6(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

/// The broadcast address of a network; networks of one or two addresses have none.
#[must_use]
pub fn broadcast_of(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    let hosts = u32::MAX.checked_shr(prefix.into())?;
    (prefix > 0 && hosts > 1).then(|| Ipv4Addr::from_bits(address.to_bits() | hosts))
}
