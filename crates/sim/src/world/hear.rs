//! What arrives at a machine, and what the laws record about it.

use super::{Arrival, SOCKET_MAX, World};
use crate::laws::Broken;
use crate::network::Packet;
use systole_core::{Heard, Input, Message, NodeId, Output, Snapshot, Wording};

impl World {
    pub(super) fn arrive(&mut self, node: NodeId, arrival: Arrival) -> Result<(), Broken> {
        self.summary.datagrams += 1;
        if self.is_classic(node) {
            self.arrive_classic(arrival);
            return Ok(());
        }
        let machine = self.machine(node);
        if machine.paused_until.is_some() && machine.cluster.is_some() {
            if machine.socket.len() < SOCKET_MAX {
                machine.socket.push(arrival);
            }
            return Ok(());
        }
        if arrival.is_replay {
            return self.check_replay(node, &arrival);
        }
        self.hear(node, &arrival);
        self.turn(node)
    }

    /// REPLAY: a message that is covered by the stored generation and sequence of its sender changes nothing
    /// except the number of refused messages, and leads to nothing except a report.
    fn check_replay(&mut self, node: NodeId, arrival: &Arrival) -> Result<(), Broken> {
        if !self.machines[node.index()].covers(&arrival.packet.frame) {
            self.record_recording(node, arrival);
            self.hear(node, arrival);
            return self.turn(node);
        }
        self.turn(node)?;
        let before = self.snapshot(node);
        self.summary.replays += 1;
        self.hear(node, arrival);
        let outputs = self.machine(node).cluster.iter_mut();
        let outputs = outputs.flat_map(|cluster| std::iter::from_fn(|| cluster.poll()));
        let act = outputs.into_iter().find(|output| !matches!(output, Output::Report(_)));
        if act.is_some() || self.snapshot(node) != before {
            let frame = &arrival.packet.frame;
            let what = format!("{frame:?} changed {node:?}, or led to {act:?}");
            return Err(Broken { law: "REPLAY", what, at: self.now });
        }
        Ok(())
    }

    /// Records a recording that answers this run of the receiver, but has not been heard by it. Such a
    /// recording is only late: what it says was true when it was sent.
    fn record_recording(&mut self, node: NodeId, arrival: &Arrival) {
        let machine = &mut self.machines[node.index()];
        let Some(cluster) = &machine.cluster else { return };
        let session = cluster.beat().session;
        let frame = &arrival.packet.frame;
        let mut echoes = frame.beat.iter().flat_map(|beat| &beat.echoes);
        if echoes.any(|echo| echo.node == node && echo.session == session) {
            machine.watch.reached(arrival.packet.sent);
            let sequence = frame.outgoing.sequence.unwrap_or(0);
            self.network.record_recording((frame.source, node), sequence);
        }
    }

    fn snapshot(&self, node: NodeId) -> Option<Snapshot> {
        let mut snapshot = self.machines[node.index()].cluster.as_ref()?.snapshot(&Wording::FACTS);
        for node in &mut snapshot.nodes {
            node.older = None;
        }
        Some(snapshot)
    }

    /// Keeps track of which node could hear which other node, for the laws.
    pub(super) fn record_delivery(&mut self, node: NodeId, packet: &Packet) {
        let frame = &packet.frame;
        let is_current = self.machines[frame.source.index()].generation() == frame.generation;
        let runs = self.has_daemon(node);
        let is_status = matches!(frame.outgoing.message, Message::Status { .. });
        self.machine(node).watch.reached(packet.sent);
        if runs && is_status {
            // Beats of a run that has ended meanwhile count too: the receiver cannot know that the run has
            // ended, and if it does, it has heard a beat that was sent even later.
            let now = self.now;
            self.machine(node).watch.heard(now, frame.source, packet.sent);
        }
        if is_current && runs && is_status {
            let sequence = frame.outgoing.sequence.unwrap_or(0);
            self.network.record_delivery(self.now, (frame.source, node), packet.sent, sequence);
        }
    }

    /// Delivers a datagram to a daemon.
    pub(super) fn hear(&mut self, node: NodeId, arrival: &Arrival) {
        let now = self.now;
        if let Some(bytes) = &arrival.packet.bytes {
            return self.hear_bytes(node, arrival, bytes);
        }
        if !arrival.is_replay {
            self.record_delivery(node, &arrival.packet);
        }
        let frame = &arrival.packet.frame;
        let outgoing = &frame.outgoing;
        let name = |node: NodeId| self.settings.nodes[node.index()].as_str();
        let heard = Heard {
            link: arrival.link,
            source: name(frame.source),
            source_uuid: Some(crate::machine::uuid(frame.source)),
            dest: outgoing.dest.map(name),
            dest_uuid: outgoing.dest_uuid,
            generation: frame.generation,
            sequence: outgoing.sequence,
            unix_time: frame.date,
            message: &outgoing.message,
            beat: frame.beat.as_ref(),
        };
        let machine = &mut self.machines[node.index()];
        let local = machine.local(now);
        let Some(cluster) = &mut machine.cluster else { return };
        cluster.handle(local, &Input::Heard(heard));
    }

    /// Delivers a datagram to a daemon that has to decode it first.
    fn hear_bytes(&mut self, node: NodeId, arrival: &Arrival, bytes: &[u8]) {
        let now = self.now;
        let machine = &mut self.machines[node.index()];
        let local = machine.local(now);
        let Some(heard) = self.codec.open(arrival.link, bytes) else { return };
        let Some(cluster) = &mut machine.cluster else { return };
        cluster.handle(local, &Input::Heard(heard));
        if !arrival.is_replay {
            self.record_delivery(node, &arrival.packet);
        }
    }
}
