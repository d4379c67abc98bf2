use super::*;
use std::process::Command;
use std::time::Instant;
use systole_sys::address::{ClaimListener, Family};
use systole_sys::namespace::make_network;

fn address(ip: &str) -> Resource {
    let spec = AddressSpec {
        address: ip.parse().unwrap(),
        prefix: None,
        interface: None,
        broadcast: None,
    };
    Resource { word: ip.to_owned(), kind: ResourceKind::Address(spec) }
}

fn errno(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.raw_os_error())
}

#[test]
fn address_removal_refused_by_the_kernel_fails_only_its_own_run() {
    let [one, two, three] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(address);
    let rows: [&[Resource]; 3] = [&[one, two], &[], &[three]];
    let taken = |ip: &str| {
        let (address, interface) = (ip.parse().unwrap(), "eth0".to_owned());
        Ok(vec![Taken { address, prefix: 24, interface }])
    };
    let answers = vec![taken("192.0.2.1"), Err(errno(Errno::PERM)), taken("192.0.2.3")];
    let text = "192.0.2.2: Operation not permitted (os error 1)".to_owned();
    let result = |outcome: Outcome, line: &[&str]| {
        let lines = line.iter().map(|line| ("eth0".to_owned(), (*line).to_owned())).collect();
        Changed { outcome, lines, announced: 0 }
    };
    let right = [
        result(
            Outcome::Failed { code: 1, text },
            &["Removing inet address 192.0.2.1/24 from device eth0"],
        ),
        result(Outcome::Success, &[]),
        result(Outcome::Success, &["Removing inet address 192.0.2.3/24 from device eth0"]),
    ];
    assert_eq!(removed(&rows, answers), right);
}

#[test]
fn address_refused_for_a_transient_kernel_error_counts_as_not_asked() {
    let ip = "192.0.2.1".parse().unwrap();
    let silent: io::Error = io::ErrorKind::UnexpectedEof.into();
    for error in [errno(Errno::NOMEM), errno(Errno::NOBUFS), errno(Errno::INTR), silent] {
        let text = format!("192.0.2.1: {error}");
        assert_eq!(refused(ip, &error), Outcome::NotAsked { text });
    }
    for error in [Errno::PERM, Errno::NODEV, Errno::INVAL] {
        assert!(matches!(refused(ip, &errno(error)), Outcome::Failed { code: 1, .. }));
    }
}

/// Waits until the kernel sends what is given to the two ends of a pair: until then it drops that in silence.
pub(crate) fn wait_until_up() {
    let is_up = |name: &str| {
        let told = Command::new("ip").args(["link", "show", name]).output().unwrap();
        String::from_utf8_lossy(&told.stdout).contains("state UP")
    };
    let begin = Instant::now();
    while !["left", "right"].into_iter().all(is_up) {
        assert!(begin.elapsed() < Duration::from_secs(10), "the interfaces do not come up");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn announcement_that_is_overdue_does_not_go_out_with_the_first_one_of_another_address() {
    let inside = || {
        make_network().expect("needs root");
        for words in [
            "link add left type veth peer name right",
            "address add 192.0.2.1/24 dev left",
            "link set left up",
            "link set right up",
        ] {
            assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success());
        }
        wait_until_up();
        let mut agent = AddressAgent::open().unwrap();
        let right = agent.interfaces().unwrap().into_iter().find(|it| it.name == "right").unwrap();
        let all = ["192.0.2.2", "192.0.2.3"].map(|it| it.parse().unwrap());
        let neighbour = ClaimListener::open(right.index, Family::Arp, &all).unwrap();
        // What is sent on one end of such a pair is at the other end when the call returns.
        let heard = || {
            let mut claims = Vec::new();
            neighbour.read(&mut claims).unwrap();
            claims.dedup();
            claims.into_iter().map(|claim| claim.address.to_string()).collect::<Vec<_>>()
        };
        let (now, lifetime) = (Time::START + Duration::from_secs(9), Duration::from_mins(1));
        let [one, other] = ["192.0.2.2", "192.0.2.3"].map(|it| [address(it)]);
        let start = |agent: &mut AddressAgent, at, row: &[Resource]| {
            let started = agent.start(at, &[row], lifetime);
            assert!(started[0].outcome.is_success(), "{started:?}");
        };
        start(&mut agent, now, &one);
        assert_eq!(heard(), ["192.0.2.2"]);
        let later = now + Duration::from_secs(3);
        start(&mut agent, later, &other);
        assert_eq!(heard(), ["192.0.2.3"], "the other one may be about to be removed");
        assert!(agent.deadline().is_some_and(|due| due <= later));
        agent.stop(&[&one]);
        agent.announce(later);
        assert_eq!(heard(), [] as [&str; 0], "it was removed");
        agent.announce(later + Duration::from_millis(50));
        assert_eq!(heard(), ["192.0.2.3"]);
    };
    std::thread::spawn(inside).join().unwrap();
}
