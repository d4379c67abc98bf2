use super::super::Options;
use super::*;
use crate::address::tests::wait_until_up;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::process::Command;
use std::thread;
use systole_sys::address::{Addresses, Announcer};
use systole_sys::namespace::make_network;

const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 7];
const HELD: &str = "192.0.2.1";
const SECOND: Duration = Duration::from_secs(1);

fn now() -> Time {
    Time::from_nanos(1_000_000_000)
}

fn held() -> IpAddr {
    HELD.parse().unwrap()
}

/// Runs a test in a network of its own, in which the interface `left` has the address and is connected to
/// `right`.
fn isolated(test: fn()) {
    let inside = move || {
        make_network().expect("needs root");
        ip("link add left type veth peer name right");
        ip("address add 192.0.2.1/24 dev left");
        ip("link set left up");
        ip("link set right up");
        wait_until_up();
        test();
    };
    thread::spawn(inside).join().unwrap();
}

fn ip(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
}

fn interfaces() -> Vec<Interface> {
    Addresses::open().unwrap().interfaces().unwrap()
}

/// Lets another machine claim the address, until that can be read.
fn claim_it(claims: &Claims) {
    let interfaces = interfaces();
    let right = interfaces.iter().find(|it| it.name == "right").unwrap();
    Announcer::open().unwrap().announce_at(right.index, OTHER, held()).unwrap();
    let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
    let socket = &claims.sockets[0].listener;
    assert_eq!(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&limit)).unwrap(), 1);
}

fn placed() -> Claims {
    let mut claims = Claims::default();
    claims.watch(vec![held()]);
    claims.place(&interfaces()).unwrap();
    claims
}

#[test]
fn look_is_asked_for_by_what_is_watched() {
    let mut claims = Claims::default();
    assert_eq!(claims.deadline(now()), None);
    claims.look_again();
    assert!(claims.deadline(now()).is_none() && !claims.is_outdated, "nothing is watched");
    claims.watch(vec![held()]);
    assert!(claims.deadline(now()).is_some_and(|due| due <= now()) && claims.is_outdated);
}

#[test]
fn look_after_a_change_does_not_wait_for_the_retry_after_a_failure() {
    let mut claims = Claims { retry: Some(now() + RETRY), ..Claims::default() };
    assert_eq!(claims.deadline(now()), Some(now() + RETRY));
    assert!(!claims.is_look_due(now()) && claims.is_look_due(now() + RETRY));
    claims.watch(vec![held()]);
    assert!(claims.is_look_due(now()));
}

#[test]
fn sockets_rest_after_something_was_read() {
    isolated(|| {
        let mut claims = placed();
        assert_eq!(claims.read(now()).len(), 0);
        assert_eq!(claims.descriptors(now()).count(), 1, "nothing was there");
        claim_it(&claims);
        let heard = claims.read(now());
        let claim = Claim { address: held(), mac: OTHER };
        assert!(heard.iter().all(|it| *it == ("left".to_owned(), claim)), "{heard:?}");
        assert!(!heard.is_empty());
        claim_it(&claims);
        assert_eq!(claims.read(now()).len(), 0);
        assert_eq!(claims.descriptors(now()).count(), 0);
        let end = now() + REST;
        claims.looks = Looks::default();
        assert_eq!(claims.deadline(now()), Some(end));
        assert_eq!((claims.deadline(end), claims.descriptors(end).count()), (None, 1));
        assert!(!claims.read(end).is_empty());
    });
}

#[test]
fn claims_that_waited_while_the_thread_stood_still_are_dropped() {
    isolated(|| {
        let mut claims = placed();
        claim_it(&claims);
        let later = now() + 2 * SECOND;
        claims.note_turn(now(), later);
        assert_eq!(claims.read(later).len(), 0);
        claim_it(&claims);
        let next = later + DEAF;
        claims.note_turn(later + STILL / 2, next);
        assert!(!claims.read(next).is_empty(), "who has the address claims it again");
    });
}

#[test]
fn interface_that_is_gone_or_has_another_ethernet_address_leaves_the_others_alone() {
    isolated(|| {
        ip("link add other type veth peer name far");
        ip("address add 192.0.2.2/24 dev other");
        let two = interfaces();
        ip("link set left address 02:00:00:00:00:99");
        let mut claims = Claims::default();
        claims.watch(vec![held(), "192.0.2.2".parse().unwrap()]);
        claims.place(&interfaces()).unwrap();
        let left = claims.sockets.iter().find(|it| it.name == "left").unwrap();
        assert_eq!(left.mac, [2, 0, 0, 0, 0, 0x99]);
        ip("link delete left");
        let mut claims = Claims::default();
        claims.watch(vec![held(), "192.0.2.2".parse().unwrap()]);
        assert!(claims.place(&two).is_err());
        assert_eq!(claims.sockets.iter().map(|it| &it.name).collect::<Vec<_>>(), ["other"]);
        // What was put back is listened for again.
        claims.place(&[]).unwrap();
        assert!(claims.sockets.is_empty());
        claims.place(&interfaces()).unwrap();
        assert_eq!(claims.sockets.len(), 1);
    });
}

#[test]
fn more_interfaces_than_sockets_are_an_error() {
    isolated(|| {
        let all = interfaces();
        let one = all.iter().find(|it| it.name == "left").unwrap();
        let mut claims = Claims::default();
        claims.watch(vec![held()]);
        for at in 0..SOCKETS_MAX {
            let listener = ClaimListener::open(one.index, Family::Arp, &[]).unwrap();
            let at = (u32::try_from(1000 + at).unwrap(), Family::Arp);
            let (name, mac, addresses) = (String::new(), OTHER, Vec::new());
            claims.sockets.push(Socket { at, name, mac, addresses, listener });
        }
        let many: Vec<_> = (0..=SOCKETS_MAX).map(|_| one.clone()).collect();
        let numbered = many.into_iter().zip(1000..).map(|(it, index)| Interface { index, ..it });
        let error = claims.place(&numbered.collect::<Vec<_>>()).unwrap_err();
        assert!(error.to_string().contains("more than 64"), "{error}");
        assert_eq!(claims.sockets.len(), SOCKETS_MAX);
    });
}

/// An executor in such a network that has looked where the address is, and may not look again at once.
fn watching(directory: &tempfile::TempDir) -> Executor {
    let path = |name: &str| directory.path().join(name);
    let (socket, ledger, records) = (path("socket"), path("ledger"), path("runs"));
    let options = Options { socket, ledger, records, ..Options::default() };
    let mut executor = Executor::open(options).unwrap();
    // Where all tests share a process, others wait for the end of what they leave behind.
    rustix::process::set_child_subreaper(None).unwrap();
    executor.claims.watch(vec![held()]);
    executor.place_claims();
    assert!(!executor.claims.is_outdated && executor.claims.sockets.len() == 1);
    executor.claims.look_again();
    assert!(!executor.claims.is_look_due(executor.now));
    executor
}

#[test]
fn claim_that_is_heard_before_the_next_look_is_dropped_and_hastens_nothing() {
    isolated(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut executor = watching(&directory);
        claim_it(&executor.claims);
        let due = executor.claims.looks.deadline();
        executor.handle_claims();
        assert!(executor.claims.rests(executor.now), "it was read");
        assert_eq!(executor.claims.looks.deadline(), due);
        assert!(executor.claims.is_outdated);
    });
}

#[test]
fn address_is_announced_again_with_the_ethernet_address_that_its_interface_has_now() {
    isolated(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut executor = watching(&directory);
        let right = interfaces().into_iter().find(|it| it.name == "right").unwrap().index;
        let neighbour = ClaimListener::open(right, Family::Arp, &[held()]).unwrap();
        ip("link set left address 02:00:00:00:00:99");
        neighbour.read(&mut Vec::new()).unwrap();
        executor.defend(held());
        let mut claims = Vec::new();
        neighbour.read(&mut claims).unwrap();
        claims.dedup();
        let mac = [2, 0, 0, 0, 0, 0x99];
        assert_eq!(claims, [Claim { address: held(), mac }]);
    });
}
