//! The wires between the machines: bridges of the gateway and their ports.

use crate::lab::wait_for;
use crate::namespace::Machine;
use crate::{LabError, Node};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The address of the gateway, which answers pings.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 122, 1);
/// The IPv6 address of the gateway, which also answers pings.
pub const GATEWAY6: Ipv6Addr = Link::six(GATEWAY);
/// The client's address.
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 122, 50);
/// The longest wait until a wire that was plugged in carries packets.
const CARRIER_LIMIT: Duration = Duration::from_secs(5);
/// The client's port on the bridge.
const CLIENT_PORT: &str = "client";

/// A wire of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// `eth0`: clients, gateway and heartbeats, 192.168.122.0/24.
    Service,
    /// `eth1`: heartbeats alone, 10.77.1.0/24.
    Direct,
}

impl Link {
    /// Returns the interface inside a node.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Service => "eth0",
            Self::Direct => "eth1",
        }
    }

    /// Returns the address of a node on this link.
    #[must_use]
    pub const fn address(self, node: Node) -> Ipv4Addr {
        let last = match node {
            Node::Web1 => 20,
            Node::Web2 => 22,
        };
        match self {
            Self::Service => Ipv4Addr::new(192, 168, 122, last),
            Self::Direct => Ipv4Addr::new(10, 77, 1, last),
        }
    }

    /// Returns the IPv6 address of a node on this link.
    #[must_use]
    pub const fn address6(self, node: Node) -> Ipv6Addr {
        Self::six(self.address(node))
    }

    /// Returns the IPv6 address for an IPv4 address of the lab: its last two bytes in a private network.
    const fn six(address: Ipv4Addr) -> Ipv6Addr {
        let [_, _, network, host] = address.octets();
        Ipv6Addr::new(0xfd77, 0, 0, network as u16, 0, 0, 0, host as u16)
    }

    /// Returns the bridge in the gateway.
    pub(crate) const fn bridge(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Direct => "direct",
        }
    }

    /// Returns the bridge's own hardware address, locally administered.
    const fn bridge_mac(self) -> &'static str {
        match self {
            Self::Service => "02:00:00:00:01:01",
            Self::Direct => "02:00:00:00:02:01",
        }
    }

    /// Returns the bridge's port to a node.
    fn port(self, node: Node) -> String {
        format!("{node}-{}", self.interface())
    }
}

/// The state of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// Carries packets.
    Forwarding,
    /// Carries nothing, and the node sees no carrier.
    Down,
    /// Carries nothing, although the node sees a carrier.
    Silent,
}

/// The machine that contains the bridges.
#[derive(Debug)]
pub(crate) struct Network {
    gateway: Machine,
}

impl Network {
    /// Makes the bridges in the gateway.
    ///
    /// # Errors
    ///
    /// When `ip` is missing or the kernel has no bridges.
    pub(crate) fn new(gateway: Machine) -> Result<Self, LabError> {
        let mut batch = "link set lo up\n".to_owned();
        for link in [Link::Service, Link::Direct] {
            let bridge = link.bridge();
            // Snooping would hold multicast heartbeats back until a membership report was seen. A bridge
            // without its own address takes that of a port, and therefore changes it when a node loses power.
            let mac = link.bridge_mac();
            batch += &format!(
                "link add {bridge} address {mac} type bridge \
                 forward_delay 0 stp_state 0 mcast_snooping 0\n"
            );
            batch += &format!("link set {bridge} up\n");
        }
        let bridge = Link::Service.bridge();
        batch += &format!("address add {GATEWAY}/24 dev {bridge}\n");
        batch += &format!("address add {}/64 dev {bridge} nodad\n", Link::six(GATEWAY));
        gateway.ip(&batch)?;
        Ok(Self { gateway })
    }

    /// Returns the machine with the bridges.
    pub(crate) fn gateway(&self) -> &Machine {
        &self.gateway
    }

    /// Plugs the client in.
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub(crate) fn plug_client(&self, client: &Machine) -> Result<(), LabError> {
        self.plug(client, Link::Service, CLIENT_PORT, CLIENT)?;
        client.ip(&format!("link set lo up\nroute add default via {GATEWAY}\n"))
    }

    /// Plugs a node in on all its links.
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub(crate) fn plug_node(
        &self,
        node: Node,
        machine: &Machine,
        links: &[Link],
    ) -> Result<(), LabError> {
        for link in links {
            self.plug_link(node, machine, *link)?;
        }
        machine.ip(&format!("route add default via {GATEWAY}\n"))
    }

    /// Plugs a node in on one link.
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub(crate) fn plug_link(
        &self,
        node: Node,
        machine: &Machine,
        link: Link,
    ) -> Result<(), LabError> {
        self.plug(machine, link, &link.port(node), link.address(node))
    }

    /// Removes a wire, with the interfaces at both ends.
    ///
    /// # Errors
    ///
    /// When there is no such wire.
    pub(crate) fn remove(&self, node: Node, link: Link) -> Result<(), LabError> {
        self.gateway.ip(&format!("link delete {}\n", link.port(node)))
    }

    /// Sets what the port to a node carries.
    ///
    /// # Errors
    ///
    /// When the node is not plugged in.
    pub(crate) fn set_port(&self, node: Node, link: Link, state: Port) -> Result<(), LabError> {
        let (port, bridge) = (link.port(node), link.bridge());
        self.gateway.ip(&match state {
            Port::Forwarding => format!("link set {port} master {bridge} up\n"),
            Port::Down => format!("link set {port} down\n"),
            // A port without a bridge has a carrier and leads nowhere.
            Port::Silent => format!("link set {port} nomaster up\n"),
        })
    }

    /// Removes what is left of a node's wires.
    pub(crate) fn unplug_node(&self, node: Node, links: &[Link]) {
        for link in links {
            // The kernel removes the port soon after the node's end of the wire, so the port may be gone.
            let _ = self.remove(node, *link);
        }
    }

    /// Makes one wire: a port of the bridge, and an interface with an address in the machine.
    fn plug(
        &self,
        machine: &Machine,
        link: Link,
        port: &str,
        address: Ipv4Addr,
    ) -> Result<(), LabError> {
        let (interface, bridge, pid) = (link.interface(), link.bridge(), machine.pid());
        // A machine keeps its hardware address when its power comes back, because other machines remember it.
        let [mac @ .., network, host] = hardware_address(address);
        let mac: String = mac.iter().map(|byte| format!("{byte:02x}:")).collect();
        let address6 = Link::six(address);
        self.gateway.ip(&format!(
            "link add {port} type veth peer name {interface} \
             address {mac}{network:02x}:{host:02x} netns {pid}\n\
             link set {port} master {bridge} up\n"
        ))?;
        machine.ip(&format!(
            "address add {address}/24 broadcast + dev {interface}\n\
             address add {address6}/64 dev {interface} nodad\n\
             link set {interface} up\n"
        ))?;
        let what = format!("a carrier on {interface} at {port}");
        let gateway = [bridge, port];
        wait_for(&what, CARRIER_LIMIT, || {
            machine.is_up(interface) && gateway.iter().all(|name| self.gateway.is_up(name))
        })?;
        Ok(())
    }
}

/// Returns the hardware addresses of a node.
pub(crate) fn hardware_addresses(node: Node) -> [[u8; 6]; 2] {
    [Link::Service, Link::Direct].map(|link| hardware_address(link.address(node)))
}

/// Returns the hardware address that belongs to an address, locally administered.
fn hardware_address(address: Ipv4Addr) -> [u8; 6] {
    let [_, _, network, host] = address.octets();
    [2, 0, 0, 1, network, host]
}
