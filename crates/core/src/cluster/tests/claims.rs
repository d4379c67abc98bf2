//! Claims that prevail and claims that do not: a node that is cut off, loses what it had, and
//! returns.

use super::pair::Pair;
use super::*;
use crate::{Claim, Echo, Mark, Phase};

/// Longer than any wait for a peer, and longer than the stop of a held agent would take.
const LONG: Duration = Duration::from_secs(4);
/// A term higher than any that these nodes reach otherwise.
const REMEMBERED: u64 = 9;

fn key(group: GroupId) -> GroupKey {
    GroupKey::of([if group == FIRST { "first" } else { "second" }])
}

/// A node that starts and finds this ownership on its disk.
fn returning(id: NodeId, generation: u64, terms: &[(GroupId, NodeId, u64)]) -> Node {
    let terms = terms.iter().map(|(group, owner, term)| (key(*group), *owner, *term)).collect();
    started(id, Boot { terms, ..boot(generation) })
}

fn started(id: NodeId, boot: Boot) -> Node {
    let mut node = Node::new(id, Failback::Off, boot.generation);
    // The clock of the new node is that of the pair, which has been running for a while.
    let settings = Settings { initdead: LONG * 20, ..settings(id, Failback::Off) };
    let has_listed = !boot.listed.is_empty();
    node.cluster = Cluster::new(settings, boot);
    if !has_listed {
        node.greet(Time::START, &[], true);
    }
    node
}

/// A runs everything; B is cut off and without power.
fn alone() -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.end(B);
    pair.until("A runs all", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair
}

/// Lets a node return to a node that runs everything and whose agents take long to stop: nothing is
/// stopped there, and nothing is started here.
fn undisturbed(mut pair: Pair, node: Node) -> Pair {
    let id = node.id;
    let other = NodeId(1 - id.0);
    pair.cut = false;
    pair.nodes[id.index()] = Some(node);
    pair.node(other).holds_jobs = true;
    let end = pair.now + LONG;
    pair.until("time passes", |pair| {
        assert_eq!(pair.runs(id), [], "it starts nothing");
        let held = &pair.node(other).held;
        assert!(held.is_empty(), "what runs is not touched: {held:?}");
        pair.now >= end
    });
    for group in [FIRST, SECOND] {
        for node in [id, other] {
            let (owner, _, phase) = pair.node(node).row(group);
            assert_eq!((owner, phase), (Some(other), Phase::Active), "to {node:?}");
        }
    }
    pair
}

#[test]
fn returning_node_remembering_higher_term_disturbs_no_group() {
    for group in [FIRST, SECOND] {
        let mut pair = undisturbed(alone(), returning(B, 2, &[(group, B, REMEMBERED)]));
        let term = pair.node(A).term(group);
        assert!(term >= REMEMBERED, "its claim is not below the remembered one: {term}");
        assert_eq!(pair.node(B).term(group), term);
    }
}

#[test]
fn returning_node_that_took_groups_while_cut_off_disturbs_no_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both run all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    let terms = pair.node(B).cluster.terms().collect();
    pair.end(B);
    pair.pass(LONG);
    undisturbed(pair, started(B, Boot { terms, ..boot(2) }));
}

#[test]
fn claim_failed_while_cut_off_does_not_disturb_running_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.node(B).fails = Some(FIRST);
    pair.until("it has failed", |pair| pair.node(B).phase(FIRST) == Phase::Failed);
    pair.pass(DEADTIME);
    pair.cut = false;
    pair.node(A).holds_jobs = true;
    pair.pass(LONG);
    assert!(pair.runs(A).contains(&FIRST));
    let held = &pair.node(A).held;
    assert!(!held.iter().any(|job| job.group == FIRST), "what runs well is touched: {held:?}");
}

#[test]
fn claim_being_stopped_does_not_outrank_running_group() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both run FIRST", |pair| pair.runs(B).contains(&FIRST));
    pair.node(B).holds_jobs = true;
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    pair.pass(Duration::from_millis(50));
    pair.cut = false;
    pair.node(A).holds_jobs = true;
    pair.pass(LONG);
    assert!(!pair.node(A).held.iter().any(|job| job.group == FIRST), "{:?}", pair.node(A).held);
    assert!(pair.runs(A).contains(&FIRST));
}

#[test]
fn holder_without_stored_terms_keeps_its_groups() {
    let mut pair = alone();
    // A's daemon is restarted without what it had stored; its executor holds everything.
    let runs = pair.runs(A);
    let listed = runs.iter().map(|group| (*group, 1)).collect();
    let mut node = started(A, Boot { listed, ..boot(2) });
    node.greet(Time::START, &runs, true);
    pair.nodes[0] = Some(node);
    pair.pass(LONG);
    let memory = [(FIRST, B, REMEMBERED), (SECOND, B, REMEMBERED)];
    undisturbed(pair, returning(B, 2, &memory));
}

#[test]
fn returning_node_without_stored_terms_disturbs_no_group() {
    undisturbed(alone(), returning(B, 2, &[]));
}

#[test]
fn loser_at_heal_tells_that_its_lost_groups_run_here_until_stopped() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both run all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    for id in [A, B] {
        pair.node(id).holds_jobs = true;
    }
    pair.cut = false;
    pair.pass(LONG);
    let (mut still, mut stops) = (0, 0);
    for id in [A, B] {
        for group in [FIRST, SECOND] {
            let claim = pair.told_by(id, group);
            let node = pair.node(id);
            let is_lost = claim.owner != id;
            assert!(claim.runs_here, "{id:?} still runs {group:?}");
            assert_eq!(node.held.iter().any(|job| job.group == group), is_lost, "{group:?}");
            still += u32::from(is_lost);
        }
        stops += pair.node(id).held.len();
    }
    assert_eq!((still, stops), (2, 2), "each lost one, and nothing else is touched");
    for id in [A, B] {
        let now = pair.now;
        pair.node(id).finish_jobs(now);
    }
    pair.pass(Duration::from_secs(1));
    for id in [A, B] {
        for group in [FIRST, SECOND] {
            let claim = pair.told_by(id, group);
            assert_eq!(claim.runs_here, claim.owner == id);
        }
    }
}

/// What B sends under this sequence to the run of A that is driven here.
fn table(sequence: u64, claims: Vec<Claim>) -> (Outgoing, Option<Beat>) {
    let message =
        Message::Status { status: NodeStatus::Active, deadtime: DEADTIME, flow_control: true };
    let mut beat = Beat {
        session: 99,
        nodes: GroupKey::of(["alpha", "beta"]).0,
        ready: true,
        echoes: vec![Echo { known: 1_000, ..Echo::of(A, LinkId(0), 1, 1_000) }],
        claims,
        ..Beat::default()
    };
    beat.table = Mark::of(&beat);
    let sequence = Some(sequence);
    (Outgoing { message, dest: None, dest_uuid: None, sequence, made: Time::START }, Some(beat))
}

fn claim(group: GroupId, owner: NodeId, term: u64, phase: Phase, runs_here: bool) -> Claim {
    Claim { group: key(group), owner, term, phase, unable: false, failure: None, runs_here }
}

/// A node that hears B say every 100 ms that `FIRST` is free, and whether it still runs there.
fn hears(node: &mut Node, from: u64, runs_there: bool) -> u64 {
    for beat in from..from + 10 {
        let claims = vec![
            claim(FIRST, A, 5, Phase::Stopped, runs_there),
            claim(SECOND, B, 5, Phase::Active, true),
        ];
        let now = at(beat * 100);
        node.hear(now, "beta", 1, &table(beat, claims));
        node.turn(now);
    }
    from + 10
}

#[test]
fn group_still_running_at_heard_peer_is_not_started() {
    let mut node = Node::new(A, Failback::Off, 1);
    let next = hears(&mut node, 1, true);
    assert_eq!(node.cluster.status(), NodeStatus::Active);
    assert!(node.runs.is_empty(), "it runs there still");
    hears(&mut node, next, false);
    assert_eq!(node.runs, [FIRST]);
}

#[test]
fn group_still_running_at_peer_is_taken_when_peer_dies() {
    let mut node = Node::new(A, Failback::Off, 1);
    let next = hears(&mut node, 1, true);
    let said = at((next - 1) * 100);
    for late in 0..20 {
        let now = said + Duration::from_millis(50 * late);
        node.turn(now);
        assert!(node.runs.is_empty() || now >= said + DEADTIME, "{now:?}");
    }
    assert!(node.runs.contains(&FIRST));
}

#[test]
fn overtaken_beat_does_not_override_claim_of_later_beat() {
    let mut node = Node::new(A, Failback::Off, 1);
    let next = hears(&mut node, 1, true);
    let late = table(next, vec![claim(FIRST, A, 5, Phase::Stopped, false)]);
    let next = hears(&mut node, next + 1, true);
    let now = at(next * 100 - 50);
    node.hear(now, "beta", 1, &late);
    node.turn(now);
    assert!(node.runs.is_empty());
}

#[test]
fn hand_over_completes_at_done_without_waiting_for_table_of_giver() {
    // What the giver had lost to the taker before is stopped there too when the giver says "done".
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    let took = pair.until("it is here", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(
        took < Duration::from_millis(20),
        "\"done\" is the stop that its table has yet to tell"
    );
}

/// Messages that waited in its socket may be about a node that is dead by now.
#[test]
fn node_after_pause_tells_group_of_peer_as_stopping_until_answered() {
    let mut pair = Pair::settled(Failback::Off);
    assert_eq!(pair.told_by(A, SECOND).phase, Phase::Active);
    pair.stand_still(A, DEADTIME.saturating_sub(KEEPALIVE / 2), false);
    assert_eq!(pair.node(A).phase(SECOND), Phase::Active);
    let since = pair.node(A).kept.len();
    pair.until("it beats", |pair| pair.node(A).kept[since..].iter().any(|sent| sent.1.is_some()));
    pair.step();
    assert_eq!(pair.told_by(A, SECOND).phase, Phase::Stopping, "at once");
    assert_eq!(pair.node(A).phase(SECOND), Phase::Active);
    pair.until("it is answered", |pair| pair.told_by(A, SECOND).phase == Phase::Active);
}

#[test]
fn higher_term_of_own_claim_told_by_peer_keeps_reason_of_group() {
    let mut pair = Pair::settled(Failback::Off);
    let reason = |pair: &mut Pair| pair.node(A).snapshot().groups[0].reason.clone();
    let before = reason(&mut pair);
    pair.nodes[B.index()] = Some(returning(B, 2, &[(FIRST, A, REMEMBERED)]));
    pair.until("it is told", |pair| pair.node(A).term(FIRST) >= REMEMBERED);
    assert_eq!((pair.node(A).term(FIRST), pair.node(A).owner(FIRST)), (REMEMBERED, Some(A)));
    assert_eq!(reason(&mut pair), before);
}

/// The other node has declared it dead, but its agents take long to start: the link is back before
/// they are done.
#[test]
fn holder_of_running_group_is_not_outranked_by_peer_still_starting() {
    for failback in [Failback::On, Failback::Off] {
        for (runs, starts, group) in [(A, B, FIRST), (B, A, SECOND)] {
            let mut pair = Pair::settled(failback);
            pair.node(starts).holds_jobs = true;
            pair.cut = true;
            pair.until("the other one starts it", |pair| {
                pair.node(starts).held.iter().any(|job| job.group == group)
            });
            pair.node(runs).holds_jobs = true;
            pair.pass(Duration::from_secs(1));
            pair.node(runs).held.retain(|job| job.group != group);
            pair.node(runs).said.clear();
            pair.cut = false;
            pair.pass(Duration::from_secs(1));
            let is_stop = |event: &Event| matches!(event, Event::Ownership { group: at, phase: Phase::Stopping, .. } if *at == group);
            let said = &pair.node(runs).said;
            assert!(!said.iter().any(is_stop), "{failback:?} {runs:?}: {said:?}");
            let (owner, _, phase) = pair.node(starts).row(group);
            assert_eq!((owner, phase), (Some(runs), Phase::Active), "{failback:?}");
            let now = pair.now;
            pair.node(starts).holds_jobs = false;
            pair.node(starts).finish_jobs(now);
            pair.pass(Duration::from_secs(1));
            assert!(!pair.runs(starts).contains(&group), "{failback:?} {runs:?}");
        }
    }
}
