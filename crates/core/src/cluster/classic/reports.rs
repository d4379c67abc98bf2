//! What a C node holds, which it reports only when asked, or when it changes.
//!
//! Nothing is begun beside a C node that takes part and has not reported its holdings since it was
//! heard again, or since a pause of this node. A C node answers `starting` with a report at any
//! time.

use super::conflict::{Conflict, RESTART_WAIT};
use super::{JOINT_START_WAIT, QUESTIONS_MAX, RETRY, Stage};
use crate::cluster::Cluster;
use crate::peer::Kind;
use crate::{
    Cause, Failback, GroupId, GroupSet, Message, NodeId, NodeStatus, Occasion, Phase, Scope, Time,
};
use std::time::Duration;

/// How long a C node may go without its own set before the set is run here, if nothing is
/// remembered about the set.
pub(in crate::cluster) const FORSAKEN_AFTER: Duration = Duration::from_secs(30);

impl Cluster {
    pub(in crate::cluster) fn handle_starting(&mut self, from: NodeId, sequence: u64) {
        if self.peer(from).kind != Kind::Classic {
            return;
        }
        if sequence < self.classic.reported_at {
            // The message was sent before the last report of the peer, and changes nothing. A
            // starting peer waits for the answer all the same.
            if !self.classic.is_peer_stable && self.status == NodeStatus::Active {
                self.classic_report(Occasion::Report);
            }
            return;
        }
        self.classic.is_peer_starting = true;
        if self.status != NodeStatus::Active {
            return;
        }
        self.classic.has_reported = true;
        if self.classic.stage == Stage::Starting {
            self.classic.stage = Stage::BothStarting;
        }
        self.set_classic_stable(from, false);
        // Groups that this node could not run or held back while the peer was away are the peer's
        // own again. The peer does not take groups that it hears to be here.
        self.classic.ours = self.classic.ours.without(self.unheld());
        self.classic_report(Occasion::Report);
    }

    pub(in crate::cluster) fn handle_resource(
        &mut self,
        (from, sequence): (NodeId, u64),
        (hold, full): (GroupSet, bool),
        stable: Option<bool>,
        occasion: Occasion,
    ) {
        if self.peer(from).kind != Kind::Classic || self.status != NodeStatus::Active {
            return;
        }
        // A message that was sent again says what was true before the last report.
        if sequence < self.classic.reported_at {
            return;
        }
        if full {
            self.classic.reported_at = sequence;
            self.forget_questions();
        }
        let is_first = matches!(self.classic.stage, Stage::Starting | Stage::BothStarting);
        if is_first {
            self.classic.stage = Stage::Reported(self.now + JOINT_START_WAIT);
        }
        // A partial report does not name everything that the peer holds.
        self.classic.has_reported |= full && sequence >= self.classic.report_from;
        // Only `shutdone` shows that the peer has stopped: what is announced is not done.
        let announces = occasion == Occasion::Shutdown;
        self.classic.announces_stop = announces || self.classic.announces_stop && !full;
        // Nor is a set done that a peer in transition no longer names: its announcement may be
        // lost.
        let is_vague = stable == Some(false) && !self.classic.is_peer_starting;
        let before = self.classic.held_there();
        let keeps = !full && hold != GroupSet::None;
        self.classic.theirs = if keeps { self.classic.theirs.with(hold) } else { hold };
        let may_run = if announces || is_vague { before } else { GroupSet::None };
        self.classic.giving_up = may_run.without(self.classic.theirs);
        self.classic.conflict.note(occasion);
        if occasion == Occasion::Standby {
            self.classic_lets_go(from, sequence);
        }
        if !announces {
            self.record_theirs(from);
        }
        if is_first {
            self.classic.ours = self.held_whole();
        }
        let has_nothing = full && hold == GroupSet::None && occasion == Occasion::Report;
        // The peer waits for this node as this node would for the peer; the node that says so first
        // saves both the 10 s.
        self.classic.may_settle |= has_nothing && self.classic.is_peer_starting;
        let is_without = stable != Some(false) && !self.classic.held_there().has_local();
        let since = self.classic.without_own.unwrap_or(self.now);
        self.classic.without_own = is_without.then_some(since);
        match stable {
            Some(false) => self.set_classic_stable(from, false),
            Some(true) => {
                self.classic.is_peer_starting = false;
                let was_stable = self.classic.is_peer_stable;
                self.set_classic_stable(from, true);
                if !was_stable {
                    self.classic_report(Occasion::Report);
                }
                self.classic.may_settle = true;
            }
            None => {}
        }
        if is_first && stable != Some(true) && self.classic.ours != GroupSet::None {
            self.classic_report(Occasion::Report);
        }
    }

    pub(super) fn set_classic_stable(&mut self, node: NodeId, stable: bool) {
        self.classic.is_peer_stable = stable;
        self.peer_mut(node).is_ready = stable;
    }

    /// Processes a beat of a C node, which answers nothing: messages that waited in the sockets
    /// while this node stood still were heard before half a beat has passed. If this node was dead
    /// to the peer, the peer is about to restart itself; if it does not, it is asked what it holds.
    /// Nothing begins before that.
    pub(in crate::cluster) fn verify_classic(&mut self, peer: NodeId) {
        if !self.pause.awaits(peer) || !self.is_past_pause() {
            return;
        }
        self.pause.need_not_hear(peer);
        if self.takes_part() && self.settings.failback != Failback::Legacy {
            self.await_restart(peer);
        }
    }

    /// A C node that is heard again may be about to restart itself. It is asked what it holds only
    /// when it does not: it calls it an error when it is told that both nodes hold the same.
    pub(super) fn await_restart(&mut self, peer: NodeId) {
        self.classic.has_reported = false;
        self.classic.report_from = self.peer(peer).status_sequence;
        self.classic.unreported = Some(self.now + RESTART_WAIT);
    }

    /// A C node says goodbye, and not before this node's pause: it need not be asked any longer.
    pub(in crate::cluster) fn verify_gone(&mut self, peer: NodeId) {
        if self.peer(peer).kind == Kind::Classic && self.is_past_pause() {
            self.pause.need_not_hear(peer);
        }
    }

    /// Whether a message that is heard now was sent after the last pause of this node.
    fn is_past_pause(&self) -> bool {
        let is_fresh = |at| self.now.since(at) >= self.keepalive() / 2;
        self.pause.noticed().is_none_or(is_fresh)
    }

    /// Whether no node will ever run a group of a C node unless this node does: the C node is
    /// settled and does not hold its own set. It checks only once whether it should.
    pub(in crate::cluster) fn is_forsaken(&self, group: GroupId) -> bool {
        let Some(peer) = self.classic_peer() else { return false };
        let classic = &self.classic;
        let is_settled = classic.stage == Stage::Stable
            && classic.is_peer_stable
            && classic.has_reported
            && classic.conflict == Conflict::None
            && !self.hand_over.runs()
            && !self.peer(peer).has_left;
        let is_theirs = self.preferred(group) == peer && self.settings.failback != Failback::Legacy;
        let owner = self.groups[group].row.owner();
        // The peer may just be letting go of a group of which the owner was only recalled.
        let is_recalled = owner == Some(peer) && self.groups[group].since == Time::START;
        let is_known = owner.is_some() && !is_recalled;
        let wait = if is_known { Duration::ZERO } else { FORSAKEN_AFTER };
        let since = classic.without_own;
        is_settled && is_theirs && since.is_some_and(|since| self.now.since(since) >= wait)
    }

    /// Reports to a C node the sets that it has forsaken or no longer holds, and that belong to
    /// this node now; while both are starting, the sets of which something runs here. The C node
    /// takes what is not reported.
    pub(super) fn tell_forsaken(&mut self) {
        let held = match self.classic.stage {
            Stage::Stable => self.held(),
            Stage::Reported(_) => self.held_in_part(),
            Stage::Idle | Stage::Starting | Stage::BothStarting => return,
        };
        if self.hand_over.runs() || !self.takes_part() {
            return;
        }
        let there = self.classic.held_there();
        let own = GroupSet::of(held.has_local() && !there.has_foreign(), false);
        let foreign = GroupSet::of(false, held.has_foreign() && !there.has_local());
        let news = own.with(foreign).without(self.classic.ours);
        if news != GroupSet::None {
            self.classic.ours = self.classic.ours.with(news);
            self.classic_report(Occasion::Report);
        }
    }

    /// Asks a C node what it holds.
    pub(super) fn send_starting(&mut self) {
        if self.classic.asked_by.len() == QUESTIONS_MAX {
            let oldest = self.classic.asked_by.remove(0);
            self.history.make_void(oldest);
        }
        self.classic.asked_by.push(self.history.next());
        self.send(Message::Starting, None);
    }

    /// The questions of this node were answered, or there is no node to answer. A node that
    /// requests such a message again does not get it: a peer that is asked waits until this node
    /// has said that it is stable.
    pub(super) fn forget_questions(&mut self) {
        while let Some(sequence) = self.classic.asked_by.pop() {
            self.history.make_void(sequence);
        }
    }

    /// Whether a C node has reported, after message `number`, that it holds something of a set,
    /// which is from its view.
    pub(in crate::cluster) fn classic_reports(&self, scope: Scope, number: u64) -> bool {
        let Scope::Set(hold) = scope else { return false };
        self.classic.reported_at > number && hold.without(self.classic.theirs) != hold
    }

    /// The sequence of the last report of a C node.
    pub(in crate::cluster) const fn last_report(&self) -> u64 {
        self.classic.reported_at
    }

    /// A C node is done with its part of a hand-over: its earlier reports are outdated.
    pub(in crate::cluster) fn record_done(&mut self, from: NodeId, sequence: u64) {
        if self.peer(from).kind == Kind::Classic {
            self.classic.reported_at = self.classic.reported_at.max(sequence);
        }
    }

    /// Whether a C node has said, after message `number`, that it has a set, or that it stops,
    /// whatever it has. The set is from its view.
    pub(in crate::cluster) fn classic_has_again(&self, scope: Scope, number: u64) -> bool {
        let Scope::Set(hold) = scope else { return false };
        let has_any = hold.without(self.classic.held_there()) != hold;
        self.classic.reported_at > number && (has_any || self.classic.announces_stop)
    }

    /// Asks a C node what it holds, until it has said so.
    pub(super) fn ask_what_it_holds(&mut self, peer: NodeId) {
        self.classic.has_reported = false;
        self.classic.unreported = Some(self.now + RETRY);
        // The peer expects to be told that this node is stable, once it has said that it is stable
        // itself.
        self.set_classic_stable(peer, false);
        self.send_starting();
    }

    /// Asks a C node what it holds if it has not said so since it was heard again: it was started,
    /// or has taken groups without being able to hear about them while there was no link.
    pub(super) fn ask_for_report(&mut self) {
        let Some(peer) = self.classic_peer() else {
            self.classic.has_reported = false;
            self.classic.is_peer_starting = false;
            self.classic.without_own = None;
            self.classic.unreported = None;
            return;
        };
        let is_settled = self.classic.stage == Stage::Stable;
        let is_legacy = self.settings.failback == Failback::Legacy;
        let may_ask = self.takes_part() && is_settled && !is_legacy;
        if !may_ask || !self.owes_report(peer) {
            self.classic.unreported = None;
            return;
        }
        // A peer that has just started reports on its own.
        let at = *self.classic.unreported.get_or_insert(self.now + RETRY / 4);
        if self.now >= at {
            self.ask_what_it_holds(peer);
        }
    }

    /// Whether a C node takes part and has not said yet what it holds.
    pub(super) fn owes_report(&self, peer: NodeId) -> bool {
        let peer = self.peer(peer);
        peer.status == NodeStatus::Active && !peer.has_left && !self.classic.has_reported
    }

    /// A C node was restarted: it holds nothing before it says so.
    pub(super) fn classic_restarts(&mut self, node: NodeId) {
        if self.peer(node).kind != Kind::Classic {
            return;
        }
        self.forget_recalled();
        self.classic.theirs = GroupSet::None;
        self.classic.giving_up = GroupSet::None;
        self.classic.announces_stop = false;
        self.classic.conflict = Conflict::None;
        self.classic.has_reported = false;
        self.classic.reported_at = 0;
        self.classic.report_from = 0;
        self.classic.is_peer_starting = false;
        self.classic.without_own = None;
        self.set_classic_stable(node, false);
    }

    /// Turns the holdings that the peer reports into rows.
    pub(super) fn record_theirs(&mut self, peer: NodeId) {
        let theirs = self.classic.held_there();
        let has_reported = self.classic.has_reported;
        for group in self.settings.group_ids() {
            let home = self.preferred(group) == peer;
            let held = if home { theirs.has_local() } else { theirs.has_foreign() };
            let row = self.groups[group].row;
            let is_theirs = row.owner() == Some(peer) && row.phase().holds();
            let is_ours = self.is_ours(group) && !self.groups[group].runner.is_idle();
            if held && is_ours && self.is_left_over(group) {
                // The group was started here before this daemon was, and the peer has taken it
                // since.
                self.leave_to(peer, group, Phase::Active, Cause::Outranked(peer));
                self.outbox.push_back(crate::Output::Store);
                self.give_way_to_owner(group);
            } else if held && !is_theirs && !is_ours {
                self.leave_to(peer, group, Phase::Active, Cause::Claimed(peer));
            } else if held && is_theirs && row.phase() == Phase::Starting {
                self.set_phase(group, Phase::Active, Cause::Claimed(peer));
            } else if !held && is_theirs && has_reported && !self.is_moved(group) {
                self.set_phase(group, Phase::Stopped, Cause::OwnerLeft(peer));
            }
        }
    }

    /// A hand-over with a C node has ended: the peer no longer lets go of what it says it has.
    pub(super) fn rests_at_peer(&mut self, peer: NodeId) {
        let theirs = self.classic.held_there();
        for group in self.settings.group_ids() {
            let home = self.preferred(group) == peer;
            let held = if home { theirs.has_local() } else { theirs.has_foreign() };
            let row = self.groups[group].row;
            if held && row.owner() == Some(peer) && row.phase() == Phase::Stopping {
                self.set_phase(group, Phase::Active, Cause::Claimed(peer));
            }
        }
    }

    /// Whether a group of this node is what this daemon has found here, whole or in part, and
    /// nothing more, while a C node is still being asked what it holds.
    pub(super) fn is_left_over(&self, group: GroupId) -> bool {
        let runner = &self.groups[group].runner;
        let is_begun = !runner.is_starting() || runner.job().is_some();
        let is_adopted = self.groups[group].cause == Cause::Adopted && runner.is_active();
        (is_adopted || !is_begun) && self.classic.stage != Stage::Stable
    }
}
