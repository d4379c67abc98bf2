//! Interfaces, floating addresses and their announcements.
//!
//! A floating address carries a mark ([`PROTOCOL`]) and a lifetime that the executor renews: when all Systole
//! processes die at once, the kernel removes the address.

mod announce;
mod choose;
mod claims;
mod frame;
mod netlink;

pub use announce::{Announcements, Announcer};
pub use choose::{ChooseError, choose};
pub use claims::{Claim, ClaimListener, Family, claim};
pub use frame::{ArpForm, gratuitous_arp, neighbour_advertisement};
pub use netlink::{Addresses, Change, Presence, Removed, Watch};

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The mark of floating addresses (`IFA_PROTO`, shown by `ip -details address` as `proto 0x53`).
///
/// Kernels before 5.18 do not keep the mark; there an address counts as a floating address if its lifetime is
/// short.
pub const PROTOCOL: u8 = 0x53;

/// The number and the name of the loopback interface.
const LOOPBACK: (u32, &str) = (1, "lo");
/// The longest lifetime of a floating address.
pub const LIFETIME_MAX: Duration = Duration::from_mins(1);

/// The addresses, interfaces and networks of the kernel at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// All interfaces.
    pub interfaces: Vec<Interface>,
    /// Networks that are reachable without a gateway.
    pub routes: Vec<Route>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number in the kernel.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether its cable, or the equivalent of a cable, is plugged in.
    pub has_carrier: bool,
    /// Whether it is a loopback interface.
    pub is_loopback: bool,
    /// Its Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// The longest packet in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// An address on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The length of its network's prefix.
    pub prefix: u8,
    /// Its broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// Its label (IPv4), which is the name of the interface unless another label was given.
    pub label: Option<String>,
    /// Flags as in `IFA_FLAGS` (rtnetlink(7)).
    pub flags: u32,
    /// What added it (`IFA_PROTO`), if the kernel knows.
    pub protocol: Option<u8>,
    /// Its remaining lifetime; absent means forever.
    pub valid_for: Option<Duration>,
}

impl Address {
    /// Returns whether Systole added it: it has the mark, or, on a kernel without marks, a short lifetime.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self.protocol {
            Some(protocol) => protocol == PROTOCOL,
            None => self.valid_for.is_some_and(|span| span <= LIFETIME_MAX),
        }
    }

    /// Returns whether its lifetime is over, although the kernel has not removed it yet.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.valid_for == Some(Duration::ZERO)
    }
}

/// A network that is reachable over an interface without a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Any address of the network.
    pub network: IpAddr,
    /// Length of its prefix.
    pub prefix: u8,
    /// The interface's number in the kernel.
    pub interface: u32,
}

impl Network {
    /// Finds the interface with this name.
    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// Records an address that is about to be added, so that the next call of [`choose`] finds it there.
    pub fn note(&mut self, placed: &Placed) {
        let at = self.interfaces.iter_mut().find(|interface| interface.index == placed.index);
        let Some(interface) = at else { return };
        interface.addresses.push(Address {
            ip: placed.address,
            prefix: placed.prefix,
            broadcast: placed.broadcast,
            label: placed.label.clone(),
            flags: 0,
            protocol: Some(PROTOCOL),
            valid_for: None,
        });
    }

    /// Finds where a floating address is, if it exists and is not expired.
    #[must_use]
    pub fn find(&self, wanted: &Wanted) -> Option<(&Interface, &Address)> {
        let places = self.interfaces.iter().filter(|interface| wanted.may_be_on(interface));
        let mut found = places.flat_map(|interface| {
            interface.addresses.iter().map(move |address| (interface, address))
        });
        found.find(|(_, address)| address.ip == wanted.address && !address.is_expired())
    }
}

/// A floating address as the administrator wants it; absent parts are chosen by [`choose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: Option<u8>,
    /// Interface, or interface and label (`eth0:1`).
    pub interface: Option<String>,
    /// Broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
}

impl Wanted {
    /// Returns the name of the requested interface, without the label.
    #[must_use]
    pub fn interface_name(&self) -> Option<&str> {
        let word = self.interface.as_deref()?;
        Some(word.split_once(':').map_or(word, |(name, _)| name))
    }

    /// Returns whether the address counts as present when it is on `interface`.
    ///
    /// It does on any interface except a loopback interface, where load balancers keep addresses that no
    /// machine announces; there it counts only if the administrator named the interface.
    fn may_be_on(&self, interface: &Interface) -> bool {
        !interface.is_loopback || self.interface_name() == Some(&interface.name)
    }

    /// Returns the same for the interface with this number, without asking for its name: in every network
    /// namespace the one loopback interface has number 1.
    fn may_be_at(&self, index: u32) -> bool {
        index != LOOPBACK.0 || self.interface_name() == Some(LOOPBACK.1)
    }
}

/// A floating address with every part chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// Broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// The interface's name.
    pub interface: String,
    /// The interface's number in the kernel.
    pub index: u32,
    /// The interface's Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// Label (IPv4), if it differs from the name of the interface.
    pub label: Option<String>,
    /// Whether the kernel must make a route to the network of the address.
    ///
    /// Not where the interface already has an address in an IPv6 network: the kernel keeps one route for all
    /// addresses of a network, and would let it expire with the lifetime of the floating address.
    pub makes_route: bool,
}

impl Placed {
    /// Returns what is logged when the address is added, in the words of the `IPaddr2` agent.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { address, prefix, interface, .. } = self;
        let family = if address.is_ipv6() { "inet6" } else { "inet" };
        let mut text = format!("Adding {family} address {address}/{prefix}");
        if let Some(broadcast) = self.broadcast {
            text += " with broadcast address ";
            text += &broadcast.to_string();
        }
        text += " to device ";
        text += interface;
        if let Some(label) = &self.label {
            text += " (with label ";
            text += label;
            text += ")";
        }
        text
    }
}

/// An address that was removed from an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// The interface's name, or its number if it has gone since.
    pub interface: String,
}

impl Taken {
    /// Returns what is logged when the address was removed.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { address, prefix, interface } = self;
        let family = if address.is_ipv6() { "inet6" } else { "inet" };
        format!("Removing {family} address {address}/{prefix} from device {interface}")
    }
}

/// Takes a snapshot of the machine's network, with all its routes.
///
/// # Errors
///
/// When the kernel refuses a netlink socket, or its answer cannot be read.
pub fn network() -> std::io::Result<Network> {
    Addresses::open()?.network()
}

/// Returns all interfaces with their addresses.
///
/// # Errors
///
/// As [`network`].
pub fn interfaces() -> std::io::Result<Vec<Interface>> {
    Addresses::open()?.interfaces()
}

#[cfg(test)]
mod tests;
