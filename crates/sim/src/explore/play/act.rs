//! Carries out what a core wants: jobs, datagrams, and stored state.

use super::{Flight, NODES, Play, digest};
use crate::laws::{self, Broken};
use crate::network::{Frame, Packet};
use std::rc::Rc;
use systole_core::{Action, Cause, Event, Input, Message, NodeId, Outgoing, Output};

impl Play {
    pub(super) fn act(&mut self, node: NodeId, output: Output) -> Result<(), Broken> {
        let now = self.now;
        let machine = &mut self.machines[node.index()];
        match output {
            Output::Send(outgoing) => self.send(node, outgoing),
            Output::Resend(sequence) => {
                if let Some(packet) = machine.kept(sequence) {
                    self.fly(node, packet);
                }
            }
            Output::Permit(span) => {
                self.stand_ins[node.index()].permit_until = Some(now + span);
            }
            Output::Run(job) => {
                let executor = &mut self.stand_ins[node.index()];
                let begun = executor.begin(job, &mut machine.services);
                begun.map_err(|what| Broken { law: "ORDER", what, at: now })?;
                if job.action == Action::Start && job.first == 0 {
                    let world = (&self.settings, &self.rivals[..]);
                    let job = (job.group, node);
                    laws::known_stopped(now, world, job, &self.machines, &self.network)?;
                }
                if job.action == Action::Start {
                    self.machines[node.index()].services.record_yields(job.group, false);
                }
                self.jobs.push((node, job.id, now));
            }
            Output::Check { job, .. } => {
                self.stand_ins[node.index()].begin_check(job);
                self.jobs.push((node, job, now));
            }
            Output::Cancel(job) => {
                self.jobs.retain(|other| (other.0, other.1) != (node, job));
                let executor = &mut self.stand_ins[node.index()];
                let outcome = executor.cancel(job, &mut machine.services);
                let local = machine.local(now);
                if let (Some(outcome), Some(cluster)) = (outcome, &mut machine.cluster) {
                    cluster.handle(local, &Input::JobDone { job, outcome });
                }
            }
            Output::Store => {
                machine.store(now);
            }
            Output::StorePeer(record) => {
                machine.disk.peers.retain(|other| other.node != record.node);
                machine.disk.peers.push(record);
            }
            Output::StopFailed { group, resource } => {
                let what = format!("{group:?} resource {resource} could not be stopped");
                return Err(Broken { law: "ORDER", what, at: now });
            }
            Output::End => {
                machine.cluster = None;
                self.forget(node);
            }
            Output::Report(event) => {
                if let Event::Ownership { group, cause: Cause::Outranked(_), .. } = event {
                    machine.services.record_yields(group, true);
                }
            }
            // No device is configured in these scopes.
            // In a small scope nobody answers for another node.
            Output::AskNetwork(_) | Output::Ping | Output::Answer { .. } | Output::Fence { .. } => {
            }
        }
        Ok(())
    }

    fn send(&mut self, node: NodeId, outgoing: Outgoing) {
        let machine = &mut self.machines[node.index()];
        let is_status = matches!(outgoing.message, Message::Status { .. });
        let beat = machine.cluster.as_ref().filter(|_| is_status).map(|c| c.beat().clone());
        let generation = machine.generation();
        let frame = Rc::new(Frame { source: node, generation, outgoing, beat, date: 1 });
        let packet = Packet { frame, sent: self.now, bytes: None };
        if packet.frame.outgoing.sequence.is_some() {
            machine.keep(packet.clone());
        }
        let before = self.sent[node.index()];
        self.sent[node.index()] = digest(&(before, &packet));
        self.fly(node, packet);
    }

    fn fly(&mut self, node: NodeId, packet: Packet) {
        if self.is_cut {
            return;
        }
        let to = NODES[1 - node.index()];
        self.flying.push(Flight { to, packet, is_delayed: false });
    }
}
