//! Groups whose service interface has lost its carrier, which the executor sees at once.
//!
//! A node that has lost the carrier says in its beats that it cannot run the group, and hands the
//! group over to a node that can. An owner keeps the group as long as no other node can run it. A
//! survivor without a carrier takes the group when it is alone, because then the group works as
//! soon as the cable is plugged in again. But this node alone may be cut off, and the silent owner
//! may be running the group all the while: so the survivor keeps saying that it cannot run the
//! group until it has met another node, which then keeps what its clients have used.

use super::Cluster;
use super::hand_over::Asker;
use crate::peer::Kind;
use crate::{Cause, GroupId, GroupSet, NodeId, Phase, Proof, Refusal, Scope, Time};
use std::time::Duration;

/// Wait after a hand-over that failed or could not even be requested before it is retried.
const RETRY: Duration = Duration::from_secs(1);

impl Cluster {
    /// Whether an interface that a group needs is known to have no carrier here.
    #[must_use]
    pub fn lacks_carrier(&self, group: GroupId) -> bool {
        !self.has_carrier(group)
    }

    pub(super) fn carrier_changed(&mut self, group: GroupId, is_there: bool) {
        if self.has_carrier(group) == is_there {
            return;
        }
        if is_there {
            self.groups[group].lacks_carrier = false;
            // The others were told that this node cannot run the group, and may be about to take
            // it.
            self.groups[group].able = self.next_barrier();
        } else {
            self.groups[group].lacks_carrier = true;
        }
        self.withdraw_offer();
        self.beat_soon();
    }

    /// Whether the interfaces that a group needs work here, as far as known.
    pub(super) fn has_carrier(&self, group: GroupId) -> bool {
        !self.groups[group].lacks_carrier
    }

    /// Records that a group is taken although it may be this node that is cut off.
    pub(super) fn record_taken_alone(&mut self, group: GroupId, cause: Cause) {
        let is_guess = matches!(cause, Cause::OwnerDead { proof: Proof::Silence, .. });
        if is_guess && !self.has_carrier(group) {
            self.groups[group].taken_alone = Some(self.next_barrier());
        }
    }

    /// Whether a group was taken without a carrier, and no other node was met since.
    pub(super) fn is_taken_alone(&self, group: GroupId) -> bool {
        self.groups[group].taken_alone.is_some()
    }

    /// A node that is heard again and knows what was taken here has taken the group back by now, if
    /// it ran there.
    pub(super) fn end_loneliness(&mut self) {
        for group in self.settings.group_ids() {
            let Some(barrier) = self.groups[group].taken_alone else { continue };
            let has_met = self.others().any(|node| {
                let peer = self.peer(node);
                peer.is_alive() && (peer.kind != Kind::Systole || barrier.is_echoed_by(peer))
            });
            if !self.is_ours(group) || self.groups[group].runner.is_idle() || has_met {
                self.groups[group].taken_alone = None;
                self.groups[group].able = self.next_barrier();
                self.beat_soon();
            }
        }
    }

    /// Whether a missing carrier is no reason to leave a group to others.
    pub(super) fn has_carrier_or_is_alone(&self, group: GroupId) -> bool {
        let is_alone = || !self.others().any(|node| self.peer(node).is_present());
        self.has_carrier(group) || is_alone()
    }

    /// Whether this node can run a group as well as other nodes can.
    pub(super) fn can_run(&self, group: GroupId) -> bool {
        let is_fit = self.has_carrier_or_is_alone(group);
        let is_able = self.groups[group].row.is_able(self.settings.me);
        is_able && is_fit && self.is_configured(group) && !self.waits_for_unknown_line(group)
    }

    /// Hands over a group whose clients can no longer reach it here, if another node can run it.
    pub(super) fn leave_for_carrier(&mut self) {
        if self.now < self.offers.leaving_after || self.hand_over.runs() {
            return;
        }
        for group in self.settings.group_ids() {
            let Some(taker) = self.better_place(group) else { continue };
            match self.ask_to_take(group, taker) {
                Ok(()) => return,
                // The other groups go without it.
                Err(why) if why.needs_mending() => {}
                Err(_) => return self.delay_leaving(),
            }
        }
    }

    /// A hand-over failed or could not begin: the next hand-over because of a lost carrier waits a
    /// little.
    pub(super) fn delay_leaving(&mut self) {
        self.offers.leaving_after = self.now + RETRY;
    }

    /// When a hand-over is requested again.
    pub(super) fn leaving_deadline(&self) -> Option<Time> {
        let is_missing = self.groups.iter().any(|group| group.lacks_carrier);
        (is_missing && self.offers.leaving_after > self.now).then_some(self.offers.leaving_after)
    }

    /// The node to which a group is handed that has lost its carrier here.
    fn better_place(&self, group: GroupId) -> Option<NodeId> {
        if self.has_carrier(group) {
            return None;
        }
        let is_active = self.is_ours(group) && self.groups[group].row.phase() == Phase::Active;
        let can_take = |node: &NodeId| {
            let peer = self.peer(*node);
            let could = peer.can_negotiate() && self.could_take(group, *node);
            // A C node does not say whether it has a carrier.
            let is_no_better = peer.kind == Kind::Classic && peer.is_cut_off;
            could && !is_no_better && !self.has_declined(group, *node)
        };
        let may_go = is_active && self.may_leave(group) && self.is_configured(group);
        self.others().find(can_take).filter(|_| may_go)
    }

    /// Asks a node to take a group. A C node can be given only a whole set.
    fn ask_to_take(&mut self, group: GroupId, taker: NodeId) -> Result<(), Refusal> {
        let (me, alone) = (self.settings.me, Scope::Group(group));
        let is_local = self.preferred(group) == me;
        let hold = GroupSet::of(is_local, !is_local);
        let knows_sets_only = self.as_spoken(alone, me, taker) == Err(Refusal::SetsOnly);
        let scope =
            if knows_sets_only && self.may_all_leave(hold) { Scope::Set(hold) } else { alone };
        self.order_standby(scope, Some(taker), Asker::Carrier)
    }
}
