//! Checks of what runs: beside everything else, and never in its way.

use super::*;

fn not_asked() -> Outcome {
    Outcome::NotAsked { text: "no process is left".into() }
}

#[test]
fn checks_of_one_group_run_beside_each_other_and_beyond_the_bound_of_starts() {
    let mut bench = Bench::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        bench.run(WEB, Action::Monitor, &[agent(name)]);
    }
    assert_eq!(bench.begins().len(), 6);
    bench.run(DB, Action::Stop, &[agent("g")]);
    assert_eq!(bench.begins().len(), 1, "a check takes no turn of a start or stop");
}

#[test]
fn stop_of_group_ends_its_checks_and_does_not_wait_for_them() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let check = bench.run(WEB, Action::Monitor, &[agent("a")]);
    let (run, _) = bench.begun();
    let other = bench.run(DB, Action::Monitor, &[agent("b")]);
    bench.begun();
    let stop = bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.signals(), [(run, Signal::Kill)], "not the check of the other group");
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert_eq!(bench.done(), [(stop, Outcome::Success)]);
    bench.tell(Input::Ended { run, outcome: failed(143) });
    assert_eq!(bench.done(), [(check, Outcome::Cancelled)]);
    assert_ne!(check, other);
}

/// The check waits in the kernel and cannot be killed.
#[test]
fn check_that_does_not_end_prevents_its_repetition_and_nothing_else() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let check = bench.run_within(WEB, Action::Monitor, &[agent("a")], 2000);
    let (run, _) = bench.begun();
    bench.pass(7 * SECOND);
    assert_eq!(bench.signals(), [(run, Signal::Kill)]);
    assert_eq!(bench.done(), [(check, Outcome::TimedOut)]);
    let again = bench.run(WEB, Action::Monitor, &[agent("a")]);
    assert_eq!(bench.done(), [(again, Outcome::TimedOut)]);
    let stop = bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    let start = bench.run(WEB, Action::Start, &[agent("a")]);
    assert_eq!(bench.play(Outcome::Running), Action::Status);
    assert_eq!(bench.done(), [(stop, Outcome::Success), (start, Outcome::Success)]);
}

#[test]
fn process_end_is_reported_but_not_during_its_stop() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let news = Input::ProcessEnded { group: WEB, word: "a".into(), is_crash: true };
    let is_news = |report: &Report| matches!(report, Report::ProcessEnded { .. });
    bench.tell(news.clone());
    assert!(bench.reports().iter().any(is_news));
    bench.run(WEB, Action::Stop, &[agent("a")]);
    bench.begun();
    bench.tell(news);
    assert!(!bench.reports().iter().any(is_news));
}

/// The daemon reports checks once, and the executor would do so at each of them.
#[test]
fn failing_check_writes_nothing_to_the_log() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.logs();
    for outcome in [failed(1), Outcome::NotRunning, not_asked()] {
        let job = bench.run(WEB, Action::Monitor, &[agent("a")]);
        assert_eq!(bench.play(outcome.clone()), Action::Monitor);
        assert_eq!(bench.done(), [(job, outcome)]);
    }
    let job = bench.run(WEB, Action::Monitor, &[agent("a")]);
    let (run, _) = bench.begin();
    bench.tell(Input::NotBegun { run, why: NotBegun::Missing });
    assert_eq!(bench.done(), [(job, Outcome::Missing)]);
    assert_eq!(bench.logs(), [] as [&str; 0]);
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])]);
}

#[test]
fn check_of_earlier_daemon_is_not_reported_as_unfinished() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    bench.run(WEB, Action::Monitor, &[agent("a")]);
    let (run, _) = bench.begun();
    bench.tell(Input::Disconnected);
    assert_eq!(bench.signals(), [(run, Signal::Kill)], "nothing waits for it");
    bench.tell(Input::Connected);
    bench.permit(600 * SECOND);
    assert_eq!(bench.hello(), (vec![held(WEB, &[agent("a")])], vec![]));
}

/// The disk of the agent did not answer for so long that the check had no time left when it began.
#[test]
fn check_beginning_after_its_time_says_nothing_about_its_service() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let check = bench.run_within(WEB, Action::Monitor, &[agent("a")], 2000);
    let (run, _) = bench.begin();
    bench.pass(3 * SECOND);
    bench.tell(Input::Begun { run, agent: AgentName::default() });
    bench.tell(Input::Ended { run, outcome: failed(137) });
    let done = bench.done();
    assert!(matches!(&done[..], [(job, Outcome::NotAsked { .. })] if *job == check), "{done:?}");
}

#[test]
fn check_during_standstill_of_machine_gets_its_time_once_more() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let check = bench.run_within(WEB, Action::Monitor, &[agent("a")], 2000);
    let (run, _) = bench.begun();
    bench.now = bench.now + 30 * SECOND;
    bench.machine.elapse(bench.now);
    bench.listen();
    assert_eq!(bench.signals(), []);
    bench.pass(2 * SECOND);
    assert_eq!(bench.signals(), [(run, Signal::Kill)], "it hangs after all");
    bench.tell(Input::Ended { run, outcome: failed(137) });
    assert_eq!(bench.done(), [(check, Outcome::TimedOut)]);
}

/// The daemon has just had it stopped for a restart.
#[test]
fn start_of_restart_does_not_ask_first() {
    let mut bench = Bench::new();
    let run = Run {
        job: JobId(1),
        group: WEB,
        group_name: "web".into(),
        term: 3,
        action: Action::Start,
        resources: vec![agent("a")],
        timeout_ms: 60_000,
        environment: Vec::new(),
        is_restart: true,
        probes: Vec::new(),
        is_without_agent: false,
    };
    bench.ask(Request::Run(run));
    assert_eq!(bench.play(Outcome::Success), Action::Start);
    assert_eq!(bench.done(), [(JobId(1), Outcome::Success)]);
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])]);
}

/// Its agent is still being looked for.
#[test]
fn check_that_has_not_begun_when_its_group_stops_does_not_begin() {
    let mut bench = Bench::new();
    bench.started_agent(WEB, "a");
    let check = bench.run(WEB, Action::Monitor, &[agent("a")]);
    let (run, _) = bench.begin();
    let stop = bench.run(WEB, Action::Stop, &[agent("a")]);
    assert_eq!(bench.signals(), [(run, Signal::Kill)]);
    bench.tell(Input::NotBegun { run, why: NotBegun::Error("it was given up".into()) });
    assert_eq!(bench.done(), [(check, Outcome::Cancelled)]);
    assert_eq!(bench.play(Outcome::Success), Action::Stop);
    assert_eq!(bench.done(), [(stop, Outcome::Success)]);
}
