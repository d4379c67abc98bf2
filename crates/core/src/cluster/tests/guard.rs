//! The network is asked before a group of a node that is not heard is taken.

use super::pair::Pair;
use super::*;
use crate::{AddressSpec, AnswerNews, Guard, Mac, ServiceAddresses};
use std::net::IpAddr;

const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 0xfe]);

fn mac(node: NodeId) -> Mac {
    Mac([2, 0, 0, 0, 0, node.0])
}

/// Two nodes with an address in each group. They have told each other where they can be reached, if they
/// know.
fn pair(guard: Guard, knows: bool) -> Pair {
    let node = |id: NodeId| {
        let mut settings = Settings { guard, ..settings(id, Failback::Off) };
        for (group, last) in settings.groups.iter_mut().zip(1..) {
            let address = [192, 0, 2, last].into();
            let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
            let kind = ResourceKind::Address(spec);
            group.resources.insert(0, Resource { word: address.to_string(), kind });
        }
        let mut node = Node::with(settings, 1);
        if knows {
            let mut own = ServiceAddresses::NONE;
            assert!(own.add([192, 0, 2, 100 + id.0].into()) && own.add_mac(mac(id)));
            node.cluster.handle(Time::START, &Input::ServiceAddresses(own));
        }
        Some(node)
    };
    let mut pair = Pair::of([node(A), node(B)]);
    pair.until("both run", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(DEADTIME);
    pair
}

/// Lets time pass; a machine answers the questions of A about groups, after a millisecond.
fn answered_by(pair: &mut Pair, machine: Option<Mac>, span: Duration) {
    let end = pair.now + span;
    while pair.now < end {
        let asked = std::mem::take(&mut pair.node(A).asked);
        pair.step();
        let now = pair.now;
        for group in asked {
            if let Some(mac) = machine {
                pair.node(A).cluster.handle(now, &Input::Answered { group, mac });
            }
        }
    }
}

fn takes_within(pair: &mut Pair, span: Duration) -> bool {
    let end = pair.now + span;
    while pair.now < end && pair.runs(A).len() < 2 {
        pair.step();
    }
    pair.runs(A).len() == 2
}

/// What A has reported of the machine of B.
fn news(pair: &mut Pair) -> Vec<AnswerNews> {
    let said = pair.node(A).said.iter();
    said.filter_map(|event| {
        let Event::AddressAnswers { group, mac: from, node, news } = event else { return None };
        assert_eq!((*group, *from, *node), (SECOND, mac(B), Some(B)));
        Some(*news)
    })
    .collect()
}

/// B's machine answers for the address of its group, but its daemon is not heard.
fn silent(guard: Guard) -> Pair {
    let mut pair = pair(guard, true);
    pair.cut = true;
    answered_by(&mut pair, Some(mac(B)), DEADTIME * 4);
    pair
}

#[test]
fn group_of_silent_node_whose_machine_answers_is_not_taken_until_it_stops_answering() {
    let mut pair = silent(Guard::Strict);
    assert_eq!(pair.runs(A), [FIRST]);
    let report = pair.node(A).snapshot().groups.swap_remove(SECOND.index());
    assert_eq!(report.obstacles, [Obstacle::Guarded]);
    let guard = report.guard.expect("it says who answers");
    assert_eq!((guard.mac, guard.node.as_deref()), (mac(B).to_string(), Some("beta")));
    let is_news = |event: &&Event| matches!(event, Event::AddressAnswers { node: Some(B), .. });
    assert_eq!(pair.node(A).said.iter().filter(is_news).count(), 1, "it is told once");
    let waits = |event: &Event| {
        matches!(event, Event::NotTaken { group: SECOND, obstacle: Obstacle::Guarded, .. })
    };
    assert!(pair.node(A).said.iter().any(waits));
    assert!(
        takes_within(&mut pair, Duration::from_secs(1)),
        "three questions, and one that was asked"
    );
    assert_eq!(news(&mut pair), [AnswerNews::Answers, AnswerNews::Silent]);
}

#[test]
fn takeover_order_for_group_whose_machine_answers_is_refused_with_that_reason() {
    let mut pair = silent(Guard::Strict);
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::All));
    answered_by(&mut pair, Some(mac(B)), KEEPALIVE);
    assert_eq!(pair.node(A).answers, [refused(Refusal::Guarded)]);
    assert_eq!(pair.runs(A), [FIRST]);
}

#[test]
fn group_of_dead_machine_is_taken_at_its_dead_time() {
    let mut pair = pair(Guard::Strict, true);
    pair.end(B);
    let took = pair.until("A has taken it", |pair| pair.runs(A).len() == 2);
    assert!(took <= DEADTIME + KEEPALIVE, "{took:?}");
    let dead = |event: &Event| matches!(event, Event::PeerDead(B, _));
    assert!(pair.node(A).said.iter().any(dead));
}

#[test]
fn group_is_not_asked_about_while_its_owner_is_heard_or_has_left_or_without_guard() {
    let mut heard = pair(Guard::Strict, true);
    heard.node(A).asked.clear();
    heard.pass(DEADTIME * 4);
    assert_eq!(heard.node(A).asked, []);
    let now = heard.now;
    heard.node(B).order(now, Order::Stop);
    heard.until("A has taken it", |pair| pair.runs(A).len() == 2);
    assert_eq!(heard.node(A).asked, []);
    let mut off = silent(Guard::Off);
    assert_eq!(off.node(A).asked, []);
    assert_eq!(off.runs(A).len(), 2);
}

#[test]
fn group_is_taken_after_time_limit_of_guard_although_machine_answers() {
    let limit = Duration::from_secs(4);
    let mut pair = silent(Guard::After(limit));
    assert_eq!(pair.runs(A), [FIRST]);
    answered_by(&mut pair, Some(mac(B)), limit);
    assert_eq!(pair.runs(A).len(), 2);
    assert_eq!(news(&mut pair), [AnswerNews::Answers, AnswerNews::Limit]);
}

#[test]
fn group_is_taken_when_its_owner_is_confirmed_dead_although_machine_answers() {
    let mut pair = silent(Guard::Strict);
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
    answered_by(&mut pair, Some(mac(B)), KEEPALIVE);
    assert_eq!(pair.runs(A).len(), 2);
    // When it is heard again, it is a node like any other.
    pair.cut = false;
    pair.pass(DEADTIME * 4);
    assert!(!pair.node(A).cluster.is_certainly_dead(B));
}

#[test]
fn machine_that_is_no_node_counts_only_while_ethernet_addresses_of_nodes_are_unknown() {
    for knows in [true, false] {
        let mut pair = pair(Guard::Strict, knows);
        pair.end(B);
        answered_by(&mut pair, Some(ROUTER), DEADTIME * 4);
        assert_eq!(pair.runs(A).len() == 2, knows);
    }
}

#[test]
fn start_of_earlier_daemon_waits_while_another_machine_answers() {
    let mut pair = pair(Guard::Strict, true);
    pair.end(B);
    pair.until("A has taken it", |pair| pair.runs(A).len() == 2);
    let mut settings = pair.node(A).cluster.settings().clone();
    settings.initdead = DEADTIME;
    let terms: Vec<_> = pair.node(A).cluster.terms().collect();
    let peers = vec![PeerRecord {
        service: [IpAddr::from([192, 0, 2, 101])].into_iter().collect(),
        ..PeerRecord::of(B, 1, 1)
    }];
    let listed = vec![(SECOND, 2)];
    let mut node = Node::with(settings.clone(), 2);
    node.cluster = Cluster::new(settings, Boot { terms, peers, listed, ..boot(2) });
    pair = Pair::of([Some(node), None]);
    pair.node(A).greet(Time::START, &[], false);
    answered_by(&mut pair, Some(mac(B)), DEADTIME * 6);
    assert_eq!(pair.runs(A), [], "any machine may be the other node");
    assert!(takes_within(&mut pair, Duration::from_secs(1)));
}

#[test]
fn machine_that_stands_still_for_less_than_a_dead_time_keeps_its_group() {
    let mut pair = silent(Guard::Strict);
    answered_by(&mut pair, None, DEADTIME * 4 / 5);
    answered_by(&mut pair, Some(mac(B)), DEADTIME * 2);
    assert_eq!(pair.runs(A), [FIRST]);
}

#[test]
fn question_that_cannot_be_asked_is_no_silence() {
    let mut pair = pair(Guard::Strict, true);
    pair.end(B);
    let end = pair.now + DEADTIME * 4;
    while pair.now < end {
        pair.step();
        let now = pair.now;
        for group in std::mem::take(&mut pair.node(A).asked) {
            pair.node(A).cluster.handle(now, &Input::NotAsked(group));
        }
    }
    assert_eq!(pair.runs(A), [FIRST]);
    assert!(takes_within(&mut pair, Duration::from_secs(1)));
}

#[test]
fn takeover_is_announced_when_the_guard_lifts() {
    let mut pair = silent(Guard::Strict);
    let begins = |event: &Event| matches!(event, Event::TakeoverBegins(B));
    assert!(!pair.node(A).said.iter().any(begins));
    assert!(takes_within(&mut pair, Duration::from_secs(2)));
    assert!(pair.node(A).said.iter().any(begins));
}

#[test]
fn group_without_address_waits_for_the_others_of_its_owner() {
    let mut pair = Pair::settled_with(|settings| {
        settings.guard = Guard::Strict;
        let spec = AddressSpec {
            address: [192, 0, 2, 1].into(),
            prefix: None,
            interface: None,
            broadcast: None,
        };
        let word = spec.address.to_string();
        let address = Resource { word, kind: ResourceKind::Address(spec) };
        settings.groups[0].resources.insert(0, address);
    });
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("B has both", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(DEADTIME);
    pair.cut = true;
    answered_by(&mut pair, Some(ROUTER), DEADTIME * 4);
    assert_eq!(pair.runs(A), [], "the machine may run both");
    answered_by(&mut pair, None, DEADTIME * 2);
    assert_eq!(pair.runs(A), [FIRST, SECOND]);
}

#[test]
fn addresses_on_service_network_are_told_stored_and_used() {
    let mut pair = pair(Guard::Strict, true);
    let stored = pair.node(A).stored.expect("it is stored");
    assert!(
        stored.service.ips().eq([IpAddr::from([192, 0, 2, 101])])
            && stored.service.macs().eq([mac(B)])
    );
    assert!(pair.node(A).cluster.service_targets().eq(stored.service.ips()));
    assert!(!pair.node(A).cluster.seeks_on_service_network());
    let settings = pair.node(A).cluster.settings().clone();
    let fresh = Cluster::new(settings.clone(), boot(2));
    assert!(fresh.seeks_on_service_network() && fresh.service_targets().next().is_none());
    let peers = vec![stored];
    let recalled = Cluster::new(settings, Boot { peers, ..boot(2) });
    assert!(recalled.seeks_on_service_network(), "it may have other addresses by now");
    assert!(recalled.service_targets().eq(stored.service.ips()));
}

/// A node that is cut off stands still for longer than a dead time; the other node takes its group meanwhile.
#[test]
fn node_continuing_after_pause_while_cut_off_asks_before_it_takes_its_group_again() {
    for executor_first in [false, true] {
        let mut pair = pair(Guard::Strict, true);
        pair.cut = true;
        answered_by(&mut pair, Some(mac(B)), DEADTIME * 4);
        pair.node(A).asked.clear();
        pair.stand_still(A, DEADTIME * 3, executor_first);
        answered_by(&mut pair, Some(mac(B)), DEADTIME * 4);
        assert_eq!(pair.runs(A), [], "{executor_first}");
        answered_by(&mut pair, None, DEADTIME * 4);
        assert_eq!(pair.runs(A).len(), 2, "{executor_first}");
    }
}

#[test]
fn machine_that_is_no_node_and_answers_is_reported_once_when_group_is_taken() {
    let mut pair = pair(Guard::Strict, true);
    pair.end(B);
    answered_by(&mut pair, Some(ROUTER), DEADTIME * 4);
    assert_eq!(pair.runs(A).len(), 2);
    let reports = pair.node(A).said.iter().filter_map(|event| {
        let Event::AddressAnswers { group, mac, node, news } = event else { return None };
        Some((*group, *mac, *node, *news))
    });
    assert_eq!(reports.collect::<Vec<_>>(), [(SECOND, ROUTER, None, AnswerNews::NoNode)]);
}

#[test]
fn machine_that_is_no_node_is_not_reported_when_beat_is_late_or_group_is_given_away() {
    let mut pair = pair(Guard::Strict, true);
    pair.cut = true;
    answered_by(&mut pair, Some(ROUTER), KEEPALIVE * 2);
    pair.cut = false;
    answered_by(&mut pair, Some(ROUTER), DEADTIME * 4);
    let now = pair.now;
    pair.node(B).order(now, Order::Stop);
    answered_by(&mut pair, Some(ROUTER), DEADTIME * 4);
    assert_eq!(pair.runs(A).len(), 2);
    let is_report = |event: &Event| matches!(event, Event::AddressAnswers { .. });
    assert!(!pair.node(A).said.iter().any(is_report));
}
