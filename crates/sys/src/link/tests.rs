use super::*;
use crate::namespace;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::process::Command;
use std::sync::mpsc;

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
    let length = link.receive(&mut buffer).unwrap().unwrap();
    buffer.truncate(length);
    buffer
}

#[test]
fn message_goes_around() {
    in_network(|| {
        let mut link = Link::open(&unicast("lo", "localhost")).unwrap();
        assert_eq!((link.name(), link.kind(), link.form()), ("lo", "ucast", Form::Datagram));
        assert_eq!(link.receive(&mut [0; 8]).unwrap(), None);
        link.send(b"beat").unwrap();
        assert_eq!(await_message(&mut link), b"beat");
    });
}

#[test]
fn a_burst_waits_whole_until_it_is_read() {
    /// About what a flood of 5,000 a second leaves while nobody reads for most of a second.
    const BURST: usize = 4_000;
    in_network(|| {
        let mut link = Link::open(&unicast("lo", "127.0.0.1")).unwrap();
        for _ in 0..BURST {
            link.send(&[b'#'; 300]).unwrap();
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
        link.send(&[1; 100]).unwrap();
        link.send(&[2; 10]).unwrap();
        let mut buffer = [0; 20];
        let kind = link.receive(&mut buffer).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::InvalidData);
        assert_eq!(link.receive(&mut buffer).unwrap(), Some(10));
        assert!(link.send(&vec![0; 70_000]).is_err());
    });
}

#[test]
fn links_on_one_port_share_a_receiver() {
    in_network(|| {
        let specs = [unicast("lo", "127.0.0.1"), unicast("lo", "127.0.0.2")];
        let mut links: Vec<_> = Link::open_all(&specs).into_iter().map(Result::unwrap).collect();
        assert!(links[1].fd().is_none());
        for round in 0..20 {
            links[1].send(&[round]).unwrap();
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

/// Two networks with a cable between them, which is unplugged, pulled out, and put back.
#[test]
fn link_outlives_its_interface() {
    let (say_peer, hear_peer) = mpsc::channel();
    let (say_done, hear_done) = mpsc::channel::<()>();
    let peer = std::thread::spawn(move || {
        namespace::make_network().unwrap();
        say_peer.send(rustix::thread::gettid()).unwrap();
        let _ = hear_done.recv();
    });
    let peer_thread = hear_peer.recv().unwrap().as_raw_nonzero().get();
    in_network(move || {
        let plug = move || {
            ip(&format!("link add v0 type veth peer name v1 netns {peer_thread}"));
            ip("addr add 10.77.0.1/24 dev v0");
            ip("link set v0 up");
            std::thread::spawn(move || {
                namespace::enter_network(peer_thread).unwrap();
                ip("addr add 10.77.0.2/24 dev v1");
                ip("link set v1 up");
                Link::open(&unicast("v1", "10.77.0.1")).unwrap()
            })
            .join()
            .unwrap()
        };
        let mut theirs = plug();
        let mut ours = Link::open(&unicast("v0", "10.77.0.2")).unwrap();
        ours.send(b"one").unwrap();
        assert_eq!(await_message(&mut theirs), b"one");
        theirs.send(b"two").unwrap();
        assert_eq!(await_message(&mut ours), b"two");

        ip("link set v0 down");
        assert!(ours.send(b"lost").is_err());
        assert_eq!(ours.receive(&mut [0; 8]).unwrap(), None);
        ip("link set v0 up");
        ours.send(b"three").unwrap();
        assert_eq!(await_message(&mut theirs), b"three");

        ip("link del v0");
        assert!(ours.send(b"lost").is_err());
        assert!(ours.reopen().is_err());
        assert!(ours.send(b"lost").is_err());
        let mut theirs = plug();
        assert!(ours.send(b"lost").is_err(), "the old socket knows the old interface only");
        ours.reopen().unwrap();
        ours.send(b"four").unwrap();
        assert_eq!(await_message(&mut theirs), b"four");
    });
    drop(say_done);
    peer.join().unwrap();
}
