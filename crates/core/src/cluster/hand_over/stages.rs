//! What is told of a hand-over for the journal: its stages, and how long each took.

use super::{Asker, Cluster, HandOver, Stage};
use crate::{Event, Motive, NodeId, Plan, PlanStage, Refusal, Scope};
use std::time::Duration;

impl Asker {
    pub(super) const fn motive(self) -> Motive {
        match self {
            Self::Person(ticket) => Motive::Order(ticket),
            Self::Node => Motive::Node,
            Self::Home | Self::IpfailHome => Motive::Home,
            Self::Carrier => Motive::Carrier,
            Self::Ipfail => Motive::Ipfail,
            Self::Failed => Motive::Failed,
        }
    }
}

impl Cluster {
    /// Tells the stage that the hand-over has just reached, if the journal knows it.
    pub(super) fn tell_stage(&mut self) {
        let now = self.now;
        let Some(running) = &mut self.hand_over else { return };
        let stage = match running.stage {
            Stage::Invited => PlanStage::Wanted,
            Stage::Asked | Stage::Checking => PlanStage::Asked,
            Stage::Releasing | Stage::Promised => PlanStage::Agreed,
            Stage::Given(_) | Stage::Acquiring => PlanStage::Released,
            // The taker says that it is done, but its table says with what.
            Stage::Told(_) => return,
        };
        let plan = running.plan(stage, now);
        running.since.1 = now;
        self.report(Event::Planned(plan));
    }

    /// Tells the end of a hand-over. A wish that is heard ends for the hand-over that follows.
    pub(super) fn tell_end(&mut self, ended: &HandOver, result: Result<(), Refusal>) {
        let stage = match (result, ended.stage) {
            (Err(why), _) => PlanStage::Ended(why),
            (Ok(()), Stage::Given(_) | Stage::Told(_) | Stage::Acquiring) => PlanStage::Done,
            (
                Ok(()),
                Stage::Asked
                | Stage::Releasing
                | Stage::Invited
                | Stage::Checking
                | Stage::Promised,
            ) => return,
        };
        self.report(Event::Planned(ended.plan(stage, self.now)));
    }

    /// Tells that this node wants to give, and that it cannot even ask.
    pub(super) fn tell_unasked(&mut self, taker: NodeId, scope: Scope, asker: Asker, why: Refusal) {
        let plan = Plan {
            giver: self.settings.me,
            taker,
            scope,
            motive: asker.motive(),
            stage: PlanStage::Unasked(why),
            took: Duration::ZERO,
            total: Duration::ZERO,
            beside_classic: false,
        };
        self.report(Event::Planned(plan));
    }
}

impl HandOver {
    fn plan(&self, stage: PlanStage, now: crate::Time) -> Plan {
        let (began, reached) = self.since;
        Plan {
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
