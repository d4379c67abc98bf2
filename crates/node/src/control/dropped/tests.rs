use super::*;
use crate::beat::drops::Entrance;
use crate::log::Level;
use crate::state::tests::settings;
use std::net::{IpAddr, Ipv4Addr};
use systole_core::LinkId;

const WEB1: NodeId = NodeId(0);
const AT: fn(u64) -> Duration = Duration::from_secs;

#[expect(clippy::unnecessary_wraps, reason = "a source is an option wherever it is used")]
fn address(number: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

fn dropped(source: Option<IpAddr>, node: Option<NodeId>, cause: Cause, count: u64) -> Dropped {
    let origin = Origin { entrance: Entrance::Link(LinkId(0)), source, node };
    let mut dropped = Dropped::none_of(origin);
    dropped.counts[cause as usize] = count;
    dropped
}

/// Creates a table that already has the answer of the name service.
fn table(known: &[(u32, NodeId)]) -> DroppedTable {
    let known = known.iter().filter_map(|(number, node)| Some((address(*number)?, *node)));
    let mut table = DroppedTable { entries: Vec::new(), names: Names::answered(known.collect()) };
    assert!(table.tick(&settings(), AT(0)).is_empty());
    table
}

fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn node_with_another_key_is_reported_at_once_then_at_growing_intervals() {
    let (settings, mut table) = (settings(), table(&[]));
    let mut told = Vec::new();
    for second in 1..=10_000 {
        table.note(&settings, &[dropped(address(2), Some(WEB1), Cause::Signature, 5)], AT(second));
        let lines = table.tick(&settings, AT(second));
        told.extend(lines.into_iter().map(|line| (second, line)));
    }
    let seconds: Vec<u64> = told.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [1, 61, 361, 1861, 9361]);
    let (_, first) = &told[0];
    assert_eq!(first.level, Level::Error);
    assert_eq!(
        first.text,
        "web1 signs with another key: 5 bad packet(s) dropped from web1 (10.0.0.2) on eth0: wrong \
         signature (5). Compare authkeys on both nodes."
    );
    let (_, second) = &told[1];
    assert!(second.text.contains("300 bad packet(s)"), "{}", second.text);
    assert!(second.text.contains("; 305 in 60 s"), "{}", second.text);
    let report = &table.report(&settings, AT(10_002))[0];
    assert_eq!((report.node.as_deref(), report.other_key), (Some("web1"), true));
    assert_eq!((report.count, report.first_ms, report.last_ms), (50_000, 10_001_000, 2000));
    assert_eq!(report.causes["wrong signature"], 50_000);
}

#[test]
fn heard_node_with_another_key_is_reported_as_warning() {
    let (settings, mut table) = (settings(), table(&[]));
    let mut shown = dropped(address(2), Some(WEB1), Cause::UnknownKey, 1);
    shown.is_heard = true;
    table.note(&settings, &[shown], AT(1));
    let lines = table.tick(&settings, AT(1));
    let text = "1 bad packet(s) dropped from web1 (10.0.0.2) on eth0: unknown key id (1). It is \
                heard with our key too: its keys are being renewed, or somebody forges its address.";
    assert_eq!((lines[0].level, lines[0].text.as_str()), (Level::Warning, text));
    assert!(table.report(&settings, AT(1))[0].heard);
    table.note(&settings, &[shown], AT(2));
    assert!(table.tick(&settings, AT(2)).is_empty());
    table.note(&settings, &[Dropped { is_heard: false, ..shown }], AT(3));
    let told = texts(table.tick(&settings, AT(3)));
    assert!(told[0].starts_with("web1 signs with another key: 2 bad packet(s)"), "{told:?}");
}

#[test]
fn flood_of_forged_sources_has_bounded_lines_and_hides_no_node() {
    let (settings, mut table) = (settings(), table(&[]));
    let mut lines = Vec::new();
    for second in 0..1000 {
        let forged: Vec<_> = (0..30)
            .map(|number| {
                let source = address(1000 + u32::try_from(second).unwrap() * 30 + number);
                dropped(source, None, Cause::Malformed, 1)
            })
            .collect();
        table.note(&settings, &forged, AT(second));
        if second == 500 {
            let own = dropped(address(2), Some(WEB1), Cause::UnknownKey, 1);
            table.note(&settings, &[own], AT(second));
        }
        lines.extend(texts(table.tick(&settings, AT(second))));
    }
    assert_eq!(table.entries.len(), OF_OTHERS_MAX + 2);
    assert!(lines.len() < OF_OTHERS_MAX + 8, "{} lines", lines.len());
    assert!(lines.iter().any(|line| line.starts_with("web1 signs with another key: ")));
    assert!(lines.iter().any(|line| line.contains("from further sources on eth0: malformed (")));
    let counted: u64 = table.report(&settings, AT(1000)).iter().map(|report| report.count).sum();
    assert_eq!(counted, 30_001, "counts are kept whatever is told");
}

#[test]
fn dropped_address_named_by_lookup_is_reported_as_node() {
    let settings = settings();
    let mut table = DroppedTable { entries: Vec::new(), names: Names::default() };
    table.names = Names::answered(vec![(address(2).unwrap(), WEB1)]);
    table.note(&settings, &[dropped(address(2), None, Cause::Signature, 1)], AT(1));
    let told = texts(table.tick(&settings, AT(1)));
    assert!(told[0].starts_with("web1 signs with another key: "), "{told:?}");
    table.note(&settings, &[dropped(address(2), None, Cause::Signature, 1)], AT(2));
    assert!(table.tick(&settings, AT(2)).is_empty());
    assert_eq!(table.entries.len(), 1);
}

#[test]
fn dropped_address_without_name_in_time_is_reported_as_address() {
    let settings = settings();
    let mut table = DroppedTable { entries: Vec::new(), names: Names::default() };
    let (_tell, told) = std::sync::mpsc::sync_channel(1);
    table.names = Names::Asked(told);
    table.note(&settings, &[dropped(address(7), None, Cause::Signature, 3)], AT(1));
    assert!(table.tick(&settings, AT(2)).is_empty(), "a name may come");
    let told = texts(table.tick(&settings, AT(3)));
    assert!(
        told[0].starts_with("3 bad packet(s) dropped from 10.0.0.7 on eth0: wrong"),
        "{told:?}"
    );
    assert!(told[0].contains("another cluster, or a node with other keys"), "{told:?}");
}

#[test]
fn new_drop_cause_is_reported_at_once_and_silent_entry_is_forgotten() {
    let (settings, mut table) = (settings(), table(&[]));
    let mut say = |cause, second| {
        table.note(&settings, &[dropped(address(7), None, cause, 1)], AT(second));
        texts(table.tick(&settings, AT(second))).len()
    };
    assert_eq!(say(Cause::Malformed, 1), 1);
    assert_eq!(say(Cause::Malformed, 2), 0);
    assert_eq!(say(Cause::TooDeep, 3), 1);
    assert_eq!(say(Cause::TooDeep, 4), 0);
    table.tick(&settings, AT(4 + 3600));
    assert!(table.entries.is_empty());
}

#[test]
fn stranger_with_cluster_keys_is_reported_in_words_of_heartbeat() {
    let (settings, mut table) = (settings(), table(&[]));
    let mut drops = crate::beat::drops::Drops::new(None);
    drops.record_stranger(LinkId(0), address(9), "gamma");
    table.note(&settings, &drops.take(|_| false), AT(1));
    let lines = table.tick(&settings, AT(1));
    let text = "process_status_message: bad node [gamma] in message: 1 bad packet(s) dropped from \
                10.0.0.9 on eth0: a node that is not in ha.cf (1)";
    assert_eq!((lines[0].level, lines[0].text.as_str()), (Level::Error, text));
    assert_eq!(table.report(&settings, AT(1))[0].stranger.as_deref(), Some("gamma"));
}
