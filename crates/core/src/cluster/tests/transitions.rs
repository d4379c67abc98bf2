//! Transitions that the simulated worlds do not reach: (state, input) → the state after it.

use super::pair::Pair;
use super::*;
use crate::cluster::hand_over::HandOver;
use crate::cluster::ipfail::Ipfail;
use crate::{FenceOutcome, FencingPolicy};

/// A is at this stage of a hand-over with B: it gives its own group, or takes the other.
fn pair_at(stage: &str) -> Pair {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    let is_giver = matches!(stage, "asked" | "releasing" | "given" | "told");
    let (parts, group) = if is_giver { ((A, B), FIRST) } else { ((B, A), SECOND) };
    let node = pair.node(A);
    let began_at = node.cluster.peers[B.index()].receiver.last();
    node.cluster.hand_over = Some(HandOver::at(stage, parts, group, now, began_at));
    if stage == "acquiring" {
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

fn stage(pair: &mut Pair) -> &'static str {
    pair.node(A).cluster.hand_over.as_ref().map_or("none", HandOver::name)
}

/// Something happens at a stage of a hand-over: (stage, input, stage after it).
#[rustfmt::skip]
const TURNS: [(&str, &str, &str); 62] = [
    // A step that is not due is refused, and changes nothing.
    ("asked", "done", "asked"),
    ("asked", "stray done", "asked"),
    ("releasing", "stray done", "releasing"),
    ("given", "other", "given"),
    ("given", "stray done", "given"),
    ("given", "stray other", "given"),
    ("acquiring", "stray refusal", "acquiring"),
    ("acquiring", "own pause", "acquiring"),
    ("asked", "own stop", "none"),
    ("invited", "own stop", "none"),
    ("asked", "stray other", "asked"),
    ("asked", "stray refusal", "asked"),
    ("releasing", "done", "releasing"),
    ("releasing", "other", "releasing"),
    ("releasing", "stray refusal", "releasing"),
    ("releasing", "stray other", "releasing"),
    ("given", "stray refusal", "given"),
    ("given", "refusal", "none"),
    ("told", "done", "told"),
    ("told", "other", "told"),
    ("told", "stray done", "told"),
    ("told", "stray other", "told"),
    ("told", "stray refusal", "told"),
    ("invited", "done", "invited"),
    ("invited", "other", "invited"),
    ("invited", "stray done", "invited"),
    ("invited", "stray other", "invited"),
    ("invited", "stray refusal", "invited"),
    ("checking", "done", "checking"),
    ("checking", "other", "checking"),
    ("checking", "stray done", "checking"),
    ("checking", "stray other", "checking"),
    ("checking", "stray refusal", "checking"),
    ("promised", "other", "promised"),
    ("promised", "stray done", "promised"),
    ("promised", "stray other", "promised"),
    ("acquiring", "me", "acquiring"),
    ("acquiring", "done", "acquiring"),
    ("acquiring", "other", "acquiring"),
    ("acquiring", "stray done", "acquiring"),
    ("acquiring", "stray other", "acquiring"),
    // The giver has begun anew.
    ("checking", "me", "checking"),
    ("promised", "me", "checking"),
    // No node begins a second hand-over.
    ("checking", "order", "checking"),
    ("told", "order", "told"),
    ("invited", "order", "invited"),
    // A node that can no longer check cannot promise; giving needs no executor here once it is
    // done.
    ("checking", "executor gone", "none"),
    ("invited", "executor gone", "invited"),
    ("told", "executor gone", "told"),
    // A hand-over that has begun to move groups continues after a pause.
    ("asked", "own pause", "none"),
    ("invited", "own pause", "none"),
    ("checking", "own pause", "none"),
    ("told", "own pause", "told"),
    ("checking", "own stop", "none"),
    ("told", "own stop", "none"),
    ("told", "other node gone", "none"),
    ("checking", "other node gone", "none"),
    // Nothing is awaited without end.
    ("given", "no reply", "none"),
    ("told", "no reply", "none"),
    ("invited", "no reply", "none"),
    ("checking", "no reply", "none"),
    // Nothing was let go yet, and the reason is gone.
    ("asked", "withdrawn", "none"),
];

#[test]
fn every_rare_turn_of_a_hand_over_has_one_end() {
    for (before, input, after) in TURNS {
        let mut pair = pair_at(before);
        let (ours, others) = match before {
            "asked" | "releasing" | "given" | "told" => (FIRST, SECOND),
            _ => (SECOND, FIRST),
        };
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
            "withdrawn" => {
                let running = &mut pair.node(A).cluster.hand_over;
                *running = running.take().map(|it| it.because(crate::HandOverReason::Carrier));
                pair.node(A).cluster.elapse(now);
            }
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
        assert_eq!(stage(&mut pair), after, "{input} when {before}");
    }
}

/// A start has failed, and the agent cannot even be asked to stop: nothing is in progress here that
/// could be awaited.
#[test]
fn an_acquisition_whose_agents_cannot_be_asked_ends() {
    let mut pair = pair_at("acquiring");
    let now = pair.now;
    let runner = &mut pair.node(A).cluster.groups[SECOND].runner;
    runner.let_go();
    let job = runner.poll(now, &mut JobId(4711)).expect("a stop is due");
    runner.done(now, job.id, Outcome::NotAsked);
    pair.until("nothing goes on", |pair| stage(pair) == "none");
    let no_reply = Event::HandOver(HandOverEvent::NoReply);
    assert!(!pair.node(A).has_said(&no_reply), "it is not the other node that does not answer");
}

#[test]
fn a_node_that_stops_or_pauses_while_another_begins() {
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
fn a_stop_is_ordered_once_and_a_step_before_the_start_is_over_moves_nothing() {
    let mut pair = Pair::new(Failback::Off);
    let status = Message::Status { status: NodeStatus::Up, deadtime: DEADTIME, flow_control: true };
    say(&mut pair, status);
    let (hold, step) = (GroupSet::All, Step::Me);
    say(&mut pair, Message::AskResources { hold, step, ipfail: false, by_order: false });
    assert_eq!(stage(&mut pair), "none");
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
fn every_rare_turn_of_fencing_has_one_end() {
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
fn every_rare_word_of_ipfail_is_heeded() {
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
fn unit_tests_meet_what_worlds_do_not() {
    crate::group::every_rare_meeting();
    rows::every_meeting();
    ledger::what_is_listed_and_not_held_is_free();
    ledger::what_is_held_and_was_not_listed_is_adopted();
    every_rare_turn_of_a_hand_over_has_one_end();
    an_acquisition_whose_agents_cannot_be_asked_ends();
    a_node_that_stops_or_pauses_while_another_begins();
    a_stop_is_ordered_once_and_a_step_before_the_start_is_over_moves_nothing();
    every_rare_turn_of_fencing_has_one_end();
    every_rare_word_of_ipfail_is_heeded();
    let visits = crate::take_visits();
    for table in crate::Table::ALL {
        for (state, input) in table.by_unit_tests() {
            let is_met = visits.contains_key(&(table, *state, *input));
            assert!(is_met, "{table:?}: no unit test meets {input:?} when {state:?}");
        }
    }
}
