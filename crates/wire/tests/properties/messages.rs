//! Any message, and any beat.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{
    Action, Beat, Claim, Echo, Failure, Fencing, GROUPS_MAX, GroupKey, GroupSet, HoldNotice,
    LINKS_MAX, Lags, LinkId, Mac, Mark, Message, Moves, NODES_MAX, NodeId, NodeStatus, Occasion,
    Outcome, Phase, ServiceAddresses, Step, TableForm, Words,
};

fn statuses() -> impl Strategy<Value = NodeStatus> {
    use NodeStatus::{Active, Dead, Init, Up};
    proptest::sample::select(vec![Init, Up, Active, Dead])
}

fn sets() -> impl Strategy<Value = GroupSet> {
    proptest::sample::select(vec![
        GroupSet::None,
        GroupSet::Local,
        GroupSet::Foreign,
        GroupSet::All,
    ])
}

fn resources() -> impl Strategy<Value = Message> {
    let occasions = proptest::sample::select(vec![
        Occasion::Report,
        Occasion::Acquired,
        Occasion::Standby,
        Occasion::Shutdown,
        Occasion::MachDown,
    ]);
    (sets(), any::<bool>(), any::<Option<bool>>(), occasions).prop_map(
        |(hold, full, stable, occasion)| Message::Resource { hold, full, stable, occasion },
    )
}

fn boxed(text: &'static str) -> impl Strategy<Value = Box<str>> {
    text.prop_map(Into::into)
}

/// Returns every message that can be sent.
pub(super) fn messages() -> impl Strategy<Value = Message> {
    let steps = proptest::sample::select(vec![Step::Me, Step::Other, Step::Done]);
    let fencings = proptest::sample::select(vec![
        Fencing::Done,
        Fencing::BadHost,
        Fencing::Failed,
        Fencing::NotConfigured,
        Fencing::Unneeded,
    ]);
    let names = || boxed("([a-z]{1,9}( [a-z]{1,9}){0,3})?");
    let key = || boxed("[A-Za-z0-9:./]{1,30}");
    prop_oneof![
        (statuses(), any::<u64>(), any::<bool>()).prop_map(|(status, dead, flow_control)| {
            Message::Status { status, deadtime: Duration::from_millis(dead), flow_control }
        }),
        any::<u64>().prop_map(|sequence| Message::Ack { sequence }),
        (1_u64.., any::<u64>())
            .prop_map(|(first, more)| Message::Rexmit { first, last: first.saturating_add(more) }),
        (any::<u64>(), any::<bool>())
            .prop_map(|(sequence, too_low)| Message::Nak { sequence, too_low }),
        Just(Message::RequestNodes),
        (names(), names()).prop_map(|(nodes, deleted)| Message::ReplyNodes { nodes, deleted }),
        Just(Message::Starting),
        resources(),
        (sets(), steps, any::<[bool; 2]>()).prop_map(|(hold, step, [ipfail, by_order])| {
            Message::AskResources { hold, step, ipfail, by_order }
        }),
        sets().prop_map(|hold| Message::TakeoverOrder { hold }),
        key().prop_map(|key| Message::GroupRequest { key }),
        (key(), any::<bool>(), any::<bool>())
            .prop_map(|(key, owned, granted)| { Message::GroupGrant { key, owned, granted } }),
        Just(Message::Shutdone),
        (boxed("[a-z]{1,20}"), fencings)
            .prop_map(|(node, result)| Message::Stonith { node, result }),
        any::<bool>().prop_map(|joined| Message::IpfailPresence { joined }),
        any::<u32>().prop_map(|count| Message::PingCount { count }),
        Just(Message::AbortGiveup),
        Just(Message::YouAreDead),
        (key(), key(), any::<bool>()).prop_map(|(client, asker, online)| Message::ReplyClient {
            client,
            asker,
            online
        }),
    ]
}

pub(super) fn node_ids() -> impl Strategy<Value = NodeId> {
    (0..u8::try_from(NODES_MAX).unwrap()).prop_map(NodeId)
}

fn failures() -> impl Strategy<Value = Failure> {
    let actions = proptest::sample::select(vec![Action::Start, Action::Stop]);
    let code = any::<u8>().prop_map(|code| Outcome::Failed(code.into()));
    let outcomes =
        prop_oneof![Just(Outcome::TimedOut), Just(Outcome::Missing), Just(Outcome::NotAsked), code];
    let all = (actions, any::<u8>(), outcomes, words());
    all.prop_map(|(action, resource, outcome, words)| Failure { action, resource, outcome, words })
}

fn words() -> impl Strategy<Value = Words> {
    let texts = prop_oneof![Just(String::new()), any::<String>(), "[ -~]{0,80}", "\\PC{0,80}"];
    texts.prop_map(|text| Words::new(&text))
}

fn holds() -> impl Strategy<Value = HoldNotice> {
    let order = (any::<u32>(), node_ids(), any::<bool>(), any::<u64>());
    (option::of(places()), order).prop_map(|(claim, (count, by, is_release, left))| HoldNotice {
        claim,
        count,
        by,
        is_release,
        left,
    })
}

fn moves() -> impl Strategy<Value = Moves> {
    let all = (places(), any::<u32>(), any::<u8>(), any::<bool>(), any::<u64>());
    all.prop_map(|(claim, count, level, has_fled, left)| Moves {
        claim,
        count,
        level,
        has_fled,
        left,
    })
}

fn places() -> impl Strategy<Value = u16> {
    0..u16::try_from(GROUPS_MAX).unwrap()
}

pub(super) fn beats() -> impl Strategy<Value = Beat> {
    let links = (0..u8::try_from(LINKS_MAX).unwrap()).prop_map(LinkId);
    let lags = vec((links, 0..300_u64), 0..20).prop_map(|told| {
        let mut lags = Lags::NONE;
        for (link, lag) in told {
            lags.note(link, lag);
        }
        lags
    });
    let echo = (node_ids(), any::<u64>(), any::<u64>(), any::<u64>(), lags);
    let echo = echo.prop_map(|(node, session, sequence, known, lags)| {
        let known = if known > sequence { 0 } else { known };
        Echo { node, session, sequence, known, lags }
    });
    let phases = proptest::sample::select(vec![
        Phase::Stopped,
        Phase::Starting,
        Phase::Active,
        Phase::Stopping,
        Phase::Failed,
        Phase::Blocked,
    ]);
    let numbers = (any::<u32>(), any::<u64>(), any::<bool>(), any::<bool>());
    let claim = (numbers, node_ids(), phases, option::of(failures()));
    let claim = claim.prop_map(|((group, term, unable, runs_here), owner, phase, failure)| Claim {
        group: GroupKey(group),
        owner,
        term,
        phase,
        unable,
        failure,
        runs_here,
    });
    let table = (any::<u32>(), any::<u16>(), any::<u64>());
    let table = table.prop_map(|(epoch, rows, digest)| Mark { epoch, rows, digest });
    let numbers = (any::<u32>(), any::<u64>(), any::<u32>(), table, any::<u32>());
    let macs = vec(any::<[u8; 6]>(), 0..=ServiceAddresses::MAX);
    let service = (vec(any::<IpAddr>(), 0..=ServiceAddresses::MAX), macs);
    let service = service.prop_map(|(ips, macs)| {
        let mut service: ServiceAddresses = ips.into_iter().collect();
        for mac in macs {
            assert!(service.add_mac(Mac(mac)));
        }
        service
    });
    let flags = (any::<bool>(), any::<bool>(), option::of(any::<u16>()), service);
    let holds_and_moves = (vec(holds(), 0..20), vec(moves(), 0..20));
    (numbers, flags, vec(echo, 0..=NODES_MAX), vec(claim, 0..=GROUPS_MAX), holds_and_moves)
        .prop_map(|(numbers, (ready, leaving, pings, service), echoes, claims, (holds, moves))| {
            Beat {
                form: TableForm::Marked,
                capabilities: numbers.0,
                session: numbers.1,
                nodes: numbers.2,
                table: numbers.3,
                grown: numbers.4,
                ready,
                leaving,
                pings,
                service,
                echoes,
                claims,
                holds,
                moves,
            }
        })
}
