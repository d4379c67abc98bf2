//! Messages from others: which node sends, whether the message is new, and what it means.

use super::classic::ClassicInput;
use super::{Cluster, may_tell};
use crate::mutation::Mutation;
use crate::peer::{Effect, Input as Presence, Kind};
use crate::receive::Verdict;
use crate::{Event, Heard, IpfailEvent, Message, NodeId, NodeStatus, Scope, Step};
use std::time::Duration;

impl Cluster {
    /// Takes a message through the checks that every message passes, in this order: a known sender,
    /// its generation, its sequence number, the addressee.
    pub(super) fn receive(&mut self, heard: &Heard<'_>) {
        let Some(from) = self.settings.node(heard.source) else {
            return self.handle_stranger(heard.source);
        };
        if from == self.settings.me || heard.link.index() >= self.settings.links.len() {
            return;
        }
        if !self.generation_holds(from, heard) || !self.is_news(from, heard) {
            return;
        }
        self.record_uuid(from, heard);
        let is_for_us = self.is_for_us(heard);
        if let Message::Nak { sequence, .. } = heard.message {
            // A message that cannot be sent again is lost for every node, whichever node had asked
            // for it.
            let was_missing = self.peer_mut(from).receiver.give_up(*sequence);
            if was_missing && is_for_us {
                self.report(Event::PacketLostForGood(from, *sequence));
            }
        } else if is_for_us {
            self.handle_message(from, heard);
        }
    }

    /// Anyone who has a message of another cluster with the same key can send it without end.
    fn handle_stranger(&mut self, name: &str) {
        if may_tell(&mut self.stranger_reported, self.now) {
            self.report(Event::Stranger(name.into()));
        }
    }

    /// An older generation is a replay. A newer one is a restart, which only a status proves.
    fn generation_holds(&mut self, from: NodeId, heard: &Heard<'_>) -> bool {
        let (now, generation) = (self.now, heard.generation);
        let is_status = matches!(heard.message, Message::Status { .. });
        let input = Presence::Message {
            generation,
            status: is_status.then_some(heard.sequence.unwrap_or(0)),
            believes_all: self.is_mutated(Mutation::BelieveRecordings),
        };
        let peer = self.peer_mut(from);
        let (was_met, current) = (peer.last_status.is_some(), peer.generation);
        match peer.step(now, input) {
            Effect::Replay(Some(count)) => {
                self.report(Event::Replay { node: from, generation, current, count });
                false
            }
            Effect::Restarts => {
                if was_met {
                    self.report(Event::PeerRestarted(from));
                    self.peer_restarted(from);
                }
                // This also holds if the peer was restarted while this node's daemon was. A peer
                // that has only executed itself since it was last heard counts as the same run.
                let grown = heard.beat.map_or(0, |beat| beat.grown);
                let is_same = grown > 0 && generation.saturating_sub(grown.into()) <= current;
                if current > 0 && !is_same {
                    self.expect_home(from);
                }
                self.peer_mut(from).restart(generation);
                self.peer_mut(from).heard_since = now;
                self.store_peer(from);
                true
            }
            Effect::Returns => {
                self.report(Event::PeerReturned(from));
                self.tell_classic(ClassicInput::PeerReturns(from));
                true
            }
            Effect::Accept => true,
            Effect::Ignore
            | Effect::Replay(None)
            | Effect::Nothing
            | Effect::Died
            | Effect::Left => false,
        }
    }

    /// Whether the message was not processed before; records its number and its link.
    ///
    /// The numbers of a Systole peer count from its first beat that answers this run of this node:
    /// earlier messages may be recordings, and only show that some node is present.
    fn is_news(&mut self, from: NodeId, heard: &Heard<'_>) -> bool {
        let answers = heard.beat.is_some_and(|beat| self.is_answer(beat));
        let peer = self.peer_mut(from);
        peer.answers |= answers;
        let is_status = matches!(heard.message, Message::Status { .. });
        let is_systole = if is_status { heard.beat.is_some() } else { peer.kind == Kind::Systole };
        let may_be_old = is_systole && !peer.answers;
        if !heard.message.is_sequenced() {
            if !is_systole {
                // As with a C node, whose acknowledgements keep a link alive. A Systole peer beats
                // on all of its links, and these messages can be recorded.
                self.link_heard(from, heard);
            }
            return !may_be_old;
        }
        let Some(sequence) = heard.sequence.filter(|sequence| *sequence > 0) else { return false };
        if may_be_old {
            let is_news = is_status && sequence > self.peer(from).status_sequence;
            if is_news {
                self.peer_mut(from).links[heard.link.index()].record_sequence(sequence);
                self.link_heard(from, heard);
            }
            return is_news;
        }
        self.record_sequence(from, heard, sequence, is_systole && !is_status)
    }

    fn record_sequence(
        &mut self,
        from: NodeId,
        heard: &Heard<'_>,
        sequence: u64,
        prompt: bool,
    ) -> bool {
        let now = self.now;
        let peer = &mut self.peers[from.index()];
        let verdict = peer.receiver.note(now, sequence, prompt, &mut self.random);
        if verdict != Verdict::Old {
            self.peer_mut(from).links[heard.link.index()].record_sequence(sequence);
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
        let patience = self.link_patience(from);
        if self.peer_mut(from).links[index].heard(now, patience) {
            self.link_changed(from, index, true);
        }
    }

    pub(super) fn link_changed(&mut self, node: NodeId, index: usize, is_up: bool) {
        let link = crate::LinkId(u8::try_from(index).unwrap_or(u8::MAX));
        let event = if is_up { Event::LinkUp(node, link) } else { Event::LinkDead(node, link) };
        self.report(event);
        self.report_ipfail(IpfailEvent::LinkStatus(node, link, is_up));
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

    fn handle_message(&mut self, from: NodeId, heard: &Heard<'_>) {
        let sequence = heard.sequence.unwrap_or(0);
        match heard.message {
            Message::Status { status, deadtime, flow_control } => {
                if !flow_control && std::mem::replace(&mut self.transmitter.flow_control, false) {
                    self.report(Event::FlowControlOff);
                }
                if self.handle_status(from, heard, *status, *deadtime) {
                    self.handle_beat(from, sequence, heard.beat);
                }
            }
            Message::Ack { sequence } => self.acknowledged(from, *sequence),
            Message::Rexmit { first, last } => self.resend(from, *first, *last),
            Message::RequestNodes => self.reply_nodes(from),
            Message::Shutdone => self.peer_left(from, sequence),
            Message::AskResources { hold, step, by_order, ipfail: _ } => {
                if *step == Step::Done {
                    self.record_done(from, sequence);
                }
                self.handle_step(from, sequence, Scope::Set(*hold), (*step, *by_order));
            }
            Message::TakeoverOrder { hold } => {
                self.calls_script = true;
                self.handle_takeover_order(from, Scope::Set(hold.mirrored()));
            }
            Message::GroupStep { group, step, by_order } => {
                self.handle_group_step(from, sequence, *group, (*step, *by_order));
            }
            Message::GroupOrder { group } => self.handle_group_order(from, *group),
            Message::Refuse { step, why, number } => {
                self.handle_refusal(from, sequence, (*step, *number), *why);
            }
            Message::IpfailPresence { joined: true } => self.ipfail_joined(from),
            Message::PingCount { count } => self.handle_ping_count(from, *count),
            Message::AbortGiveup => self.handle_abort(from),
            Message::YouAreDead => self.handle_you_are_dead(from),
            Message::ReplyNodes { nodes, .. } => {
                self.compare_nodes(from, nodes);
                self.handle_node_list();
            }
            Message::QueryClient { client, asker } => self.reply_client(from, client, asker),
            Message::Unreadable { field } => self.report(Event::Unreadable(from, field)),
            Message::Starting => self.handle_starting(from, sequence),
            Message::Resource { hold, full, stable, occasion } => {
                self.handle_resource((from, sequence), (*hold, *full), *stable, *occasion);
            }
            Message::GroupRequest { key } => {
                self.calls_script = true;
                self.handle_group_request(from, key);
            }
            Message::GroupGrant { key, granted, .. } => {
                self.calls_script = true;
                self.handle_group_grant(from, key, *granted);
            }
            Message::Stonith { .. } | Message::Custom(_) => self.calls_script = true,
            // Without a sequence number a recording of the message would call the script again.
            Message::Unknown { unsequenced } => self.calls_script = !unsequenced,
            Message::Nak { .. }
            | Message::IpfailPresence { joined: false }
            | Message::ReplyClient { .. } => {}
        }
    }

    /// Records a status. An out-of-order status only refreshes liveness; one that was also sent
    /// earlier is ignored. Returns false for the latter.
    fn handle_status(
        &mut self,
        from: NodeId,
        heard: &Heard<'_>,
        status: NodeStatus,
        dead_after: Duration,
    ) -> bool {
        let now = self.now;
        let sequence = heard.sequence.unwrap_or(0);
        let peer = self.peer_mut(from);
        let is_late = sequence < peer.status_sequence;
        if is_late && heard.unix_time < peer.status_time {
            return false;
        }
        let before = peer.status;
        if !is_late {
            peer.status = status;
            peer.dead_after = dead_after;
            peer.status_time = heard.unix_time;
        }
        let status = peer.status;
        let was_heard = peer.last_status.is_some();
        let interval = peer.record_status(now, sequence).unwrap_or_default();
        if before != NodeStatus::Dead && interval > self.settings.warntime {
            let deadly = interval > self.settings.deadtime;
            self.report(Event::LateBeat { node: from, interval, deadly });
        }
        if before != status || !was_heard {
            self.calls_script = true;
            self.report(Event::PeerStatus(from, status));
            self.beat_soon();
            self.report_ipfail(IpfailEvent::NodeStatus(from, status));
        }
        true
    }
}
