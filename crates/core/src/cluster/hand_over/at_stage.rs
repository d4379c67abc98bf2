//! A hand-over that is already at a given stage, for tests of table rows.

use super::{Beginning, HandOver, Running, Stage};
use crate::{GroupId, HandOverReason, NodeId, Scope, Time};

impl HandOver {
    /// A hand-over of one group, at this stage, from now on.
    pub(in crate::cluster) fn at(
        stage: Stage,
        (giver, taker): (NodeId, NodeId),
        group: GroupId,
        motive: HandOverReason,
        (now, began_at): (Time, u64),
    ) -> Self {
        let beginning = Beginning {
            scope: Scope::Group(group),
            giver,
            taker,
            stage,
            motive,
            by_order: true,
            beside_classic: false,
            began_at,
            asked_by: 0,
            gives: Vec::new(),
            owned: Vec::new(),
        };
        let mut running = Running::new(now, beginning);
        running.checks = vec![crate::JobId(u64::MAX)];
        Self::of(running)
    }
}
