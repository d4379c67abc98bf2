//! Groups that left because of a fault, the end of the fault, and what a person orders.

use super::pair::Pair;
use super::reload::{OLD, with_groups};
use super::*;
use crate::ProgressStage;

/// Both groups prefer A.
const BOTH: [GroupId; 2] = [FIRST, SECOND];

impl Pair {
    fn plugged(&mut self, id: NodeId, group: GroupId, is_there: bool) {
        let now = self.now;
        self.node(id).cluster.handle(now, &Input::Carrier { group, is_there });
    }

    /// Two nodes with two groups that prefer A.
    fn with_both_at_home(failback: Failback) -> Self {
        let node = |id| {
            let mut settings = settings(id, failback);
            settings.groups[1].preferred = A;
            Some(Node::with(settings, 1))
        };
        let mut pair = Self::of([node(A), node(B)]);
        pair.until("all runs at home", |pair| pair.runs(A) == BOTH);
        pair.pass(Duration::from_secs(1));
        pair
    }

    fn start_anew(&mut self, id: NodeId) {
        let settings = self.node(id).cluster.settings().clone();
        self.end(id);
        let other = NodeId(1 - id.0);
        self.until("the other one has all", |pair| pair.runs(other).len() == 2);
        self.nodes[id.index()] = Some(Node::with(settings, 2));
        self.step();
    }
}

/// The only link goes down and comes back: what was requested meanwhile arrives after that.
#[test]
fn hand_over_request_for_lost_carrier_is_withdrawn_when_carrier_returns() {
    let mut pair = Pair::settled(Failback::On);
    pair.cut = true;
    pair.plugged(A, FIRST, false);
    pair.plugged(B, SECOND, false);
    pair.pass(DEADTIME / 2);
    pair.plugged(A, FIRST, true);
    pair.plugged(B, SECOND, true);
    pair.cut = false;
    let end = pair.now + Duration::from_secs(15);
    pair.until("nothing is touched", |pair| {
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
        pair.now >= end
    });
}

#[test]
fn hand_over_request_of_ipfail_is_withdrawn_when_ping_counts_are_equal_again() {
    let mut pair = Pair::settled(Failback::On);
    pair.answers[0] = false;
    let asked = Event::HandOver(HandOverEvent::Wanted(A, Scope::Set(GroupSet::All)));
    pair.until("it is asked for", |pair| pair.node(A).has_said(&asked));
    // The request is on its way, and nothing gets through for a moment.
    pair.node(A).sent.clear();
    pair.cut = true;
    pair.answers[0] = true;
    pair.pass(DEADTIME / 2);
    pair.cut = false;
    let end = pair.now + Duration::from_secs(15);
    pair.until("nothing is touched", |pair| {
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
        pair.now >= end
    });
}

/// It is too late to withdraw the request: the group moves, and comes home although its giver can
/// run it again meanwhile.
#[test]
fn group_leaving_for_lost_carrier_that_returns_meanwhile_comes_home() {
    let mut pair = Pair::settled(Failback::On);
    pair.node(A).holds_jobs = true;
    pair.plugged(A, FIRST, false);
    pair.until("it stops", |pair| !pair.node(A).held.is_empty());
    pair.plugged(A, FIRST, true);
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("it moved", |pair| pair.runs(B) == BOTH);
    pair.until("it is at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

#[test]
fn group_moved_by_ipfail_comes_home_only_as_failback_allows() {
    let wait = Duration::from_secs(2);
    for failback in [Failback::On, Failback::After(wait), Failback::Manual, Failback::Off] {
        let mut pair = Pair::settled(failback);
        pair.answers[0] = false;
        pair.until("it moved", |pair| pair.runs(B) == BOTH);
        pair.pass(Duration::from_secs(3));
        pair.answers[0] = true;
        match failback {
            Failback::On | Failback::After(_) | Failback::Legacy => {
                pair.until("it is at home", |pair| pair.runs(A) == [FIRST]);
            }
            Failback::Off | Failback::Manual => {
                pair.pass(Duration::from_secs(8));
                assert_eq!(pair.runs(B), BOTH);
            }
        }
    }
}

#[test]
fn group_moved_by_order_stays_until_home_node_is_restarted() {
    for order in [(A, Order::Standby(GroupSet::Local)), (A, Order::StandbyGroup(FIRST))]
        .into_iter()
        .chain([(B, Order::Takeover(GroupSet::Foreign)), (B, Order::TakeoverGroup(FIRST))])
    {
        let mut pair = Pair::settled(Failback::On);
        let now = pair.now;
        pair.node(order.0).order(now, order.1);
        pair.until("it moved", |pair| pair.runs(B) == BOTH);
        // The fact that A sees fewer ping nodes for a while is no reason for the groups to go
        // there.
        pair.pass(Duration::from_secs(3));
        pair.answers[0] = false;
        pair.pass(Duration::from_secs(3));
        pair.answers[0] = true;
        pair.pass(Duration::from_secs(8));
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]), "{order:?}");
        pair.start_anew(A);
        pair.until("it is at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    }
}

/// The daemon of the node that has the group is restarted, and adopts what it has.
fn restart_holder(pair: &mut Pair) {
    let runs = pair.runs(B);
    let now = pair.now;
    let node = pair.node(B);
    let before = &node.cluster;
    let boot = Boot {
        terms: before.terms().collect(),
        kept_by_order: before.kept_by_order().collect(),
        peers: vec![PeerRecord::of(A, 1, 0)],
        listed: runs.iter().map(|group| (*group, 1)).collect(),
        ..boot(2)
    };
    let settings = before.settings().clone();
    let mut after = Node::with(settings.clone(), 2);
    after.cluster = Cluster::new(settings, boot);
    after.greet(now, &runs, true);
    pair.nodes[1] = Some(after);
}

#[test]
fn group_moved_by_order_stays_when_daemon_of_its_holder_is_restarted() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("it moved", |pair| pair.runs(B) == BOTH);
    pair.pass(Duration::from_secs(1));
    restart_holder(&mut pair);
    pair.pass(Duration::from_secs(8));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
    // Both are restarted, A after the daemon that has the group last heard it.
    restart_holder(&mut pair);
    let settings = pair.node(A).cluster.settings().clone();
    pair.nodes[0] = Some(Node::with(settings, 2));
    pair.until("it is at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

/// The daemon of the first group's home is another run: it has this generation, and was started
/// with the generation `started`.
fn replace_home(pair: &mut Pair, generation: u64, started: u64) {
    let before = &pair.node(A).cluster;
    let boot = Boot {
        started,
        terms: before.terms().collect(),
        peers: vec![PeerRecord::of(B, 1, 0)],
        ..boot(generation)
    };
    // The clock of the new node is that of the pair.
    let settings = Settings { initdead: INITDEAD * 100, ..before.settings().clone() };
    let mut after = Node::with(settings.clone(), generation);
    after.cluster = Cluster::new(settings, boot);
    after.greet(pair.now, &[], true);
    pair.nodes[0] = Some(after);
}

#[test]
fn group_moved_by_order_stays_when_daemon_of_its_home_re_executes() {
    for order in [(A, Order::Standby(GroupSet::Local)), (B, Order::TakeoverGroup(FIRST))] {
        let mut pair = Pair::settled(Failback::On);
        let now = pair.now;
        pair.node(order.0).order(now, order.1);
        pair.until("it moved", |pair| pair.runs(B) == BOTH);
        pair.pass(Duration::from_secs(1));
        for generation in [7, 9] {
            replace_home(&mut pair, generation, 1);
            pair.pass(Duration::from_secs(8));
            assert!(pair.node(B).has_said(&Event::PeerRestarted(A)));
            assert_eq!((pair.runs(A), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
        }
        // The daemon was restarted, and has executed itself before it was heard.
        replace_home(&mut pair, 12, 11);
        pair.until("it is at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    }
}

#[test]
fn group_moved_for_lost_carrier_comes_home_despite_restart_of_its_holder() {
    let mut pair = Pair::settled(Failback::On);
    pair.plugged(A, FIRST, false);
    pair.until("it moved", |pair| pair.runs(B) == BOTH);
    pair.pass(Duration::from_secs(1));
    restart_holder(&mut pair);
    pair.pass(Duration::from_secs(5));
    pair.plugged(A, FIRST, true);
    pair.until("it is at home", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

#[test]
fn refused_group_does_not_keep_other_groups_from_moving() {
    // Because of a lost carrier.
    let mut pair = Pair::with_both_at_home(Failback::Off);
    pair.node(B).misses = Some(FIRST);
    for group in BOTH {
        pair.plugged(A, group, false);
    }
    pair.until("the other one leaves", |pair| pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [FIRST]);
    pair.node(B).misses = None;
    let took = pair.until("it is tried again", |pair| pair.runs(B) == BOTH);
    assert!(took < Duration::from_secs(12), "{took:?}");
    // Because of ping nodes.
    let mut pair = Pair::with_both_at_home(Failback::Off);
    pair.node(B).misses = Some(FIRST);
    pair.answers[0] = false;
    pair.until("the other one leaves", |pair| pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [FIRST]);
    pair.node(B).misses = None;
    let took = pair.until("it is tried again", |pair| pair.runs(B) == BOTH);
    assert!(took < Duration::from_secs(22), "{took:?}");
    // Because of failback.
    let mut pair = Pair::with_both_at_home(Failback::On);
    pair.start_anew(A);
    pair.node(A).misses = Some(FIRST);
    pair.until("the other one is at home", |pair| pair.runs(A) == [SECOND]);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(B), [FIRST]);
    pair.node(A).misses = None;
    pair.until("it is at home", |pair| pair.runs(A) == BOTH);
}

#[test]
fn group_refused_repeatedly_is_offered_at_growing_intervals() {
    let mut pair = Pair::with_both_at_home(Failback::Off);
    pair.node(B).misses = Some(FIRST);
    pair.plugged(A, FIRST, false);
    let refused = Event::HandOver(HandOverEvent::Declined(B, Refusal::AgentMissing));
    let mut waits = Vec::new();
    for _ in 0..3 {
        pair.node(A).said.clear();
        let wait = pair.until("it is refused", |pair| pair.node(A).has_said(&refused));
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [0, 10, 20]);
    // The basis of the refusal changes: the group is offered at once.
    pair.node(A).said.clear();
    let settings = pair.node(B).cluster.settings().clone();
    pair.node(B).misses = None;
    pair.end(B);
    pair.until("it is dead", |pair| pair.node(A).counts_dead(B));
    pair.nodes[1] = Some(Node::with(settings, 2));
    pair.until("it moves", |pair| pair.runs(B) == [FIRST]);
}

/// A whole set was requested, and has come to include a group that must stay.
#[test]
fn hand_over_home_of_group_without_failback_is_ended() {
    const THIRD: GroupId = GroupId(2);
    let of = |id| {
        let mut settings = with_groups(id, Failback::On, &[OLD[0], OLD[1], (A, &["third"])]);
        settings.group_failback = vec![(THIRD, Failback::Off)];
        settings
    };
    let mut pair = Pair::of([A, B].map(|id| Some(Node::with(of(id), 1))));
    pair.until("all runs", |pair| pair.runs(A).len() == 2 && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    // A loses the first group and gets it back, but what B says does not get through.
    pair.plugged(A, FIRST, false);
    pair.until("B has it", |pair| pair.runs(B) == BOTH);
    pair.pass(Duration::from_secs(1));
    pair.node(B).said.clear();
    pair.beats_only = true;
    pair.plugged(A, FIRST, true);
    let asked = (ProgressStage::Asked, Scope::Set(GroupSet::Foreign));
    let last = |pair: &mut Pair| pair.node(B).progress().last().map(|it| (it.stage, it.scope));
    pair.until("it is asked for", |pair| last(pair) == Some(asked));
    assert!(pair.node(B).hands_over());
    // Then the third group fails on A.
    pair.node(A).fails = Some(THIRD);
    pair.node(A).runs.retain(|group| *group != THIRD);
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::LetGo(THIRD));
    pair.until("B takes it", |pair| pair.node(B).owner(THIRD) == Some(B));
    pair.step();
    assert!(!pair.node(B).hands_over());
    let ended = ProgressStage::Ended(Refusal::Withdrawn);
    assert_eq!(last(&mut pair), Some((ended, asked.1)));
    pair.beats_only = false;
    pair.until("the first one goes home", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND, THIRD]));
}

/// B has listened for half a second when it stands still, and the link to A comes up a moment after
/// that.
#[test]
fn pause_of_starting_node_does_not_count_towards_initdead() {
    let mut pair = Pair::settled(Failback::Off);
    pair.end(B);
    pair.until("A has all", |pair| pair.runs(A).len() == 2);
    pair.cut = true;
    let initdead = pair.now.since(Time::START) + Duration::from_secs(10);
    pair.nodes[1] = Some(Node::with(Settings { initdead, ..settings(B, Failback::Off) }, 2));
    pair.pass(Duration::from_millis(500));
    pair.stand_still(B, Duration::from_secs(10), false);
    pair.pass(Duration::from_millis(500));
    pair.cut = false;
    pair.pass(Duration::from_secs(1));
    assert!(!pair.node(B).counts_dead(A), "it has listened for a second of ten");
}

/// A stood still, B has taken everything, and A stops its own group, which takes its time.
#[test]
fn failback_waits_until_preferred_node_has_stopped_its_lost_group() {
    let mut pair = Pair::settled(Failback::On);
    pair.node(A).holds_jobs = true;
    pair.stand_still(A, Duration::from_secs(5), false);
    pair.pass(Duration::from_secs(5));
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("A has its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    let is_refusal =
        |event: &&Event| matches!(event, Event::HandOver(HandOverEvent::Refused { .. }));
    let refusals: Vec<_> = pair.node(A).said.iter().filter(is_refusal).collect();
    assert_eq!(refusals, [] as [&Event; 0]);
}

/// B has A's group when A returns, and loses and starts its own group again meanwhile.
#[test]
fn delayed_failback_is_not_delayed_again_by_other_group_of_its_giver() {
    const WAIT: Duration = Duration::from_secs(20);
    let mut pair = Pair::settled(Failback::After(WAIT));
    pair.end(A);
    pair.until("B has all", |pair| pair.runs(B) == BOTH);
    pair.pass(Duration::from_secs(5));
    pair.nodes[A.index()] = Some(Node::new(A, Failback::After(WAIT), 2));
    pair.until("A is back", |pair| pair.node(A).cluster.status() == NodeStatus::Active);
    pair.pass(WAIT / 2);
    let now = pair.now;
    pair.node(B).runs.retain(|group| *group != SECOND);
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    pair.until("B has its group again", |pair| pair.runs(B) == BOTH);
    let took = pair.until("A has its group", |pair| pair.runs(A).contains(&FIRST));
    assert!(took < WAIT / 2 + Duration::from_secs(5), "{took:?} after half of the time");
}
