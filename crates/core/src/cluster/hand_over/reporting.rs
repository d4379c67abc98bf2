//! What is reported about a hand-over for the journal: its stages, and how long each took.

use super::{Asker, Cluster, HandOver, Stage};
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
    /// Reports the stage that the hand-over has just reached, if the journal knows it.
    pub(super) fn tell_stage(&mut self) {
        let now = self.now;
        let Some(running) = &mut self.hand_over else { return };
        let stage = match running.stage {
            Stage::Invited => ProgressStage::Wanted,
            Stage::Asked | Stage::Checking => ProgressStage::Asked,
            Stage::Releasing | Stage::Promised => ProgressStage::Agreed,
            Stage::Given(_) | Stage::Acquiring => ProgressStage::Released,
            // The taker says that it is done, but its table says what it has.
            Stage::Told(_) => return,
        };
        let plan = running.plan(stage, now);
        running.since.1 = now;
        self.report(Event::HandOverProgress(plan));
    }

    /// Reports the end of a hand-over. A wish that is heard ends in favour of the hand-over that
    /// follows.
    pub(super) fn tell_end(&mut self, ended: &HandOver, result: Result<(), Refusal>) {
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
        self.report(Event::HandOverProgress(ended.plan(stage, self.now)));
    }

    /// Reports that this node wants to give, and that it cannot even ask.
    pub(super) fn tell_unasked(&mut self, taker: NodeId, scope: Scope, asker: Asker, why: Refusal) {
        let plan = HandOverProgress {
            giver: self.settings.me,
            taker,
            scope,
            motive: asker.motive(),
            stage: ProgressStage::Unasked(why),
            took: Duration::ZERO,
            total: Duration::ZERO,
            beside_classic: false,
        };
        self.report(Event::HandOverProgress(plan));
    }
}

impl HandOver {
    fn plan(&self, stage: ProgressStage, now: crate::Time) -> HandOverProgress {
        let (began, reached) = self.since;
        HandOverProgress {
            giver: self.giver,
            taker: self.taker,
            scope: self.scope,
            motive: self.motive,
            stage,
            took: now.since(reached),
            total: now.since(began),
            beside_classic: self.beside_classic,
        }
    }
}
