//! What this node sends: beats, sequence numbers, retransmission.

use super::groups::EchoBarrier;
use super::table_sync::TableSync;
use super::{Cluster, may_tell};
use crate::history::Resend;
use crate::{
    Beat, Boot, Event, Message, NodeId, NodeStatus, Outgoing, Output, ServiceAddresses, Settings,
    Time,
};
use std::collections::VecDeque;
use std::time::Duration;

/// How many of this node's last messages are remembered with their time, to date an echo.
const DATED_MAX: usize = 128;
/// If more messages than this wait for an acknowledgement, each message that is sent reports it.
const WAITING_MAX: usize = 375;
/// Most answers to requests within the longest request delay, to all nodes together: a request has
/// no sequence, and anyone who recorded a request can send it without end.
const ANSWERS_MAX: u32 = 250;
/// Least time between beats that only bring news.
const NEWS_GAP: Duration = Duration::from_millis(5);

/// Beats per keepalive while a peer has not heard that it must give up a group.
const YIELD_BEATS: u32 = 4;

/// The transmitter of this node: when it beats, and what the beat says.
#[derive(Debug)]
pub(super) struct Transmitter {
    pub(super) next_beat: Time,
    last_beat: Option<Time>,
    /// When a slow line has sent everything that was given to it, see `serial_pacing.rs`.
    pub(super) line_free: Time,
    /// When a lost message was last requested, and when one was last sent again.
    pub(super) requested: Time,
    pub(super) resent: Time,
    pub(super) beat: Beat,
    /// Where this node can be reached on the service network, and what others echo who know it.
    pub(super) service: (ServiceAddresses, EchoBarrier),
    pub(super) sync: TableSync,
    dated: VecDeque<(u64, Time)>,
    /// Since when answers to requests are counted, and how many there were.
    answers: (Time, u32),
    /// Whether this node acknowledges, and says so. A peer that does not ends it for this run.
    pub(super) flow_control: bool,
    /// Whether this node plays a node of the previous version.
    #[cfg(test)]
    pub(super) is_former: bool,
}

impl Transmitter {
    pub(super) fn new(settings: &Settings, boot: &Boot) -> Self {
        let beat = Beat {
            session: boot.session,
            grown: grown(boot),
            capabilities: Beat::READS_MARKS | Beat::READS_WORDS,
            nodes: crate::GroupKey::of(settings.nodes.iter().map(String::as_str)).0,
            ..Beat::default()
        };
        Self {
            next_beat: Time::START,
            last_beat: None,
            line_free: Time::START,
            requested: Time::START,
            resent: Time::START,
            beat,
            service: (ServiceAddresses::NONE, EchoBarrier::default()),
            sync: TableSync::new(settings),
            dated: VecDeque::with_capacity(DATED_MAX),
            answers: (Time::START, 0),
            flow_control: true,
            #[cfg(test)]
            is_former: false,
        }
    }

    /// Whether one more answer to a request may be given; if so, it counts as given.
    fn may_answer(&mut self, now: Time, span: Duration) -> bool {
        if now.since(self.answers.0) >= span {
            self.answers = (now, 0);
        }
        let may = self.answers.1 < ANSWERS_MAX;
        self.answers.1 += u32::from(may);
        may
    }

    /// When this node sent a sequence, if that was not long ago.
    pub(super) fn sent_at(&self, sequence: u64) -> Option<Time> {
        let found = self.dated.iter().rev().find(|(number, _)| *number == sequence);
        found.map(|(_, time)| *time)
    }

    fn date(&mut self, sequence: u64, now: Time) {
        if self.dated.len() == DATED_MAX {
            self.dated.pop_front();
        }
        self.dated.push_back((sequence, now));
    }
}

/// How far this node's generation is above the generation with which this daemon was started, if
/// known.
fn grown(boot: &Boot) -> u32 {
    let grown = boot.generation.saturating_sub(boot.started);
    let told = u32::try_from(grown).ok().filter(|grown| *grown <= Beat::GROWN_MAX);
    told.filter(|_| boot.started > 0).unwrap_or(0)
}

impl Cluster {
    /// The first messages of a node: that it is present, and that it is up.
    pub(super) fn start_beating(&mut self) {
        if self.status == NodeStatus::Init {
            self.send_status();
            self.set_status(NodeStatus::Up);
        }
    }

    /// Brings the next beat forward, because there is news.
    pub(super) fn beat_soon(&mut self) {
        self.beat_within(NEWS_GAP);
    }

    /// Brings the next beat forward, to this long after the last one.
    pub(super) fn beat_within(&mut self, gap: Duration) {
        let soonest = self.transmitter.last_beat.map_or(self.now, |last| last + gap);
        self.transmitter.next_beat =
            self.transmitter.next_beat.min(soonest.max(self.line_has_room()));
    }

    pub(super) fn elapse_transmitter(&mut self) {
        self.elapse_times_change();
        self.request_missing();
        self.acknowledge();
        if self.now >= self.transmitter.next_beat {
            self.send_status();
            self.outbox.push_back(Output::Ping);
        }
    }

    pub(super) fn send_status(&mut self) {
        self.compose_beat();
        let status = match self.status {
            NodeStatus::Dead => NodeStatus::Init,
            status @ (NodeStatus::Init | NodeStatus::Up | NodeStatus::Active) => status,
        };
        let deadtime = self.detection().announced_deadtime();
        let flow_control = self.transmitter.flow_control;
        self.send(Message::Status { status, deadtime, flow_control }, None);
        self.transmitter.last_beat = Some(self.now);
        self.transmitter.next_beat = self.now + self.keepalive();
        if self.is_awaited() {
            self.beat_soon();
        }
        let now = self.now;
        if self.others().any(|node| self.peer(node).has_yet_to_hear_that_it_yields(now)) {
            self.beat_within((self.keepalive() / YIELD_BEATS).max(self.line_delay()));
        }
        if self.pause.is_verified() && self.may_permit() {
            self.outbox.push_back(Output::Permit(self.detection().permit()));
        }
    }

    /// Sends a message to every node, or to one node.
    pub(super) fn send(&mut self, message: Message, dest: Option<NodeId>) {
        self.load_line(&message);
        let sequence = message.is_sequenced().then(|| self.history.next());
        let outgoing = Outgoing {
            message,
            dest,
            dest_uuid: dest.and_then(|node| self.uuid(node)),
            sequence,
            made: self.now,
        };
        self.outbox.push_back(Output::Send(outgoing));
        if let Some(sequence) = sequence {
            self.history.note(self.now);
            self.transmitter.date(sequence, self.now);
            let waiting = self.history.waiting();
            let is_anyone_there = self.others().any(|node| self.peer(node).is_alive());
            if waiting > WAITING_MAX && self.transmitter.flow_control && is_anyone_there {
                self.report(Event::HistoryFilling(waiting));
            }
            self.say_heard_ourselves(sequence);
        }
    }

    fn request_missing(&mut self) {
        if self.is_slow() {
            return self.request_slowly();
        }
        for node in self.others() {
            let now = self.now;
            while let Some(sequence) = self.peer_mut(node).receiver.request(now) {
                self.send(Message::Rexmit { first: sequence, last: sequence }, Some(node));
            }
        }
    }

    /// Requests what is missing as far as a slow line allows, of the node that has waited longest.
    fn request_slowly(&mut self) {
        let now = self.now;
        while self.may_request_at() <= now {
            let due = |node: &NodeId| self.peer(*node).receiver.deadline();
            let first = self.others().filter(|node| due(node).is_some_and(|due| due <= now));
            let Some(node) = first.min_by_key(due) else { return };
            let again = now + self.settings.rexmit_delay.max(self.line_delay());
            let Some(sequence) = self.peer_mut(node).receiver.request_one(now, again) else {
                return;
            };
            self.transmitter.requested = now;
            self.send(Message::Rexmit { first: sequence, last: sequence }, Some(node));
        }
    }

    fn acknowledge(&mut self) {
        for node in self.others() {
            let due = self.peer_mut(node).receiver.take_ack();
            if let Some(sequence) = due.filter(|_| self.transmitter.flow_control) {
                self.send(Message::Ack { sequence }, Some(node));
            }
        }
    }

    pub(super) fn acknowledged(&mut self, from: NodeId, sequence: u64) {
        let sent = self.history.next() - 1;
        if sequence > sent {
            return self.report_beyond(from, Event::AckBeyond { node: from, sequence, sent });
        }
        let peer = self.peer_mut(from);
        if sequence > peer.acknowledged {
            peer.acknowledged = sequence;
            self.count_acknowledged();
        }
    }

    /// Reports misuse of messages that have no sequence, at limited intervals: an old one can be
    /// sent without end.
    fn report_beyond(&mut self, node: NodeId, event: Event) {
        let now = self.now;
        if may_tell(&mut self.peer_mut(node).beyond_told, now) {
            self.report(event);
        }
    }

    /// Records what every node that is not dead has acknowledged.
    pub(super) fn count_acknowledged(&mut self) {
        let alive = self.others().map(|node| self.peer(node));
        let alive = alive.filter(|peer| peer.status != NodeStatus::Dead);
        let sent = self.history.next() - 1;
        let all = alive.map(|peer| peer.acknowledged).min().unwrap_or(sent);
        self.history.acknowledged(all);
    }

    /// Answers a request: sends again what is kept, and reports the rest as lost.
    pub(super) fn resend(&mut self, from: NodeId, first: u64, last: u64) {
        if first == 0 || last < first {
            return;
        }
        let sent = self.history.next() - 1;
        if last > sent {
            self.report_beyond(from, Event::NeverSent { node: from, sequence: last, sent });
        }
        let span = self.settings.rexmit_delay;
        for sequence in self.history.clamp(first, last) {
            if !self.may_resend() {
                return;
            }
            if !self.transmitter.may_answer(self.now, span) {
                return;
            }
            match self.history.resend(self.now, sequence, span) {
                Resend::Again => {
                    self.outbox.push_back(Output::Resend(sequence));
                    self.transmitter.resent = self.now;
                    self.load_line_again();
                }
                Resend::TooLow => {
                    self.transmitter.resent = self.now;
                    self.report(Event::CannotResend(from, sequence));
                    self.send(Message::Nak { sequence, too_low: true }, Some(from));
                }
                Resend::Void => {
                    self.transmitter.resent = self.now;
                    self.send(Message::Nak { sequence, too_low: true }, Some(from));
                }
                Resend::Nothing => {}
            }
        }
    }
}
