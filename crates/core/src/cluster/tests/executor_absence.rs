//! A node whose executor is gone or stands still for longer than an address lives.

use super::ledger::restart_b;
use super::pair::Pair;
use super::*;
use crate::FencingEvent;
use crate::{FenceOutcome, FencingPolicy, Phase};

/// Before this it is unknown whether the addresses have expired.
const LIFETIME: Duration = Duration::from_secs(3);
/// A group is released after this at the latest: a permit, the lifetime, and the delay of the
/// kernel.
const RELEASED: Duration = Duration::from_millis(450 + 3_000 + 1_000 + 10);

impl Pair {
    /// The executor of B dies, or is killed because it stands still.
    pub(super) fn lose_executor(&mut self) {
        let now = self.now;
        self.node(B).cluster.handle(now, &Input::ExecutorGone);
        self.node(B).permit = None;
    }

    fn claim_of_b(&mut self) -> Claim {
        self.node(B).claim(SECOND)
    }
}

fn fenced(groups: impl Fn() -> Vec<Group>) -> Pair {
    Pair::settled_with(|settings| {
        settings.fencing = Some(FencingPolicy { delay: Duration::ZERO });
        settings.groups = groups();
    })
}

fn services() -> Vec<Group> {
    settings(A, Failback::Off).groups
}

fn addresses() -> Vec<Group> {
    let address = crate::AddressSpec {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        prefix: None,
        interface: None,
        broadcast: None,
    };
    let kind = ResourceKind::Address(address);
    let mut groups = services();
    groups[SECOND.index()].resources = vec![Resource { word: "127.0.0.1".to_owned(), kind }];
    groups
}

#[test]
fn executor_not_returning_leaves_its_groups_to_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    pair.pass(LIFETIME);
    assert_eq!(pair.runs(A), [FIRST], "its addresses may still be there");
    assert_eq!((pair.claim_of_b().phase, pair.claim_of_b().runs_here), (Phase::Starting, true));
    let took = pair.until("the other node has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(LIFETIME + took < RELEASED, "{took:?}");
    assert_eq!(pair.node(B).permit, None, "nobody may act who has not said what it holds");
    let reason = pair.node(A).snapshot().groups[SECOND.index()].reason.clone();
    assert_eq!(reason, format!("{:?}", Cause::OwnerInDoubt(B)));
    let told = |event: &Event| matches!(event, Event::Ownership { cause: Cause::ExecutorLost, .. });
    assert!(pair.node(B).said.iter().any(told));
}

/// While it has no executor, a node cannot report that its groups run.
#[test]
fn executor_replaced_is_told_to_peer_as_claim_and_not_as_start() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).said.clear();
    pair.lose_executor();
    pair.pass(Duration::from_millis(300));
    let now = pair.now;
    pair.node(B).greet(now, &[SECOND], true);
    pair.pass(Duration::from_secs(2));
    let mut told = Vec::new();
    for event in &pair.node(A).said {
        if let Event::Ownership { group: SECOND, phase, cause, .. } = event {
            told.push((*phase, *cause));
        }
    }
    let right = [(Phase::Starting, Cause::Unsure), (Phase::Active, Cause::Claimed(B))];
    assert_eq!(told, right);
}

#[test]
fn executor_returning_with_partial_group_starts_group_and_stops_nothing() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    let now = pair.now;
    pair.node(B).greet(now, &[SECOND], false);
    pair.node(B).holds_jobs = true;
    pair.pass(Duration::from_secs(2));
    let asked: Vec<_> = pair.node(B).held.iter().map(|job| job.action).collect();
    assert_eq!(asked, [Action::Start], "which asks for its status first");
    assert_eq!((pair.claim_of_b().phase, pair.claim_of_b().runs_here), (Phase::Starting, true));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    pair.until("it runs as before", |pair| pair.claim_of_b().phase == Phase::Active);
}

#[test]
fn executor_returning_in_time_keeps_its_groups() {
    let mut pair = Pair::settled(Failback::Off);
    for _ in 0..3 {
        pair.lose_executor();
        pair.pass(LIFETIME);
        let now = pair.now;
        pair.node(B).greet(now, &[SECOND], true);
        pair.pass(LIFETIME);
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
        assert_eq!(pair.node(B).phase(SECOND), Phase::Active);
        assert!(pair.node(B).permit.is_some());
    }
}

#[test]
fn executor_lost_again_does_not_prolong_wait_of_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    for _ in 0..10 {
        pair.pass(Duration::from_millis(400));
        pair.lose_executor();
    }
    pair.pass(RELEASED.saturating_sub(Duration::from_secs(4)));
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn executor_returning_late_stops_its_group_and_tells_runs_here_until_then() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    pair.until("the other node has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    let now = pair.now;
    pair.node(B).holds_jobs = true;
    pair.node(B).greet(now, &[SECOND], true);
    pair.pass(Duration::from_secs(1));
    let held: Vec<_> = pair.node(B).held.iter().map(|job| (job.group, job.action)).collect();
    assert_eq!(held, [(SECOND, Action::Stop)]);
    assert_eq!((pair.claim_of_b().owner, pair.claim_of_b().runs_here), (A, true));
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    pair.pass(Duration::from_secs(1));
    assert!(!pair.claim_of_b().runs_here);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST, SECOND], vec![]));
}

#[test]
fn group_not_taken_by_peer_is_started_again_when_executor_returns() {
    let mut pair = Pair::settled(Failback::Off);
    pair.end(A);
    pair.until("B has all", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.lose_executor();
    pair.pass(RELEASED);
    assert_eq!(pair.node(B).phase(SECOND), Phase::Failed);
    let now = pair.now;
    pair.node(B).greet(now, &[FIRST, SECOND], true);
    pair.until("all runs", |pair| {
        let node = pair.node(B);
        [FIRST, SECOND].iter().all(|group| node.phase(*group) == Phase::Active)
    });
    assert_eq!(pair.runs(B), [FIRST, SECOND]);
}

#[test]
fn group_listed_in_ledger_is_released_when_no_executor_greets() {
    let mut pair = restart_b();
    pair.pass(Duration::from_secs(5) + LIFETIME);
    assert_eq!(pair.runs(A), [FIRST]);
    pair.pass(RELEASED.saturating_sub(LIFETIME));
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn pause_of_daemon_does_not_count_towards_absence_of_executor() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    pair.pass(Duration::from_millis(100));
    pair.stand_still(B, LIFETIME * 3, false);
    pair.pass(LIFETIME);
    let is_given_up = |event: &Event| {
        matches!(event, Event::LeftRunning(_) | Event::Ownership { phase: Phase::Failed, .. })
    };
    assert!(!pair.node(B).said.iter().any(is_given_up), "it still waits");
    pair.until("it waits no longer", |pair| pair.node(B).said.iter().any(is_given_up));
}

#[test]
fn services_of_node_in_doubt_are_taken_only_after_fence() {
    let mut pair = fenced(services);
    pair.lose_executor();
    pair.pass(LIFETIME);
    assert!(pair.node(A).fences.is_empty(), "B may still find a way");
    pair.until("a device is asked", |pair| !pair.node(A).fences.is_empty());
    for outcome in [FenceOutcome::Next, FenceOutcome::Failed] {
        let now = pair.now;
        let (node, attempt) = pair.node(A).fences.pop().expect("a device was asked");
        pair.node(A).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
        let took = pair.until("it is asked again", |pair| !pair.node(A).fences.is_empty());
        assert_eq!(took >= Duration::from_secs(1), outcome == FenceOutcome::Failed, "{took:?}");
        assert_eq!(pair.runs(A), [FIRST], "nothing is started beside it");
    }
    let now = pair.now;
    let (node, attempt) = pair.node(A).fences.pop().expect("a device was asked");
    pair.end(B);
    let outcome = FenceOutcome::Done;
    pair.node(A).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
    pair.node(A).turn(now);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn node_in_doubt_after_failed_fence_is_taken_over_once_confirmed_dead() {
    let mut pair = fenced(services);
    pair.lose_executor();
    pair.until("a device is asked", |pair| !pair.node(A).fences.is_empty());
    let now = pair.now;
    let (node, attempt) = pair.node(A).fences.pop().expect("a device was asked");
    let outcome = FenceOutcome::Failed;
    pair.node(A).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
    let retry = Some(Duration::from_secs(1));
    let event = FencingEvent::Failed { attempt, retry, is_heard: true };
    pair.pass(Duration::from_millis(100));
    assert!(pair.node(A).has_said(&Event::Fencing(B, event)), "a person is asked for help");
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.pass(Duration::from_millis(100));
    assert_eq!(pair.node(A).answers, [Err(OrderRefusal::NotDead)]);
    pair.end(B);
    pair.pass(DEADTIME * 2);
    assert_eq!(pair.runs(A), [FIRST]);
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
}

#[test]
fn group_not_stopped_for_hand_over_is_not_given_without_fence() {
    let mut pair = fenced(services);
    let now = pair.now;
    pair.node(B).holds_jobs = true;
    pair.node(B).order(now, Order::StandbyGroup(SECOND));
    pair.until("B stops it", |pair| !pair.node(B).held.is_empty());
    pair.lose_executor();
    pair.until("a device is asked", |pair| {
        assert_eq!(pair.runs(A), [FIRST], "its services may run on");
        !pair.node(A).fences.is_empty()
    });
    assert_eq!(pair.node(B).answers, [refused(Refusal::CannotStop)]);
}

#[test]
fn addresses_without_executor_expire_and_are_taken_without_fence() {
    let mut pair = fenced(addresses);
    pair.lose_executor();
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(pair.node(A).fences.is_empty());
    assert!(!pair.claim_of_b().runs_here);
}

#[test]
fn stop_of_node_in_doubt_waits_until_executor_returns() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    pair.pass(RELEASED + LIFETIME);
    assert!(!pair.node(B).has_ended);
    let says = |event: &&Event| **event == Event::StopInDoubt(SECOND);
    assert_eq!(pair.node(B).said.iter().filter(says).count(), 1, "it says once what it waits for");
    let now = pair.now;
    pair.node(B).greet(now, &[SECOND], true);
    pair.until("it has ended", |pair| pair.node(B).has_ended);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST, SECOND], vec![]));
}

/// Both nodes ran everything, as after a partition, and A prevails; what B has to stop hangs.
fn b_gives_way() -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both own all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    pair.node(B).holds_jobs = true;
    pair.cut = false;
    pair.until("B gives way", |pair| !pair.node(B).held.is_empty());
    pair
}

/// Both nodes ran it, and A prevails; B's stop hangs, and its executor dies for good.
#[test]
fn loser_without_executor_does_not_keep_owner_from_restarting_group() {
    let mut pair = b_gives_way();
    let group = pair.node(B).held[0].group;
    pair.pass(Duration::from_secs(1));
    assert!(pair.runs(A).contains(&group));
    pair.node(B).held.clear();
    pair.lose_executor();
    pair.pass(Duration::from_secs(25));
    assert_eq!(pair.node(B).owner(group), Some(A));
    let now = pair.now;
    pair.node(A).runs.retain(|other| *other != group);
    pair.node(A).cluster.handle(now, &Input::LetGo(group));
    pair.until("it runs again", |pair| pair.runs(A).contains(&group));
}

/// The same: groups for which no node has an executor are free after a goodbye of the owner.
#[test]
fn loser_with_replaced_executor_takes_over_when_owner_dies() {
    let mut pair = b_gives_way();
    pair.pass(Duration::from_secs(1));
    pair.node(B).held.clear();
    pair.node(B).holds_jobs = false;
    pair.lose_executor();
    pair.pass(Duration::from_secs(25));
    let now = pair.now;
    pair.node(B).greet(now, &[], true);
    pair.end(A);
    pair.until("B has all", |pair| pair.runs(B).len() == 2);
}

/// A has taken what B lost with its executor, and A's own executor lets go of it for a moment.
#[test]
fn group_taken_from_node_without_executor_is_started_again_after_let_go() {
    let mut pair = Pair::settled(Failback::Off);
    pair.lose_executor();
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(2));
    let now = pair.now;
    pair.node(A).runs.retain(|group| *group != SECOND);
    pair.node(A).cluster.handle(now, &Input::LetGo(SECOND));
    pair.until("it runs again", |pair| pair.runs(A) == [FIRST, SECOND]);
}

/// The same with a group of two services, the first of which takes its time to start.
#[test]
fn group_taken_from_node_without_executor_starts_completely() {
    let mut pair = Pair::settled_with(|settings| {
        settings.groups[SECOND.index()].resources = vec![agent("second"), agent("third")];
    });
    pair.node(A).holds_jobs = true;
    pair.lose_executor();
    pair.until("A starts it", |pair| !pair.node(A).held.is_empty());
    pair.pass(Duration::from_secs(2));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("A runs all of it", |pair| pair.node(A).phase(SECOND) == Phase::Active);
}

/// A gets another executor at the moment when B says goodbye and ends.
#[test]
fn goodbye_of_peer_while_executor_is_away_is_not_taken_as_death() {
    let deadtime = Duration::from_secs(10);
    let mut pair = Pair::settled_with(|it| (it.deadtime, it.warntime) = (deadtime, deadtime / 2));
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::ExecutorGone);
    pair.node(B).order(now, Order::Stop);
    pair.until("B has ended", |pair| pair.node(B).has_ended);
    pair.end(B);
    let now = pair.now;
    pair.node(A).greet(now, &[FIRST], true);
    let took = pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// A stop that failed under an executor that is lost says nothing of the next one, which holds nothing.
#[test]
fn group_with_failed_stop_is_started_once_new_executor_holds_nothing() {
    let mut pair = Pair::settled_with(|settings| settings.stop_failure = StopFailure::Block);
    let now = pair.now;
    pair.node(B).stuck = Some(SECOND);
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    pair.until("blocked", |pair| pair.node(B).phase(SECOND) == Phase::Blocked);
    pair.end(A);
    pair.pass(DEADTIME * 3);
    pair.lose_executor();
    pair.pass(RELEASED * 2);
    let now = pair.now;
    let b = pair.node(B);
    (b.stuck, b.runs) = (None, Vec::new());
    b.greet(now, &[], true);
    pair.until("both run on B", |pair| pair.runs(B) == [FIRST, SECOND]);
}
