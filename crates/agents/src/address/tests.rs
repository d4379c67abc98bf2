use super::*;

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
