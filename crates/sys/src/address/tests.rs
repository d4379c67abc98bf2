//! Tests against the real kernel, in network namespaces that end with the test's thread.

mod claims;
mod routes;

use super::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Instant;

/// The lifetime of the addresses of these tests.
const LIFETIME: Duration = Duration::from_secs(3);
/// The longest wait of these tests.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs `test` on a separate thread, in a separate network namespace with a pair of connected interfaces
/// `left` (192.0.2.1/24 and `fd00::1/64`) and `right`.
fn isolated(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        // SAFETY: moves the calling thread, which only the test uses, into a new namespace.
        let code = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        assert_eq!(code, 0, "needs root: {}", std::io::Error::last_os_error());
        ip("link add left type veth peer name right");
        ip("link set lo up");
        ip("address add 192.0.2.1/24 dev left");
        ip("address add fd00::1/64 dev left nodad");
        ip("link set left up");
        ip("link set right up");
        wait_until_up();
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Waits until the kernel sends what is given to it: until then it drops that in silence, also when the
/// interface already has a carrier.
fn wait_until_up() {
    let begin = Instant::now();
    while !["left", "right"]
        .iter()
        .all(|name| ip(&format!("link show {name}")).contains("state UP"))
    {
        assert!(begin.elapsed() < LIMIT, "the interfaces do not come up");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `ip` in the calling thread's namespace.
fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn wanted(ip: &str) -> Wanted {
    let address = ip.parse().unwrap();
    Wanted { address, prefix: None, interface: None, broadcast: None }
}

fn add(addresses: &mut Addresses, wanted: &[Wanted]) -> Vec<Presence> {
    let network = addresses.network().unwrap();
    let placed: Vec<_> = wanted.iter().map(|wish| choose(wish, &network).unwrap()).collect();
    addresses.add(&placed, LIFETIME).unwrap().into_iter().map(Result::unwrap).collect()
}

fn remove(addresses: &mut Addresses, wanted: &[Wanted]) {
    let answers = addresses.remove(wanted).unwrap();
    assert!(answers.len() == wanted.len() && answers.iter().all(Result::is_ok), "{answers:?}");
    for (wish, taken) in wanted.iter().zip(answers.into_iter().map(Result::unwrap)) {
        for it in taken {
            assert_eq!(it.address, wish.address);
            assert!(!it.interface.starts_with(|first: char| first.is_ascii_digit()), "{it:?}");
        }
    }
}

/// Asks in both ways.
fn is_there(addresses: &mut Addresses, wish: &Wanted) -> bool {
    let is_here = addresses.network().unwrap().find(wish).is_some();
    assert_eq!(addresses.find(std::slice::from_ref(wish)).unwrap(), [is_here]);
    is_here
}

#[test]
fn network_snapshot_shows_interfaces_addresses_and_routes() {
    isolated(|| {
        let network = network().unwrap();
        let left = network.interface("left").unwrap();
        assert!(left.is_up && left.has_carrier && !left.is_loopback);
        assert!(left.mac.is_some() && left.mtu == 1500);
        let first = &left.addresses[0];
        assert_eq!((first.ip, first.prefix), ("192.0.2.1".parse().unwrap(), 24));
        assert_eq!((first.valid_for, first.is_ours()), (None, false));
        assert!(network.interface("lo").unwrap().is_loopback);
        let route = network.routes.iter().find(|route| route.network.is_ipv4()).unwrap();
        assert_eq!((route.prefix, route.interface), (24, left.index));
    });
}

#[test]
fn address_batch_is_added_renewed_and_removed() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        // More addresses than fit into one send, of both families.
        let batch: Vec<_> = (10..90)
            .flat_map(|n| [wanted(&format!("192.0.2.{n}")), wanted(&format!("fd00::{n}"))])
            .collect();
        let all_ours = vec![Presence::Ours; batch.len()];
        assert_eq!(add(&mut addresses, &batch), all_ours);
        assert_eq!(add(&mut addresses, &batch), all_ours);
        let network = addresses.network().unwrap();
        for wish in &batch {
            let (interface, found) = network.find(wish).unwrap();
            assert_eq!(interface.name, "left");
            assert!(found.is_ours() && found.valid_for <= Some(LIFETIME));
        }
        let text = ip("address show dev left");
        assert!(text.contains("192.0.2.10/24 brd 192.0.2.255"), "{text}");
        assert!(!text.contains("tentative fd00::10"), "{text}");
        assert_eq!(addresses.renew(&batch, LIFETIME).unwrap(), all_ours);
        remove(&mut addresses, &batch);
        remove(&mut addresses, &batch);
        assert!(batch.iter().all(|wish| !is_there(&mut addresses, wish)));
        assert_eq!(addresses.renew(&batch[..1], LIFETIME).unwrap(), [Presence::Absent]);
        assert!(is_there(&mut addresses, &wanted("192.0.2.1")));
    });
}

#[test]
fn address_without_renewal_expires_and_is_not_restored() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let (kept, left) = (wanted("192.0.2.50"), wanted("fd00::50"));
        let both = [kept.clone(), left.clone()];
        assert_eq!(add(&mut addresses, &both), [Presence::Ours; 2]);
        let begin = Instant::now();
        while is_there(&mut addresses, &left) {
            assert!(begin.elapsed() < LIMIT);
            assert_eq!(addresses.renew(&both[..1], LIFETIME).unwrap(), [Presence::Ours]);
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(begin.elapsed() > Duration::from_secs(2));
        assert_eq!(addresses.renew(&both, LIFETIME).unwrap(), [Presence::Ours, Presence::Absent]);
        assert!(!is_there(&mut addresses, &left));
    });
}

#[test]
fn network_route_of_a_renewed_address_has_no_expiry() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let wish = [wanted("fd00::50")];
        add(&mut addresses, &wish);
        addresses.renew(&wish, LIFETIME).unwrap();
        let routes = ip("-6 route show fd00::/64");
        assert!(routes.contains("left") && !routes.contains("expires"), "{routes}");
    });
}

#[test]
fn foreign_address_is_kept_without_expiry_until_removed() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let wish = wanted("192.0.2.50");
        ip("address add 192.0.2.50/24 dev left");
        assert_eq!(add(&mut addresses, std::slice::from_ref(&wish)), [Presence::Foreign]);
        let renewed = addresses.renew(std::slice::from_ref(&wish), LIFETIME).unwrap();
        assert_eq!(renewed, [Presence::Foreign]);
        let network = addresses.network().unwrap();
        assert_eq!(network.find(&wish).unwrap().1.valid_for, None);
        assert!(addresses.remove_orphans(&[]).unwrap().is_empty());
        remove(&mut addresses, std::slice::from_ref(&wish));
        assert!(!is_there(&mut addresses, &wish));
    });
}

#[test]
fn removal_of_a_primary_address_keeps_its_secondaries() {
    isolated(|| {
        std::fs::write("/proc/sys/net/ipv4/conf/left/promote_secondaries", "0").unwrap();
        let mut addresses = Addresses::open().unwrap();
        ip("address del 192.0.2.1/24 dev left");
        let ours = Wanted {
            prefix: Some(24),
            interface: Some("left:7".to_owned()),
            ..wanted("192.0.2.50")
        };
        assert_eq!(add(&mut addresses, std::slice::from_ref(&ours)), [Presence::Ours]);
        ip("address add 192.0.2.60/24 brd 192.0.2.255 dev left label left:x");
        assert!(ip("address show dev left").contains("secondary left:x"));
        remove(&mut addresses, &[ours]);
        let text = ip("address show dev left");
        assert!(!text.contains("192.0.2.50"), "{text}");
        assert!(text.contains("192.0.2.60/24 brd 192.0.2.255 scope global left:x"), "{text}");
        assert!(text.contains("valid_lft forever"), "{text}");
    });
}

#[test]
fn orphan_removal_spares_the_addresses_to_keep() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let (kept, orphan) = (wanted("192.0.2.50"), wanted("192.0.2.51"));
        add(&mut addresses, &[kept.clone(), orphan.clone()]);
        let removed = addresses.remove_orphans(&[kept.address]).unwrap();
        assert_eq!(removed, [orphan.address]);
        assert!(is_there(&mut addresses, &kept) && !is_there(&mut addresses, &orphan));
    });
}

#[test]
fn refused_address_does_not_fail_the_rest_of_its_batch() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let network = addresses.network().unwrap();
        let good = choose(&wanted("192.0.2.50"), &network).unwrap();
        let bad = Placed { index: 9999, ..good.clone() };
        let answers = addresses.add(&[bad, good], LIFETIME).unwrap();
        assert!(answers[0].is_err());
        assert!(matches!(answers[1], Ok(Presence::Ours)));
    });
}

#[test]
fn announcement_sends_both_forms_of_arp_and_the_advertisement() {
    isolated(|| {
        let capture = capture_everything();
        let network = network().unwrap();
        let wishes = [wanted("192.0.2.50"), wanted("fd00::50")];
        let placed = wishes.map(|wish| choose(&wish, &network).unwrap());
        let mac = placed[0].mac.unwrap();
        Announcer::open().unwrap().announce(&placed).unwrap();
        let ip = "192.0.2.50".parse().unwrap();
        let mut missing = vec![
            gratuitous_arp(mac, ip, ArpForm::Request).to_vec(),
            gratuitous_arp(mac, ip, ArpForm::Reply).to_vec(),
            neighbour_advertisement(mac, "fd00::50".parse().unwrap()).to_vec(),
        ];
        let begin = Instant::now();
        while !missing.is_empty() {
            assert!(begin.elapsed() < LIMIT, "never heard {missing:?}");
            let mut buffer = [0; 256];
            let limit = Timespec { tv_sec: 1, tv_nsec: 0 };
            if poll(&mut [PollFd::new(&capture, PollFlags::IN)], Some(&limit)).unwrap() == 1 {
                let (_, length) = recv(&capture, &mut buffer, RecvFlags::empty()).unwrap();
                missing.retain(|frame| frame[..] != buffer[..length]);
            }
        }
    });
}

/// Opens a socket that sees every frame on every interface of the namespace, including those received on
/// `right`.
fn capture_everything() -> OwnedFd {
    const EVERYTHING: u32 = 0x0003; // ETH_P_ALL, packet(7)
    let protocol = std::num::NonZeroU32::new(EVERYTHING.to_be() >> 16).unwrap();
    let protocol = Protocol::from_raw(protocol);
    socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, Some(protocol))
        .unwrap()
}

#[test]
fn kernel_refusal_is_told_apart_from_a_failed_request() {
    isolated(|| {
        let mut addresses = Addresses::open().unwrap();
        let wishes = [wanted("192.0.2.50"), wanted("192.0.2.60")];
        add(&mut addresses, &wishes[..1]);
        let network = addresses.network().unwrap();
        let placed = choose(&wishes[0], &network).unwrap();
        // Without the right to change anything the kernel answers, and does so for each address.
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                drop_rights();
                let answers = addresses.remove(&wishes).unwrap();
                let [refused, absent] = answers.try_into().unwrap();
                assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EPERM));
                // The second address is not here, and the kernel need not be asked about it.
                assert_eq!(absent.unwrap(), []);
                let added = addresses.add(std::slice::from_ref(&placed), LIFETIME).unwrap();
                assert_eq!(added[0].as_ref().unwrap_err().raw_os_error(), Some(libc::EPERM));
            });
            thread.join().unwrap();
        });
        crate::process::denial::deny(libc::SYS_sendto, libc::ENOBUFS);
        let code = |error: std::io::Error| error.raw_os_error();
        assert_eq!(addresses.find(&wishes).map_err(code), Err(Some(libc::ENOBUFS)));
        assert_eq!(code(addresses.remove(&wishes).unwrap_err()), Some(libc::ENOBUFS));
        assert_eq!(code(addresses.add(&[placed], LIFETIME).unwrap_err()), Some(libc::ENOBUFS));
    });
}

/// Drops `CAP_NET_ADMIN` from the calling thread.
fn drop_rights() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    sets.effective -= CapabilitySet::NET_ADMIN;
    set_capabilities(None, sets).unwrap();
}
