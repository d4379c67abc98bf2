//! A pair of nodes of which one is upgraded before the other.

use super::pair::Pair;
use super::*;
use crate::{Mark, Phase, TableForm};

const LONG: Duration = Duration::from_secs(15);

/// What a node of this version, or of the previous one, reads from a beat.
pub(super) fn read(beat: &Beat, is_former: bool) -> Option<Beat> {
    let mut beat = beat.clone();
    match (beat.form, is_former) {
        (TableForm::Marked | TableForm::Silent, false) => {}
        // A node of the previous version mistakes the sender for a C node.
        (TableForm::Marked, true) => return None,
        (TableForm::Silent, true) => (beat.form, beat.nodes) = (TableForm::Whole, 0),
        (TableForm::Whole, true | false) => {
            beat.echoes.iter_mut().for_each(|echo| echo.known = echo.sequence);
            beat.table = Mark::default();
            beat.table = Mark::of(&beat);
        }
    }
    Some(beat)
}

/// What the node reads from a beat: a sender leaves out the words of failures for a node that says
/// it does not read them.
pub(super) fn read_by(node: &Node, beat: &Beat) -> Option<Beat> {
    let mut beat = read(beat, node.is_former)?;
    if node.cluster.beat().capabilities & Beat::READS_WORDS == 0 {
        let failures = beat.claims.iter_mut().filter_map(|claim| claim.failure.as_mut());
        failures.for_each(|failure| failure.words = Words::NONE);
    }
    Some(beat)
}

/// A node of the previous version.
fn former(id: NodeId, generation: u64) -> Node {
    let mut node = Node::new(id, Failback::Off, generation);
    node.play_version(true, 0);
    node
}

fn settled() -> Pair {
    let mut pair = Pair::of([Some(former(A, 1)), Some(former(B, 1))]);
    pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    pair
}

/// A node of a pair that has been running for a while, with the clock of the pair.
fn started_with(id: NodeId, boot: Boot, make: impl Fn(NodeId, u64) -> Node) -> Node {
    let mut node = make(id, boot.generation);
    let (is_former, capabilities) = (node.is_former, node.cluster.beat().capabilities);
    let settings = Settings { initdead: INITDEAD * 100, ..settings(id, Failback::Off) };
    node.cluster = Cluster::new(settings, boot);
    node.play_version(is_former, capabilities);
    node
}

/// A node's daemon executes another program in its place; its executor holds what it held.
fn replace(pair: &mut Pair, id: NodeId, make: impl Fn(NodeId, u64) -> Node) {
    let before = pair.nodes[id.index()].take().expect("it runs");
    let generation = before.generation + 1;
    let term = |group: &GroupId| (*group, before.term(*group));
    let listed = before.runs.iter().map(term).collect();
    let terms = before.cluster.terms().collect();
    let boot = Boot { terms, listed, ..boot(generation) };
    let mut node = started_with(id, boot, make);
    let now = pair.now;
    node.greet(now, &before.runs, true);
    pair.nodes[id.index()] = Some(node);
}

fn current(id: NodeId, generation: u64) -> Node {
    Node::new(id, Failback::Off, generation)
}

fn nothing_moves(pair: &mut Pair, span: Duration) {
    let end = pair.now + span;
    while pair.now < end {
        pair.step();
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]), "{:?}", pair.now);
    }
    for id in [A, B] {
        for group in [FIRST, SECOND] {
            assert_eq!(pair.node(id).phase(group), Phase::Active, "as {id:?} tells {group:?}");
        }
    }
}

fn form(pair: &mut Pair, id: NodeId) -> TableForm {
    pair.node(id).cluster.beat().form
}

#[test]
fn upgrade_of_both_nodes_in_turn_moves_no_group() {
    for [first, second] in [[A, B], [B, A]] {
        let mut pair = settled();
        replace(&mut pair, first, current);
        nothing_moves(&mut pair, LONG);
        assert_eq!(form(&mut pair, first), TableForm::Whole, "the other one reads nothing else");
        replace(&mut pair, second, current);
        nothing_moves(&mut pair, LONG);
        assert_eq!(
            (form(&mut pair, A), form(&mut pair, B)),
            (TableForm::Marked, TableForm::Marked)
        );
    }
}

#[test]
fn upgrade_taken_back_moves_no_group() {
    let mut pair = settled();
    replace(&mut pair, B, current);
    nothing_moves(&mut pair, LONG);
    replace(&mut pair, B, former);
    nothing_moves(&mut pair, LONG);
}

#[test]
fn takeover_and_hand_over_between_two_versions_leave_one_owner() {
    for [lost, stays] in [[A, B], [B, A]] {
        let mut pair = settled();
        replace(&mut pair, B, current);
        nothing_moves(&mut pair, LONG);
        let generation = pair.node(lost).generation + 1;
        pair.end(lost);
        pair.until("all is taken", |pair| pair.runs(stays) == [FIRST, SECOND]);
        pair.pass(DEADTIME);
        let make = if lost == A { former } else { current };
        let mut back = started_with(lost, boot(generation), make);
        let now = pair.now;
        back.greet(now, &[], true);
        pair.nodes[lost.index()] = Some(back);
        let end = pair.now + LONG;
        while pair.now < end {
            pair.step();
            assert_eq!((pair.runs(stays), pair.runs(lost)), (vec![FIRST, SECOND], vec![]));
        }
        let now = pair.now;
        pair.node(stays).order(now, Order::Standby(GroupSet::All));
        pair.until("all is handed over", |pair| pair.runs(lost) == [FIRST, SECOND]);
        assert_eq!(pair.runs(stays), []);
    }
}

/// As long as no other node was heard, either form may be the wrong one.
#[test]
fn first_beats_before_peer_is_heard_carry_no_table() {
    let mut pair = Pair::new(Failback::Off);
    pair.cut = true;
    pair.pass(KEEPALIVE * 2);
    let said = |pair: &mut Pair, id| -> Vec<_> {
        let kept = pair.node(id).kept.iter().filter_map(|(_, beat)| beat.clone());
        kept.map(|beat| (beat.form, beat.claims.len() + beat.echoes.len())).collect()
    };
    let first = said(&mut pair, A);
    assert!(first.len() > 1 && first.iter().all(|said| *said == (TableForm::Silent, 0)));
    pair.cut = false;
    pair.pass(Duration::from_millis(20));
    assert_eq!((form(&mut pair, A), form(&mut pair, B)), (TableForm::Marked, TableForm::Marked));
    assert!(said(&mut pair, A).iter().all(|said| said.0 != TableForm::Whole));
}

/// A node that hears fewer nodes than the others follows them until it has heard every node.
#[test]
fn table_form_of_starting_node_stays_whole_until_third_node_is_given_up() {
    let three = |me| Settings {
        nodes: NAMES.map(str::to_owned).to_vec(),
        node_order: vec![A, B, NodeId(2)],
        ..settings(me, Failback::Off)
    };
    let mut node = Node::with(three(A), 1);
    let mut other = Node::with(three(B), 1);
    other.play_version(true, other.cluster.beat().capabilities);
    other.turn(at(1));
    let sent = std::mem::take(&mut other.sent);
    let (status, beat) = sent.iter().find(|(_, beat)| beat.is_some()).expect("it beats").clone();
    let beat = read(&beat.expect("it is a beat"), false).expect("it is read");
    assert_ne!(beat.capabilities & Beat::READS_MARKS, 0, "it says so for the third one");
    node.hear(at(2), "beta", 1, &(status, Some(beat)));
    node.turn(at(10));
    assert_eq!(node.cluster.beat().form, TableForm::Whole, "the third one was not heard yet");
    // A node that no node hears is not waited for.
    let mut now = 10;
    while node.cluster.beat().form == TableForm::Whole {
        now += 50;
        assert!(now < 10_000, "it goes on for ever");
        node.turn(at(now));
    }
    assert!(at(now) >= Time::START + DEADTIME);
}

/// A node that reads marks but not the words of failures.
fn wordless(id: NodeId, generation: u64) -> Node {
    let mut node = current(id, generation);
    node.play_version(false, Beat::READS_MARKS);
    node
}

fn outcomes(pair: &mut Pair, id: NodeId) -> Vec<String> {
    let snapshot = pair.node(id).snapshot();
    snapshot.groups[0].failures.iter().map(|failure| failure.outcome.clone()).collect()
}

#[test]
fn peer_not_reading_failure_words_has_whole_table_and_gets_words_on_upgrade() {
    let mut failing = current(A, 1);
    (failing.fails, failing.says) = (Some(FIRST), "no such device");
    let mut pair = Pair::of([Some(failing), Some(wordless(B, 1))]);
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(LONG);
    assert!(pair.has_table(B, A), "it has the whole table");
    assert_eq!(outcomes(&mut pair, A), ["Failed(1) no such device"]);
    assert_eq!(outcomes(&mut pair, B), ["Failed(1) "]);
    replace(&mut pair, B, current);
    pair.pass(LONG);
    assert_eq!(pair.runs(B), [FIRST, SECOND], "nothing moves");
    assert_eq!(outcomes(&mut pair, B), ["Failed(1) no such device"]);
    let known = pair.node(B).said.iter().filter(|event| matches!(event, Event::PeerFailed { .. }));
    assert_eq!(known.count(), 1);
    replace(&mut pair, B, wordless);
    pair.pass(LONG);
    assert!(pair.has_table(B, A), "it has the whole table again");
}
