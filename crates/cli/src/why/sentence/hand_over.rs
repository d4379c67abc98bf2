//! Sentences about the stages of a planned hand-over.

use crate::why::span::span;
use systole_core::{Refusal, Step};
use systole_ipc::journal::{HandOverStage, begins};
use systole_ipc::texts;

/// Returns the sentence about a stage. The first one also says who wants the hand-over.
pub(super) fn sentence(stage: &HandOverStage, me: &str, is_asked: bool) -> String {
    let HandOverStage { giver, taker, took_ms, total_ms, .. } = stage;
    let (took, what) = (span(*took_ms), what(stage));
    let why = if is_asked && !begins(&stage.stage) { String::new() } else { motive(stage, me) };
    let refused =
        stage.refused.map_or_else(String::new, |why| format!(": {}", texts::refusal(why)));
    match &*stage.stage {
        "wanted" => format!("{taker} wants to take {what} from {giver}{why}"),
        "asked" => format!("{giver} asks {taker} to take {what}{why}"),
        "agreed" => format!("{taker} can take {what} (checked in {took}){why}"),
        "released" => format!("{giver} has released {what}, {took} later{why}"),
        "done" => {
            let total = span(*total_ms);
            format!("{taker} has {what}, {took} later; the hand-over took {total}{why}")
        }
        "ended" => {
            let total = span(*total_ms);
            format!("the hand-over from {giver} to {taker} ended after {total}{refused}{why}")
        }
        "unasked" => format!("{giver} cannot ask {taker} to take {what}{refused}{why}"),
        other => format!("the hand-over from {giver} to {taker}: {other}{refused}{why}"),
    }
}

/// Returns the sentence about a refusal by this node: of another node's request for a hand-over, or of a step
/// of that node's hand-over.
pub(super) fn refusal(node: &str, step: Step, refused: Refusal, me: &str) -> String {
    let refused = texts::refusal(refused);
    match step {
        Step::Me => format!("{me} refused a hand-over with {node}: {refused}"),
        Step::Other | Step::Done => {
            format!("{me} refused the step \"{}\" of {node}: {refused}", step.word())
        }
    }
}

/// Returns what moves. A group that moves alone is the group of the story.
fn what(stage: &HandOverStage) -> String {
    match (&stage.group, stage.set) {
        (None, Some(set)) => format!("[{set}]"),
        (Some(_), _) | (None, None) => "it".to_owned(),
    }
}

fn motive(stage: &HandOverStage, me: &str) -> String {
    let HandOverStage { giver, taker, .. } = stage;
    match &*stage.motive {
        "order" => ", as ordered here".to_owned(),
        // The taker does not know why it is asked.
        "node" if me == taker => String::new(),
        "node" => format!(", because {taker} wants it"),
        "failback" => format!(", because {taker} is its home"),
        "carrier" => format!(", because {giver} cannot reach its clients"),
        "ipfail" => format!(", because {giver} sees fewer ping nodes"),
        "failed" => format!(", because a group does not work on {giver}"),
        other => format!(" ({other})"),
    }
}
