//! The frames that tell neighbours where an address is.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Every station on the network.
const BROADCAST: [u8; 6] = [0xff; 6];
/// Every IPv6 node on the network, `ff02::1` as an Ethernet address (RFC 2464, section 7).
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
/// Every IPv6 node on the network.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Length of an advertisement with the option that names the Ethernet address.
const ADVERTISEMENT: u8 = 32;
/// Next header: `ICMPv6`.
const ICMPV6: u8 = 58;

/// The two forms of a gratuitous ARP. Some stations only accept the one, some only the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArpForm {
    /// A request for the address itself (RFC 5227, section 3).
    Request,
    /// An unsolicited reply (RFC 2002, section 4.6).
    Reply,
}

/// Returns a gratuitous ARP: "`ip` is at `mac`", as an Ethernet frame (RFC 826).
#[must_use]
pub fn gratuitous_arp(mac: [u8; 6], ip: Ipv4Addr, form: ArpForm) -> [u8; 42] {
    let (operation, target) = match form {
        ArpForm::Request => (1, [0; 6]),
        ArpForm::Reply => (2, mac),
    };
    let mut frame = Frame::<42>::new();
    frame.put(&BROADCAST).put(&mac).put(&[0x08, 0x06]);
    // Ethernet, IPv4, the lengths of their addresses, operation.
    frame.put(&[0, 1, 0x08, 0, 6, 4, 0, operation]);
    frame.put(&mac).put(&ip.octets()).put(&target).put(&ip.octets());
    frame.bytes
}

/// Returns an unsolicited neighbour advertisement with the override flag: "`ip` is at `mac`, forget what you
/// knew", as an Ethernet frame (RFC 4861, sections 4.4 and 7.2.6).
#[must_use]
pub fn neighbour_advertisement(mac: [u8; 6], ip: Ipv6Addr) -> [u8; 86] {
    const OVERRIDE: u8 = 0x20;
    let mut frame = Frame::<86>::new();
    frame.put(&ALL_NODES_MAC).put(&mac).put(&[0x86, 0xdd]);
    // Version 6, payload length, next header, the hop limit that proves that the sender is a neighbour.
    frame.put(&[0x60, 0, 0, 0, 0, ADVERTISEMENT, ICMPV6, 255]);
    frame.put(&ip.octets()).put(&ALL_NODES.octets());
    let body = frame.length;
    frame.put(&[136, 0, 0, 0, OVERRIDE, 0, 0, 0]).put(&ip.octets());
    frame.put(&[2, 1]).put(&mac);
    let sum = checksum((ip, ALL_NODES), &frame.bytes[body..]);
    frame.bytes[body + 2..body + 4].copy_from_slice(&sum.to_be_bytes());
    frame.bytes
}

/// Returns an ARP probe: "who has `ip`?", which tells nobody anything (RFC 5227, section 2.1.1), as an Ethernet frame to one
/// station or to all.
#[must_use]
pub(super) fn arp_probe(mac: [u8; 6], ip: Ipv4Addr, to: Option<[u8; 6]>) -> [u8; 42] {
    let mut frame = Frame::<42>::new();
    frame.put(&to.unwrap_or(BROADCAST)).put(&mac).put(&[0x08, 0x06]);
    frame.put(&[0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.put(&mac).put(&[0; 4]).put(&[0; 6]).put(&ip.octets());
    frame.bytes
}

/// Returns a neighbour solicitation: "who has `ip`?", with the source and the Ethernet address of the asker (RFC 4861, section
/// 4.3), as an Ethernet frame to one station or to those that may have it. Without a source it is that of RFC 4862, section
/// 5.4.2, which a machine that is just adding the address takes for a conflict.
#[must_use]
pub(super) fn neighbour_question(
    (mac, source): ([u8; 6], Ipv6Addr),
    ip: Ipv6Addr,
    to: Option<[u8; 6]>,
) -> Vec<u8> {
    let [.., x, y, z] = ip.octets();
    let solicited = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, x, y, z]);
    let option = if source.is_unspecified() { [].as_slice() } else { &[1, 1] };
    let option = [option, if option.is_empty() { &[] } else { &mac[..] }].concat();
    let mut body = [&[135, 0, 0, 0, 0, 0, 0, 0], &ip.octets()[..], &option].concat();
    let sum = checksum((source, solicited), &body);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    let length = u8::try_from(body.len()).expect("it is short");
    let target = to.unwrap_or([0x33, 0x33, 0xff, x, y, z]);
    let ethernet = [&target[..], &mac, &[0x86, 0xdd]].concat();
    let header = [&[0x60, 0, 0, 0, 0, length, ICMPV6, 255], &source.octets()[..]].concat();
    [ethernet, header, solicited.octets().to_vec(), body].concat()
}

/// Returns the checksum of `ICMPv6`, including its pseudo-header (RFC 4443, section 2.3).
fn checksum((source, target): (Ipv6Addr, Ipv6Addr), body: &[u8]) -> u16 {
    let length = u8::try_from(body.len()).expect("no body is longer than an advertisement");
    let pseudo = [0, 0, 0, length, 0, 0, 0, ICMPV6];
    let parts = [&source.octets()[..], &target.octets(), &pseudo, body];
    let words = parts.into_iter().flat_map(|part| part.chunks_exact(2));
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).expect("two folds leave sixteen bits")
}

/// A frame that is filled from the beginning.
struct Frame<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
}

impl<const SIZE: usize> Frame<SIZE> {
    const fn new() -> Self {
        Self { bytes: [0; SIZE], length: 0 }
    }

    fn put(&mut self, part: &[u8]) -> &mut Self {
        self.bytes[self.length..self.length + part.len()].copy_from_slice(part);
        self.length += part.len();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{ArpOperation, NetSlice, SlicedPacket, TransportSlice};

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    #[test]
    fn gratuitous_arp_in_both_forms_names_the_owner() {
        let ip = Ipv4Addr::new(192, 0, 2, 1);
        for (form, operation) in
            [(ArpForm::Request, ArpOperation::REQUEST), (ArpForm::Reply, ArpOperation::REPLY)]
        {
            let frame = gratuitous_arp(MAC, ip, form);
            let packet = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(NetSlice::Arp(arp)) = packet.net else { panic!("no arp: {packet:?}") };
            assert_eq!(arp.operation(), operation);
            assert_eq!(arp.sender_hw_addr(), MAC);
            assert_eq!(arp.sender_protocol_addr(), ip.octets());
            assert_eq!(arp.target_protocol_addr(), ip.octets());
        }
    }

    #[test]
    fn probes_ask_for_the_address_and_claim_nothing() {
        let ip = Ipv4Addr::new(192, 0, 2, 1);
        for (to, target) in [(None, BROADCAST), (Some([2; 6]), [2; 6])] {
            let frame = arp_probe(MAC, ip, to);
            assert_eq!(crate::address::claim(&frame), None);
            let packet = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(NetSlice::Arp(arp)) = packet.net else { panic!("no arp: {packet:?}") };
            assert_eq!(arp.operation(), ArpOperation::REQUEST);
            assert_eq!((arp.sender_hw_addr(), arp.sender_protocol_addr()), (&MAC[..], &[0; 4][..]));
            assert_eq!(arp.target_protocol_addr(), ip.octets());
            assert_eq!(frame[..6], target);
        }
        let ip: Ipv6Addr = "fd00::12:3456".parse().unwrap();
        for (source, length) in [("fe80::7", 24), ("::", 16)] {
            let source: Ipv6Addr = source.parse().unwrap();
            let frame = neighbour_question((MAC, source), ip, None);
            assert_eq!(crate::address::claim(&frame), None);
            let packet = SlicedPacket::from_ethernet(&frame).unwrap();
            let Some(NetSlice::Ipv6(header)) = &packet.net else { panic!("no ipv6: {packet:?}") };
            let header = header.header();
            let group: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
            assert_eq!((header.source(), header.destination()), (source.octets(), group.octets()));
            let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!("no icmpv6") };
            assert_eq!((icmp.type_u8(), icmp.payload().len()), (135, length));
            assert!(icmp.is_checksum_valid(header.source(), header.destination()));
        }
    }

    #[test]
    fn neighbour_advertisement_has_a_valid_checksum() {
        let ip: Ipv6Addr = "fd00::53".parse().unwrap();
        let frame = neighbour_advertisement(MAC, ip);
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(NetSlice::Ipv6(header)) = &packet.net else { panic!("no ipv6: {packet:?}") };
        let header = header.header();
        assert_eq!((header.source(), header.hop_limit()), (ip.octets(), 255));
        assert_eq!(header.destination(), ALL_NODES.octets());
        let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!("no icmpv6") };
        assert_eq!(icmp.type_u8(), 136);
        assert!(icmp.is_checksum_valid(header.source(), header.destination()));
    }
}
