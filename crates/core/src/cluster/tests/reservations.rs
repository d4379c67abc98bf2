//! Lines that changed while the nodes did not hear each other: a claim that only keeps an old line
//! free gives way to a running group.

use super::pair::Pair;
use super::reload::CHANGED;
use super::*;
use crate::{Action, Phase};

const NEW_LINE: &[&str] = &["first", "extra"];

/// Only B has the new file, and it is cut off: it runs the new line, and A the old line.
fn apart() -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(B, Failback::Off, &CHANGED);
    pair.pass(Duration::from_secs(2));
    pair.cut = true;
    pair.until("B runs the new line", |pair| pair.run(B, NEW_LINE));
    pair.node(B).said.clear();
    pair
}

/// B restarts with the new file while it is cut off, and runs the new line: it knows no owner of
/// the old line.
fn begin_anew(pair: &mut Pair) {
    let before = pair.nodes[1].take().expect("it runs");
    let settings = before.cluster.settings().clone();
    pair.cut = true;
    pair.nodes[1] = Some(Node::with(settings, before.generation + 1));
    pair.node(B).greet(Time::START, &[], true);
    pair.until("B runs the new line", |pair| pair.run(B, NEW_LINE));
    pair.node(B).said.clear();
}

/// A gets the new file too: it runs neither line, keeps the old line free, and would start the new
/// line. Then both nodes hear each other.
fn join(pair: &mut Pair) {
    pair.node(A).holds_jobs = true;
    pair.change(A, Failback::Off, &CHANGED);
    let now = pair.now;
    pair.node(A).let_go(now);
    pair.node(A).turn(now);
    pair.cut = false;
    pair.pass(Duration::from_secs(5));
}

/// B has stopped nothing, and runs the new line.
fn is_undisturbed(pair: &mut Pair) {
    let stopped = |event: &Event| matches!(event, Event::Ownership { phase: Phase::Stopping, .. });
    let said = &pair.node(B).said;
    assert!(!said.iter().any(stopped), "{said:?}");
    assert!(pair.run(B, NEW_LINE) && !pair.run(A, NEW_LINE));
}

#[test]
fn reservation_of_old_line_does_not_stop_new_line_after_partition() {
    let mut pair = apart();
    join(&mut pair);
    is_undisturbed(&mut pair);
}

#[test]
fn reservation_of_old_line_does_not_stop_new_line_on_restarted_peer() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(B, Failback::Off, &CHANGED);
    begin_anew(&mut pair);
    join(&mut pair);
    is_undisturbed(&mut pair);
}

/// Each node runs the new line after a cut; A stood still, and lets go of the line when both nodes
/// hear each other again.
#[test]
fn line_being_stopped_does_not_stop_line_of_peer_that_shares_resource() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(A, Failback::Off, &CHANGED);
    pair.until("A runs the new line", |pair| pair.run(A, NEW_LINE));
    pair.pass(Duration::from_secs(2));
    pair.change(B, Failback::Off, &CHANGED);
    begin_anew(&mut pair);
    let now = pair.now;
    pair.node(A).let_go(now);
    pair.node(A).holds_jobs = true;
    pair.node(A).turn(now);
    pair.cut = false;
    pair.pass(Duration::from_secs(5));
    is_undisturbed(&mut pair);
}

/// Each node has a different line in place of the old one, and does not know the other's line.
#[test]
fn line_waits_for_unknown_line_of_last_owner_until_owner_dies() {
    const OTHER_LINE: &[&str] = &["first", "other"];
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("given", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.rest(1);
    pair.change(B, Failback::Off, &CHANGED);
    pair.watch("B runs its new line", |pair| pair.run(B, NEW_LINE));
    pair.rest(1);
    pair.change(A, Failback::Off, &[(A, OTHER_LINE), (B, &["second"])]);
    pair.rest(5);
    assert!(pair.run(B, NEW_LINE) && !pair.run(A, OTHER_LINE));
    pair.end(B);
    pair.until("A runs its own line", |pair| pair.run(A, OTHER_LINE));
}

#[test]
fn groups_of_restarting_peer_count_as_running_before_first_table() {
    let mut pair = Pair::settled(Failback::Off);
    pair.pass(Duration::from_secs(1));
    let mut restarted = Node::new(B, Failback::Off, 2);
    restarted.runs = vec![SECOND];
    pair.nodes[1] = Some(restarted);
    // B hears nobody yet, so it does not say what it has.
    pair.mute = Some(A);
    pair.until("A hears of it", |pair| pair.node(A).has_said(&Event::PeerRestarted(B)));
    for _ in 0..1_000 {
        pair.step();
        let group = pair.node(A).group(SECOND);
        assert_eq!((&*group.owner.expect("it has one"), group.phase), ("beta", Phase::Active));
        assert!(!group.kept_free, "its services do not end with its daemon");
        assert_eq!(pair.runs(A), [FIRST]);
    }
}

#[test]
fn group_held_in_part_waits_for_old_line_being_stopped_on_peer() {
    let mut pair = apart();
    pair.node(A).holds_jobs = true;
    pair.cut = false;
    pair.pass(Duration::from_secs(1));
    let is_stop = |job: &crate::Job| job.action == Action::Stop;
    assert!(pair.node(A).held.iter().any(is_stop), "A has lost the old line, and stops it");
    let before = pair.nodes[1].take().expect("it runs");
    // The clock of the new node is that of the pair, which has been running for a while.
    let settings =
        Settings { initdead: Duration::from_secs(100), ..before.cluster.settings().clone() };
    let listed = before.runs.iter().map(|group| (*group, 2)).collect();
    let terms = before.cluster.terms().collect();
    let generation = before.generation + 1;
    let mut node = Node::with(settings.clone(), generation);
    node.cluster = Cluster::new(settings, Boot { terms, listed, ..boot(generation) });
    node.runs.clone_from(&before.runs);
    pair.nodes[1] = Some(node);
    let (now, runs) = (pair.now, before.runs.clone());
    pair.node(B).holds_jobs = true;
    pair.node(B).greet(now, &runs, false);
    pair.pass(Duration::from_secs(2));
    let started = pair.node(B).held.iter().any(|job| job.action == Action::Start);
    assert!(!started, "A still runs the old line: {:?}", pair.node(B).held);
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("B goes on", |pair| {
        let held = &pair.node(B).held;
        held.iter().any(|job| job.action == Action::Start)
    });
}
