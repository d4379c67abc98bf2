//! Two nodes, one of which loses its ping node.

use super::pair::Pair;
use super::*;
use crate::PingVerdict;

const ALL: [GroupId; 2] = [FIRST, SECOND];

#[test]
fn node_seeing_fewer_ping_nodes_gives_all_groups_away() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, true];
    pair.until("all moved", |pair| pair.runs(A).is_empty() && pair.runs(B) == ALL);
    assert!(pair.node(B).has_said(&Event::Ipfail(IpfailEvent::TellingMore)));
    pair.answers = [true, true];
    pair.until("counts are equal again: groups go home", |pair| pair.runs(A) == [FIRST]);
}

#[test]
fn group_moved_by_ipfail_stays_when_taker_loses_ping_node_too() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, true];
    pair.until("all moved", |pair| pair.runs(A).is_empty() && pair.runs(B) == ALL);
    pair.answers = [false, false];
    pair.node(B).said.clear();
    pair.pass(Duration::from_secs(10));
    let is_wish = |event: &Event| matches!(event, Event::HandOver(HandOverEvent::Wanted(..)));
    assert!(!pair.node(B).said.iter().any(is_wish), "{:?}", pair.node(B).said);
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], ALL.to_vec()));
    pair.answers = [true, true];
    pair.until("it goes home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

/// B loses its network a moment after A, while A's groups are on their way to B.
#[test]
fn group_being_moved_by_ipfail_stays_at_taker_that_loses_ping_node_meanwhile() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, true];
    pair.node(A).holds_jobs = true;
    pair.until("A stops it", |pair| !pair.node(A).held.is_empty());
    pair.answers = [false, false];
    pair.pass(DEADTIME * 3);
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("B has it", |pair| pair.runs(B) == ALL);
    pair.node(B).said.clear();
    pair.pass(Duration::from_secs(10));
    assert_eq!(pair.runs(B), ALL);
    let is_wish = |event: &Event| matches!(event, Event::HandOver(HandOverEvent::Wanted(..)));
    assert!(!pair.node(B).said.iter().any(is_wish), "{:?}", pair.node(B).said);
}

#[test]
fn failback_proceeds_when_no_node_sees_ping_node() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, false];
    pair.end(A);
    pair.until("B has taken all", |pair| pair.runs(B) == ALL);
    pair.pass(Duration::from_secs(2));
    pair.nodes[0] = Some(Node::new(A, Failback::On, 2));
    pair.until("it goes home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

#[test]
fn groups_stay_when_no_node_sees_ping_node() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, false];
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    // The ping node is back on one node a moment earlier than on the other.
    pair.answers = [false, true];
    pair.pass(KEEPALIVE);
    pair.answers = [true, true];
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    assert!(!pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Expired)));
}

#[test]
fn ping_node_flapping_on_one_node_moves_groups_once() {
    let mut pair = Pair::settled(Failback::On);
    for _ in 0..10 {
        pair.answers = [false, true];
        pair.pass(DEADTIME * 2);
        pair.answers = [true, true];
        pair.pass(KEEPALIVE);
    }
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], ALL.to_vec()));
    let moves = |event: &&Event| matches!(event, Event::Ownership { phase: Phase::Starting, .. });
    assert_eq!(pair.node(B).said.iter().filter(moves).count(), 2, "its own, and the other");
}

#[test]
fn ping_node_answering_again_in_time_moves_no_group() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, true];
    pair.until("lost", |pair| pair.node(A).has_said(&Event::PingDead(PingId(0))));
    pair.answers = [true, true];
    pair.pass(Duration::from_secs(5));
    assert!(pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Rising)));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
}

#[test]
fn ping_loss_during_hand_over_is_acted_on_after_hand_over() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("B has let go", |pair| pair.runs(B).is_empty());
    pair.node(A).holds_jobs = true;
    pair.answers = [false, true];
    pair.until("A was told", |pair| pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Expired)));
    assert_eq!(pair.runs(A), [FIRST], "it still starts the second");
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("all moved", |pair| pair.runs(A).is_empty() && pair.runs(B) == ALL);
}

#[test]
fn ipfail_moves_no_group_when_ping_count_of_taker_has_fallen_meanwhile() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers = [false, true];
    pair.pass(Duration::from_millis(100));
    pair.answers = [false, false];
    // B's messages about its count get lost; its beats report the count as well.
    let mute = |pair: &mut Pair| {
        let says = |sent: &(Outgoing, Option<Beat>)| {
            matches!(sent.0.message, Message::PingCount { .. } | Message::AbortGiveup)
        };
        pair.node(B).sent.retain(|sent| !says(sent));
    };
    let verdict = |pair: &mut Pair, wanted| {
        pair.node(A)
            .said
            .iter()
            .any(|event| matches!(event, Event::PingsCounted(counts) if counts.verdict == wanted))
    };
    pair.until("it is decided", |pair| {
        mute(pair);
        verdict(pair, PingVerdict::ToldToGiveUp)
    });
    let end = pair.now + Duration::from_secs(3);
    pair.until("nothing moves", |pair| {
        mute(pair);
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
        pair.now >= end
    });
    assert!(verdict(&mut pair, PingVerdict::Stays));
    assert!(!pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Expired)));
}

/// A no longer sees the gateway while something on A is being started; when that is done the
/// standby is reconsidered.
#[test]
fn ping_loss_while_node_is_busy_moves_groups_once_jobs_are_done() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).holds_jobs = true;
    pair.node(A).runs.clear();
    pair.node(A).cluster.handle(now, &Input::LetGo(FIRST));
    pair.until("A stops what is left", |pair| !pair.node(A).held.is_empty());
    pair.answers[0] = false;
    pair.pass(Duration::from_secs(5));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("what has no network here goes", |pair| pair.runs(B) == [FIRST, SECOND]);
}

/// A has lost its network and asks B, which has just begun something and refuses; or B does not
/// answer, because it is deaf for a while but not dead.
#[test]
fn ipfail_asks_taker_again_after_temporary_refusal() {
    for is_refused in [false, true] {
        let mut pair = Pair::settled(Failback::Off);
        pair.answers = [false, true];
        pair.until("A asks", |pair| pair.node(A).hands_over());
        let now = pair.now;
        if is_refused {
            pair.node(B).holds_jobs = true;
            pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
        }
        pair.pass(Duration::from_secs(2));
        let now = pair.now;
        pair.node(B).finish_jobs(now);
        pair.until("all leave who sees no network", |pair| pair.runs(A).is_empty());
    }
}

/// B, which A asks, is not heard for longer than an answer is awaited, but is not dead.
#[test]
fn ipfail_asks_taker_again_after_missing_answer() {
    let mut pair = Pair::settled_with(|settings| {
        settings.deadtime = Duration::from_secs(30);
        settings.warntime = Duration::from_secs(15);
        settings.initdead = Duration::from_mins(1);
    });
    pair.answers = [false, true];
    pair.until("A asks", |pair| pair.node(A).hands_over());
    pair.mute = Some(B);
    pair.pass(Duration::from_secs(12));
    pair.mute = None;
    assert!(!pair.node(A).counts_dead(B));
    pair.until("all leave who sees no network", |pair| pair.runs(A).is_empty());
}
