//! Listens for other machines that claim an address: with ARP (RFC 5227, section 2.4), or with a neighbour
//! advertisement (RFC 4861, section 7.2).

mod filter;
mod frame;

pub use frame::{Claim, claim};

use super::announce::LinkAddress;
use filter::{of_any_address, program};
use rustix::io::Errno;
use rustix::net::{RecvFlags, bind, recv};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// The most packets that one call reads. The rest waits, or is lost when the socket is full.
const PACKETS: usize = 32;
/// The longest packet that is read, in bytes. An advertisement with one option has 86.
const PACKET_MAX: usize = 512;
/// How much the kernel keeps for a reader that is slow, in bytes. A machine that really has the address claims
/// it again.
const BUFFER: usize = 64 << 10;

/// The protocol with which an address is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// ARP, for IPv4.
    Arp,
    /// Neighbour advertisements, for IPv6.
    Neighbour,
}

impl Family {
    /// Returns the protocol for an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Arp,
            IpAddr::V6(_) => Self::Neighbour,
        }
    }

    /// Returns the number of the protocol in an Ethernet frame.
    const fn ethertype(self) -> u16 {
        match self {
            Self::Arp => frame::ARP,
            Self::Neighbour => frame::IPV6,
        }
    }
}

/// A packet socket on one interface that receives claims of some addresses, and nothing of what this machine
/// itself sends. Never blocks.
///
/// The kernel drops other packets, so that the traffic of the network does not wake the caller. Of an IPv6
/// address it only compares the end, and of many addresses nothing: a claim may be that of another address.
#[derive(Debug)]
pub struct ClaimListener {
    socket: Socket,
    family: Family,
}

impl ClaimListener {
    /// Opens a packet socket (packet(7)) on an interface, in the calling thread's network namespace.
    /// Addresses of the other family are left out.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_RAW`; `EAFNOSUPPORT` where the kernel has no packet sockets; `ENODEV` when the
    /// interface is gone.
    pub fn open(interface: u32, family: Family, addresses: &[IpAddr]) -> io::Result<Self> {
        // Without a protocol it receives nothing until the filter is there.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        socket.set_recv_buffer_size(BUFFER)?;
        let listener = Self { socket, family };
        listener.listen_for(addresses)?;
        bind(&listener.socket, &LinkAddress::new(interface, family.ethertype()))?;
        Ok(listener)
    }

    /// Lets the kernel keep this many bytes for a reader of many answers, or as much as this process may have.
    pub fn make_room(&self, bytes: usize) {
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&self.socket, bytes).is_err() {
            // The usual size remains.
            let _ = self.socket.set_recv_buffer_size(bytes);
        }
    }

    /// Listens for these addresses from now on; for all addresses if the kernel has no memory for so many.
    ///
    /// # Errors
    ///
    /// When the kernel has no memory at all.
    pub fn listen_for(&self, addresses: &[IpAddr]) -> io::Result<()> {
        let attached = self.socket.attach_filter(&program(self.family, addresses));
        match attached {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOMEM) => {
                self.socket.attach_filter(&of_any_address(self.family))
            }
            Ok(()) | Err(_) => attached,
        }
    }

    /// Reads what has arrived, up to a bound, adds the claims to a list, and returns the number of packets.
    ///
    /// # Errors
    ///
    /// `ENETDOWN` once after the interface was switched off; the socket works again when it is switched on.
    pub fn read(&self, claims: &mut Vec<Claim>) -> io::Result<usize> {
        let mut buffer = [0; PACKET_MAX];
        for packets in 0..PACKETS {
            // With this flag the length is that of the packet, even if it does not fit.
            match recv(&self.socket, &mut buffer, RecvFlags::TRUNC) {
                Ok((_, length)) => claims.extend(buffer.get(..length).and_then(claim)),
                Err(Errno::AGAIN | Errno::INTR) => return Ok(packets),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(PACKETS)
    }
}

impl AsFd for ClaimListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
