//! The graceful stop: release everything, say goodbye, make sure that the goodbye was heard.

mod machine;

use super::Cluster;
use super::classic::ClassicInput;
use crate::peer::Kind;
use crate::{
    Cause, Event, Failback, GroupSet, Message, NodeId, NodeStatus, Occasion, Output, Step,
};
pub(super) use machine::Shutdown;
use machine::{Effect, Input};

impl Cluster {
    /// Begins the graceful stop, if it has not begun.
    pub(super) fn begin_shutdown(&mut self) {
        if !self.shutdown.has_begun() {
            if !self.is_settled() {
                self.report(Event::StopDelayed);
            }
            self.end_hand_over_to_stop();
        }
        if self.shutdown.step(self.now, Input::Ordered) == Effect::Release {
            self.release_everything();
        }
    }

    fn release_everything(&mut self) {
        self.report(Event::StopBegins);
        let resource = Message::Resource {
            hold: GroupSet::None,
            full: true,
            stable: Some(false),
            occasion: Occasion::Shutdown,
        };
        self.tell_classic(ClassicInput::OwnStop);
        self.send(resource, None);
        for group in self.settings.group_ids() {
            self.release(group, Cause::Stopping);
        }
        self.beat_soon();
    }

    pub(super) fn elapse_shutdown(&mut self) {
        let input = match self.shutdown {
            Shutdown::None | Shutdown::Over => return,
            Shutdown::Releasing { .. } => {
                let runs = self.groups.iter().any(|group| !group.runner.is_idle());
                let mut groups = self.settings.group_ids();
                Input::Turn { runs, in_doubt: groups.find(|group| self.groups[*group].in_doubt) }
            }
            Shutdown::Said { sequence, .. } => Input::Acknowledged(self.is_acknowledged(sequence)),
        };
        match self.shutdown.step(self.now, input) {
            Effect::Nothing | Effect::Release => {}
            Effect::ReportDoubt(group) => self.report(Event::StopInDoubt(group)),
            Effect::SayGoodbye => self.say_goodbye(),
            Effect::End => {
                self.store_peers();
                self.outbox.push_back(Output::End);
            }
        }
    }

    fn say_goodbye(&mut self) {
        self.report(Event::Relinquished);
        let sequence = self.history.next();
        self.send(Message::Shutdone, None);
        // Without negotiation, a C node that takes over does not say when it is done.
        let awaits_takeover =
            self.settings.failback != Failback::Legacy && self.classic_peer().is_some();
        self.shutdown.step(self.now, Input::GoodbyeSent { sequence, awaits_takeover });
    }

    /// Whether every node that listens has acknowledged a message of this node.
    fn is_acknowledged(&self, sequence: u64) -> bool {
        self.others().map(|node| self.peer(node)).all(|peer| {
            let listens = peer.is_alive() && peer.status != NodeStatus::Dead && !peer.has_left;
            !listens || peer.acknowledged >= sequence
        })
    }

    /// A C node that says "done" has taken over this node's groups.
    pub(super) fn record_taken_over(&mut self, from: NodeId, step: Step) {
        let is_taken_over = step == Step::Done && self.peer(from).kind == Kind::Classic;
        self.shutdown.step(self.now, Input::Step { is_taken_over });
    }
}
