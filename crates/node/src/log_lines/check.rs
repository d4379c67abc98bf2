//! The lines about checks of running resources.

use super::{LogRenderer, error, info, warning};
use crate::log::Line;
use systole_core::{AfterCheck, ForeignStep, GroupId, NodeId, Outcome, Words};
use systole_ipc::texts;

impl LogRenderer {
    pub(super) fn check_failed(
        &self,
        group: GroupId,
        resource: usize,
        (outcome, words): (Outcome, Words),
        follows: AfterCheck,
    ) -> Line {
        let (word, key) = (self.resource(group, resource), self.key(group));
        let outcome = texts::explained(outcome, words.as_str(), false);
        let (follows, count) =
            (texts::after_check_word(follows), texts::after_check_count(follows));
        let text = format!("{key}: {}", texts::check(word, &outcome, follows, count));
        match follows {
            "waits" | "unknown" | "held" | "ignores" => warning(text),
            _ => error(text),
        }
    }

    pub(super) fn foreign(
        &self,
        group: GroupId,
        resource: usize,
        owner: Option<NodeId>,
        step: ForeignStep,
    ) -> Line {
        let (word, key) = (self.resource(group, resource), self.key(group));
        let outcome = match step {
            ForeignStep::NotStopped(outcome) => texts::outcome(outcome),
            ForeignStep::Runs { .. } | ForeignStep::Stopped | ForeignStep::Gone => String::new(),
        };
        let owner = owner.map(|owner| self.node(owner));
        let sentence = texts::foreign(word, owner, texts::foreign_word(step), &outcome);
        let text = format!("{key}: {sentence}");
        match step {
            ForeignStep::Runs { .. } => warning(text),
            ForeignStep::NotStopped(_) => error(text),
            ForeignStep::Stopped | ForeignStep::Gone => info(text),
        }
    }

    pub(super) fn check_recovered(&self, group: GroupId, resource: usize) -> Line {
        let (word, key) = (self.resource(group, resource), self.key(group));
        info(format!("{key}: {}", texts::check(word, "", "recovered", None)))
    }
}
