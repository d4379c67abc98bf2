//! Three nodes, one of which is never heard: a starting node waits for it, up to its initdead.

use super::three::{C, Three, of_three};
use super::*;

/// A takes everything while B and C have no power, and B comes back: it is the preferred node of
/// the first group.
fn home_waits() -> Three {
    let node = |id, generation| {
        let mut settings = of_three(id);
        settings.initdead = if id == B { Duration::from_secs(20) } else { INITDEAD };
        Some(Node::with(settings, generation))
    };
    let mut three = Three::of([node(A, 1), None, None]);
    three.until("A is alone", |three| three.runs(A) == [FIRST, SECOND]);
    three.nodes[1] = node(B, 2);
    three.pass(Duration::from_secs(2));
    assert_eq!(three.runs(A), [FIRST, SECOND], "B waits for C");
    three
}

#[test]
fn group_lost_while_preferred_node_awaits_initdead_restarts_on_owner() {
    let mut three = home_waits();
    let now = three.now;
    let a = three.nodes[0].as_mut().expect("it has power");
    a.cluster.handle(now, &Input::LetGo(FIRST));
    a.runs.retain(|group| *group != FIRST);
    three.pass(DEADTIME);
    assert_eq!(three.runs(A).len(), 2, "B may wait for long");
    three.until("B takes part", |three| three.runs(B) == [FIRST]);
    assert_eq!(three.runs(A), [SECOND], "it has gone home");
    assert_eq!(three.runs(C), []);
}

/// The wait for nodes that start at the same time does not end early.
#[test]
fn group_without_owner_waits_a_moment_for_preferred_node_just_heard() {
    let mut three = home_waits();
    three.nodes[1] = None;
    three.until("B is dead", |three| three.nodes[0].as_ref().is_some_and(|a| a.counts_dead(B)));
    let mut settings = of_three(B);
    settings.initdead = Duration::from_secs(20);
    three.nodes[1] = Some(Node::with(settings, 3));
    three.pass(KEEPALIVE);
    let now = three.now;
    let a = three.nodes[0].as_mut().expect("it has power");
    a.cluster.handle(now, &Input::LetGo(FIRST));
    a.runs.retain(|group| *group != FIRST);
    three.pass(KEEPALIVE);
    assert_eq!(three.runs(A), [SECOND], "B may take part in a moment");
    three.pass(DEADTIME);
    assert_eq!(three.runs(A).len(), 2);
}
