//! Transitions that the simulated worlds do not reach: (state, input) → the state after it.

use super::pair::Pair;
use super::*;
use crate::cluster::hand_over::{HandOver, Stage};
use crate::cluster::ipfail::Ipfail;
use crate::cluster::rows;
use crate::{FenceOutcome, FencingPolicy, HandOverReason};

/// The stages at which a "done" of either side has some sequence.
const GIVEN: Stage = Stage::Given(u64::MAX);
const TOLD: Stage = Stage::Told(u64::MAX);

const fn is_of_a_giver(stage: Stage) -> bool {
    matches!(stage, Stage::Asked | Stage::Releasing | GIVEN | TOLD)
}

/// A is at this stage of a hand-over with B: it gives its own group, or takes the other.
fn pair_at(stage: Stage, motive: HandOverReason) -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    let is_giver = is_of_a_giver(stage);
    let (parts, group) = if is_giver { ((A, B), FIRST) } else { ((B, A), SECOND) };
    let node = pair.node(A);
    let began_at = node.cluster.peers[B.index()].receiver.last();
    node.cluster.hand_over = HandOver::at(stage, parts, group, motive, (now, began_at));
    if stage == Stage::Acquiring {
        node.holds_jobs = true;
        node.cluster.groups[group].runner.start();
    }
    pair
}

/// B sends A a message.
fn say(pair: &mut Pair, message: Message) {
    let now = pair.now;
    let node = pair.node(A);
    let sequence = Some(node.cluster.peers[B.index()].receiver.last() + 1);
    let outgoing = Outgoing { message, dest: Some(A), dest_uuid: None, sequence, made: now };
    node.hear(now, "beta", 1, &(outgoing, None));
}

fn is_death(event: &Event) -> bool {
    matches!(event, Event::PeerDead(B, _))
}

fn stage(pair: &mut Pair) -> Option<Stage> {
    pair.node(A).cluster.hand_over.running().map(|running| running.stage)
}

/// Something happens at a stage of a hand-over: (stage, input, stage after it).
const TURNS: [(Stage, &str, Option<Stage>); 64] = [
    // A step that is not due is refused, and changes nothing.
    (Stage::Asked, "done", Some(Stage::Asked)),
    (Stage::Asked, "stray done", Some(Stage::Asked)),
    (Stage::Releasing, "stray done", Some(Stage::Releasing)),
    (GIVEN, "other", Some(GIVEN)),
    (GIVEN, "stray done", Some(GIVEN)),
    (GIVEN, "stray other", Some(GIVEN)),
    (Stage::Acquiring, "stray refusal", Some(Stage::Acquiring)),
    (Stage::Acquiring, "own pause", Some(Stage::Acquiring)),
    (Stage::Asked, "own stop", None),
    (Stage::Invited, "own stop", None),
    (Stage::Asked, "stray other", Some(Stage::Asked)),
    (Stage::Asked, "stray refusal", Some(Stage::Asked)),
    (Stage::Releasing, "done", Some(Stage::Releasing)),
    (Stage::Releasing, "other", Some(Stage::Releasing)),
    (Stage::Releasing, "stray refusal", Some(Stage::Releasing)),
    (Stage::Releasing, "stray other", Some(Stage::Releasing)),
    (GIVEN, "stray refusal", Some(GIVEN)),
    (GIVEN, "refusal", None),
    (TOLD, "me", Some(TOLD)),
    (TOLD, "done", Some(TOLD)),
    (TOLD, "other", Some(TOLD)),
    (TOLD, "stray done", Some(TOLD)),
    (TOLD, "stray other", Some(TOLD)),
    (TOLD, "stray refusal", Some(TOLD)),
    (Stage::Invited, "done", Some(Stage::Invited)),
    (Stage::Invited, "other", Some(Stage::Invited)),
    (Stage::Invited, "stray done", Some(Stage::Invited)),
    (Stage::Invited, "stray other", Some(Stage::Invited)),
    (Stage::Invited, "stray refusal", Some(Stage::Invited)),
    (Stage::Checking, "done", Some(Stage::Checking)),
    (Stage::Checking, "other", Some(Stage::Checking)),
    (Stage::Checking, "stray done", Some(Stage::Checking)),
    (Stage::Checking, "stray other", Some(Stage::Checking)),
    (Stage::Checking, "stray refusal", Some(Stage::Checking)),
    (Stage::Promised, "other", Some(Stage::Promised)),
    (Stage::Promised, "stray done", Some(Stage::Promised)),
    (Stage::Promised, "stray other", Some(Stage::Promised)),
    (Stage::Acquiring, "me", Some(Stage::Acquiring)),
    (Stage::Acquiring, "done", Some(Stage::Acquiring)),
    (Stage::Acquiring, "other", Some(Stage::Acquiring)),
    (Stage::Acquiring, "stray done", Some(Stage::Acquiring)),
    (Stage::Acquiring, "stray other", Some(Stage::Acquiring)),
    // The giver has begun anew.
    (Stage::Checking, "me", Some(Stage::Checking)),
    (Stage::Promised, "me", Some(Stage::Checking)),
    // No node begins a second hand-over.
    (Stage::Checking, "order", Some(Stage::Checking)),
    (TOLD, "order", Some(TOLD)),
    (Stage::Invited, "order", Some(Stage::Invited)),
    // A node that can no longer check cannot promise; giving needs no executor here once it is
    // done.
    (Stage::Checking, "executor gone", None),
    (Stage::Invited, "executor gone", Some(Stage::Invited)),
    (TOLD, "executor gone", Some(TOLD)),
    // A hand-over that has begun to move groups continues after a pause.
    (Stage::Asked, "own pause", None),
    (Stage::Invited, "own pause", None),
    (Stage::Checking, "own pause", None),
    (TOLD, "own pause", Some(TOLD)),
    (Stage::Checking, "own stop", None),
    (TOLD, "own stop", None),
    (TOLD, "other node gone", None),
    (Stage::Checking, "other node gone", None),
    // Nothing is awaited without end.
    (GIVEN, "no reply", None),
    (TOLD, "no reply", None),
    (Stage::Invited, "no reply", None),
    (Stage::Checking, "no reply", None),
    (Stage::Asked, "no reply", None),
    // Nothing was let go yet, and the reason is gone.
    (Stage::Asked, "withdrawn", None),
];

#[test]
fn hand_over_at_rare_input_reaches_listed_stage() {
    for (before, input, after) in TURNS {
        let is_withdrawn = input == "withdrawn";
        let motive = if is_withdrawn { HandOverReason::Carrier } else { HandOverReason::Node };
        let mut pair = pair_at(before, motive);
        let (ours, others) = if is_of_a_giver(before) { (FIRST, SECOND) } else { (SECOND, FIRST) };
        let key = |pair: &mut Pair, group: GroupId| {
            pair.node(A).cluster.settings.groups[group.index()].key
        };
        let (group, stray) = (key(&mut pair, ours), key(&mut pair, others));
        let now = pair.now;
        let step = |group, step| Message::GroupStep { group, step, by_order: false };
        match input {
            "me" => say(&mut pair, step(group, Step::Me)),
            "other" => say(&mut pair, step(group, Step::Other)),
            "done" => say(&mut pair, step(group, Step::Done)),
            "stray other" => say(&mut pair, step(stray, Step::Other)),
            "stray done" => say(&mut pair, step(stray, Step::Done)),
            "stray refusal" => {
                let (step, why, number) = (Step::Done, Refusal::Busy, Some(1));
                say(&mut pair, Message::Refuse { step, why, number });
            }
            "refusal" => {
                // The sequence of this node's "done" at this stage.
                let (step, why, number) = (Step::Done, Refusal::Busy, Some(u64::MAX));
                say(&mut pair, Message::Refuse { step, why, number });
            }
            "order" => pair.node(A).order(now, Order::StandbyGroup(FIRST)),
            "own stop" => pair.node(A).order(now, Order::Stop),
            "withdrawn" => pair.node(A).cluster.elapse(now),
            "executor gone" => pair.node(A).cluster.handle(now, &Input::ExecutorGone),
            "own pause" => pair.node(A).cluster.elapse(now + DEADTIME),
            "other node gone" => {
                pair.end(B);
                pair.until("B is dead", |pair| pair.node(A).said.iter().any(is_death));
            }
            "no reply" => {
                let no_reply = Event::HandOver(HandOverEvent::NoReply);
                pair.until("nobody replies", |pair| pair.node(A).has_said(&no_reply));
            }
            other => panic!("no input is called {other}"),
        }
        assert_eq!(stage(&mut pair), after, "{input} when {before:?}");
    }
}

/// A start has failed, and the agent cannot even be asked to stop: nothing is in progress here that
/// could be awaited.
#[test]
fn acquisition_with_agents_that_cannot_be_asked_ends() {
    let mut pair = pair_at(Stage::Acquiring, HandOverReason::Node);
    let now = pair.now;
    let runner = &mut pair.node(A).cluster.groups[SECOND].runner;
    runner.let_go();
    let job = runner.poll(now, &mut JobId(4711)).expect("a stop is due");
    runner.done(now, job.id, Outcome::NotAsked);
    pair.until("nothing goes on", |pair| stage(pair).is_none());
    let no_reply = Event::HandOver(HandOverEvent::NoReply);
    assert!(!pair.node(A).has_said(&no_reply), "it is not the other node that does not answer");
}

/// The agent cannot even be asked to stop, and nothing else is in progress.
#[test]
fn release_with_agent_that_cannot_be_asked_ends() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("the order is answered", |pair| {
        let now = pair.now;
        for job in std::mem::take(&mut pair.node(A).held) {
            let done = Input::JobDone { job: job.id, outcome: Outcome::NotAsked };
            pair.node(A).cluster.handle(now, &done);
        }
        !pair.node(A).answers.is_empty()
    });
    assert_eq!(pair.node(A).answers, [refused(Refusal::CannotStop)]);
}

#[test]
fn goodbye_of_starting_peer_is_heeded_and_pause_declares_no_peer_dead() {
    let status = |status| Message::Status { status, deadtime: DEADTIME, flow_control: true };
    let begin = |first| {
        let mut pair = Pair::new(Failback::Off);
        pair.end(B);
        say(&mut pair, status(first));
        pair
    };
    for first in [NodeStatus::Init, NodeStatus::Up] {
        let mut pair = begin(first);
        say(&mut pair, Message::Shutdone);
        pair.node(A).turn(Time::START);
        assert!(pair.node(A).has_said(&Event::PeerLeft(B)));
    }
    for first in [NodeStatus::Init, NodeStatus::Up] {
        let mut pair = begin(first);
        pair.node(A).turn(Time::START);
        say(&mut pair, status(first));
        pair.node(A).turn(Time::START + DEADTIME);
        assert!(pair.node(A).has_said(&Event::Paused(DEADTIME)));
        assert!(!pair.node(A).said.iter().any(is_death), "it was we who did not listen");
    }
}

#[test]
fn stop_order_repeated_begins_once_and_early_hand_over_step_is_ignored() {
    let mut pair = Pair::new(Failback::Off);
    let status = Message::Status { status: NodeStatus::Up, deadtime: DEADTIME, flow_control: true };
    say(&mut pair, status);
    let (hold, step) = (GroupSet::All, Step::Me);
    say(&mut pair, Message::AskResources { hold, step, ipfail: false, by_order: false });
    assert_eq!(stage(&mut pair), None);
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    let now = pair.now;
    pair.node(A).holds_jobs = true;
    pair.node(A).order(now, Order::Stop);
    pair.node(A).turn(now);
    let (hold, step) = (GroupSet::All, Step::Me);
    say(&mut pair, Message::AskResources { hold, step, ipfail: false, by_order: false });
    pair.node(A).order(now, Order::Stop);
    assert!(!pair.node(A).has_said(&Event::Relinquished), "it waits for its own stop");
    pair.node(A).finish_jobs(now);
    pair.until("goodbye is said", |pair| pair.node(A).has_said(&Event::Relinquished));
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    pair.node(A).turn(now);
    let begins = pair.node(A).said.iter().filter(|event| **event == Event::StopBegins);
    assert_eq!(begins.count(), 1);
    let (hold, step) = (GroupSet::All, Step::Me);
    say(&mut pair, Message::AskResources { hold, step, ipfail: false, by_order: false });
    pair.until("it ends without an answer", |pair| pair.node(A).has_ended);
}

/// A is certain that B is dead, gets an input, and asks for nothing again.
#[test]
fn fencing_at_rare_input_takes_groups_only_after_confirmed_death() {
    let settled = |delay| {
        let node = |id| {
            let mut settings = settings(id, Failback::Off);
            settings.fencing = Some(FencingPolicy { delay });
            Some(Node::with(settings, 1))
        };
        let mut pair = Pair::of([node(A), node(B)]);
        pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
        pair.pass(Duration::from_secs(1));
        pair
    };
    let past = |pair: &mut Pair, id: NodeId| {
        let (now, outcome) = (pair.now, FenceOutcome::Done);
        let node = NodeId(1 - id.0);
        pair.node(id).cluster.handle(now, &Input::Fenced { node, attempt: 99, outcome });
        pair.node(id).turn(now);
    };
    // B comes second: it waits, and is told that A is off.
    let mut pair = settled(Duration::from_secs(5));
    past(&mut pair, B);
    pair.end(A);
    pair.pass(DEADTIME * 2);
    past(&mut pair, B);
    // A was heard in between, and is silent again: another group waited for the fence all the time.
    assert!(pair.node(B).cluster.suspect(A, false));
    assert_eq!((pair.node(B).fences.len(), pair.runs(B)), (0, vec![SECOND]));
    let now = pair.now;
    pair.node(B).order(now, Order::ConfirmDead(A));
    pair.until("B has all", |pair| pair.runs(B) == [FIRST, SECOND]);
    // A asks at once. An answer to another attempt does not count, and an attempt that failed is
    // retried.
    let mut pair = settled(Duration::ZERO);
    pair.end(B);
    pair.until("a device is asked", |pair| !pair.node(A).fences.is_empty());
    past(&mut pair, A);
    assert_eq!(pair.runs(A), [FIRST]);
    let (now, (node, attempt)) = (pair.now, pair.node(A).fences[0]);
    let outcome = FenceOutcome::Failed;
    pair.node(A).cluster.handle(now, &Input::Fenced { node, attempt, outcome });
    past(&mut pair, A);
    assert!(pair.node(A).cluster.suspect(B, false));
    assert_eq!(pair.runs(A), [FIRST]);
    pair.node(A).order(now, Order::ConfirmDead(B));
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    let now = pair.now;
    pair.node(A).order(now, Order::ConfirmDead(B));
}

/// A waits with its standby, or is about to give up, and hears something about ping nodes.
#[test]
fn ipfail_at_rare_message_gives_up_or_stays_as_listed() {
    for (message, gives_up) in [
        (Message::PingCount { count: 2 }, true),
        (Message::PingCount { count: 0 }, false),
        (Message::YouAreDead, true),
    ] {
        let mut pair = Pair::settled(Failback::Off);
        pair.node(A).cluster.ipfail = Ipfail::waiting();
        say(&mut pair, message.clone());
        assert_eq!(pair.node(A).cluster.ipfail.is_giving_up(), gives_up, "{message:?}");
    }
    // Equal counts, and the other node's message about them, begin nothing anew.
    for (message, event) in [
        (Message::PingCount { count: 1 }, IpfailEvent::Balanced),
        (Message::AbortGiveup, IpfailEvent::NothingToAbort),
    ] {
        let mut pair = Pair::settled(Failback::Off);
        pair.node(A).cluster.ipfail = Ipfail::waiting();
        say(&mut pair, message.clone());
        let now = pair.now;
        pair.node(A).turn(now);
        assert!(pair.node(A).has_said(&Event::Ipfail(event)), "{message:?}");
        assert!(!pair.node(A).cluster.ipfail.is_giving_up(), "{message:?}");
    }
    // The ping node is on its way back to A: that B sees more is no reason to give up.
    for waits in [true, false] {
        let mut pair = Pair::settled(Failback::Off);
        pair.answers = [false, true];
        pair.until("A sees none", |pair| pair.node(A).has_said(&Event::PingDead(PingId(0))));
        if waits {
            pair.node(A).cluster.ipfail = Ipfail::waiting();
        } else {
            say(&mut pair, Message::YouAreDead);
            assert!(pair.node(A).cluster.ipfail.is_giving_up());
        }
        let now = pair.now;
        pair.node(A).cluster.handle(now, &Input::PingReply(PingId(0)));
        say(&mut pair, Message::PingCount { count: 1 });
        pair.node(A).turn(now);
        assert!(pair.node(A).has_said(&Event::Ipfail(IpfailEvent::Rising)));
    }
}

/// Checks [`crate::Table::by_unit_tests`]. All of the tests run on one thread, which counts.
#[cfg(feature = "test-hooks")]
#[test]
fn transitions_not_reached_by_worlds_are_all_met_by_unit_tests() {
    crate::group::every_rare_meeting();
    crate::monitoring::every_rare_meeting();
    rows::every_meeting();
    ledger::group_in_ledger_but_not_held_is_free_to_start();
    ledger::group_held_but_not_in_ledger_is_adopted();
    hand_over_at_rare_input_reaches_listed_stage();
    acquisition_with_agents_that_cannot_be_asked_ends();
    release_with_agent_that_cannot_be_asked_ends();
    goodbye_of_starting_peer_is_heeded_and_pause_declares_no_peer_dead();
    stop_order_repeated_begins_once_and_early_hand_over_step_is_ignored();
    fencing_at_rare_input_takes_groups_only_after_confirmed_death();
    ipfail_at_rare_message_gives_up_or_stays_as_listed();
    let visits = crate::take_visits();
    for table in crate::Table::ALL {
        for (state, input) in table.by_unit_tests() {
            let is_met = visits.contains_key(&(table, *state, *input));
            assert!(is_met, "{table:?}: no unit test meets {input:?} when {state:?}");
        }
    }
}
