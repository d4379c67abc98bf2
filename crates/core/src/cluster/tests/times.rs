//! Two nodes whose times change one after the other, in every direction.

use super::pair::Pair;
use super::*;
use crate::Detection;

/// Pairs of keepalive and dead time, in milliseconds: the fastest, those of the README, and two in
/// between.
const TIMES: [(u64, u64); 4] = [(50, 200), (200, 1_000), (2_000, 30_000), (900, 2_000)];

const ROUNDED: Duration = Duration::from_millis(1);

fn with_times(id: NodeId, (keepalive, deadtime): (u64, u64)) -> Settings {
    let deadtime = Duration::from_millis(deadtime);
    Settings {
        keepalive: Duration::from_millis(keepalive),
        deadtime,
        warntime: deadtime / 2,
        initdead: deadtime.max(INITDEAD),
        deadping: deadtime,
        ..settings(id, Failback::Off)
    }
}

/// Jumps to the next event.
fn jump(pair: &mut Pair) {
    let nodes = pair.nodes.iter().flatten();
    if nodes.clone().all(|node| node.sent.is_empty()) {
        let due = nodes.map(|node| node.cluster.deadline()).min().expect("there are nodes");
        let shortest = Duration::from_millis(1);
        pair.now = pair.now.max(Time::START + due.since(Time::START + shortest));
    }
    pair.step();
}

/// No node has declared another node or anything else dead, and each node may act and keeps what it
/// has.
fn check(pair: &mut Pair, what: &str) {
    let now = pair.now;
    for (id, group) in [(A, FIRST), (B, SECOND)] {
        let runs = pair.runs(id);
        let node = pair.node(id);
        assert_eq!(runs, [group], "{what}: {:?}", node.said);
        assert!(node.permit > Some(now), "{what}: {id:?} may not act");
        let is_fault = |event: &&Event| {
            matches!(
                event,
                Event::Paused(_) | Event::PeerDead(..) | Event::LinkDead(..) | Event::PingDead(_)
            )
        };
        let fault = node.said.iter().find(is_fault).cloned();
        assert_eq!(fault, None, "{what}: {id:?}");
        let (permit, is_quiet) = (node.permit, node.sent.is_empty());
        let other = NodeId(1 - id.0);
        let peer = pair.node(other).peer(id);
        let silence = Duration::from_millis(peer.silence_ms.expect("it is heard"));
        // The silence is rounded down.
        let left = Duration::from_millis(peer.deadtime_ms).saturating_sub(silence + ROUNDED);
        let is_short = permit.is_some_and(|permit| permit < now + left);
        assert!(!is_quiet || is_short, "{what}: {id:?} may act when it is dead");
    }
}

fn play(before: (u64, u64), after: (u64, u64), order: [NodeId; 2]) {
    let what = format!("from {before:?} to {after:?}, first {:?}", order[0]);
    let node = |id| Some(Node::with(with_times(id, before), 1));
    let mut pair = Pair::of([node(A), node(B)]);
    while pair.now < at(5_000) || pair.runs(A) != [FIRST] || pair.runs(B) != [SECOND] {
        jump(&mut pair);
        assert!(pair.now < at(60_000), "{what}: each runs its own");
    }
    let steps = [(before.0, 2 * before.1 + 700), (before.0.min(after.0), 70_000)];
    for (id, (keepalive, wait)) in order.into_iter().zip(steps) {
        // Shortly before a beat: the last message is as old as it ever gets.
        pair.now = pair.now + Duration::from_millis(keepalive * 9 / 10);
        let now = pair.now;
        pair.node(id).cluster.reconfigure(now, with_times(id, after)).expect("it is taken");
        pair.node(id).turn(now);
        let end = now + Duration::from_millis(wait);
        while pair.now < end {
            jump(&mut pair);
            check(&mut pair, &what);
        }
    }
    for id in [A, B] {
        let times = Detection::of(&with_times(id, after));
        let node = pair.node(id);
        let told = (node.announced(), node.cluster.patience());
        let over = (Some(times.announced_deadtime()), times.permit());
        assert_eq!(told, over, "{what}: it is over");
    }
}

#[test]
fn change_of_times_ends_no_permit_and_declares_no_node_dead() {
    for before in TIMES {
        for after in TIMES.into_iter().filter(|after| *after != before) {
            for order in [[A, B], [B, A]] {
                play(before, after, order);
            }
        }
    }
}

#[test]
fn change_of_times_repeated_before_peer_knows_ends_no_permit() {
    let node = |id| Some(Node::with(with_times(id, TIMES[1]), 1));
    let mut pair = Pair::of([node(A), node(B)]);
    while pair.now < at(5_000) {
        jump(&mut pair);
    }
    for turn in 0..40 {
        let (id, times) = (if turn % 3 == 0 { B } else { A }, TIMES[turn % TIMES.len()]);
        let now = pair.now;
        pair.node(id).cluster.reconfigure(now, with_times(id, times)).expect("it is taken");
        pair.node(id).turn(now);
        for _ in 0..turn * 3 {
            jump(&mut pair);
            check(&mut pair, "again and again");
        }
    }
}
