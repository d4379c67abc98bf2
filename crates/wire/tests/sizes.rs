//! The sizes of messages, and which of them are compressed.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{
    Action, Beat, Boot, Claim, Cluster, Echo, Failback, Failure, GROUPS_MAX, Group, GroupId,
    GroupKey, Heard, HoldDown, HoldNotice, Holding, Input, LINKS_MAX, LinkId, Mac, Mark, Message,
    Moves, NAME_USUAL, NODES_MAX, NodeId, NodeStatus, Outcome, Outgoing, Output, Phase, Resource,
    ResourceKind, ServiceAddresses, Settings, StopFailure, Time, Uuid, Words,
};
use systole_wire::{
    Algorithm, Compression, DATAGRAM_MAX, Decoder, EncodeError, Encoder, Fields, Form, Identity,
    Keys, Kind, MessageFormat, Method, Sealer, Style,
};

const FORMATS: [MessageFormat; 2] = [MessageFormat::Classic, MessageFormat::Netstring];
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Zlib, Algorithm::Bzip2];
const STYLES: [(Style, Form); 3] = [
    (style(MessageFormat::Netstring), Form::Framed),
    (style(MessageFormat::Classic), Form::Framed),
    (style(MessageFormat::Classic), Form::Classic),
];
/// Messages of this size or more are always compressed.
const ALWAYS: usize = 256 * 1024;

const fn style(format: MessageFormat) -> Style {
    let compression = Compression { algorithm: Algorithm::Zlib, threshold: None };
    Style { format, compression }
}

fn keys() -> Keys {
    Keys::new(1, [(1, Method::Sha256, &b"a key"[..])]).unwrap()
}

/// Returns a message whose text is easy, or impossible, to compress.
fn message(length: usize, is_easy: bool) -> Fields {
    let mut fields = Fields::default();
    fields.push(Kind::String, "t", b"custom").unwrap();
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        b'!' + u8::try_from(state >> 58).unwrap()
    });
    let text: Vec<u8> = if is_easy { vec![b'x'; length] } else { noise.take(length).collect() };
    fields.push(Kind::String, "text", &text).unwrap();
    fields
}

/// Returns how a message is compressed, or why it cannot be sent.
fn travels(style: Style, fields: &Fields) -> Result<Option<Algorithm>, EncodeError> {
    let mut sealer = Sealer::new(style);
    let written = sealer.seal(fields, Form::Framed, &keys())?;
    assert!(written.len() <= DATAGRAM_MAX);
    let mut decoder = Decoder::default();
    let opened = decoder.open(written, &keys()).unwrap();
    let back = opened.fields().iter().filter(|field| field.name != "auth");
    assert!(back.eq(fields.iter()), "{style:?}");
    Ok(opened.packed())
}

#[test]
fn message_is_compressed_from_threshold_or_256_kib() {
    for format in FORMATS {
        for algorithm in ALGORITHMS {
            for (threshold, length, right) in [
                (None, 1000, Ok(None)),
                (None, 60_000, Ok(None)),
                (None, 70_000, Err(EncodeError::TooLarge)),
                (None, ALWAYS - 1000, Err(EncodeError::TooLarge)),
                (None, ALWAYS, Ok(Some(algorithm))),
                (Some(2048), 1000, Ok(None)),
                (Some(2048), 2048, Ok(Some(algorithm))),
                (Some(2048), 200_000, Ok(Some(algorithm))),
                (Some(2048), 1_900_000, Ok(Some(algorithm))),
                (Some(usize::MAX), 60_000, Ok(None)),
                (Some(usize::MAX), ALWAYS, Ok(Some(algorithm))),
            ] {
                let style = Style { format, compression: Compression { algorithm, threshold } };
                let travelled = travels(style, &message(length, true));
                assert_eq!(travelled, right, "{style:?} {length}");
            }
        }
    }
}

#[test]
fn message_too_large_after_compression_is_not_sent() {
    for algorithm in ALGORITHMS {
        let compression = Compression { algorithm, threshold: Some(2048) };
        let style = Style { compression, ..Style::default() };
        let refused = travels(style, &message(200_000, false));
        assert_eq!(refused, Err(EncodeError::TooLarge));
        assert_eq!(travels(style, &message(5_000, false)), Ok(Some(algorithm)));
    }
}

/// The most bytes of a beat in a datagram: an Ethernet frame has room for them in every tunnel.
const DATAGRAM_ROOM: usize = 1200;
const LARGE: u64 = 1 << 44;
/// The group that no other node reports.
const OURS: GroupKey = GroupKey(0xdead_beef);
const DAY: Duration = Duration::from_hours(24);

fn large_settings() -> Settings {
    let groups = (0..GROUPS_MAX).map(|at| Group {
        key: GroupKey(u32::MAX - u32::try_from(at).unwrap()),
        preferred: NodeId(15),
        resources: Vec::new(),
        is_retired: false,
    });
    let kind = ResourceKind::Agent { name: "nginx".into(), arguments: Vec::new() };
    let resources = vec![Resource { word: "nginx".into(), kind }];
    let ours = Group { key: OURS, preferred: NodeId(0), resources, is_retired: false };
    let groups = groups.skip(1).chain([ours]);
    Settings {
        links: (0..LINKS_MAX).map(|at| format!("eth{at}")).collect(),
        keepalive: Duration::from_millis(200),
        deadtime: Duration::from_hours(999),
        warntime: DAY,
        initdead: DAY,
        deadping: DAY,
        aliveping: DAY,
        failback: Failback::Off,
        ipfail: true,
        groups: groups.collect(),
        stop_failure: StopFailure::Block,
        hold_down: Some(HoldDown { moves: 1, window: DAY, first: DAY, longest: DAY }),
        ..Settings::new(NodeId(0), (0..NODES_MAX).map(|at| format!("{at:0>NAME_USUAL$}")))
    }
}

/// Returns the beat of another node of the largest cluster: it contains everything, with large numbers.
fn large_beat(node: NodeId, sequence: u64) -> Beat {
    let failure = Failure {
        action: Action::Stop,
        resource: 255,
        outcome: Outcome::Failed(255),
        words: Words::new(&"日本 ".repeat(99)),
    };
    let keys = (1..GROUPS_MAX).map(|at| GroupKey(u32::MAX - u32::try_from(at).unwrap()));
    let claim = |group| Claim {
        group,
        owner: NodeId(15),
        term: LARGE,
        phase: Phase::Blocked,
        unable: true,
        failure: Some(failure),
        runs_here: true,
    };
    let (by, left) = (NodeId(15), 86_400_000);
    let hold = |claim| HoldNotice { claim, count: u32::MAX, by, is_release: false, left };
    let places = || 0..u16::try_from(GROUPS_MAX - 1).unwrap();
    let moves = |claim| Moves { claim, count: u32::MAX, level: 255, has_fled: true, left };
    let mut beat = Beat {
        capabilities: Beat::READS_MARKS | Beat::READS_WORDS,
        session: u64::MAX - u64::from(node.0),
        grown: Beat::GROWN_MAX,
        nodes: GroupKey::of(large_settings().nodes.iter().map(String::as_str)).0,
        ready: true,
        service: all_addresses(),
        echoes: vec![Echo {
            known: sequence,
            ..Echo::of(NodeId(0), LinkId(0), u64::MAX, sequence)
        }],
        claims: keys.map(claim).collect(),
        holds: std::iter::once(None).chain(places().map(Some)).map(hold).collect(),
        moves: places().map(moves).collect(),
        ..Beat::default()
    };
    beat.table = Mark::of(&beat);
    beat
}

fn all_addresses() -> ServiceAddresses {
    let ips = (0..4).map(|last| IpAddr::from([0xffff, 0, 0, 0, 0, 0, 0, last]));
    let mut service: ServiceAddresses = ips.collect();
    (0..4).for_each(|last| assert!(service.add_mac(Mac([0xff, 0, 0, 0, 0, last]))));
    service
}

/// Returns a node of the largest cluster, which hears all other nodes on all links.
fn large_cluster() -> Cluster {
    let boot = Boot {
        started: u64::MAX - u64::from(Beat::GROWN_MAX),
        unix_time: u64::MAX,
        seed: 1,
        ..Boot::new(u64::MAX, Uuid([0xff; 16]))
    };
    let mut cluster = Cluster::new(large_settings(), boot);
    // The group runs in part, so it is started although everything is held.
    let group = GroupId(u16::try_from(GROUPS_MAX - 1).unwrap());
    let held = vec![Holding { group, term: 1, is_whole: false }];
    cluster.handle(Time::START, &Input::ExecutorReady(held));
    cluster.elapse(Time::START);
    while cluster.poll().is_some() {}
    let deadtime = Duration::from_hours(999);
    let status = Message::Status { status: NodeStatus::Active, deadtime, flow_control: true };
    for node in large_settings().node_ids().skip(1) {
        for link in 0..16 {
            let sequence = LARGE + u64::from(link);
            let beat = large_beat(node, 1);
            let heard = Heard {
                link: LinkId(link),
                source: &large_settings().nodes[node.index()],
                source_uuid: None,
                dest: None,
                dest_uuid: None,
                generation: LARGE,
                sequence: Some(sequence),
                unix_time: LARGE,
                message: &status,
                beat: Some(&beat),
            };
            cluster.handle(Time::START, &Input::Heard(heard));
        }
    }
    cluster
}

/// Whatever happens, a beat is one datagram that is never fragmented; and rows that do not fit get their turn
/// later.
#[test]
fn largest_beat_fits_into_packet_and_every_row_gets_its_turn() {
    let mut cluster = large_cluster();
    let identity = Identity {
        name: large_settings().nodes[0].as_str().into(),
        uuid: Uuid([0xff; 16]),
        generation: u64::MAX,
        ttl: u32::MAX,
        nodes: large_settings().nodes.iter().map(|name| name.as_str().into()).collect(),
    };
    let mut told = BTreeSet::new();
    let mut media = BTreeSet::new();
    let (mut beats, mut largest) = (0, 0);
    let mut now = Time::START;
    let (mut failed, mut said) = (false, false);
    let is_over = |told: &BTreeSet<_>, media: &BTreeSet<_>, said| {
        told.len() == GROUPS_MAX && media.len() == 15 * LINKS_MAX && said
    };
    while beats < 2 * GROUPS_MAX && !is_over(&told, &media, said) {
        cluster.elapse(now);
        while let Some(output) = cluster.poll() {
            if let Output::Run(job) = output {
                // The beats so far had more room.
                failed |= job.action == Action::Start;
                told.clear();
                media.clear();
                let words = Words::new(&"日本 ".repeat(99));
                cluster.handle(now, &Input::JobSaid { job: job.id, words });
                let outcome = Outcome::Failed(255);
                cluster.handle(now, &Input::JobDone { job: job.id, outcome });
                continue;
            }
            let Output::Send(outgoing) = output else { continue };
            let Message::Status { .. } = outgoing.message else { continue };
            beats += 1;
            let beat = cluster.beat();
            assert_eq!(beat.echoes.len(), 15, "every beat answers everybody");
            let lags = |echo: &Echo| echo.lags.iter().map(|lag| (echo.node.0, lag.0.0)).collect();
            media.extend(beat.echoes.iter().flat_map(|echo| -> Vec<_> { lags(echo) }));
            told.extend(beat.claims.iter().map(|claim| claim.group));
            said |= beat
                .claims
                .iter()
                .any(|claim| claim.failure.is_some_and(|failure| !failure.words.is_empty()));
            for (style, form) in STYLES {
                let mut encoder = Encoder::new(identity.clone(), style);
                let load = "100.00 100.00 100.00 1000/10000 1000000";
                let outgoing = Outgoing { sequence: Some(LARGE), ..outgoing.clone() };
                let written = encoder.encode(&outgoing, Some(beat), load, LARGE, &keys(), form);
                largest = largest.max(written.unwrap().len());
            }
        }
        now = now + Duration::from_millis(100);
    }
    println!("{beats} beats, the largest of {largest} bytes");
    assert!(largest <= DATAGRAM_ROOM, "{largest} bytes");
    assert_eq!((told.len(), media.len()), (GROUPS_MAX, 15 * LINKS_MAX), "after {beats} beats");
    assert!(
        failed,
        "it was started: {:?}",
        cluster.snapshot(&systole_core::Wording::FACTS).groups[GROUPS_MAX - 1]
    );
    assert!(said, "the words of a failure have their turn, too");
}

/// Other messages of the core, which have less room than a beat, are never too large for a datagram:
/// otherwise a node would ask forever for a message that was never sent.
#[test]
fn largest_node_list_fits_into_datagram() {
    let name = "n".repeat(255);
    let nodes = vec![name.as_str(); NODES_MAX].join(" ").into();
    let outgoing = Outgoing {
        message: Message::ReplyNodes { nodes, deleted: "".into() },
        dest: Some(NodeId(0)),
        dest_uuid: Some(Uuid([0xff; 16])),
        sequence: Some(u64::MAX),
        made: Time::START,
    };
    let identity = Identity {
        name: name.as_str().into(),
        uuid: Uuid([0xff; 16]),
        generation: u64::MAX,
        ttl: u32::MAX,
        nodes: vec![name.as_str().into()],
    };
    let mut encoder = Encoder::new(identity, Style::default());
    for form in [Form::Framed, Form::Classic] {
        let load = "0.00 0.00 0.00 1/1 1";
        let written = encoder.encode(&outgoing, None, load, u64::MAX, &keys(), form).unwrap();
        assert!(written.len() < DATAGRAM_MAX / 4 * 3);
    }
}
