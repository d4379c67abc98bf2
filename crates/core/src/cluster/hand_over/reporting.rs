//! What is reported about a hand-over for the journal: its stages, and how long each took.

use super::{Asker, Cluster, Running, Stage};
use crate::{Event, HandOverProgress, HandOverReason, NodeId, ProgressStage, Refusal, Scope};
use std::time::Duration;

impl Asker {
    pub(super) const fn motive(self) -> HandOverReason {
        match self {
            Self::Person(ticket) => HandOverReason::Order(ticket),
            Self::Node => HandOverReason::Node,
            Self::Home | Self::IpfailHome => HandOverReason::Home,
            Self::Carrier => HandOverReason::Carrier,
            Self::Ipfail => HandOverReason::Ipfail,
            Self::Failed => HandOverReason::Failed,
        }
    }
}

impl Cluster {
    /// Reports the end of a hand-over. A wish that is heard ends in favour of the hand-over that
    /// follows.
    pub(super) fn tell_end(&mut self, ended: &Running, result: Result<(), Refusal>) {
        let stage = match (result, ended.stage) {
            (Err(why), _) => ProgressStage::Ended(why),
            (Ok(()), Stage::Given(_) | Stage::Told(_) | Stage::Acquiring) => ProgressStage::Done,
            (
                Ok(()),
                Stage::Asked
                | Stage::Releasing
                | Stage::Invited
                | Stage::Checking
                | Stage::Promised,
            ) => return,
        };
        self.report(Event::HandOverProgress(ended.progress(stage, self.now)));
    }

    /// Reports that this node wants to give, and that it cannot even ask.
    pub(super) fn tell_unasked(&mut self, taker: NodeId, scope: Scope, asker: Asker, why: Refusal) {
        let progress = HandOverProgress {
            giver: self.settings.me,
            taker,
            scope,
            motive: asker.motive(),
            stage: ProgressStage::Unasked(why),
            took: Duration::ZERO,
            total: Duration::ZERO,
            beside_classic: false,
        };
        self.report(Event::HandOverProgress(progress));
    }
}
