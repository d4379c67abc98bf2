//! What machines send: sealed, kept, recorded and carried.

use super::{Arrival, Happening, RECORDED_MAX, World};
use crate::codec::Codec;
use crate::laws::Broken;
use crate::network::{Frame, Packet};
use std::rc::Rc;
use systole_core::{LinkId, Message, NodeId, Outgoing};

impl World {
    pub(super) fn send(&mut self, node: NodeId, outgoing: Outgoing) {
        let is_status = matches!(outgoing.message, Message::Status { .. });
        if self.options.classic && !is_status && !matches!(outgoing.message, Message::Ack { .. }) {
            self.note(|| format!("{node:?} sends {:?}", outgoing.message));
        }
        let machine = self.machine(node);
        let beat = machine.cluster.as_ref().filter(|_| is_status).map(|c| c.beat().clone());
        let generation = machine.generation();
        let date = self.machines[node.index()].clock.date(self.now);
        let frame = Rc::new(Frame { source: node, generation, outgoing, beat, date });
        let bytes = self.options.bytes.then(|| self.codec.seal(&frame, &self.settings));
        let packet = Packet { frame, sent: self.now, bytes };
        if packet.frame.outgoing.sequence.is_some() {
            self.machine(node).keep(packet.clone());
        }
        self.carry(node, &packet);
        if self.random.chance(if is_status { 20 } else { 200 }) {
            let link = LinkId(0);
            if self.recorded.len() == RECORDED_MAX {
                self.recorded.remove(0);
            }
            self.recorded.push(Arrival { link, packet, is_replay: true });
        }
    }

    /// Sends an earlier message again, as it was.
    pub(super) fn resend(&mut self, node: NodeId, sequence: u64) -> Result<(), Broken> {
        let Some(packet) = self.machine(node).kept(sequence) else {
            let what = format!("{node:?} wants to send {sequence} again, which nobody keeps");
            return Err(Broken { law: "BOUND", what, at: self.now });
        };
        self.carry(node, &packet);
        Ok(())
    }

    /// Sends a packet over every link to every other machine.
    pub(super) fn carry(&mut self, node: NodeId, packet: &Packet) {
        for link in self.network.link_ids() {
            for to in self.settings.node_ids().filter(|to| *to != node) {
                let way = (node, to, link);
                for at in self.network.carry(self.now, &mut self.random, way).into_iter().flatten()
                {
                    let mut packet = packet.clone();
                    if let Some(bytes) = &mut packet.bytes {
                        Codec::damage(bytes, &mut self.random);
                    }
                    let arrival = Arrival { link, packet, is_replay: false };
                    self.schedule(at, Happening::Arrive(to, arrival));
                }
            }
        }
    }
}
