//! What goes wrong during a hand-over between Systole nodes.

use super::pair::Pair;
use super::reload::{Line, with_groups};
use super::three::{C, Three};
use super::*;
use crate::{Action, ProgressStage};

impl Node {
    /// Ends the waiting jobs except those of one group, which are returned. The next jobs end at
    /// once.
    fn finish_jobs_but(&mut self, now: Time, slow: GroupId) -> Vec<crate::Job> {
        let held = std::mem::take(&mut self.held);
        let (slow, quick): (Vec<_>, Vec<_>) = held.into_iter().partition(|job| job.group == slow);
        self.holds_jobs = false;
        for job in quick {
            self.run(now, job);
        }
        slow
    }
}

fn node(three: &mut Three, id: NodeId) -> &mut Node {
    three.nodes[id.index()].as_mut().expect("it has power")
}

/// A gives B all that it has, and its agent takes its time; C dies, and A takes what C had.
fn giver_that_takes_from_a_third(prepare: impl Fn(&mut Node)) -> Three {
    let mut three = Three::at_homes([A, C], |_| {});
    let now = three.now;
    let a = node(&mut three, A);
    a.holds_jobs = true;
    a.order(now, Order::Standby(GroupSet::All));
    three.until("A stops", |three| three.nodes[0].as_ref().is_some_and(|a| !a.held.is_empty()));
    let a = node(&mut three, A);
    a.holds_jobs = false;
    prepare(a);
    three.nodes[2] = None;
    three
}

/// A's executor lets go of what A took from C meanwhile, and the stop of that takes its time too;
/// the gift is let go of first.
#[test]
fn group_taken_by_giver_and_still_stopping_is_not_started_by_taker() {
    let mut three = giver_that_takes_from_a_third(|_| {});
    three.until("A has it", |three| three.runs(A).contains(&SECOND));
    three.pass(Duration::from_secs(1));
    let now = three.now;
    let a = node(&mut three, A);
    a.holds_jobs = true;
    a.cluster.handle(now, &Input::LetGo(SECOND));
    three.pass(Duration::from_millis(500));
    let now = three.now;
    let a = node(&mut three, A);
    let (slow, gift): (Vec<_>, Vec<_>) =
        std::mem::take(&mut a.held).into_iter().partition(|job| job.group == SECOND);
    assert_eq!((slow.len(), gift.len()), (1, 1));
    a.holds_jobs = false;
    for job in gift {
        a.run(now, job);
    }
    (a.held, a.holds_jobs) = (slow, true);
    for _ in 0..20_000 {
        three.step();
        assert!(
            !three.runs(B).contains(&SECOND),
            "A still stops it: {:?}, B {:?}",
            three.nodes[0].as_ref().expect("it has power").row(SECOND),
            three.nodes[1].as_ref().expect("it has power").group(SECOND).reason,
        );
    }
}

/// What A took from C meanwhile cannot be started there.
#[test]
fn group_taken_by_giver_and_failing_to_start_is_run_by_taker() {
    let mut three = giver_that_takes_from_a_third(|a| a.fails = Some(SECOND));
    (0..60_000).for_each(|_| three.step());
    assert!(node(&mut three, A).failed_starts() > 0);
    assert!(three.runs(B).contains(&SECOND), "nobody for a minute: {:?}", three.all_run());
}

/// A group is held, and has failed where it last ran; ipfail gives the other group away.
#[test]
fn group_on_hold_that_failed_at_giver_does_not_move_with_ipfail_hand_over() {
    let mut pair = Pair::settled_with(|_| {});
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(A).order(now, Order::Hold(Some(SECOND), Duration::from_hours(1)));
    pair.pass(Duration::from_millis(500));
    let now = pair.now;
    let a = pair.node(A);
    a.fails = Some(SECOND);
    a.runs.retain(|group| *group != SECOND);
    a.cluster.handle(now, &Input::LetGo(SECOND));
    pair.pass(Duration::from_secs(3));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![]), "it is held");
    pair.answers[0] = false;
    pair.until("the other one goes", |pair| pair.runs(B).contains(&FIRST));
    pair.pass(Duration::from_secs(5));
    assert!(!pair.runs(B).contains(&SECOND), "{:?}", pair.node(B).group(SECOND).reason);
}

/// A person changes their mind while the other node checks whether it can take what is offered.
#[test]
fn takeover_order_answered_ok_during_standby_keeps_group_here() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.node(A).turn(now);
    pair.node(A).order(now, Order::Takeover(GroupSet::Local));
    pair.node(A).turn(now);
    let answers = pair.node(A).answers.clone();
    pair.pass(Duration::from_secs(3));
    let is_here = pair.runs(A).contains(&FIRST);
    assert!(
        answers != [Ok(())] || is_here,
        "{answers:?}, A {:?} B {:?}",
        pair.runs(A),
        pair.runs(B)
    );
}

/// A gives two groups, and stops one quickly and the other slowly; the quick one does not start on
/// B, and is taken back.
fn giver_that_takes_back() -> (Pair, Vec<crate::Job>) {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.pass(Duration::from_secs(1));
    pair.node(A).answers.clear();
    pair.node(A).holds_jobs = true;
    pair.node(B).fails = Some(SECOND);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("A stops both", |pair| pair.node(A).held.len() == 2);
    let now = pair.now;
    let a = pair.node(A);
    let (slow, quick): (Vec<_>, Vec<_>) =
        std::mem::take(&mut a.held).into_iter().partition(|job| job.group == FIRST);
    a.holds_jobs = false;
    for job in quick {
        assert_eq!(job.action, Action::Stop);
        a.run(now, job);
    }
    pair.until("B has tried it", |pair| pair.node(B).failed_starts() > 0);
    pair.until("A has it again", |pair| pair.runs(A).contains(&SECOND));
    pair.pass(Duration::from_secs(1));
    (pair, slow)
}

#[test]
fn standby_order_with_group_taken_back_is_answered_with_failed() {
    let (mut pair, slow) = giver_that_takes_back();
    let now = pair.now;
    for job in slow {
        pair.node(A).run(now, job);
    }
    let took = pair.until("it is answered", |pair| !pair.node(A).answers.is_empty());
    assert_eq!(pair.runs(B), [FIRST]);
    assert_eq!(pair.node(A).answers, [refused(Refusal::Failed)], "after {took:?}");
}

/// A's executor lets go of what A took back, although A could start it again.
#[test]
fn group_taken_back_by_giver_and_let_go_is_started_again() {
    let (mut pair, slow) = giver_that_takes_back();
    let now = pair.now;
    let a = pair.node(A);
    a.runs.retain(|group| *group != SECOND);
    a.cluster.handle(now, &Input::LetGo(SECOND));
    (0..60_000).for_each(|_| pair.step());
    assert!(!slow.is_empty());
    assert!(pair.runs(A).contains(&SECOND), "nobody for a minute: {:?}", pair.runs(B));
}

/// B has lost its executor, and its services may still run: A has asked a device, which takes its
/// time. A person sends B, which no longer has anything, to standby.
#[test]
fn group_of_giver_in_doubt_is_not_taken_before_fence() {
    let mut pair = Pair::settled_with(|settings| {
        settings.fencing = Some(crate::FencingPolicy { delay: Duration::ZERO });
    });
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::ExecutorGone);
    pair.node(B).permit = None;
    pair.until("a device is asked", |pair| !pair.node(A).fences.is_empty());
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [FIRST], "nothing is started beside it");
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.pass(Duration::from_secs(5));
    let cause = pair.node(A).group(SECOND).reason;
    assert_eq!(pair.runs(A), [FIRST], "{cause:?}, {:?}", pair.node(B).answers);
}

/// A person at A takes over two groups from B, one of which is stopped slowly there; meanwhile B is
/// ordered to stop.
#[test]
fn group_stopped_by_ending_node_is_taken_before_last_stop_is_done() {
    for is_handed_over in [false, true] {
        let mut pair = Pair::settled(Failback::Off);
        let now = pair.now;
        pair.node(B).order(now, Order::Takeover(GroupSet::Foreign));
        pair.until("B has all", |pair| pair.runs(B).len() == 2);
        pair.pass(Duration::from_secs(1));
        pair.node(B).holds_jobs = true;
        let now = pair.now;
        if is_handed_over {
            pair.node(A).order(now, Order::Takeover(GroupSet::All));
            pair.until("B stops both", |pair| pair.node(B).held.len() == 2);
        }
        let now = pair.now;
        pair.node(B).order(now, Order::Stop);
        pair.until("B stops both", |pair| pair.node(B).held.len() == 2);
        pair.pass(Duration::from_secs(1));
        let now = pair.now;
        let b = pair.node(B);
        let slow = b.finish_jobs_but(now, FIRST);
        (0..60_000).for_each(|_| pair.step());
        assert!(!slow.is_empty());
        let rows = pair.node(A).row(SECOND);
        assert_eq!(
            pair.runs(A),
            [SECOND],
            "handed over {is_handed_over}: nobody for a minute: {rows:?}"
        );
    }
}

/// The taker still has to stop something of one of two groups when it hears that all is let go;
/// that ends soon, but the start of the other group takes its time.
#[test]
fn group_stopped_late_by_taker_runs_while_another_group_still_starts() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.pass(Duration::from_secs(1));
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("A stops both", |pair| pair.node(A).held.len() == 2);
    let now = pair.now;
    pair.node(B).holds_jobs = true;
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    pair.pass(Duration::from_millis(100));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("B starts one", |pair| pair.node(B).held.iter().any(|job| job.group == FIRST));
    pair.pass(Duration::from_millis(500));
    let now = pair.now;
    let b = pair.node(B);
    let (slow, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut b.held).into_iter().partition(|job| job.group == FIRST);
    assert_eq!(rest.iter().map(|job| job.action).collect::<Vec<_>>(), [Action::Stop]);
    b.holds_jobs = false;
    for job in rest {
        b.run(now, job);
    }
    b.held = slow;
    (0..60_000).for_each(|_| pair.step());
    let rows = pair.node(B).row(SECOND);
    let all = [pair.runs(A), pair.runs(B)].concat();
    assert!(all.contains(&SECOND), "nobody for a minute: {rows:?}");
}

/// A gives two groups, one of which is stopped slowly; meanwhile B is ordered to stop, which takes
/// its time too.
#[test]
fn group_stopped_for_ending_taker_is_taken_back_while_another_stops() {
    const LINES: [Line; 3] = [(A, &["first"]), (A, &["third"]), (B, &["second"])];
    const THIRD: GroupId = GroupId(1);
    let nodes = [A, B].map(|id| Some(Node::with(with_groups(id, Failback::Off, &LINES), 1)));
    let mut pair = Pair::of(nodes);
    pair.until("all runs", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 1);
    pair.pass(Duration::from_secs(1));
    pair.node(A).holds_jobs = true;
    pair.node(B).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("A stops both", |pair| pair.node(A).held.len() == 2);
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.node(B).held.len(), 1, "it stops what it has");
    let now = pair.now;
    let a = pair.node(A);
    let slow = a.finish_jobs_but(now, FIRST);
    (0..60_000).for_each(|_| pair.step());
    assert!(!slow.is_empty());
    let row = pair.node(A).row(THIRD);
    assert!(
        pair.runs(A).contains(&THIRD),
        "nobody for a minute: {row:?}, {:?}",
        pair.node(A).answers
    );
}

/// A gives two groups. B has begun to run the group that is stopped quickly, and stands still for a
/// moment: its executor lets go of the group, and A takes it back. Then A has stopped the other
/// group too.
#[test]
fn group_stopped_by_giver_runs_in_time_after_pause_of_taker() {
    const LINES: [Line; 3] = [(A, &["first"]), (A, &["third"]), (B, &["second"])];
    const THIRD: GroupId = GroupId(1);
    let nodes = [A, B].map(|id| Some(Node::with(with_groups(id, Failback::Off, &LINES), 1)));
    let mut pair = Pair::of(nodes);
    pair.until("all runs", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 1);
    pair.pass(Duration::from_secs(1));
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("A stops both", |pair| pair.node(A).held.len() == 2);
    let now = pair.now;
    let a = pair.node(A);
    let slow = a.finish_jobs_but(now, FIRST);
    pair.until("B has it", |pair| pair.runs(B).contains(&THIRD));
    pair.pass(Duration::from_secs(1));
    pair.until("B beats", |pair| !pair.node(B).sent.is_empty());
    pair.step();
    pair.stand_still(B, Duration::from_millis(500), true);
    pair.pass(Duration::from_secs(2));
    assert!([pair.runs(A), pair.runs(B)].concat().contains(&THIRD));
    let now = pair.now;
    for job in slow {
        pair.node(A).run(now, job);
    }
    let took = pair
        .until("the other one runs", |pair| [pair.runs(A), pair.runs(B)].concat().contains(&FIRST));
    let row = pair.node(A).row(THIRD);
    assert!(
        took < Duration::from_secs(3),
        "nowhere for {took:?}: {row:?} {:?}",
        pair.node(A).snapshot().hand_over
    );
}

/// An old claim of the taker is heard again while the giver stops the group.
#[test]
fn hand_over_waits_for_stop_at_giver_despite_claim_of_taker() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("A stops it", |pair| !pair.node(A).held.is_empty());
    let now = pair.now;
    let claim = pair.told_by(A, FIRST);
    let claim = Claim { owner: B, term: claim.term + 1, phase: Phase::Active, ..claim };
    pair.claims(B, claim);
    let a = pair.node(A);
    a.turn(now);
    assert_eq!(a.owner(FIRST), Some(B), "it is believed");
    let stage = |a: &Node| a.progress().last().map(|plan| plan.stage);
    assert_eq!((stage(a), a.hands_over()), (Some(ProgressStage::Agreed), true));
    a.finish_jobs(now);
    a.turn(now);
    assert_eq!((stage(a), a.hands_over()), (Some(ProgressStage::Released), true));
}
