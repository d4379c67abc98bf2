//! Groups that are let go, each independently of the others.

use super::*;

const EXPIRED: LetGoReason = LetGoReason::PermitExpired;

fn stop_of(group: GroupKey, resource: Resource) -> Unfinished {
    Unfinished { group, action: Action::Stop, resources: vec![resource] }
}

/// Creates a bench with a permit for three seconds.
fn brief() -> Bench {
    let mut bench = Bench::of(start());
    bench.tell(Input::Connected);
    bench.permit(3 * SECOND);
    bench.said.clear();
    bench
}

#[test]
fn permit_issued_after_expiry_of_the_last_permit_does_not_stop_letting_go() {
    let mut bench = brief();
    bench.started(WEB, &[address(1)]);
    bench.said.clear();
    // Both stood still, and the daemon was the first to continue.
    bench.now = bench.now + 10 * SECOND;
    bench.permit(3 * SECOND);
    let begins = Report::LettingGo { reason: EXPIRED, groups: vec![WEB] };
    assert_eq!(bench.reports(), [begins]);
    assert_eq!(bench.change(&Outcome::Success), [(Action::Stop, vec![address(1)])]);
}

#[test]
fn permits_queued_while_only_the_executor_stood_still_keep_the_group() {
    let mut bench = brief();
    bench.started(WEB, &[address(1)]);
    bench.said.clear();
    let from = bench.now;
    bench.now = from + 7 * SECOND;
    for seconds in [2, 4, 6] {
        let issued = from + seconds * SECOND;
        let until = (issued + 3 * SECOND).as_nanos();
        bench.ask(Request::Permit(Permit { issued: issued.as_nanos(), until }));
    }
    bench.machine.elapse(bench.now);
    bench.listen();
    assert_eq!(bench.reports(), [], "its daemon ran all the time");
}

#[test]
fn letting_go_without_a_permit_removes_addresses_before_services_stop() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.started(WEB, &[address(1), address(2)]);
    bench.started_agent(WEB, "b");
    bench.ask(Request::Configure(Configuration { restart_grace_ms: 500, ..Default::default() }));
    bench.tell(Input::Disconnected);
    bench.said.clear();
    bench.pass(SECOND);
    let first =
        bench.said.iter().find(|it| matches!(it, Output::Change { .. } | Output::Begin { .. }));
    assert!(matches!(first, Some(Output::Change { action: Action::Stop, .. })), "{first:?}");
    assert_eq!(bench.change(&Outcome::Success), [(Action::Stop, vec![address(1), address(2)])]);

    // A daemon that connects in the middle is told what is still being stopped; nothing starts meanwhile.
    bench.tell(Input::Connected);
    let stops = ["b", "a"].map(|name| stop_of(WEB, agent(name)));
    assert_eq!(bench.hello().1, stops);
    let (reason, groups) = (LetGoReason::PermitExpired, vec![WEB]);
    let begins = Report::LettingGo { reason, groups: groups.clone() };
    assert_eq!(bench.reports(), [begins]);
    bench.permit(60 * SECOND);
    let refused = bench.run(WEB, Action::Start, &[address(1)]);
    assert_eq!(bench.done(), [(refused, Outcome::Refused)]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert_eq!(bench.play(failed(1)), Action::Stop);
    let failed = vec![held(WEB, &[agent("a")])];
    assert_eq!(bench.reports(), [Report::LetGo { reason, groups, failed }]);
    bench.permit(60 * SECOND);
    bench.run(WEB, Action::Start, &[address(1)]);
    assert_eq!(bench.change(&Outcome::Success).len(), 1);
}

/// The daemon stands still, or is killed, while an agent stops one of two resources.
#[test]
fn stop_already_running_is_not_begun_again_when_letting_go() {
    for is_killed in [false, true] {
        for outcome in [Outcome::Success, failed(1)] {
            let mut bench = brief();
            bench.started_agent(WEB, "a");
            bench.started_agent(WEB, "b");
            let job = bench.run(WEB, Action::Stop, &[agent("b")]);
            let (run, action) = bench.begun();
            assert_eq!(action, Action::Stop);
            if is_killed {
                bench.tell(Input::Disconnected);
            }
            bench.said.clear();
            bench.pass(20 * SECOND);
            assert_eq!(bench.signals(), [], "it goes on");
            assert_eq!(bench.begins(), [], "nothing else is stopped before it");
            bench.tell(Input::Ended { run, outcome: outcome.clone() });
            let answered = if is_killed { vec![] } else { vec![(job, outcome.clone())] };
            assert_eq!(bench.done(), answered);
            assert_eq!(bench.play(Outcome::Success), Action::Stop, "the other one");
            if outcome == Outcome::Success {
                assert_eq!(bench.machine.held(), []);
                continue;
            }
            assert_eq!(bench.machine.held(), [held(WEB, &[agent("b")])]);
            bench.pass(5 * SECOND);
            assert_eq!(bench.play(Outcome::Success), Action::Stop, "it is tried again");
            assert_eq!(bench.machine.held(), []);
        }
    }
}

/// The stop cannot be forked, as when no process is left, and there is no daemon.
#[test]
fn stop_failing_to_begin_while_letting_go_is_asked_again() {
    let mut bench = Bench::letting_go();
    let (run, action) = bench.begin();
    assert_eq!(action, Action::Stop, "it lets go");
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])], "it runs on");
    bench.pass(60 * SECOND);
    let again = bench.begins();
    assert!(!bench.has_exited(), "it exits, and the agent runs on beside whoever took over");
    assert_eq!(again.len(), 1, "it is asked again");
}

#[test]
fn stop_failing_to_begin_while_letting_go_keeps_predecessors_running() {
    let mut bench = brief();
    bench.started_agent(WEB, "a");
    bench.started_agent(WEB, "b");
    bench.pass(3 * SECOND);
    for _ in 0..3 {
        let (run, action) = bench.begin();
        assert_eq!(action, Action::Stop, "it lets go");
        bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
        assert_eq!(bench.begins(), [], "a is not stopped before b");
        bench.pass(5 * SECOND);
    }
}

/// The same with a daemon that stands still.
#[test]
fn stop_failing_to_begin_under_a_stalled_daemon_is_asked_again() {
    let mut bench = Bench::of(start());
    bench.tell(Input::Connected);
    bench.permit(3 * SECOND);
    bench.started_agent(WEB, "a");
    bench.pass(3 * SECOND);
    let (run, _) = bench.begin();
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
    bench.pass(60 * SECOND);
    assert_eq!(bench.begins().len(), 1, "it is asked again");
}

/// The daemon stood still for longer than its permit, and continues.
#[test]
fn group_let_go_beside_a_slow_stop_is_reported_and_can_start_again() {
    let mut bench = Bench::of(start());
    bench.tell(Input::Connected);
    bench.permit(3 * SECOND);
    bench.started(DB, &[address(1)]);
    bench.started_agent(WEB, "slow");
    bench.pass(3 * SECOND);
    assert_eq!(bench.change(&Outcome::Success), [(Action::Stop, vec![address(1)])]);
    assert_eq!(bench.begun().1, Action::Stop, "and the slow one goes on for a while");
    bench.permit(600 * SECOND);
    bench.pass(30 * SECOND);
    let reports = bench.reports();
    let is_told = reports.iter().any(|report| match report {
        Report::LettingGo { groups, .. } => groups.contains(&DB),
        _ => false,
    });
    let job = bench.run(DB, Action::Start, &[address(1)]);
    let is_refused = bench.done().contains(&(job, Outcome::Refused));
    assert_eq!((is_told, is_refused), (true, false), "(is told that DB is gone, cannot start DB)");
}

/// The permit expires while the start of the last agent of a group waits in the kernel.
#[test]
fn run_hanging_in_the_kernel_does_not_keep_neighbours_from_being_let_go() {
    let mut bench = Bench::of(start());
    bench.tell(Input::Connected);
    bench.permit(3 * SECOND);
    bench.started_agent(WEB, "db");
    bench.run(WEB, Action::Start, &[agent("web")]);
    let (_, action) = bench.begun();
    assert_eq!(action, Action::Status, "and it hangs");
    bench.pass(3 * SECOND);
    assert!(bench.logs().iter().any(|line| line.contains("releasing all")));
    bench.pass(60 * SECOND);
    let stops = bench.take(|output| match output {
        Output::Begin { request, action: Action::Stop, .. } => Some(request.resources.clone()),
        _ => None,
    });
    assert!(stops.contains(&vec![agent("db")]), "{stops:?}, held: {:?}", bench.machine.held());
}

/// An address and an agent that stops slowly, of two groups, the first of which is free again.
fn half_let_go() -> (Bench, RunId) {
    let mut bench = brief();
    bench.started(DB, &[address(1)]);
    bench.started_agent(WEB, "slow");
    bench.pass(3 * SECOND);
    let reports = bench.reports();
    assert_eq!(reports, [Report::LettingGo { reason: EXPIRED, groups: vec![DB, WEB] }]);
    bench.change(&Outcome::Success);
    let (run, _) = bench.begun();
    bench.permit(10 * SECOND);
    (bench, run)
}

#[test]
fn group_is_reported_when_its_letting_go_begins_and_ends() {
    let (mut bench, run) = half_let_go();
    let over = |group| Report::LetGo { reason: EXPIRED, groups: vec![group], failed: vec![] };
    assert_eq!(bench.reports(), [over(DB)]);
    let refused = bench.run(WEB, Action::Start, &[agent("slow")]);
    assert_eq!(bench.done(), [(refused, Outcome::Refused)]);
    bench.tell(Input::Ended { run, outcome: Outcome::Success });
    assert_eq!(bench.reports(), [over(WEB)]);
    bench.run(WEB, Action::Start, &[agent("slow")]);
    assert_eq!(bench.begin().1, Action::Status);
}

#[test]
fn group_started_again_while_another_group_is_let_go_is_kept() {
    let (mut bench, run) = half_let_go();
    bench.started(DB, &[address(1)]);
    bench.pass(SECOND);
    assert_eq!(bench.asked(), Some(vec![address(1)]), "it is renewed");
    bench.tell(Input::Renewed(vec![(address(1), Presence::Absent)]));
    assert_eq!(bench.change(&Outcome::Success), [(Action::Start, vec![address(1)])]);
    bench.said.clear();
    // A daemon that connects meanwhile, and is told of the end of the other group, stops nothing.
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    let (groups, still) = bench.hello();
    assert_eq!(groups, [held(WEB, &[agent("slow")]), held(DB, &[address(1)])]);
    assert_eq!(still, [stop_of(WEB, agent("slow"))]);
    bench.tell(Input::Ended { run, outcome: Outcome::Success });
    let groups = vec![WEB];
    let begins = Report::LettingGo { reason: EXPIRED, groups: groups.clone() };
    assert_eq!(
        bench.reports(),
        [begins, Report::LetGo { reason: EXPIRED, groups, failed: vec![] }]
    );
}

#[test]
fn group_started_again_is_let_go_when_its_new_permit_expires() {
    let (mut bench, _) = half_let_go();
    bench.started_agent(DB, "db");
    bench.pass(10 * SECOND);
    let reports = bench.reports();
    assert_eq!(reports, [Report::LettingGo { reason: EXPIRED, groups: vec![DB] }]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
}

#[test]
fn daemon_connecting_while_addresses_are_removed_hears_of_their_stop() {
    let mut bench = brief();
    bench.started(DB, &[address(1)]);
    bench.pass(3 * SECOND);
    bench.tell(Input::Disconnected);
    bench.said.retain(|output| matches!(output, Output::Change { .. }));
    bench.tell(Input::Connected);
    assert_eq!(bench.hello().1, [stop_of(DB, address(1))]);
    let groups = vec![DB];
    assert_eq!(bench.reports(), [Report::LettingGo { reason: EXPIRED, groups: groups.clone() }]);
    bench.change(&Outcome::Success);
    assert_eq!(bench.reports(), [Report::LetGo { reason: EXPIRED, groups, failed: vec![] }]);
}

/// This holds for every reason: another node may have the group by now, and no daemon is there to ask.
#[test]
fn stop_failing_while_letting_go_is_retried_until_success_before_exit() {
    let mut bench = brief();
    bench.started(WEB, &[address(1)]);
    bench.started_agent(WEB, "a");
    bench.tell(Input::Disconnected);
    bench.pass(3 * SECOND);
    for _ in 0..8 {
        assert_eq!(bench.play(failed(1)), Action::Stop);
        assert_eq!(bench.change(&failed(1)), [(Action::Stop, vec![address(1)])]);
        bench.pass(60 * SECOND);
    }
    assert!(!bench.has_exited(), "the agent is at work");
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert!(!bench.has_exited(), "the address is there");
    bench.change(&Outcome::Success);
    assert_eq!((bench.machine.held(), bench.has_exited()), (&[][..], true));
}

#[test]
fn daemon_connecting_after_a_failed_shutdown_keeps_the_executor_alive() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.ask(Request::Shutdown { keep: false });
    assert_eq!(bench.play(failed(1)), Action::Stop);
    assert!(!bench.has_exited(), "the agent is at work");
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    assert_eq!(bench.hello().0, [held(WEB, &[agent("a")])]);
    bench.permit(60 * SECOND);
    bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert!(!bench.has_exited(), "its daemon is here");
}

/// The start waits for a slow disk, the daemon dies, and the permit expires.
#[test]
fn start_waiting_for_the_ledger_without_daemon_or_permit_is_not_begun() {
    let mut bench = brief();
    bench.started_agent(DB, "db");
    bench.machine.handle(
        bench.now,
        Input::Request(Request::Run(Run {
            job: JobId(77),
            group: WEB,
            group_name: "web".into(),
            term: 3,
            action: Action::Start,
            resources: vec![agent("a")],
            timeout_ms: 60_000,
            environment: Vec::new(),
            is_restart: false,
            probes: Vec::new(),
            is_without_agent: false,
        })),
    );
    let mut number = None;
    while let Some(output) = bench.machine.poll() {
        if let Output::WriteLedger { number: of, .. } = output {
            number = Some(of);
        }
    }
    let number = number.expect("it is written down");
    bench.tell(Input::Disconnected);
    bench.pass(3 * SECOND);
    assert_eq!(bench.machine.held(), [held(DB, &[agent("db")])]);
    bench.begun();
    bench.tell(Input::LedgerWritten { number, error: None });
    assert_eq!(bench.begins(), []);
}

/// The daemon's stop of b waits to be forked when everything is let go, and the fork fails.
#[test]
fn daemon_requested_stop_failing_to_begin_keeps_predecessors_running() {
    let mut bench = brief();
    bench.started_agent(WEB, "a");
    bench.started_agent(WEB, "b");
    bench.run(WEB, Action::Stop, &[agent("b")]);
    let (run, action) = bench.begin();
    assert_eq!(action, Action::Stop);
    bench.pass(4 * SECOND);
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
    let stops = bench.take(|output| match output {
        Output::Begin { request, action: Action::Stop, .. } => Some(request.resources.clone()),
        _ => None,
    });
    assert!(!stops.contains(&vec![agent("a")]), "a is not stopped before b: {stops:?}");
}

/// The daemon's stop of b hangs, with the daemon's limit of ten minutes.
#[test]
fn hanging_stop_does_not_keep_neighbours_from_being_let_go() {
    let mut bench = brief();
    bench.started_agent(WEB, "a");
    bench.started_agent(WEB, "b");
    bench.run_within(WEB, Action::Stop, &[agent("b")], 600_000);
    bench.begun();
    bench.pass(3 * SECOND);
    let mut seconds = 0;
    while seconds < 1000 {
        bench.pass(SECOND);
        seconds += 1;
        let stops = bench.take(|output| match output {
            Output::Begin { run, request, .. } => Some((*run, request.resources.clone())),
            _ => None,
        });
        if stops.iter().any(|(_, stopped)| *stopped == [agent("a")]) {
            break;
        }
        for (run, _) in stops {
            bench.tell(Input::Begun { run, agent: AgentName::default() });
        }
        // The agents obey a signal.
        for (run, _) in bench.signals() {
            bench.tell(Input::Ended { run, outcome: failed(143) });
        }
    }
    assert!(seconds <= 90, "a runs on for {seconds} s");
}
