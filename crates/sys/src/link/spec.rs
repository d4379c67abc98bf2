//! Media as configured.

use super::Form;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

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
    /// `bcast`: UDP to the broadcast address of an interface.
    Broadcast {
        /// The interface.
        device: String,
        /// UDP port of both sides.
        port: u16,
    },
    /// `mcast`: UDP to an IPv4 group.
    Multicast {
        /// The interface.
        device: String,
        /// The group.
        group: Ipv4Addr,
        /// UDP port of all members.
        port: u16,
        /// Time to live of the datagrams that are sent.
        ttl: u8,
        /// Whether this host receives the datagrams that it sent.
        loopback: bool,
    },
    /// `ucast6`: UDP to one IPv6 address.
    Unicast6 {
        /// The interface, which is also the scope of a link-local address.
        device: String,
        /// The peer's address.
        address: Ipv6Addr,
        /// UDP port of both sides.
        port: u16,
    },
    /// `mcast6`: UDP to an IPv6 group.
    Multicast6 {
        /// The interface.
        device: String,
        /// The group.
        group: Ipv6Addr,
        /// UDP port of all members.
        port: u16,
        /// Hop limit of the datagrams that are sent.
        hops: u8,
        /// Whether this host receives the datagrams that it sent.
        loopback: bool,
    },
    /// UDP to the other nodes' addresses on the networks of the floating addresses.
    Service {
        /// The name of the link.
        name: String,
        /// UDP port of all nodes.
        port: u16,
    },
    /// `serial`: a null-modem cable.
    Serial {
        /// The terminal device.
        tty: String,
        /// Bits per second.
        baud: u32,
        /// The longest time that a beat may wait for other messages, and for which a message may delay beats.
        patience: Duration,
    },
}

/// What a receiver listens to; between two media with the same one the kernel would distribute the datagrams.
#[derive(Debug, PartialEq, Eq)]
enum Ear<'a> {
    /// Every IPv4 address of an interface.
    AnyV4(&'a str, u16),
    /// Every IPv6 address of an interface.
    AnyV6(&'a str, u16),
    /// A group on an interface.
    GroupV4(&'a str, Ipv4Addr, u16),
    /// A group on an interface.
    GroupV6(&'a str, Ipv6Addr, u16),
    /// Every address of the machine.
    All(u16),
    /// A terminal device.
    Terminal(&'a str),
}

impl LinkSpec {
    /// Returns the name of the link in messages and logs: its interface or terminal device.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unicast { device, .. }
            | Self::Broadcast { device, .. }
            | Self::Multicast { device, .. }
            | Self::Unicast6 { device, .. }
            | Self::Multicast6 { device, .. } => device,
            Self::Service { name, .. } => name,
            Self::Serial { tty, .. } => tty,
        }
    }

    /// Returns the kind of medium, as its word in `ha.cf`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unicast { .. } => "ucast",
            Self::Broadcast { .. } => "bcast",
            Self::Multicast { .. } => "mcast",
            Self::Unicast6 { .. } => "ucast6",
            Self::Multicast6 { .. } => "mcast6",
            Self::Service { .. } => "guard",
            Self::Serial { .. } => "serial",
        }
    }

    /// Returns the form that messages must have on it.
    #[must_use]
    pub fn form(&self) -> Form {
        match self {
            Self::Unicast { .. }
            | Self::Broadcast { .. }
            | Self::Multicast { .. }
            | Self::Unicast6 { .. }
            | Self::Multicast6 { .. }
            | Self::Service { .. } => Form::Datagram,
            Self::Serial { .. } => Form::Text,
        }
    }

    /// Returns whether it leads over the service network, and not over a medium that `ha.cf` names.
    #[must_use]
    pub const fn is_service(&self) -> bool {
        matches!(self, Self::Service { .. })
    }

    /// Returns whether one receiver receives the messages for both media.
    #[must_use]
    pub fn shares_receiver(&self, other: &Self) -> bool {
        self.ear() == other.ear()
    }

    fn ear(&self) -> Ear<'_> {
        match self {
            Self::Unicast { device, port, .. } | Self::Broadcast { device, port } => {
                Ear::AnyV4(device, *port)
            }
            Self::Multicast { device, group, port, .. } => Ear::GroupV4(device, *group, *port),
            Self::Unicast6 { device, port, .. } => Ear::AnyV6(device, *port),
            Self::Multicast6 { device, group, port, .. } => Ear::GroupV6(device, *group, *port),
            Self::Service { port, .. } => Ear::All(*port),
            Self::Serial { tty, .. } => Ear::Terminal(tty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receiver_is_shared_only_on_the_same_device_and_port() {
        let unicast = |device: &str, host: &str, port| LinkSpec::Unicast {
            device: device.into(),
            host: host.into(),
            port,
        };
        let broadcast = |device: &str, port| LinkSpec::Broadcast { device: device.into(), port };
        let multicast = |group: [u8; 4]| LinkSpec::Multicast {
            device: "eth0".into(),
            group: group.into(),
            port: 694,
            ttl: 1,
            loopback: false,
        };
        let one = unicast("eth0", "192.0.2.1", 694);
        for (other, shares) in [
            (unicast("eth0", "192.0.2.2", 694), true),
            (broadcast("eth0", 694), true),
            (broadcast("eth1", 694), false),
            (unicast("eth0", "192.0.2.1", 695), false),
            (multicast([225, 0, 0, 1]), false),
        ] {
            assert_eq!(one.shares_receiver(&other), shares, "{other:?}");
        }
        assert!(!multicast([225, 0, 0, 1]).shares_receiver(&multicast([225, 0, 0, 2])));
    }
}
