//! Interfaces, floating addresses and their announcements.
//!
//! A floating address carries a mark ([`PROTOCOL`]) and a lifetime that its keeper renews: when every process of ours dies at once, the kernel removes it.

mod announce;
mod choose;
mod frame;
mod netlink;

pub use announce::{Announcements, Announcer};
pub use choose::{ChooseError, choose};
pub use frame::{ArpForm, gratuitous_arp, neighbour_advertisement};
pub use netlink::{Addresses, Change, Presence, Removed, Watch};

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The mark of our addresses (`IFA_PROTO`, shown by `ip -details address` as `proto 0x53`).
///
/// Kernels before 5.18 do not keep it; there an address counts as ours by its short lifetime.
pub const PROTOCOL: u8 = 0x53;

/// The number and the name of the loopback interface.
const LOOPBACK: (u32, &str) = (1, "lo");
/// Longest lifetime that an address of ours has.
pub const LIFETIME_MAX: Duration = Duration::from_mins(1);

/// What the kernel says about addresses, interfaces and networks at one moment.
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
    /// Whether its cable, or what stands for it, is plugged in.
    pub has_carrier: bool,
    /// Whether it is a loopback interface.
    pub is_loopback: bool,
    /// Its Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// Longest packet in bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// An address on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// Its broadcast address (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// Its label (IPv4), which is the interface's name unless another was given.
    pub label: Option<String>,
    /// Flags as in `IFA_FLAGS` (rtnetlink(7)).
    pub flags: u32,
    /// Who made it (`IFA_PROTO`), if the kernel knows.
    pub protocol: Option<u8>,
    /// How long it will live yet; absent means forever.
    pub valid_for: Option<Duration>,
}

impl Address {
    /// Whether we added it: it has our mark, or on a kernel without marks our short lifetime.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self.protocol {
            Some(protocol) => protocol == PROTOCOL,
            None => self.valid_for.is_some_and(|span| span <= LIFETIME_MAX),
        }
    }

    /// Whether its lifetime is over, though the kernel has not swept it away yet.
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
    /// The interface with this name.
    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// Notes an address that is about to be added by us, so that what is chosen next finds it there.
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

    /// Where a floating address is, if it is anywhere and not expired.
    #[must_use]
    pub fn find(&self, wanted: &Wanted) -> Option<(&Interface, &Address)> {
        let places = self.interfaces.iter().filter(|interface| wanted.may_be_on(interface));
        let mut found = places.flat_map(|interface| {
            interface.addresses.iter().map(move |address| (interface, address))
        });
        found.find(|(_, address)| address.ip == wanted.address && !address.is_expired())
    }
}

/// A floating address as the administrator wants it; what is absent is chosen by [`choose`].
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
    /// The name of the interface that was asked for, without the label.
    #[must_use]
    pub fn interface_name(&self) -> Option<&str> {
        let word = self.interface.as_deref()?;
        Some(word.split_once(':').map_or(word, |(name, _)| name))
    }

    /// Whether the address counts as present when it is on `interface`.
    ///
    /// On any interface but a loopback one, where load balancers keep addresses of their own that
    /// nobody announces; there only if the administrator named it.
    fn may_be_on(&self, interface: &Interface) -> bool {
        !interface.is_loopback || self.interface_name() == Some(&interface.name)
    }

    /// The same of the interface with this number, whose name nobody has asked for: in every network
    /// namespace the one loopback interface has number 1.
    fn may_be_at(&self, index: u32) -> bool {
        index != LOOPBACK.0 || self.interface_name() == Some(LOOPBACK.1)
    }
}

/// A floating address with everything chosen.
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
    /// Label (IPv4), if another than the interface's name is wanted.
    pub label: Option<String>,
    /// Whether the kernel shall make a route to the address's network.
    ///
    /// Not where an IPv6 network is on the interface already: the kernel keeps one route for all
    /// addresses of a network, and would let it expire with our lifetime.
    pub makes_route: bool,
}

impl Placed {
    /// What the log says when the address is added, in the words of the `IPaddr2` agent.
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

/// Takes a picture of the machine's network, with all its routes.
///
/// # Errors
///
/// When the kernel refuses a netlink socket or an answer.
pub fn network() -> std::io::Result<Network> {
    Addresses::open()?.network()
}

/// All interfaces with their addresses.
///
/// # Errors
///
/// As [`network`].
pub fn interfaces() -> std::io::Result<Vec<Interface>> {
    Addresses::open()?.interfaces()
}

#[cfg(test)]
mod tests;
