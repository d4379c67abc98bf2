//! `hb hold`: nothing moves automatically, until a given time or until someone releases the hold.
//!
//! A group that is held starts on its last owner and nowhere else, whatever became of that owner;
//! no node gives the group away except by order. Beats carry the hold with the time that is left,
//! so that it holds on every Systole node and outlives the restart of one. A hold that any peer
//! reports counts here too: two nodes that saw it end at different moments would decide differently
//! in between.

mod order;

use super::Cluster;
use super::classic::ClassicInput;
use super::gate::{Obstacle, Purpose};
use super::groups::EchoBarrier;
use crate::mutation::Mutation;
use crate::{
    Beat, Cause, Event, GroupId, HoldEvent, HoldNotice, HoldRecord, NodeId, OrderRefusal, Output,
    Refusal, Time,
};
pub use order::HOLD_MAX;
pub(super) use order::HoldOrder;
use std::time::Duration;

/// How long a hold lasts if no time is given.
pub const HOLD_DEFAULT: Duration = Duration::from_hours(1);

/// What is held as a whole. A group has its own [`HoldOrder`] besides.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// The last order to hold or release all groups.
    pub(super) all: HoldOrder,
    /// Passed once the others know about the last hold, whether of everything or of one group.
    known: EchoBarrier,
}

impl Cluster {
    /// Whether a group moves by order only.
    pub(super) fn is_held(&self, group: GroupId) -> bool {
        if self.is_mutated(Mutation::IgnoreHold) {
            return false;
        }
        self.is_held_here(group)
            || self.others().any(|node| self.peer(node).decides() && self.peer(node).holds(group))
    }

    /// Whether this node itself says that a group is held. A node that only heard about the hold
    /// from a peer may already have told that peer that the hold is over: by then the peer decides
    /// as if nothing were held.
    fn is_held_here(&self, group: GroupId) -> bool {
        let here = [&self.holds.all, &self.groups[group].hold];
        here.into_iter().any(|register| register.in_force().is_some())
    }

    /// Whether nothing at all moves except by order.
    pub(super) fn is_everything_held(&self) -> bool {
        self.holds.all.in_force().is_some() && !self.is_mutated(Mutation::IgnoreHold)
    }

    /// Whether a group is held, another node had it last, and no one wants it to start here
    /// instead.
    pub(super) fn is_held_elsewhere(&self, group: GroupId) -> bool {
        let state = &self.groups[group];
        let Some(owner) = state.row.owner().filter(|owner| *owner != self.settings.me) else {
            return false;
        };
        let starts_itself = self.peer(owner).is_present() && state.row.is_able(owner);
        (starts_itself || !state.is_exempt) && self.is_held(group)
    }

    /// Whether a held group last belonged to this node, and every node that might take it knows
    /// that it is held: then this node may start it again, whichever node comes first. The others'
    /// echoes come with their tables, so this node sees if one of them took the group before.
    pub(super) fn keeps_held(&self, group: GroupId) -> bool {
        let is_known = self.is_held_here(group) && self.is_known(self.holds.known);
        self.is_ours(group) && is_known && self.is_held(group) && self.can_run(group)
    }

    /// The holds and releases, to be stored.
    pub fn holds(&self) -> impl Iterator<Item = HoldRecord> + '_ {
        let groups = self.settings.known_groups();
        let groups =
            groups.filter_map(|(id, group)| self.groups[id].hold.record(self.now, Some(group.key)));
        self.holds.all.record(self.now, None).into_iter().chain(groups)
    }

    /// Restores the orders that an earlier run has stored.
    pub(super) fn recall_holds(&mut self) {
        for index in 0..self.boot.holds.len() {
            let record = self.boot.holds[index];
            let group = record.group.map(|key| self.group_with_key(key));
            if record.by.index() >= self.settings.nodes.len() || group == Some(None) {
                continue;
            }
            let (now, group) = (self.now, group.flatten());
            self.register(group).recall(now, &record);
            if let Some((by, until)) = self.register(group).in_force() {
                self.hold_begins(group, by, until.since(now));
            }
        }
    }

    /// Obeys the order to hold everything or one group.
    pub(super) fn order_hold(
        &mut self,
        group: Option<GroupId>,
        span: Duration,
    ) -> Result<(), OrderRefusal> {
        if !self.takes_part() {
            // The number of the hold might be lower than that of a release that this node has yet
            // to hear about.
            return Err(Refusal::NotReady.into());
        }
        let (me, left) = (self.settings.me, span.min(HOLD_MAX));
        let until = self.now + left;
        self.register(group).order(me, until, false);
        self.hold_begins(group, me, left);
        Ok(())
    }

    /// Obeys the order to end holds.
    pub(super) fn order_release(&mut self, wanted: Option<GroupId>) -> Result<(), OrderRefusal> {
        let me = self.settings.me;
        let mut found = false;
        for group in self.registers() {
            let is_wanted = wanted.is_none() || wanted == group;
            let Some((_, until)) = self.register(group).in_force().filter(|_| is_wanted) else {
                continue;
            };
            found = true;
            self.register(group).order(me, until, true);
            self.report(Event::Hold(HoldEvent::Released { group, by: me }));
        }
        if !found {
            return Err(OrderRefusal::NotHeld);
        }
        self.hold_ended();
        Ok(())
    }

    /// Records what a peer says about a hold of everything. A recording holds nothing.
    pub(super) fn handle_hold_of_all(&mut self, from: NodeId, beat: &Beat, is_answer: bool) {
        let mut all = beat.holds.iter().filter(|told| told.claim.is_none());
        let told = all.next().filter(|_| is_answer);
        let holds = |told: &HoldNotice| !told.is_release && told.left > 0;
        self.peer_mut(from).holds_all = told.is_some_and(holds);
        if let Some(told) = told {
            self.handle_hold(None, told);
        }
    }

    /// Records an order that a peer knows.
    pub(super) fn handle_hold(&mut self, group: Option<GroupId>, told: &HoldNotice) {
        let (now, me) = (self.now, self.settings.me);
        let was_in_force = self.register(group).in_force().is_some();
        if told.by.index() >= self.settings.nodes.len()
            || !self.register(group).merge(now, told, me)
        {
            return;
        }
        let by = told.by;
        match self.register(group).in_force() {
            Some((_, until)) => self.hold_begins(group, by, until.since(now)),
            None if was_in_force => {
                self.report(Event::Hold(HoldEvent::Released { group, by }));
                self.hold_ended();
            }
            None => {}
        }
    }

    /// Lets time pass.
    pub(super) fn elapse_hold(&mut self) {
        let now = self.now;
        for group in self.registers() {
            if self.register(group).expire(now) {
                self.report(Event::Hold(HoldEvent::Expired { group }));
                self.hold_ended();
            }
        }
        self.elapse_hold_down();
    }

    pub(super) fn stay_deadline(&self) -> Option<Time> {
        let holds = self.groups.iter().map(|group| group.hold.deadline());
        let all = holds.chain(self.groups.iter().map(|group| group.down.deadline()));
        all.chain([self.holds.all.deadline()]).flatten().min()
    }

    /// Why this node would take a group that it does not take because it is held.
    pub(super) fn withheld(&self, group: GroupId) -> Option<Cause> {
        if !self.is_held_elsewhere(group) {
            return None;
        }
        let is_about_to_start = |it: &Obstacle| {
            !matches!(
                it,
                Obstacle::FencePending
                    | Obstacle::InDoubt
                    | Obstacle::Guarded
                    | Obstacle::Unreserved
            )
        };
        let mut obstacles = self.obstacles(group, Purpose::Take).filter(is_about_to_start);
        let is_held_only = obstacles.next() == Some(Obstacle::Held) && obstacles.next().is_none();
        if is_held_only { self.cause_to_take(group) } else { None }
    }

    fn hold_begins(&mut self, group: Option<GroupId>, by: NodeId, left: Duration) {
        self.holds.known = self.next_barrier();
        self.report(Event::Hold(HoldEvent::Begins { group, by, left }));
        self.outbox.push_back(Output::Store);
        self.beat_soon();
    }

    /// Groups that were held may move: every node must know, and this node reconsiders what had to
    /// wait.
    fn hold_ended(&mut self) {
        self.outbox.push_back(Output::Store);
        self.beat_soon();
        self.tell_ping_count();
        let is_gone = |node: &NodeId| {
            let peer = self.peer(*node);
            let is_silent = !peer.is_alive() && peer.is_settled && !self.is_uncertain(*node);
            (is_silent || peer.has_left) && self.owned_something(*node)
        };
        let gone = self.others().find(is_gone);
        if let Some(node) = gone.filter(|_| self.takes_part()) {
            self.begin_takeover(node);
        }
        self.tell_classic(ClassicInput::HoldEnded);
    }

    fn owned_something(&self, node: NodeId) -> bool {
        let mut groups = self.settings.group_ids();
        groups.any(|group| self.groups[group].row.owner() == Some(node))
    }

    fn register(&mut self, group: Option<GroupId>) -> &mut HoldOrder {
        match group {
            None => &mut self.holds.all,
            Some(group) => &mut self.groups[group].hold,
        }
    }

    fn registers(&self) -> impl Iterator<Item = Option<GroupId>> + use<> {
        std::iter::once(None).chain(self.settings.group_ids().map(Some))
    }
}
