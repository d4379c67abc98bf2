//! What a peer of our kind adds to its beats: its table of groups, and what it has heard of us.

use super::Cluster;
use crate::mutation::Mutation;
use crate::ownership::Merged;
use crate::peer::Kind;
use crate::{Beat, Cause, Claim, Event, GroupId, NodeId, Phase};

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
        let mut differ = false;
        for group in self.settings.group_ids() {
            let key = self.settings.groups[group.index()].key;
            if let Some(claim) = beat.claims.iter().find(|claim| claim.group == key) {
                self.hear_claim(from, group, claim);
            } else {
                differ |= self.is_configured(group);
                self.peer_mut(from).lacks.push(group);
                self.ownership.note_ability(group, from, false);
                self.forgotten_by(from, group);
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
        let (me, preferred) = (self.settings.me, self.preferred(group));
        let before = *self.ownership.row(group);
        self.hear_failure(from, group, claim);
        let merged = self.ownership.merge(me, from, group, preferred, claim);
        match merged {
            Merged::Same => {}
            Merged::Outranks => self.speak_soon(),
            Merged::Changed => {
                let row = *self.ownership.row(group);
                if row.owner == Some(me) && before.owner != Some(me) {
                    // A term of ours that we had forgotten: say at once that nothing runs.
                    self.speak_soon();
                }
                let cause = match row.phase {
                    Phase::Failed => Cause::OwnerFailed(from),
                    Phase::Stopped => Cause::OwnerLeft(from),
                    Phase::Starting | Phase::Active | Phase::Stopping | Phase::Blocked => {
                        Cause::Claimed(from)
                    }
                };
                self.owned(group, cause);
            }
            Merged::Outranked => {
                self.owned(group, Cause::Outranked(from));
                if !self.errs(Mutation::KeepWhenOutranked) {
                    self.yield_group(group);
                }
            }
        }
    }
}
