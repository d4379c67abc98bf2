//! Links: media that carry our messages to peers and theirs to us.

mod datagram;
#[cfg(test)]
mod tests;

use datagram::Datagrams;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

/// A medium as configured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkSpec {
    /// `ucast`: UDP to one address.
    Unicast {
        /// The interface.
        device: String,
        /// The peer's address or name.
        host: String,
        /// UDP port of both sides.
        port: u16,
    },
}

impl LinkSpec {
    /// What the link is called in messages and logs: its device.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unicast { device, .. } => device,
        }
    }

    /// What kind of medium it is, by its word in `ha.cf`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unicast { .. } => "ucast",
        }
    }
}

/// How messages look on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A message is a datagram, framed or classic.
    Datagram,
    /// Messages follow each other in a stream and are classic text.
    Text,
}

/// An open medium. Nothing here ever blocks but [`open`](Self::open) of a host that is a name.
///
/// A link whose interface is unplugged or gone stays a link: sending gives an error each time.
/// When the interface was made anew, [`reopen`](Self::reopen) binds to the new one.
#[derive(Debug)]
pub struct Link {
    spec: LinkSpec,
    medium: Medium,
}

#[derive(Debug)]
enum Medium {
    Datagrams(Datagrams),
}

impl Link {
    /// Opens a link, with a receiver of its own.
    ///
    /// # Errors
    ///
    /// `NotFound` for a host without an IPv4 address, `ENODEV` without the interface, `EPERM`
    /// without `CAP_NET_RAW`, and whatever sockets refuse.
    pub fn open(spec: &LinkSpec) -> io::Result<Self> {
        Self::open_with(spec, true)
    }

    /// Opens links so that those on one device and port share a receiver: the first's.
    ///
    /// With a receiver each, the kernel would deal datagrams out among them by their source, and a
    /// message would seem to have come by the wrong link.
    #[must_use]
    pub fn open_all(specs: &[LinkSpec]) -> Vec<io::Result<Self>> {
        let mut listening: Vec<&LinkSpec> = Vec::new();
        let open = |spec| {
            let listens = !listening.iter().any(|other| shares_receiver(other, spec));
            let link = Self::open_with(spec, listens)?;
            if listens {
                listening.push(spec);
            }
            Ok(link)
        };
        specs.iter().map(open).collect()
    }

    fn open_with(spec: &LinkSpec, listens: bool) -> io::Result<Self> {
        let medium = match spec {
            LinkSpec::Unicast { device, host, port } => {
                let host = resolve(host)?;
                Medium::Datagrams(Datagrams::unicast(device, host, *port, listens)?)
            }
        };
        Ok(Self { spec: spec.clone(), medium })
    }

    /// Closes and opens the sockets again, on the interface that has the name now. The host is not
    /// resolved again: the first answer holds for the life of the daemon.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). The link stays as it was then.
    pub fn reopen(&mut self) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.reopen(self.spec.name()),
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// The message is lost then: `WouldBlock` when the interface's queue is full, `ENETUNREACH`,
    /// `ENETDOWN`, `ENODEV` or the like without the interface, `EMSGSIZE` when it is too long.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.send(message),
        }
    }

    /// Reads the next message that has come, and tells its length.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a message longer than `buffer`, which is lost then; otherwise those of
    /// recv(2). The next call goes on behind what failed.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match &mut self.medium {
            Medium::Datagrams(datagrams) => datagrams.receive(buffer),
        }
    }

    /// What becomes readable when a message comes, or nothing when another link receives for it.
    #[must_use]
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.medium {
            Medium::Datagrams(datagrams) => datagrams.fd(),
        }
    }

    /// How messages must look on it.
    #[must_use]
    pub fn form(&self) -> Form {
        match self.medium {
            Medium::Datagrams(_) => Form::Datagram,
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

fn shares_receiver(one: &LinkSpec, other: &LinkSpec) -> bool {
    match (one, other) {
        (
            LinkSpec::Unicast { device, port, .. },
            LinkSpec::Unicast { device: other_device, port: other_port, .. },
        ) => device == other_device && port == other_port,
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
