//! What a peer of our kind adds to its beats: its table of groups, and what it has heard of us.

use super::Cluster;
use crate::mutation::Mutation;
use crate::ownership::{Meeting, Merged};
use crate::peer::Kind;
use crate::{Beat, Cause, Claim, Event, GroupId, NodeId, Output, Phase};

impl Cluster {
    /// Whether a beat was said to this run of ours: it echoes our session.
    pub(super) fn is_answer(&self, beat: &Beat) -> bool {
        let (me, session) = (self.settings.me, self.boot.session);
        beat.echoes.iter().any(|echo| echo.node == me && echo.session == session)
    }

    /// Reads what a Systole peer adds to its status. Its table counts only if nothing newer of
    /// it was heard, because messages overtake each other.
    pub(super) fn hear_beat(&mut self, from: NodeId, sequence: u64, beat: Option<&Beat>) {
        let Some(beat) = beat else {
            let peer = self.peer_mut(from);
            peer.kind = Kind::Classic;
            peer.is_settled = true;
            self.unverified.retain(|node| *node != from);
            return;
        };
        let nodes = self.voice.beat.nodes;
        let is_answer = self.is_answer(beat);
        let peer = self.peer_mut(from);
        let was_known = peer.kind == Kind::Systole;
        peer.kind = Kind::Systole;
        if sequence <= peer.told_at {
            return;
        }
        peer.told_at = sequence;
        peer.session = beat.session;
        peer.is_leaving = beat.leaving;
        peer.pings = beat.pings;
        peer.lacks.clear();
        // What does not answer us may be a recording: it neither ends our start nor counts as
        // somebody who will take a group.
        peer.is_settled |= is_answer;
        peer.is_ready = is_answer && beat.ready && beat.nodes == nodes;
        if beat.nodes != nodes {
            if !was_known {
                self.report(Event::NodeListsDiffer(from));
            }
            return;
        }
        self.hear_echoes(from, beat);
        self.hear_freezes(from, beat, is_answer);
        if is_answer {
            self.hear_moves(beat);
        }
        self.hear_strange(from, beat);
        let mut differ = false;
        for group in self.settings.group_ids() {
            let key = self.settings.groups[group.index()].key;
            if let Some(claim) = beat.claims.iter().find(|claim| claim.group == key) {
                if is_answer || self.errs(Mutation::BelieveRecordings) {
                    self.hear_claim(from, group, claim);
                } else {
                    self.hear_unproven(from, group, claim);
                }
            } else {
                differ |= self.is_configured(group);
                self.peer_mut(from).lacks.push(group);
                self.peer_mut(from).runs[group.index()] = false;
                self.peer_mut(from).in_doubt[group.index()] = false;
                self.ownership.note_ability(group, from, false);
                if is_answer {
                    self.forgotten_by(from, group);
                }
            }
        }
        if was_known {
            return;
        }
        let is_strange = |claim: &Claim| self.group_with_key(claim.group).is_none();
        if differ || beat.claims.iter().any(is_strange) {
            self.report(Event::GroupsDiffer(from));
        }
    }

    fn hear_echoes(&mut self, from: NodeId, beat: &Beat) {
        let (me, session) = (self.settings.me, self.boot.session);
        for echo in beat.echoes.iter().filter(|echo| echo.node == me && echo.session == session) {
            let peer = self.peer_mut(from);
            peer.echoed = peer.echoed.max(echo.sequence);
            if echo.sequence >= self.verifies_from {
                self.unverified.retain(|node| *node != from);
            }
            let Some(sent) = self.voice.sent_at(echo.sequence) else { continue };
            let peer = &mut self.peers[from.index()];
            peer.heard_us = peer.heard_us.max(Some(sent));
            if let Some(link) = peer.links.get_mut(echo.link.index()) {
                link.echoed(sent);
            }
        }
    }

    fn hear_claim(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        if claim.owner.index() >= self.settings.nodes.len() {
            return;
        }
        let me = self.settings.me;
        let before = *self.ownership.row(group);
        self.hear_failure(from, group, claim);
        self.hear_doubt(from, group, claim);
        let meeting = self.meeting(from, group);
        match self.ownership.merge(&meeting, group, claim) {
            Merged::Same => {}
            Merged::Reclaimed => {
                self.owned(group, Cause::Reclaimed(from));
                self.outbox.push_back(Output::Store);
                self.speak_soon();
            }
            Merged::Outranks => self.speak_soon(),
            Merged::Changed => {
                let row = *self.ownership.row(group);
                if row.owner == Some(me) && before.owner != Some(me) {
                    // A term of ours that we had forgotten: say at once that nothing runs.
                    self.speak_soon();
                }
                let cause = match row.phase {
                    Phase::Failed => self.cause_of_failed(from, group),
                    Phase::Stopped => Cause::OwnerLeft(from),
                    Phase::Starting | Phase::Active | Phase::Stopping | Phase::Blocked => {
                        Cause::Claimed(from)
                    }
                };
                self.owned(group, cause);
            }
            Merged::Outranked => {
                self.owned(group, Cause::Outranked(from));
                // Who starts anew while it stops shall not take it for its own.
                self.outbox.push_back(Output::Store);
                if !self.errs(Mutation::KeepWhenOutranked) {
                    self.yield_group(group);
                }
            }
        }
    }

    /// Notes the lines that we do not know, or do not know yet, and that still run there.
    fn hear_strange(&mut self, from: NodeId, beat: &Beat) {
        let mut strange = std::mem::take(&mut self.peer_mut(from).runs_strange);
        strange.clear();
        let is_strange = |claim: &&Claim| self.group_with_key(claim.group).is_none();
        let running = beat.claims.iter().filter(|claim| claim.runs_here);
        strange.extend(running.filter(is_strange).map(|claim| claim.group));
        self.peer_mut(from).runs_strange = strange;
    }

    /// What does not answer us may be a recording, or comes of a node that does not know us yet: it
    /// changes no row, and so neither stops nor frees anything, nor makes anybody the last owner. That
    /// something runs there is believed as long as it is heard: nothing is started beside it.
    fn hear_unproven(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        let holds = claim.owner == from && claim.phase.holds();
        self.peer_mut(from).runs[group.index()] |= claim.runs_here || holds;
    }

    fn meeting(&self, from: NodeId, group: GroupId) -> Meeting {
        let heard = self.others().filter(|node| self.peer(*node).is_alive());
        Meeting {
            me: self.settings.me,
            from,
            preferred: self.preferred(group),
            runs_here: !self.runners[group.index()].is_idle(),
            heard: heard.fold(0, |heard, node| heard | crate::ownership::bit(node)),
            by_term_alone: self.errs(Mutation::LetMemoryOutrank),
        }
    }

    /// Whether a node that is heard says that something of a group still runs there, whoever owns
    /// it. A goodbye, or a giver's "done", says the contrary.
    pub(super) fn runs_elsewhere(&self, group: GroupId) -> bool {
        let says_so = |node: NodeId| {
            let peer = self.peer(node);
            peer.is_alive() && peer.runs[group.index()]
        };
        !self.errs(Mutation::StartBesideTheLoser) && self.others().any(says_so)
    }
}
