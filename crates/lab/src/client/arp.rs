//! Receives gratuitous ARP (RFC 826, RFC 5227): announcements of which machine has an address.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Instant;

/// The number of ARP among the protocols of Ethernet, in network byte order as required by `packet(7)`.
const ARP: NonZeroU32 = NonZeroU32::new(0x0806_u16.to_be() as u32).expect("is not zero");
/// The length of an Ethernet header and an ARP packet for IPv4, in bytes.
const FRAME: usize = 14 + 28;
/// The bytes before the addresses: Ethernet, IPv4, and the lengths of their addresses.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// One gratuitous ARP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcement {
    /// When it arrived.
    pub at: Instant,
    /// The address that was announced.
    pub address: Ipv4Addr,
    /// The hardware address that has it now.
    pub sender: [u8; 6],
    /// Whether it was a request, not a reply.
    pub request: bool,
}

/// A packet socket on all interfaces.
pub(super) struct Listener(OwnedFd);

impl Listener {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(Protocol::from_raw(ARP));
        Ok(Self(socket_with(AddressFamily::PACKET, SocketType::RAW, flags, protocol)?))
    }

    /// Returns the next announcement that has arrived; other ARP packets are skipped.
    pub(super) fn next(&self) -> Option<Announcement> {
        loop {
            let mut frame = [0; FRAME];
            let (length, _) = recv(&self.0, &mut frame, RecvFlags::empty()).ok()?;
            let whole = length == FRAME;
            if let Some(found) = whole.then(|| parse(&frame, Instant::now())).flatten() {
                return Some(found);
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reads a packet whose sender announces its own address.
fn parse(frame: &[u8; FRAME], at: Instant) -> Option<Announcement> {
    let arp = frame.get(14..)?;
    let address = |at: usize| -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(*arp.get(at..)?.first_chunk::<4>()?))
    };
    let (sender_address, target_address) = (address(14)?, address(24)?);
    let request = match arp.get(6..8)? {
        [0, 1] => true,
        [0, 2] => false,
        _ => return None,
    };
    let gratuitous = arp.starts_with(&KIND) && sender_address == target_address;
    let sender = *arp.get(8..)?.first_chunk()?;
    gratuitous.then_some(Announcement { at, address: sender_address, sender, request })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(operation: u8, target: [u8; 4]) -> [u8; FRAME] {
        let mut frame = [0; FRAME];
        frame[14..20].copy_from_slice(&KIND);
        frame[21] = operation;
        frame[22..28].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
        frame[28..32].copy_from_slice(&[192, 168, 122, 100]);
        frame[38..42].copy_from_slice(&target);
        frame
    }

    #[test]
    fn arp_announcement_is_parsed_with_address_and_sender() {
        let found = parse(&frame(1, [192, 168, 122, 100]), Instant::now()).unwrap();
        assert_eq!(found.address, Ipv4Addr::new(192, 168, 122, 100));
        assert_eq!(found.sender, [2, 0, 0, 0, 0, 7]);
        assert!(found.request);
        assert!(!parse(&frame(2, [192, 168, 122, 100]), Instant::now()).unwrap().request);
    }

    #[test]
    fn arp_frame_with_other_target_or_operation_is_no_announcement() {
        assert_eq!(parse(&frame(1, [192, 168, 122, 1]), Instant::now()), None);
        assert_eq!(parse(&frame(3, [192, 168, 122, 100]), Instant::now()), None);
    }
}
