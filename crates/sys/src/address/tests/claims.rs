//! Claims of other machines, between two interfaces that are connected.

use super::{LIMIT, ip, isolated};
use crate::address::{Announcer, Claim, ClaimListener, Family, interfaces};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::net::{IpAddr, Ipv6Addr};

const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 7];
const OWN: [u8; 6] = [2, 0, 0, 0, 0, 8];

/// Returns the numbers of `left`, which listens, and of `right`.
fn ends() -> (u32, u32) {
    let interfaces = interfaces().unwrap();
    let index = |name| interfaces.iter().find(|it| it.name == name).unwrap().index;
    (index("left"), index("right"))
}

/// Returns the next claim that is heard.
fn next(listener: &ClaimListener) -> Vec<Claim> {
    let limit = Timespec { tv_sec: LIMIT.as_secs().cast_signed(), tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&limit)).unwrap(), 1);
    let mut claims = Vec::new();
    assert!(listener.read(&mut claims).unwrap() > 0);
    claims
}

#[test]
fn claims_of_others_are_heard_and_own_ones_and_other_addresses_are_not() {
    isolated(|| {
        let (left, right) = ends();
        let announcer = Announcer::open().unwrap();
        for (held, other) in [("192.0.2.10", "192.0.2.11"), ("fd00::10", "fd00::11")] {
            let (held, other): (IpAddr, IpAddr) = (held.parse().unwrap(), other.parse().unwrap());
            let listener = ClaimListener::open(left, Family::of(held), &[held]).unwrap();
            announcer.announce_at(left, OWN, held).unwrap();
            announcer.announce_at(right, STRANGER, other).unwrap();
            announcer.announce_at(right, STRANGER, held).unwrap();
            let claim = Claim { address: held, mac: STRANGER };
            let heard = next(&listener);
            assert!(!heard.is_empty() && heard.iter().all(|it| *it == claim), "{heard:?}");
            listener.listen_for(&[other]).unwrap();
            // What came before is still read.
            while listener.read(&mut Vec::new()).unwrap() > 0 {}
            announcer.announce_at(right, STRANGER, held).unwrap();
            announcer.announce_at(right, STRANGER, other).unwrap();
            assert_eq!(next(&listener)[0].address, other);
        }
    });
}

#[test]
fn one_listener_takes_any_number_of_addresses() {
    isolated(|| {
        let (left, right) = ends();
        let announcer = Announcer::open().unwrap();
        for count in [1, 250, 251, 20_000] {
            let listener = ClaimListener::open(left, Family::Neighbour, &many(count)).unwrap();
            announcer.announce_at(right, STRANGER, numbered(count)).unwrap();
            assert_eq!(next(&listener)[0].address, numbered(count), "of {count}");
        }
    });
}

fn numbered(last: u128) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(0xfd00 << 112 | last))
}

fn many(count: u128) -> Vec<IpAddr> {
    (1..=count).map(numbered).collect()
}

/// The memory of a filter is a setting of a network namespace since Linux 6.8.
#[test]
fn listener_hears_all_addresses_where_the_kernel_has_no_memory_for_its_filter() {
    isolated(|| {
        let (left, right) = ends();
        let announcer = Announcer::open().unwrap();
        let listener = ClaimListener::open(left, Family::Neighbour, &many(1)).unwrap();
        if let Err(error) = std::fs::write("/proc/sys/net/core/optmem_max", "2500") {
            return eprintln!("skipped: this kernel has one limit for all namespaces: {error}");
        }
        for listener in [
            ClaimListener::open(left, Family::Neighbour, &many(250)).unwrap(),
            listener.listen_for(&many(250)).map(|()| listener).unwrap(),
        ] {
            announcer.announce_at(right, STRANGER, numbered(999)).unwrap();
            assert_eq!(next(&listener)[0].address, numbered(999));
        }
    });
}

/// The limit of Linux before 6.8 is enough for a change from a full filter to another one.
#[test]
fn two_full_filters_fit_into_the_memory_of_older_kernels() {
    isolated(|| {
        let (left, right) = ends();
        if let Err(error) = std::fs::write("/proc/sys/net/core/optmem_max", "20480") {
            return eprintln!("skipped: this kernel has one limit for all namespaces: {error}");
        }
        let announcer = Announcer::open().unwrap();
        let listener = ClaimListener::open(left, Family::Neighbour, &many(250)).unwrap();
        listener.listen_for(&many(251)[1..]).unwrap();
        for last in [999, 251] {
            announcer.announce_at(right, STRANGER, numbered(last)).unwrap();
        }
        assert_eq!(next(&listener)[0].address, numbered(251), "the filter was refused");
    });
}

#[test]
fn listener_survives_an_interface_that_is_switched_off_and_refuses_one_that_is_gone() {
    isolated(|| {
        let (left, right) = ends();
        let announcer = Announcer::open().unwrap();
        let held: IpAddr = "192.0.2.10".parse().unwrap();
        let listener = ClaimListener::open(left, Family::Arp, &[held]).unwrap();
        ip("link set left down");
        let error = listener.read(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NetworkDown);
        assert_eq!(listener.read(&mut Vec::new()).unwrap(), 0, "it is told once");
        ip("link set left up");
        announcer.announce_at(right, STRANGER, held).unwrap();
        assert_eq!(next(&listener)[0].mac, STRANGER);
        ip("link delete left");
        assert!(ClaimListener::open(left, Family::Arp, &[held]).is_err());
    });
}
