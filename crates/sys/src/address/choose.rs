//! Chooses the place of a floating address in the same way as the agents `IPaddr` and `IPaddr2`.

use super::{Interface, Network, Placed, Route, Wanted};
use std::net::{IpAddr, Ipv4Addr};

/// The longest label in bytes: `IFNAMSIZ` without its final zero (netdevice(7)).
const LABEL_MAX: usize = 15;

/// Why an address cannot be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// No interface was requested, and none has a network that contains the address.
    #[error("no interface has a network that contains {address}")]
    NoNetwork {
        /// The address.
        address: IpAddr,
    },
    /// The requested interface does not exist.
    #[error("interface {name} does not exist")]
    NoInterface {
        /// Its name.
        name: String,
    },
    /// No prefix was requested, and the interface has no network from which to take one.
    #[error("interface {name} has no network that contains {address}, and no prefix is given")]
    NoPrefix {
        /// The address.
        address: IpAddr,
        /// The interface's name.
        name: String,
    },
    /// The prefix is longer than the address.
    #[error("prefix {prefix} is too long for {address}")]
    LongPrefix {
        /// The address.
        address: IpAddr,
        /// The prefix.
        prefix: u8,
    },
    /// The label is too long for the kernel.
    #[error("label {label} is longer than {LABEL_MAX} bytes")]
    LongLabel {
        /// The label.
        label: String,
    },
}

/// Chooses interface, prefix and broadcast address.
///
/// A requested interface wins; otherwise the interface of the longest on-link network that contains the
/// address is chosen, of equal ones the first. The prefix is the requested one, or that of this network. The
/// broadcast address is the requested one, or the last address of the network; networks of one or two
/// addresses have none.
///
/// # Errors
///
/// When no interface fits, or the request is impossible.
pub fn choose(wanted: &Wanted, network: &Network) -> Result<Placed, ChooseError> {
    let address = wanted.address;
    let candidate = longest(wanted, network);
    let interface = match wanted.interface_name() {
        Some(name) => network
            .interface(name)
            .ok_or_else(|| ChooseError::NoInterface { name: name.to_owned() })?,
        None => candidate
            .and_then(|route| by_index(network, route.interface))
            .ok_or(ChooseError::NoNetwork { address })?,
    };
    let prefix = wanted.prefix.or(candidate.map(|route| route.prefix));
    let prefix =
        prefix.ok_or_else(|| ChooseError::NoPrefix { address, name: interface.name.clone() })?;
    if prefix > bits(address) {
        return Err(ChooseError::LongPrefix { address, prefix });
    }
    Ok(Placed {
        address,
        prefix,
        broadcast: broadcast(wanted, prefix),
        interface: interface.name.clone(),
        index: interface.index,
        mac: interface.mac,
        label: label(wanted)?,
        makes_route: address.is_ipv4() || !has_network(interface, address, prefix),
    })
}

/// Finds the longest on-link network that contains the address, on the requested interface, if any.
///
/// Networks of one address say nothing about the neighbourhood: such a network is the address itself, left
/// over or added by something else.
fn longest(wanted: &Wanted, network: &Network) -> Option<Route> {
    let own = network.interfaces.iter().flat_map(|interface| {
        let addresses = interface.addresses.iter().filter(|address| address.ip != wanted.address);
        addresses.map(|address| Route {
            network: address.ip,
            prefix: address.prefix,
            interface: interface.index,
        })
    });
    let fitting = network.routes.iter().copied().chain(own).filter(|route| {
        route.prefix < bits(route.network)
            && contains(*route, wanted.address)
            && by_index(network, route.interface).is_some_and(|interface| {
                match wanted.interface_name() {
                    Some(name) => interface.name == name,
                    None => interface.is_up && !interface.is_loopback,
                }
            })
    });
    fitting.fold(None, |best: Option<Route>, route| match best {
        Some(best) if best.prefix >= route.prefix => Some(best),
        Some(_) | None => Some(route),
    })
}

fn by_index(network: &Network, index: u32) -> Option<&Interface> {
    network.interfaces.iter().find(|interface| interface.index == index)
}

/// Returns whether an address that Systole did not add put this very network on the interface.
fn has_network(interface: &Interface, address: IpAddr, prefix: u8) -> bool {
    interface.addresses.iter().any(|other| {
        let route = Route { network: other.ip, prefix, interface: interface.index };
        !other.is_ours() && other.prefix == prefix && contains(route, address)
    })
}

fn contains(route: Route, address: IpAddr) -> bool {
    let (network, address) = match (route.network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()))
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let host_bits = u32::from(bits(route.network).saturating_sub(route.prefix));
    // The processor treats a shift by all bits as no shift; in that case the network contains every address.
    (network ^ address).checked_shr(host_bits).unwrap_or(0) == 0
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn broadcast(wanted: &Wanted, prefix: u8) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = wanted.address else {
        return None;
    };
    // RFC 3021: a network of two addresses has no broadcast address.
    let computed = (prefix < 31).then(|| {
        let hosts = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        Ipv4Addr::from_bits(address.to_bits() | hosts)
    });
    wanted.broadcast.or(computed)
}

fn label(wanted: &Wanted) -> Result<Option<String>, ChooseError> {
    let word = wanted.interface.as_deref().unwrap_or_default();
    if wanted.address.is_ipv6() || !word.contains(':') {
        return Ok(None);
    }
    if word.len() > LABEL_MAX {
        return Err(ChooseError::LongLabel { label: word.to_owned() });
    }
    Ok(Some(word.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    fn address(ip: &str, prefix: u8) -> Address {
        Address {
            ip: ip.parse().unwrap(),
            prefix,
            broadcast: None,
            label: None,
            flags: 0,
            protocol: None,
            valid_for: None,
        }
    }

    fn interface(index: u32, name: &str, addresses: Vec<Address>) -> Interface {
        Interface { index, name: name.into(), is_up: true, addresses, ..Interface::default() }
    }

    fn network() -> Network {
        let loopback =
            Interface { is_loopback: true, ..interface(1, "lo", vec![address("127.0.0.1", 8)]) };
        let wide = interface(2, "eth0", vec![address("10.1.0.1", 16), address("fd00::1", 64)]);
        let narrow = interface(3, "eth1", vec![address("10.1.2.1", 24)]);
        let network = "172.16.0.0".parse().unwrap();
        Network {
            interfaces: vec![loopback, wide, narrow, interface(4, "eth2", vec![])],
            routes: vec![Route { network, prefix: 12, interface: 4 }],
        }
    }

    fn wanted(ip: &str, prefix: Option<u8>, interface: Option<&str>) -> Wanted {
        let interface = interface.map(str::to_owned);
        Wanted { address: ip.parse().unwrap(), prefix, interface, broadcast: None }
    }

    fn chosen(wanted: &Wanted) -> (String, u8, Option<String>) {
        let placed = choose(wanted, &network()).unwrap();
        (placed.interface, placed.prefix, placed.broadcast.map(|ip| ip.to_string()))
    }

    #[test]
    fn address_is_placed_on_the_interface_with_the_longest_network() {
        let cases = [
            (wanted("10.1.2.9", None, None), "eth1", 24, Some("10.1.2.255")),
            (wanted("10.1.3.9", None, None), "eth0", 16, Some("10.1.255.255")),
            (wanted("10.1.2.9", Some(25), None), "eth1", 25, Some("10.1.2.127")),
            (wanted("172.17.0.1", None, None), "eth2", 12, Some("172.31.255.255")),
            (wanted("fd00::9", None, None), "eth0", 64, None),
        ];
        for (wanted, interface, prefix, broadcast) in cases {
            let expected = (interface.to_owned(), prefix, broadcast.map(str::to_owned));
            assert_eq!(chosen(&wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn interface_named_for_an_address_takes_precedence() {
        let eth0 = wanted("10.1.2.9", None, Some("eth0"));
        assert_eq!(chosen(&eth0), ("eth0".into(), 16, Some("10.1.255.255".into())));
        let eth2 = wanted("192.0.2.1", Some(32), Some("eth2"));
        assert_eq!(chosen(&eth2), ("eth2".into(), 32, None));
        let pair = wanted("192.0.2.1", Some(31), Some("eth2"));
        assert_eq!(chosen(&pair), ("eth2".into(), 31, None));
        let all = wanted("192.0.2.1", Some(0), Some("eth2"));
        assert_eq!(chosen(&all), ("eth2".into(), 0, Some("255.255.255.255".into())));
    }

    #[test]
    fn label_is_split_off_the_interface_and_refused_when_too_long() {
        let placed = choose(&wanted("10.1.2.9", None, Some("eth0:1")), &network()).unwrap();
        assert_eq!((placed.interface.as_str(), placed.label.as_deref()), ("eth0", Some("eth0:1")));
        let text = "Adding inet address 10.1.2.9/16 with broadcast address 10.1.255.255 to device \
                    eth0 (with label eth0:1)";
        assert_eq!(placed.describe(), text);
        let long = wanted("10.1.2.9", None, Some("eth0:123456789012"));
        assert!(matches!(choose(&long, &network()), Err(ChooseError::LongLabel { .. })));
    }

    #[test]
    fn address_invalid_or_without_a_network_is_refused() {
        let nowhere = choose(&wanted("192.0.2.1", None, None), &network()).unwrap_err();
        assert_eq!(nowhere.to_string(), "no interface has a network that contains 192.0.2.1");
        let cases = [
            wanted("127.0.0.9", None, None),
            wanted("10.1.2.9", None, Some("eth9")),
            wanted("192.0.2.1", None, Some("eth2")),
            wanted("10.1.2.9", Some(33), None),
        ];
        for wanted in cases {
            assert!(choose(&wanted, &network()).is_err(), "{wanted:?}");
        }
    }

    #[test]
    fn host_route_to_the_wanted_address_is_ignored() {
        let mut network = network();
        let ip = "192.0.2.1".parse().unwrap();
        network.routes.push(Route { network: ip, prefix: 32, interface: 4 });
        assert!(choose(&wanted("192.0.2.1", None, None), &network).is_err());
    }

    #[test]
    fn placed_address_makes_a_route_only_for_a_new_network() {
        let place = |ip, prefix, interface| {
            choose(&wanted(ip, prefix, interface), &network()).unwrap().makes_route
        };
        assert!(!place("fd00::9", None, None));
        assert!(place("fd01::9", Some(64), Some("eth0")));
        assert!(place("10.1.2.9", None, None));
    }
}
