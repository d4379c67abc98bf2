//! A node whose executor is gone or stands still, and does not come back.
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
//! Nothing renews what the executor held: its addresses expire, and until then the groups stay
//! claimed, so that a restarted executor finds them. After that nothing is claimed any longer, and
//! the others may run the groups. Services may still run, and no one on this node can tell. This
//! node says so: where a fencing device is configured, the others fence this node first. An
//! executor that comes back late stops everything that it holds before this node takes anything.

use super::Cluster;
use super::classic::ClassicInput;
use crate::{Cause, Claim, Event, GroupId, Holding, NodeId, Phase, ResourceKind, Time};
use std::time::Duration;

/// How long a starting daemon gives permits to an executor that has not reported yet.
const GREETING_MAX: Duration = Duration::from_secs(5);
/// The kernel looks at lifetimes once a second or so.
const GRAIN: Duration = Duration::from_secs(1);

/// How long there has been no executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    /// This node has not begun to wait for an executor.
    Unnoticed,
    /// An executor is awaited. An executor that has not reported yet gets permits until this time.
    Awaited { permits_until: Time },
    /// Every address that the executor held has expired.
    Over,
    /// An executor is present.
    None,
}

/// The executor of this node, as far as it has connected and reported.
#[derive(Debug)]
pub(super) struct ExecutorPresence {
    /// Whether there is an executor, and if not, what was decided because of that.
    absence: Absence,
    /// No executor has said yet what it holds.
    awaits_greeting: bool,
}

impl ExecutorPresence {
    /// No executor has reported yet.
    pub(super) const NEW: Self = Self { absence: Absence::Unnoticed, awaits_greeting: true };

    /// Whether no executor has said yet what it holds.
    pub(super) const fn awaits_greeting(&self) -> bool {
        self.awaits_greeting
    }

    /// An executor says what it holds. Returns whether it is the first one.
    pub(super) const fn greet(&mut self) -> bool {
        std::mem::replace(&mut self.awaits_greeting, false)
    }
}

impl Cluster {
    /// The executor is gone. It gets no permit until it has reported again.
    pub(super) fn begin_absence(&mut self) {
        match self.executor.absence {
            Absence::None => self.executor.absence = Absence::Awaited { permits_until: self.now },
            Absence::Unnoticed | Absence::Awaited { .. } | Absence::Over => {}
        }
    }

    /// Whether an executor is present that has said what it holds.
    pub(super) fn has_executor(&self) -> bool {
        self.executor.absence == Absence::None
    }

    /// Prolongs the wait after a pause: time in which this node itself stood still may not have
    /// counted for the executor's addresses.
    pub(super) fn prolong_absence(&mut self) {
        if let Absence::Awaited { permits_until } = &mut self.executor.absence {
            *permits_until = self.now.max(*permits_until);
        }
    }

    /// Whether the connected executor may get a permit.
    pub(super) fn may_permit(&self) -> bool {
        match self.executor.absence {
            Absence::Unnoticed | Absence::None => true,
            Absence::Awaited { permits_until } => self.now < permits_until,
            Absence::Over => false,
        }
    }

    /// When every address has expired that an executor may have renewed under its last permit.
    pub(super) fn absence_deadline(&self) -> Option<Time> {
        let Absence::Awaited { permits_until } = self.executor.absence else { return None };
        let detection = self.detection();
        Some(permits_until + detection.permit() + detection.address_lifetime() + GRAIN)
    }

    /// Gives up what was held by an executor that does not come back.
    pub(super) fn elapse_absence(&mut self) {
        if self.executor.absence == Absence::Unnoticed && !self.has_executor() {
            self.executor.absence = Absence::Awaited { permits_until: self.now + GREETING_MAX };
        }
        if self.absence_deadline().is_none_or(|deadline| self.now < deadline) {
            return;
        }
        self.executor.absence = Absence::Over;
        self.end_giving_without_executor();
        for group in self.settings.group_ids() {
            if !self.groups[group].runner.is_idle() {
                self.orphan(group);
            }
        }
        self.tell_classic(ClassicInput::ExecutorLost);
        self.beat_soon();
    }

    fn orphan(&mut self, group: GroupId) {
        self.groups[group].runner.abandon();
        let resources = &self.settings.groups[group.index()].resources;
        let has_service = |it: &crate::Resource| matches!(it.kind, ResourceKind::Agent { .. });
        self.groups[group].in_doubt = resources.iter().any(has_service);
        if self.is_ours(group) && self.groups[group].row.phase().holds() {
            self.end_trust(group);
            self.set_phase(group, Phase::Failed, Cause::ExecutorLost);
        } else if self.groups[group].in_doubt {
            self.report(Event::LeftRunning(group));
        }
    }

    /// Whether the executor is given up: the others may run what it held.
    pub(super) fn has_given_up_executor(&self) -> bool {
        self.executor.absence == Absence::Over
    }

    /// Whether this node can run a group, and has not been without an executor for so long that
    /// others may run it.
    pub(super) fn can_still_run(&self, group: GroupId) -> bool {
        self.can_run(group) && !self.has_given_up_executor()
    }

    /// An executor is present. Whatever it holds of the groups that were given up is stopped,
    /// because another node may have them.
    pub(super) fn end_absence(&mut self, held: &[Holding]) {
        let was_over =
            std::mem::replace(&mut self.executor.absence, Absence::None) == Absence::Over;
        self.groups.iter_mut().for_each(|group| group.in_doubt = false);
        if was_over {
            for holding in held {
                self.let_go(holding.group);
            }
        }
    }

    /// Records what a node says runs there. If by its row nothing runs any longer, but something
    /// may still run, the group is in doubt: that alone keeps no node from taking the group.
    pub(super) fn handle_doubt(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        let is_in_doubt = claim.is_in_doubt(from);
        let peer = self.peer_mut(from);
        peer.in_doubt[group.index()] = is_in_doubt;
        peer.runs[group.index()] = claim.runs_here && !is_in_doubt;
    }

    /// Whether a node cannot tell whether services of a group run there, and is not certain to be
    /// dead.
    pub(super) fn is_in_doubt_at(&self, node: NodeId, group: GroupId) -> bool {
        let peer = self.peer(node);
        let by_unknown_line = peer.doubts_unknown && peer.lacks.contains(&group);
        let is_in_doubt = peer.in_doubt[group.index()] || by_unknown_line;
        peer.is_alive() && is_in_doubt && !self.is_certainly_dead(node)
    }

    /// Whether a group must not be started before a node that may run services of it was fenced.
    pub(super) fn is_in_doubt_elsewhere(&self, group: GroupId) -> bool {
        let is_fenced = self.settings.fencing.is_some();
        is_fenced && self.others().any(|node| self.is_in_doubt_at(node, group))
    }

    /// Why no node runs a group that its owner reports as failed.
    pub(super) fn cause_of_failed(&self, owner: NodeId, group: GroupId) -> Cause {
        let is_other = owner != self.settings.me;
        if is_other && self.peer(owner).in_doubt[group.index()] {
            Cause::OwnerInDoubt(owner)
        } else {
            Cause::OwnerFailed(owner)
        }
    }
}
