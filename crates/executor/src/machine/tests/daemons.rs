//! Daemons that connect and disconnect, and executors that follow each other.

use super::*;
use crate::protocol::Service;

fn unfinished(group: GroupKey, action: Action, name: &str) -> Unfinished {
    Unfinished { group, action, resources: vec![agent(name)] }
}

#[test]
fn new_daemon_is_greeted_with_held_resources_and_unfinished_runs() {
    let mut bench = Bench::new();
    bench.started_agent(DB, "db");
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    let (run, action) = bench.begun();
    assert_eq!(action, Action::Start);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    let (groups, still) = bench.hello();
    assert_eq!(groups, [held(DB, &[agent("db")]), held(WEB, &[agent("a")])]);
    assert_eq!(still, [unfinished(WEB, Action::Start, "a")]);
    assert_eq!(bench.signals(), [], "a start that goes on may end well");

    // What the new daemon requests begins when the earlier run has ended; then a start has little to do.
    bench.permit(60 * SECOND);
    let job = bench.run(WEB, Action::Start, &[agent("a")]);
    assert_eq!(bench.begins(), []);
    bench.tell(Input::Ended { run, outcome: Outcome::Success });
    assert_eq!(bench.play(Outcome::Running), Action::Status);
    assert_eq!(bench.done(), [(job, Outcome::Success)]);
}

#[test]
fn start_failing_while_no_daemon_is_connected_is_undone_by_a_stop() {
    let mut bench = Bench::new();
    bench.started_agent(DB, "db");
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    let (run, _) = bench.begun();
    bench.tell(Input::Disconnected);
    bench.tell(Input::Ended { run, outcome: failed(1) });
    let (run, action) = bench.begun();
    assert_eq!(action, Action::Stop, "a daemon would take it for running");
    bench.tell(Input::Connected);
    assert_eq!(bench.hello().1, [unfinished(WEB, Action::Stop, "a")]);
    bench.tell(Input::Ended { run, outcome: Outcome::Success });
    assert_eq!(bench.machine.held(), [held(DB, &[agent("db")])]);
}

#[test]
fn stop_terminates_an_unfinished_start_and_awaits_an_unfinished_stop() {
    for (action, signal) in [(Action::Start, Some(Signal::Terminate)), (Action::Stop, None)] {
        let mut bench = Bench::new();
        bench.run(WEB, action, &[agent("a")]);
        let (run, _) = bench.begun();
        bench.tell(Input::Disconnected);
        bench.tell(Input::Connected);
        assert_eq!(bench.hello().1, [unfinished(WEB, action, "a")]);
        let job = bench.run(WEB, Action::Stop, &[agent("a")]);
        assert_eq!(bench.signals(), Vec::from_iter(signal.map(|signal| (run, signal))));
        assert_eq!(bench.begins(), []);
        bench.tell(Input::Ended { run, outcome: Outcome::Success });
        assert_eq!(bench.play(Outcome::Success), Action::Stop);
        assert_eq!(bench.done(), [(job, Outcome::Success)]);
        assert_eq!(bench.machine.held(), []);
    }
}

#[test]
fn leftover_run_is_ended_and_delays_only_its_own_group() {
    let leftovers = vec![unfinished(WEB, Action::Start, "a")];
    let ledger = vec![held(WEB, &[agent("a")]), held(DB, &[agent("db")])];
    let mut bench = Bench::of(Start { ledger, leftovers, ..start() });
    assert_eq!(bench.signals(), [(RunId(0), Signal::Terminate)]);
    bench.tell(Input::Connected);
    let (groups, still) = bench.hello();
    assert_eq!((groups.len(), still), (2, vec![unfinished(WEB, Action::Start, "a")]));
    bench.permit(60 * SECOND);
    bench.run(WEB, Action::Stop, &[agent("a")]);
    bench.run(DB, Action::Status, &[agent("db")]);
    assert_eq!(bench.begun().1, Action::Status, "of the other group");
    bench.pass(5 * SECOND);
    assert_eq!(bench.signals(), [(RunId(0), Signal::Kill)]);
    bench.tell(Input::Ended { run: RunId(0), outcome: Outcome::Cancelled });
    assert_eq!(bench.begun().1, Action::Stop);
}

#[test]
fn executor_when_idle_or_shut_down_exits_after_its_runs() {
    let mut idle = Bench::of(start());
    idle.pass(4 * SECOND);
    assert!(!idle.has_exited());
    idle.pass(SECOND);
    assert!(idle.has_exited());

    let mut leaving = Bench::new();
    leaving.started_agent(WEB, "a");
    leaving.ask(Request::Shutdown { keep: false });
    assert!(!leaving.has_exited());
    assert_eq!(leaving.play(Outcome::Success), Action::Stop);
    assert!(leaving.has_exited());

    let mut followed = Bench::new();
    followed.started_agent(WEB, "a");
    followed.run(DB, Action::Start, &[agent("db")]);
    followed.ask(Request::Shutdown { keep: true });
    let (run, _) = followed.begun();
    assert!(!followed.has_exited(), "what runs is waited for");
    followed.tell(Input::Ended { run, outcome: Outcome::Running });
    assert!(followed.has_exited());
    assert_eq!(followed.machine.held().len(), 2);
}

#[test]
fn interface_found_well_is_reported_although_no_fault_was_reported() {
    let services = vec![Service { group: WEB, addresses: vec![address(1)] }];
    let configuration = Configuration { services, ..Configuration::default() };
    let mut bench = Bench::new();
    let fault = Some("eth0 has no carrier".to_owned());
    let told = |fault: &Option<String>| Report::Carrier { group: WEB, fault: fault.clone() };
    // An interface that never worked is taken to be as the administrator wants it.
    bench.ask(Request::Configure(configuration.clone()));
    bench.tell(Input::Interfaces(vec![(WEB, fault.clone())]));
    assert_eq!(bench.reports(), []);
    for (is, reports) in
        [(None, vec![told(&None)]), (None, vec![]), (fault.clone(), vec![told(&fault)])]
    {
        bench.tell(Input::Interfaces(vec![(WEB, is)]));
        assert_eq!(bench.reports(), reports);
    }
    bench.ask(Request::Configure(configuration));
    bench.tell(Input::Interfaces(vec![(WEB, fault.clone())]));
    assert_eq!(bench.reports(), [told(&fault)]);
}

#[test]
fn resource_with_failed_start_and_stop_is_not_listed_in_the_greeting() {
    let mut bench = Bench::new();
    bench.started_agent(DB, "db");
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    assert_eq!(bench.play(failed(1)), Action::Start);
    bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.play(failed(1)), Action::Stop);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    let (groups, _) = bench.hello();
    assert_eq!(groups, [held(DB, &[agent("db")]), held(WEB, &[])]);
}

/// Returns a successor of this executor that finds the ledger as it was last written, with a daemon.
fn succeeded(bench: &mut Bench) -> Bench {
    let ledger = bench.written.clone().expect("a ledger");
    let mut successor = Bench::of(Start { parallel: 4, ..ledger });
    successor.tell(Input::Connected);
    successor
}

#[test]
fn start_recorded_but_not_begun_is_not_listed_by_the_next_executor() {
    let mut bench = Bench::new();
    bench.started_agent(DB, "db");
    bench.run(WEB, Action::Start, &[agent("a")]);
    // The executor is killed after it has recorded what it starts, and before it starts it.
    let mut next = succeeded(&mut bench);
    assert_eq!(next.hello().0, [held(DB, &[agent("db")]), held(WEB, &[])]);
    // What may have begun is stopped nevertheless.
    next.permit(600 * SECOND);
    next.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(next.play(Outcome::Success), Action::Stop);
    assert_eq!(succeeded(&mut next).hello().0, [held(DB, &[agent("db")])]);
}

#[test]
fn resource_found_stopped_is_listed_by_the_next_executor_once_started() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.run(WEB, Action::Start, &[agent("a")]);
    assert_eq!(bench.play(Outcome::NotRunning), Action::Status);
    assert_eq!(succeeded(&mut bench).hello().0, [held(WEB, &[])]);
    assert_eq!(bench.play(Outcome::Success), Action::Start);
    assert_eq!(succeeded(&mut bench).hello().0, [held(WEB, &[agent("a")])]);
}

#[test]
fn address_doubtful_in_the_ledger_but_present_in_the_kernel_is_listed() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[address(1)]);
    // The address was added, and the executor was killed before it received the answer.
    let mut next = succeeded(&mut bench);
    next.renewed_but(&[]);
    assert_eq!(next.hello().0, [held(WEB, &[address(1)])]);
}
