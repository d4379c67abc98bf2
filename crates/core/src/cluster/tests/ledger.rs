//! A daemon that starts while its executor holds something but has not said what.

use super::pair::Pair;
use super::*;
use crate::{Action, Phase};

/// Longer than any wait for a node.
const LONG: Duration = Duration::from_secs(4);

/// A node's daemon restarts with this ledger; no executor has connected.
fn restarted(pair: &Pair, id: NodeId, listed: Vec<(GroupId, u64)>, terms: bool) -> Node {
    let before = pair.nodes[id.index()].as_ref().expect("it ran");
    let terms = if terms { before.cluster.terms().collect() } else { Vec::new() };
    let generation = before.generation + 1;
    let mut node = Node::new(id, Failback::Off, generation);
    // The clock of the new node is that of the pair, which has been running for a while.
    let settings = Settings { initdead: LONG * 20, ..settings(id, Failback::Off) };
    node.cluster = Cluster::new(settings, Boot { terms, listed, ..boot(generation) });
    node.runs.clone_from(&before.runs);
    node.holds_jobs = true;
    node
}

/// B's daemon restarts, with `SECOND` in its ledger.
pub(super) fn restart_b() -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    let node = restarted(&pair, B, vec![(SECOND, 1)], true);
    pair.nodes[1] = Some(node);
    pair
}

/// Lets time pass, during which A starts nothing.
fn wait(pair: &mut Pair, span: Duration) {
    let end = pair.now + span;
    while pair.now < end {
        pair.step();
        assert_eq!(pair.runs(A), [FIRST], "nobody takes what is listed elsewhere");
        let node = pair.node(B);
        assert!(node.cluster.deadline() > node.now, "it comes to rest");
    }
}

fn greets(pair: &mut Pair, groups: &[GroupId], is_whole: bool) {
    let now = pair.now;
    pair.node(B).greet(now, groups, is_whole);
}

fn actions(pair: &mut Pair) -> Vec<(GroupId, Action)> {
    pair.node(B).held.iter().map(|job| (job.group, job.action)).collect()
}

#[test]
fn group_in_ledger_is_claimed_until_executor_greets_and_then_adopted() {
    for is_remembered in [true, false] {
        let mut pair = Pair::settled(Failback::Off);
        let node = restarted(&pair, B, vec![(SECOND, 1)], is_remembered);
        pair.nodes[1] = Some(node);
        wait(&mut pair, LONG);
        let claim = pair.told_by(B, SECOND);
        assert_eq!((claim.owner, claim.phase, claim.runs_here), (B, Phase::Starting, true));
        let report = pair.node(B).snapshot().groups.swap_remove(SECOND.index());
        assert_eq!(report.reason, format!("{:?}", Cause::Listed));
        greets(&mut pair, &[SECOND], true);
        wait(&mut pair, LONG);
        assert_eq!(pair.node(B).phase(SECOND), Phase::Active);
        assert_eq!(actions(&mut pair), [], "what runs is not touched");
    }
}

/// The disk was full when the group was stopped: the ledger still lists it.
#[test]
fn group_in_outdated_ledger_does_not_outrank_node_that_runs_group() {
    let mut pair = Pair::settled(Failback::Off);
    let node = restarted(&pair, B, vec![(FIRST, 9), (SECOND, 1)], true);
    pair.nodes[1] = Some(node);
    pair.node(A).said.clear();
    wait(&mut pair, LONG);
    let stops = |event: &Event| matches!(event, Event::Ownership { phase: Phase::Stopping, .. });
    assert!(!pair.node(A).said.iter().any(stops), "{:?}", pair.node(A).said);
    greets(&mut pair, &[SECOND], true);
    wait(&mut pair, LONG);
    assert_eq!(pair.runs(B), [SECOND]);
}

#[test]
fn group_held_in_part_is_started_and_not_stopped() {
    let mut pair = restart_b();
    greets(&mut pair, &[SECOND], false);
    wait(&mut pair, LONG);
    assert_eq!(actions(&mut pair), [(SECOND, Action::Start)]);
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    wait(&mut pair, Duration::from_secs(1));
    assert_eq!(pair.node(B).phase(SECOND), Phase::Active);
}

#[test]
fn group_held_in_part_does_not_start_before_peer_is_heard() {
    let mut pair = restart_b();
    pair.cut = true;
    greets(&mut pair, &[SECOND], false);
    pair.pass(LONG);
    assert_eq!(actions(&mut pair), [], "the other node may have it");
    pair.cut = false;
    pair.pass(Duration::from_secs(1));
    let expected = (SECOND, Action::Stop);
    assert_eq!(actions(&mut pair), [expected], "it took it when nobody was here");
}

#[test]
pub(super) fn group_in_ledger_but_not_held_is_free_to_start() {
    let mut pair = restart_b();
    wait(&mut pair, Duration::from_millis(100));
    pair.node(B).holds_jobs = false;
    greets(&mut pair, &[], true);
    let lost = pair.node(B).phase(SECOND);
    assert_eq!(lost, Phase::Stopped, "it does not run, and is not said to");
    pair.until("it is started", |pair| pair.runs(A).len() + pair.runs(B).len() == 2);
}

#[test]
fn group_taken_by_peer_meanwhile_is_told_as_running_here_until_stopped() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    let node = restarted(&pair, B, vec![(SECOND, 1)], true);
    pair.nodes[1] = Some(node);
    pair.cut = false;
    pair.pass(LONG);
    let claim = pair.told_by(B, SECOND);
    assert_eq!((claim.owner, claim.runs_here), (A, true));
    greets(&mut pair, &[SECOND], true);
    pair.pass(LONG);
    assert_eq!(actions(&mut pair), [(SECOND, Action::Stop)]);
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    pair.pass(Duration::from_secs(1));
    assert!(!pair.told_by(B, SECOND).runs_here);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST, SECOND], vec![]));
}

#[test]
fn group_in_ledger_runs_on_despite_newer_stored_term_of_peer() {
    let mut pair = Pair::settled(Failback::Off);
    let key = GroupKey::of(["second"]);
    let mut node = restarted(&pair, B, vec![(SECOND, 5)], false);
    let boot = Boot { terms: vec![(key, A, 6)], listed: vec![(SECOND, 5)], ..boot(2) };
    node.cluster = Cluster::new(settings(B, Failback::Off), boot);
    pair.nodes[1] = Some(node);
    pair.pass(KEEPALIVE);
    let claim = pair.told_by(B, SECOND);
    assert_eq!((claim.owner, claim.phase, claim.runs_here), (B, Phase::Starting, true));
    greets(&mut pair, &[SECOND], true);
    pair.pass(LONG);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    assert_eq!(actions(&mut pair), []);
}

#[test]
pub(super) fn group_held_but_not_in_ledger_is_adopted() {
    for (is_whole, phase) in [(true, Phase::Active), (false, Phase::Starting)] {
        let mut pair = Pair::settled(Failback::Off);
        let node = restarted(&pair, B, Vec::new(), true);
        pair.nodes[1] = Some(node);
        greets(&mut pair, &[SECOND], is_whole);
        wait(&mut pair, LONG);
        assert_eq!(pair.node(B).phase(SECOND), phase);
        let expected = if is_whole { vec![] } else { vec![(SECOND, Action::Start)] };
        assert_eq!(actions(&mut pair), expected);
    }
}

#[test]
fn stop_order_before_executor_greets_waits_for_executor() {
    let mut pair = restart_b();
    wait(&mut pair, Duration::from_millis(500));
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    wait(&mut pair, LONG);
    assert!(!pair.node(B).has_ended, "nobody knows that it is stopped");
    greets(&mut pair, &[SECOND], true);
    wait(&mut pair, Duration::from_millis(50));
    assert_eq!(actions(&mut pair), [(SECOND, Action::Stop)]);
    let now = pair.now;
    pair.node(B).finish_jobs(now);
    pair.until("it has ended", |pair| pair.node(B).has_ended);
}

#[test]
fn executor_dying_before_greeting_does_not_disturb_group_in_ledger() {
    let mut pair = restart_b();
    wait(&mut pair, Duration::from_millis(500));
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::ExecutorGone);
    wait(&mut pair, LONG);
    greets(&mut pair, &[SECOND], true);
    wait(&mut pair, LONG);
    assert_eq!((actions(&mut pair), pair.node(B).phase(SECOND)), (vec![], Phase::Active));
}

#[test]
fn start_resumed_after_executor_loss_begins_with_first_resource() {
    let mut settings = settings(A, Failback::Off);
    settings.groups.truncate(1);
    settings.groups[0].resources = vec![agent("left"), agent("right")];
    let mut node = Node::with(settings, 1);
    node.holds_jobs = true;
    let mut now = 0;
    while node.held.is_empty() {
        now += 100;
        node.turn(at(now));
        assert!(now < 20_000, "it starts alone");
    }
    let job = node.held.remove(0);
    node.cluster.handle(at(now), &Input::JobDone { job: job.id, outcome: Outcome::Success });
    node.turn(at(now));
    let job = node.held.remove(0);
    assert_eq!((job.first, job.action), (1, Action::Start), "the second resource starts");
    node.cluster.handle(at(now), &Input::ExecutorGone);
    node.turn(at(now));
    // For example, an address on the left has expired meanwhile.
    node.greet(at(now), &[], false);
    node.turn(at(now));
    let job = node.held.remove(0);
    assert_eq!((job.first, job.action), (0, Action::Start), "what is on the left may be gone");
}

/// A left, B has everything, and A restarts: it hears B, but is not heard.
fn start_unheard(listed: &[(GroupId, u64)]) -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    pair.until("B has all", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.mute = Some(A);
    let mut node = Node::new(A, Failback::Off, 2);
    let boot = Boot { listed: listed.to_owned(), ..boot(2) };
    // The clock of the new node is that of the pair, which has been running for a while.
    let initdead = pair.now.since(Time::START) + LONG;
    node.cluster = Cluster::new(Settings { initdead, ..settings(A, Failback::Off) }, boot);
    node.holds_jobs = true;
    pair.nodes[0] = Some(node);
    let (now, held): (_, Vec<_>) = (pair.now, listed.iter().map(|(group, _)| *group).collect());
    pair.node(A).greet(now, &held, false);
    pair
}

#[test]
fn unheard_node_starts_no_group_beside_peer_that_runs_all() {
    for listed in [vec![], vec![(FIRST, 1)]] {
        let mut pair = start_unheard(&listed);
        pair.pass(Duration::from_secs(25));
        assert_eq!(pair.runs(B), [FIRST, SECOND]);
        let held = &pair.node(A).held;
        assert!(held.iter().all(|job| job.is_look), "{listed:?}: {held:?}");
    }
}
