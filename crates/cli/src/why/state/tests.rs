use super::*;
use systole_core::Retirement;

const NOW: &str = "2026-11-24T10:00:05Z";

/// Returns what a daemon reports about a group that has been in this phase for two seconds.
pub(in crate::why) fn report(owner: &str, term: u64, phase: Phase) -> GroupReport {
    GroupReport {
        name: "10.0.0.9".to_owned(),
        resources: vec!["10.0.0.9".to_owned()],
        preferred: "web1".to_owned(),
        owner: Some(owner.to_owned()),
        term,
        phase,
        since_ms: 2_000,
        ..GroupReport::default()
    }
}

fn recorded(cause: &'static str, phase: Phase) -> Entry {
    let event = JournalEvent::Ownership {
        group: "10.0.0.9".to_owned(),
        owner: "web1".to_owned(),
        term: 1,
        phase,
        cause: cause.into(),
        evidence: String::new(),
    };
    Entry { time: "2026-11-24T10:00:00Z".to_owned(), from: String::new(), run: 1, number: 1, event }
}

fn dead(name: &str) -> NodeReport {
    NodeReport {
        name: name.to_owned(),
        status: "dead".to_owned(),
        daemon: "systole".to_owned(),
        silence_ms: Some(9_000),
        deadtime_ms: 2_000,
        links: Vec::new(),
        ..NodeReport::default()
    }
}

#[test]
fn group_listed_given_up_or_checked_is_not_told_as_starting() {
    let told = |cause: &'static str, phase: Phase| {
        let entry = recorded(cause, phase);
        let state = State::recorded(&[&entry]).expect("it is a state");
        state.sentence(&TimeZone::UTC, NOW.parse().expect("it is a time"), false)
    };
    let listed = told("listed", Phase::Starting);
    assert!(
        listed.starts_with("is considered running on web1 until its executor reports (since"),
        "{listed}"
    );
    let lost = told("executor_lost", Phase::Failed);
    assert!(lost.starts_with("was given up on web1 at"), "{lost}");
    assert!(told("unsure", Phase::Starting).starts_with("is being checked on web1 (since"));
    assert!(told("unowned", Phase::Starting).starts_with("is being started on web1"));
}

#[test]
fn group_state_is_told_from_daemon_report_not_from_journal() {
    let entry = recorded("reload", Phase::Stopping);
    let told = |group: &GroupReport, nodes: &[NodeReport]| {
        let now = NOW.parse().expect("it is a time");
        Present { group, nodes }.sentence(State::recorded(&[&entry]), &TimeZone::UTC, now)
    };
    let same = told(&report("web1", 1, Phase::Stopping), &[]);
    assert_eq!(same, "is being stopped on web1 (since 2026-11-24 10:00:00 UTC, 5.00 s ago).");
    let stopped = told(&report("web1", 1, Phase::Stopped), &[]);
    assert_eq!(
        stopped,
        "is stopped (since 2026-11-24 10:00:03 UTC, 2.00 s ago); web1 ran it last."
    );
    let runs = report("web2", 2, Phase::Active);
    let there = told(&runs, &[]);
    assert_eq!(there, "runs on web2 (since 2026-11-24 10:00:03 UTC, 2.00 s ago).");
    assert_eq!(told(&runs, &[dead("web2")]), "is run by no node: its owner web2 is dead.");
    let former = GroupReport { retired: Some(Retirement::Here), ..runs.clone() };
    assert_eq!(told(&former, &[]), "is no longer in haresources: it is being stopped here.");
    assert_eq!(told(&GroupReport { owner: None, ..runs }, &[]), "has no owner yet.");
}

#[test]
fn group_age_is_lower_bound_only_if_daemon_reports_at_least() {
    let told = |cause: &'static str, phase, at_least| {
        let entry = recorded(cause, phase);
        let group = GroupReport { at_least, ..report("web1", 1, phase) };
        let present = Present { group: &group, nodes: &[] };
        let now = NOW.parse().expect("it is a time");
        present.sentence(State::recorded(&[&entry]), &TimeZone::UTC, now)
    };
    let moment = "2026-11-24 10:00:00 UTC, 5.00 s ago";
    let runs = |least: &str| format!("runs on web1 (since {least}{moment}).");
    assert_eq!(told("adopted", Phase::Active, true), runs("at least "));
    assert_eq!(told("adopted", Phase::Active, false), runs(""));
    // The first entry of a run of the daemon, which the group's state outlived.
    assert_eq!(told("claimed", Phase::Active, false), runs(""));
    let blocked = format!("is blocked on web1 (since at least {moment}): it cannot be stopped.");
    assert_eq!(told("claimed", Phase::Blocked, true), blocked);
    let failed = format!("could not be started on web1 at {moment}, or earlier.");
    assert_eq!(told("claimed", Phase::Failed, true), failed);
}
