//! What happens at a stage of a hand-over and hardly ever occurs: (stage, input) → the stage after
//! it.

use super::input::{Action, Heard, Input};
use super::running::{REPLY_WAIT, Running};
use super::{Beginning, HandOver, Stage};
use crate::{GroupId, HandOverReason, JobId, NodeId, Refusal, Scope, Step, Time};

const ME: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(1);
/// What is handed over, and what is not.
const SCOPE: Scope = Scope::Group(GroupId(0));
const STRAY: Scope = Scope::Group(GroupId(1));
/// The sequence of this node's "done", and a table of the taker that is not known yet.
const NUMBER: u64 = 9;
const GIVEN: Stage = Stage::Given(NUMBER);
const TOLD: Stage = Stage::Told(NUMBER);

/// A hand-over that is at this stage.
fn at(stage: Stage) -> HandOver {
    let is_giver = matches!(stage, Stage::Asked | Stage::Releasing | GIVEN | TOLD);
    let (giver, taker) = if is_giver { (ME, OTHER) } else { (OTHER, ME) };
    let beginning = Beginning {
        scope: SCOPE,
        giver,
        taker,
        stage,
        motive: HandOverReason::Node,
        by_order: true,
        beside_classic: false,
        began_at: 0,
        asked_by: 0,
        gives: Vec::new(),
        owned: Vec::new(),
    };
    let mut running = Running::new(Time::START, beginning);
    running.checks = vec![JobId(1)];
    HandOver::of(running)
}

fn step(step: Step, scope: Scope) -> Input {
    let (is_first, lacks_words) = (false, false);
    Input::Step(Heard { from: OTHER, sequence: 1, scope, step, is_first, lacks_words })
}

fn refusal(number: u64) -> Input {
    let (step, number, why) = (Step::Done, Some(number), Refusal::Busy);
    Input::Refusal { from: OTHER, sequence: 1, step, number, why }
}

/// (Stage, input, stage after it.)
fn turns() -> Vec<(Stage, Input, Option<Stage>)> {
    let mut turns = Vec::new();
    // A step that is not due is refused, and changes nothing.
    for (stage, due) in [
        (Stage::Asked, Some(Step::Other)),
        (Stage::Releasing, None),
        (GIVEN, Some(Step::Done)),
        (TOLD, None),
        (Stage::Invited, None),
        (Stage::Checking, None),
        (Stage::Promised, Some(Step::Done)),
        (Stage::Acquiring, None),
    ] {
        for other in [Step::Other, Step::Done] {
            turns.push((stage, step(other, STRAY), Some(stage)));
            if due != Some(other) {
                turns.push((stage, step(other, SCOPE), Some(stage)));
            }
        }
        turns.push((stage, refusal(NUMBER + 1), Some(stage)));
    }
    turns.push((GIVEN, refusal(NUMBER), None));
    for stage in [TOLD, Stage::Acquiring] {
        turns.push((stage, step(Step::Me, SCOPE), Some(stage)));
    }
    // No node begins a second hand-over.
    for stage in [TOLD, Stage::Invited, Stage::Checking] {
        turns.push((stage, Input::Wish, Some(stage)));
    }
    // A node that can no longer check cannot promise; giving needs no executor here once it is
    // done.
    turns.push((Stage::Checking, Input::ExecutorGone, None));
    for stage in [TOLD, Stage::Invited] {
        turns.push((stage, Input::ExecutorGone, Some(stage)));
    }
    // A hand-over that has begun to move groups continues after a pause.
    for stage in [Stage::Asked, Stage::Invited, Stage::Checking] {
        turns.push((stage, Input::OwnPause, None));
    }
    for stage in [TOLD, Stage::Acquiring] {
        turns.push((stage, Input::OwnPause, Some(stage)));
    }
    for stage in [Stage::Asked, Stage::Invited, Stage::Checking, TOLD] {
        turns.push((stage, Input::OwnStop, None));
    }
    for stage in [TOLD, Stage::Checking] {
        turns.push((stage, Input::PeerGone(OTHER), None));
    }
    // Nothing was let go yet, and the reason is gone.
    turns.push((Stage::Asked, Input::Withdrawn, None));
    turns
}

#[test]
fn hand_over_at_rare_input_reaches_listed_stage() {
    for (before, input, after) in turns() {
        let mut hand_over = at(before);
        let story = format!("{input:?} when {before:?}");
        hand_over.step(Time::START, input);
        assert_eq!(hand_over.running().map(|running| running.stage), after, "{story}");
    }
}

/// Nothing is awaited without end.
#[test]
fn hand_over_without_reply_ends() {
    for stage in [GIVEN, TOLD, Stage::Invited, Stage::Checking, Stage::Asked] {
        let mut hand_over = at(stage);
        let turn = || Input::Turn { has_come: false, is_stuck: false };
        let end = Time::START + REPLY_WAIT;
        hand_over.step(Time::from_nanos(end.as_nanos() - 1), turn());
        assert_eq!(hand_over.running().map(|running| running.stage), Some(stage));
        let (_, result) = hand_over.step(end, turn()).ended.expect("it is over");
        assert_eq!(result, Err(Refusal::NoReply), "{stage:?}");
    }
}

/// The giver has begun anew: its wish is considered as any other.
#[test]
fn wish_of_giver_that_begins_anew_is_considered() {
    for stage in [Stage::Checking, Stage::Promised] {
        let mut hand_over = at(stage);
        let effects = hand_over.step(Time::START, step(Step::Me, SCOPE));
        assert_eq!(effects.action, Action::Consider(None), "{stage:?}");
        assert!(!hand_over.runs(), "{stage:?}");
    }
}
