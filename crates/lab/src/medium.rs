//! Media of the nodes' `ha.cf`.

use crate::{Link, Node};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The UDP port of every medium.
const PORT: u16 = 694;
/// The group of `mcast`.
const GROUP: Ipv4Addr = Ipv4Addr::new(225, 0, 0, 1);
/// The group of `mcast6`: of link scope, and not assigned.
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 1, 2, 3, 4);

/// The end of the serial cable in a node.
pub(crate) const TERMINAL: &str = "/run/systole-lab/ttyS0";

/// A medium that joins both nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// UDP to the other node.
    Ucast(Link),
    /// UDP to the broadcast address.
    Bcast(Link),
    /// UDP to an IPv4 group.
    Mcast(Link),
    /// UDP to the other node's IPv6 address.
    Ucast6(Link),
    /// UDP to an IPv6 group.
    Mcast6(Link),
    /// A null-modem cable.
    Serial,
}

impl Medium {
    /// Returns its line in the `ha.cf` of a node.
    #[must_use]
    pub fn line(self, node: Node) -> String {
        let other = node.other();
        match self {
            Self::Ucast(link) => format!("ucast {} {}", link.interface(), link.address(other)),
            Self::Bcast(link) => format!("bcast {}", link.interface()),
            Self::Mcast(link) => format!("mcast {} {GROUP} {PORT} 1 0", link.interface()),
            Self::Ucast6(link) => format!("ucast6 {} {}", link.interface(), link.address6(other)),
            Self::Mcast6(link) => format!("mcast6 {} {GROUP6} {PORT} 1 0", link.interface()),
            Self::Serial => format!("serial {TERMINAL}"),
        }
    }

    /// Returns the name of its links in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ucast(link)
            | Self::Bcast(link)
            | Self::Mcast(link)
            | Self::Ucast6(link)
            | Self::Mcast6(link) => link.interface(),
            Self::Serial => TERMINAL,
        }
    }

    /// Returns the wire that it uses, if it uses one of the network.
    #[must_use]
    pub const fn link(self) -> Option<Link> {
        match self {
            Self::Ucast(link)
            | Self::Bcast(link)
            | Self::Mcast(link)
            | Self::Ucast6(link)
            | Self::Mcast6(link) => Some(link),
            Self::Serial => None,
        }
    }
}
