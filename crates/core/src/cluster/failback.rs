//! Groups go home: what a node took because the preferred one was away, it hands back.

use super::Cluster;
use super::hand_over::Asker;
use crate::mutation::Mutation;
use crate::{Failback, Hold, Phase, Time};
use std::time::Duration;

/// How long after a refused failback it is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// Hands groups back that we have only because their preferred node was away.
    pub(super) fn give_back(&mut self) {
        let is_wanted = self.settings.failback != Failback::Off || self.owes_after_heal();
        if !is_wanted || self.now < self.failback_after {
            return;
        }
        if self.hand_over.is_some() {
            return;
        }
        if self.errs(Mutation::Restless) {
            let _ = self.order_standby(Hold::All, None, Asker::Node);
            return self.delay_failback();
        }
        let away = self.settings.group_ids().find(|group| {
            let row = self.ownership.row(*group);
            let home = self.preferred(*group);
            let ours = self.is_ours(*group) && row.phase == Phase::Active && row.is_borrowed;
            let can_go = home != self.settings.me && self.ownership.is_able(*group, home);
            ours && can_go && self.is_peer_settled(home)
        });
        let home = away.map(|group| self.preferred(group));
        if home.is_some() && self.order_standby(Hold::Foreign, home, Asker::Node).is_err() {
            self.delay_failback();
        }
    }

    /// A hand-over failed or was refused: the next failback waits a little.
    pub(super) fn delay_failback(&mut self) {
        self.failback_after = self.now + RETRY;
    }

    /// When a failback that could not begin is tried again.
    pub(super) fn failback_deadline(&self) -> Option<Time> {
        (self.failback_after > self.now).then_some(self.failback_after)
    }
}
