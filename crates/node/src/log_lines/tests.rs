use super::*;
use crate::log::Source;
use std::time::Duration;
use systole_core::{
    Action, AddressSpec, Cause, Failback, Failure, Group, GroupKey, GroupSet, HandOverEvent,
    IpfailEvent, NodeStatus, Outcome, Phase, Refusal, Resource, ResourceKind, Scope, Silence, Step,
    Uuid,
};

mod fencing;
mod hand_over;
mod hold;
mod ipfail;
mod keys;

const WEB1: NodeId = NodeId(0);
const WEB2: NodeId = NodeId(1);
const ETH0: LinkId = LinkId(0);
const GATEWAY: PingId = PingId(0);
const GROUP: GroupId = GroupId(0);

/// The renderer of web2, with the settings of the tutorial.
fn words() -> LogRenderer {
    let agent = |word: &str| Resource {
        word: word.into(),
        kind: ResourceKind::Agent { name: word.into(), arguments: Vec::new() },
    };
    let spec = AddressSpec {
        address: [192, 168, 122, 100].into(),
        prefix: Some(24),
        interface: Some("eth0".into()),
        broadcast: None,
    };
    let (word, kind) = ("192.168.122.100/24/eth0".into(), ResourceKind::Address(spec));
    let address = Resource { word, kind };
    let group = Group {
        key: GroupKey(1),
        preferred: WEB1,
        resources: vec![address, agent("nginx")],
        is_retired: false,
    };
    let settings = Settings {
        links: vec!["eth0".into()],
        ping_nodes: vec!["192.168.122.1".into()],
        keepalive: Duration::from_secs(2),
        warntime: Duration::from_secs(10),
        initdead: Duration::from_mins(1),
        failback: Failback::On,
        ipfail: true,
        groups: vec![group],
        ..Settings::new(WEB2, ["web1", "web2"])
    };
    LogRenderer::new(settings.into(), 12)
}

/// Returns `source level: text` for every line.
fn said(event: &Event) -> Vec<String> {
    let shown = |line: Line| {
        let source = match line.source {
            Source::Daemon => String::new(),
            Source::Ipfail => "ipfail ".to_owned(),
            Source::Script(name) => format!("{name} "),
            Source::Agent(tag) => format!("{tag} "),
        };
        format!("{source}{}: {}", line.level.word(), line.text)
    };
    words().lines(event, None).into_iter().map(shown).collect()
}

fn check(table: &[(Event, &[&str])]) {
    for (event, lines) in table {
        assert_eq!(said(event), *lines, "{event:?}");
    }
}

#[test]
fn liveness_events_are_logged_as_by_heartbeat() {
    let late = |deadly| {
        let interval = Duration::from_millis(15_880);
        Event::LateBeat { node: WEB1, interval, deadly }
    };
    let silence = Silence { lasted: None, limit: Duration::ZERO, links: Vec::new() };
    check(&[
        (Event::LocalStatus(NodeStatus::Up), &["info: Local status now set to: 'up'"]),
        (Event::CommunicationUp, &["info: Comm_now_up(): updating status to active"]),
        (
            Event::PeerStatus(WEB1, NodeStatus::Active),
            &["info: Status update for node web1: status active"],
        ),
        (Event::PeerDead(WEB1, Box::new(silence)), &["WARN: node web1: is dead"]),
        (Event::PeerRestarted(WEB1), &["info: Heartbeat restart on node web1"]),
        (
            Event::PeerReturned(WEB1),
            &[
                "CRIT: Cluster node web1 returning after partition.",
                "info: For information on cluster partitions, See URL: http://linux-ha.org/wiki/Split_Brain",
                "WARN: Deadtime value may be too small.",
                "info: See FAQ for information on tuning deadtime.",
                "info: URL: http://linux-ha.org/wiki/FAQ#Heavy_Load",
            ],
        ),
        (late(false), &["WARN: Late heartbeat: Node web1: interval 15880 ms"]),
        (late(true), &["CRIT: Late heartbeat: Node web1: interval 15880 ms (> deadtime)"]),
        (Event::LinkUp(WEB1, ETH0), &["info: Link web1:eth0 up."]),
        (Event::LinkDead(WEB1, ETH0), &["info: Link web1:eth0 dead."]),
        (
            Event::PingAlive(GATEWAY),
            &[
                "info: Link 192.168.122.1:192.168.122.1 up.",
                "info: Status update for node 192.168.122.1: status ping",
            ],
        ),
        (
            Event::PingDead(GATEWAY),
            &["info: Link 192.168.122.1:192.168.122.1 dead.", "WARN: node 192.168.122.1: is dead"],
        ),
        (
            Event::Paused(Duration::from_millis(700)),
            &["WARN: This node did not run for 700 ms. Checking what this node still owns."],
        ),
    ]);
}

#[test]
fn traffic_events_are_logged_as_by_heartbeat() {
    check(&[
        // This event is logged with its address: `control/dropped.rs`.
        (Event::Stranger("gamma".into()), &[]),
        (
            Event::Replay { node: WEB1, generation: 5, current: 6, count: 1 },
            &["ERROR: should_drop_message: attempted replay attack [web1]? [gen = 5, curgen = 6]"],
        ),
        (
            Event::Replay { node: WEB1, generation: 5, current: 6, count: 60 },
            &[
                "ERROR: should_drop_message: attempted replay attack [web1]? [gen = 5, curgen = 6], \
               60 since the last such line",
            ],
        ),
        (
            Event::PacketsLost { node: WEB1, count: 3, last: 23, sequence: 27 },
            &["WARN: 3 lost packet(s) for [web1] [23:27]"],
        ),
        (Event::PacketsGivenUp(WEB1), &["ERROR: lost a lot of packets!"]),
        (Event::PacketsComplete(WEB1), &["info: No pkts missing from web1!"]),
        (
            Event::PacketLostForGood(WEB1, 31),
            &["ERROR: Irretrievably lost packet: node web1 seq 31"],
        ),
        (Event::CannotResend(WEB1, 10), &["ERROR: Cannot rexmit pkt 10 for web1: seqno too low"]),
        (
            Event::NeverSent { node: WEB1, sequence: 120, sent: 72 },
            &["WARN: Rexmit of seq 120 requested. 72 is max."],
        ),
        (
            Event::AckBeyond { node: WEB1, sequence: 0x1070, sent: 0x78 },
            &[
                "ERROR: HBDoMsg_T_ACK: corrupted ackseq current hiseq = 78 ackseq =1070 in this message",
            ],
        ),
        (
            Event::FlowControlOff,
            &["info: flow control disabled due to different version heartbeat"],
        ),
        (
            Event::UuidChanged(WEB1, Uuid([0x11; 16])),
            &["info: node web1 changed its uuid to 11111111-1111-1111-1111-111111111111"],
        ),
        (Event::Unreadable(WEB1, "rsc_hold"), &["ERROR: resource message without rsc_hold field."]),
        (
            Event::Unreadable(WEB1, "st"),
            &["WARN: A message from web1 is unreadable: its field st is invalid."],
        ),
        (
            Event::NodeListRefused(WEB1, "web1 web2 web3".into()),
            &["WARN: The node list of web1 is [web1 web2 web3], ours is [web1 web2]. \
               No message changes ha.cf."],
        ),
        (
            Event::HistoryFilling(376),
            &["WARN: Message hist queue is filling up (376 messages in queue)"],
        ),
        (
            Event::HistoryFilling(451),
            &["ERROR: Message hist queue is filling up (451 messages in queue)"],
        ),
        (Event::NodeListsDiffer(WEB1), &["WARN: The node list of web1 differs from that of web2."]),
        (
            Event::GroupsDiffer(WEB1),
            &["WARN: The file haresources of web1 differs from that of web2."],
        ),
    ]);
}

#[test]
fn events_caused_by_outsider_are_marked_as_repeating() {
    let events = [
        Event::Replay { node: WEB1, generation: 5, current: 6, count: 1 },
        Event::PacketsLost { node: WEB1, count: 3, last: 23, sequence: 27 },
        Event::PacketsGivenUp(WEB1),
        Event::PacketsComplete(WEB1),
        Event::PacketLostForGood(WEB1, 31),
        Event::CannotResend(WEB1, 10),
        Event::Unreadable(WEB1, "st"),
        Event::NodeListRefused(WEB1, "web1".into()),
        Event::NeverSent { node: WEB1, sequence: 120, sent: 72 },
        Event::AckBeyond { node: WEB1, sequence: 120, sent: 72 },
        Event::HistoryFilling(376),
    ];
    for event in events {
        assert!(
            words().lines(&event, None).iter().all(|line| line.repeating.is_some()),
            "{event:?}"
        );
    }
}

#[test]
fn takeover_events_are_logged_as_by_heartbeat() {
    check(&[
        (Event::PeerHadNothing(WEB1), &["info: Dead node web1 gave up resources."]),
        (
            Event::NotFenced(WEB1),
            &["WARN: No STONITH device configured.", "WARN: Shared disks are not protected."],
        ),
        (Event::TakeoverBegins(WEB1), &["info: Resources being acquired from web1."]),
        (
            Event::TakeoverDone(WEB1),
            &[
                "mach_down info: mach_down takeover complete for node web1.",
                "info: mach_down takeover complete.",
            ],
        ),
        (Event::PeerLeft(WEB1), &["info: Received shutdown notice from 'web1'."]),
        (Event::InitialAcquisition, &["info: Initial resource acquisition complete (T_RESOURCES)"]),
        (Event::RemoteStable(WEB1), &["info: remote resource transition completed."]),
        (Event::LocalStable, &["info: local resource transition completed."]),
        (Event::LocalAcquired(true), &["info: Local Resource acquisition completed."]),
        (
            Event::LocalAcquired(false),
            &[
                "info: No local resources [/usr/share/heartbeat/ResourceManager listkeys web2] to acquire.",
            ],
        ),
    ]);
}

#[test]
fn group_events_are_logged_as_by_resource_manager() {
    let change =
        |owner, phase, cause| Event::Ownership { group: GROUP, owner, term: 4, phase, cause };
    let dead = Cause::OwnerDead {
        owner: WEB1,
        silence: Duration::from_millis(30_010),
        proof: systole_core::Proof::Silence,
    };
    check(&[
        (
            change(WEB2, Phase::Starting, dead),
            &[
                "debug: group 192.168.122.100/24/eth0: Starting on web2 in term 4: web1 was silent for 30010 ms",
                "mach_down info: Taking over resource group 192.168.122.100/24/eth0",
                "ResourceManager info: Acquiring resource group: web1 192.168.122.100/24/eth0 nginx",
            ],
        ),
        (
            change(WEB1, Phase::Active, Cause::Outranked(WEB1)),
            &[
                "debug: group 192.168.122.100/24/eth0: Active on web1 in term 4: web1 has a higher claim",
                "WARN: web1 has a better claim to group 192.168.122.100/24/eth0: its resources on \
                 this node are stopped.",
            ],
        ),
        (
            change(WEB2, Phase::Stopping, Cause::Stopping),
            &[
                "debug: group 192.168.122.100/24/eth0: Stopping on web2 in term 4: this node was told to stop",
                "ResourceManager info: Releasing resource group: web1 192.168.122.100/24/eth0 nginx",
            ],
        ),
        (
            change(WEB2, Phase::Starting, Cause::Listed),
            &[
                "debug: group 192.168.122.100/24/eth0: Starting on web2 in term 4: it ran here when \
                 this daemon started, and the executor has not yet reported what runs",
            ],
        ),
        (
            change(WEB2, Phase::Active, Cause::Adopted),
            &[
                "debug: group 192.168.122.100/24/eth0: Active on web2 in term 4: it was found running after a restart of the daemon",
            ],
        ),
        (
            change(WEB1, Phase::Starting, Cause::Unowned),
            &[
                "debug: group 192.168.122.100/24/eth0: Starting on web1 in term 4: no other node has it",
            ],
        ),
    ]);
}

#[test]
fn resource_failures_are_logged_as_by_resource_manager() {
    let outcome = Outcome::Failed(7);
    let failure = |resource, words: &str| {
        let words = systole_core::Words::new(words);
        Failure { action: Action::Start, resource, outcome, words }
    };
    check(&[
        (
            Event::StartFailed { group: GROUP, resource: 1, outcome },
            &[
                "ResourceManager CRIT: Giving up resources due to failure of nginx",
                "info: 192.168.122.100/24/eth0 will not be retried here. After fixing nginx: hb \
                 retry 192.168.122.100/24/eth0",
            ],
        ),
        (
            Event::StopFailed { group: GROUP, resource: 1, outcome: Outcome::TimedOut },
            &["ResourceManager ERROR: nginx cannot be stopped: it took too long and was killed"],
        ),
        (
            Event::PeerFailed { node: NodeId(0), group: GROUP, failure: failure(1, "") },
            &["WARN: web1 could not start nginx of 192.168.122.100/24/eth0: exit code 7"],
        ),
        (
            Event::PeerFailed {
                node: NodeId(0),
                group: GROUP,
                failure: failure(1, "port\tin use"),
            },
            &[
                "WARN: web1 could not start nginx of 192.168.122.100/24/eth0: port in use (exit code 7)",
            ],
        ),
        (
            Event::PeerFailed { node: NodeId(0), group: GROUP, failure: failure(0, "no device") },
            &["WARN: web1 could not start 192.168.122.100/24/eth0 of 192.168.122.100/24/eth0: \
               no device"],
        ),
        (
            Event::StopRetried { group: GROUP, resource: 1, outcome },
            &["ResourceManager info: Retrying failed stop operation [nginx]"],
        ),
        (
            Event::LeftRunning(GROUP),
            &["ERROR: Group 192.168.122.100/24/eth0: its services may still be running here, \
                 because the executor that stopped them is gone."],
        ),
        (
            Event::StopDoubtful { group: GROUP, resource: 1 },
            &[
                "ResourceManager ERROR: Resource script for nginx probably not LSB-compliant.",
                "ResourceManager WARN: it (nginx) MUST succeed on a stop when already stopped",
                "ResourceManager WARN: Machine reboot narrowly avoided!",
            ],
        ),
    ]);
}

#[test]
fn graceful_stop_is_logged_as_by_heartbeat() {
    check(&[
        (
            Event::StopBegins,
            &["info: Heartbeat shutdown in progress. (12)", "info: Giving up all HA resources."],
        ),
        (
            Event::StopInDoubt(GROUP),
            &[
                "WARN: The stop waits for the executor: without it, it is unknown whether \
                 services of 192.168.122.100/24/eth0 still run here. It continues when \
                 the executor can be started again.",
                "WARN: If it cannot be started: switch this machine off. If the other nodes wait \
                 for its fencing, tell them that it is off: hb confirm-dead web2",
            ],
        ),
        (Event::StopDelayed, &["WARN: Shutdown delayed until current resource activity finishes."]),
        (Event::Relinquished, &["info: All HA resources relinquished."]),
    ]);
    assert_eq!(words().stopped().text, "web2 Heartbeat shutdown complete.");
}

#[test]
fn event_with_unknown_ids_is_logged_without_panic() {
    assert_eq!(said(&Event::LinkUp(NodeId(9), LinkId(9))), ["info: Link ?:? up."]);
    let event = Event::StopDoubtful { group: GroupId(9), resource: 9 };
    assert!(said(&event)[0].contains("Resource script for ?"));
}

#[test]
fn failed_stop_is_logged_with_its_reason() {
    let event = Event::StopFailed { group: GROUP, resource: 1, outcome: Outcome::Failed(1) };
    let text = |reason| words().lines(&event, reason)[0].text.clone();
    assert_eq!(text(None), "nginx cannot be stopped: exit code 1");
    let reason = "Operation not permitted (exit code 1)";
    assert_eq!(text(Some(reason)), format!("nginx cannot be stopped: {reason}"));
}
