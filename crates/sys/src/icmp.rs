//! Echo requests to ping nodes, and their replies (RFC 792, RFC 4443).

use rustix::io::Errno;
use rustix::net::{RecvFlags, recvfrom};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// The length of the header in bytes: type and code with one byte each; checksum, identifier and sequence
/// with two each.
const HEADER: usize = 8;

/// The smallest and, with options, the largest header of IPv4, in bytes.
const IPV4_HEADER: Range<usize> = 20..60;

/// The longest payload of a request in bytes: it passes every Ethernet in one piece.
pub const PAYLOAD_MAX: usize = 1400;

/// The room that [`Echo::receive`] needs for any reply to a request of this node, in bytes.
pub const REPLY_MAX: usize = IPV4_HEADER.end + HEADER + PAYLOAD_MAX;

/// The most packets of other senders that one call reads; a flood of them must not hold up the caller.
const STRANGERS_AT_ONCE: usize = 32;

/// The IP version of an [`Echo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// IPv4, with ICMP.
    V4,
    /// IPv6, with `ICMPv6`.
    V6,
}

impl Version {
    /// Returns the version of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }
}

/// A reply to a request of this node. Nothing in it is proven: any host can send one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The address from which it came.
    pub source: IpAddr,
    /// The sequence number of the request.
    pub sequence: u16,
    /// The position of its payload in the buffer.
    pub payload: Range<usize>,
}

/// A raw socket that sends echo requests with one identifier, to any number of ping nodes, and
/// reads the replies. Never blocks.
#[derive(Debug)]
pub struct Echo {
    socket: Socket,
    version: Version,
    identifier: [u8; 2],
}

impl Echo {
    /// Opens a socket. The identifier is sent in the machine's byte order, as by heartbeat.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_RAW`.
    pub fn open(version: Version, identifier: u16) -> io::Result<Self> {
        let (domain, protocol) = match version {
            Version::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Version::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
        accept_replies_only(&socket, version)?;
        Ok(Self { socket, version, identifier: identifier.to_ne_bytes() })
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an address of the other version or a payload longer than [`PAYLOAD_MAX`];
    /// `ENETUNREACH` and the like; `WouldBlock` when the queue of the interface is full.
    pub fn send(&self, to: IpAddr, sequence: u16, payload: &[u8]) -> io::Result<()> {
        if Version::of(to) != self.version || payload.len() > PAYLOAD_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut header = [0; HEADER];
        header[0] = self.version.request();
        header[4..6].copy_from_slice(&self.identifier);
        header[6..8].copy_from_slice(&sequence.to_be_bytes());
        if self.version == Version::V4 {
            // For IPv6 the kernel computes the checksum: it covers addresses that only the kernel knows.
            let sum = checksum(&header, payload);
            header[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        let address: SockAddr = SocketAddr::new(to, 0).into();
        let parts = [IoSlice::new(&header), IoSlice::new(payload)];
        self.socket.send_to_vectored(&parts, &address).map(|_| ())
    }

    /// Reads the next reply into `buffer`, which should have room for [`REPLY_MAX`] bytes.
    ///
    /// Replies to others, and broken or truncated replies, are skipped. `None` may also mean that there were
    /// many of these; in this case the descriptor stays readable.
    ///
    /// # Errors
    ///
    /// Those of recvfrom(2).
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Reply>> {
        for _ in 0..STRANGERS_AT_ONCE {
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            let (length, source) = match recvfrom(&self.socket, &mut *buffer, flags) {
                Ok((_, length, source)) => (length, source),
                Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let source = source.and_then(|source| SocketAddr::try_from(source).ok());
            let packet = buffer.get(..length);
            if let (Some(source), Some(packet)) = (source, packet)
                && let Some((sequence, payload)) = self.parse(packet)
            {
                return Ok(Some(Reply { source: source.ip(), sequence, payload }));
            }
        }
        Ok(None)
    }

    fn parse(&self, packet: &[u8]) -> Option<(u16, Range<usize>)> {
        let start = match self.version {
            Version::V4 => ipv4_header(packet)?,
            // The kernel removes the header of IPv6.
            Version::V6 => 0,
        };
        let header: &[u8; HEADER] = packet.get(start..)?.first_chunk()?;
        let [kind, code, _, _, id_high, id_low, sequence_high, sequence_low] = *header;
        let is_ours = kind == self.version.reply()
            && code == 0
            && [id_high, id_low] == self.identifier
            // The kernel checks the checksum of ICMPv6, but not that of ICMP.
            && (self.version == Version::V6 || checksum(&packet[start..], &[]) == 0);
        is_ours.then(|| {
            (u16::from_be_bytes([sequence_high, sequence_low]), start + HEADER..packet.len())
        })
    }
}

impl AsFd for Echo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Returns the length of the header of an IPv4 packet (RFC 791).
fn ipv4_header(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= IPV4_HEADER.start).then_some(length)
}

/// Returns the Internet checksum (RFC 1071) of both parts; the length of the first part is even.
fn checksum(first: &[u8], second: &[u8]) -> u16 {
    let words = first.chunks(2).chain(second.chunks(2));
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)])))
        .sum();
    // At most 65 KiB are summed, so that folding twice leaves no carry.
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

/// Installs a filter; without it every ICMP packet of the machine would wake the caller.
fn accept_replies_only(socket: &Socket, version: Version) -> io::Result<()> {
    /// `ICMP_FILTER` of linux/icmp.h: a set bit blocks the type of that number.
    const ICMP_FILTER: i32 = 1;
    /// `ICMPV6_FILTER` of linux/icmpv6.h: as above, for 256 types.
    const ICMPV6_FILTER: i32 = 1;
    let mut blocked = [u32::MAX; 8];
    let kind = version.reply();
    blocked[usize::from(kind / 32)] &= !(1 << (kind % 32));
    let (level, option, words) = match version {
        Version::V4 => (libc::SOL_RAW, ICMP_FILTER, 1),
        Version::V6 => (libc::IPPROTO_ICMPV6, ICMPV6_FILTER, blocked.len()),
    };
    let size = libc::socklen_t::try_from(words * size_of::<u32>())
        .map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `blocked` is at least `size` bytes that outlive the call, which only reads them.
    let code = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, blocked.as_ptr().cast(), size)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn in_network(test: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(|| {
            crate::namespace::make_network().unwrap();
            let words = ["link", "set", "lo", "up"];
            assert!(std::process::Command::new("ip").args(words).status().unwrap().success());
            test();
        });
        thread.join().unwrap();
    }

    fn is_readable(echo: &Echo, seconds: i64) -> bool {
        let limit = Timespec { tv_sec: seconds, tv_nsec: 0 };
        poll(&mut [PollFd::new(echo, PollFlags::IN)], Some(&limit)).unwrap() == 1
    }

    #[test]
    fn echo_reply_carries_sequence_and_payload_of_its_request() {
        in_network(|| {
            for address in ["127.0.0.1", "::1"] {
                let address: IpAddr = address.parse().unwrap();
                let echo = Echo::open(Version::of(address), 0x0b00).unwrap();
                let other = Echo::open(Version::of(address), 0x0b01).unwrap();
                let mut buffer = [0; REPLY_MAX];
                // Odd and even lengths, an empty payload, and the longest.
                for (sequence, length) in [(0, 5), (1, 6), (2, 0), (u16::MAX, PAYLOAD_MAX)] {
                    let payload: Vec<_> = (0..=255).cycle().take(length).collect();
                    echo.send(address, sequence, &payload).unwrap();
                    assert!(is_readable(&echo, 5));
                    let reply = echo.receive(&mut buffer).unwrap().unwrap();
                    assert_eq!((reply.source, reply.sequence), (address, sequence));
                    assert_eq!(buffer[reply.payload], payload);
                    assert_eq!(echo.receive(&mut buffer).unwrap(), None);
                }
                assert_eq!(other.receive(&mut buffer).unwrap(), None, "replies of another");
            }
        });
    }

    #[test]
    fn echo_request_with_wrong_family_length_or_route_is_refused() {
        in_network(|| {
            let echo = Echo::open(Version::V4, 1).unwrap();
            let kind = |to: &str, payload: &[u8]| {
                echo.send(to.parse().unwrap(), 0, payload).unwrap_err().kind()
            };
            assert_eq!(kind("::1", b""), io::ErrorKind::InvalidInput);
            assert_eq!(kind("127.0.0.1", &[0; PAYLOAD_MAX + 1]), io::ErrorKind::InvalidInput);
            assert_eq!(kind("192.0.2.1", b""), io::ErrorKind::NetworkUnreachable);
            // A reply that does not fit is skipped.
            echo.send("127.0.0.1".parse().unwrap(), 0, &[0; 100]).unwrap();
            assert!(is_readable(&echo, 5));
            assert_eq!(echo.receive(&mut [0; 64]).unwrap(), None);
        });
    }

    #[test]
    fn echo_reply_truncated_or_corrupted_is_ignored() {
        in_network(|| {
            let echo = Echo::open(Version::V4, u16::from_ne_bytes([0xaa, 0xbb])).unwrap();
            let mut packet = vec![0; 20];
            packet[0] = 0x45;
            packet.extend([0, 0, 0, 0, 0xaa, 0xbb, 0x12, 0x34, b'x']);
            let sum = checksum(&packet[20..], &[]);
            packet[22..24].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(echo.parse(&packet), Some((0x1234, 28..29)));
            for length in 0..28 {
                assert_eq!(echo.parse(&packet[..length]), None, "{length}");
            }
            for at in (20..29).chain([0]) {
                let mut broken = packet.clone();
                broken[at] ^= 0x40;
                assert_eq!(echo.parse(&broken), None, "{at}");
            }
        });
    }

    #[test]
    fn icmp_checksum_matches_the_example_of_rfc_1071() {
        // The example of RFC 1071, section 3.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&bytes, &[]), !0xddf2);
        assert_eq!(checksum(&bytes[..4], &bytes[4..]), !0xddf2);
    }
}
