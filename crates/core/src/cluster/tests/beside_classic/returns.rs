//! A C node has given its groups away, is restarted, and gets them back as it would from another C
//! node.

use super::super::pair::Pair;
use super::*;
use crate::Phase;

/// The C node went standby, for whatever reason: it does not say why.
fn given() -> Beside {
    let mut beside = Beside::joint();
    beside.say(ask(GroupSet::Local, Step::Me));
    beside.resource(GroupSet::None, false, Occasion::Standby);
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    assert!(!beside.sent().contains(&ask(GroupSet::Foreign, Step::Me)), "it stays meanwhile");
    beside
}

fn comes_back(beside: &mut Beside) {
    (beside.generation, beside.sequence) = (2, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    assert!(beside.sent().contains(&ask(GroupSet::Foreign, Step::Me)), "it gets its group back");
    beside.say(ask(GroupSet::Foreign, Step::Other));
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn group_given_away_by_c_node_goes_home_after_stop_and_start() {
    let mut beside = given();
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.say(Message::Shutdone);
    beside.silence(Duration::from_secs(2));
    comes_back(&mut beside);
}

#[test]
fn group_given_away_by_c_node_goes_home_after_crash() {
    let mut beside = given();
    beside.silence(Duration::from_secs(2));
    comes_back(&mut beside);
}

#[test]
fn group_given_away_by_c_node_goes_home_after_restart_without_goodbye() {
    comes_back(&mut given());
}

/// This node's daemon, restarted beside an executor that has kept a group, whole or in part.
fn started_anew(group: GroupId, is_whole: bool) -> Beside {
    let mut beside = Beside::new(Failback::On);
    let listed = vec![(group, 3)];
    let settings = beside.node.cluster.settings().clone();
    beside.node.cluster = Cluster::new(settings, Boot { listed, ..boot(2) });
    beside.node.runs = vec![group];
    let holding = Holding { group, term: 3, is_whole };
    beside.node.cluster.handle(Time::START, &Input::ExecutorReady(vec![holding]));
    beside
}

/// This node's daemon was away for longer than a dead time after it was killed: the peer has taken
/// everything, and this node's executor has let go of the address alone.
#[test]
fn group_held_in_part_is_left_to_c_node_that_has_taken_over() {
    let mut beside = started_anew(FIRST, false);
    beside.node.holds_jobs = true;
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.pass(Duration::from_secs(1));
    let starts =
        |beside: &Beside| beside.node.held.iter().filter(|job| job.action == Action::Start).count();
    assert_eq!(starts(&beside), 0, "what the peer holds is not known yet");
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    assert_eq!(starts(&beside), 0, "the peer has it");
    assert_eq!(beside.node.owner(FIRST), Some(B));
    assert_eq!(beside.node.phase(FIRST), Phase::Active);
    assert!(beside.node.held.iter().any(|job| job.action == Action::Stop));
}

/// Both processes of this node were killed and are back before the address has expired, and the
/// peer has taken over meanwhile.
#[test]
fn group_held_whole_and_taken_by_c_node_is_stopped_and_never_reported() {
    let mut beside = started_anew(FIRST, true);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.owner(FIRST), Some(B));
    assert_eq!(beside.node.phase(FIRST), Phase::Active);
    assert_eq!(beside.node.runs, [], "the peer has it");
    let holds = |message: &Message| {
        matches!(message, Message::Resource { hold: GroupSet::Local | GroupSet::All, .. })
    };
    let sent = beside.sent();
    assert!(!sent.iter().any(holds), "{sent:?}");
    assert!(sent.contains(&report(GroupSet::None, true, Occasion::Report)), "{sent:?}");
}

/// This node's daemon was restarted at once, and so was the peer, which would otherwise take its
/// own set.
#[test]
fn group_kept_by_executor_is_reported_once_c_node_starts_or_reports() {
    for is_heard_to_start in [false, true] {
        let mut beside = started_anew(SECOND, true);
        beside.status(NodeStatus::Active);
        beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        let is_report = |message: &Message| matches!(message, Message::Resource { .. });
        let sent = beside.sent();
        assert!(sent.contains(&Message::Starting) && !sent.iter().any(is_report), "{sent:?}");
        if is_heard_to_start {
            beside.say(Message::Starting);
        } else {
            beside.resource(GroupSet::None, false, Occasion::Report);
        }
        let sent = beside.sent();
        assert_eq!(sent, [report(GroupSet::Foreign, false, Occasion::Report)]);
        assert_eq!(beside.node.runs, [SECOND]);
    }
}

/// Everything is held while the other machine goes back from Systole to heartbeat 3.0.6.
#[test]
fn c_node_replacing_peer_during_hold_is_told_only_groups_run_here() {
    for dies in [false, true] {
        let mut pair = Pair::settled(Failback::Off);
        let now = pair.now;
        pair.node(A).order(now, Order::Hold(None, Duration::from_hours(1)));
        pair.pass(Duration::from_secs(1));
        let now = pair.now;
        if !dies {
            pair.node(B).order(now, Order::Stop);
            pair.until("B has ended", |pair| pair.node(B).has_ended);
        }
        pair.end(B);
        pair.pass(if dies { Duration::from_secs(3) } else { KEEPALIVE });
        assert_eq!(pair.runs(A), [FIRST], "the second is held");
        let node = pair.nodes[0].take().expect("it has power");
        let mut beside = Beside { node, now: pair.now, sequence: 0, generation: 2 };
        beside.sent();
        beside.starts_anew();
        let told: Vec<_> = beside
            .sent()
            .into_iter()
            .filter(|message| matches!(message, Message::Resource { .. }))
            .collect();
        assert_eq!(told, [report(GroupSet::Local, true, Occasion::Report)], "dies: {dies}");
    }
}

/// The peer was dead, and its group could not be started here; it comes back.
#[test]
fn group_failed_here_is_not_withheld_from_returning_c_node() {
    for failback in [Failback::On, Failback::Off] {
        let mut beside = Beside::joint_with(failback);
        beside.node.fails = Some(SECOND);
        beside.silence(Duration::from_secs(5));
        assert!(beside.node.counts_dead(B));
        assert_eq!(beside.node.runs, [FIRST]);
        beside.sent();
        beside.starts_anew();
        beside.resource(GroupSet::None, false, Occasion::Report);
        beside.pass(Duration::from_millis(300));
        // As a C node does: it takes those of its groups that no node reports to hold, which are
        // none.
        beside.resource(GroupSet::None, true, Occasion::Report);
        beside.pass(Duration::from_mins(10));
        let sent = beside.sent();
        let gives = sent.contains(&ask(GroupSet::Foreign, Step::Me));
        let holds = sent.contains(&report(GroupSet::All, true, Occasion::Report));
        assert!(
            gives || !holds,
            "{failback:?}: nobody runs the second, and it is told as held here: {sent:?}"
        );
    }
}

/// This node's executor does not come back, so that what it held has expired: beside a Systole node
/// it is released (`executor_absence.rs`).
#[test]
fn group_lost_with_executor_is_not_withheld_from_c_node() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::ExecutorGone);
    beside.node.runs.clear();
    beside.pass(Duration::from_mins(10));
    assert_eq!(beside.node.phase(FIRST), Phase::Failed, "given up");
    let sent = beside.sent();
    let gives = sent.contains(&ask(GroupSet::Local, Step::Me));
    let frees =
        |message: &Message| matches!(message, Message::Resource { hold: GroupSet::None, .. });
    assert!(gives || sent.iter().any(frees), "the peer does not hear of it: {sent:?}");
}

/// Like `hold_beside_c_node_delays_takeover_until_release`, but a single group is held, not
/// everything.
#[test]
fn single_group_on_hold_is_not_withheld_from_returning_c_node() {
    let mut beside = Beside::joint();
    let now = beside.now;
    beside.node.order(now, Order::Hold(Some(SECOND), Duration::from_hours(1)));
    beside.silence(Duration::from_secs(3));
    assert_eq!(beside.node.runs, [FIRST]);
    beside.sent();
    beside.starts_anew();
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_mins(10));
    let sent = beside.sent();
    let holds = sent.contains(&report(GroupSet::All, true, Occasion::Report));
    assert!(!holds || beside.node.runs.contains(&SECOND), "nobody runs the second: {sent:?}");
}

/// Like `group_kept_by_executor_is_reported_once_c_node_starts_or_reports`, but the executor
/// connects after the first message of the peer.
#[test]
fn group_kept_by_executor_connecting_late_is_not_left_to_c_node() {
    let mut wrong = Vec::new();
    for (is_heard_to_start, is_whole) in
        [(true, true), (false, true), (true, false), (false, false)]
    {
        let mut beside = Beside::new(Failback::On);
        let settings = beside.node.cluster.settings().clone();
        beside.node.cluster = Cluster::new(settings, Boot { listed: vec![(SECOND, 3)], ..boot(2) });
        beside.node.runs = vec![SECOND];
        beside.status(NodeStatus::Active);
        beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        if is_heard_to_start {
            beside.say(Message::Starting);
        }
        beside.resource(GroupSet::None, false, Occasion::Report);
        beside.pass(Duration::from_millis(300));
        let before = beside.sent();
        let holding = Holding { group: SECOND, term: 3, is_whole };
        let now = beside.now;
        beside.node.cluster.handle(now, &Input::ExecutorReady(vec![holding]));
        beside.node.turn(now);
        beside.pass(Duration::from_secs(12));
        let sent = beside.sent();
        let told: Vec<_> =
            sent.iter().filter(|it| matches!(it, Message::Resource { .. })).collect();
        // A node that says it is stable and does not name a set leaves the set to the peer.
        let leaves = |it: &&Message| {
            matches!(
                it,
                Message::Resource {
                    hold: GroupSet::None | GroupSet::Local,
                    stable: Some(true),
                    ..
                }
            )
        };
        let is_left = told.iter().any(leaves);
        if is_left {
            let runs = &beside.node.runs;
            wrong.push(format!("start {is_heard_to_start} whole {is_whole}: {before:?} then {told:?}; runs {runs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// This node's executor, which connects at once, has kept a part of the peer's set, and both
/// daemons were restarted: the start of the set continues here.
#[test]
fn group_still_starting_at_joint_start_is_named_in_first_stable_report() {
    let mut beside = started_anew(SECOND, false);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.say(Message::Starting);
    beside.resource(GroupSet::None, false, Occasion::Report);
    beside.pass(Duration::from_secs(12));
    assert!(beside.node.runs.contains(&SECOND), "its start goes on");
    let sent = beside.sent();
    let stable = |it: &&Message| matches!(it, Message::Resource { stable: Some(true), .. });
    let first = sent.iter().find(stable);
    assert_eq!(first, Some(&report(GroupSet::All, true, Occasion::Report)), "{sent:?}");
}

/// Like `group_lost_with_executor_is_not_withheld_from_c_node`, but the peer is
/// in a transition of its own when it is asked, and does not answer.
#[test]
fn group_lost_with_executor_is_offered_again_to_c_node_without_answer() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.cluster.handle(now, &Input::ExecutorGone);
    beside.node.runs.clear();
    beside.pass(Duration::from_mins(30));
    let sent = beside.sent();
    let asked = sent.iter().filter(|it| **it == ask(GroupSet::Local, Step::Me)).count();
    assert!(asked > 1, "asked {asked} times in half an hour");
}
