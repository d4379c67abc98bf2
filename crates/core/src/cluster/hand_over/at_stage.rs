//! A hand-over that is already at a given stage, for tests of table rows.

use super::{HandOver, REPLY_WAIT, Stage};
use crate::{GroupId, HandOverReason, JobId, NodeId, Scope, Time};

impl HandOver {
    /// A hand-over of one group, at this stage, from now on.
    pub(in crate::cluster) fn at(
        name: &str,
        (giver, taker): (NodeId, NodeId),
        group: GroupId,
        now: Time,
        began_at: u64,
    ) -> Self {
        let stages = [
            Stage::Asked,
            Stage::Releasing,
            Stage::Given(u64::MAX),
            Stage::Told(u64::MAX),
            Stage::Invited,
            Stage::Checking,
            Stage::Promised,
            Stage::Acquiring,
        ];
        let all = stages.map(|stage| Self {
            scope: Scope::Group(group),
            giver,
            taker,
            stage,
            until: now + REPLY_WAIT,
            motive: HandOverReason::Node,
            by_order: true,
            ticket: None,
            since: (now, now),
            began_at,
            asked_by: 0,
            done_by: None,
            lets_go_by: None,
            may_be_done: false,
            beside_classic: false,
            checks: vec![JobId(u64::MAX)],
            gives: Vec::new(),
            owned: Vec::new(),
        });
        all.into_iter().find(|one| one.name() == name).expect("a stage of this name")
    }

    /// The same hand-over for another reason.
    pub(in crate::cluster) fn because(self, motive: HandOverReason) -> Self {
        Self { motive, ..self }
    }
}
