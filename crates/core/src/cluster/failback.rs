//! Groups go home: what a node took because the preferred one was away, it hands back.

use super::Cluster;
use super::hand_over::Asker;
use crate::mutation::Mutation;
use crate::{Failback, GroupId, Hold, Phase, Scope, Time};
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
            let _ = self.order_standby(Scope::Set(Hold::All), None, Asker::Home);
            return self.delay_failback();
        }
        let away = self.settings.group_ids().find(|group| {
            let row = self.ownership.row(*group);
            let ours = self.is_ours(*group) && row.phase == Phase::Active && row.is_borrowed;
            ours && self.can_go_home(*group)
        });
        let Some(group) = away else { return };
        let home = self.preferred(group);
        // What cannot run there stays; then the others go one by one.
        let mut groups = self.settings.group_ids();
        let all_can = groups.all(|group| {
            self.preferred(group) != home || !self.is_ours(group) || self.can_go_home(group)
        });
        let scope = if all_can { Scope::Set(Hold::Foreign) } else { Scope::Group(group) };
        if self.order_standby(scope, Some(home), Asker::Home).is_err() {
            self.delay_failback();
        }
    }

    /// Whether a group's home is another node that could take it now, as far as we know.
    fn can_go_home(&self, group: GroupId) -> bool {
        let (me, home) = (self.settings.me, self.preferred(group));
        home != me
            && self.ownership.is_able(group, home)
            && self.is_peer_settled(home)
            && !self.sees_fewer_pings(home, me)
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
