//! Translates netlink messages.

use crate::address::{Address, Interface, PROTOCOL, Placed, Route};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, CacheInfo,
};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteScope, RouteType,
};
use std::net::IpAddr;
use std::time::Duration;

/// The kernel's value for a lifetime without an end (`INFINITY_LIFE_TIME`).
const FOREVER: u32 = u32::MAX;

/// Returns the request that adds an address.
pub(super) fn new_address(placed: &Placed, span: Duration) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = placed.index;
    message.header.prefix_len = placed.prefix;
    let mut flags = AddressFlags::empty();
    message.header.family = match placed.address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => {
            flags |= AddressFlags::Nodad;
            AddressFamily::Inet6
        }
    };
    if !placed.makes_route {
        flags |= AddressFlags::Noprefixroute;
    }
    message.attributes = vec![
        AddressAttribute::Local(placed.address),
        AddressAttribute::Address(placed.address),
        AddressAttribute::Flags(flags),
        AddressAttribute::CacheInfo(lifetime(span)),
        AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)),
    ];
    message.attributes.extend(placed.broadcast.map(AddressAttribute::Broadcast));
    message.attributes.extend(placed.label.clone().map(AddressAttribute::Label));
    message
}

/// Returns the same address with this lifetime.
pub(super) fn renewed(message: &AddressMessage, span: Duration) -> AddressMessage {
    let mut message = message.clone();
    message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::CacheInfo(_)));
    message.attributes.push(AddressAttribute::CacheInfo(lifetime(span)));
    message
}

fn lifetime(span: Duration) -> CacheInfo {
    let seconds = u32::try_from(span.as_secs().max(1)).unwrap_or(FOREVER);
    let mut info = CacheInfo::default();
    info.ifa_valid = seconds;
    info.ifa_preferred = seconds;
    info
}

pub(super) fn interface(message: &LinkMessage) -> Interface {
    let mut interface = Interface {
        index: message.header.index,
        is_up: message.header.flags.contains(LinkFlags::Up),
        has_carrier: message.header.flags.contains(LinkFlags::LowerUp),
        is_loopback: message.header.flags.contains(LinkFlags::Loopback),
        ..Interface::default()
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
            // The address of a loopback interface consists of zeros.
            LinkAttribute::Address(mac) if !interface.is_loopback => {
                interface.mac = mac.as_slice().try_into().ok();
            }
            _ => {}
        }
    }
    interface
}

pub(super) fn address(message: &AddressMessage) -> Option<Address> {
    let (mut local, mut remote) = (None, None);
    let mut address = Address {
        ip: IpAddr::from([0; 4]),
        prefix: message.header.prefix_len,
        broadcast: None,
        label: None,
        flags: flags(message).bits(),
        protocol: None,
        valid_for: None,
    };
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => remote = Some(*ip),
            AddressAttribute::Broadcast(ip) => address.broadcast = Some(*ip),
            AddressAttribute::Label(label) => address.label = Some(label.clone()),
            AddressAttribute::Protocol(by) => address.protocol = Some(u8::from(*by)),
            AddressAttribute::CacheInfo(info) if info.ifa_valid != FOREVER => {
                address.valid_for = Some(Duration::from_secs(info.ifa_valid.into()));
            }
            _ => {}
        }
    }
    // On a point-to-point interface the two differ, and "address" is that of the other side.
    address.ip = local.or(remote)?;
    Some(address)
}

pub(super) fn flags(message: &AddressMessage) -> AddressFlags {
    let long = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Flags(flags) => Some(*flags),
        _ => None,
    });
    let short = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    long.unwrap_or(short)
}

/// Returns the request for the route to an address, over an interface if one is given. The answer is a row of
/// the routing table, and says which table.
pub(super) fn route_to(address: IpAddr, interface: Option<u32>) -> RouteMessage {
    let mut message = RouteMessage::default();
    let (family, bits, destination) = match address {
        IpAddr::V4(ip) => (AddressFamily::Inet, 32, RouteAddress::Inet(ip)),
        IpAddr::V6(ip) => (AddressFamily::Inet6, 128, RouteAddress::Inet6(ip)),
    };
    message.header.address_family = family;
    message.header.destination_prefix_length = bits;
    message.header.flags = RouteFlags::FibMatch | RouteFlags::LookupTable;
    message.attributes = vec![RouteAttribute::Destination(destination)];
    message.attributes.extend(interface.map(RouteAttribute::Oif));
    message
}

/// Returns the network of a route, if the route is in the main table and needs no gateway.
pub(super) fn route(message: &RouteMessage) -> Option<Route> {
    let mut network = None;
    let mut interface = None;
    let mut table = u32::from(message.header.table);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(ip)) => network = Some((*ip).into()),
            RouteAttribute::Destination(RouteAddress::Inet6(ip)) => network = Some((*ip).into()),
            RouteAttribute::Oif(index) => interface = Some(*index),
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Gateway(_) | RouteAttribute::Via(_) => return None,
            _ => {}
        }
    }
    let header = &message.header;
    let is_direct = header.kind == RouteType::Unicast
        && (header.address_family == AddressFamily::Inet6 || header.scope == RouteScope::Link);
    if !is_direct || table != u32::from(RouteHeader::RT_TABLE_MAIN) {
        return None;
    }
    let prefix = header.destination_prefix_length;
    Some(Route { network: network?, prefix, interface: interface? })
}
