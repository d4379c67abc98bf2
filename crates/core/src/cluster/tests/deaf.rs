//! A node that is heard but does not hear: it takes what runs here, and no node can tell it.

use super::pair::Pair;
use super::*;

/// How long A, which hears B but is not heard, runs a group that B runs too.
fn both_run(pair: &mut Pair, group: GroupId, span: Duration) -> Duration {
    let end = pair.now + span;
    let mut both = Duration::ZERO;
    while pair.now < end {
        pair.step();
        if pair.runs(A).contains(&group) && pair.runs(B).contains(&group) {
            both += Duration::from_millis(1);
        }
    }
    both
}

/// B does not hear A and takes what A runs; A hears that, and yields.
#[test]
fn unheard_node_yields_group_taken_by_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.mute = Some(A);
    let both = both_run(&mut pair, FIRST, Duration::from_secs(30));
    assert!(both < Duration::from_secs(1), "{both:?}");
}

/// The same, but B could not ask its agent at first.
#[test]
fn unheard_node_yields_group_taken_by_peer_after_unasked_start() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    pair.node(B).failure = Outcome::NotAsked;
    pair.mute = Some(A);
    pair.pass(DEADTIME + Duration::from_millis(500));
    pair.node(B).fails = None;
    let both = both_run(&mut pair, FIRST, Duration::from_secs(30));
    assert!(both < Duration::from_secs(1), "{both:?}");
}

/// The same, but the interface of B has no carrier at first.
#[test]
fn unheard_node_yields_group_taken_by_peer_after_carrier_returns() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
    pair.pass(Duration::from_secs(1));
    pair.mute = Some(A);
    pair.pass(DEADTIME * 2);
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::Carrier { group: FIRST, is_there: true });
    let both = both_run(&mut pair, FIRST, Duration::from_secs(30));
    assert!(both < Duration::from_secs(1), "{both:?}");
}
