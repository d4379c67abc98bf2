//! Snapshots of the machine's network.

use super::message::{address, interface, route, route_to};
use super::{Addresses, Message, packet};
use crate::address::{Interface, Network, Route, Wanted, choose};
use netlink_packet_core::{NLM_F_REQUEST, NetlinkPayload};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteMessage;
use std::io;
use std::net::IpAddr;

/// The most routes that are looked up for one snapshot. Each lookup takes some microseconds.
const LOOKUPS: usize = 1 << 12;

impl Addresses {
    /// Takes a snapshot of the machine's network with all its routes. The table of a router may have a
    /// million routes, which take seconds: not for a thread that others wait for.
    ///
    /// # Errors
    ///
    /// When the kernel refuses or its answer cannot be read.
    pub fn network(&mut self) -> io::Result<Network> {
        let mut network = Network { interfaces: self.interfaces()?, routes: Vec::new() };
        for message in self.dump(&Message::GetRoute(RouteMessage::default()))? {
            if let Message::NewRoute(message) = message {
                network.routes.extend(route(&message));
            }
        }
        Ok(network)
    }

    /// Returns all interfaces with their addresses.
    ///
    /// # Errors
    ///
    /// As [`network`](Self::network).
    pub fn interfaces(&mut self) -> io::Result<Vec<Interface>> {
        let links = self.dump(&Message::GetLink(LinkMessage::default()))?;
        let links = links.into_iter().filter_map(|message| match message {
            Message::NewLink(link) => Some(interface(&link)),
            _ => None,
        });
        let mut interfaces: Vec<_> = links.collect();
        for message in self.addresses()? {
            let index = message.header.index;
            let at = interfaces.iter_mut().find(|interface| interface.index == index);
            if let Some((interface, address)) = at.zip(address(&message)) {
                interface.addresses.push(address);
            }
        }
        Ok(interfaces)
    }

    /// Takes a snapshot with only those routes that [`choose`] needs for these addresses. The kernel is asked
    /// for each of them, so that the number of other routes does not matter.
    ///
    /// # Errors
    ///
    /// As [`network`](Self::network).
    pub fn neighbourhood(&mut self, wanted: &[Wanted]) -> io::Result<Network> {
        let mut network = Network { interfaces: self.interfaces()?, routes: Vec::new() };
        let mut left = LOOKUPS;
        for wish in wanted {
            self.add_routes(wish, &mut network, &mut left)?;
        }
        Ok(network)
    }

    /// Adds the routes for one address to a snapshot. Stops asking when `left` has counted down to zero.
    fn add_routes(
        &mut self,
        wish: &Wanted,
        network: &mut Network,
        left: &mut usize,
    ) -> io::Result<()> {
        if wish.prefix.is_some() && wish.interface.is_some() {
            return Ok(());
        }
        if let Some(route) = own_place(wish, network) {
            // The answer of the kernel would be the address itself.
            network.routes.push(route);
            return Ok(());
        }
        let mut ask = |network: &mut Network, interface| -> io::Result<()> {
            if let Some(rest) = left.checked_sub(1) {
                *left = rest;
                network.routes.extend(self.look_up(wish.address, interface)?);
            }
            Ok(())
        };
        if let Some(name) = wish.interface_name() {
            let index = network.interface(name).map(|interface| interface.index);
            return index.map_or(Ok(()), |index| ask(network, Some(index)));
        }
        ask(network, None)?;
        // A longer route through a gateway hides an on-link network.
        let usable = network.interfaces.iter().filter(|it| it.is_up && !it.is_loopback);
        for index in usable.map(|it| it.index).collect::<Vec<_>>() {
            if choose(wish, network).is_ok() {
                break;
            }
            ask(network, Some(index))?;
        }
        Ok(())
    }

    /// Returns the route that the kernel would take to an address, over `interface` if one is given; `None`
    /// if the route leads through a gateway, or if there is none.
    fn look_up(&mut self, address: IpAddr, interface: Option<u32>) -> io::Result<Option<Route>> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = Message::GetRoute(route_to(address, interface));
        self.socket.send(&packet(request, NLM_F_REQUEST, self.sequence), 0)?;
        loop {
            let messages = match self.receive() {
                // The answer could not be decoded.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                messages => messages?,
            };
            for message in messages {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(Message::NewRoute(found)) => {
                        return Ok(route(&found));
                    }
                    NetlinkPayload::Error(error) => {
                        let error = error.to_io();
                        let wants = [Some(libc::ENOMEM), Some(libc::ENOBUFS)];
                        let has_failed = wants.contains(&error.raw_os_error());
                        return if has_failed { Err(error) } else { Ok(None) };
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Returns where an address already is, if it may be there and has a network.
fn own_place(wish: &Wanted, network: &Network) -> Option<Route> {
    let (interface, found) = network.find(wish)?;
    let has_network = found.prefix < if found.ip.is_ipv4() { 32 } else { 128 };
    let is_wanted = wish.interface_name().is_none_or(|name| name == interface.name);
    let route = Route { network: found.ip, prefix: found.prefix, interface: interface.index };
    (has_network && is_wanted).then_some(route)
}
