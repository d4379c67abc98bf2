//! Resources that do not start, and resources that do not stop.

use super::pair::Pair;
use super::*;
use crate::{Failure, Phase, Words};

mod orders;

/// Longer than ten stops that fail.
const RETRIES: Duration = Duration::from_secs(15);

#[test]
fn group_failing_to_start_goes_to_peer_and_stays_there() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.runs(B), [FIRST, SECOND], "it does not go home to fail again");
    assert_eq!((pair.node(A).failed_starts(), pair.node(B).failed_starts()), (1, 0));
    let failure = Failure::new(Action::Start, 0, Outcome::Failed(1), Words::NONE);
    let told = Event::PeerFailed { node: A, group: FIRST, failure };
    assert_eq!(pair.node(B).said.iter().filter(|event| **event == told).count(), 1);
}

#[test]
fn group_failing_on_both_nodes_rests_and_both_nodes_report_failures() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    pair.node(B).fails = Some(FIRST);
    pair.until("it rests", |pair| pair.node(A).phase(FIRST) == Phase::Failed);
    pair.pass(Duration::from_secs(10));
    assert_eq!((pair.node(A).failed_starts(), pair.node(B).failed_starts()), (1, 1));
    for id in [A, B] {
        let group = pair.node(id).snapshot().groups.swap_remove(0);
        assert_eq!(group.unable, ["alpha", "beta"]);
        assert_eq!(group.obstacles, [Obstacle::Failed], "no node comes first");
        let told = group.failures.iter().map(|failure| (&*failure.node, &*failure.outcome));
        assert_eq!(told.collect::<Vec<_>>(), [("alpha", "Failed(1) "), ("beta", "Failed(1) ")]);
    }
}

#[test]
fn group_failing_on_node_left_alone_is_not_said_to_belong_elsewhere_first() {
    let mut pair = Pair::settled(Failback::On);
    pair.node(A).fails = Some(SECOND);
    pair.end(B);
    pair.until("it rests", |pair| pair.node(A).phase(SECOND) == Phase::Failed);
    let group = pair.node(A).snapshot().groups.swap_remove(SECOND.index());
    assert_eq!(group.obstacles, [Obstacle::Failed]);
}

#[test]
fn start_failure_is_reported_on_both_nodes_until_retry_succeeds() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    pair.node(A).says = "interface eth1.10 does not exist\n";
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(2));
    let failures = |pair: &mut Pair, id| pair.node(id).snapshot().groups.remove(0).failures;
    let told = failures(&mut pair, B);
    assert_eq!(told, failures(&mut pair, A));
    assert_eq!(
        (&*told[0].node, &*told[0].outcome),
        ("alpha", "Failed(1) interface eth1.10 does not exist")
    );
    let failure = pair.told_by(A, FIRST).failure.expect("it failed");
    assert_eq!(failure.words.as_str(), "interface eth1.10 does not exist");
    let event = Event::PeerFailed { node: A, group: FIRST, failure };
    assert_eq!(pair.node(B).said.iter().filter(|said| **said == event).count(), 1, "told once");
    // The start fails again, for another reason.
    pair.node(A).says = "Operation not permitted";
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.until("it has failed again", |pair| {
        failures(pair, B).iter().any(|failure| failure.outcome.contains("Operation not permitted"))
    });
    pair.node(A).fails = None;
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.until("it goes home", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(1));
    assert_eq!(failures(&mut pair, B), []);
}

#[test]
fn failure_words_of_any_length_arrive_bounded_without_control_characters() {
    for (says, starts) in [
        ("ä,; %".repeat(99), "ä,; %ä,; %"),
        ("\u{1b}]0;evil\u{7}\r\u{9b}31m\u{202e}red".to_owned(), "]0;evil   31m red"),
        ("日本".repeat(99), "日本日本日本"),
    ] {
        let mut pair = Pair::new(Failback::On);
        pair.node(A).fails = Some(FIRST);
        pair.node(A).says = says.leak();
        pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
        pair.pass(Duration::from_secs(2));
        let told = pair.node(B).snapshot().groups.remove(0).failures.remove(0).outcome;
        assert!(
            told.starts_with(&format!("Failed(1) {starts}")) && !told.contains(char::is_control),
            "{told:?}"
        );
        assert!(told.len() <= Words::TEXT_MAX + "Failed(1) ".len(), "{told:?}");
        assert!(pair.has_table(B, A), "it has the whole table");
    }
}

#[test]
fn stop_failure_is_reported_on_peer() {
    let mut pair = Pair::settled(Failback::Off);
    (pair.node(A).stuck, pair.node(A).says) = (Some(FIRST), "target is busy");
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("it is blocked", |pair| pair.node(B).phase(FIRST) == Phase::Blocked);
    let report = pair.node(B).snapshot().groups.swap_remove(0);
    assert_eq!(
        (&*report.failures[0].outcome, report.failures[0].action),
        ("Failed(3) target is busy", Action::Stop)
    );
}

#[test]
fn failure_words_of_another_job_are_not_reported() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    let now = pair.now;
    let (job, words) = (JobId(4711), Words::new("it is not about this"));
    pair.node(A).cluster.handle(now, &Input::JobSaid { job, words });
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    let report = pair.node(A).snapshot().groups.swap_remove(0);
    assert_eq!(report.failures[0].outcome, "Failed(1) ");
}

#[test]
fn group_whose_start_cannot_be_asked_goes_to_peer_and_later_comes_home() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    pair.node(A).failure = Outcome::NotAsked;
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.node(A).failed_starts(), 0, "it is tried again for a while");
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.node(A).fails = None;
    for _ in 0..10 {
        pair.pass(Duration::from_secs(5));
    }
    assert_eq!(pair.runs(A), []);
    pair.until("it goes home", |pair| pair.runs(A) == [FIRST]);
    assert!(pair.node(B).snapshot().groups[0].failures.is_empty());
}

#[test]
fn claim_whose_start_cannot_be_asked_does_not_outrank_running_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    pair.node(B).failure = Outcome::NotAsked;
    pair.cut = true;
    pair.until("B tries to take it", |pair| pair.node(B).phase(FIRST) == Phase::Starting);
    pair.pass(Duration::from_millis(300));
    pair.node(A).said.clear();
    pair.cut = false;
    pair.pass(Duration::from_secs(5));
    let moves = |event: &Event| matches!(event, Event::Ownership { group: FIRST, owner: B, .. });
    assert!(!pair.node(A).said.iter().any(moves), "{:?}", pair.node(A).said);
    assert!(pair.runs(A).contains(&FIRST));
}

#[test]
fn group_that_cannot_be_stopped_is_blocked_and_hinders_no_other_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).stuck = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("it is blocked", |pair| pair.node(B).phase(FIRST) == Phase::Blocked);
    pair.pass(Duration::from_secs(15));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]), "nobody else starts it");
    let report = pair.node(B).snapshot().groups.swap_remove(0);
    assert_eq!((&*report.failures[0].node, report.failures[0].action), ("alpha", Action::Stop));
    // The other group moves all the same.
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::Local));
    pair.until("the other group moves", |pair| pair.runs(A) == [FIRST, SECOND]);
    // Retried in vain, then repaired.
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(None));
    pair.pass(RETRIES);
    assert_eq!(pair.node(B).phase(FIRST), Phase::Blocked);
    pair.node(A).stuck = None;
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.until("it was stopped and runs", |pair| {
        pair.node(A).phase(FIRST) == Phase::Active || pair.node(B).phase(FIRST) == Phase::Active
    });
    pair.pass(Duration::from_secs(1));
    assert!(pair.node(B).snapshot().groups[0].failures.is_empty());
}

#[test]
fn start_cancelled_by_executor_is_repeated_and_not_counted_as_failure() {
    let mut pair = Pair::new(Failback::Off);
    pair.node(A).holds_jobs = true;
    pair.until("it starts", |pair| !pair.node(A).held.is_empty());
    let (now, job) = (pair.now, pair.node(A).held[0].id);
    pair.node(A).held.clear();
    pair.node(A).holds_jobs = false;
    let outcome = Outcome::Cancelled;
    pair.node(A).cluster.handle(now, &Input::JobDone { job, outcome });
    pair.until("it is asked for again", |pair| pair.runs(A) == [FIRST]);
    assert_eq!(pair.node(A).failed_starts(), 0);
}

/// A daemon that asks to be woken for something that it cannot do wakes without end.
#[test]
fn retry_of_failed_stop_without_executor_sets_no_deadline() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).stuck = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("a stop has failed", |pair| {
        pair.node(A).said.iter().any(|event| matches!(event, Event::StopRetried { .. }))
    });
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::ExecutorGone);
    pair.node(A).turn(now);
    let later = now + Duration::from_secs(3);
    pair.node(A).turn(later);
    assert!(pair.node(A).cluster.deadline() > later);
}

#[test]
fn start_of_group_let_go_meanwhile_is_cancelled() {
    let mut pair = Pair::new(Failback::Off);
    pair.node(A).holds_jobs = true;
    pair.until("it starts", |pair| !pair.node(A).held.is_empty());
    let (now, job) = (pair.now, pair.node(A).held[0].id);
    pair.node(A).cluster.handle(now, &Input::LetGo(FIRST));
    let outputs: Vec<Output> = std::iter::from_fn(|| pair.node(A).cluster.poll()).collect();
    assert!(outputs.contains(&Output::Cancel(job)), "{outputs:?}");
}

/// Of two owners after a partition the loser cannot stop: it is not given a group of which it still
/// has remains.
#[test]
fn loser_that_cannot_stop_group_is_refused_as_taker() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both own all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    pair.node(A).stuck = Some(FIRST);
    pair.cut = false;
    pair.until("the stop has failed", |pair| {
        let stuck = |event: &Event| matches!(event, Event::StopFailed { group: FIRST, .. });
        pair.node(A).said.iter().any(stuck)
    });
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.node(A).phase(FIRST), Phase::Active, "it runs on B");
    let now = pair.now;
    pair.node(B).order(now, Order::StandbyGroup(FIRST));
    pair.node(A).order(now, Order::TakeoverGroup(FIRST));
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.node(B).answers, [refused(Refusal::Unable)]);
    assert_eq!(pair.node(A).answers, [refused(Refusal::Unable)]);
    assert_eq!(pair.node(B).phase(FIRST), Phase::Active);
}
