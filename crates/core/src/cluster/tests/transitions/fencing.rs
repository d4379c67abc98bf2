//! Fencing of a node that is heard and in doubt, and falls silent meanwhile.

use super::*;
use crate::{FenceOutcome, FenceState, FencingPolicy};

/// A node that has lost its executor, and cannot tell what still runs there, is to be fenced. It is
/// heard until then, and falls silent meanwhile.
fn in_doubt(id: NodeId, delay: Duration) -> Pair {
    let mut pair = Pair::settled_with(|settings| settings.fencing = Some(FencingPolicy { delay }));
    let other = NodeId(1 - id.0);
    past(&mut pair, other);
    let now = pair.now;
    pair.node(id).cluster.handle(now, &Input::ExecutorGone);
    pair.until("it is to be fenced", |pair| fencing(pair, other).is_some());
    past(&mut pair, other);
    pair
}

fn fencing(pair: &mut Pair, id: NodeId) -> Option<FenceState> {
    pair.node(id).snapshot().fencing.first().map(|report| report.state)
}

/// A device answers an attempt that nobody waits for.
fn past(pair: &mut Pair, id: NodeId) {
    let (now, outcome) = (pair.now, FenceOutcome::Done);
    let node = NodeId(1 - id.0);
    pair.node(id).cluster.handle(now, &Input::Fenced { node, attempt: 99, outcome });
    pair.node(id).turn(now);
}

fn dies(pair: &mut Pair, id: NodeId) {
    let other = NodeId(1 - id.0);
    pair.end(id);
    pair.until("it is dead", |pair| pair.node(other).counts_dead(id));
}

#[test]
pub(super) fn fencing_at_rare_input_takes_groups_only_after_confirmed_death() {
    // B comes second: it waits, and is told that A is off.
    let mut pair = in_doubt(A, Duration::from_secs(5));
    assert_eq!(fencing(&mut pair, B), Some(FenceState::Delayed));
    dies(&mut pair, A);
    assert_eq!(fencing(&mut pair, B), Some(FenceState::Delayed));
    assert_eq!((pair.node(B).fences.len(), pair.runs(B)), (0, vec![SECOND]));
    let now = pair.now;
    pair.node(B).order(now, Order::ConfirmDead(A));
    pair.until("B has all", |pair| pair.runs(B) == [FIRST, SECOND]);
    // A asks at once. An answer to another attempt does not count, and an attempt that failed is
    // retried.
    let mut pair = in_doubt(B, Duration::ZERO);
    assert_eq!(fencing(&mut pair, A), Some(FenceState::Running));
    assert_eq!(pair.runs(A), [FIRST]);
    let (now, (node, attempt)) = (pair.now, pair.node(A).fences[0]);
    let outcome = FenceOutcome::Failed;
    pair.node(A).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
    past(&mut pair, A);
    assert_eq!(fencing(&mut pair, A), Some(FenceState::Failed));
    dies(&mut pair, B);
    assert_eq!(fencing(&mut pair, A), Some(FenceState::Failed));
    assert_eq!(pair.runs(A), [FIRST]);
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
}
