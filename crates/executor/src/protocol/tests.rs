use super::*;
use std::net::{IpAddr, Ipv4Addr};
use systole_core::{AddressSpec, ResourceKind};

fn run() -> Run {
    let address = Resource {
        word: "10.0.0.1/24/eth0".into(),
        kind: ResourceKind::Address(AddressSpec {
            address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
            prefix: Some(24),
            interface: Some("eth0".into()),
            broadcast: None,
        }),
    };
    Run {
        job: JobId(7),
        group: GroupKey(1),
        group_name: "web".into(),
        term: 3,
        action: Action::Start,
        resources: vec![address],
        timeout_ms: 1000,
        environment: vec![("HA_t".into(), "status".into())],
        is_restart: true,
        probes: Vec::new(),
        is_without_agent: false,
    }
}

#[test]
fn request_survives_encoding_and_decoding() {
    let requests = [
        Request::Configure(Configuration::default()),
        Request::Permit(Permit { issued: 7, until: 12 }),
        Request::Run(run()),
        Request::Cancel { job: JobId(9) },
        Request::Release,
        Request::Shutdown { keep: true },
    ];
    for request in requests {
        let packet = request.encode().unwrap();
        assert_eq!(Request::decode(&packet).unwrap(), request);
    }
}

#[test]
fn report_survives_encoding_and_decoding() {
    let outcome = Outcome::Failed { code: 7, text: String::new() };
    let report = Report::Done { job: JobId(7), outcome };
    assert_eq!(Report::decode(&report.encode().unwrap()).unwrap(), report);
}

#[test]
fn permit_packet_end_counts_from_its_issue_time() {
    let packet = permit_packet(1_000_000_000, Duration::from_secs(5));
    let permit = Permit { issued: 1_000_000_000, until: 6_000_000_000 };
    assert_eq!(Request::decode(&packet).unwrap(), Request::Permit(permit));
    let forever = permit_packet(u64::MAX - 1, Duration::MAX);
    let permit = Permit { issued: u64::MAX - 1, until: u64::MAX };
    assert_eq!(Request::decode(&forever).unwrap(), Request::Permit(permit));
}

#[test]
fn malformed_or_oversized_request_is_refused() {
    assert!(Request::decode(b"").is_err());
    assert!(Request::decode(b"\0permit2").is_err());
    assert!(Request::decode(b"\0permit2\0\0\0\0\0\0\0\0").is_err());
    assert!(Request::decode(b"{\"permit\":{\"until\":1}}").is_err());
    let long = vec![b' '; PACKET_MAX + 1];
    assert!(matches!(Request::decode(&long), Err(ProtocolError::Long { .. })));
}
