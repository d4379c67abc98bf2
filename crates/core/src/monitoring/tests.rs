use super::*;
use crate::LastResort;
use std::time::Duration;

const GROUP: GroupId = GroupId(3);
const EVERY: Duration = Duration::from_secs(10);
const MONITOR: Monitor = Monitor {
    every: EVERY,
    timeout: Duration::from_secs(5),
    failures: 2,
    restarts: 2,
    within: Duration::from_mins(1),
    asks_agent: true,
    then: LastResort::Move,
};

fn at(seconds: u64) -> Time {
    Time::START + Duration::from_secs(seconds)
}

fn of(monitor: Monitor) -> Monitoring {
    let mut monitoring = Monitoring::default();
    monitoring.configure([(1, monitor)].into_iter());
    monitoring
}

/// Lets the group run and the next check end, and returns what follows.
fn check(monitoring: &mut Monitoring, now: Time, outcome: Outcome, may_act: bool) -> Verdict {
    monitoring.begin(now, GROUP);
    let due = monitoring.deadline().expect("a check is due").max(now);
    let mut next = JobId(7);
    let job = monitoring.poll(due, GROUP, &mut next).expect("it is due");
    monitoring.done(due, job.id, outcome, may_act).expect("it is the check").verdict
}

#[test]
fn checks_of_failing_resource_lead_to_restarts_and_at_last_to_move() {
    use Outcome::{Failed, Missing, NotAsked, NotRunning, Running, TimedOut};
    use Verdict::{Exhausted, Failing, None, Recovered, Restart, Unknown, Withheld};
    let table = [
        (0, Running, true, None),
        (10, NotRunning, true, Failing { failures: 1 }),
        (20, Running, true, Recovered),
        (30, Failed(1), true, Failing { failures: 1 }),
        (40, Missing, true, Unknown),
        (50, NotAsked, true, None),
        (60, TimedOut, true, Restart { used: 1 }),
        (70, NotRunning, false, Withheld),
        (80, NotRunning, false, None),
        (90, NotRunning, true, Restart { used: 2 }),
        (100, NotRunning, true, Exhausted { is_news: true }),
        (110, NotRunning, true, Exhausted { is_news: false }),
        (119, Running, true, Recovered),
        (160, NotRunning, true, Failing { failures: 1 }),
        (170, NotRunning, true, Exhausted { is_news: true }),
        // It was well for the first time since a minute ago: no restart counts any longer.
        (190, NotRunning, true, Restart { used: 1 }),
    ];
    let mut monitoring = of(MONITOR);
    for (second, outcome, may_act, expected) in table {
        let verdict = check(&mut monitoring, at(second), outcome, may_act);
        assert_eq!(verdict, expected, "{outcome:?} at {second}");
    }
}

#[test]
pub(super) fn check_cancelled_says_nothing_and_is_repeated() {
    let mut monitoring = of(MONITOR);
    assert_eq!(check(&mut monitoring, at(0), Outcome::Cancelled, true), Verdict::None);
    let watch = monitoring.watches().next().expect("it is there");
    assert_eq!((watch.last(), watch.failures()), (None, 0));
    assert!(monitoring.deadline().is_some());
}

#[test]
pub(super) fn blocked_resource_is_not_checked_until_cleared() {
    let mut monitoring =
        of(Monitor { failures: 1, restarts: 0, then: LastResort::Block, ..MONITOR });
    assert_eq!(
        check(&mut monitoring, at(0), Outcome::NotRunning, true),
        Verdict::Exhausted { is_news: true }
    );
    monitoring.begin(at(1), GROUP);
    assert_eq!(monitoring.deadline(), None);
    monitoring.suspect(at(1), 1);
    assert_eq!(monitoring.deadline(), None, "also when its process ends");
    assert!(monitoring.watches().all(Watch::is_given_up));
    assert!(monitoring.clear());
    assert_eq!(check(&mut monitoring, at(2), Outcome::Running, true), Verdict::None);
    assert!(!monitoring.clear(), "there is nothing left to clear");
}

#[test]
fn ignored_failure_is_reported_once_and_checked_further() {
    let mut monitoring =
        of(Monitor { failures: 1, restarts: 0, then: LastResort::Ignore, ..MONITOR });
    for (second, expected) in
        [(0, Verdict::Exhausted { is_news: true }), (10, Verdict::None), (20, Verdict::None)]
    {
        assert_eq!(check(&mut monitoring, at(second), Outcome::NotRunning, true), expected);
    }
}

#[test]
fn first_checks_of_many_groups_are_spread_over_interval() {
    let first = |group: u16| {
        let mut monitoring = of(MONITOR);
        monitoring.begin(at(0), GroupId(group));
        monitoring.deadline().expect("a check is due")
    };
    let mut times: Vec<Time> = (0..16).map(first).collect();
    times.sort_unstable();
    assert!(times.iter().all(|time| *time > at(0) && *time <= at(0) + EVERY));
    times.dedup();
    assert_eq!(times.len(), 16, "none at the same time");
}

#[test]
fn end_of_group_cancels_running_check_and_its_late_answer_is_ignored() {
    let mut monitoring = of(MONITOR);
    monitoring.begin(at(0), GROUP);
    let job = monitoring.poll(at(10), GROUP, &mut JobId(7)).expect("it is due");
    assert_eq!((monitoring.running(), monitoring.end()), (1, vec![job.id]));
    assert_eq!(monitoring.done(at(11), job.id, Outcome::NotRunning, true), None);
    assert_eq!((monitoring.running(), monitoring.deadline()), (0, None));
}

#[test]
fn reload_keeps_counters_of_resource_that_stays_monitored() {
    let monitor = Monitor { failures: 1, ..MONITOR };
    let mut monitoring = of(monitor);
    assert_eq!(
        check(&mut monitoring, at(0), Outcome::NotRunning, true),
        Verdict::Restart { used: 1 }
    );
    let shorter = Monitor { every: EVERY / 2, ..monitor };
    monitoring.configure([(1, shorter), (2, MONITOR)].into_iter());
    let restarts: Vec<_> = monitoring.watches().map(|watch| watch.restarts(at(1))).collect();
    assert_eq!(restarts, [1, 0]);
    monitoring.configure(std::iter::empty());
    assert!(monitoring.is_empty());
}

#[test]
fn suspected_resource_is_checked_at_once_and_not_twice_within_a_second() {
    let mut monitoring = of(MONITOR);
    monitoring.begin(at(0), GROUP);
    monitoring.suspect(at(1), 0);
    assert_ne!(monitoring.deadline(), Some(at(1)), "it is about another resource");
    monitoring.suspect(at(1), 1);
    assert_eq!(monitoring.deadline(), Some(at(1)));
    assert_eq!(check(&mut monitoring, at(1), Outcome::Running, true), Verdict::None);
    assert_eq!(monitoring.deadline(), Some(at(1) + EVERY), "it was only replaced");
    for _ in 0..3 {
        monitoring.suspect(at(1), 1);
        assert_eq!(monitoring.deadline(), Some(at(2)));
    }
}

#[test]
fn resource_whose_process_may_be_replaced_is_checked_later_and_after_crash_at_once() {
    let mut monitoring = of(MONITOR);
    monitoring.begin(at(0), GROUP);
    monitoring.suspect(at(3), 1);
    assert_eq!(monitoring.deadline(), Some(at(3)));
    monitoring.suspect(at(1), 1);
    assert_eq!(monitoring.deadline(), Some(at(1)));
    let job = monitoring.poll(at(1), GROUP, &mut JobId(7)).expect("it is due");
    monitoring.suspect(at(5), 1);
    monitoring.suspect(at(4), 1);
    monitoring.done(at(2), job.id, Outcome::Running, true).expect("it is the check");
    assert_eq!(monitoring.deadline(), Some(at(4)), "the grace counts during a check too");
}

#[test]
fn resource_suspected_during_its_check_is_checked_again_at_once() {
    let mut monitoring = of(MONITOR);
    monitoring.begin(at(0), GROUP);
    let mut next = JobId(7);
    let job = monitoring.poll(at(10), GROUP, &mut next).expect("it is due");
    monitoring.suspect(at(10), 1);
    assert_eq!(monitoring.deadline(), None);
    monitoring.done(at(11), job.id, Outcome::Running, true).expect("it is the check");
    assert_eq!(monitoring.deadline(), Some(at(11)));
}

#[test]
pub(super) fn blocked_resource_of_group_that_leaves_is_checked_when_group_is_back() {
    let mut monitoring =
        of(Monitor { failures: 1, restarts: 0, then: LastResort::Block, ..MONITOR });
    assert_eq!(
        check(&mut monitoring, at(0), Outcome::NotRunning, true),
        Verdict::Exhausted { is_news: true }
    );
    monitoring.suspend();
    monitoring.begin(at(1), GROUP);
    assert_eq!(monitoring.deadline(), None, "an executor was lost, and is back");
    assert_eq!(monitoring.end(), []);
    assert_eq!(check(&mut monitoring, at(1), Outcome::Running, true), Verdict::None);
}
