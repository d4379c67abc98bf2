//! Reads a claim out of an Ethernet frame. Anybody can send one: everything that a sender must do is checked,
//! and nothing is believed beyond it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The numbers of the two protocols in an Ethernet frame.
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
/// Next header: `ICMPv6`.
pub(super) const ICMPV6: u8 = 58;
/// Neighbour advertisement (RFC 4861, section 4.4).
pub(super) const ADVERTISEMENT: u8 = 136;
/// The option with the link-layer address of the target (RFC 4861, section 4.6.1).
const TARGET_OPTION: u8 = 2;

/// The length of the Ethernet header, and of that of IPv6.
const ETHERNET: usize = 14;
const IPV6_HEADER: usize = 40;
/// Where the address of the sender is in ARP.
pub(super) const ARP_SENDER: usize = ETHERNET + 14;
/// Where the kind of what follows is in IPv6, where the type is in `ICMPv6`, and the target in an
/// advertisement.
pub(super) const NEXT_HEADER: usize = ETHERNET + 6;
pub(super) const ICMP_TYPE: usize = ETHERNET + IPV6_HEADER;
pub(super) const TARGET: usize = ICMP_TYPE + 8;
/// The shortest advertisement, without the headers before it.
const ADVERTISEMENT_MIN: usize = 24;
/// Ethernet, IPv4, and the lengths of their addresses.
const ARP_KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// A machine claims an address. Nothing of it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub address: IpAddr,
    /// The Ethernet address at which it is said to be.
    pub mac: [u8; 6],
}

/// Returns the claim in an Ethernet frame, if there is one: an ARP request or reply names the address of its
/// sender (RFC 826), and a neighbour advertisement names its target. A probe has no sender (RFC 5227, section
/// 2.1.1) and claims nothing.
#[must_use]
pub fn claim(frame: &[u8]) -> Option<Claim> {
    let source = *frame.get(6..)?.first_chunk()?;
    let protocol = *frame.get(12..)?.first_chunk()?;
    let payload = frame.get(ETHERNET..)?;
    match u16::from_be_bytes(protocol) {
        ARP => arp(payload),
        IPV6 => advertisement(payload, source),
        _ => None,
    }
}

fn arp(packet: &[u8]) -> Option<Claim> {
    // What follows is padding, because an Ethernet frame has at least 60 bytes.
    let packet: &[u8; 28] = packet.first_chunk()?;
    let (kind, rest) = packet.split_first_chunk::<6>()?;
    let (operation, rest) = rest.split_first_chunk::<2>()?;
    let (mac, rest) = rest.split_first_chunk::<6>()?;
    let address = Ipv4Addr::from(*rest.first_chunk::<4>()?);
    let is_known = *kind == ARP_KIND && matches!(operation, [0, 1 | 2]);
    let claim = Claim { address: address.into(), mac: *mac };
    (is_known && !address.is_unspecified()).then_some(claim)
}

/// Reads an advertisement that is valid by RFC 4861, section 7.1.2. Extension headers are not followed: no
/// machine sends one with an advertisement.
fn advertisement(packet: &[u8], source: [u8; 6]) -> Option<Claim> {
    /// The hop limit that no router lets through.
    const NEIGHBOUR: u8 = 255;
    const SOLICITED: u8 = 0x40;
    let (header, rest) = packet.split_first_chunk::<IPV6_HEADER>()?;
    let [first, _, _, _, length @ .., next, hops] = *header.first_chunk::<8>()?;
    let body = rest.get(..usize::from(u16::from_be_bytes(length)))?;
    let [kind, code, _, _, flags, ..] = *body.first_chunk::<ADVERTISEMENT_MIN>()?;
    let to = Ipv6Addr::from(*header.last_chunk::<16>()?);
    let target = Ipv6Addr::from(*body.get(8..)?.first_chunk::<16>()?);
    let is_valid = first >> 4 == 6
        && (next, hops, kind, code) == (ICMPV6, NEIGHBOUR, ADVERTISEMENT, 0)
        && !target.is_multicast()
        && !(to.is_multicast() && flags & SOLICITED != 0)
        && sum_is_right(header, body);
    // An answer to the machine that asked may leave the option out (section 7.2.4).
    let mac = target_option(body.get(ADVERTISEMENT_MIN..)?)?.unwrap_or(source);
    is_valid.then_some(Claim { address: target.into(), mac })
}

/// Returns the Ethernet address in the options, if they have one; nothing at all if they are malformed.
#[expect(clippy::option_option, reason = "malformed options differ from a missing one")]
fn target_option(mut options: &[u8]) -> Option<Option<[u8; 6]>> {
    let mut found = None;
    while let [kind, length, ..] = *options {
        // The length counts eight bytes, and an option of no length has no end.
        let (option, rest) = options.split_at_checked(usize::from(length) * 8)?;
        let value = option.get(2..)?;
        if kind == TARGET_OPTION && found.is_none() {
            found = value.first_chunk().copied();
        }
        options = rest;
    }
    options.is_empty().then_some(found)
}

/// Whether the checksum of `ICMPv6` holds, including its pseudo-header (RFC 4443, section 2.3).
fn sum_is_right(header: &[u8; IPV6_HEADER], body: &[u8]) -> bool {
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let parts = [&header[8..], &length, &[0, 0, 0, ICMPV6], body];
    let words = parts.into_iter().flat_map(|part| part.chunks(2));
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    let mut sum: u64 = words.map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum == 0xffff
}

#[cfg(test)]
mod tests;
