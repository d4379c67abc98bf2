//! What others say: who speaks, whether it is new, and what it means.

use super::Cluster;
use crate::ownership::Merged;
use crate::peer::Kind;
use crate::receive::Verdict;
use crate::{
    Beat, Cause, Claim, Echo, Event, GroupId, Heard, IpfailEvent, Message, NodeId, NodeStatus,
    Phase,
};
use std::time::Duration;

impl Cluster {
    /// Takes a message through the checks that every message passes, in this order: a known
    /// sender, its generation, its sequence number, the addressee.
    pub(super) fn hear(&mut self, heard: &Heard<'_>) {
        let Some(from) = self.settings.node(heard.source) else {
            return self.report(Event::Stranger(heard.source.into()));
        };
        if from == self.settings.me || heard.link.index() >= self.settings.links.len() {
            return;
        }
        if !self.generation_holds(from, heard) || !self.is_news(from, heard) {
            return;
        }
        if heard.source_uuid.is_some_and(|uuid| !uuid.is_nil()) {
            self.peer_mut(from).uuid = heard.source_uuid;
        }
        let is_for_us = self.is_for_us(heard);
        if let Message::Nak { sequence, .. } = heard.message {
            // What cannot be sent again is lost for everybody, whoever had asked for it.
            let was_missing = self.peer_mut(from).receiver.give_up(*sequence);
            if was_missing && is_for_us {
                self.report(Event::PacketLostForGood(from, *sequence));
            }
        } else if is_for_us {
            self.understand(from, heard);
        }
    }

    /// An older generation is a replay. A newer one is a restart, which only a status proves.
    fn generation_holds(&mut self, from: NodeId, heard: &Heard<'_>) -> bool {
        let current = self.peer(from).generation;
        if heard.generation < current {
            let generation = heard.generation;
            self.report(Event::Replay { node: from, generation, current });
            return false;
        }
        let Message::Status { .. } = heard.message else { return heard.generation == current };
        if heard.generation > current {
            if current > 0 {
                self.report(Event::PeerRestarted(from));
                self.peer_restarted(from);
            }
            self.peer_mut(from).restart(heard.generation);
            return true;
        }
        let peer = self.peer(from);
        if peer.last_status.is_some() && peer.status == NodeStatus::Dead {
            if heard.sequence.unwrap_or(0) <= peer.status_sequence {
                return false;
            }
            self.report(Event::PeerReturned(from));
        }
        true
    }

    /// Whether the message was not processed before; notes its number and its link.
    fn is_news(&mut self, from: NodeId, heard: &Heard<'_>) -> bool {
        if !heard.message.is_sequenced() {
            self.link_heard(from, heard);
            return true;
        }
        let Some(sequence) = heard.sequence.filter(|sequence| *sequence > 0) else { return false };
        let now = self.now;
        let peer = &mut self.peers[from.index()];
        let is_order = !matches!(heard.message, Message::Status { .. });
        let prompt = is_order && peer.kind == Kind::Systole;
        let verdict = peer.receiver.note(now, sequence, prompt, &mut self.random);
        if verdict != Verdict::Old {
            self.peer_mut(from).links[heard.link.index()].note_sequence(sequence);
            self.link_heard(from, heard);
        }
        match verdict {
            Verdict::New => true,
            Verdict::Gap { last, count } => {
                self.report(Event::PacketsLost { node: from, count, last, sequence });
                true
            }
            Verdict::GapTooLarge => {
                self.report(Event::PacketsGivenUp(from));
                true
            }
            Verdict::Late { complete } => {
                if complete {
                    self.report(Event::PacketsComplete(from));
                }
                true
            }
            Verdict::Duplicate | Verdict::Old => false,
        }
    }

    fn link_heard(&mut self, from: NodeId, heard: &Heard<'_>) {
        let (now, index) = (self.now, heard.link.index());
        let peer = self.peer_mut(from);
        let patience = peer.dead_after;
        if peer.links[index].heard(now, patience) {
            self.link_changed(from, index, true);
        }
    }

    pub(super) fn link_changed(&mut self, node: NodeId, index: usize, is_up: bool) {
        let link = crate::LinkId(u8::try_from(index).unwrap_or(u8::MAX));
        let event = if is_up { Event::LinkUp(node, link) } else { Event::LinkDead(node, link) };
        self.report(event);
        self.ipfail_says(IpfailEvent::LinkStatus(node, link, is_up));
        if !is_up {
            self.tell_ping_count();
        }
    }

    fn is_for_us(&self, heard: &Heard<'_>) -> bool {
        let by_uuid = heard.dest_uuid.filter(|uuid| !uuid.is_nil() && heard.message.is_sequenced());
        match by_uuid {
            Some(uuid) => uuid == self.boot.uuid,
            None => heard.dest.is_none_or(|dest| dest == self.settings.name(self.settings.me)),
        }
    }

    fn understand(&mut self, from: NodeId, heard: &Heard<'_>) {
        let sequence = heard.sequence.unwrap_or(0);
        match heard.message {
            Message::Status { status, deadtime, .. } => {
                self.hear_status(from, sequence, *status, *deadtime);
                self.hear_beat(from, sequence, heard.beat);
            }
            Message::Ack { sequence } => self.acknowledged(from, *sequence),
            Message::Rexmit { first, last } => self.resend(from, *first, *last),
            Message::RequestNodes => self.reply_nodes(from),
            Message::Shutdone => self.peer_left(from, sequence),
            Message::AskResources { hold, step, .. } => {
                self.hear_step(from, sequence, *hold, *step);
            }
            Message::TakeoverOrder { hold } => self.hear_takeover_order(from, hold.mirrored()),
            Message::IpfailPresence { joined: true } => self.ipfail_joined(from),
            Message::PingCount { count } => self.hear_ping_count(from, *count),
            Message::AbortGiveup => self.hear_abort(),
            Message::YouAreDead => self.hear_you_are_dead(),
            Message::ReplyNodes { .. } => self.hear_node_list(),
            Message::Starting => self.hear_starting(from),
            Message::Resource { hold, full, stable, occasion } => {
                self.hear_resource(from, (*hold, *full), *stable, *occasion);
            }
            Message::GroupRequest { key } => self.hear_group_request(from, key),
            Message::GroupGrant { key, granted, .. } => {
                self.hear_group_grant(from, key, *granted);
            }
            Message::Nak { .. }
            | Message::Stonith { .. }
            | Message::IpfailPresence { joined: false }
            | Message::Unknown { .. } => {}
        }
    }

    fn hear_status(&mut self, from: NodeId, sequence: u64, status: NodeStatus, dt: Duration) {
        let now = self.now;
        let peer = self.peer_mut(from);
        let before = std::mem::replace(&mut peer.status, status);
        let was_heard = peer.last_status.is_some();
        let interval = peer.note_status(now, sequence, dt).unwrap_or_default();
        if before != NodeStatus::Dead && interval > self.settings.warntime {
            let deadly = interval > self.settings.deadtime;
            self.report(Event::LateBeat { node: from, interval, deadly });
        }
        if before != status || !was_heard {
            self.report(Event::PeerStatus(from, status));
            self.speak_soon();
            self.ipfail_says(IpfailEvent::NodeStatus(from, status));
        }
    }

    /// Reads what a Systole peer adds to its status. Its table counts only if nothing newer of
    /// it was heard, because messages overtake each other.
    fn hear_beat(&mut self, from: NodeId, sequence: u64, beat: Option<&Beat>) {
        let Some(beat) = beat else {
            let peer = self.peer_mut(from);
            peer.kind = Kind::Classic;
            peer.is_settled = true;
            self.unverified.retain(|node| *node != from);
            return;
        };
        let nodes = self.voice.beat.nodes;
        let (me, session) = (self.settings.me, self.boot.session);
        let peer = self.peer_mut(from);
        let was_known = peer.kind == Kind::Systole;
        peer.kind = Kind::Systole;
        if sequence <= peer.told_at {
            return;
        }
        peer.told_at = sequence;
        peer.session = beat.session;
        peer.is_leaving = beat.leaving;
        // What does not answer us may be a recording: it neither ends our start nor counts as
        // somebody who will take a group.
        let answers = |echo: &Echo| echo.node == me && echo.session == session;
        let is_answer = beat.echoes.iter().any(answers);
        peer.is_settled |= is_answer;
        peer.is_ready = is_answer && beat.ready && beat.nodes == nodes;
        if beat.nodes != nodes {
            if !was_known {
                self.report(Event::NodeListsDiffer(from));
            }
            return;
        }
        self.hear_echoes(from, beat);
        let mut differ = beat.claims.len() != self.settings.groups.len();
        for group in self.settings.group_ids() {
            let key = self.settings.groups[group.index()].key;
            if let Some(claim) = beat.claims.iter().find(|claim| claim.group == key) {
                self.hear_claim(from, group, claim);
            } else {
                differ = true;
                self.ownership.note_ability(group, from, false);
            }
        }
        if differ && !was_known {
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
                    Phase::Starting | Phase::Active | Phase::Stopping => Cause::Unowned,
                };
                self.owned(group, cause);
            }
            Merged::Outranked => {
                self.owned(group, Cause::Outranked(from));
                self.yield_group(group);
            }
        }
    }

    fn reply_nodes(&mut self, from: NodeId) {
        let names = self.settings.node_order.iter().map(|node| self.settings.name(*node));
        let nodes = names.collect::<Vec<&str>>().join(" ").into();
        let message = Message::ReplyNodes { nodes, deleted: "".into() };
        self.send(message, Some(from));
    }
}
