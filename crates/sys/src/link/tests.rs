use super::*;
use crate::namespace;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const PORT: u16 = 694;

/// Runs `ip` in the network of the calling thread.
fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(status.success(), "ip {words}");
}

/// Runs `test` on a thread with a private network, whose loopback interface is up.
fn in_network<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(|| {
        namespace::make_network().unwrap();
        ip("link set lo up");
        test()
    });
    thread.join().unwrap()
}

fn unicast(device: &str, host: &str) -> LinkSpec {
    LinkSpec::Unicast { device: device.into(), host: host.into(), port: PORT }
}

fn await_message(link: &mut Link) -> Vec<u8> {
    let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
    let ready =
        poll(&mut [PollFd::from_borrowed_fd(link.fd().unwrap(), PollFlags::IN)], Some(&limit));
    assert_eq!(ready.unwrap(), 1, "no message came");
    let mut buffer = vec![0; 2048];
    let received = link.receive(&mut buffer).unwrap().unwrap();
    buffer.truncate(received.length);
    buffer
}

#[test]
fn unicast_message_over_loopback_comes_back() {
    in_network(|| {
        let mut link = Link::open(&unicast("lo", "localhost")).unwrap();
        assert_eq!((link.name(), link.kind(), link.form()), ("lo", "ucast", Form::Datagram));
        assert_eq!(link.receive(&mut [0; 8]).unwrap(), None);
        link.send(b"beat", Urgency::Other).unwrap();
        assert_eq!(await_message(&mut link), b"beat");
    });
}

#[test]
fn message_burst_is_kept_whole_until_read() {
    /// About the number of messages that a flood of 5,000 a second leaves while nothing reads for most of a
    /// second.
    const BURST: usize = 4_000;
    in_network(|| {
        let mut link = Link::open(&unicast("lo", "127.0.0.1")).unwrap();
        for _ in 0..BURST {
            link.send(&[b'#'; 300], Urgency::Other).unwrap();
        }
        let mut buffer = [0; 400];
        let come = std::iter::from_fn(|| link.receive(&mut buffer).unwrap());
        assert_eq!(come.count(), BURST);
    });
}

#[test]
fn message_longer_than_the_buffer_is_lost_alone() {
    in_network(|| {
        let mut link = Link::open(&unicast("lo", "127.0.0.1")).unwrap();
        link.send(&[1; 100], Urgency::Other).unwrap();
        link.send(&[2; 10], Urgency::Other).unwrap();
        let mut buffer = [0; 20];
        let kind = link.receive(&mut buffer).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::InvalidData);
        let received = link.receive(&mut buffer).unwrap().unwrap();
        assert_eq!(received, Received { length: 10, source: "127.0.0.1".parse().ok() });
        assert!(link.send(&vec![0; 70_000], Urgency::Other).is_err());
    });
}

#[test]
fn links_on_the_same_port_share_a_receiver() {
    in_network(|| {
        let specs = [unicast("lo", "127.0.0.1"), unicast("lo", "127.0.0.2")];
        let mut links: Vec<_> = Link::open_all(&specs).into_iter().map(Result::unwrap).collect();
        assert!(links[1].fd().is_none());
        for round in 0..20 {
            links[1].send(&[round], Urgency::Other).unwrap();
            assert_eq!(await_message(&mut links[0]), [round]);
            assert_eq!(links[1].receive(&mut [0; 8]).unwrap(), None);
        }
    });
}

#[test]
fn receiver_belongs_to_the_first_link_that_opens() {
    in_network(|| {
        let absent =
            LinkSpec::Unicast { device: "lo".into(), host: "256.0.0.1".into(), port: PORT };
        let links =
            Link::open_all(&[absent, unicast("lo", "127.0.0.1"), unicast("none", "127.0.0.1")]);
        assert!(links[0].is_err());
        assert!(links[1].as_ref().unwrap().fd().is_some());
        let missing = links[2].as_ref().unwrap_err();
        assert_eq!(missing.raw_os_error(), Some(libc::ENODEV));
    });
}

/// Runs `test` in a network next to another one: that of the thread whose number the test gets.
fn in_two_networks(test: impl FnOnce(i32) + Send + 'static) {
    let (say_peer, hear_peer) = mpsc::channel();
    let (say_done, hear_done) = mpsc::channel::<()>();
    let peer = std::thread::spawn(move || {
        namespace::make_network().unwrap();
        say_peer.send(rustix::thread::gettid()).unwrap();
        let _ = hear_done.recv();
    });
    let peer_thread = hear_peer.recv().unwrap().as_raw_nonzero().get();
    in_network(move || test(peer_thread));
    drop(say_done);
    peer.join().unwrap();
}

/// Runs a function in the network of another thread.
fn over_there<T: Send + 'static>(thread: i32, what: impl FnOnce() -> T + Send + 'static) -> T {
    let there = std::thread::spawn(move || {
        namespace::enter_network(thread).unwrap();
        what()
    });
    there.join().unwrap()
}

/// Makes a cable from `v0` here to `v1` there, with addresses at both ends.
fn plug(peer: i32) {
    ip(&format!("link add v0 type veth peer name v1 netns {peer}"));
    let configure = |device: &str, host: u8| {
        ip(&format!("addr add 10.77.0.{host}/24 broadcast + dev {device}"));
        ip(&format!("addr add fd77::{host}/64 dev {device} nodad"));
        ip(&format!("addr add fe80::{host}/64 dev {device} nodad"));
        ip(&format!("link set {device} up"));
    };
    over_there(peer, move || configure("v1", 2));
    configure("v0", 1);
    await_carrier("v0");
    over_there(peer, || await_carrier("v1"));
}

/// Waits for the carrier: packets sent before the kernel has noticed the carrier are lost.
fn await_carrier(device: &str) {
    let end = Instant::now() + Duration::from_secs(5);
    let is_up = || {
        let output = Command::new("ip").args(["-br", "link", "show", device]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split_whitespace().nth(1) == Some("UP")
    };
    while !is_up() {
        assert!(Instant::now() < end, "{device} has no carrier");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the two ends of every medium that works over IP.
fn ends() -> Vec<[LinkSpec; 2]> {
    let end = |device: &str, host: u8| {
        let device = || device.to_owned();
        let group6 = "ff12::1:2:3:4".parse().unwrap();
        [
            unicast(&device(), &format!("10.77.0.{host}")),
            LinkSpec::Broadcast { device: device(), port: 695 },
            LinkSpec::Multicast {
                device: device(),
                group: [225, 0, 0, 7].into(),
                port: 696,
                ttl: 1,
                loopback: false,
            },
            LinkSpec::Unicast6 {
                device: device(),
                address: format!("fd77::{host}").parse().unwrap(),
                port: 697,
            },
            LinkSpec::Unicast6 {
                device: device(),
                address: format!("fe80::{host}").parse().unwrap(),
                port: 697,
            },
            LinkSpec::Multicast6 {
                device: device(),
                group: group6,
                port: 698,
                hops: 1,
                loopback: false,
            },
        ]
    };
    std::iter::zip(end("v0", 2), end("v1", 1)).map(Into::into).collect()
}

#[test]
fn medium_of_each_kind_carries_messages_until_its_interface_is_gone() {
    in_two_networks(|peer| {
        for [here, there] in ends() {
            plug(peer);
            let kind = here.kind();
            let mut ours = Link::open(&here).unwrap();
            let theirs = there.clone();
            let mut theirs = over_there(peer, move || Link::open(&theirs).unwrap());
            ours.send(b"one", Urgency::Other).unwrap();
            assert_eq!(await_message(&mut theirs), b"one", "{kind}");
            theirs.send(b"two", Urgency::Other).unwrap();
            // Broadcasts come back.
            let words = [
                await_message(&mut ours),
                if kind == "bcast" { await_message(&mut ours) } else { b"one".to_vec() },
            ];
            assert!(words.contains(&b"two".to_vec()), "{kind}");
            assert!(words.contains(&b"one".to_vec()), "{kind}");
            assert_eq!(ours.receive(&mut [0; 8]).unwrap(), None, "{kind}");

            ip("link del v0");
            ours.send(b"lost", Urgency::Other).unwrap_err();
            assert!(ours.is_lost(), "{kind}");
            assert_eq!(Link::open(&here).unwrap_err().raw_os_error(), Some(libc::ENODEV));
            plug(peer);
            ours.send(b"lost", Urgency::Other).unwrap_err();
            assert!(ours.is_lost(), "{kind}: the old socket knows the old interface only");
            let mut ours = Link::open(&here).unwrap();
            let mut theirs = over_there(peer, move || Link::open(&there).unwrap());
            theirs.send(b"three", Urgency::Other).unwrap();
            assert_eq!(await_message(&mut ours), b"three", "{kind}");
            ip("link del v0");
        }
    });
}

#[test]
fn link_set_down_and_up_again_needs_no_reopening() {
    in_two_networks(|peer| {
        plug(peer);
        let mut ours = Link::open(&unicast("v0", "10.77.0.2")).unwrap();
        let mut theirs = over_there(peer, || Link::open(&unicast("v1", "10.77.0.1")).unwrap());
        ip("link set v0 down");
        ours.send(b"lost", Urgency::Other).unwrap_err();
        assert!(!ours.is_lost());
        assert_eq!(ours.receive(&mut [0; 8]).unwrap(), None);
        ip("link set v0 up");
        await_carrier("v0");
        ours.send(b"found", Urgency::Other).unwrap();
        assert_eq!(await_message(&mut theirs), b"found");
    });
}

#[test]
fn message_is_received_once_and_only_by_its_own_link() {
    in_two_networks(|peer| {
        plug(peer);
        // All on one port, and the group is joined on another interface too.
        ip("link add other type veth peer name end");
        ip("link set other up");
        let group = |device: &str| LinkSpec::Multicast {
            device: device.into(),
            group: [225, 0, 0, 1].into(),
            port: PORT,
            ttl: 1,
            loopback: false,
        };
        let broadcast = |device: &str| LinkSpec::Broadcast { device: device.into(), port: PORT };
        let specs = [broadcast("v0"), unicast("v0", "10.77.0.2"), group("other"), group("v0")];
        let mut links: Vec<_> = Link::open_all(&specs).into_iter().map(Result::unwrap).collect();
        let mut senders = over_there(peer, move || {
            [broadcast("v1"), unicast("v1", "10.77.0.1"), group("v1")]
                .map(|spec| Link::open(&spec).unwrap())
        });
        for (sender, receiver) in senders.iter_mut().zip([0, 0, 3]) {
            sender.send(b"once", Urgency::Other).unwrap();
            assert_eq!(await_message(&mut links[receiver]), b"once");
            for link in &mut links {
                assert_eq!(link.receive(&mut [0; 8]).unwrap(), None, "{}", sender.kind());
            }
        }
    });
}

#[test]
fn broadcast_without_a_broadcast_address_reaches_the_peer() {
    in_two_networks(|peer| {
        plug(peer);
        ip("addr flush dev v0");
        ip("addr add 10.77.0.1/24 dev v0");
        let spec = |device: &str| LinkSpec::Broadcast { device: device.into(), port: PORT };
        let mut theirs = over_there(peer, move || Link::open(&spec("v1")).unwrap());
        let mut ours = Link::open(&spec("v0")).unwrap();
        ours.send(b"anybody", Urgency::Other).unwrap();
        assert_eq!(await_message(&mut theirs), b"anybody");
    });
}
