#[path = "../../../core/tests/no_alloc/counting.rs"]
mod counting;
mod keys;

use super::channel::{ControlEnd, channel};
use super::drops::{Cause, Dropped};
use super::links::Medium;
use super::*;
use counting::ALLOCATIONS;
use executor::Greeting;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use systole_agents::protocol::{Action, Held, Unfinished};
use systole_core::{
    AddressSpec, Boot, Failback, Group, GroupKey, LinkId, Message, NodeId, NodeStatus, Order,
    Phase, Resource, ResourceKind, Settings, Ticket, Uuid,
};
use systole_sys::link::{Link, LinkSpec};
use systole_wire::{Identity, Method, Style};

const KEEPALIVE: Duration = Duration::from_millis(50);
const PORT: u16 = 694;
/// An address, because a name would be resolved at every use, which allocates.
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);

fn keys() -> Keys {
    Keys::new(1, [(1, Method::Sha1, &b"secret"[..])]).unwrap()
}

fn settings() -> Settings {
    let address = "127.8.8.8".parse().unwrap();
    let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
    let resource = Resource { word: "127.8.8.8".into(), kind: ResourceKind::Address(spec) };
    Settings {
        links: vec!["lo".into()],
        keepalive: KEEPALIVE,
        deadtime: 10 * KEEPALIVE,
        warntime: 5 * KEEPALIVE,
        initdead: 20 * KEEPALIVE,
        deadping: 10 * KEEPALIVE,
        rexmit_delay: KEEPALIVE,
        failback: Failback::On,
        groups: vec![Group {
            key: GroupKey(7),
            preferred: NodeId(0),
            resources: vec![resource],
            is_retired: false,
        }],
        ..Settings::new(NodeId(0), ["alpha", "beta"])
    }
}

fn encoder(name: &str, uuid: u8) -> Encoder {
    let nodes = vec!["alpha".into(), "beta".into()];
    let uuid = Uuid([uuid; 16]);
    let identity = Identity { name: name.into(), uuid, generation: 5, ttl: 3, nodes };
    Encoder::new(identity, Style::default())
}

/// A beat loop without a thread, on the loopback of a network of its own.
fn beat() -> (BeatLoop, ControlEnd) {
    systole_sys::namespace::make_network().unwrap();
    let words = ["link", "set", "lo", "up"];
    assert!(std::process::Command::new("ip").args(words).status().unwrap().success());
    let boot = Boot { session: 1, seed: 1, ..Boot::new(5, Uuid([1; 16])) };
    let spec = LinkSpec::Unicast { device: "lo".into(), host: "127.0.0.9".into(), port: PORT };
    let (control, end) = channel().unwrap();
    let beat = BeatLoop::new(Parts {
        cluster: Cluster::new(settings(), boot),
        unix_time: 1,
        origin: clock::boot_time(),
        keys: keys(),
        encoder: encoder("alpha", 1),
        media: vec![Medium {
            id: LinkId(0),
            form: Form::Framed,
            link: Some(Box::new(Link::open(&spec).unwrap())),
        }],
        addresses: Vec::new(),
        pings: Pings::open(Vec::new(), 1, Duration::from_secs(1)).unwrap(),
        executor: None,
        timeouts: AgentTimeouts {
            start: Duration::from_secs(1),
            stop: Duration::from_secs(1),
            status: Duration::from_secs(1),
        },
        control: end,
        load: Load::open().unwrap(),
    });
    (beat, control)
}

/// Returns a datagram of the other node.
fn datagram(encoder: &mut Encoder, message: Message, sequence: Option<u64>) -> Vec<u8> {
    let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made: Time::START };
    let bytes = encoder.encode(&outgoing, None, "0.0 0.0 0.0 1/1 1", 1, &keys(), Form::Framed);
    bytes.unwrap().to_vec()
}

fn status(encoder: &mut Encoder, sequence: u64) -> Vec<u8> {
    let message = Message::Status {
        status: NodeStatus::Active,
        deadtime: 10 * KEEPALIVE,
        flow_control: true,
    };
    datagram(encoder, message, Some(sequence))
}

fn at(turn: u32) -> Time {
    Time::START + turn * KEEPALIVE
}

#[test]
fn thousand_beats_in_both_directions_allocate_nothing() {
    const WARM_UP: u32 = 300;
    const BEATS: u32 = 1000;
    let (mut beat, control) = beat();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut other = encoder("beta", 2);
    let datagrams: Vec<[Vec<u8>; 2]> = (1..=u64::from(WARM_UP + BEATS))
        .map(|sequence| {
            let ack = datagram(&mut other, Message::Ack { sequence }, None);
            [status(&mut other, sequence), ack]
        })
        .collect();
    let mut before = 0;
    for (turn, pair) in (1..).zip(&datagrams) {
        if turn == WARM_UP {
            before = ALLOCATIONS.get();
        }
        for datagram in pair {
            socket.send_to(datagram, HERE).unwrap();
        }
        beat.turn(at(turn));
        // The channel is emptied as the control thread would, so that it does not fill.
        while control.news().is_some() {}
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    let snapshot = beat.cluster.snapshot(&systole_core::Wording::FACTS);
    assert_eq!(snapshot.nodes[1].status, "active");
    assert!(snapshot.nodes[1].links[0].up);
    assert!(beat.trouble.is_empty(), "{:?}", beat.trouble);
    assert!(beat.drops.is_empty(), "{:?}", beat.drops);
}

/// Returns what the node has just sent, which comes back on a loopback.
fn said(beat: &mut BeatLoop) -> Vec<Vec<u8>> {
    let mut buffer = [0; 2048];
    let BeatLoop { links, control, .. } = beat;
    let mut next =
        || links.receive(0, &mut buffer, control).unwrap().map(|it| buffer[..it.length].to_vec());
    std::iter::from_fn(&mut next).collect()
}

#[test]
fn message_sent_again_is_unchanged_and_not_repeated_at_once() {
    let (mut beat, _control) = beat();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut other = encoder("beta", 2);
    beat.turn(at(0));
    let first = said(&mut beat);
    assert!(!first.is_empty(), "that it is there");
    // Meanwhile everything changes that a status carries: the load, the echoes, the claims.
    for turn in 1..20 {
        socket.send_to(&status(&mut other, turn.into()), HERE).unwrap();
        beat.turn(at(turn));
    }
    let request = Message::Rexmit { first: 1, last: first.len() as u64 };
    let request = datagram(&mut other, request, None);
    socket.send_to(&request, HERE).unwrap();
    beat.turn(at(20));
    let again = said(&mut beat);
    for message in &first {
        assert!(again.contains(message), "{}", String::from_utf8_lossy(message));
    }
    socket.send_to(&request, HERE).unwrap();
    beat.turn(at(20));
    let soon = said(&mut beat);
    assert!(!first.iter().any(|message| soon.contains(message)), "sent again a moment ago");
}

#[test]
fn bad_datagrams_are_counted_and_reported_once_a_second() {
    let (mut beat, control) = beat();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut forged = status(&mut encoder("beta", 2), 1);
    let last = forged.len() - 3;
    forged[last] ^= 1;
    for turn in 1..=40 {
        for _ in 0..10 {
            socket.send_to(&forged, HERE).unwrap();
        }
        beat.turn(at(turn));
    }
    let news = std::iter::from_fn(|| control.news()).map(|(_, news)| news);
    let told: Vec<u64> = news
        .filter_map(|news| match news {
            News::Errors(trouble) => Some(trouble.drops.iter().map(Dropped::count).sum()),
            News::Event(_)
            | News::Executor(_)
            | News::Store { .. }
            | News::StorePeer(_)
            | News::Answer { .. }
            | News::StopFailed { .. }
            | News::Fence { .. }
            | News::Keys { .. }
            | News::ExecutorGone { .. }
            | News::LinkLost { .. }
            | News::Reconfigured(_)
            | News::Offered(_)
            | News::Snapshot(_) => None,
        })
        .collect();
    // 40 turns of 50 ms: the drops are reported at 0.05 s and 1.05 s, and the rest is counted but not
    // reported yet.
    assert_eq!(told, [10, 200]);
    assert_eq!(beat.drops.count(), 190);
    assert_eq!(beat.cluster.snapshot(&systole_core::Wording::FACTS).nodes[1].silence_ms, None);
}

#[test]
fn flood_of_forged_datagrams_from_many_sources_allocates_nothing() {
    const ROUNDS: u32 = 50;
    let (mut beat, _control) = beat();
    let sockets: Vec<UdpSocket> =
        (1..=60).map(|last| UdpSocket::bind(format!("127.0.1.{last}:0")).unwrap()).collect();
    let mut beta = encoder("beta", 2);
    let first = status(&mut beta, 1);
    let stranger = status(&mut encoder("gamma", 3), 1);
    let mut forged = status(&mut beta, 2);
    let last = forged.len() - 3;
    forged[last] ^= 1;
    // This one is sent once without counting, because it is the only one that is reported.
    sockets[0].send_to(&first, HERE).unwrap();
    beat.turn(at(1));
    beat.trouble_after = at(10 * ROUNDS);
    let mut before = 0;
    for round in 0..ROUNDS {
        if round == 1 {
            before = ALLOCATIONS.get();
        }
        for socket in &sockets {
            socket.send_to(&forged, HERE).unwrap();
        }
        sockets[1].send_to(&stranger, HERE).unwrap();
        beat.read_links(at(2), 1000);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    let told = beat.drops.take(|_| false);
    assert_eq!(told.iter().map(Dropped::count).sum::<u64>(), u64::from(ROUNDS) * 61);
    let own = |drop: &&Dropped| drop.origin.node == Some(NodeId(1));
    let of_beta: Vec<_> = told.iter().filter(own).collect();
    assert_eq!(of_beta.len(), 1, "its address is the one that was heard");
    assert_eq!(of_beta[0].origin.source, Some("127.0.1.1".parse().unwrap()));
    let causes: Vec<_> = of_beta[0].causes().collect();
    assert_eq!(causes, [(Cause::Signature, u64::from(ROUNDS))]);
    assert!(told.iter().any(|drop| drop.stranger.text() == "gamma"));
}

#[test]
fn flood_ends_turn_at_datagram_limit_and_pause_drains_socket() {
    let (mut beat, _control) = beat();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let flood = || {
        for _ in 0..2 * DATAGRAMS_PER_TURN {
            socket.send_to(b"nonsense", HERE).unwrap();
        }
    };
    beat.turn(at(1));
    flood();
    beat.trouble_after = at(1000);
    beat.turn(at(2));
    // One of the datagrams that were read may be the node's own beat, which comes back on a loopback.
    let dropped = beat.drops.count();
    assert!((1..=DATAGRAMS_PER_TURN as u64).contains(&dropped), "{dropped}");
    // This is longer than deadtime less keepalive.
    beat.turn(at(20));
    assert_eq!(beat.drops.count(), 2 * DATAGRAMS_PER_TURN as u64);
}

#[test]
fn order_and_snapshot_command_are_answered() {
    let (mut beat, control) = beat();
    let order = Order::Standby(systole_core::GroupSet::All);
    control.command(Command::Order { ticket: Ticket(9), order }).unwrap();
    control.command(Command::Snapshot).unwrap();
    beat.turn(at(1));
    let news: Vec<News> = std::iter::from_fn(|| control.news()).map(|(_, news)| news).collect();
    let is_answer =
        |news: &News| matches!(news, News::Answer { ticket: Ticket(9), result: Err(_) });
    assert!(news.iter().any(is_answer), "{news:?}");
    let is_state = |news: &News| matches!(news, News::Snapshot(state) if state.node == "alpha");
    assert!(news.iter().any(is_state), "{news:?}");
}

#[test]
fn executor_greeting_at_odds_with_phase_marks_group_as_different() {
    let settings = settings();
    let group = systole_core::GroupId(0);
    let held = Held {
        group: GroupKey(7),
        group_name: "127.8.8.8".into(),
        term: 1,
        resources: settings.groups[0].resources.clone(),
    };
    let part = Held { resources: Vec::new(), ..held.clone() };
    let differ = |phase, held: &[Held]| {
        let greeting = Greeting { held: held.to_vec(), unfinished: Vec::new() };
        systole_agents::translation::differences(&settings, |_| phase, &greeting) == [group]
    };
    let held = std::slice::from_ref(&held);
    assert!(!differ(Phase::Stopped, &[]));
    assert!(differ(Phase::Stopped, held));
    assert!(!differ(Phase::Active, held));
    assert!(differ(Phase::Active, &[]));
    assert!(!differ(Phase::Active, &[part]), "the core asks for the rest");
    assert!(!differ(Phase::Starting, &[]));
    for (action, expected) in [(Action::Stop, true), (Action::Start, true), (Action::Status, false)]
    {
        let unfinished = vec![Unfinished { group: GroupKey(7), action, resources: Vec::new() }];
        let greeting = Greeting { held: held.to_vec(), unfinished };
        let differences =
            systole_agents::translation::differences(&settings, |_| Phase::Active, &greeting);
        assert_eq!(differences == [group], expected, "{action:?}");
    }
}
