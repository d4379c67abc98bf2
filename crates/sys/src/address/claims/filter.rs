//! The filter that the kernel applies to each packet of an interface (classic BPF, see
//! `Documentation/networking/filter.rst` of Linux).

use super::{Family, PACKET_MAX, frame};
use socket2::SockFilter;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The most addresses that a filter compares; with more, every packet of the kind passes. Before Linux 6.8 the
/// old and the new program of a socket, at about 30 bytes for each address, share 20480 bytes (`optmem_max`).
const ADDRESSES_MAX: usize = 250;

/// `BPF_LD | BPF_W | BPF_ABS`, and the same for a byte.
const LOAD_WORD: u16 = 0x20;
const LOAD_BYTE: u16 = 0x30;
/// `BPF_JMP | BPF_JEQ | BPF_K`, and the same for "greater".
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
/// `BPF_RET | BPF_K`: with the number of bytes that are kept, or with zero.
const RETURN: u16 = 0x06;
/// `SKF_AD_OFF + SKF_AD_PKTTYPE`: to whom the packet was sent, as in `sll_pkttype` of packet(7).
const PACKET_TYPE: u32 = 0xffff_f004;
/// `PACKET_MULTICAST`. What is less was sent to this machine or to all; what is greater was sent to another
/// machine, on a VLAN that this machine does not have, or by this machine itself.
const MULTICAST: u32 = 2;

/// Returns a filter that passes what may be a claim of one of these addresses.
pub(super) fn program(family: Family, addresses: &[IpAddr]) -> Vec<SockFilter> {
    let words: BTreeSet<u32> = addresses.iter().filter_map(|it| word_of(family, *it)).collect();
    if words.len() > ADDRESSES_MAX {
        return of_any_address(family);
    }
    let (mut program, place) = of_kind(family);
    program.push(load(LOAD_WORD, offset(place)));
    for word in words {
        program.extend([unless_equal(word), keep_it()]);
    }
    program.push(drop_it());
    program
}

/// Returns a short filter that passes what may be a claim of any address.
pub(super) fn of_any_address(family: Family) -> Vec<SockFilter> {
    let (mut program, _) = of_kind(family);
    program.push(keep_it());
    program
}

/// Returns the beginning of a filter, which drops what cannot be a claim, and the place of the last four bytes
/// of the claimed address.
fn of_kind(family: Family) -> (Vec<SockFilter>, usize) {
    let mut program =
        vec![load(LOAD_WORD, PACKET_TYPE), unless(IF_GREATER, MULTICAST, 1), drop_it()];
    let place = match family {
        Family::Arp => frame::ARP_SENDER,
        Family::Neighbour => {
            let must_be =
                [(frame::NEXT_HEADER, frame::ICMPV6), (frame::ICMP_TYPE, frame::ADVERTISEMENT)];
            for (place, value) in must_be {
                let test = SockFilter::new(IF_EQUAL, 1, 0, value.into());
                program.extend([load(LOAD_BYTE, offset(place)), test, drop_it()]);
            }
            frame::TARGET + 12
        }
    };
    (program, place)
}

/// The last four bytes of an address of this family.
fn word_of(family: Family, address: IpAddr) -> Option<u32> {
    match (family, address) {
        (Family::Arp, IpAddr::V4(ip)) => Some(ip.to_bits()),
        (Family::Neighbour, IpAddr::V6(ip)) => {
            let [.., a, b, c, d] = ip.octets();
            Some(u32::from_be_bytes([a, b, c, d]))
        }
        (Family::Arp, IpAddr::V6(_)) | (Family::Neighbour, IpAddr::V4(_)) => None,
    }
}

fn offset(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn load(code: u16, place: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, place)
}

/// Skips this many instructions unless the comparison holds.
fn unless(code: u16, value: u32, skip: u8) -> SockFilter {
    SockFilter::new(code, 0, skip, value)
}

fn unless_equal(value: u32) -> SockFilter {
    unless(IF_EQUAL, value, 1)
}

fn keep_it() -> SockFilter {
    SockFilter::new(RETURN, 0, 0, u32::try_from(PACKET_MAX + 1).unwrap_or(u32::MAX))
}

fn drop_it() -> SockFilter {
    SockFilter::new(RETURN, 0, 0, 0)
}
