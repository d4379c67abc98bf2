//! Starts that could not be asked, or were though it looked as if not.

use super::*;

fn not_asked() -> Outcome {
    Outcome::NotAsked { text: "No buffer space available".into() }
}

/// The ledger has the address, nobody added it: the next daemon takes it for running.
#[test]
fn an_address_whose_start_could_not_be_asked_for_is_nothing_that_a_new_daemon_takes_for_running() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[address(7)]);
    assert_eq!(bench.change(&not_asked()).len(), 1);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    let (groups, _) = bench.hello();
    let held: Vec<_> = groups.into_iter().flat_map(|group| group.resources).collect();
    assert_eq!(held, []);
}

/// "Its end is not known" is said of a program that ran.
#[test]
fn a_start_whose_end_is_not_known_is_nothing_that_a_new_daemon_takes_for_running() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    assert_eq!(bench.play(not_asked()), Action::Start);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    let (groups, _) = bench.hello();
    let held: Vec<_> = groups.into_iter().flat_map(|group| group.resources).collect();
    assert_eq!(held, []);
}

/// The daemon stops nothing of what could not be asked to start; this one was.
#[test]
fn a_start_whose_end_is_not_known_was_asked() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    assert_eq!(bench.play(not_asked()), Action::Start);
    let done = bench.done();
    assert!(!matches!(done[0].1, Outcome::NotAsked { .. }), "{done:?}");
}

/// The program begins in the moment in which it is given up, and runs.
#[test]
fn a_start_that_begins_when_it_is_given_up_was_asked() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    let (run, action) = bench.begin();
    assert_eq!(action, Action::Start);
    bench.pass(11 * SECOND);
    bench.tell(Input::Begun { run, agent: AgentName::default() });
    bench.tell(Input::Ended { run, outcome: failed(137) });
    let done = bench.done();
    assert_eq!(done.len(), 1);
    assert!(!matches!(done[0].1, Outcome::NotAsked { .. }), "{done:?}");
}

/// The kernel has told that it is gone; whether that is so cannot be found out now.
#[test]
fn no_service_is_started_while_an_address_of_its_group_may_be_away() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[address(7)]);
    bench.change(&Outcome::Success);
    bench.done();
    let Resource { kind: ResourceKind::Address(spec), .. } = address(7) else { unreachable!() };
    bench.tell(Input::AddressGone { address: spec.address, by: None });
    bench.tell(Input::NotRenewed("no memory".to_owned()));
    bench.run(WEB, Action::Start, &[agent("a")]);
    let done = bench.done();
    assert!(matches!(done[..], [(_, Outcome::Refused)]), "{done:?}");
}
