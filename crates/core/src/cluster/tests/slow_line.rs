//! Nodes that are connected only by a slow line, which can carry all that is sent over it.

use super::pair::Pair;
use super::table_sync::{beats, crowded, is_whole};
use super::*;
use crate::{BEAT_TEXT_MAX, LinkId, ServiceAddresses};
use std::net::IpAddr;

const GROUPS: usize = 200;
/// Bytes per second, which is 40 times what a whole table has.
const SPEED: u32 = 5_000;
/// Bytes of a beat besides its text, on the line: fewer than are reckoned with.
const FRAME: usize = 300;

fn joined_by(links: &[&str], slow: &[(LinkId, u32)]) -> Pair {
    let node = |id| {
        let links = links.iter().map(|link| (*link).to_owned()).collect();
        let settings = Settings { links, slow_links: slow.to_vec(), ..crowded(id, GROUPS) };
        Some(Node::with(settings, 1))
    };
    Pair::of([node(A), node(B)])
}

/// How many bytes a node has sent in beats.
fn sent(pair: &mut Pair, id: NodeId) -> usize {
    beats(pair.node(id), 0).iter().map(|beat| FRAME + beat.text_max()).sum()
}

#[test]
fn slow_line_can_carry_all_beats_and_tables_become_whole() {
    let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), SPEED)]);
    pair.until("everything runs", |pair| pair.runs(A).len() == GROUPS);
    pair.until("A is known", |pair| is_whole(pair, B, A));
    pair.until("B is known", |pair| is_whole(pair, A, B));
    // The beats that may wait for the line.
    let span = pair.now.since(Time::START) + KEEPALIVE;
    let carried = usize::try_from(span.as_millis()).unwrap() * SPEED as usize / 1000;
    for id in [A, B] {
        let sent = sent(&mut pair, id);
        assert!(sent <= carried, "{sent} bytes in {span:?}, which carries {carried}");
    }
}

#[test]
fn beat_on_slow_line_stays_within_share_and_has_room_for_rows() {
    for speed in [1, 100, 1_000, 2_000, SPEED, 100_000] {
        let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), speed)]);
        pair.pass(INITDEAD * 2);
        let all = beats(pair.node(A), 0);
        let longest = all.iter().map(Beat::text_max).max().unwrap();
        let share = usize::try_from(KEEPALIVE.as_millis()).unwrap() * speed as usize / 1000;
        assert!(longest <= share.clamp(400, BEAT_TEXT_MAX), "{longest} bytes at {speed}");
        assert!(all.iter().any(|beat| beat.claims.len() > 1), "{speed}");
    }
}

#[test]
fn slow_line_beside_fast_link_does_not_delay_tables() {
    let mut pair = joined_by(&["eth0", "ttyS0"], &[(LinkId(1), 100)]);
    pair.until("A hears B", |pair| pair.echo(A).is_some());
    let took = pair.until("B knows the table of A", |pair| is_whole(pair, B, A));
    assert!(took < KEEPALIVE * 2, "{took:?}");
    let longest = beats(pair.node(A), 0).iter().map(|beat| beat.claims.len()).max();
    assert!(longest > Some(20), "{longest:?}");
}

/// The bytes of everything that a node has sent.
fn sent_with_requests(pair: &mut Pair, id: NodeId) -> usize {
    const REQUEST: usize = 205;
    let beats = sent(pair, id);
    let node = pair.node(id);
    beats + node.unsequenced * REQUEST + node.resent * FRAME
}

/// Requests for what was lost filled the line, and an order never arrived.
#[test]
fn messages_lost_on_slow_line_are_requested_within_its_speed() {
    let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), SPEED)]);
    pair.until("A is known", |pair| is_whole(pair, B, A));
    let (before, start) = ([A, B].map(|id| sent_with_requests(&mut pair, id)), pair.now);
    let heard = |pair: &mut Pair| pair.node(B).cluster.peer(A).receiver.last();
    // Requests are lost too.
    pair.beats_only = true;
    for _ in 0..40 {
        pair.mute = Some(A);
        pair.pass(KEEPALIVE);
        pair.mute = None;
        let last = heard(&mut pair);
        pair.until("one beat is heard", |pair| heard(pair) > last);
    }
    let is_missing = |pair: &mut Pair| !pair.node(B).cluster.peer(A).receiver.is_complete();
    assert!(is_missing(&mut pair), "messages were lost");
    pair.beats_only = false;
    pair.pass(KEEPALIVE * 20);
    let carried = pair.now.since(start).as_millis() * u128::from(SPEED) / 1000;
    for (id, before) in [A, B].into_iter().zip(before) {
        let sent = sent_with_requests(&mut pair, id) - before;
        assert!(sent as u128 <= carried, "{id:?} sent {sent} bytes, {carried} are carried");
    }
    pair.until("nothing is missing", |pair| !is_missing(pair));
}

#[test]
fn service_network_beside_slow_line_does_not_raise_speed() {
    let mut pair = joined_by(&["ttyS0", crate::SERVICE_LINK], &[(LinkId(0), SPEED)]);
    pair.pass(INITDEAD * 2);
    let sent = sent(&mut pair, A);
    let carried = usize::try_from((INITDEAD * 2 + KEEPALIVE).as_millis()).unwrap() * 5;
    assert!(sent <= carried, "{sent} bytes, {carried} are carried");
}

#[test]
fn addresses_on_service_network_are_told_rarely_beside_slow_line() {
    for (slow, rare) in [(vec![], false), (vec![(LinkId(0), SPEED)], true)] {
        let mut pair = joined_by(&["ttyS0"], &slow);
        let now = pair.now;
        let own: ServiceAddresses = std::iter::once(IpAddr::from([192, 0, 2, 7])).collect();
        pair.node(A).cluster.handle(now, &Input::ServiceAddresses(own));
        pair.until("B knows them", |pair| pair.node(B).cluster.service_targets().eq(own.ips()));
        pair.until("A is known", |pair| is_whole(pair, B, A) && is_whole(pair, A, B));
        pair.pass(KEEPALIVE * 20);
        let since = pair.node(A).kept.len();
        pair.pass(KEEPALIVE * 80);
        let all = beats(pair.node(A), since);
        let told = all.iter().filter(|beat| !beat.service.is_empty()).count();
        assert!(told > 0 && (told < all.len() / 5) == rare, "{told} of {}", all.len());
    }
}

/// Beats that fill the line leave a way for lost messages, and a change of addresses is told at once.
#[test]
fn line_that_beats_alone_fill_still_recovers_lost_messages() {
    let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), 100)]);
    pair.until("A is known", |pair| is_whole(pair, B, A));
    let last = pair.node(B).cluster.peer(A).receiver.last();
    pair.mute = Some(A);
    pair.pass(KEEPALIVE * 3 / 2);
    pair.mute = None;
    let receiver = |pair: &mut Pair| {
        let receiver = &pair.node(B).cluster.peer(A).receiver;
        (receiver.last() > last, receiver.is_complete())
    };
    pair.until("something is missing", |pair| receiver(pair) == (true, false));
    let took = pair.until("nothing is missing", |pair| receiver(pair).1);
    assert!(took < KEEPALIVE * 20, "{took:?}");
}

#[test]
fn addresses_that_change_on_slow_line_are_told_in_the_next_beat() {
    let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), SPEED)]);
    pair.until("A is known", |pair| is_whole(pair, B, A));
    for last in 1..8 {
        let own: ServiceAddresses = std::iter::once(IpAddr::from([192, 0, 2, last])).collect();
        let now = pair.now;
        pair.node(A).cluster.handle(now, &Input::ServiceAddresses(own));
        let took =
            pair.until("B knows", |pair| pair.node(B).cluster.service_targets().eq(own.ips()));
        assert!(took <= KEEPALIVE * 2, "{took:?}");
        pair.pass(KEEPALIVE * 3);
    }
}

/// A node that has started does not believe what it heard before it was heard.
#[test]
fn addresses_are_told_to_node_that_has_started_as_soon_as_it_believes_them() {
    for pause in 0..8 {
        let mut pair = joined_by(&["ttyS0"], &[(LinkId(0), SPEED)]);
        let own: ServiceAddresses = std::iter::once(IpAddr::from([192, 0, 2, 7])).collect();
        let now = pair.now;
        pair.node(A).cluster.handle(now, &Input::ServiceAddresses(own));
        pair.end(B);
        pair.pass(INITDEAD * 2 + KEEPALIVE * pause);
        let settings = Settings { slow_links: vec![(LinkId(0), SPEED)], ..crowded(B, GROUPS) };
        let settings = Settings { links: vec!["ttyS0".to_owned()], ..settings };
        pair.nodes[B.index()] = Some(Node::with(settings, 2));
        pair.until("A is heard", |pair| pair.node(B).cluster.peer(A).answers);
        let took =
            pair.until("B knows", |pair| pair.node(B).cluster.service_targets().eq(own.ips()));
        assert!(took <= KEEPALIVE * 2, "{took:?}");
    }
}
