//! The media that carry beats, and the ping nodes.

use std::net::{Ipv4Addr, Ipv6Addr};

/// One medium of `ha.cf`, with the words of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// UDP to one host.
    Ucast {
        /// The interface to which the sockets are bound.
        device: String,
        /// The peer, as a name or an address; resolved once, at the start.
        host: String,
        /// UDP port.
        port: u16,
    },
    /// UDP to the broadcast address of an interface.
    Bcast {
        /// The interface.
        device: String,
        /// UDP port.
        port: u16,
    },
    /// UDP to an IPv4 multicast group.
    Mcast {
        /// The interface.
        device: String,
        /// The group.
        group: Ipv4Addr,
        /// UDP port.
        port: u16,
        /// IP time to live of the packets that are sent.
        ttl: u8,
        /// Whether this host receives the packets that it sent.
        loopback: bool,
    },
    /// UDP to one IPv6 address.
    Ucast6 {
        /// The interface to which the sockets are bound, and the scope of a link-local address.
        device: String,
        /// The peer.
        address: Ipv6Addr,
        /// UDP port.
        port: u16,
    },
    /// UDP to an IPv6 multicast group.
    Mcast6 {
        /// The interface.
        device: String,
        /// The group.
        group: Ipv6Addr,
        /// UDP port.
        port: u16,
        /// Hop limit of the packets that are sent.
        hops: u8,
        /// Whether this host receives the packets that it sent.
        loopback: bool,
    },
    /// A serial line.
    Serial {
        /// The terminal device.
        tty: String,
        /// Bits per second.
        baud: u32,
    },
}

impl Medium {
    /// Returns whether `udpport` sets its port.
    pub(crate) const fn uses_udpport(&self) -> bool {
        match self {
            Self::Ucast { .. } | Self::Bcast { .. } | Self::Ucast6 { .. } => true,
            Self::Mcast { .. } | Self::Mcast6 { .. } | Self::Serial { .. } => false,
        }
    }

    /// Returns whether `baud` sets its rate.
    pub(crate) const fn uses_baud(&self) -> bool {
        matches!(self, Self::Serial { .. })
    }

    /// Returns the directive that declares it.
    #[must_use]
    pub const fn directive(&self) -> &'static str {
        match self {
            Self::Ucast { .. } => "ucast",
            Self::Bcast { .. } => "bcast",
            Self::Mcast { .. } => "mcast",
            Self::Ucast6 { .. } => "ucast6",
            Self::Mcast6 { .. } => "mcast6",
            Self::Serial { .. } => "serial",
        }
    }

    /// Returns the name of links over it (`Link web1:eth0 up.`): the interface or the terminal device.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Ucast { device, .. }
            | Self::Bcast { device, .. }
            | Self::Mcast { device, .. }
            | Self::Ucast6 { device, .. }
            | Self::Mcast6 { device, .. } => device,
            Self::Serial { tty, .. } => tty,
        }
    }

    /// Returns whether a node receives its own messages over it.
    #[must_use]
    pub const fn returns_own(&self) -> bool {
        match self {
            Self::Bcast { .. } => true,
            Self::Mcast { loopback, .. } | Self::Mcast6 { loopback, .. } => *loopback,
            Self::Ucast { .. } | Self::Ucast6 { .. } | Self::Serial { .. } => false,
        }
    }
}

/// A host that is pinged to learn whether the network works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingNode {
    /// The directive that declared it: `ping`, `ping6` or `ping_group`.
    pub directive: &'static str,
    /// The name of the pseudo node: the host as written, or the name of the group.
    pub name: String,
    /// The hosts; the ping node is alive while any of them answers.
    pub members: Vec<PingMember>,
}

/// A host that belongs to a ping node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingMember {
    /// A name or an address; resolved once, at the start.
    pub host: String,
    /// Whether the host is pinged over IPv6.
    pub ipv6: bool,
}
