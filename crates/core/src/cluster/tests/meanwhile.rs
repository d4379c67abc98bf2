//! What happens to nodes while a hand-over is in progress.

use super::pair::Pair;
use super::three::{C, Three};
use super::*;

/// A gives B all that it has, and its agent takes its time; C dies, A takes what C had, and A's
/// executor lets go of that.
#[test]
fn group_taken_and_lost_by_giver_during_hand_over_runs_on_some_node() {
    for late in [false, true] {
        let mut three = Three::at_homes([A, C], |_| {});
        let now = three.now;
        let a = three.nodes[0].as_mut().expect("it has power");
        a.holds_jobs = true;
        a.order(now, Order::Standby(GroupSet::All));
        three.until("A stops", |three| {
            !three.nodes[0].as_ref().expect("it has power").held.is_empty()
        });
        three.nodes[0].as_mut().expect("it has power").holds_jobs = false;
        three.nodes[2] = None;
        three.until("A has it", |three| three.runs(A).contains(&SECOND));
        three.pass(Duration::from_secs(1));
        if late {
            three.nodes[1].as_mut().expect("it has power").holds_jobs = true;
            let now = three.now;
            three.nodes[0].as_mut().expect("it has power").finish_jobs(now);
            three.until("B starts", |three| {
                !three.nodes[1].as_ref().expect("it has power").held.is_empty()
            });
            three.nodes[1].as_mut().expect("it has power").holds_jobs = false;
            three.pass(Duration::from_millis(300));
        }
        let now = three.now;
        let a = three.nodes[0].as_mut().expect("it has power");
        a.runs.retain(|it| *it != SECOND);
        a.cluster.handle(now, &Input::LetGo(SECOND));
        (0..60_000).for_each(|_| three.step());
        let runs = [three.runs(A), three.runs(B)].concat();
        assert!(
            runs.contains(&SECOND),
            "late {late}: {:?} {:?}",
            three.all_run(),
            three.nodes[0].as_ref().expect("it has power").row(SECOND)
        );
    }
}

/// A gives everything away, and its agent takes a minute; what B had fails there.
#[test]
fn group_failing_at_taker_during_hand_over_is_run_by_giver() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).holds_jobs = true;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("A stops it", |pair| !pair.node(A).held.is_empty());
    pair.node(A).holds_jobs = false;
    pair.node(B).fails = Some(SECOND);
    pair.node(B).runs.clear();
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    (0..60_000).for_each(|_| pair.step());
    let runs = [pair.runs(A), pair.runs(B)].concat();
    assert!(runs.contains(&SECOND), "nobody for a minute: {:?}", pair.node(A).row(SECOND));
}

/// The same with three nodes, where C could run it.
#[test]
fn group_failing_at_taker_of_three_nodes_runs_elsewhere() {
    let mut three = Three::at_homes([A, B], |_| {});
    let now = three.now;
    let a = three.nodes[0].as_mut().expect("it has power");
    a.holds_jobs = true;
    a.order(now, Order::Standby(GroupSet::All));
    three.until("A stops", |three| !three.nodes[0].as_ref().expect("it has power").held.is_empty());
    three.nodes[0].as_mut().expect("it has power").holds_jobs = false;
    let hand_over = three.nodes[0].as_ref().expect("it has power").snapshot().hand_over;
    assert_eq!(hand_over.expect("it gives").1, "beta");
    let now = three.now;
    let b = three.nodes[1].as_mut().expect("it has power");
    b.fails = Some(SECOND);
    b.runs.clear();
    b.cluster.handle(now, &Input::LetGo(SECOND));
    (0..60_000).for_each(|_| three.step());
    let runs = three.all_run().concat();
    assert!(
        runs.contains(&SECOND),
        "nobody for a minute: {:?}",
        three.nodes[0].as_ref().expect("it has power").row(SECOND)
    );
}

/// ipfail gives a set of two away, one of which has failed at the taker.
#[test]
fn ipfail_does_not_stop_group_that_failed_at_taker() {
    let mut pair = Pair::settled_with(|_| {});
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.pass(Duration::from_secs(1));
    pair.node(B).fails = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.pass(Duration::from_secs(3));
    assert_eq!(pair.runs(A).len(), 2);
    pair.node(A).said.clear();
    pair.answers[0] = false;
    let mut lost = 0;
    for _ in 0..20_000 {
        pair.step();
        lost += usize::from(!pair.runs(A).contains(&FIRST));
    }
    assert_eq!(lost, 0, "{:?} {:?}", pair.runs(A), pair.runs(B));
}

/// As above, and the stop of the other group takes a minute: the group that failed on the taker
/// runs nowhere meanwhile.
#[test]
fn ipfail_leaves_group_that_failed_at_taker_running_during_slow_stop() {
    let mut pair = Pair::settled_with(|_| {});
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.pass(Duration::from_secs(1));
    pair.node(B).fails = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.pass(Duration::from_secs(3));
    assert_eq!(pair.runs(A).len(), 2);
    pair.answers[0] = false;
    pair.node(A).holds_jobs = true;
    pair.until("A stops", |pair| !pair.node(A).held.is_empty());
    let now = pair.now;
    let (slow, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut pair.node(A).held).into_iter().partition(|job| job.group == SECOND);
    pair.node(A).holds_jobs = false;
    for job in rest {
        pair.node(A).run(now, job);
    }
    pair.node(A).held = slow;
    (0..60_000).for_each(|_| pair.step());
    assert!(
        pair.runs(A).contains(&FIRST),
        "nobody for a minute: {:?} {:?}",
        pair.runs(A),
        pair.runs(B)
    );
}

/// B takes two groups, one of which takes a minute to start. The other group runs already, and B's
/// executor lets go of it, or it fails there.
#[test]
fn group_lost_at_taker_restarts_while_taker_starts_another_group() {
    let mut bad = Vec::new();
    for fails in [false, true] {
        let mut pair = Pair::settled(Failback::Off);
        let now = pair.now;
        pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
        pair.until("A has all", |pair| pair.runs(A).len() == 2);
        pair.pass(Duration::from_secs(1));
        pair.node(B).holds_jobs = true;
        let now = pair.now;
        pair.node(A).order(now, Order::Standby(GroupSet::All));
        pair.until("B starts both", |pair| pair.node(B).held.len() == 2);
        let node = pair.node(B);
        let (slow, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut node.held).into_iter().partition(|job| job.group == SECOND);
        node.holds_jobs = false;
        node.fails = fails.then_some(FIRST);
        for job in rest {
            node.run(now, job);
        }
        node.held = slow;
        pair.pass(Duration::from_millis(500));
        if !fails {
            let now = pair.now;
            pair.node(B).runs.clear();
            pair.node(B).cluster.handle(now, &Input::LetGo(FIRST));
        }
        (0..60_000).for_each(|_| pair.step());
        let all = [pair.runs(A), pair.runs(B)].concat();
        if !all.contains(&FIRST) {
            bad.push((if fails { "fails" } else { "lets go" }, all));
        }
    }
    assert!(bad.is_empty(), "nobody for a minute: {bad:?}");
}
