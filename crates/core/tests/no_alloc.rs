//! A beat costs the core no allocation.

#[path = "no_alloc/counting.rs"]
mod counting;

use counting::ALLOCATIONS;
use std::time::Duration;
use systole_core::{
    Action, AddressSpec, Beat, Boot, Claim, Cluster, Echo, Failback, Failure, Group, GroupKey,
    Heard, HoldDown, HoldNotice, Input, LinkId, Mark, Message, Moves, NodeId, NodeStatus, Order,
    Outcome, Output, Phase, Resource, ResourceKind, Settings, Ticket, Time, Uuid, Words,
};

const GROUP: GroupKey = GroupKey(7);

fn cluster() -> Cluster {
    let address = "192.0.2.1".parse().expect("an address");
    let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
    let kind = ResourceKind::Address(spec);
    let resources = vec![Resource { word: "192.0.2.1".to_owned(), kind }];
    let settings = Settings {
        links: vec!["eth0".to_owned(), "eth1".to_owned()],
        ping_nodes: vec!["gateway".to_owned()],
        keepalive: Duration::from_millis(200),
        deadtime: Duration::from_secs(1),
        warntime: Duration::from_millis(500),
        initdead: Duration::from_secs(2),
        deadping: Duration::from_secs(1),
        aliveping: Duration::from_millis(200),
        failback: Failback::On,
        ipfail: true,
        hold_down: Some(HoldDown { moves: 3, ..HoldDown::default() }),
        groups: vec![Group { key: GROUP, preferred: NodeId(0), resources, is_retired: false }],
        ..Settings::new(NodeId(0), ["alpha", "beta"])
    };
    Cluster::new(settings, Boot::new(1, Uuid([1; 16])))
}

/// Both nodes beat on two links for a while; every tenth message is acknowledged. Returns whether
/// this node's group runs.
fn live(cluster: &mut Cluster, beat: &mut Beat, from: u64, to: u64) -> bool {
    let mut started = false;
    for sequence in from..to {
        let now = Time::START + Duration::from_millis(200 * sequence);
        beat.echoes[0].sequence = sequence;
        beat.echoes[0].known = sequence;
        beat.table = Mark::of(beat);
        let message = Message::Status {
            status: NodeStatus::Active,
            deadtime: Duration::from_secs(1),
            flow_control: true,
        };
        let ack = Message::Ack { sequence: sequence.saturating_sub(20) };
        let heard = Heard {
            link: LinkId(0),
            source: "beta",
            source_uuid: Some(Uuid([2; 16])),
            dest: None,
            dest_uuid: None,
            generation: 1,
            sequence: Some(sequence),
            unix_time: 1,
            message: &message,
            beat: Some(beat),
        };
        cluster.handle(now, &Input::Heard(heard));
        cluster.handle(now, &Input::Heard(Heard { link: LinkId(1), ..heard }));
        let ack = Heard { sequence: None, message: &ack, beat: None, ..heard };
        cluster.handle(now, &Input::Heard(ack));
        cluster.handle(now, &Input::PingReply(systole_core::PingId(0)));
        cluster.elapse(now);
        while let Some(output) = cluster.poll() {
            if let Output::Run(job) = output {
                started = true;
                cluster.handle(now, &Input::JobDone { job: job.id, outcome: Outcome::Success });
                cluster.elapse(now);
            }
        }
    }
    started
}

#[test]
fn thousand_beats_cause_no_allocation() {
    let mut cluster = cluster();
    cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
    let claim = Claim {
        group: GROUP,
        owner: NodeId(0),
        term: 0,
        phase: Phase::Stopped,
        unable: false,
        failure: Some(Failure {
            action: Action::Start,
            resource: 0,
            outcome: Outcome::Failed(1),
            words: Words::new("interface eth1.10 does not exist"),
        }),
        runs_here: false,
    };
    let echo = Echo::of(NodeId(0), LinkId(0), 1, 1);
    let nodes = GroupKey::of(["alpha", "beta"]).0;
    let mut beat = Beat {
        session: 9,
        nodes,
        ready: true,
        echoes: vec![echo],
        claims: vec![claim],
        ..Beat::default()
    };
    assert!(live(&mut cluster, &mut beat, 1, 599), "our group was started");
    let order = Order::Hold(None, Duration::from_hours(1));
    let now = Time::START + Duration::from_millis(200 * 598);
    cluster.handle(now, &Input::Order { ticket: Ticket(1), order });
    let (claim, count, by, left) = (Some(0), 1, NodeId(1), 3_600_000);
    beat.holds.push(HoldNotice { claim, count, by, is_release: false, left });
    beat.moves.push(Moves { claim: 0, count: 1, level: 1, has_fled: false, left });
    live(&mut cluster, &mut beat, 599, 600);
    let snapshot = cluster.snapshot(&systole_core::Wording::FACTS);
    assert!(snapshot.hold.is_some() && snapshot.groups[0].stay.hold.is_some());
    let before = ALLOCATIONS.get();
    live(&mut cluster, &mut beat, 600, 1600);
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
