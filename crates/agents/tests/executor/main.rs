//! A real executor, as a process of its own in a network namespace of its own, driven through its socket as
//! the daemon drives it.
#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one report among many")]

mod bench;
mod claims;
mod main_processes;
mod misbehaving;
mod probes;
mod successor;

use bench::{Bench, address, agent, until};
use std::time::{Duration, Instant};
use systole_agents::protocol::{
    Action, Configuration, LetGoReason, Outcome, Report, Request, Service,
};
use systole_core::{GroupKey, Resource, ResourceKind};

/// Longer than any test, so that the executor waits for its daemon.
const PATIENT: Duration = Duration::from_mins(1);

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.start(PATIENT);
    bench
}

#[test]
fn start_asks_for_the_status_first() {
    let bench = bench();
    bench.service("web");
    let (mut daemon, _) = bench.greeted();
    let web = [agent("web")];
    assert_eq!(daemon.run(1, Action::Status, &web), Outcome::NotRunning);
    assert_eq!(daemon.run(1, Action::Start, &web), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Status, &web), Outcome::Running);
    assert_eq!(daemon.run(1, Action::Start, &web), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Monitor, &web), Outcome::Running);
    assert_eq!(daemon.run(1, Action::Stop, &web), Outcome::Success);
    let verbs = bench.read("verbs").replace("web ", "");
    let verbs: Vec<_> = verbs.lines().collect();
    assert_eq!(verbs, ["status", "status", "start", "status", "status", "status", "stop"]);
    let path = bench.path("ha.d/resource.d/web");
    let line = format!("Running {}  start", path.display());
    assert_eq!(daemon.log().iter().filter(|text| **text == line).count(), 1);
}

#[test]
fn executor_reports_each_kind_of_failure_with_its_own_outcome() {
    let bench = bench();
    bench.script("bad", "echo said it; exit 7");
    bench.script("slow", "[ $1 = status ] || sleep 60");
    let (mut daemon, _) = bench.greeted();
    let failed = Outcome::Failed { code: 7, text: String::new() };
    assert_eq!(daemon.run(1, Action::Start, &[agent("bad")]), failed);
    let path = bench.path("ha.d/resource.d/bad");
    let line = format!("Return code 7 from {}", path.display());
    assert!(daemon.log().contains(&line.as_str()) && daemon.log().contains(&"said it"));
    assert_eq!(daemon.run(1, Action::Start, &[agent("none")]), Outcome::Missing);
    assert_eq!(daemon.run(1, Action::Start, &[]), Outcome::Refused);
    let mixed = [agent("bad"), address("192.0.2.50")];
    assert_eq!(daemon.run(1, Action::Start, &mixed), Outcome::Refused);
    let slow = daemon.ask_within(2, Action::Start, &[agent("slow")], 2000);
    assert_eq!(daemon.done(slow), Outcome::TimedOut);
    let slow = daemon.ask(2, Action::Start, &[agent("slow")]);
    daemon.send(&Request::Cancel { job: slow });
    assert_eq!(daemon.done(slow), Outcome::Cancelled);
}

#[test]
fn runs_of_the_same_group_are_sequential_and_of_two_groups_parallel() {
    let bench = bench();
    // Each of two groups waits for the other, so they can end only if they run at the same time.
    let meet = "[ $1 = start ] || exit 0; N=$(basename $0); touch $D/$N.here\n";
    for (name, other) in [("one", "two"), ("two", "one")] {
        bench.script(name, &format!("{meet}while [ ! -e $D/{other}.here ]; do sleep 0.01; done"));
    }
    bench.script("after", "[ $1 = start ] && [ -e $D/one.here ]");
    let (mut daemon, _) = bench.greeted();
    let one = daemon.ask(1, Action::Start, &[agent("one")]);
    let after = daemon.ask(1, Action::Start, &[agent("after")]);
    let two = daemon.ask(2, Action::Start, &[agent("two")]);
    for job in [after, one, two] {
        assert_eq!(daemon.done(job), Outcome::Success);
    }
}

#[test]
fn addresses_under_a_permit_are_renewed_and_restored_until_stopped() {
    let bench = bench();
    let (mut daemon, _) = bench.greeted();
    let both = [address("192.0.2.50"), address("192.0.2.51")];
    assert_eq!(daemon.run(1, Action::Status, &both), Outcome::NotRunning);
    assert_eq!(daemon.run(1, Action::Start, &both), Outcome::Success);
    let line =
        "Adding inet address 192.0.2.50/24 with broadcast address 192.0.2.255 to device left";
    assert!(daemon.log().contains(&line), "{:?}", daemon.log());
    assert!(daemon.reports.contains(&Report::Announced { group: GroupKey(1), addresses: 2 }));
    // This is longer than a lifetime: without a renewal the addresses would be gone.
    let begin = Instant::now();
    until("a lifetime is over", || {
        assert!(bench.has_address("192.0.2.50") && bench.has_address("192.0.2.51"));
        (begin.elapsed() > Duration::from_secs(4)).then_some(())
    });
    bench.ip("address del 192.0.2.51/24 dev left");
    let back = daemon.find(|report| matches!(report, Report::AddressBack { .. }));
    let Report::AddressBack { group, resources, why } = back else { unreachable!() };
    assert_eq!((group, &resources[..]), (GroupKey(1), &both[1..]));
    assert!(why.starts_with("it was removed by "), "{why}");
    assert!(bench.has_address("192.0.2.51"));
    assert_eq!(daemon.run(1, Action::Stop, &both[1..]), Outcome::Success);
    // One remaining address is enough to report that a stop has not stopped them.
    assert_eq!(daemon.run(1, Action::Status, &both), Outcome::Running);
    assert_eq!(daemon.run(1, Action::Monitor, &both), Outcome::NotRunning);
    assert_eq!(daemon.run(1, Action::Start, &both), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Status, &both), Outcome::Running);
    assert_eq!(daemon.run(1, Action::Stop, &both), Outcome::Success);
    assert!(!bench.has_address("192.0.2.50"));
    let line = "Removing inet address 192.0.2.50/24 from device left";
    assert!(daemon.log().contains(&line), "{:?}", daemon.log());
}

#[test]
fn address_without_a_network_among_many_groups_fails_alone() {
    let bench = bench();
    let (mut daemon, _) = bench.greeted();
    let groups = 1..=60_u32;
    let ip = |group: u32| match group {
        30 => "198.51.100.1".to_owned(),
        _ => format!("192.0.2.{}", 100 + group),
    };
    for action in [Action::Start, Action::Status, Action::Stop] {
        let jobs = groups.clone().map(|group| daemon.ask(group, action, &[address(&ip(group))]));
        for (group, job) in groups.clone().zip(jobs.collect::<Vec<_>>()) {
            let outcome = daemon.done(job);
            match (action, group) {
                (Action::Start, 30) => {
                    let text = outcome.text();
                    assert!(text.contains("no interface has a network"), "{outcome:?}");
                }
                (Action::Status, 30) => assert_eq!(outcome, Outcome::NotRunning),
                (Action::Status, _) => assert_eq!(outcome, Outcome::Running, "{group}"),
                _ => assert_eq!(outcome, Outcome::Success, "{action:?} of {group}"),
            }
        }
        let table = bench.ip("-4 address show dev left");
        for group in groups.clone() {
            let is_here = table.contains(&format!("inet {}/", ip(group)));
            assert_eq!(is_here, action != Action::Stop && group != 30, "{action:?}: {table}");
        }
    }
}

#[test]
fn greeting_longer_than_a_packet_reaches_the_daemon_whole() {
    let bench = bench();
    // The first argument is the long one.
    bench.script("web", "[ $2 = status ] && echo stopped; exit 0");
    let (mut daemon, _) = bench.greeted();
    let long = ResourceKind::Agent { name: "web".into(), arguments: vec!["x".repeat(100 << 10)] };
    let web = Resource { word: "web".into(), kind: long };
    for group in 1..=12 {
        assert_eq!(daemon.run(group, Action::Start, std::slice::from_ref(&web)), Outcome::Success);
    }
    drop(daemon);
    let (_, hello) = bench.greeted();
    let Report::Hello { groups, .. } = hello else { panic!("{hello:?}") };
    assert_eq!(groups.len(), 12);
    assert!(groups.iter().all(|held| held.resources == [web.clone()]));
}

#[test]
fn interface_fault_and_address_loss_are_reported_to_the_daemon() {
    let bench = bench();
    let (mut daemon, _) = bench.greeted();
    let here = address("192.0.2.50");
    let group = GroupKey(1);
    let services = vec![Service { group, addresses: vec![here.clone()] }];
    daemon.send(&Request::Configure(Configuration { services, ..Configuration::default() }));
    assert_eq!(daemon.run(1, Action::Start, std::slice::from_ref(&here)), Outcome::Success);
    let mut expect = |fault: Option<&str>| {
        let fault = fault.map(str::to_owned);
        daemon.find(|report| *report == Report::Carrier { group, fault: fault.clone() });
    };
    bench.ip("link set right down");
    expect(Some("192.0.2.50: left has no carrier"));
    bench.ip("link set left down");
    expect(Some("192.0.2.50: left is down"));
    bench.ip("link set left up");
    bench.ip("link set right up");
    expect(None);
    bench.ip("address del 192.0.2.50/24 dev left");
    daemon.find(|report| matches!(report, Report::AddressBack { .. }));
    // An address that cannot be put back is lost.
    bench.ip("link del left");
    let lost = daemon.find(|report| matches!(report, Report::AddressLost { .. }));
    assert!(matches!(lost, Report::AddressLost { resources, .. } if resources == [here]));
}

#[test]
fn executor_memory_beside_a_large_routing_table_stays_small() {
    let bench = bench();
    let routes = (0..100_000_u32).map(|n| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("route add 10.{a}.{b}.{c}/32 dev left\n")
    });
    bench.ip_batch(&routes.collect::<String>());
    let (mut daemon, _) = bench.greeted();
    let here = [address("192.0.2.50")];
    let services = vec![Service { group: GroupKey(1), addresses: here.to_vec() }];
    let before = bench.most_memory();
    daemon.send(&Request::Configure(Configuration { services, ..Configuration::default() }));
    for (action, outcome) in [
        (Action::Start, Outcome::Success),
        (Action::Status, Outcome::Running),
        (Action::Stop, Outcome::Success),
    ] {
        assert_eq!(daemon.run(1, action, &here), outcome);
    }
    let grown = bench.most_memory() - before;
    assert!(grown < 8 << 10, "{grown} KiB");
}

#[test]
fn address_without_a_matching_network_fails_with_the_reason() {
    let bench = bench();
    let (mut daemon, _) = bench.greeted();
    let text = "no interface has a network that contains 10.1.2.3".to_owned();
    let outcome = daemon.run(1, Action::Start, &[address("10.1.2.3")]);
    assert_eq!(outcome, Outcome::Failed { code: 1, text });
}

#[test]
fn permit_expiry_removes_addresses_before_services_stop() {
    let mut bench = bench();
    bench.service("db");
    // At its stop, the service records whether the address is still there.
    let look = "[ $1 = stop ] && ip address show dev left > $D/seen\n[ $1 = status ] || exit 0";
    bench.script("web", look);
    let mut daemon = bench.connect();
    daemon.permit(Duration::from_millis(1500));
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &[address("192.0.2.50")]), Outcome::Success);
    let report = daemon.find(|report| matches!(report, Report::LetGo { .. }));
    let reason = LetGoReason::PermitExpired;
    let groups = vec![GroupKey(1)];
    assert_eq!(report, Report::LetGo { reason, groups, failed: Vec::new() });
    assert!(bench.read("seen").contains("left") && !bench.read("seen").contains("192.0.2.50"));
    assert!(bench.read("verbs").ends_with("db stop\n"));
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Refused);
    daemon.permit(Duration::from_mins(1));
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    daemon.send(&Request::Shutdown { keep: false });
    assert!(matches!(
        daemon.find(|report| matches!(report, Report::LetGo { .. })),
        Report::LetGo { reason: LetGoReason::Ordered, .. }
    ));
    bench.await_exit();
    assert!(bench.read("verbs").ends_with("db stop\n"));
}
