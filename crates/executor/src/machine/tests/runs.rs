//! Runs, one after the other within a group.

use super::*;

#[test]
fn start_asks_for_the_status_first_and_acts_on_the_answer() {
    let went_on = [
        (Outcome::Running, None, Outcome::Success),
        (Outcome::NotRunning, Some(Outcome::Success), Outcome::Success),
        (failed(1), Some(failed(7)), failed(7)),
    ];
    for (status, start, expected) in went_on {
        let mut bench = Bench::new();
        let job = bench.run(WEB, Action::Start, &[agent("a")]);
        assert_eq!(bench.play(status), Action::Status);
        if let Some(start) = start {
            assert_eq!(bench.play(start), Action::Start);
        }
        assert_eq!(bench.done(), [(job, expected)]);
        assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])], "half started counts");
        let job = bench.run(WEB, Action::Stop, &[agent("a")]);
        assert_eq!(bench.play(Outcome::Success), Action::Stop);
        assert_eq!((bench.done(), bench.machine.held()), (vec![(job, Outcome::Success)], &[][..]));
    }
}

#[test]
fn groups_run_in_parallel_up_to_a_bound_not_counting_addresses() {
    let mut bench = Bench::new();
    for group in (1..=6).map(GroupKey) {
        bench.run(group, Action::Stop, &[agent("b")]);
        bench.run(group, Action::Stop, &[agent("a")]);
    }
    let begins = bench.begins();
    assert_eq!(begins.len(), 4, "no more at a time");
    // Addresses need no program.
    bench.run(GroupKey(7), Action::Stop, &[address(1)]);
    assert_eq!(bench.change(&Outcome::Success).len(), 1);
    bench.tell(Input::Begun { run: begins[0].0, agent: AgentName::default() });
    bench.tell(Input::Ended { run: begins[0].0, outcome: Outcome::Success });
    assert_eq!(bench.begins().len(), 1);
    assert_eq!(bench.done().len(), 2);
}

#[test]
fn group_waiting_behind_hanging_runs_begins_after_ten_seconds() {
    let mut bench = Bench::new();
    for group in (1..=5).map(GroupKey) {
        bench.run(group, Action::Stop, &[agent("a")]);
    }
    for (run, _) in bench.begins() {
        bench.tell(Input::Begun { run, agent: AgentName::default() });
    }
    bench.pass(9 * SECOND);
    assert_eq!(bench.begins(), [], "no more at a time");
    bench.pass(SECOND);
    assert_eq!(bench.begins().len(), 1, "four hang");
}

#[test]
fn start_malformed_or_without_a_permit_is_refused() {
    let mut bench = Bench::new();
    for resources in [vec![], vec![agent("a"), address(1)], vec![agent("a"), agent("b")]] {
        let job = bench.run(WEB, Action::Start, &resources);
        assert_eq!(bench.done(), [(job, Outcome::Refused)]);
    }
    let mut bench = Bench::of(start());
    bench.tell(Input::Connected);
    bench.permit(SECOND);
    bench.pass(2 * SECOND);
    let start = bench.run(WEB, Action::Start, &[agent("a")]);
    assert_eq!(bench.done(), [(start, Outcome::Refused)]);
    bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.begin().1, Action::Stop);
}

#[test]
fn run_over_its_timeout_is_terminated_then_killed_then_given_up() {
    let mut bench = Bench::new();
    let job = bench.run_within(WEB, Action::Stop, &[agent("a")], 2_000);
    let (run, _) = bench.begun();
    bench.pass(2 * SECOND);
    assert_eq!(bench.signals(), [(run, Signal::Terminate)]);
    bench.pass(5 * SECOND);
    assert_eq!(bench.signals(), [(run, Signal::Kill)]);
    assert_eq!(bench.done(), []);
    bench.pass(5 * SECOND);
    assert_eq!(bench.done(), [(job, Outcome::TimedOut)], "a dead disk holds nobody up for good");

    // The program may still be there: no other program runs for this group, but its addresses go.
    let again = bench.run(WEB, Action::Stop, &[agent("a")]);
    let address = bench.run(WEB, Action::Stop, &[address(1)]);
    assert_eq!(bench.begins(), []);
    assert_eq!(bench.change(&Outcome::Success).len(), 1);
    assert_eq!(bench.done(), [(again, Outcome::TimedOut), (address, Outcome::Success)]);
    bench.tell(Input::Ended { run, outcome: failed(137) });
    bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.begin().1, Action::Stop, "it has ended after all");
}

/// The status before a start hangs, as with a mount whose server is gone; the resources to its right still
/// run.
#[test]
fn resource_beside_a_hanging_program_can_be_stopped_but_not_started() {
    let mut bench = Bench::new();
    bench.run_within(WEB, Action::Start, &[agent("a")], 2_000);
    let (run, action) = bench.begun();
    assert_eq!(action, Action::Status);
    bench.pass(12 * SECOND);
    bench.said.clear();
    let start = bench.run(WEB, Action::Start, &[agent("b")]);
    assert_eq!(bench.done(), [(start, Outcome::TimedOut)]);
    let stop = bench.run(WEB, Action::Stop, &[agent("b")]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert_eq!(bench.done(), [(stop, Outcome::Success)], "b is not what hangs");
    let stop = bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.done(), [(stop, Outcome::TimedOut)]);
    bench.tell(Input::Ended { run, outcome: failed(137) });
}

#[test]
fn cancelled_run_reports_cancelled_in_every_state() {
    let mut bench = Bench::new();
    let runs = bench.run(WEB, Action::Start, &[agent("a")]);
    let waits = bench.run(WEB, Action::Start, &[agent("b")]);
    let begins = bench.run(DB, Action::Start, &[agent("c")]);
    let found = bench.begins();
    bench.tell(Input::Begun { run: found[0].0, agent: AgentName::default() });
    for job in [waits, runs, begins] {
        bench.ask(Request::Cancel { job });
    }
    assert_eq!(bench.done(), [(waits, Outcome::Cancelled)]);
    assert_eq!(bench.signals(), [(found[0].0, Signal::Terminate)]);
    bench.tell(Input::Ended { run: found[0].0, outcome: Outcome::NotRunning });
    assert_eq!(bench.done(), [(runs, Outcome::Cancelled)]);
    // A program that is about to start is asked to end once it has started.
    bench.tell(Input::Begun { run: found[1].0, agent: AgentName::default() });
    assert_eq!(bench.signals(), [(found[1].0, Signal::Terminate)]);
    bench.tell(Input::Ended { run: found[1].0, outcome: failed(143) });
    assert_eq!(bench.done(), [(begins, Outcome::Cancelled)]);
}

#[test]
fn agent_missing_after_its_start_fails_stop_and_status() {
    let table = [
        (false, Action::Start, Outcome::Missing),
        (false, Action::Stop, Outcome::Missing),
        (false, Action::Status, Outcome::Missing),
        (true, Action::Start, Outcome::Missing),
        (true, Action::Stop, failed(5)),
        (true, Action::Status, failed(5)),
    ];
    for (was_started, action, expected) in table {
        let mut bench = Bench::new();
        if was_started {
            bench.started_agent(WEB, "a");
        }
        let job = bench.run(WEB, action, &[agent("a")]);
        let (run, _) = bench.begin();
        bench.tell(Input::NotBegun { run, why: NotBegun::Missing });
        let done = bench.done();
        assert_eq!(done[0].0, job);
        let same = match (&done[0].1, &expected) {
            (Outcome::Failed { code, .. }, Outcome::Failed { code: awaited, .. }) => {
                code == awaited
            }
            (outcome, expected) => outcome == expected,
        };
        assert!(same, "{was_started} {action:?}: {done:?}");
        assert_eq!(!bench.machine.held().is_empty(), was_started);
    }
}
