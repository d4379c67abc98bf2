//! Addresses that are renewed, removed, expired and lost.

use super::*;

const LIFETIME: Duration = Duration::from_secs(3);

fn with_address() -> Bench {
    let mut bench = Bench::new();
    bench.started(WEB, &[address(1), address(2)]);
    bench
}

fn gone(last: u8, by: Option<&str>) -> Input {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    Input::AddressGone { address, by: by.map(str::to_owned) }
}

#[test]
fn addresses_are_renewed_three_times_per_configured_lifetime() {
    let mut bench = with_address();
    let mut count = 0;
    for _ in 0..30 {
        bench.pass(SECOND);
        if bench.said.iter().any(|output| matches!(output, Output::Renew { .. })) {
            bench.renewed_but(&[]);
            count += 1;
        }
    }
    assert_eq!(count, 30, "a third of 3 s");
    bench.ask(Request::Configure(Configuration { lifetime_ms: 30_000, ..Default::default() }));
    bench.pass(Duration::ZERO);
    let lifetimes = bench.take(|output| match output {
        Output::Renew { lifetime, .. } => Some(*lifetime),
        _ => None,
    });
    assert_eq!(lifetimes, [30 * SECOND], "at once, with the new one");
    bench.tell(Input::Renewed(vec![(address(1), Presence::Here), (address(2), Presence::Here)]));
    bench.pass(9 * SECOND);
    assert_eq!(bench.asked(), None);
    bench.pass(SECOND);
    bench.renewed_but(&[]);
}

#[test]
fn address_removed_by_another_program_is_restored_alone() {
    let mut bench = with_address();
    bench.started_agent(WEB, "a");
    bench.tell(gone(1, Some("ip (process 7)")));
    bench.renewed_but(&[address(1)]);
    assert_eq!(bench.change(&Outcome::Success), [(Action::Start, vec![address(1)])]);
    let (resources, why) = (vec![address(1)], "it was removed by ip (process 7)".to_owned());
    assert_eq!(bench.reports(), [Report::AddressBack { group: WEB, resources, why }]);
    assert_eq!(bench.begins(), []);
    bench.pass(SECOND);
    bench.renewed_but(&[]);
    assert_eq!(bench.reports(), []);
}

#[test]
fn address_failing_to_be_restored_is_lost_and_no_longer_renewed() {
    let mut bench = with_address();
    bench.tell(gone(1, None));
    bench.renewed_but(&[address(1)]);
    let outcome = Outcome::Failed { code: 1, text: "no interface".into() };
    bench.change(&outcome);
    let reports = bench.reports();
    let [Report::AddressLost { group: WEB, resources, why }] = &reports[..] else {
        panic!("{reports:?}")
    };
    assert!(*resources == [address(1)] && why.ends_with("no interface"), "{why}");
    bench.pass(SECOND);
    assert_eq!(bench.asked(), Some(vec![address(2)]), "it is renewed no more");
}

#[test]
fn address_removed_repeatedly_raises_an_alarm_until_the_removals_end() {
    let mut bench = with_address();
    let mut alarms = Vec::new();
    for _ in 0..20 {
        bench.tell(gone(1, Some("networkd")));
        bench.renewed_but(&[address(1)]);
        bench.change(&Outcome::Success);
        let reports = bench.reports();
        assert!(matches!(reports[0], Report::AddressBack { .. }), "each time: {reports:?}");
        alarms.extend(reports.into_iter().filter(|it| matches!(it, Report::Alarm { .. })));
    }
    let [Report::Alarm { group: WEB, text: Some(text) }] = &alarms[..] else {
        panic!("{alarms:?}")
    };
    assert!(text.contains("networkd"), "{text}");
    // A new daemon is told about it, too.
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    bench.permit(600 * SECOND);
    assert!(bench.reports().contains(&alarms[0]));
    for _ in 0..60 {
        bench.pass(SECOND);
        if bench.said.iter().any(|output| matches!(output, Output::Renew { .. })) {
            bench.renewed_but(&[]);
        }
    }
    assert_eq!(bench.reports(), [Report::Alarm { group: WEB, text: None }]);
}

#[test]
fn address_removed_continuously_is_restored_a_bounded_number_of_times() {
    let mut bench = with_address();
    let mut changes = 0;
    for _ in 0..1000 {
        bench.tell(gone(1, None));
        if bench.said.iter().any(|output| matches!(output, Output::Renew { .. })) {
            bench.renewed_but(&[address(1)]);
            changes += bench.change(&Outcome::Success).len();
        }
        bench.said.clear();
    }
    assert_eq!(changes, 100);
    bench.pass(SECOND);
    bench.renewed_but(&[address(1)]);
    assert_eq!(bench.change(&Outcome::Success).len(), 1, "at the next renewal");
}

/// The kernel has no memory for the answer, for a moment or forever.
#[test]
fn address_restore_not_asked_is_retried_until_its_lifetime_ends() {
    let not_asked = Outcome::NotAsked { text: "out of memory".to_owned() };
    for comes_back in [true, false] {
        let mut bench = with_address();
        bench.tell(gone(1, None));
        bench.renewed_but(&[address(1)]);
        assert_eq!(bench.change(&not_asked).len(), 1);
        assert_eq!(bench.reports(), [], "nobody has refused it");
        let mut told = Vec::new();
        for _ in 0..200 {
            bench.pass(SECOND / 10);
            bench.permit(600 * SECOND);
            if bench.said.iter().any(|output| matches!(output, Output::Renew { .. })) {
                bench.renewed_but(&[address(1)]);
            }
            bench.change(if comes_back { &Outcome::Success } else { &not_asked });
            told.extend(bench.reports());
            if !told.is_empty() {
                break;
            }
        }
        let is_back = matches!(&told[..], [Report::AddressBack { .. }]);
        let is_lost = matches!(&told[..], [Report::AddressLost { .. }]);
        assert_eq!((is_back, is_lost), (comes_back, !comes_back), "{told:?}");
    }
}

#[test]
fn expired_address_is_restored_only_under_a_permit_issued_later() {
    let mut bench = with_address();
    // The executor stands still.
    let before = bench.now;
    bench.now = bench.now + 5 * SECOND;
    bench.tell(gone(1, None));
    bench.machine.elapse(bench.now);
    bench.listen();
    bench.renewed_but(&[address(1), address(2)]);
    assert_eq!(bench.change(&Outcome::Success), [], "somebody else may have them");
    let permit = |issued: Time| {
        Request::Permit(Permit {
            issued: issued.as_nanos(),
            until: (issued + 60 * SECOND).as_nanos(),
        })
    };
    bench.ask(permit(before + 4 * SECOND));
    assert_eq!(bench.change(&Outcome::Success), [], "it waited in the socket");
    bench.pass(SECOND);
    bench.ask(permit(bench.now));
    assert_eq!(bench.change(&Outcome::Success), [(Action::Start, vec![address(1), address(2)])]);
    let reports = bench.reports();
    assert!(
        matches!(&reports[..], [Report::AddressBack { resources, .. }] if resources.len() == 2),
        "{reports:?}"
    );
}

#[test]
fn address_not_renewed_for_a_lifetime_is_lost() {
    for is_answered in [true, false] {
        let mut bench = with_address();
        let mut lost = Vec::new();
        let begin = bench.now;
        while lost.is_empty() {
            bench.pass(Duration::from_millis(100));
            assert!(bench.now.since(begin) < 3 * LIFETIME, "it was never told");
            if is_answered && bench.asked().is_some() {
                bench.tell(Input::NotRenewed("no memory".into()));
            }
            lost = bench.reports();
        }
        assert!(bench.now.since(begin) >= LIFETIME);
        assert!(
            matches!(&lost[..], [Report::AddressLost { resources, .. }] if resources.len() == 2),
            "{lost:?}"
        );
        let lines = bench.logs();
        assert_eq!(lines.iter().filter(|it| it.starts_with("Cannot renew")).count(), 1);
    }
}

#[test]
fn address_after_a_single_failed_renewal_is_not_lost() {
    let mut bench = with_address();
    bench.pass(SECOND);
    bench.asked().expect("a renewal");
    bench.tell(Input::NotRenewed("interrupted".into()));
    bench.pass(SECOND);
    bench.renewed_but(&[]);
    bench.pass(10 * SECOND / 10);
    assert_eq!(bench.reports(), []);
}

#[test]
fn address_removed_while_its_group_stops_is_lost_and_not_restored() {
    let mut bench = with_address();
    bench.run(WEB, Action::Stop, &[agent("a")]);
    bench.tell(gone(1, Some("ip")));
    bench.renewed_but(&[address(1)]);
    assert_eq!(bench.change(&Outcome::Success), []);
    assert!(matches!(&bench.reports()[..], [Report::AddressLost { .. }]));
}

#[test]
fn adopted_address_found_absent_is_not_held() {
    let ledger = vec![held(WEB, &[agent("a"), address(1), address(2)])];
    let mut bench = Bench::of(Start { ledger, ..start() });
    bench.tell(Input::Connected);
    assert_eq!(bench.reports(), [], "not known yet");
    bench.renewed_but(&[address(1)]);
    assert_eq!(bench.hello().0, [held(WEB, &[agent("a"), address(2)])]);
}

#[test]
fn daemon_connecting_while_the_kernel_is_silent_is_greeted() {
    let ledger = vec![held(WEB, &[address(1)])];
    let mut bench = Bench::of(Start { ledger: ledger.clone(), ..start() });
    bench.tell(Input::Connected);
    bench.pass(SECOND);
    assert_eq!(bench.hello().0, ledger);
}

#[test]
fn address_failing_to_be_removed_is_neither_renewed_nor_restored() {
    for is_let_go in [false, true] {
        let mut bench = Bench::new();
        bench.started(WEB, &[address(1)]);
        if is_let_go {
            bench.ask(Request::Release);
        } else {
            bench.run(WEB, Action::Stop, &[address(1)]);
        }
        assert_eq!(bench.change(&failed(1)), [(Action::Stop, vec![address(1)])]);
        bench.permit(600 * SECOND);
        bench.said.clear();
        bench.tell(gone(1, None));
        bench.pass(60 * SECOND);
        assert_eq!((bench.asked(), bench.change(&Outcome::Success)), (None, vec![]));
        assert_eq!(bench.machine.held(), [held(WEB, &[address(1)])], "nobody knows");
        bench.tell(Input::Connected);
        let resources = vec![address(1)];
        let goes = Unfinished { group: WEB, action: Action::Stop, resources };
        assert_eq!(bench.hello().1, [goes], "a new daemon does not count on it");
        bench.run(WEB, Action::Start, &[address(1)]);
        assert_eq!(bench.change(&Outcome::Success), [(Action::Start, vec![address(1)])]);
        bench.pass(2 * SECOND);
        assert_eq!(bench.asked(), Some(vec![address(1)]), "it is renewed again");
    }
}

/// The kernel did not answer in time for the greeting.
#[test]
fn adopted_address_found_absent_after_the_greeting_is_reported_lost() {
    let ledger = vec![held(WEB, &[address(1)])];
    let mut bench = Bench::of(Start { ledger, ..start() });
    bench.tell(Input::Connected);
    bench.permit(60 * SECOND);
    bench.pass(SECOND);
    assert_eq!(bench.hello().0, [held(WEB, &[address(1)])]);
    bench.said.clear();
    bench.tell(Input::NotRenewed("no memory".to_owned()));
    bench.pass(SECOND);
    bench.renewed_but(&[address(1)]);
    let lost = bench.reports();
    let is_told = |report: &Report| matches!(report, Report::AddressLost { group: WEB, .. });
    assert!(lost.iter().any(is_told), "{lost:?}");
}
