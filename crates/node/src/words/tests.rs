use super::*;
use crate::log::Source;
use std::time::Duration;
use systole_core::{
    Cause, Failback, Group, GroupKey, HandOverEvent, Hold, IpfailEvent, NodeStatus, Outcome, Phase,
    Refusal, Resource, ResourceKind, Step,
};

const WEB1: NodeId = NodeId(0);
const WEB2: NodeId = NodeId(1);
const ETH0: LinkId = LinkId(0);
const GATEWAY: PingId = PingId(0);
const GROUP: GroupId = GroupId(0);

/// The words of web2, with the settings of the tutorial.
fn words() -> Words {
    let agent = |word: &str| Resource {
        word: word.into(),
        kind: ResourceKind::Agent { name: word.into(), arguments: Vec::new() },
    };
    let group = Group {
        key: GroupKey(1),
        preferred: WEB1,
        resources: vec![agent("192.168.122.100/24/eth0"), agent("nginx")],
    };
    let settings = Settings {
        nodes: vec!["web1".into(), "web2".into()],
        node_order: vec![WEB1, WEB2],
        me: WEB2,
        links: vec!["eth0".into()],
        ping_nodes: vec!["192.168.122.1".into()],
        keepalive: Duration::from_secs(2),
        deadtime: Duration::from_secs(30),
        warntime: Duration::from_secs(10),
        initdead: Duration::from_mins(1),
        deadping: Duration::from_secs(30),
        rexmit_delay: Duration::from_millis(250),
        failback: Failback::On,
        ipfail: true,
        restart_grace: Duration::from_secs(5),
        groups: vec![group],
    };
    Words::new(settings, 12)
}

/// `source level: text` for every line.
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
    words().lines(event).into_iter().map(shown).collect()
}

fn check(table: &[(Event, &[&str])]) {
    for (event, lines) in table {
        assert_eq!(said(event), *lines, "{event:?}");
    }
}

#[test]
fn liveness_is_told_as_by_heartbeat() {
    let late = |deadly| {
        let interval = Duration::from_millis(15_880);
        Event::LateBeat { node: WEB1, interval, deadly }
    };
    check(&[
        (Event::LocalStatus(NodeStatus::Up), &["info: Local status now set to: 'up'"]),
        (Event::CommunicationUp, &["info: Comm_now_up(): updating status to active"]),
        (
            Event::PeerStatus(WEB1, NodeStatus::Active),
            &["info: Status update for node web1: status active"],
        ),
        (Event::PeerDead(WEB1), &["WARN: node web1: is dead"]),
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
            &["WARN: This node did not run for 700 ms. Checking what it still owns."],
        ),
    ]);
}

#[test]
fn traffic_is_told_as_by_heartbeat() {
    check(&[
        (
            Event::Stranger("gamma".into()),
            &["ERROR: process_status_message: bad node [gamma] in message"],
        ),
        (
            Event::Replay { node: WEB1, generation: 5, current: 6 },
            &["ERROR: should_drop_message: attempted replay attack [web1]? [gen = 5, curgen = 6]"],
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
            Event::HistoryFilling(376),
            &["WARN: Message hist queue is filling up (376 messages in queue)"],
        ),
        (Event::NodeListsDiffer(WEB1), &["WARN: The node list of web1 differs from that of web2."]),
        (
            Event::GroupsDiffer(WEB1),
            &["WARN: The file haresources of web1 differs from that of web2."],
        ),
    ]);
}

#[test]
fn what_an_outsider_can_cause_is_limited() {
    let events = [
        Event::Stranger("gamma".into()),
        Event::Replay { node: WEB1, generation: 5, current: 6 },
        Event::PacketsLost { node: WEB1, count: 3, last: 23, sequence: 27 },
        Event::PacketsGivenUp(WEB1),
        Event::PacketsComplete(WEB1),
        Event::PacketLostForGood(WEB1, 31),
        Event::CannotResend(WEB1, 10),
        Event::HistoryFilling(376),
    ];
    for event in events {
        assert!(words().lines(&event).iter().all(|line| line.repeating.is_some()), "{event:?}");
    }
}

#[test]
fn takeovers_are_told_as_by_heartbeat() {
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
fn groups_are_told_as_by_the_resource_manager() {
    let change =
        |owner, phase, cause| Event::Ownership { group: GROUP, owner, term: 4, phase, cause };
    let dead = Cause::OwnerDead { owner: WEB1, silence: Duration::from_millis(30_010) };
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
            change(WEB2, Phase::Stopping, Cause::Stopping),
            &[
                "debug: group 192.168.122.100/24/eth0: Stopping on web2 in term 4: this node was told to stop",
                "ResourceManager info: Releasing resource group: web1 192.168.122.100/24/eth0 nginx",
            ],
        ),
        (
            change(WEB2, Phase::Active, Cause::Adopted),
            &[
                "debug: group 192.168.122.100/24/eth0: Active on web2 in term 4: the executor holds it",
            ],
        ),
        (
            change(WEB1, Phase::Starting, Cause::Unowned),
            &[
                "debug: group 192.168.122.100/24/eth0: Starting on web1 in term 4: no node claims it",
            ],
        ),
    ]);
}

#[test]
fn failures_of_resources_are_told_as_by_the_resource_manager() {
    let outcome = Outcome::Failed(7);
    check(&[
        (
            Event::StartFailed { group: GROUP, resource: 1, outcome },
            &["ResourceManager CRIT: Giving up resources due to failure of nginx"],
        ),
        (
            Event::StopRetried { group: GROUP, resource: 1, outcome },
            &["ResourceManager info: Retrying failed stop operation [nginx]"],
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
fn hand_over_is_told_as_by_heartbeat() {
    let step = Event::HandOver;
    let all = Hold::All;
    let refused = |step, why| {
        let left = Duration::from_millis(9900);
        Event::HandOver(HandOverEvent::Refused { node: WEB1, step, why, left })
    };
    check(&[
        (step(HandOverEvent::Wanted(WEB1, all)), &["info: web1 wants to go standby [all]"]),
        (
            step(HandOverEvent::Granted(WEB1, all)),
            &["info: standby: web1 can take our all resources"],
        ),
        (step(HandOverEvent::Releasing(all)), &["info: give up all HA resources (standby)."]),
        (
            step(HandOverEvent::Released(all)),
            &[
                "info: all HA resource release completed (standby).",
                "info: Local standby process completed [all].",
            ],
        ),
        (
            step(HandOverEvent::Acquiring(WEB1, Hold::Foreign)),
            &[
                "info: standby: acquire [foreign] resources from web1",
                "info: acquire local HA resources (standby).",
            ],
        ),
        (
            step(HandOverEvent::Acquired(all)),
            &["info: all HA resource acquisition completed (standby)."],
        ),
        (step(HandOverEvent::Taken(all)), &["info: Standby resource acquisition done [all]."]),
        (
            step(HandOverEvent::Given(all)),
            &["info: Other node completed standby takeover of all resources."],
        ),
        (
            step(HandOverEvent::NoReply),
            &["WARN: No reply to standby request.  Standby request cancelled."],
        ),
        (step(HandOverEvent::Cancelled), &["info: Cancelling pending standby operation"]),
        (
            refused(Step::Me, Refusal::Busy),
            &["WARN: Standby in progress- new request from web1 ignored [9 seconds left]"],
        ),
        (
            refused(Step::Other, Refusal::Busy),
            &["ERROR: Ignored standby message 'other' from web1 in state 0"],
        ),
        (
            refused(Step::Me, Refusal::LocalInFlux),
            &["WARN: standby message [me] from web1 ignored.  local resources in flux."],
        ),
        (
            refused(Step::Me, Refusal::RemoteInFlux),
            &["WARN: standby message [me] from web1 ignored.  Other side is in flux."],
        ),
        (
            refused(Step::Me, Refusal::Legacy),
            &["info: Standby mode only implemented when nice_failback on"],
        ),
        (
            refused(Step::Me, Refusal::NotReady),
            &[
                "WARN: standby message [me] from web1 ignored.  Reason: this node is starting or stopping.",
            ],
        ),
    ]);
}

#[test]
fn ipfail_speaks_as_the_program_did() {
    let table: [(IpfailEvent, &[&str]); 23] = [
        (
            IpfailEvent::Asking,
            &["info: Asking other side for ping node count.", "debug: Message [num_ping] sent."],
        ),
        (IpfailEvent::Asked, &["debug: Got asked for num_ping."]),
        (IpfailEvent::Found(GATEWAY), &["debug: Found ping node 192.168.122.1!"]),
        (IpfailEvent::Balanced, &["info: Ping node count is balanced."]),
        (
            IpfailEvent::TellingMore,
            &[
                "info: Telling other node that we have more visible ping nodes.",
                "debug: Sending you_are_dead.",
            ],
        ),
        (IpfailEvent::GivingUpFewer, &["info: Giving up because we have less visible ping nodes."]),
        (
            IpfailEvent::GivingUpTold,
            &["info: Giving up because we were told that we have less ping nodes."],
        ),
        (IpfailEvent::GivingUpForeign, &["info: Giving up foreign resources (auto_failback)."]),
        (
            IpfailEvent::Delayed(Duration::from_millis(4900)),
            &["info: Delayed giveup in 4 seconds."],
        ),
        (
            IpfailEvent::Expired,
            &[
                "info: giveup() called (timeout worked)",
                "debug: giveup timeout has been destroyed.",
            ],
        ),
        (
            IpfailEvent::Aborted,
            &["info: Aborted delayed giveup", "debug: giveup timeout has been destroyed."],
        ),
        (IpfailEvent::NothingToAbort, &["info: No giveup timer to abort."]),
        (IpfailEvent::AbortSent, &["debug: Abort message sent."]),
        (IpfailEvent::DeadSent, &["debug: Message [you_are_dead] sent."]),
        (IpfailEvent::WeAreDead, &["info: NS: We are dead. :<"]),
        (IpfailEvent::WeAreAlive, &["info: NS: We are still alive!"]),
        (
            IpfailEvent::PingNodeUp(GATEWAY),
            &[
                "info: Status update: Node 192.168.122.1 now has status ping",
                "info: A ping node just came up.",
            ],
        ),
        (
            IpfailEvent::NodeStatus(WEB1, NodeStatus::Dead),
            &["info: Status update: Node web1 now has status dead"],
        ),
        (
            IpfailEvent::PingNodeDead(GATEWAY),
            &["info: Status update: Node 192.168.122.1 now has status dead"],
        ),
        (
            IpfailEvent::LinkStatus(WEB1, ETH0, false),
            &["info: Link Status update: Link web1/eth0 now has status dead"],
        ),
        (
            IpfailEvent::PeerJoined(WEB1),
            &["debug: Got join message from another ipfail client. (web1)"],
        ),
        (IpfailEvent::PeerUnstable, &["debug: Other side is unstable."]),
        (IpfailEvent::PeerStable, &["debug: Other side is now stable."]),
    ];
    for (event, lines) in table {
        let lines: Vec<String> = lines.iter().map(|line| format!("ipfail {line}")).collect();
        assert_eq!(said(&Event::Ipfail(event)), lines, "{event:?}");
    }
}

#[test]
fn graceful_stop_is_told_as_by_heartbeat() {
    check(&[
        (
            Event::StopBegins,
            &["info: Heartbeat shutdown in progress. (12)", "info: Giving up all HA resources."],
        ),
        (Event::StopDelayed, &["WARN: Shutdown delayed until current resource activity finishes."]),
        (Event::Relinquished, &["info: All HA resources relinquished."]),
    ]);
    assert_eq!(words().stopped().text, "web2 Heartbeat shutdown complete.");
}

#[test]
fn names_that_do_not_exist_are_no_reason_to_panic() {
    assert_eq!(said(&Event::LinkUp(NodeId(9), LinkId(9))), ["info: Link ?:? up."]);
    let event = Event::StopDoubtful { group: GroupId(9), resource: 9 };
    assert!(said(&event)[0].contains("Resource script for ?"));
}
