//! Two nodes whose resources are checked while they run.

use super::pair::Pair;
use super::reload::CHANGED;
use super::*;
use crate::{AfterCheck, HandOverReason, LastResort, Monitor, ProgressStage, ResourceState, Scope};

const BOTH: [GroupId; 2] = [FIRST, SECOND];
const MONITOR: Monitor = Monitor {
    every: Duration::from_secs(1),
    timeout: Duration::from_secs(5),
    failures: 1,
    restarts: 2,
    within: Duration::from_mins(10),
    asks_agent: true,
    then: LastResort::Move,
};

fn monitored(monitor: Monitor) -> Pair {
    Pair::settled_with(|settings| {
        settings.monitors = vec![(FIRST, 0, monitor), (SECOND, 0, monitor)];
    })
}

impl Pair {
    /// The service of a group ends on a node, as if it had crashed.
    fn crash(&mut self, id: NodeId, group: GroupId) {
        self.node(id).runs.retain(|other| *other != group);
    }

    /// What followed from checks on a node.
    fn followed(&mut self, id: NodeId) -> Vec<AfterCheck> {
        let followed = self.node(id).said.iter().filter_map(|event| {
            let Event::CheckFailed { follows, .. } = event else { return None };
            Some(*follows)
        });
        followed.collect()
    }

    fn state(&mut self, id: NodeId, group: GroupId) -> ResourceState {
        self.node(id).snapshot().groups[group.index()].resource_states[0].state
    }
}

#[test]
fn crashed_service_is_restarted_on_its_node_and_other_node_takes_nothing() {
    let mut pair = monitored(MONITOR);
    let term = pair.told_by(A, FIRST).term;
    pair.crash(A, FIRST);
    let took = pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
    assert!(took <= MONITOR.every, "{took:?}");
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.followed(A), [AfterCheck::Restarts { used: 1, allowed: 2 }]);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    assert_eq!(pair.told_by(A, FIRST).term, term, "it has not moved");
    assert_eq!(pair.node(A).phase(FIRST), Phase::Active);
}

#[test]
fn end_of_main_process_is_followed_by_check_at_once_or_after_grace() {
    for (is_crash, most) in
        [(true, Duration::from_millis(10)), (false, Duration::from_millis(2_010))]
    {
        let mut pair = monitored(Monitor { every: Duration::from_mins(1), ..MONITOR });
        pair.crash(A, FIRST);
        let now = pair.now;
        pair.node(A)
            .cluster
            .handle(now, &Input::ProcessEnded { group: FIRST, resource: 0, is_crash });
        pair.node(A).cluster.elapse(now);
        let took = pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
        assert!(took <= most && (is_crash || took >= Duration::from_secs(2)), "{took:?}");
    }
}

#[test]
fn service_crashing_again_and_again_moves_after_its_restarts_and_stays_away_until_cleared() {
    let mut pair = monitored(MONITOR);
    for _ in 0..2 {
        pair.crash(A, FIRST);
        pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
        pair.pass(Duration::from_millis(100));
    }
    pair.crash(A, FIRST);
    pair.until("B has it", |pair| pair.runs(B) == BOTH);
    assert_eq!(pair.followed(A).last(), Some(&AfterCheck::Moves));
    pair.pass(Duration::from_secs(20));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], BOTH.to_vec()));
    for id in [A, B] {
        let failures = pair.node(id).snapshot().groups.swap_remove(0).failures;
        assert_eq!((&*failures[0].node, failures.len()), ("alpha", 1), "both nodes say so");
    }
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.until("answered", |pair| pair.node(A).answers == [Ok(())]);
    assert_eq!(pair.node(A).snapshot().groups[0].unable, [] as [&str; 0]);
}

#[test]
fn exhausted_service_is_handed_over_to_node_that_says_that_it_can_run_it() {
    let mut pair = monitored(Monitor { restarts: 0, ..MONITOR });
    pair.crash(A, FIRST);
    pair.until("B has it", |pair| pair.runs(B) == BOTH);
    let is_failed = |event: &Event, stage: &ProgressStage| {
        let Event::HandOverProgress(progress) = event else { return false };
        progress.motive == HandOverReason::Failed
            && progress.scope == Scope::Group(FIRST)
            && progress.stage == *stage
    };
    pair.pass(Duration::from_secs(2));
    for stage in [ProgressStage::Agreed, ProgressStage::Done] {
        assert!(pair.node(A).said.iter().any(|event| is_failed(event, &stage)), "{stage:?}");
    }
    assert_eq!(pair.node(B).snapshot().groups[0].unable, ["alpha"], "it is told");
}

#[test]
fn exhausted_service_that_other_node_refuses_and_cannot_start_rests_stopped() {
    let mut pair = monitored(Monitor { restarts: 0, ..MONITOR });
    pair.node(B).finds = Outcome::Missing;
    pair.node(B).misses = Some(FIRST);
    pair.node(B).fails = Some(FIRST);
    pair.crash(A, FIRST);
    pair.until("it rests", |pair| pair.node(B).failed_starts() == 1);
    pair.pass(Duration::from_secs(10));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![SECOND]));
    let failures = pair.node(A).snapshot().groups.swap_remove(0).failures;
    assert_eq!((&*failures[0].node, failures[0].action), ("alpha", Action::Monitor));
}

#[test]
fn service_broken_on_both_nodes_rests_after_allowed_number_of_starts() {
    let mut pair = monitored(Monitor { restarts: 1, ..MONITOR });
    for id in [A, B] {
        pair.node(id).fails = Some(FIRST);
    }
    pair.crash(A, FIRST);
    pair.until("it rests", |pair| pair.node(B).failed_starts() == 1);
    pair.pass(Duration::from_secs(25));
    assert_eq!((pair.node(A).failed_starts(), pair.node(B).failed_starts()), (1, 1));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![SECOND]));
    assert_eq!(pair.node(A).snapshot().groups[0].unable, ["alpha", "beta"]);
}

#[test]
fn service_stopped_during_hold_is_reported_and_restarted_when_hold_ends() {
    let mut pair = monitored(MONITOR);
    let now = pair.now;
    pair.node(A).order(now, Order::Hold(Some(FIRST), Duration::from_secs(10)));
    pair.crash(A, FIRST);
    pair.pass(Duration::from_secs(8));
    assert_eq!((pair.followed(A), pair.runs(A)), (vec![AfterCheck::Held], vec![]));
    assert_eq!(pair.state(A, FIRST), ResourceState::Failed);
    pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
    pair.until("it is well", |pair| pair.state(A, FIRST) == ResourceState::Running);
}

/// World 2068 of checked services.
#[test]
fn service_stopped_during_hold_is_restarted_at_release_and_not_at_its_next_check() {
    let mut pair = monitored(Monitor { every: Duration::from_secs(20), ..MONITOR });
    let now = pair.now;
    pair.node(A).order(now, Order::Hold(None, Duration::from_hours(1)));
    pair.crash(A, FIRST);
    pair.pass(Duration::from_secs(25));
    assert_eq!((pair.followed(A), pair.runs(A)), (vec![AfterCheck::Held], vec![]));
    let now = pair.now;
    pair.node(A).order(now, Order::Release(None));
    let took = pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
    assert!(took <= Duration::from_secs(1), "{took:?}");
}

#[test]
fn check_that_cannot_be_made_is_reported_once_and_moves_nothing() {
    let mut pair = monitored(MONITOR);
    pair.node(A).finds = Outcome::Missing;
    pair.node(A).misses = Some(FIRST);
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.followed(A), [AfterCheck::Unknown]);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    let check = pair.node(A).snapshot().groups.swap_remove(0).resource_states.swap_remove(0).check;
    assert!(check.is_some_and(|check| check.is_broken));
    pair.node(A).misses = None;
    let recovered = Event::CheckRecovered { group: FIRST, resource: 0 };
    pair.until("the check works again", |pair| pair.node(A).has_said(&recovered));
}

#[test]
fn blocked_service_is_left_alone_until_retry_order() {
    let mut pair = monitored(Monitor { restarts: 0, then: LastResort::Block, ..MONITOR });
    pair.crash(A, FIRST);
    pair.pass(Duration::from_secs(10));
    assert_eq!((pair.followed(A), pair.runs(A)), (vec![AfterCheck::Blocks], vec![]));
    assert_eq!(pair.state(A, FIRST), ResourceState::Blocked);
    assert_eq!(pair.node(A).phase(FIRST), Phase::Active, "no other node may start it");
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.node(A).runs.push(FIRST);
    pair.until("it is checked again", |pair| pair.state(A, FIRST) == ResourceState::Running);
}

#[test]
fn check_running_while_group_is_handed_over_is_cancelled_and_its_failure_ignored() {
    let mut pair = monitored(MONITOR);
    pair.node(A).holds_jobs = true;
    pair.until("it is being checked", |pair| !pair.node(A).held.is_empty());
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("it is being stopped", |pair| pair.node(A).phase(FIRST) == Phase::Stopping);
    let now = pair.now;
    pair.crash(A, FIRST);
    pair.node(A).finish_jobs(now);
    pair.until("B has it", |pair| pair.runs(B) == BOTH);
    assert_eq!(pair.followed(A), []);
}

#[test]
fn group_without_monitors_is_never_checked() {
    let mut pair = Pair::settled(Failback::Off);
    pair.crash(A, FIRST);
    pair.pass(Duration::from_secs(20));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![SECOND]));
    assert_eq!(pair.state(A, FIRST), ResourceState::Running, "as far as is known");
}

/// World 270 of checked services: the line was replaced while a service of it was stopped in order to be
/// started again.
#[test]
fn line_replaced_during_restart_of_its_service_is_stopped_and_new_line_starts() {
    let mut pair = monitored(MONITOR);
    pair.crash(A, FIRST);
    pair.node(A).stuck = Some(FIRST);
    let restarts = [AfterCheck::Restarts { used: 1, allowed: 2 }];
    pair.until("it is to be restarted", |pair| pair.followed(A) == restarts);
    pair.change(A, Failback::Off, &CHANGED);
    pair.change(B, Failback::Off, &CHANGED);
    pair.node(A).stuck = None;
    pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
}

/// The end of a check is heard in the turn in which the group was let go.
#[test]
fn failed_check_of_group_that_was_just_lost_changes_nothing() {
    let mut pair = monitored(Monitor { restarts: 0, ..MONITOR });
    pair.node(A).holds_jobs = true;
    pair.until("it is being checked", |pair| !pair.node(A).held.is_empty());
    let (now, node) = (pair.now, pair.node(A));
    let job = node.held.remove(0).id;
    node.runs.clear();
    node.cluster.handle(now, &Input::LetGo(FIRST));
    node.cluster.handle(now, &Input::JobDone { job, outcome: Outcome::NotRunning });
    assert_eq!(pair.followed(A), []);
    assert_eq!(pair.node(A).snapshot().groups[0].unable, [] as [&str; 0]);
}

#[test]
fn blocked_service_stays_blocked_when_executor_is_lost_and_back() {
    let mut pair = monitored(Monitor { restarts: 0, then: LastResort::Block, ..MONITOR });
    pair.crash(A, FIRST);
    pair.until("it is blocked", |pair| pair.state(A, FIRST) == ResourceState::Blocked);
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::ExecutorGone);
    pair.pass(Duration::from_millis(20));
    let now = pair.now;
    pair.node(A).greet(now, &[FIRST], true);
    pair.node(A).runs.clear();
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.state(A, FIRST), pair.runs(A)), (ResourceState::Blocked, vec![]));
}
