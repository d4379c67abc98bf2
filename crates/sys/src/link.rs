//! Links: media that carry our messages to peers and theirs to us.

mod datagram;
mod serial;
mod socket;
mod spec;
#[cfg(test)]
mod tests;

pub use serial::Waiting;
pub use spec::LinkSpec;

use datagram::Datagrams;
use serial::Serial;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::BorrowedFd;

/// How messages look on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A message is a datagram, framed or classic.
    Datagram,
    /// Messages follow each other in a stream and are classic text.
    Text,
}

/// What a message is to a medium that is too slow for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Our newest sign of life: where too much waits, before all of it and in the place of an older
    /// one.
    Beat,
    /// Anything else, in its order.
    Other,
    /// What was sent before and is asked for: only while little waits. It will be asked for again,
    /// and would only make a slow line slower.
    Again,
}

/// A message that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its length in bytes.
    pub length: usize,
    /// The address that it claims to come from, which anybody can forge. A serial line has none.
    pub source: Option<IpAddr>,
}

/// An open medium. Nothing here ever blocks but opening, which may ask a name server, wait for
/// the kernel's lock on the network, or for a break on a serial line.
///
/// A link whose interface is unplugged stays a link: sending gives an error each time. One whose
/// interface is gone must be opened anew when the interface is there again.
#[derive(Debug)]
pub struct Link {
    spec: LinkSpec,
    medium: Medium,
}

#[derive(Debug)]
enum Medium {
    Datagrams(Datagrams),
    Serial(Serial),
}

impl Link {
    /// Opens a link, with a receiver of its own.
    ///
    /// # Errors
    ///
    /// `NotFound` for a host without an IPv4 address, `ENODEV` without the interface, `EPERM`
    /// without `CAP_NET_RAW`, and whatever sockets refuse; for a serial line `ResourceBusy` while
    /// another process has its lock.
    pub fn open(spec: &LinkSpec) -> io::Result<Self> {
        Self::open_with(spec, true)
    }

    /// Opens a link beside open ones. If one of them listens on its device and port already, that
    /// one receives for both: with a receiver each, the kernel would deal datagrams out between
    /// them, or give broadcasts to both.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_beside<'a>(
        spec: &LinkSpec,
        mut listening: impl Iterator<Item = &'a LinkSpec>,
    ) -> io::Result<Self> {
        let is_heard = listening.any(|other| spec.shares_receiver(other));
        Self::open_with(spec, !is_heard)
    }

    /// Opens links, each beside those before it.
    #[must_use]
    pub fn open_all(specs: &[LinkSpec]) -> Vec<io::Result<Self>> {
        let mut listening: Vec<&LinkSpec> = Vec::new();
        let open = |spec| {
            let link = Self::open_beside(spec, listening.iter().copied())?;
            if link.listens() {
                listening.push(spec);
            }
            Ok(link)
        };
        specs.iter().map(open).collect()
    }

    fn open_with(spec: &LinkSpec, listens: bool) -> io::Result<Self> {
        let opened = match spec {
            LinkSpec::Unicast { device, host, port } => {
                Datagrams::unicast(device, resolve(host)?, *port, listens)
            }
            LinkSpec::Broadcast { device, port } => Datagrams::broadcast(device, *port, listens),
            LinkSpec::Multicast { device, group, port, ttl, loopback } => {
                let target = SocketAddrV4::new(*group, *port);
                Datagrams::multicast(device, target, (*ttl, *loopback), listens)
            }
            LinkSpec::Unicast6 { device, address, port } => {
                Datagrams::unicast6(device, *address, *port, listens)
            }
            LinkSpec::Multicast6 { device, group, port, hops, loopback } => {
                Datagrams::multicast6(device, (*group, *port), (*hops, *loopback), listens)
            }
            LinkSpec::Serial { tty, baud, patience } => {
                let medium = Medium::Serial(Serial::open(tty, *baud, *patience)?);
                return Ok(Self { spec: spec.clone(), medium });
            }
        };
        Ok(Self { spec: spec.clone(), medium: Medium::Datagrams(opened?) })
    }

    /// Whether it receives, for itself and perhaps for others.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.fd().is_some()
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// The message is lost then: `WouldBlock` when the interface's queue is full, `ENETUNREACH`,
    /// `ENETDOWN`, `ENODEV` or the like without the interface, `EMSGSIZE` when it is too long. On a
    /// serial line an earlier message may be the one that is lost: `ENOBUFS` when the line is too
    /// slow, `ETIMEDOUT` when it takes nothing at all.
    pub fn send(&mut self, message: &[u8], urgency: Urgency) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.send(message),
            Medium::Serial(serial) => serial.send(message, urgency),
        }
    }

    /// Goes on with messages that wait for a slow line.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), about messages that were taken before.
    pub fn write_on(&mut self) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(_) => Ok(()),
            Medium::Serial(serial) => serial.write_on(),
        }
    }

    /// What messages that were taken wait for, if any do; [`write_on`](Self::write_on) is due then.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        match &self.medium {
            Medium::Datagrams(_) => None,
            Medium::Serial(serial) => serial.waiting(),
        }
    }

    /// Whether everything that was taken is on the wire.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        match &self.medium {
            Medium::Datagrams(_) => true,
            Medium::Serial(serial) => serial.is_drained(),
        }
    }

    /// Reads the next message that has come.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a message longer than `buffer`, which is lost then; otherwise those of
    /// recv(2) and read(2). The next call goes on behind what failed.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.receive(buffer),
            Medium::Serial(serial) => {
                let length = serial.receive(buffer)?;
                Ok(length.map(|length| Received { length, source: None }))
            }
        }
    }

    /// What becomes readable when a message comes, or nothing when another link receives for it.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.medium {
            Medium::Datagrams(datagrams) => datagrams.fd(),
            Medium::Serial(serial) => serial.fd(),
        }
    }

    /// How messages must look on it.
    #[must_use]
    pub fn form(&self) -> Form {
        self.spec.form()
    }

    /// Whether it leads nowhere any more, because its interface is gone or has another name now: it
    /// must be opened anew then. To be asked when something fails.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.medium {
            Medium::Datagrams(datagrams) => datagrams.is_lost(self.spec.name()),
            Medium::Serial(serial) => serial.is_lost(),
        }
    }

    /// What it is called in messages and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// The kind of medium, by its word in `ha.cf`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.spec.kind()
    }
}

/// May ask a name server and wait for it.
fn resolve(host: &str) -> io::Result<Ipv4Addr> {
    use std::net::{SocketAddr, ToSocketAddrs};
    let first = (host, 0).to_socket_addrs()?.find_map(|address| match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    });
    first.ok_or_else(|| io::ErrorKind::NotFound.into())
}
