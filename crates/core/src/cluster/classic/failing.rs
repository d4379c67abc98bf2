//! A group of a C node that could not be started here.
//!
//! The classic protocol has no word for that: the C node believes that this node runs what it
//! holds. As another C node would, this node hands the C node's groups back after a while. Nothing
//! is given away for a group that prefers this node, unless it ran here and is monitored.

use crate::cluster::Cluster;
use crate::cluster::hand_over::Asker;
use crate::{Failback, GroupId, GroupSet, Scope};
use std::time::Duration;

/// How long a C node waits before it gives up what it could not start.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// Wait after a refusal before the hand-over is retried.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// A resource of a group could not be started.
    pub(super) fn classic_fails(&mut self, group: GroupId) {
        let is_theirs = self.classic_peer() == Some(self.preferred(group));
        if is_theirs && self.settings.failback != Failback::Legacy {
            self.classic.gives_up.get_or_insert(self.now + GIVE_UP_AFTER);
        }
    }

    /// A resource of a monitored group could not be started again. The group moves, and a C node
    /// takes only whole sets.
    pub(super) fn classic_loses(&mut self, group: GroupId) {
        if self.settings.failback != Failback::Legacy {
            self.classic.has_lost_own |= self.preferred(group) == self.settings.me;
            self.classic.gives_up = Some(self.now);
        }
    }

    /// Hands the peer's groups back, or lost ones over, when it is time.
    pub(super) fn elapse_failing(&mut self) {
        if self.classic.gives_up.is_none_or(|until| self.now < until) {
            return;
        }
        let hold = self.gives_up();
        let peer = self.classic_peer().filter(|_| self.takes_part() && hold != GroupSet::None);
        self.classic.gives_up = match peer {
            Some(_)
                if self.hand_over.runs()
                    || self.is_everything_held()
                    || !self.may_all_leave(hold) =>
            {
                Some(self.now + RETRY)
            }
            Some(peer) => {
                let asked = self.order_standby(Scope::Set(hold), Some(peer), Asker::Failed);
                // The peer may not answer, or may refuse.
                Some(self.now + if asked.is_err() { RETRY } else { GIVE_UP_AFTER })
            }
            None => None,
        };
        self.classic.has_lost_own &= self.classic.gives_up.is_some();
    }

    /// The groups that a lost executor held go to the peer, even the groups that prefer this node:
    /// the peer believes that this node runs them.
    pub(super) fn classic_abandons(&mut self) {
        if self.settings.failback != Failback::Legacy {
            self.classic.gives_up.get_or_insert(self.now);
        }
    }

    /// The sets to be given up, as far as the peer believes that this node has them.
    fn gives_up(&self) -> GroupSet {
        let failed = GroupSet::of(
            self.classic.has_lost_own && self.has_lost_one(true),
            self.has_lost_one(false),
        );
        let abandoned = if self.has_given_up_executor() { self.unheld() } else { GroupSet::None };
        failed.with(abandoned)
    }

    /// The sets that the peer believes this node has, but of which this node holds no group.
    pub(super) fn unheld(&self) -> GroupSet {
        let configured = self.settings.group_ids().filter(|group| self.is_configured(*group));
        let unheld = self.sets_among(configured).without(self.held());
        GroupSet::of(
            unheld.has_local() && self.classic.ours.has_local(),
            unheld.has_foreign() && self.classic.ours.has_foreign(),
        )
    }

    /// Whether this node still owns a group, one of its own or one of the peer, although the group
    /// could not be started here.
    fn has_lost_one(&self, of_own: bool) -> bool {
        let me = self.settings.me;
        let mut groups = self.settings.group_ids();
        groups.any(|group| {
            (self.preferred(group) == me) == of_own
                && self.is_ours(group)
                && !self.groups[group].row.is_able(me)
        })
    }
}
