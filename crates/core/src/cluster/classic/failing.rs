//! A group of a classic peer that could not be started here.
//!
//! Its protocol has no word for that: it believes that we run what we hold. As one of its own kind
//! would, we hand its groups back after a while. Nothing is given away for a group that is our own.

use crate::cluster::Cluster;
use crate::cluster::hand_over::Asker;
use crate::{Failback, GroupId, Hold, Scope};
use std::time::Duration;

/// How long a node of the classic line waits before it gives up what it could not start.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// How long after a refusal it is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// A resource of a group could not be started.
    pub(in crate::cluster) fn classic_fails(&mut self, group: GroupId) {
        let is_theirs = self.classic_peer() == Some(self.preferred(group));
        if is_theirs && self.settings.failback != Failback::Legacy {
            self.classic.gives_up.get_or_insert(self.now + GIVE_UP_AFTER);
        }
    }

    /// Hands the peer's groups back when it is time.
    pub(super) fn elapse_failing(&mut self) {
        if self.classic.gives_up.is_none_or(|until| self.now < until) {
            return;
        }
        let peer = self.classic_peer().filter(|_| self.takes_part() && self.has_lost_one());
        self.classic.gives_up = match peer {
            Some(_) if self.is_everything_frozen() || !self.may_all_leave(Hold::Foreign) => {
                Some(self.now + RETRY)
            }
            Some(peer) => {
                let asked =
                    self.order_standby(Scope::Set(Hold::Foreign), Some(peer), Asker::Failed);
                asked.is_err().then(|| self.now + RETRY)
            }
            None => None,
        };
    }

    /// Whether a group of the peer is still ours though it could not be started here.
    fn has_lost_one(&self) -> bool {
        let me = self.settings.me;
        let mut groups = self.settings.group_ids();
        groups.any(|group| {
            self.preferred(group) != me && self.is_ours(group) && !self.ownership.is_able(group, me)
        })
    }
}
