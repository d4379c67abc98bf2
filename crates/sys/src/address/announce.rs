//! When neighbours are told where an address is, and the socket for it.

use super::frame::{arp_probe, neighbour_question};
use super::{ArpForm, Placed, gratuitous_arp, neighbour_advertisement};
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType,
    addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque},
    sendto, socket_with,
};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// When an address is announced, in milliseconds from the moment at which it was added.
///
/// First a burst of five, because a single frame is easily lost and the first one may meet a switch port that
/// is only just coming up; then repeats, for switches that keep a port shut for the first 30 s or so
/// (spanning tree, IEEE 802.1D).
const SCHEDULE: [u64; 9] = [0, 50, 200, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000];

/// `AF_PACKET` in the type of an address family (packet(7)).
const PACKET: libc::sa_family_t = 17;

/// The moments at which an address must be announced, counted from when it was added.
#[derive(Debug, Clone, Default)]
pub struct Announcements {
    next: usize,
}

impl Iterator for Announcements {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let moment = SCHEDULE.get(self.next).copied()?;
        self.next += 1;
        Some(Duration::from_millis(moment))
    }
}

/// Announces addresses to the neighbours of every interface. Never blocks.
#[derive(Debug)]
pub struct Announcer(OwnedFd);

impl Announcer {
    /// Opens a packet socket (packet(7)).
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // A socket with protocol 0 receives nothing.
        Ok(Self(socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?))
    }

    /// Announces addresses once: with both forms of a gratuitous ARP, or with a neighbour advertisement.
    /// Interfaces without an Ethernet address have no neighbours to tell.
    ///
    /// # Errors
    ///
    /// The first error of a send; all addresses are tried.
    pub fn announce(&self, addresses: &[Placed]) -> io::Result<()> {
        let mut result = Ok(());
        for placed in addresses {
            let Some(mac) = placed.mac else { continue };
            result = result.and(self.announce_at(placed.index, mac, placed.address));
        }
        result
    }

    /// Announces once that an address is at this Ethernet address, on the interface with this number.
    ///
    /// # Errors
    ///
    /// The error of the send.
    pub fn announce_at(&self, interface: u32, mac: [u8; 6], address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(ip) => [ArpForm::Request, ArpForm::Reply]
                .into_iter()
                .try_for_each(|form| self.send(interface, &gratuitous_arp(mac, ip, form))),
            IpAddr::V6(ip) => self.send(interface, &neighbour_advertisement(mac, ip)),
        }
    }

    /// Asks the neighbours on an interface once whether one of them has an address, without telling them anything. With
    /// the Ethernet address of a station, that station is asked, too. `source` is an address of this machine on the interface.
    ///
    /// # Errors
    ///
    /// The error of the send.
    pub fn ask(
        &self,
        (interface, mac, source): (u32, [u8; 6], Option<Ipv6Addr>),
        address: IpAddr,
        stations: impl Iterator<Item = [u8; 6]>,
    ) -> io::Result<()> {
        match address {
            IpAddr::V4(ip) => {
                let mut stations = stations.map(Some).chain([None]);
                stations.try_for_each(|to| self.send(interface, &arp_probe(mac, ip, to)))
            }
            IpAddr::V6(ip) => {
                let mut stations = stations.map(Some).chain([None]);
                let source = source.unwrap_or(Ipv6Addr::UNSPECIFIED);
                stations.try_for_each(|to| {
                    self.send(interface, &neighbour_question((mac, source), ip, to))
                })
            }
        }
    }

    fn send(&self, interface: u32, frame: &[u8]) -> io::Result<()> {
        let address = LinkAddress::new(interface, 0);
        sendto(&self.0, frame, SendFlags::DONTWAIT, &address)?;
        Ok(())
    }
}

/// The address of an interface for a packet socket. The destination is in the frame itself.
pub(super) struct LinkAddress(libc::sockaddr_ll);

impl LinkAddress {
    /// Returns the address for sending, or, with the number of a protocol, for receiving what has that number.
    pub(super) const fn new(interface: u32, protocol: u16) -> Self {
        Self(libc::sockaddr_ll {
            sll_family: PACKET,
            sll_protocol: protocol.to_be(),
            sll_ifindex: interface.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 6,
            sll_addr: [0; 8],
        })
    }
}

// SAFETY: `with_sockaddr` passes a pointer to a whole, initialised `sockaddr_ll` that `self` keeps
// alive for the length of the call, and its exact size.
unsafe impl SocketAddrArg for LinkAddress {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        let length = size_of::<libc::sockaddr_ll>();
        let length = SocketAddrLen::try_from(length).expect("twenty fits");
        f((&raw const self.0).cast(), length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_begin_with_a_burst_of_five_and_end_after_30_seconds() {
        let moments: Vec<_> = Announcements::default().collect();
        assert!(moments.is_sorted());
        assert_eq!(moments[0], Duration::ZERO);
        let burst = moments.iter().filter(|moment| **moment <= Duration::from_secs(2));
        assert_eq!(burst.count(), 5);
        assert!(moments.last() > Some(&Duration::from_secs(30)));
    }
}
