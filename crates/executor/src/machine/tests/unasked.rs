//! Starts that could not be run, or were run although it seemed otherwise, and starts beside an address
//! that is lost.

use super::*;

fn not_asked() -> Outcome {
    Outcome::NotAsked { text: "No buffer space available".into() }
}

/// Returns the resources that are reported as running to a new daemon.
fn told_to_run(bench: &mut Bench) -> Vec<Resource> {
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    bench.permit(600 * SECOND);
    bench.hello().0.into_iter().flat_map(|group| group.resources).collect()
}

/// The ledger has the resource nevertheless. "Its end is not known" is reported about a program that ran.
#[test]
fn start_not_asked_or_with_unknown_end_is_not_listed_in_the_greeting() {
    for started in [address(7), agent("a")] {
        let mut bench = Bench::new();
        bench.run(WEB, Action::Start, std::slice::from_ref(&started));
        if bench.change(&not_asked()).is_empty() {
            bench.play(Outcome::NotRunning);
            assert_eq!(bench.play(not_asked()), Action::Start);
        }
        assert_eq!(told_to_run(&mut bench), [], "{started:?}");
    }
}

/// The daemon does not stop what could not be started; this program was started.
#[test]
fn start_with_unknown_end_counts_as_asked() {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[agent("a")]);
    bench.play(Outcome::NotRunning);
    assert_eq!(bench.play(not_asked()), Action::Start);
    let done = bench.done();
    assert!(!matches!(done[0].1, Outcome::NotAsked { .. }), "{done:?}");
}

/// The program begins at the moment in which it is given up, and runs.
#[test]
fn start_beginning_when_already_given_up_counts_as_asked() {
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

/// The kernel has reported that the address is gone; whether that is true cannot be found out now.
#[test]
fn service_start_is_refused_while_an_address_of_its_group_may_be_absent() {
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

/// Creates a group with its service to the left of its address, which is lost.
fn with_a_lost_address(is_adopted: bool) -> Bench {
    let mut bench = if is_adopted {
        // The lifetime of the address was over before this executor began.
        Bench::of(Start { ledger: vec![held(WEB, &[agent("a"), address(7)])], ..start() })
    } else {
        let mut bench = Bench::new();
        bench.started_agent(WEB, "a");
        bench.started(WEB, &[address(7)]);
        bench.pass(SECOND);
        bench
    };
    bench.renewed_but(&[address(7)]);
    if !is_adopted {
        bench.change(&failed(1));
    }
    bench.said.clear();
    bench
}

/// The new daemon begins with the first resource of a group that is held in part.
#[test]
fn service_preceding_a_lost_address_can_be_started_by_the_next_daemon() {
    for is_adopted in [true, false] {
        let mut bench = with_a_lost_address(is_adopted);
        assert_eq!(told_to_run(&mut bench), [agent("a")], "{is_adopted}");
        bench.run(WEB, Action::Start, &[agent("a")]);
        assert_eq!(bench.play(Outcome::Running), Action::Status, "{is_adopted}");
        bench.run(WEB, Action::Start, &[address(7)]);
        assert_eq!(bench.change(&Outcome::Success).len(), 1);
        let done: Vec<_> = bench.done().into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(done, [Outcome::Success, Outcome::Success], "{is_adopted}");
        bench.pass(SECOND);
        bench.renewed_but(&[]);
        assert_eq!(told_to_run(&mut bench), [agent("a"), address(7)], "{is_adopted}");
    }
}

#[test]
fn lost_address_not_reported_to_a_daemon_stays_doubtful_in_the_ledger() {
    let mut bench = with_a_lost_address(true);
    assert_eq!(told_to_run(&mut bench), [agent("a")]);
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a"), address(7)])]);
    let written = bench.written.clone().expect("a ledger");
    assert_eq!(written.doubtful, [(WEB, address(7))]);
    // The address is stopped with its group, and is not looked for until then.
    bench.pass(10 * SECOND);
    assert_eq!(bench.asked(), None);
    bench.run(WEB, Action::Stop, &[address(7)]);
    assert_eq!(bench.change(&Outcome::Success).len(), 1);
    assert_eq!(bench.machine.held(), [held(WEB, &[agent("a")])]);
}

#[test]
fn shared_address_lost_by_one_group_is_held_for_the_other_group() {
    let mut bench = Bench::new();
    bench.started(WEB, &[address(7)]);
    bench.started(DB, &[address(7)]);
    bench.pass(SECOND);
    bench.renewed_but(&[address(7)]);
    let changes = bench.take(|output| match output {
        Output::Change { run, .. } => Some(*run),
        _ => None,
    });
    assert_eq!(changes.len(), 2, "each group has it put back");
    for (run, outcome) in changes.into_iter().zip([failed(1), Outcome::Success]) {
        bench.tell(Input::Changed { run, outcome, announced: 0 });
    }
    bench.said.clear();
    // The other group's address is still looked for, and the answer is handled.
    bench.pass(SECOND);
    bench.renewed_but(&[address(7)]);
    assert_eq!(bench.change(&Outcome::Success), [(Action::Start, vec![address(7)])]);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    assert_eq!(bench.hello().0, [held(WEB, &[]), held(DB, &[address(7)])]);
}

#[test]
fn shared_address_adopted_is_known_present_for_both_groups() {
    let ledger = vec![held(WEB, &[address(7)]), held(DB, &[address(7)])];
    let mut bench = Bench::of(Start { ledger: ledger.clone(), ..start() });
    bench.tell(Input::Connected);
    bench.renewed_but(&[]);
    assert_eq!(bench.hello().0, ledger, "at once");
}
