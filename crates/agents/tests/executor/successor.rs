//! Executors that follow one another, or are left without their daemon.

use super::*;

#[test]
fn address_lost_while_no_executor_ran_is_not_held_for_the_next_daemon() {
    let mut bench = bench();
    bench.service("db");
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &[address("192.0.2.50")]), Outcome::Success);
    bench.kill();
    // This simulates a lifetime that is over before another executor starts.
    bench.ip("address del 192.0.2.50/24 dev left");
    bench.start(PATIENT);
    let (_, hello) = bench.greeted();
    let Report::Hello { groups, .. } = hello else { panic!("{hello:?}") };
    assert_eq!(groups[0].resources, [agent("db")]);
}

#[test]
fn executor_after_a_killed_predecessor_adopts_its_resources() {
    let mut bench = bench();
    bench.service("db");
    let deaf = "[ $1 = start ] || exit 0\ntrap '' TERM\necho $$ > $D/pid\nsleep 60";
    bench.script("stuck", deaf);
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &[address("192.0.2.50")]), Outcome::Success);
    daemon.ask(2, Action::Start, &[agent("stuck")]);
    let process = until("it starts", || bench.process("pid"));
    bench.kill();
    assert!(process.is_running(), "an agent outlives its executor");

    bench.start(PATIENT);
    let mut successor = bench.connect();
    successor.permit(Duration::from_mins(1));
    let hello = successor.find(|report| matches!(report, Report::Hello { .. }));
    let Report::Hello { groups, unfinished, .. } = hello else { unreachable!() };
    assert!(process.is_running(), "the hello waits for nothing");
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].resources, [agent("db"), address("192.0.2.50")]);
    assert_eq!((groups[0].term, groups[0].group_name.as_str()), (3, "web"));
    assert_eq!((unfinished.len(), unfinished[0].action), (1, Action::Start));
    assert_eq!(unfinished[0].resources, [agent("stuck")]);
    // Another group waits for nothing. What is requested for this group begins when the earlier run has
    // ended.
    assert_eq!(successor.run(1, Action::Status, &[agent("db")]), Outcome::Running);
    assert!(process.is_running());
    assert_eq!(successor.run(2, Action::Stop, &[agent("stuck")]), Outcome::Success);
    assert!(!process.is_running());
    assert!(bench.has_address("192.0.2.50"), "it was adopted and renewed");
    assert!(!bench.read("verbs").contains("stop"));
}

#[test]
fn executor_with_a_cleared_directory_restores_its_socket_and_ledger() {
    let mut bench = bench();
    bench.service("db");
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    for place in ["executor.sock", "executor.json", "executor.new"] {
        std::fs::remove_file(bench.path(place)).unwrap();
    }
    std::fs::remove_dir_all(bench.path("runs")).unwrap();
    for place in ["executor.sock", "executor.json"] {
        until(place, || {
            // This is a beat, which wakes the executor.
            daemon.permit(Duration::from_mins(1));
            bench.path(place).exists().then_some(())
        });
    }
    assert_eq!(daemon.run(1, Action::Status, &[agent("db")]), Outcome::Running);
    drop(daemon);
    let held = |hello| {
        let Report::Hello { groups, .. } = hello else { panic!("{hello:?}") };
        groups.into_iter().flat_map(|group| group.resources).collect::<Vec<_>>()
    };
    let (daemon, hello) = bench.greeted();
    assert_eq!(held(hello), [agent("db")]);
    drop(daemon);
    bench.kill();
    bench.start(PATIENT);
    assert_eq!(held(bench.greeted().1), [agent("db")], "its successor reads the ledger");
}

#[test]
fn executor_leaving_for_a_successor_keeps_everything_running() {
    let mut bench = bench();
    bench.service("db");
    bench.script(
        "slow",
        "[ $1 = status ] && exit 0\necho $$ > $D/pid\nuntil [ -e $D/go ]; do sleep 0.01; done",
    );
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("db")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &[address("192.0.2.50")]), Outcome::Success);
    let slow = daemon.ask(2, Action::Start, &[agent("slow")]);
    until("it runs", || bench.process("pid"));
    daemon.send(&Request::Shutdown { keep: true });
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(daemon.done(slow), Outcome::Success, "what runs is waited for");
    bench.await_exit();
    assert!(bench.has_address("192.0.2.50"));
    bench.start(PATIENT);
    let (_, hello) = bench.greeted();
    let Report::Hello { groups, unfinished, .. } = hello else { panic!("{hello:?}") };
    assert_eq!(groups[0].resources, [agent("db"), address("192.0.2.50")]);
    assert_eq!(unfinished, []);
    assert!(!bench.read("verbs").contains("stop"));
}

#[test]
fn addresses_absent_from_the_ledger_are_removed_by_the_next_executor() {
    let mut bench = bench();
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[address("192.0.2.50")]), Outcome::Success);
    bench.kill();
    std::fs::remove_file(bench.path("executor.json")).unwrap();
    bench.start(PATIENT);
    let (mut successor, hello) = bench.greeted();
    assert!(matches!(hello, Report::Hello { groups, .. } if groups.is_empty()));
    assert!(!bench.has_address("192.0.2.50"));
    let text = "Removed orphaned address 192.0.2.50";
    successor.find(|report| matches!(report, Report::Log { text: line, .. } if line == text));
}

#[test]
fn executor_serves_only_one_daemon_at_a_time() {
    let bench = bench();
    bench.service("web");
    bench.script("slow", "[ $1 = start ] || exit 0\necho $$ > $D/pid\nexec sleep 60");
    let (mut first, _) = bench.greeted();
    assert_eq!(first.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    assert_eq!(bench.connect().next_report(), None);
    first.ask(2, Action::Start, &[agent("slow")]);
    let process = until("it starts", || bench.process("pid"));
    drop(first);
    let (mut second, hello) = until("the first is forgotten", || {
        let mut daemon = bench.connect();
        let report = daemon.next_report()?;
        Some((daemon, report))
    });
    let Report::Hello { groups, unfinished, .. } = hello else { panic!("{hello:?}") };
    assert_eq!(groups.iter().filter(|held| held.resources == [agent("web")]).count(), 1);
    assert_eq!(unfinished[0].resources, [agent("slow")]);
    assert!(process.is_running(), "a start that goes on may well end well");
    assert_eq!(second.run(2, Action::Stop, &[agent("slow")]), Outcome::Success);
    assert!(!process.is_running(), "a stop does not wait for it");
}

#[test]
fn executor_without_a_daemon_stops_its_services_and_exits() {
    let mut bench = Bench::new();
    bench.service("web");
    bench.start(Duration::from_millis(200));
    let (mut daemon, _) = bench.greeted();
    daemon.permit(Duration::from_secs(1));
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    daemon.send(&Request::Configure(Configuration { restart_grace_ms: 500, ..Default::default() }));
    assert_eq!(daemon.run(1, Action::Status, &[agent("web")]), Outcome::Running);
    drop(daemon);
    bench.await_exit();
    assert!(bench.read("verbs").ends_with("web stop\n"), "{}", bench.read("verbs"));
}
