//! Messages that a C node sends although no node needs them: its scripts work by sending messages
//! to their own daemon, and those messages leave on every medium like all others. Beside a C node
//! this node sends the same messages, so that no log, capture or monitor sees a different kind of
//! node.

use super::Cluster;
use crate::peer::Kind;
use crate::{Failback, GroupSet, Message, NodeId, Occasion, Step};

/// A node acknowledges one in this many of its own messages to itself.
const OWN_ACK_EVERY: u64 = 10;

impl Cluster {
    /// This node's own groups start. A C node sends itself an order for each of them, and then the
    /// report of the script that gave the orders.
    pub(super) fn say_acquired(&mut self, hold: GroupSet) {
        let me = self.settings.me;
        let mut has_own = false;
        for group in self.settings.group_ids() {
            let is_own = self.preferred(group) == me && self.is_configured(group);
            has_own |= is_own;
            if is_own && self.groups[group].runner.is_idle() {
                let key = self.settings.groups[group.index()].name().into();
                self.send(Message::GroupGrant { key, owned: true, granted: true }, Some(me));
            }
        }
        if has_own {
            self.say_holding(hold);
        }
    }

    /// The peer has said goodbye, and its groups start here.
    pub(super) fn say_succeeded(&mut self) {
        self.classic_report(Occasion::Report);
        let (hold, step) = (GroupSet::All, Step::Done);
        self.send(Message::AskResources { hold, step, ipfail: false, by_order: false }, None);
        self.say_holding(hold);
    }

    /// Sends the report of the script that requested this node's own groups.
    pub(super) fn say_holding(&mut self, hold: GroupSet) {
        if self.settings.failback != Failback::Legacy {
            let (stable, occasion) = (Some(true), Occasion::Acquired);
            self.send(Message::Resource { hold, full: true, stable, occasion }, None);
        }
    }

    /// The groups of a dead or departed peer run here: sends the report of the takeover script.
    pub(super) fn say_taken_over(&mut self, from: NodeId) {
        let peer = self.peer(from);
        let is_gone = peer.has_left || !peer.is_alive();
        if peer.kind == Kind::Classic && is_gone && self.settings.failback != Failback::Legacy {
            let (hold, occasion) = (GroupSet::Foreign, Occasion::MachDown);
            self.send(Message::Resource { hold, full: false, stable: None, occasion }, None);
        }
    }

    /// A sequenced message was sent: now and then a C node acknowledges its own messages.
    pub(super) fn say_heard_ourselves(&mut self, sequence: u64) {
        let is_due = sequence.is_multiple_of(OWN_ACK_EVERY) && self.transmitter.flow_control;
        if is_due && self.has_classic_peer() {
            self.send(Message::Ack { sequence }, Some(self.settings.me));
        }
    }
}
