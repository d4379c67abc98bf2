//! The addresses under which nodes reach each other on the service network.

use crate::Mac;
use std::net::IpAddr;

/// The name of the link over the service network. It is as long as names of interfaces can be, so that no
/// short one equals it.
pub const SERVICE_LINK: &str = "service-network";

/// Where one node can be reached on the networks of the floating addresses: a few of its addresses there.
///
/// Each node tells the others in its beats. Beats are also sent to these IP addresses, so that two nodes hear each other for
/// as long as the network of their clients carries packets. The Ethernet addresses show which machine answers for a floating
/// address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceAddresses {
    ips: [Option<IpAddr>; Self::MAX],
    macs: [Option<Mac>; Self::MAX],
}

impl ServiceAddresses {
    /// Most addresses of each kind; more are left out.
    pub const MAX: usize = 4;
    /// No address.
    pub const NONE: Self = Self { ips: [None; Self::MAX], macs: [None; Self::MAX] };

    /// Adds an IP address. Returns whether there was room for it; one that is known takes no room.
    pub fn add(&mut self, address: IpAddr) -> bool {
        add(&mut self.ips, address)
    }

    /// Adds an Ethernet address, likewise.
    pub fn add_mac(&mut self, mac: Mac) -> bool {
        add(&mut self.macs, mac)
    }

    /// Forgets the Ethernet addresses, for a node that has more than there is room for: which machine it is cannot be told by
    /// some of them.
    pub fn clear_macs(&mut self) {
        self.macs = [None; Self::MAX];
    }

    /// The IP addresses, in the order in which they were added.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.ips.iter().flatten().copied()
    }

    /// The Ethernet addresses, likewise.
    pub fn macs(&self) -> impl Iterator<Item = Mac> + Clone + '_ {
        self.macs.iter().flatten().copied()
    }

    /// Whether there is no IP address.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ips[0].is_none()
    }
}

fn add<T: PartialEq + Copy>(places: &mut [Option<T>], item: T) -> bool {
    let place = places.iter_mut().find(|known| known.is_none_or(|known| known == item));
    place.map(|place| *place = Some(item)).is_some()
}

impl FromIterator<IpAddr> for ServiceAddresses {
    fn from_iter<Addresses: IntoIterator<Item = IpAddr>>(addresses: Addresses) -> Self {
        let mut found = Self::NONE;
        addresses.into_iter().all(|address| found.add(address));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_addresses_are_kept_in_order_once_and_at_most_four() {
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        let found: ServiceAddresses = [1, 2, 1, 3, 4, 5].map(address).into_iter().collect();
        assert!(found.ips().eq([1, 2, 3, 4].map(address)));
        assert!(ServiceAddresses::NONE.is_empty() && !found.is_empty());
    }
}
