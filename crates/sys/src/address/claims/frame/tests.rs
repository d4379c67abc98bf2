use super::*;
use crate::address::{ArpForm, gratuitous_arp, neighbour_advertisement};
use proptest::prelude::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const IP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const IP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x53);

/// Returns an advertisement with a right checksum.
fn summed(mut frame: Vec<u8>) -> Vec<u8> {
    frame[ICMP_TYPE + 2..ICMP_TYPE + 4].fill(0);
    let length = u16::try_from(frame.len() - TARGET + 8).unwrap();
    frame[18..20].copy_from_slice(&length.to_be_bytes());
    for high in 0..=255 {
        for low in 0..=255 {
            frame[ICMP_TYPE + 2..ICMP_TYPE + 4].copy_from_slice(&[high, low]);
            let (header, body) = frame[ETHERNET..].split_first_chunk().unwrap();
            if sum_is_right(header, body) {
                return frame;
            }
        }
    }
    panic!("no checksum is right");
}

#[test]
fn announcements_of_both_families_claim_their_address() {
    for form in [ArpForm::Request, ArpForm::Reply] {
        let mut frame = gratuitous_arp(MAC, IP, form).to_vec();
        let expected = Some(Claim { address: IP.into(), mac: MAC });
        assert_eq!(claim(&frame), expected, "{form:?}");
        frame.resize(60, 0xaa);
        assert_eq!(claim(&frame), expected, "padding");
    }
    let frame = neighbour_advertisement(MAC, IP6);
    assert_eq!(claim(&frame), Some(Claim { address: IP6.into(), mac: MAC }));
}

#[test]
fn arp_of_any_target_claims_its_sender_and_a_probe_claims_nothing() {
    let mut frame = gratuitous_arp(MAC, IP, ArpForm::Request);
    // Somebody who has the address asks for another one.
    frame[38..42].copy_from_slice(&[192, 0, 2, 9]);
    assert_eq!(claim(&frame), Some(Claim { address: IP.into(), mac: MAC }));
    // Somebody asks whether the address is free.
    frame[28..32].fill(0);
    frame[38..42].copy_from_slice(&IP.octets());
    assert_eq!(claim(&frame), None);
}

#[test]
fn arp_of_another_kind_or_length_claims_nothing() {
    let whole = gratuitous_arp(MAC, IP, ArpForm::Reply);
    for at in [13, 14, 15, 16, 17, 18, 19, 20] {
        let mut frame = whole;
        frame[at] ^= 0x40;
        assert_eq!(claim(&frame), None, "byte {at}");
    }
    for operation in [0, 3, 4, 8, 9] {
        let mut frame = whole;
        frame[21] = operation;
        assert_eq!(claim(&frame), None, "operation {operation}");
    }
    for length in 0..whole.len() {
        assert_eq!(claim(&whole[..length]), None, "{length} bytes");
    }
}

#[test]
fn advertisement_without_option_claims_for_the_sender_of_the_frame() {
    let mut frame = neighbour_advertisement(MAC, IP6)[..TARGET + 16].to_vec();
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
    let frame = summed(frame);
    assert_eq!(claim(&frame), Some(Claim { address: IP6.into(), mac: [2, 0, 0, 0, 0, 9] }));
}

#[test]
fn advertisement_that_is_not_valid_claims_nothing() {
    let whole = neighbour_advertisement(MAC, IP6).to_vec();
    // What is changed, where, and to what.
    let rows: [(&str, usize, u8); 9] = [
        ("version", 14, 0x40),
        ("next header", NEXT_HEADER, 17),
        ("hop limit", 21, 254),
        ("type", ICMP_TYPE, 135),
        ("code", ICMP_TYPE + 1, 1),
        ("a solicited one to all", ICMP_TYPE + 4, 0x60),
        ("a multicast target", TARGET, 0xff),
        ("an option of no length", TARGET + 17, 0),
        ("an option that is too long", TARGET + 17, 2),
    ];
    assert!(claim(&summed(whole.clone())).is_some());
    for (what, at, value) in rows {
        let mut frame = whole.clone();
        frame[at] = value;
        assert_eq!(claim(&summed(frame)), None, "{what}");
    }
    let mut torn = whole.clone();
    torn.push(1);
    assert_eq!(claim(&summed(torn)), None, "a byte that is no option");
    for at in ETHERNET + 8..whole.len() {
        let mut frame = whole.clone();
        frame[at] ^= 0x10;
        assert_eq!(claim(&frame), None, "byte {at} does not fit the checksum");
    }
    for length in 0..whole.len() {
        assert_eq!(claim(&whole[..length]), None, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_claims_are_in_the_frame(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        protocol in prop_oneof![Just([0x08, 0x06]), Just([0x86, 0xdd]), any::<[u8; 2]>()],
        kind in any::<bool>(),
    ) {
        let mut frame = bytes;
        if frame.len() > 21 {
            frame[12..14].copy_from_slice(&protocol);
            if kind {
                frame[14..22].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
            }
        }
        if let Some(Claim { address, mac }) = claim(&frame) {
            prop_assert!(frame.windows(6).any(|window| *window == mac));
            let is_in = match address {
                IpAddr::V4(ip) => frame[ARP_SENDER..].starts_with(&ip.octets()),
                IpAddr::V6(ip) => frame[TARGET..].starts_with(&ip.octets()),
            };
            prop_assert!(is_in && !address.is_unspecified());
        }
    }

    #[test]
    fn altered_advertisement_never_panics_and_flipped_bits_are_noticed(
        at in ETHERNET + 8..86_usize,
        bit in 0..8_u8,
        cut in 0..86_usize,
    ) {
        let mut frame = neighbour_advertisement(MAC, IP6);
        frame[at] ^= 1 << bit;
        prop_assert_eq!(claim(&frame), None);
        prop_assert_eq!(claim(&frame[..cut]), None);
    }
}
