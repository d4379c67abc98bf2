//! Where this node can be reached on the networks of its floating addresses.

use super::Control;
use crate::beat::channel::Command;
use crate::beat::guard::{Guard, Reach, Site};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};
use systole_agents::{network_of, place_of};
use systole_core::{Group, GroupId, Mac, ServiceAddresses};
use systole_sys::address::{Address, Family, Interface, Network};
use systole_sys::link::broadcast_of;

/// Time between two looks at the addresses of this machine.
const LOOK: Duration = Duration::from_secs(5);

/// What the machine's interfaces say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    /// The addresses of this node there.
    own: ServiceAddresses,
    /// The broadcast addresses of these networks.
    broadcasts: Vec<IpAddr>,
    /// Where to ask which machine has a floating address.
    sites: Vec<Site>,
    /// The Ethernet addresses of all interfaces of this machine.
    macs: Vec<[u8; 6]>,
    /// Whether the interfaces have more Ethernet addresses than there is room for.
    has_more: bool,
}

/// What was last told to the beat thread.
#[derive(Debug, Default)]
pub(super) struct ServiceNetwork {
    told: Found,
    next_look: Option<Instant>,
}

impl Found {
    /// Finds the interfaces that carry, or would carry, the floating addresses, and what else is on them.
    fn on(network: &Network, groups: &[Group]) -> Self {
        let ids = (0..).map(GroupId).zip(groups);
        let resources = ids.flat_map(|(id, group)| group.resources.iter().map(move |it| (id, it)));
        let place = |(id, resource)| place_of(network, resource).map(|(ip, at)| (ip, at, id));
        let places: Vec<(IpAddr, u32, GroupId)> = resources.filter_map(place).collect();
        let is_floating =
            |address: IpAddr| places.iter().any(|(floating, ..)| *floating == address);
        let macs = network.interfaces.iter().filter_map(|interface| interface.mac);
        let mut found = Self { macs: macs.collect(), ..Self::default() };
        for &(floating, index, group) in &places {
            let is_its = |interface: &&Interface| interface.index == index;
            let Some(interface) = network.interfaces.iter().find(is_its) else { continue };
            found.add_site(interface, floating, group);
            for address in
                interface.addresses.iter().filter(|it| !it.is_ours() && !is_floating(it.ip))
            {
                match address.ip {
                    IpAddr::V4(ip) => {
                        let broadcast = broadcast_of(ip, address.prefix).map(IpAddr::V4);
                        let is_new = |it: &IpAddr| !found.broadcasts.contains(it);
                        found.broadcasts.extend(broadcast.filter(is_new));
                    }
                    IpAddr::V6(ip) if ip.is_unicast_link_local() => continue,
                    IpAddr::V6(_) => {}
                }
                let _ = found.own.add(address.ip);
            }
        }
        found.broadcasts.truncate(ServiceAddresses::MAX);
        if found.has_more {
            found.own.clear_macs();
        }
        found
    }

    /// Adds a floating address that is, or would be, on an interface. An interface without an Ethernet address has no
    /// neighbours to ask.
    fn add_site(&mut self, interface: &Interface, floating: IpAddr, group: GroupId) {
        let Some(mac) = interface.mac.filter(|_| !interface.is_loopback) else { return };
        if !self.own.add_mac(Mac(mac)) {
            self.has_more = true;
        }
        let (index, family) = (interface.index, Family::of(floating));
        let is_its = |site: &&mut Site| (site.interface, site.family) == (index, family);
        if let Some(site) = self.sites.iter_mut().find(is_its) {
            return site.addresses.push((floating, group));
        }
        let addresses = vec![(floating, group)];
        let local = |address: &Address| match address.ip {
            IpAddr::V6(ip) => Some(ip).filter(Ipv6Addr::is_unicast_link_local),
            IpAddr::V4(_) => None,
        };
        let source = interface.addresses.iter().find_map(local);
        self.sites.push(Site { interface: index, mac, source, family, addresses });
    }
}

impl Control {
    /// Has the machine looked at again at once, because the groups have changed.
    pub(super) fn groups_changed(&mut self) {
        self.service_network.next_look = None;
    }

    /// Tells the beat thread where this node can be reached, at the start and when that changes.
    pub(super) fn tend_service_network(&mut self) {
        let now = Instant::now();
        if self.settings.guard == systole_core::Guard::Off
            || self.service_network.next_look.is_some_and(|due| now < due)
        {
            return;
        }
        self.service_network.next_look = Some(now + LOOK);
        // A machine that cannot be looked at now keeps what it had, and is looked at again.
        let Ok(network) = network_of(&self.settings.groups) else { return };
        let reach = Found::on(&network, &self.settings.groups);
        if reach == self.service_network.told {
            return;
        }
        let guard = Guard::open(&reach.sites, reach.macs.clone());
        let result = guard.as_ref().map(drop).map_err(|error| io::Error::from(error.kind()));
        self.record_lacking("ask the network which machine has a floating address", result);
        // What cannot be opened now is tried again at the next look.
        let Ok(guard) = guard else { return };
        let (own, broadcasts) = (reach.own, reach.broadcasts.clone());
        let command = Command::Reach(Box::new(Reach { own, broadcasts, guard }));
        if self.beat.command(command).is_ok() {
            self.service_network.told = reach;
        }
    }
}
