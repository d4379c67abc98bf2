//! Groups whose service interface has lost its carrier: seen at once, by the executor.
//!
//! Who has lost it says in its beats that it cannot run the group, and hands the group over to a node
//! that can. An owner keeps it as long as nobody else can; a survivor without a carrier takes it when
//! it is alone, because what is plugged in again then works at once. It may be this node alone that is
//! cut off, and the silent owner may run it all the while: so the survivor goes on saying that it cannot
//! run the group until it has met somebody, who then keeps what its clients have used.

use super::Cluster;
use super::hand_over::Asker;
use crate::peer::Kind;
use crate::{Cause, GroupId, GroupSet, NodeId, Phase, Proof, Refusal, Scope, Time};
use std::time::Duration;

/// How long after a hand-over that failed, or could not even be asked for, it is tried again.
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
            // The others were told that we cannot run it, and may be about to.
            self.groups[group].able = self.next_barrier();
        } else {
            self.groups[group].lacks_carrier = true;
        }
        self.withdraw_offer();
        self.beat_soon();
    }

    /// Whether the interfaces that a group needs are well here, as far as known.
    pub(super) fn has_carrier(&self, group: GroupId) -> bool {
        !self.groups[group].lacks_carrier
    }

    /// Takes note of a group that is taken though it may be this node that is cut off.
    pub(super) fn record_taken_alone(&mut self, group: GroupId, cause: Cause) {
        let is_guess = matches!(cause, Cause::OwnerDead { proof: Proof::Silence, .. });
        if is_guess && !self.has_carrier(group) {
            self.groups[group].taken_alone = Some(self.next_barrier());
        }
    }

    /// Whether a group was taken without a carrier, and nobody was met since.
    pub(super) fn is_taken_alone(&self, group: GroupId) -> bool {
        self.groups[group].taken_alone.is_some()
    }

    /// Whoever is heard again, and knows what was taken here, has taken it back by now if it ran there.
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

    /// Whether this node can run a group as well as others can.
    pub(super) fn can_run(&self, group: GroupId) -> bool {
        let is_fit = self.has_carrier_or_is_alone(group);
        let is_able = self.groups[group].row.is_able(self.settings.me);
        is_able && is_fit && self.is_configured(group) && !self.waits_for_unknown_line(group)
    }

    /// Hands over a group that nobody can reach here any more, if somebody else can run it.
    pub(super) fn leave_for_carrier(&mut self) {
        if self.now < self.leaving_after || self.hand_over.is_some() {
            return;
        }
        for group in self.settings.group_ids() {
            let Some(taker) = self.better_place(group) else { continue };
            match self.ask_to_take(group, taker) {
                Ok(()) => return,
                // The others go without it.
                Err(why) if why.needs_mending() => {}
                Err(_) => return self.delay_leaving(),
            }
        }
    }

    /// A hand-over failed or could not begin: the next one that a lost carrier asks for waits a little.
    pub(super) fn delay_leaving(&mut self) {
        self.leaving_after = self.now + RETRY;
    }

    /// When a hand-over is asked for again.
    pub(super) fn leaving_deadline(&self) -> Option<Time> {
        let is_missing = self.groups.iter().any(|group| group.lacks_carrier);
        (is_missing && self.leaving_after > self.now).then_some(self.leaving_after)
    }

    /// The node that a group whose carrier is lost here is handed to.
    fn better_place(&self, group: GroupId) -> Option<NodeId> {
        if self.has_carrier(group) {
            return None;
        }
        let is_active = self.is_ours(group) && self.groups[group].row.phase == Phase::Active;
        let can_take = |node: &NodeId| {
            let peer = self.peer(*node);
            let could = peer.can_negotiate() && self.could_take(group, *node);
            // A classic one does not tell whether it has a carrier.
            let is_no_better = peer.kind == Kind::Classic && peer.is_cut_off;
            could && !is_no_better && !self.has_declined(group, *node)
        };
        let may_go = is_active && self.may_leave(group) && self.is_configured(group);
        self.others().find(can_take).filter(|_| may_go)
    }

    /// A classic node can be given a whole set only.
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
