//! A node whose executor is gone, or stands still, and does not come back.
//!
//! ```text
//!             the first turn without one
//!  Unnoticed ─────────────────────────────┐
//!                                         ▼  a permit and a lifetime have passed
//!  None ─────────────────────────────▶ Awaited ────────────────────────────────▶ Over
//!    ▲        it is gone                  │ it greets                              │ it greets
//!    └────────────────────────────────────┴────────────────────────────────────────┘
//! ```
//!
//! Nobody renews what it held: its addresses expire, and until then the groups stay claimed, so that
//! an executor that is started again finds them. After that nothing is claimed any more, and the
//! others may run it. Services may run on, and nobody here can tell. This node says so: where a
//! fencing device is configured the others fence it first. An executor that comes back late stops
//! everything that it holds before this node takes anything.

use super::Cluster;
use crate::{Cause, Claim, Event, GroupId, Holding, NodeId, Phase, Refusal, ResourceKind, Time};
use std::time::Duration;

/// How long a daemon that starts gives permits to an executor that has not spoken.
const GREETING_MAX: Duration = Duration::from_secs(5);
/// The kernel looks at lifetimes once a second or so.
const GRAIN: Duration = Duration::from_secs(1);

/// How long there has been no executor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Absence {
    /// This node has not begun to wait for one.
    #[default]
    Unnoticed,
    /// It is awaited. One that has not spoken gets permits until then.
    Awaited { permits_until: Time },
    /// Every address that it held has expired.
    Over,
    /// It is there.
    None,
}

impl Cluster {
    /// The executor is gone. It gets no permit until it has spoken again.
    pub(super) fn begin_absence(&mut self) {
        match self.absence {
            Absence::None => self.absence = Absence::Awaited { permits_until: self.now },
            Absence::Unnoticed | Absence::Awaited { .. } | Absence::Over => {}
        }
    }

    /// Whether an executor is there that has said what it holds.
    pub(super) fn has_executor(&self) -> bool {
        self.absence == Absence::None
    }

    /// Time in which this node stood still itself may not have been time for its addresses.
    pub(super) fn prolong_absence(&mut self) {
        if let Absence::Awaited { permits_until } = &mut self.absence {
            *permits_until = self.now.max(*permits_until);
        }
    }

    /// Whether the executor that is connected may get a permit.
    pub(super) fn may_permit(&self) -> bool {
        match self.absence {
            Absence::Unnoticed | Absence::None => true,
            Absence::Awaited { permits_until } => self.now < permits_until,
            Absence::Over => false,
        }
    }

    /// When every address has run out that an executor may have renewed under its last permit.
    pub(super) fn absence_deadline(&self) -> Option<Time> {
        let Absence::Awaited { permits_until } = self.absence else { return None };
        let detection = self.detection();
        Some(permits_until + detection.permit() + detection.address_lifetime() + GRAIN)
    }

    /// Gives up what an executor held that does not come back.
    pub(super) fn elapse_absence(&mut self) {
        if self.absence == Absence::Unnoticed && !self.has_executor() {
            self.absence = Absence::Awaited { permits_until: self.now + GREETING_MAX };
        }
        if self.absence_deadline().is_none_or(|deadline| self.now < deadline) {
            return;
        }
        self.absence = Absence::Over;
        // What was to be given may run on: who takes it shall know that, and fence us first.
        if self.hand_over.as_ref().is_some_and(|running| running.parts().0 == self.settings.me) {
            self.end_hand_over(Err(Refusal::CannotStop));
        }
        for group in self.settings.group_ids() {
            if !self.groups[group].runner.is_idle() {
                self.orphan(group);
            }
        }
        self.classic_abandons();
        self.beat_soon();
    }

    fn orphan(&mut self, group: GroupId) {
        self.groups[group].runner.abandon();
        let resources = &self.settings.groups[group.index()].resources;
        let has_service = |it: &crate::Resource| matches!(it.kind, ResourceKind::Agent { .. });
        self.groups[group].in_doubt = resources.iter().any(has_service);
        if self.is_ours(group) && self.groups[group].row.phase.holds() {
            self.end_trust(group);
            self.set_phase(group, Phase::Failed, Cause::ExecutorLost);
        } else if self.groups[group].in_doubt {
            self.report(Event::LeftRunning(group));
        }
    }

    /// Whether the executor is given up: others may run what it held.
    pub(super) fn has_given_up_executor(&self) -> bool {
        self.absence == Absence::Over
    }

    /// Whether this node can run a group, and has not lost its executor for so long that others may.
    pub(super) fn can_still_run(&self, group: GroupId) -> bool {
        self.can_run(group) && !self.has_given_up_executor()
    }

    /// The executor is there. What it holds of that which was given up is stopped: somebody else may
    /// have it.
    pub(super) fn end_absence(&mut self, held: &[Holding]) {
        let was_over = std::mem::replace(&mut self.absence, Absence::None) == Absence::Over;
        self.groups.iter_mut().for_each(|group| group.in_doubt = false);
        if was_over {
            for holding in held {
                self.let_go(holding.group);
            }
        }
    }

    /// Takes note of what a node says runs there. If by its row nothing runs any more, and something
    /// may run all the same, that is in doubt: it alone keeps nobody from taking the group.
    pub(super) fn handle_doubt(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        let is_in_doubt = claim.is_in_doubt(from);
        let peer = self.peer_mut(from);
        peer.in_doubt[group.index()] = is_in_doubt;
        peer.runs[group.index()] = claim.runs_here && !is_in_doubt;
    }

    /// Whether a node cannot tell whether services of a group run there, and is not certain to be dead.
    pub(super) fn is_in_doubt_at(&self, node: NodeId, group: GroupId) -> bool {
        let peer = self.peer(node);
        let by_unknown_line = peer.doubts_unknown && peer.lacks.contains(&group);
        let is_in_doubt = peer.in_doubt[group.index()] || by_unknown_line;
        peer.is_alive() && is_in_doubt && !self.is_certainly_dead(node)
    }

    /// Whether a group must not be started before a node was fenced that may run services of it.
    pub(super) fn is_in_doubt_elsewhere(&self, group: GroupId) -> bool {
        let is_fenced = self.settings.fencing.is_some();
        is_fenced && self.others().any(|node| self.is_in_doubt_at(node, group))
    }

    /// Why nobody runs a group that its owner calls failed.
    pub(super) fn cause_of_failed(&self, owner: NodeId, group: GroupId) -> Cause {
        let is_other = owner != self.settings.me;
        if is_other && self.peer(owner).in_doubt[group.index()] {
            Cause::OwnerInDoubt(owner)
        } else {
            Cause::OwnerFailed(owner)
        }
    }
}
