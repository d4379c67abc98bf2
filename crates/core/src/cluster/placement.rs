//! Which node runs a group, and how the group moves from one node to another.

use super::Cluster;
use super::classic::ClassicInput;
use super::groups::EchoBarrier;
use crate::mutation::Mutation;
use crate::peer::{Effect, Input, Kind, Peer};
use crate::{Cause, Event, GroupId, NodeId, NodeStatus, Output, Phase};

/// How far the groups of this node have found their places.
#[derive(Debug)]
pub(super) struct Placement {
    /// The dead or departed node whose groups are being taken.
    takeover_from: Option<NodeId>,
    /// This node has not yet placed every group since its start.
    is_initial: bool,
    /// Set while no group starts, stops or is handed over; passed once the others know that.
    stable: Option<EchoBarrier>,
}

impl Placement {
    /// The placement at the start of a node.
    pub(super) const NEW: Self = Self { takeover_from: None, is_initial: true, stable: None };

    /// Whether this node has not yet placed every group since its start.
    pub(super) const fn is_initial(&self) -> bool {
        self.is_initial
    }

    /// Whether no group starts, stops or is handed over.
    pub(super) const fn is_stable(&self) -> bool {
        self.stable.is_some()
    }

    /// Whether a peer knows that nothing moves here.
    pub(super) fn is_known_stable(&self, peer: &Peer) -> bool {
        self.stable.is_some_and(|known| known.is_passed_by(peer))
    }
}

impl Cluster {
    /// Takes groups that no node has and for which this node comes first, and drives every group
    /// on.
    pub(super) fn place(&mut self) {
        self.record_returns();
        self.end_loneliness();
        self.update_unknown_lines();
        self.update_retired();
        for group in self.settings.group_ids() {
            self.take_if_free(group);
        }
        self.elapse_fencing();
        self.leave_for_carrier();
        self.give_back();
        self.run_jobs();
        self.record_stability();
    }

    /// The node that comes first for a group: the preferred node, else the lowest node that can run
    /// it. `None` while a node that would come before this node is about to be ready; a node that
    /// waits for another node is passed over, because it may wait for long.
    pub(super) fn first_for(&self, group: GroupId) -> Option<NodeId> {
        let preferred = self.preferred(group);
        if self.is_forsaken(group) && self.can_run(group) {
            return Some(self.settings.me);
        }
        let row = &self.groups[group].row;
        let heir = row.owner().filter(|_| row.is_entrusted());
        let rest = self.settings.node_ids().filter(|node| *node != preferred);
        for node in heir.into_iter().chain(std::iter::once(preferred)).chain(rest) {
            if node == self.settings.me {
                if self.can_run(group) {
                    return Some(node);
                }
                continue;
            }
            if !self.groups[group].row.is_able(node) {
                continue;
            }
            let peer = self.peer(node);
            if !peer.is_settled {
                return None;
            }
            if peer.is_present() && (peer.is_ready || !self.waits_for_another(node)) {
                return peer.is_ready.then_some(node);
            }
        }
        None
    }

    /// Whether a node still does not take part a dead time after it was heard and this node came
    /// up: it waits, up to its initdead, for a node that is not heard.
    fn waits_for_another(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        let is_up = peer.kind == Kind::Systole && peer.status == NodeStatus::Up;
        let since = peer.heard_since.max(self.status_since);
        is_up && self.now.since(since) >= self.settings.deadtime
    }

    /// Makes this node the owner of a group in a new term, and starts the group.
    pub(super) fn take(&mut self, group: GroupId, cause: Cause) {
        let me = self.settings.me;
        // A group that a person gives away stays; but a node that gave a group away because it
        // could not run it wants it back.
        let is_gift = self.is_handed_over_by_order()
            && matches!(cause, Cause::HandOver { giver, .. } if self.groups[group].row.is_able(giver));
        let row = self.groups[group].row;
        let had_it = row.is_entrusted() && row.owner() == Some(me) && row.term() > 0;
        let is_borrowed = !is_gift && self.preferred(group) != me && (!had_it || row.is_borrowed());
        self.keep_what_is_taken(group);
        self.report_stranger(group);
        self.record_takeover(group, cause);
        self.record_taken_alone(group, cause);
        self.claim(group, is_borrowed);
        self.groups[group].runner.start();
        if self.groups[group].runner.is_active() {
            self.record_phase(group, Phase::Active);
        }
        self.owned(group, cause);
        self.outbox.push_back(Output::Store);
        self.beat_soon();
    }

    /// Stops a group of this node; the row says when that is done.
    pub(super) fn release(&mut self, group: GroupId, cause: Cause) {
        let runner = &mut self.groups[group].runner;
        if runner.is_idle() {
            return;
        }
        runner.stop();
        if self.is_ours(group) {
            self.change_phase(group, Phase::Stopping, cause);
        }
        self.record_release(group);
    }

    /// Stops a group at once because another node's claim takes precedence: no start is waited for.
    pub(super) fn yield_group(&mut self, group: GroupId) {
        self.cancel_start(group);
        self.groups[group].runner.stop();
        self.beat_soon();
    }

    /// Stops a group that another node rightly runs too: its addresses first, because no address
    /// may exist twice for as long as services take to stop.
    pub(super) fn give_way_to_owner(&mut self, group: GroupId) {
        self.cancel_start(group);
        self.groups[group].runner.give_way();
        self.beat_soon();
    }

    fn cancel_start(&mut self, group: GroupId) {
        let runner = &self.groups[group].runner;
        let is_adding = runner.is_adding();
        if let Some(job) = runner.job().filter(|_| is_adding) {
            self.outbox.push_back(Output::Cancel(job));
        }
    }

    /// Reports that the owner of a group or its phase changed.
    pub(super) fn owned(&mut self, group: GroupId, cause: Cause) {
        let row = self.groups[group].row;
        let state = &mut self.groups[group];
        let now = row.owner().map(|owner| (owner, row.term(), row.phase()));
        let before = std::mem::replace(&mut state.reported, now);
        let cause = match (cause, before) {
            // An owner that runs the group starts nothing anew.
            (Cause::Claimed(_), Some((owner, term, Phase::Active)))
                if now == Some((owner, term, Phase::Starting)) =>
            {
                Cause::Unsure
            }
            (cause, _) => cause,
        };
        (state.since, state.cause) = (self.now, cause);
        // Whichever node runs the group, it has found its place.
        self.groups[group].is_exempt &= row.phase() != Phase::Active;
        if let Some(owner) = row.owner().filter(|_| !self.is_mutated(Mutation::MoveInSilence)) {
            let (term, phase) = (row.term(), row.phase());
            self.report(Event::Ownership { group, owner, term, phase, cause });
        }
    }

    /// Reports that a group of this node is stopped. Not while it is handed over: it must go to the
    /// taker, and until the taker has claimed it no other node may consider it free.
    pub(super) fn record_release(&mut self, group: GroupId) {
        if self.settings.groups[group.index()].is_retired {
            return self.record_retirement(group);
        }
        let is_stopped = self.groups[group].runner.is_idle();
        let is_released = self.is_ours(group) && self.groups[group].row.phase().holds();
        if is_stopped && is_released && !self.is_given_away(group) {
            self.set_phase(group, Phase::Stopped, self.groups[group].cause);
            self.beat_soon();
            self.tell_classic(ClassicInput::GroupsStopped);
        }
    }

    /// The groups of a dead or departed peer may be taken by this node.
    pub(super) fn begin_takeover(&mut self, node: NodeId) {
        if self.is_everything_held() || self.is_all_of_it_held(node) {
            // The takeover is reported when it begins.
            return;
        }
        self.placement.takeover_from = Some(node);
        self.report(Event::TakeoverBegins(node));
    }

    /// Whether a node has groups, and each of them is held.
    fn is_all_of_it_held(&self, node: NodeId) -> bool {
        let owns = |group: &GroupId| self.groups[*group].row.owner() == Some(node);
        let mut owned = self.settings.group_ids().filter(owns).peekable();
        owned.peek().is_some() && owned.all(|group| self.is_held_elsewhere(group))
    }

    /// A peer's daemon restarted: it has lost what it held, unless its table says otherwise.
    pub(super) fn peer_restarted(&mut self, node: NodeId) {
        self.cancel_hand_over(node);
        self.tell_classic(ClassicInput::PeerRestarts(node));
        for group in self.settings.group_ids() {
            self.record_ability(group, node, true);
            self.groups[group].forget_failures(node);
        }
    }

    /// A peer said goodbye: everything that it had is stopped.
    pub(super) fn peer_left(&mut self, node: NodeId, sequence: u64) {
        let now = self.now;
        if self.peer_mut(node).step(now, Input::Goodbye(sequence)) != Effect::Left {
            return;
        }
        self.verify_gone(node);
        self.report(Event::PeerLeft(node));
        self.cancel_hand_over(node);
        self.record_goodbye(node);
        if self.takes_part() {
            self.begin_takeover(node);
            if self.peer(node).kind == Kind::Classic {
                self.tell_classic(ClassicInput::PeerLeft);
            }
        }
    }

    /// Whether no group starts or stops here, or is about to because the configuration changed.
    pub(super) fn is_settled(&self) -> bool {
        let is_awaited = |group| {
            let row = &self.groups[group].row;
            let is_kept = row.is_entrusted() && self.groups[group].runner.is_idle();
            is_kept && !self.waits_for_another_file(group)
        };
        let runners = self.groups.iter().all(|group| group.runner.is_settled());
        runners && !self.settings.group_ids().any(is_awaited)
    }

    /// Whether a group starts or stops at a peer, as far as its table says.
    pub(super) fn is_peer_at_work(&self, node: NodeId) -> bool {
        let rows = self.settings.group_ids().map(|group| &self.groups[group].row);
        let mut owned = rows.filter(|row| row.owner() == Some(node));
        owned.any(|row| matches!(row.phase(), Phase::Starting | Phase::Stopping))
    }

    /// Whether a peer takes part and no group starts or stops there.
    pub(super) fn is_peer_settled(&self, node: NodeId) -> bool {
        self.peer(node).can_negotiate() && !self.is_peer_at_work(node)
    }

    fn record_stability(&mut self) {
        let moving = self.hand_over.runs() || self.is_negotiating();
        let stable = self.takes_part() && self.is_settled() && !moving;
        if stable && let Some(node) = self.placement.takeover_from.take() {
            self.report(Event::TakeoverDone(node));
            self.say_taken_over(node);
        }
        if stable && self.placement.is_initial && self.is_everything_placed() {
            self.placement.is_initial = false;
            let me = self.settings.me;
            let had_own = self.settings.known_groups().any(|(_, group)| group.preferred == me);
            self.report(Event::LocalAcquired(had_own));
            self.report(Event::InitialAcquisition);
        }
        if stable && !self.placement.is_stable() {
            self.report(Event::LocalStable);
            self.ipfail_may_move();
        }
        let known = self.placement.stable;
        self.placement.stable = stable.then(|| known.unwrap_or_else(|| self.next_barrier()));
    }

    fn is_everything_placed(&self) -> bool {
        self.settings.group_ids().all(|group| {
            let row = &self.groups[group].row;
            let nobody_can = !self.settings.node_ids().any(|n| self.groups[group].row.is_able(n));
            let is_placed = matches!(row.phase(), Phase::Active | Phase::Failed | Phase::Blocked);
            is_placed || nobody_can || !self.is_configured(group)
        })
    }
}
