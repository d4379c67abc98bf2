use super::*;
use std::net::Ipv4Addr;
use systole_wire::FieldError;

const LINK: LinkId = LinkId(1);
const BETA: NodeId = NodeId(1);

#[expect(clippy::unnecessary_wraps, reason = "a source is an option wherever it is used")]
fn address(number: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

#[test]
fn every_drop_cause_has_its_place_and_distinct_words() {
    let words: std::collections::BTreeSet<_> =
        Cause::ALL.iter().map(|cause| cause.words()).collect();
    assert_eq!(words.len(), CAUSES);
    for (place, cause) in Cause::ALL.into_iter().enumerate() {
        assert_eq!(cause as usize, place);
    }
    assert_eq!(Cause::from(DecodeError::Field(FieldError::Name)), Cause::Field);
}

#[test]
fn drops_of_node_are_counted_apart_from_flood_of_forged_sources() {
    let mut drops = Drops::new(Some(BETA));
    drops.learn(LINK, BETA, address(2));
    for number in 100..10_000 {
        drops.note(LINK, address(number), Cause::Malformed);
    }
    drops.note(LINK, address(2), Cause::Signature);
    drops.note(LinkId(0), address(2), Cause::Signature);
    let told = drops.take(|_| false);
    assert!(drops.is_empty());
    assert_eq!(told.iter().map(Dropped::count).sum::<u64>(), 9_902);
    let of_beta: Vec<_> = told.iter().filter(|dropped| dropped.origin.node == Some(BETA)).collect();
    assert_eq!(of_beta.len(), 1, "on another link it is a stranger's address");
    assert_eq!(of_beta[0].causes().collect::<Vec<_>>(), [(Cause::Signature, 1)]);
    assert_eq!(told.len(), 1 + OF_OTHERS + 2);
    let further = told.iter().find(|dropped| {
        dropped.origin == Origin { entrance: Entrance::Link(LINK), source: None, node: None }
    });
    assert_eq!(further.map(Dropped::count), Some(9_900 - OF_OTHERS as u64));
}

#[test]
fn drop_without_source_address_is_attributed_to_only_peer() {
    let mut drops = Drops::new(Some(BETA));
    drops.note(LINK, None, Cause::Signature);
    let told = drops.take(|_| false);
    assert_eq!(told[0].origin.node, Some(BETA));
    let mut drops = Drops::new(None);
    drops.note(LINK, None, Cause::Signature);
    assert_eq!(drops.take(|_| false)[0].origin.node, None);
}

#[test]
fn stranger_is_recorded_by_its_signed_name_cut_to_bound() {
    let mut drops = Drops::new(None);
    let long = "ä".repeat(200);
    drops.record_stranger(LINK, address(7), "gamma");
    drops.record_stranger(LINK, address(8), &long);
    let told = drops.take(|_| false);
    assert_eq!(told[0].stranger.text(), "gamma");
    assert_eq!(told[1].stranger.text(), "ä".repeat(NAME_MAX / 2));
}
