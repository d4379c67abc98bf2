//! Hand-overs between two Systole nodes: what a taker checks, single groups, and nodes that die.

use super::pair::Pair;
use super::reload::{CHANGED, Line, OLD};
use super::*;
use crate::ProgressStage;

/// The result of an order to give this node's own groups away, and how long the answer took.
fn give(pair: &mut Pair) -> (Result<(), OrderRefusal>, Duration) {
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    let took = pair.until("answered", |pair| !pair.node(A).answers.is_empty());
    (pair.node(A).answers.remove(0), took)
}

fn stopped(node: &Node) -> bool {
    let stops = |event: &Event| matches!(event, Event::Ownership { phase: Phase::Stopping, .. });
    node.said.iter().any(stops)
}

#[test]
fn taker_lacking_agent_or_interface_declines_before_giver_stops_groups() {
    for (finds, why) in [
        (Outcome::Missing, Refusal::AgentMissing),
        (Outcome::Failed(1), Refusal::NoInterface),
        (Outcome::TimedOut, Refusal::NoInterface),
        (Outcome::NotAsked, Refusal::CannotLook),
    ] {
        let mut pair = Pair::settled(Failback::Off);
        pair.node(B).finds = finds;
        let (answer, took) = give(&mut pair);
        assert_eq!(answer, refused(why));
        assert!(took < Duration::from_millis(20), "{took:?}");
        assert!(!stopped(pair.node(A)), "nothing was let go");
        assert!(pair.node(A).has_said(&Event::HandOver(HandOverEvent::Declined(B, why))));
        pair.node(B).finds = Outcome::Success;
        assert_eq!(give(&mut pair).0, Ok(()), "neither side remembers the refusal");
    }
}

#[test]
fn group_handed_over_is_reported_as_claimed_by_taker() {
    let mut pair = Pair::settled(Failback::Off);
    assert_eq!(give(&mut pair).0, Ok(()));
    let mut causes = Vec::new();
    for event in &pair.node(A).said {
        if let Event::Ownership { group: FIRST, owner: B, cause, .. } = event {
            causes.push(*cause);
        }
    }
    assert_eq!(causes, [Cause::Claimed(B)]);
}

#[test]
fn hand_over_to_taker_that_failed_before_is_refused_before_any_stop() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    assert_eq!(give(&mut pair).0, refused(Refusal::Failed));
    pair.until("taken back", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(1));
    pair.node(A).said.clear();
    assert_eq!(give(&mut pair).0, refused(Refusal::Unable));
    assert!(!stopped(pair.node(A)));
    pair.node(B).fails = None;
    let now = pair.now;
    pair.node(B).order(now, Order::TakeoverGroup(FIRST));
    pair.until("mended", |pair| pair.node(B).answers == [Ok(())]);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
}

#[test]
fn taker_seeing_fewer_ping_nodes_refuses_before_giver_stops_groups() {
    let mut pair = Pair::settled_with(|settings| settings.ipfail = false);
    pair.answers[B.index()] = false;
    pair.pass(DEADTIME * 2);
    assert_eq!(give(&mut pair).0, refused(Refusal::FewerPings));
    assert!(!stopped(pair.node(A)));
}

#[test]
fn takeover_from_busy_giver_or_without_agent_is_refused() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    // The giver is busy with its own group.
    pair.node(A).runs.clear();
    pair.node(A).cluster.handle(now, &Input::LetGo(FIRST));
    pair.node(B).order(now, Order::Takeover(GroupSet::Foreign));
    let took = pair.until("refused", |pair| !pair.node(B).answers.is_empty());
    assert_eq!(pair.node(B).answers, [refused(Refusal::RemoteInFlux)]);
    assert!(took < Duration::from_millis(20), "{took:?}");
    pair.node(B).answers.clear();
    pair.node(B).finds = Outcome::Missing;
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(B).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("refused", |pair| pair.node(B).answers == [refused(Refusal::AgentMissing)]);
    assert_eq!(pair.runs(A), [FIRST]);
}

#[test]
fn order_for_single_group_moves_no_other_group() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::Local));
    pair.until("all on one", |pair| pair.node(B).answers == [Ok(())]);
    for (id, order, moved, runs) in [
        (A, Order::StandbyGroup(FIRST), FIRST, (vec![SECOND], vec![FIRST])),
        (A, Order::TakeoverGroup(FIRST), FIRST, (vec![FIRST, SECOND], vec![])),
        (B, Order::TakeoverGroup(SECOND), SECOND, (vec![FIRST], vec![SECOND])),
    ] {
        for node in [A, B] {
            pair.node(node).said.clear();
            pair.node(node).answers.clear();
        }
        let now = pair.now;
        pair.node(id).order(now, order);
        pair.until("answered", |pair| !pair.node(id).answers.is_empty());
        assert_eq!(pair.node(id).answers, [Ok(())], "{order:?}");
        assert_eq!((pair.runs(A), pair.runs(B)), runs, "{order:?}");
        pair.pass(Duration::from_millis(50));
        let others =
            |event: &Event| matches!(event, Event::Ownership { group, .. } if *group != moved);
        assert!(!pair.node(A).said.iter().any(others), "{order:?}");
    }
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(SECOND));
    pair.node(A).order(now, Order::StandbyGroup(GroupId(7)));
    pair.step();
    let answers = pair.node(A).answers.split_off(0);
    assert!(
        answers.ends_with(&[refused(Refusal::NotHere), Err(OrderRefusal::NotListed)]),
        "{answers:?}"
    );
}

/// Whichever node dies, at whatever millisecond: one owner remains, and no second owner before.
#[test]
fn node_death_during_hand_over_leaves_one_owner() {
    for victim in [A, B] {
        for moment in 0..12 {
            let mut pair = Pair::settled(Failback::Off);
            let now = pair.now;
            pair.node(A).order(now, Order::StandbyGroup(FIRST));
            for _ in 0..moment {
                pair.step();
                let owners = pair.runs(A).contains(&FIRST) && pair.runs(B).contains(&FIRST);
                assert!(!owners, "two owners after {moment} ms");
            }
            pair.nodes[victim.index()] = None;
            let rest = if victim == A { B } else { A };
            pair.until("the rest has all", |pair| pair.runs(rest) == [FIRST, SECOND]);
        }
    }
}

/// Both groups run on A.
fn all_on_one() -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::Local));
    pair.until("all on one", |pair| pair.node(B).answers == [Ok(())]);
    pair.node(B).answers.clear();
    pair.pass(Duration::from_secs(1));
    pair
}

/// Longer than a permit lasts; long enough that the other node declares it dead; long enough that
/// the other node gives up.
const STILL: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(800), Duration::from_secs(12)];

/// Whichever node stands still, at whatever millisecond, with agents that are slow or not: there is
/// one owner soon.
#[test]
fn node_pause_during_hand_over_leaves_each_group_with_one_owner() {
    let mut worst = [Duration::ZERO; 2];
    for round in 0..2 * 2 * 2 * 2 * 3 * 12 {
        let victim = [A, B][round % 2];
        let group = [FIRST, SECOND][round / 2 % 2];
        let executor_first = round / 4 % 2 == 0;
        let is_slow = round / 8 % 2 == 0;
        let span = STILL[round / 16 % 3];
        let moment = round / 48;
        let mut pair = all_on_one();
        pair.node(victim).holds_jobs = is_slow;
        let now = pair.now;
        pair.node(A).order(now, Order::StandbyGroup(group));
        for _ in 0..moment {
            pair.step();
        }
        pair.stand_still(victim, span, executor_first);
        let story = format!(
            "{victim:?} stands still for {span:?} after {moment} ms, slow: {is_slow}, {group:?}"
        );
        let (mut ran, mut answered) = (None, None);
        let start = pair.now;
        while ran.is_none() || answered.is_none() {
            let now = pair.now;
            if pair.node(victim).holds_jobs && now.since(start) > Duration::from_millis(100) {
                pair.node(victim).finish_jobs(now);
            }
            pair.step();
            let owners = [A, B].into_iter().filter(|id| pair.runs(*id).contains(&group)).count();
            assert!(owners < 2, "{story}: two owners");
            let passed = pair.now.since(start);
            assert!(passed < Duration::from_secs(2), "{story}: runs {ran:?}, told {answered:?}");
            if owners == 1 {
                ran = ran.or(Some(passed));
            }
            if !pair.node(A).answers.is_empty() {
                answered = answered.or(Some(passed));
            }
        }
        worst[0] = worst[0].max(ran.unwrap_or_default());
        worst[1] = worst[1].max(answered.unwrap_or_default());
        let now = pair.now;
        pair.node(victim).finish_jobs(now);
        pair.pass(Duration::from_secs(3));
        let both = [pair.runs(A), pair.runs(B)].concat().len();
        assert_eq!(both, 2, "{story}: each group has one owner");
    }
    println!("at worst {:?} without an owner, {:?} without an answer", worst[0], worst[1]);
}

/// The giver does not hear the taker for a dead time, but the taker hears the giver.
#[test]
fn hand_over_cancelled_by_giver_lets_taker_start_group_within_a_second() {
    let mut pair = all_on_one();
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(SECOND));
    pair.until("it is being released", |pair| !pair.node(A).held.is_empty());
    pair.mute = Some(B);
    pair.until("B is dead to A", |pair| pair.node(A).counts_dead(B));
    pair.mute = None;
    pair.until("A hears B again", |pair| pair.node(A).cluster.hears(B));
    let cancelled = Event::HandOver(HandOverEvent::Cancelled);
    assert!(pair.node(A).has_said(&cancelled) && !pair.node(B).counts_dead(A));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    let took = pair.until("it has an owner", |pair| pair.runs(B) == [SECOND]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// Two nodes that have both read their changed file: the groups that they retired are over.
fn changed(failback: Failback) -> Pair {
    let mut pair = Pair::settled(failback);
    for id in [A, B] {
        pair.change(id, failback, &CHANGED);
    }
    pair.until("changed", |pair| pair.run(A, &["first", "extra"]));
    pair.rest(5);
    pair
}

#[test]
fn hand_over_of_set_succeeds_despite_retired_groups() {
    for order in [Order::Standby(GroupSet::All), Order::Standby(GroupSet::Local)] {
        let mut pair = changed(Failback::Off);
        let now = pair.now;
        pair.node(A).order(now, order);
        pair.until("answered", |pair| !pair.node(A).answers.is_empty());
        assert_eq!(pair.node(A).answers, [Ok(())]);
        assert!(pair.run(B, &["first", "extra"]) && pair.runs(A).is_empty());
        // Back by an order at the taker.
        let now = pair.now;
        pair.node(A).answers.clear();
        pair.node(A).order(now, Order::Takeover(GroupSet::Local));
        pair.until("answered", |pair| !pair.node(A).answers.is_empty());
        assert_eq!(pair.node(A).answers, [Ok(())]);
        assert!(pair.run(A, &["first", "extra"]) && pair.run(B, &["second"]));
    }
}

#[test]
fn ipfail_and_failback_moves_end_as_done_despite_retired_groups() {
    let ended = |pair: &mut Pair| {
        let stages = |node: &Node| {
            let plan = |event: &Event| {
                let Event::HandOverProgress(plan) = event else { return None };
                Some(plan.stage)
            };
            node.said.iter().filter_map(plan).collect::<Vec<_>>()
        };
        [A, B].map(|id| stages(pair.node(id)))
    };
    // The loss of the ping node moves everything to B; failback takes it home when the ping node
    // answers again.
    let mut pair = changed(Failback::On);
    pair.answers[0] = false;
    pair.until("moved by ipfail", |pair| pair.run(B, &["first", "extra"]));
    pair.rest(2);
    pair.answers[0] = true;
    pair.until("moved home", |pair| pair.run(A, &["first", "extra"]));
    pair.rest(2);
    for stages in ended(&mut pair) {
        let ends = stages.iter().filter(|stage| **stage == ProgressStage::Done).count();
        assert!(ends >= 2, "{stages:?}");
        assert!(!stages.contains(&ProgressStage::Ended(Refusal::Failed)), "{stages:?}");
    }
}

#[test]
fn hand_over_of_group_that_cannot_be_stopped_is_refused_as_cannot_stop() {
    let orders = [
        (A, Order::Standby(GroupSet::Local)),
        (A, Order::StandbyGroup(FIRST)),
        (B, Order::Takeover(GroupSet::Foreign)),
        (B, Order::TakeoverGroup(FIRST)),
    ];
    for (id, order) in orders {
        let mut pair = Pair::settled_with(|settings| settings.stop_failure = StopFailure::Block);
        pair.node(A).stuck = Some(FIRST);
        let now = pair.now;
        pair.node(id).order(now, order);
        pair.until("answered", |pair| !pair.node(id).answers.is_empty());
        assert_eq!(pair.node(id).answers, [refused(Refusal::CannotStop)], "{order:?}");
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    }
}

/// A line that only one of the two files has does not run, because its agent fails there: it was
/// not to move.
#[test]
fn set_order_succeeds_despite_failed_line_that_only_one_file_has() {
    let third: Line = (A, &["third"]);
    let lines = [OLD[0], OLD[1], third];
    let orders = [
        (A, A, Order::Standby(GroupSet::All)),
        (A, A, Order::Standby(GroupSet::Local)),
        (A, B, Order::Takeover(GroupSet::Foreign)),
        (B, B, Order::Takeover(GroupSet::Foreign)),
        (B, A, Order::Standby(GroupSet::Local)),
    ];
    for (has_it, orderer, order) in orders {
        let mut pair = Pair::settled(Failback::Off);
        pair.node(has_it).fails = Some(GroupId(2));
        pair.change(has_it, Failback::Off, &lines);
        pair.until("it failed", |pair| pair.node(has_it).failed_starts() > 0);
        pair.rest(1);
        let now = pair.now;
        pair.node(orderer).order(now, order);
        pair.until("answered", |pair| !pair.node(orderer).answers.is_empty());
        assert_eq!(pair.node(orderer).answers, [Ok(())], "{order:?}");
        assert!(pair.run(B, &["first"]) && pair.runs(A).is_empty(), "{order:?}");
    }
}

/// A gives everything away, and its agent takes its time; B's executor lets go of B's own group.
#[test]
fn group_lost_at_taker_restarts_while_giver_still_stops() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).holds_jobs = true;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("A stops it", |pair| !pair.node(A).held.is_empty());
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    pair.node(B).runs.clear();
    (0..60_000).for_each(|_| pair.step());
    assert_eq!(pair.runs(B), [SECOND], "nobody has it for a minute");
}
