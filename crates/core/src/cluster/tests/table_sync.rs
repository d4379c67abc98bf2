//! Tables that do not fit into one beat: what is sent of them, and what is decided meanwhile.

use super::pair::Pair;
use super::*;
use crate::{BEAT_TEXT_MAX, Claim, GROUPS_MAX, Mark, Phase, Random};

/// A node with this many groups that all prefer A, and that fail and are held like any others.
fn crowd(me: NodeId, count: usize, generation: u64) -> Node {
    Node::with(crowded(me, count), generation)
}

pub(super) fn crowded(me: NodeId, count: usize) -> Settings {
    let group = |at: usize| {
        let name = format!("service{at}");
        let key = GroupKey::of([name.as_str()]);
        Group { key, preferred: A, resources: vec![agent(&name)], is_retired: false }
    };
    Settings { groups: (0..count).map(group).collect(), ..settings(me, Failback::Off) }
}

fn pair(count: usize) -> Pair {
    let mut pair = Pair::of([Some(crowd(A, count, 1)), Some(crowd(B, count, 1))]);
    pair.until("everything runs", |pair| pair.runs(A).len() == count);
    pair.until("A is known whole", |pair| is_whole(pair, B, A));
    pair.until("B is known whole", |pair| is_whole(pair, A, B));
    pair.pass(DEADTIME);
    pair
}

/// Whether a node has the whole table of another node, and the other node knows that.
pub(super) fn is_whole(pair: &mut Pair, node: NodeId, other: NodeId) -> bool {
    let known = pair.echo(node).map_or(0, |echo| echo.known);
    let mark = pair.node(other).cluster.beat().table;
    let sent = pair.node(other).kept.iter().rev();
    let beats = sent.filter_map(|(outgoing, beat)| Some((outgoing.sequence?, beat.as_ref()?)));
    let described = beats.take_while(|(_, beat)| beat.table == mark);
    let changed = described.last().map_or(u64::MAX, |(sequence, _)| sequence);
    pair.has_table(node, other) && known >= changed
}

/// The executor of A lets go of a group, which starts again.
fn lets_go(pair: &mut Pair, group: GroupId) {
    let now = pair.now;
    let node = pair.node(A);
    node.runs.retain(|other| *other != group);
    node.cluster.handle(now, &Input::LetGo(group));
}

/// The beats that a node has sent since this index in its messages.
pub(super) fn beats(node: &Node, since: usize) -> Vec<Beat> {
    node.kept[since..].iter().filter_map(|(_, beat)| beat.clone()).collect()
}

#[test]
fn rows_unchanged_are_not_sent_again() {
    let mut pair = pair(GROUPS_MAX);
    let since = pair.node(A).kept.len();
    pair.pass(Duration::from_secs(5));
    let quiet = beats(pair.node(A), since);
    assert!(quiet.len() > 20, "it beats");
    assert!(quiet.iter().all(|beat| beat.claims.is_empty()), "everybody knows everything");
    assert!(quiet.iter().all(|beat| usize::from(beat.table.rows) == GROUPS_MAX));
}

#[test]
fn row_changed_is_sent_alone_in_every_beat_until_peer_is_reached() {
    let mut pair = pair(GROUPS_MAX);
    pair.cut = true;
    lets_go(&mut pair, GroupId(200));
    let since = pair.node(A).kept.len();
    pair.pass(KEEPALIVE * 2);
    let lost = beats(pair.node(A), since);
    let key = GroupKey::of(["service200"]);
    assert!(lost.len() > 1);
    assert!(lost.iter().all(|beat| beat.claims.iter().any(|claim| claim.group == key)));
    assert!(lost.iter().all(|beat| beat.claims.len() == 1), "the others have not changed");
    pair.cut = false;
    pair.until("it is known", |pair| is_whole(pair, B, A));
}

#[test]
fn table_of_maximum_size_becomes_whole_within_two_keepalives_in_small_beats() {
    let mut pair = pair(GROUPS_MAX);
    pair.end(B);
    pair.pass(DEADTIME * 2);
    pair.nodes[B.index()] = Some(crowd(B, GROUPS_MAX, 2));
    pair.until("B is heard", |pair| pair.echo(B).is_some());
    let took = pair.until("B knows the table of A", |pair| is_whole(pair, B, A));
    assert!(took < KEEPALIVE * 2, "{took:?}");
    let all = beats(pair.node(A), 0).into_iter().chain(beats(pair.node(B), 0));
    let largest = all.map(|beat| beat.text_max()).max().expect("they beat");
    assert!(largest <= BEAT_TEXT_MAX, "{largest}");
}

/// The law: a node that has just started and has heard a part of the table starts nothing that is
/// in the other part.
#[test]
fn node_restarting_starts_no_group_before_table_of_peer_is_whole() {
    for seed in 1..5 {
        let mut pair = pair(GROUPS_MAX);
        let now = pair.now;
        pair.node(A).order(now, Order::Standby(GroupSet::All));
        pair.until("B has everything", |pair| pair.runs(B).len() == GROUPS_MAX);
        // A restarts, as the preferred node of everything, and hears B in pieces.
        pair.end(A);
        pair.pass(DEADTIME * 2);
        let patient = Settings { initdead: INITDEAD * 30, ..crowded(A, GROUPS_MAX) };
        pair.nodes[A.index()] = Some(Node::with(patient, 2));
        let mut random = Random::new(seed);
        let end = pair.now + INITDEAD;
        while pair.now < end {
            pair.cut = random.chance(500);
            pair.step();
            assert!(pair.runs(A).is_empty(), "B is heard and runs everything");
        }
        pair.cut = false;
        pair.until("A knows the table of B", |pair| is_whole(pair, A, B));
        assert!(pair.runs(A).is_empty());
    }
}

#[test]
fn tables_become_whole_despite_lost_beats() {
    for seed in 0..20 {
        let mut pair = pair(60);
        let mut random = Random::new(seed);
        for _ in 0..40 {
            let group = GroupId(u16::try_from(random.below(60)).expect("a small number"));
            lets_go(&mut pair, group);
            for _ in 0..50 {
                pair.cut = random.chance(400);
                pair.step();
            }
        }
        pair.cut = false;
        let took = pair.until("A is known", |pair| is_whole(pair, B, A));
        assert!(took < KEEPALIVE * 3, "{took:?} with seed {seed}");
        pair.until("everything runs", |pair| {
            (0..60).map(GroupId).all(|group| pair.node(A).phase(group) == Phase::Active)
        });
        pair.until("B is known", |pair| is_whole(pair, A, B) && is_whole(pair, B, A));
        for group in (0..60).map(GroupId) {
            assert_eq!(pair.node(B).phase(group), Phase::Active, "as A says");
        }
    }
}

#[test]
fn table_after_removal_of_groups_has_higher_epoch_and_stays_whole() {
    let mut pair = pair(30);
    let before = pair.node(A).cluster.beat().table;
    let now = pair.now;
    for id in [A, B] {
        let node = pair.node(id);
        node.cluster.reconfigure(now, crowded(id, 20)).expect("it can be taken");
    }
    pair.until("A is known whole", |pair| is_whole(pair, B, A));
    pair.until("B is known whole", |pair| is_whole(pair, A, B));
    pair.pass(DEADTIME);
    let after = pair.node(A).cluster.beat().table;
    assert!(after.epoch > before.epoch && after.rows == 20, "{before:?} {after:?}");
    assert!(pair.has_table(B, A));
    assert!(!pair.node(B).has_said(&Event::GroupsDiffer(A)));
}

/// A mark that the rows do not match never makes a table whole: whatever would rest on the table
/// waits.
#[test]
fn peer_with_table_that_mismatches_mark_is_alive_but_not_ready() {
    for mismatches in [false, true] {
        let mut pair = pair(5);
        let (mut outgoing, beat) = {
            let node = pair.node(B);
            let last = node.kept.iter().rev().find(|(_, beat)| beat.is_some());
            last.expect("it beats").clone()
        };
        let mut beat = beat.expect("it is a beat");
        beat.table.digest = beat.table.digest.wrapping_add(u64::from(mismatches));
        outgoing.sequence = outgoing.sequence.map(|sequence| sequence + 1);
        let now = pair.now;
        pair.node(A).hear(now, "beta", 1, &(outgoing, Some(beat)));
        assert!(pair.node(A).cluster.hears(B));
        pair.node(A).order(now, Order::Standby(GroupSet::All));
        pair.node(A).turn(now);
        let refusals = if mismatches { vec![refused(Refusal::RemoteInFlux)] } else { vec![] };
        assert_eq!(pair.node(A).answers, refusals, "{mismatches}");
    }
}

#[test]
fn beat_arriving_late_does_not_change_row() {
    let mut pair = pair(2);
    let row = |pair: &mut Pair| pair.node(B).row(FIRST);
    pair.cut = true;
    lets_go(&mut pair, FIRST);
    pair.pass(KEEPALIVE);
    let sent = pair.node(A).kept.clone();
    let late = sent.iter().rev().find(|(_, beat)| beat.is_some()).expect("it beats").clone();
    pair.cut = false;
    pair.until("it is known", |pair| is_whole(pair, B, A));
    pair.until("it runs again", |pair| pair.node(B).phase(FIRST) == Phase::Active);
    let before = row(&mut pair);
    let now = pair.now;
    pair.node(B).hear(now, "alpha", 1, &late);
    assert_eq!(row(&mut pair), before);
}

#[test]
fn mark_differs_for_tables_that_differ_in_anything_but_time() {
    let claim = Claim {
        group: GroupKey(1),
        owner: A,
        term: 1,
        phase: Phase::Active,
        unable: false,
        failure: None,
        runs_here: false,
    };
    let hold =
        |left| crate::HoldNotice { claim: Some(0), count: 1, by: A, is_release: false, left };
    let moves = |left| crate::Moves { claim: 0, count: 1, level: 1, has_fled: false, left };
    let said = |code, words: &str| {
        let words = Words::new(words);
        crate::Failure::new(Action::Start, 0, Outcome::Failed(code), words)
    };
    let failure = |code| said(code, "");
    let table = |claim: Claim, holds: &[crate::HoldNotice], moved: &[crate::Moves]| {
        let (holds, moves) = (holds.to_vec(), moved.to_vec());
        Mark::of(&Beat { claims: vec![claim], holds, moves, ..Beat::default() })
    };
    let all = [
        table(claim, &[], &[]),
        table(Claim { group: GroupKey(2), ..claim }, &[], &[]),
        table(Claim { owner: B, ..claim }, &[], &[]),
        table(Claim { term: 2, ..claim }, &[], &[]),
        table(Claim { phase: Phase::Stopping, ..claim }, &[], &[]),
        table(Claim { unable: true, ..claim }, &[], &[]),
        table(Claim { failure: Some(failure(1)), ..claim }, &[], &[]),
        table(Claim { failure: Some(failure(2)), ..claim }, &[], &[]),
        table(Claim { failure: Some(said(2, "a")), ..claim }, &[], &[]),
        table(Claim { failure: Some(said(2, "ab")), ..claim }, &[], &[]),
        table(Claim { failure: Some(said(2, "no such device")), ..claim }, &[], &[]),
        table(Claim { failure: Some(said(2, "no such devise")), ..claim }, &[], &[]),
        table(Claim { runs_here: true, ..claim }, &[], &[]),
        table(claim, &[hold(5)], &[]),
        table(claim, &[hold(0)], &[]),
        table(claim, &[crate::HoldNotice { is_release: true, ..hold(5) }], &[]),
        table(claim, &[crate::HoldNotice { count: 2, ..hold(5) }], &[]),
        table(claim, &[], &[moves(5)]),
        table(claim, &[], &[crate::Moves { count: 2, ..moves(5) }]),
        table(claim, &[], &[crate::Moves { has_fled: true, ..moves(5) }]),
        Mark::default(),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().map(|mark| mark.digest).collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(table(claim, &[hold(5)], &[]), table(claim, &[hold(9)], &[]));
    assert_eq!(table(claim, &[], &[moves(5)]), table(claim, &[], &[moves(0)]));
}
