//! Links: media that carry the messages of this node to peers, and theirs to this node.

mod datagram;
mod serial;
mod service;
mod socket;
mod spec;
#[cfg(test)]
mod tests;

pub use serial::Waiting;
pub use service::broadcast_of;
pub use spec::LinkSpec;

use datagram::Datagrams;
use serial::Serial;
use service::ServiceNetwork;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::BorrowedFd;

/// The form of messages on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each message is a datagram, framed or classic.
    Datagram,
    /// Messages follow each other in a stream and are classic text.
    Text,
}

/// The urgency of a message on a medium that is too slow for all messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The newest beat of this node: where too many messages wait, it overtakes all of them and replaces
    /// older beats.
    Beat,
    /// Any other message, in its order.
    Other,
    /// A message that is sent again because a peer asked for it: taken only while few messages wait. The peer
    /// will ask for it again, and sending it now would only make a slow line slower.
    Again,
}

/// A message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its length in bytes.
    pub length: usize,
    /// The address that it claims to come from, which anyone can forge. A serial line has none.
    pub source: Option<IpAddr>,
}

/// An open medium. No operation blocks except opening, which may query a name server, wait for the kernel's
/// lock on the network, or for a break on a serial line.
///
/// A link whose interface is unplugged stays a link: each send returns an error. A link whose interface is
/// gone must be opened again when the interface is back.
#[derive(Debug)]
pub struct Link {
    spec: LinkSpec,
    medium: Medium,
}

#[derive(Debug)]
enum Medium {
    Datagrams(Datagrams),
    Service(ServiceNetwork),
    Serial(Serial),
}

impl Link {
    /// Opens a link, with its own receiver.
    ///
    /// # Errors
    ///
    /// `NotFound` for a host without an IPv4 address, `ENODEV` without the interface, `EPERM`
    /// without `CAP_NET_RAW`, and whatever sockets refuse; for a serial line `ResourceBusy` while
    /// another process has its lock.
    pub fn open(spec: &LinkSpec) -> io::Result<Self> {
        Self::open_with(spec, true)
    }

    /// Opens a link in addition to open ones. If one of them already listens on its device and port, that
    /// link receives for both: with a receiver each, the kernel would distribute datagrams between them, or
    /// deliver broadcasts to both.
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

    /// Opens links, each in addition to those before it.
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
            LinkSpec::Service { port, .. } => {
                let medium = Medium::Service(ServiceNetwork::open(*port)?);
                return Ok(Self { spec: spec.clone(), medium });
            }
            LinkSpec::Serial { tty, baud, patience } => {
                let medium = Medium::Serial(Serial::open(tty, *baud, *patience)?);
                return Ok(Self { spec: spec.clone(), medium });
            }
        };
        Ok(Self { spec: spec.clone(), medium: Medium::Datagrams(opened?) })
    }

    /// Returns whether it receives, for itself and perhaps for others.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.fd().is_some()
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// The message is lost in this case: `WouldBlock` when the queue of the interface is full, `ENETUNREACH`,
    /// `ENETDOWN`, `ENODEV` or the like without the interface, `EMSGSIZE` when the message is too long. On a
    /// serial line an earlier message may be the one that is lost: `ENOBUFS` when the line is too slow,
    /// `ETIMEDOUT` when it takes nothing at all.
    pub fn send(&mut self, message: &[u8], urgency: Urgency) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.send(message),
            Medium::Service(service) => service.send(message),
            Medium::Serial(serial) => serial.send(message, urgency),
        }
    }

    /// Continues to send messages that wait for a slow line.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), about messages that were accepted before.
    pub fn write_on(&mut self) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(_) | Medium::Service(_) => Ok(()),
            Medium::Serial(serial) => serial.write_on(),
        }
    }

    /// Returns what accepted messages wait for, if there are any; [`write_on`](Self::write_on) is due then.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        match &self.medium {
            Medium::Datagrams(_) | Medium::Service(_) => None,
            Medium::Serial(serial) => serial.waiting(),
        }
    }

    /// Returns whether all accepted messages have been transmitted.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        match &self.medium {
            Medium::Datagrams(_) | Medium::Service(_) => true,
            Medium::Serial(serial) => serial.is_drained(),
        }
    }

    /// Reads the next received message.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a message longer than `buffer`, which is lost then; otherwise those of recv(2) and
    /// read(2). The next call continues after what failed.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.receive(buffer),
            Medium::Service(service) => service.receive(buffer),
            Medium::Serial(serial) => {
                let length = serial.receive(buffer)?;
                Ok(length.map(|length| Received { length, source: None }))
            }
        }
    }

    /// Returns the descriptor that becomes readable when a message comes, or `None` when another link
    /// receives for it.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.medium {
            Medium::Datagrams(datagrams) => datagrams.fd(),
            Medium::Service(service) => Some(service.fd()),
            Medium::Serial(serial) => serial.fd(),
        }
    }

    /// Returns the form that messages must have on it.
    #[must_use]
    pub fn form(&self) -> Form {
        self.spec.form()
    }

    /// Returns whether it no longer leads anywhere, because its interface is gone or has another name now: in
    /// this case it must be opened again. Ask this when something fails.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.medium {
            Medium::Datagrams(datagrams) => datagrams.is_lost(self.spec.name()),
            Medium::Service(_) => false,
            Medium::Serial(serial) => serial.is_lost(),
        }
    }

    /// Returns whether it leads over the service network.
    #[must_use]
    pub const fn is_service(&self) -> bool {
        self.spec.is_service()
    }

    /// Sets where the link over the service network sends to, without allocating memory. Other links have their targets.
    pub fn aim(&mut self, targets: impl Iterator<Item = IpAddr>) {
        if let Medium::Service(service) = &mut self.medium {
            service.aim(targets);
        }
    }

    /// Returns its name in messages and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// Returns the kind of medium, as its word in `ha.cf`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.spec.kind()
    }
}

/// Resolves a host name. May query a name server and wait for it.
fn resolve(host: &str) -> io::Result<Ipv4Addr> {
    use std::net::{SocketAddr, ToSocketAddrs};
    let first = (host, 0).to_socket_addrs()?.find_map(|address| match address {
        SocketAddr::V4(address) => Some(*address.ip()),
        SocketAddr::V6(_) => None,
    });
    first.ok_or_else(|| io::ErrorKind::NotFound.into())
}
