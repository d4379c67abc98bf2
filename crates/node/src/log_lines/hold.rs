//! Lines about what is held by order, and what is kept where it is because it moved too often.

use super::{LogRenderer, info, warning};
use crate::log::Line;
use systole_core::{AnswerNews, Cause, GroupId, HoldEvent, Mac, NodeId, Obstacle};
use systole_ipc::texts;

impl LogRenderer {
    pub(super) fn hold(&self, step: HoldEvent) -> Line {
        match step {
            HoldEvent::Begins { group, by, left } => {
                let (what, by) = (self.held(group), self.node(by));
                let seconds = left.as_secs();
                warning(format!(
                    "{what} held for {seconds} s (ordered on {by}): moves only by order; not \
                     taken over from a dead node. `hb release` ends that."
                ))
            }
            HoldEvent::Released { group, by } => {
                info(format!("{} no longer held: released on {}.", self.held(group), self.node(by)))
            }
            HoldEvent::Expired { group } => {
                info(format!("{}: its time is over.", self.free(group)))
            }
            HoldEvent::Down { group, moves, span } => {
                let (key, seconds) = (self.key(group), span.as_secs());
                // Another node reports how long it lasts, but not the moves before this daemon's start.
                let moves = match moves {
                    0 => String::new(),
                    moves => format!(" ({moves} times recently)"),
                };
                warning(format!(
                    "Group {key} moved automatically too often{moves}: it stays where it works best \
                     for \
                     {seconds} s."
                ))
            }
            HoldEvent::DownOver { group } => {
                info(format!("Group {} may move automatically again.", self.key(group)))
            }
        }
    }

    /// A machine answers for an address of a group that this node would take.
    pub(super) fn address_answers(
        &self,
        group: GroupId,
        (mac, node): (Mac, Option<NodeId>),
        news: AnswerNews,
    ) -> Line {
        let node = node.map(|node| self.node(node));
        let sentence = texts::answer_news(&mac.to_string(), node, news);
        warning(format!("Group {}: {sentence}.", self.key(group)))
    }

    /// A group that no node runs, and why this node does not take it over.
    pub(super) fn not_taken(&self, group: GroupId, obstacle: Obstacle, cause: &Cause) -> Line {
        let (key, why) = (self.key(group), texts::cause(cause, &self.settings));
        let obstacle = texts::obstacle(obstacle);
        warning(format!("Group {key} is not taken by this node although {why}: {obstacle}."))
    }

    fn free(&self, group: Option<GroupId>) -> String {
        match group {
            None => "Everything may move automatically again".to_owned(),
            Some(group) => format!("Group {} is no longer held", self.key(group)),
        }
    }

    fn held(&self, group: Option<GroupId>) -> String {
        group.map_or("Everything is".to_owned(), |group| format!("Group {} is", self.key(group)))
    }
}
