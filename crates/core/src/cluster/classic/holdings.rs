//! What this node holds beside a C node, as it changes and is reported.

use super::Stage;
use crate::cluster::Cluster;
use crate::peer::Kind;
use crate::{Cause, Failback, Fencing, GroupSet, Message, NodeId, Occasion, Phase, Scope};

impl Cluster {
    /// Reports to a C node what this node holds.
    pub(in crate::cluster) fn classic_report(&mut self, occasion: Occasion) {
        if self.classic_peer().is_none() || self.settings.failback == Failback::Legacy {
            return;
        }
        let in_transition = matches!(occasion, Occasion::Standby | Occasion::Shutdown);
        let stable = self.classic.stage == Stage::Stable && !in_transition;
        let hold = self.classic.ours;
        let stable = Some(stable);
        self.send(Message::Resource { hold, full: true, stable, occasion }, None);
    }

    /// A hand-over with a C node begins on this side: this node lets go of this set.
    pub(super) fn classic_releases(&mut self, hold: GroupSet) {
        self.classic.ours = self.classic.ours.without(hold);
        self.classic_report(Occasion::Standby);
    }

    /// Every group of a set is let go for a C node. From now on the C node may be working on the
    /// set, which a restarted daemon must know: the C node says that it holds the set only when all
    /// of it runs.
    pub(super) fn classic_is_given(&mut self, taker: NodeId, scope: Scope) {
        let me = self.settings.me;
        if self.peer(taker).kind != Kind::Classic {
            return;
        }
        for group in self.groups_of(me, scope) {
            if self.is_ours(group) {
                let cause = Cause::HandOver { giver: me, taker };
                self.leave_to(taker, group, Phase::Starting, cause);
                self.gives_too(group);
            }
        }
        self.outbox.push_back(crate::Output::Store);
    }

    /// A hand-over ended; the set is from the giver's view.
    pub(super) fn classic_concludes(&mut self, giver: NodeId, hold: GroupSet) {
        let Some(peer) = self.classic_peer() else { return };
        if giver == self.settings.me {
            self.classic.owes = false;
            self.classic.theirs = self.classic.theirs.with(hold.mirrored());
            self.record_theirs(peer);
        } else {
            self.classic.ours = self.classic.ours.with(hold.mirrored());
        }
        self.classic_report(Occasion::Report);
    }

    /// A peer died: everything will belong to this node.
    pub(super) fn classic_inherits(&mut self, node: NodeId, result: Fencing) {
        self.classic.died = self.now;
        self.forget_questions();
        self.forget_recalled();
        self.classic_takes_all();
        self.classic.owes &= result == Fencing::Unneeded;
        let kind = self.peer(node).kind;
        let name = self.settings.name(node).into();
        self.send(Message::Stonith { node: name, result }, None);
        if kind == Kind::Classic && result == Fencing::NotConfigured {
            self.say_holding(self.classic.ours);
        }
    }

    /// A C node said goodbye: everything will belong to this node.
    pub(super) fn classic_succeeds(&mut self) {
        self.forget_recalled();
        self.classic_takes_all();
        self.say_succeeded();
    }

    /// What belongs to this node while no other node is present: everything, but nothing new while
    /// everything is held.
    pub(super) fn all_but_held(&self) -> GroupSet {
        if self.is_everything_held() { self.held() } else { GroupSet::All }
    }

    fn classic_takes_all(&mut self) {
        self.classic.stage = Stage::Stable;
        self.classic.ours = self.all_but_held();
        self.classic.theirs = GroupSet::None;
        self.classic.giving_up = GroupSet::None;
        self.classic.is_peer_stable = true;
    }

    /// Nothing is held any longer: groups that no other node is there to run will belong to this
    /// node.
    pub(super) fn classic_released(&mut self) {
        if self.takes_part() && self.classic_peer().is_none() && !self.is_everything_held() {
            self.classic.ours = GroupSet::All;
        }
    }

    /// This node stops: nothing belongs to it any longer.
    pub(super) fn classic_leaves(&mut self) {
        self.classic.ours = GroupSet::None;
    }
}
