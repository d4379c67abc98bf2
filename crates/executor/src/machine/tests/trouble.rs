//! What fails in the executor is never an answer of the agent.

use super::*;
use crate::{Finding, LookId};

#[test]
fn ledger_gone_from_disk_is_written_again_with_the_same_content() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.run(DB, Action::Start, &[agent("db")]);
    let before = bench.written.take().expect("a ledger");
    bench.tell(Input::LedgerGone);
    let again = bench.written.take().expect("a ledger");
    assert_eq!((again.ledger, again.doubtful), (before.ledger, before.doubtful));
    // A ledger that cannot be written is tried again as usual, however often its file is found to be missing.
    bench.ledger = Some("no room".to_owned());
    bench.tell(Input::LedgerGone);
    bench.logs();
    bench.tell(Input::LedgerGone);
    assert_eq!(bench.logs(), Vec::<String>::new());
    bench.ledger = None;
    bench.pass(SECOND);
    assert!(bench.written.is_some());
}

/// Both processes are killed during a stop, which ends before the next ones start.
#[test]
fn resource_being_stopped_at_a_kill_is_not_listed_by_the_successor() {
    for outcome in [None, Some(Outcome::Success), Some(failed(1)), Some(Outcome::TimedOut)] {
        let mut bench = Bench::new();
        bench.started_agent(WEB, "a");
        bench.run(WEB, Action::Stop, &[agent("a")]);
        let (run, _) = bench.begun();
        let has_stopped = outcome == Some(Outcome::Success);
        if let Some(outcome) = outcome {
            bench.tell(Input::Ended { run, outcome });
        }
        let (next, resources) = bench.successor();
        assert_eq!(resources, []);
        assert_eq!(next.machine.held().is_empty(), has_stopped, "it may run all the same");
    }
}

/// A stop that the executor could not run changes nothing.
#[test]
fn resource_whose_stop_could_not_begin_is_listed_by_the_successor() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.run(WEB, Action::Stop, &[agent("a")]);
    let (run, _) = bench.begin();
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
    assert_eq!(bench.successor().1, [agent("a")]);
}

fn not_asked(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotAsked { .. })
}

#[test]
fn program_failing_to_begin_leaves_nothing_held_and_can_run_again() {
    for action in [Action::Start, Action::Stop, Action::Status, Action::Monitor] {
        let mut bench = Bench::new();
        let job = bench.run(WEB, action, &[agent("a")]);
        let (run, _) = bench.begin();
        bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
        let done = bench.done();
        assert!(done[0].0 == job && not_asked(&done[0].1), "{done:?}");
        // The daemon reports what a check could not find out.
        let is_logged = bench.logs().iter().any(|line| line.contains("no process is left"));
        assert_eq!(is_logged, action != Action::Monitor);
        assert_eq!(bench.machine.held(), [], "nothing was started");
        bench.run(WEB, action, &[agent("a")]);
        bench.begin();
    }
}

#[test]
fn stop_failing_to_begin_keeps_its_resource_in_the_ledger() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.run(WEB, Action::Stop, &[agent("a")]);
    let (run, _) = bench.begin();
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("no process is left".into()) });
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])]);
}

#[test]
fn start_whose_ledger_write_fails_is_not_begun() {
    let mut bench = Bench::new();
    bench.ledger = Some("no space left on device".into());
    for resources in [[agent("a")], [address(1)]] {
        let job = bench.run(WEB, Action::Start, &resources);
        let done = bench.done();
        assert!(done[0].0 == job && not_asked(&done[0].1), "{done:?}");
        assert_eq!((bench.begins(), bench.change(&Outcome::Success)), (vec![], vec![]));
        assert_eq!(bench.machine.held(), []);
    }
    // The ledger is tried again until it is written.
    bench.ledger = None;
    bench.pass(2 * SECOND);
    bench.said.clear();
    bench.pass(60 * SECOND);
    assert!(!bench.said.iter().any(|output| matches!(output, Output::WriteLedger { .. })));
    bench.run(WEB, Action::Start, &[address(1)]);
    assert_eq!(bench.change(&Outcome::Success).len(), 1);
}

#[test]
fn starts_requested_at_once_share_a_single_ledger_write() {
    let mut bench = Bench::new();
    let groups: Vec<_> = (10..74).map(GroupKey).collect();
    for (job, group) in (0..).map(JobId).zip(&groups) {
        let (group_name, resources) = (String::new(), vec![address(1)]);
        let run = Run {
            job,
            group: *group,
            group_name,
            term: 1,
            action: Action::Start,
            resources,
            timeout_ms: 0,
            environment: Vec::new(),
            is_restart: false,
            probes: Vec::new(),
            is_without_agent: false,
        };
        // This is the order of the shell: it reads everything that has arrived, and then does what is to be
        // done.
        bench.machine.handle(bench.now, Input::Request(Request::Run(run)));
    }
    bench.listen();
    let writes = bench.take(|output| match output {
        Output::WriteLedger { groups, .. } => Some(groups.len()),
        _ => None,
    });
    assert_eq!(writes, [groups.len()]);
    assert_eq!(bench.change(&Outcome::Success).len(), groups.len());
}

#[test]
fn run_timeout_does_not_count_the_wait_before_its_program_begins() {
    let mut bench = Bench::new();
    bench.run_within(WEB, Action::Start, &[agent("a")], 3_000);
    let (run, _) = bench.begin();
    bench.pass(5 * SECOND / 2);
    bench.tell(Input::Begun { run, agent: AgentName::default() });
    bench.pass(SECOND);
    assert_eq!(bench.signals(), [], "it has run for a second");
    bench.pass(3 * SECOND);
    assert_eq!(bench.signals(), [(run, Signal::Terminate)]);
}

#[test]
fn start_hanging_before_its_program_is_given_up_as_not_asked() {
    let mut bench = Bench::new();
    let job = bench.run(WEB, Action::Start, &[agent("a")]);
    let other = bench.run(DB, Action::Status, &[agent("db")]);
    let (run, _) = bench.begins()[0];
    bench.pass(10 * SECOND);
    let signals = bench.signals();
    assert!(signals.contains(&(run, Signal::Kill)), "{signals:?}");
    // The helper hangs forever: its group waits for nothing, and starts nothing either. The other program began
    // beside it, and has had a little longer.
    bench.pass(5 * SECOND + SECOND / 2);
    let done = bench.done();
    assert!(done.iter().any(|(id, outcome)| *id == job && not_asked(outcome)), "{done:?}");
    assert!(done.iter().any(|(id, outcome)| *id == other && not_asked(outcome)), "{done:?}");
    let again = bench.run(WEB, Action::Stop, &[agent("a")]);
    let done = bench.done();
    assert!(done[0].0 == again && not_asked(&done[0].1), "it never began: {done:?}");
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("given up".into()) });
    bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.begin().1, Action::Stop);
}

#[test]
fn programs_that_start_at_once_have_longer_to_begin_each() {
    let mut bench = Bench::new();
    for group in 100..104 {
        bench.run(GroupKey(group), Action::Status, &[agent("a")]);
    }
    let runs: Vec<RunId> = bench.begins().iter().map(|(run, _)| *run).collect();
    assert_eq!(runs.len(), 4);
    bench.pass(10 * SECOND);
    assert_eq!(bench.signals(), [(runs[0], Signal::Kill)]);
    bench.pass(SECOND);
    assert_eq!(bench.signals(), [(runs[1], Signal::Kill), (runs[2], Signal::Kill)]);
    bench.pass(SECOND / 2);
    assert_eq!(bench.signals(), [(runs[3], Signal::Kill)]);
}

#[test]
fn check_whose_look_hangs_or_fails_counts_as_not_asked() {
    let findings = [
        (Some(Finding::Complete), Some(Outcome::Success)),
        (Some(Finding::Missing("a".into())), Some(Outcome::Missing)),
        (Some(Finding::Unknown("input/output error".into())), None),
        (None, None),
    ];
    for (finding, expected) in findings {
        let mut bench = Bench::new();
        let (job, group_name) = (JobId(9), "web".to_owned());
        bench.ask(Request::Check { job, group_name, resources: vec![agent("a")] });
        let asked = bench.take(|output| match output {
            Output::Look { look, .. } => Some(*look),
            _ => None,
        });
        assert_eq!(asked, [LookId(0)]);
        match finding {
            Some(finding) => bench.tell(Input::Looked { look: LookId(0), finding }),
            None => bench.pass(5 * SECOND),
        }
        let done = bench.done();
        assert_eq!((done.len(), done[0].0), (1, job));
        match expected {
            Some(expected) => assert_eq!(done[0].1, expected),
            None => assert!(not_asked(&done[0].1), "{done:?}"),
        }
        bench.tell(Input::Looked { look: LookId(0), finding: Finding::Complete });
        assert_eq!(bench.done(), [], "it was given up");
    }
}

/// The executor lets go of a group, the stop ends with an error or is killed, and before it is tried again
/// both processes are killed.
#[test]
fn resource_failing_to_stop_when_let_go_is_not_listed_by_the_successor() {
    for outcome in [failed(1), Outcome::TimedOut] {
        let mut bench = Bench::letting_go();
        let (run, action) = bench.begun();
        assert_eq!(action, Action::Stop, "it lets go");
        bench.tell(Input::Ended { run, outcome });
        assert_eq!(bench.successor().1, []);
    }
}

/// Another node has the group, and a service takes long to stop.
#[test]
fn address_stop_beside_a_service_stop_runs_at_once_and_frees_no_waiting_run() {
    let mut bench = Bench::new();
    bench.started(WEB, &[address(1)]);
    bench.started_agent(WEB, "a");
    bench.run(WEB, Action::Stop, &[agent("a")]);
    let (slow, _) = bench.begun();
    let aside = bench.run(WEB, Action::Stop, &[address(1)]);
    assert_eq!(bench.change(&Outcome::Success), [(Action::Stop, vec![address(1)])]);
    assert_eq!(bench.done(), [(aside, Outcome::Success)]);
    bench.run(WEB, Action::Status, &[agent("a")]);
    assert_eq!(bench.begins(), [], "the stop of the service goes on");
    bench.tell(Input::Ended { run: slow, outcome: Outcome::Success });
    assert_eq!(bench.begin().1, Action::Status);
    assert!(bench.machine.held().is_empty());
}

/// A service that is starting may need the addresses.
#[test]
fn address_stop_during_a_service_start_waits_for_the_start() {
    let mut bench = Bench::new();
    bench.started(WEB, &[address(1)]);
    bench.run(WEB, Action::Start, &[agent("a")]);
    let (start, _) = bench.begun();
    bench.run(WEB, Action::Stop, &[address(1)]);
    assert_eq!(bench.change(&Outcome::Success), []);
    bench.tell(Input::Ended { run: start, outcome: Outcome::Running });
    assert_eq!(bench.change(&Outcome::Success), [(Action::Stop, vec![address(1)])]);
}
